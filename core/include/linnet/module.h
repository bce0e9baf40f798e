/* module.h — a module is one constant.
 *
 * Everything the core must know about a module is static data in one exported ln_module_t; it is the module's only
 * exported symbol.
 *
 * ABI history: 1.0 the first.
 *
 * ABI = a major, a minor and a size. Major must be equal, the module's minor at most the core's; the struct only grows
 * at its end, what an older module does not have is zero, zero means "not used".
 *
 * Life: dlopen (RTLD_NOW | RTLD_LOCAL) → ABI and needs checked → configuration bound, check() → load() (main thread,
 * still privileged) → privileges dropped → worker_start() on each worker → serve … reload(old, new) … → worker_stop()
 * on each worker → unload(). A module is never closed while the process runs.
 */
#ifndef LINNET_MODULE_H
#define LINNET_MODULE_H

#include <linnet/conf.h>
#include <linnet/hook.h>
#include <linnet/log.h>
#include <linnet/rcu.h>
#include <linnet/self.h>
#include <linnet/stat.h>

#define LN_ABI_MAJOR 1
#define LN_ABI_MINOR 0

typedef enum ln_provide_kind {
	LN_PROVIDE_END,
	LN_PROVIDE_PROTOCOL,
	LN_PROVIDE_LAYER,
	LN_PROVIDE_STORE
} ln_provide_kind_t;

/* Something the module offers by name: a protocol (ln_protocol_t), a layer (ln_layer_t), a store. */
typedef struct ln_provide {
	ln_provide_kind_t kind;
	const char *name;
	const void *what;
} ln_provide_t;

typedef struct ln_module {
	uint16_t abi_major, abi_minor;
	uint32_t size;
	const char *name, *version, *summary;
	ln_self_t *self;
	const ln_conf_item_t *conf;      /* NULL: no options */
	size_t conf_size;
	const ln_stat_t *stats;
	const ln_logdef_t *logs;
	const ln_hook_t *hooks;
	const ln_provide_t *provides;    /* ended by LN_PROVIDE_END */
	const char *const *needs;        /* NULL-ended names of modules that must be loaded */
	size_t worker_size;              /* zeroed state per worker, connection, session */
	size_t conn_size;
	size_t session_size;
	/* What spans several options; says errors at NODE (NULL when the configuration has no section for the module).
	 * Called for the module's own configuration and for each listener's copy. Thread: main. */
	void (*check)(const void *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors);
	ln_result_t (*load)(const void *conf);
	void (*worker_start)(ln_worker_t *, void *state);
	void (*worker_stop)(ln_worker_t *, void *state);
	/* After the new configuration passed every check, before it is in force: only prepare what may fail. Another
	 * module may still refuse; then NEW never comes. Both are NULL for a module without options. Thread: main. */
	ln_result_t (*reload)(const void *old_conf, const void *new_conf);
	void (*unload)(void);
} ln_module_t;

#ifdef LN_STATIC_MODULE
#define LN_MODULE_SYMBOL(n) ln_module_##n
#else
#define LN_MODULE_SYMBOL(n) ln_module
#endif

/* Defines the descriptor. The module's own `ln_self_t NAME_self` (hidden) must be defined beside it. */
#define LN_MODULE(n, ...)                                                                          \
	extern const ln_module_t LN_MODULE_SYMBOL(n);                                              \
	LN_EXPORT const ln_module_t LN_MODULE_SYMBOL(n) = {                                        \
		.abi_major = LN_ABI_MAJOR, .abi_minor = LN_ABI_MINOR, .size = sizeof(ln_module_t), \
		.name = #n, .version = LN_VERSION, .self = &n##_self, __VA_ARGS__                  \
	}

#endif
