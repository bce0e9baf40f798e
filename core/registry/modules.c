/* modules.c — the set of modules that run: which, in which order, and their life.
 *
 * The set is decided once, at start: opened in the order the configuration names them but never before a module they
 * need, then each gets its index, counters, catalogue, hooks and its places in the workers' and sessions'
 * blocks. From then on the set is an array that does not change, walked forward to begin and backward to end.
 *
 * Not done: loading modules one does not name because another needs them. What runs in a broker should stand in its
 * configuration.
 */
#include <stdio.h>
#include <string.h>
#include <linnet/mem.h>
#include "modules_conf.h"

#define SLOT_ALIGN 16u

ln__modules_t ln__modules;

/* --- order ------------------------------------------------------------------------------------------------------ */

static const ln__wanted_t *find_wanted(const ln__wanted_list_t *list, const char *name)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->item[i].name, name) == 0)
			return &list->item[i];
	return NULL;
}

/* Are all modules that W needs done? */
static bool is_ready(const ln__wanted_list_t *list, const ln__wanted_t *w)
{
	for (const char *const *need = w->module->needs; need && *need; need++) {
		const ln__wanted_t *other = find_wanted(list, *need);
		if (!other || !other->done)
			return false;
	}
	return true;
}

static void say_not_ready(const ln__wanted_list_t *list, const ln__wanted_t *w, ln_conf_errors_t *errors)
{
	bool missing = false;

	for (const char *const *need = w->module->needs; need && *need; need++) {
		if (find_wanted(list, *need))
			continue;
		missing = true;
		ln_conf_say(errors, w->place,
			    "module \"%s\" needs the module \"%s\": add it to \"modules:\" or say \"load: true\" in "
			    "its section",
			    w->name, *need);
	}
	if (!missing)
		ln_conf_say(errors, w->place,
			    "module \"%s\" needs modules that need it, or could not be loaded themselves", w->name);
}

static size_t place_in(size_t *total, size_t size)
{
	size_t slot = *total;

	*total += (size + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1);
	return slot;
}

static void add(const ln_module_t *m)
{
	ln__modules_t *all = &ln__modules;

	all->item = ln_realloc(all->item, (all->count + 1) * sizeof(*all->item));
	all->item[all->count] = (ln__running_t){ .module = m };
	m->self->index = all->count++;
	m->self->conf = NULL;
	m->self->stat_base = m->stats ? ln_stat_register(m->name, m->stats) : 0;
	m->self->worker_slot = m->worker_size ? ln_worker_slot_reserve(m->worker_size) : 0;
	m->self->session_slot = place_in(&all->session_size, m->session_size);
	if (m->logs)
		ln_log_register(m->name, m->logs);
	if (m->hooks)
		ln_hook_register(m->name, m->hooks);
}

/* Two modules that offer the same thing under one name. */
static void check_provides(const ln__wanted_t *w, ln_conf_errors_t *errors)
{
	const ln_module_t *other = NULL;

	for (const ln_provide_t *p = w->module->provides; p && p->kind != LN_PROVIDE_END; p++)
		if (ln_module_provide(p->kind, p->name, &other))
			ln_conf_say(errors, w->place,
				    "module \"%s\" provides \"%s\", and so does module \"%s\": load one of them",
				    w->name, p->name, other->name);
}

static void open_in_order(ln__wanted_list_t *list, ln_conf_errors_t *errors)
{
	bool progress = true;

	while (progress) {
		progress = false;
		for (unsigned i = 0; i < list->count; i++) {
			ln__wanted_t *w = &list->item[i];
			if (w->done || !w->module || !is_ready(list, w))
				continue;
			check_provides(w, errors);
			add(w->module);
			w->done = progress = true;
		}
	}
	for (unsigned i = 0; i < list->count; i++)
		if (list->item[i].module && !list->item[i].done)
			say_not_ready(list, &list->item[i], errors);
}

ln_result_t ln_modules_open(const char *dir, const ln_conf_file_t *file, ln_conf_errors_t *errors)
{
	unsigned before = ln_conf_errors_count(errors);
	ln__wanted_list_t list = { 0 };

	ln_require(ln__modules.count == 0);
	ln__modules_wanted(file, &list, errors);
	for (unsigned i = 0; i < list.count; i++)
		list.item[i].module = ln_module_open(dir, list.item[i].name, list.item[i].place, errors);
	open_in_order(&list, errors);
	ln_free(list.item);
	return ln_conf_errors_count(errors) == before ? LN_OK : LN_REFUSED;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

ln_result_t ln_modules_load(ln_conf_errors_t *errors)
{
	for (unsigned i = 0; i < ln__modules.count; i++) {
		ln__running_t *r = &ln__modules.item[i];
		ln_result_t result = r->module->load ? r->module->load(r->module->self->conf) : LN_OK;
		if (result != LN_OK) {
			ln_conf_say(errors, NULL, "module \"%s\" does not start: %s", r->module->name,
				    ln_result_text(result));
			return result;
		}
		r->loaded = true;
	}
	return LN_OK;
}

void ln_modules_unload(void)
{
	for (unsigned i = ln__modules.count; i > 0; i--) {
		ln__running_t *r = &ln__modules.item[i - 1];
		if (r->loaded && r->module->unload)
			r->module->unload();
		r->loaded = false;
	}
}

static void *worker_state(ln_worker_t *w, const ln_module_t *m)
{
	return m->worker_size ? ln_worker_slot(w, m->self->worker_slot) : NULL;
}

void ln_modules_worker_start(ln_worker_t *w, void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < ln__modules.count; i++) {
		const ln_module_t *m = ln__modules.item[i].module;
		if (m->worker_start)
			m->worker_start(w, worker_state(w, m));
	}
}

void ln_modules_worker_stop(ln_worker_t *w, void *unused)
{
	(void)unused;
	for (unsigned i = ln__modules.count; i > 0; i--) {
		const ln_module_t *m = ln__modules.item[i - 1].module;
		if (m->worker_stop)
			m->worker_stop(w, worker_state(w, m));
	}
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

unsigned ln_modules_count(void)
{
	return ln__modules.count;
}

const ln_module_t *ln_module_at(unsigned index)
{
	ln_require(index < ln__modules.count);
	return ln__modules.item[index].module;
}

const ln_module_t *ln_module_find(const char *name)
{
	for (unsigned i = 0; i < ln__modules.count; i++)
		if (strcmp(ln__modules.item[i].module->name, name) == 0)
			return ln__modules.item[i].module;
	return NULL;
}

const void *ln_module_provide(ln_provide_kind_t kind, const char *name, const ln_module_t **ret_module)
{
	for (unsigned i = 0; i < ln__modules.count; i++) {
		const ln_module_t *m = ln__modules.item[i].module;
		for (const ln_provide_t *p = m->provides; p && p->kind != LN_PROVIDE_END; p++) {
			if (p->kind != kind || strcmp(p->name, name) != 0)
				continue;
			if (ret_module)
				*ret_module = m;
			return p->what;
		}
	}
	return NULL;
}

size_t ln_modules_session_size(void)
{
	return ln__modules.session_size;
}

void ln_modules_clear(void)
{
	ln_modules_discard();
	for (unsigned i = 0; i < ln__modules.count; i++) {
		ln__running_t *r = &ln__modules.item[i];
		r->module->self->conf = NULL;
		ln_module_conf_free(r->conf ? r->conf->conf : NULL);
	}
	ln_free(ln__modules.item);
	memset(&ln__modules, 0, sizeof(ln__modules));
}
