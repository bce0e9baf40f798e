/* modules_conf.h — what modules.c and modules_conf.c share: the running set, and a block of memory around each bound
 * configuration. Private to core/registry. Thread: main. */
#ifndef REGISTRY_MODULES_CONF_H
#define REGISTRY_MODULES_CONF_H

#include <stdalign.h>
#include "modules.h"

/* A bound configuration with what freeing it takes. Modules see `conf`. */
typedef struct ln__conf_block {
	ln_rcu_head_t rcu;
	uint32_t magic;
	const ln_module_t *module;
	alignas(max_align_t) char conf[];
} ln__conf_block_t;

typedef struct ln__running {
	const ln_module_t *module;
	ln__conf_block_t *conf;       /* in force, NULL before the first commit and for a module without options */
	ln__conf_block_t *pending;
	bool loaded;                  /* load() ran and agreed */
} ln__running_t;

typedef struct ln__modules {
	ln__running_t *item;
	unsigned count;
	size_t session_size;
} ln__modules_t;

extern ln__modules_t ln__modules;

/* The names FILE wants loaded: `modules:`, then sections with `load: true`. */
typedef struct ln__wanted {
	const char *name;
	const ln_conf_node_t *place;
	const ln_module_t *module;    /* NULL until opened */
	bool done;
} ln__wanted_t;
typedef struct ln__wanted_list {
	ln__wanted_t *item;
	unsigned count;
} ln__wanted_list_t;
/* Takes part in "has anybody asked": a section whose `load` is false counts as used. The caller frees list->item. */
void ln__modules_wanted(const ln_conf_file_t *file, ln__wanted_list_t *list, ln_conf_errors_t *errors);

#endif
