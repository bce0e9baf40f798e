/* self.h — what a module knows about its own place in the broker: where its configuration, counters and state are. For every
 * file of a module; <linnet/module.h> is for the one that holds the descriptor. */
#ifndef LINNET_SELF_H
#define LINNET_SELF_H

#include <stddef.h>
#include <stdint.h>

/* What the core tells the module about itself, in the module's own memory. The core writes a field only when the
 * module's ABI has it. */
typedef struct ln_self {
	const void *conf;          /* the bound configuration; read with ln_rcu_get(&self->conf) */
	uint32_t stat_base;        /* first counter */
	uint32_t index;            /* among the loaded modules, from 0 */
	size_t worker_slot;        /* for ln_worker_slot */
	size_t session_slot;       /* where the module's state begins in a session's block of modules' states */
} ln_self_t;

#endif
