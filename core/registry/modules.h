/* modules.h — finding, judging and running modules, for core/main, core/net and core/broker.
 *
 * Two steps. ln_module_open (module.c) finds one module by name, linked in or as DIR/NAME.so, judges its descriptor and
 * copies it into a full one; nothing of the module has run and nobody knows it yet: --describe needs no more. The
 * functions ln_modules_… (modules.c) handle the set a configuration wants. In the order of a start:
 *
 *     ln_modules_open      which are wanted, in the order they need each other; counters, catalogues, hooks, slots
 *     ln_modules_bind      a configuration for each, checked, pending
 *     ln_modules_commit    the pending ones are in force: self->conf
 *     ln_modules_load      load() of each
 *     ln_hooks_compile, privileges dropped, ln_workers_each(ln_modules_worker_start)
 *     … serve …
 *     ln_workers_each(ln_modules_worker_stop)
 *     ln_modules_unload    unload() of those that were loaded, last first
 *
 * and of a reload: ln_modules_prepare (then listeners and whoever else binds from the new file), ln_modules_reload, and
 * either ln_modules_commit, which cannot fail, or ln_modules_discard: a reload happens as a whole or not at all.
 *
 * A module is wanted when it stands in `modules:` or its own section says `load: true`. `load` is the loader's option;
 * every section may have it. Thread: main, before or outside serving, but where said otherwise.
 */
#ifndef REGISTRY_MODULES_H
#define REGISTRY_MODULES_H

#include <linnet/module.h>

/* Modules that are part of this program; ended by NULL. The build makes the table; a program
 * without one has none. */
extern const ln_module_t *const ln_static_modules[];

/* --- one module (module.c) ---------------------------------------------------------------------------------------- */

/* The module NAME, judged; opened once, whoever asks. NULL after saying at PLACE (may be NULL) why not. Never closed.
 * */
const ln_module_t *ln_module_open(const char *dir, const char *name, const ln_conf_node_t *place,
				  ln_conf_errors_t *errors);
/* The file MODULE came from; "linked in" for one that is part of the program. */
const char *ln_module_path(const ln_module_t *module);
/* FN for the name of every module there is: linked in, and each .so in DIR, sorted. */
void ln_module_each_name(const char *dir, void (*fn)(const char *name, void *ctx), void *ctx);

/* --- the set (modules.c) ------------------------------------------------------------------------------------------ */

/* LN_REFUSED after saying every reason. Before ln_workers_create. */
ln_result_t LN_MUST_USE ln_modules_open(const char *dir, const ln_conf_file_t *file, ln_conf_errors_t *errors);
/* LN_INVALID after saying every error; then nothing is pending. */
ln_result_t LN_MUST_USE ln_modules_bind(const ln_conf_file_t *file, ln_conf_errors_t *errors);
/* For a reload: ln_modules_bind, and FILE wants the modules that run and changes no option that cannot change.
 * Adds to *changed how many options differ. LN_INVALID after saying what stands against it; then nothing is pending. */
ln_result_t LN_MUST_USE ln_modules_prepare(const ln_conf_file_t *file, unsigned *changed, ln_conf_errors_t *errors);
/* Asks every module's reload() for its consent to what is pending. LN_REFUSED after saying who refused; discard then.
 * */
ln_result_t LN_MUST_USE ln_modules_reload(ln_conf_errors_t *errors);
/* Puts what is pending in force; the configurations before it are freed when no worker can see them any more. */
void ln_modules_commit(void);
void ln_modules_discard(void);
/* load() of each, in order; the first refusal ends it, said in ERRORS. Who loaded is unloaded by ln_modules_unload. */
ln_result_t LN_MUST_USE ln_modules_load(ln_conf_errors_t *errors);
void ln_modules_unload(void);
/* For ln_workers_each. Thread: W's. */
void ln_modules_worker_start(ln_worker_t *w, void *unused);
void ln_modules_worker_stop(ln_worker_t *w, void *unused);

unsigned ln_modules_count(void);
const ln_module_t *ln_module_at(unsigned index);
/* The running module NAME, or NULL. Thread: any. */
const ln_module_t *ln_module_find(const char *name);
/* What a running module provides as KIND under NAME, and which module; NULL when none does. ret_module may be NULL.
 * Thread: any. */
const void *ln_module_provide(ln_provide_kind_t kind, const char *name, const ln_module_t **ret_module);
/* The size of the block of modules' states a session has: session_slot counts from its beginning, which must be aligned
 * for anything. (A connection's depends on its listener's stack: net/ lays it out.) Thread: any. */
size_t ln_modules_session_size(void);

/* MODULE's configuration for one listener: a copy of its own (the pending one when there is one) with what NODE holds
 * bound over it and checked. NODE may be NULL. Errors are said; the copy is always returned and owned by the caller,
 * NULL only when MODULE has no options. */
void *ln_module_bind_listener(const ln_conf_file_t *file, const ln_module_t *module, const ln_conf_node_t *node,
			      ln_conf_errors_t *errors);
/* Frees such a copy at once; or when no worker can see it any more. Both accept NULL. */
void ln_module_conf_free(void *conf);
void ln_module_conf_retire(void *conf);

/* Tests: forget the set (not the files opened). */
void ln_modules_clear(void);

#endif
