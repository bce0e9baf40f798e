/* modules_conf.c — which modules a configuration wants, and the configuration each of them runs with.
 *
 * A module's options live in a block of their own: the struct the module declared, preceded by what freeing it needs.
 * The one in force is never written again. A new file is bound into new, pending blocks; only when every module's
 * passed every check are all pointers swapped, one release store each, and the old blocks wait for the workers' grace
 * period. A worker may thus see one module's new configuration a moment before another's, never half of one.
 *
 * Listeners may say some options differently. Each gets a whole struct, the module's own with the listener's lines over
 * it, so a module never asks twice.
 */
#include <stdio.h>
#include <string.h>
#include <linnet/mem.h>
#include "conf_value.h"
#include "modules_conf.h"

#define BLOCK_MAGIC 0x4c6e4362u

static const ln_conf_item_t no_items[] = { LN_CONF_END };

/* --- which ------------------------------------------------------------------------------------------------------ */

static void want(ln__wanted_list_t *list, const char *name, const ln_conf_node_t *place)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->item[i].name, name) == 0)
			return;
	list->item = ln_realloc(list->item, (list->count + 1) * sizeof(*list->item));
	list->item[list->count++] = (ln__wanted_t){ .name = name, .place = place };
}

static void want_listed(const ln_conf_file_t *file, ln__wanted_list_t *list, ln_conf_errors_t *errors)
{
	const ln_conf_node_t *names = ln_conf_get(file, NULL, "modules"), *item;
	void *pos = NULL;

	if (!names)
		return;
	if (ln_conf_text(names)) {
		want(list, ln_conf_text(names), names);
		return;
	}
	while ((item = ln_conf_next(file, names, &pos, NULL))) {
		if (ln_conf_is_mapping(names) || !ln_conf_text(item)) {
			ln_conf_say(errors, item, "modules: expected the name of a module or a list of names");
			return;
		}
		want(list, ln_conf_text(item), item);
	}
}

/* What a section's `load` says; false when it says nothing. */
static bool says_load(const ln_conf_node_t *load, ln_conf_errors_t *errors)
{
	static const ln_conf_item_t item = { .field = "load", .type = LN_CONF_BOOL };
	bool yes = false;

	ln__conf_bind_one(&item, &yes, load, errors);
	return yes;
}

void ln__modules_wanted(const ln_conf_file_t *file, ln__wanted_list_t *list, ln_conf_errors_t *errors)
{
	const ln_conf_node_t *section;
	const char *name;
	void *pos = NULL;

	want_listed(file, list, errors);
	while ((section = ln_conf_next(file, NULL, &pos, &name))) {
		const ln_conf_node_t *load = ln_conf_is_mapping(section) ? ln_conf_get(file, section, "load") : NULL;
		if (!load || ln_conf_is_mapping(load))
			continue;
		ln_conf_get(file, NULL, name);
		if (says_load(load, errors))
			want(list, name, load);
	}
}

/* --- blocks ----------------------------------------------------------------------------------------------------- */

static ln__conf_block_t *block_of(void *conf)
{
	ln__conf_block_t *block = LN_CONTAINER(conf, ln__conf_block_t, conf);

	ln_require(LN_MAGIC_OK(block, BLOCK_MAGIC));
	return block;
}

static ln__conf_block_t *block_create(const ln_module_t *module)
{
	ln__conf_block_t *block = ln_alloc(sizeof(*block) + module->conf_size);

	block->magic = BLOCK_MAGIC;
	block->module = module;
	return block;
}

void ln_module_conf_free(void *conf)
{
	ln__conf_block_t *block = conf ? block_of(conf) : NULL;

	if (!block)
		return;
	ln_conf_clear(block->module->conf, block->conf);
	block->magic = 0;
	ln_free(block);
}

static void on_unseen(ln_rcu_head_t *head)
{
	ln_module_conf_free(LN_CONTAINER(head, ln__conf_block_t, rcu)->conf);
}

void ln_module_conf_retire(void *conf)
{
	if (conf)
		ln_rcu_call(&block_of(conf)->rcu, on_unseen);
}

/* --- binding ---------------------------------------------------------------------------------------------------- */

static void bind_one(const ln_conf_file_t *file, ln__running_t *r, ln_conf_errors_t *errors)
{
	const ln_module_t *m = r->module;
	const ln_conf_node_t *section = ln_conf_get(file, NULL, m->name);
	unsigned before = ln_conf_errors_count(errors);

	if (ln_conf_is_mapping(section))
		ln_conf_get(file, section, "load");
	if (!m->conf) {
		ln_conf_bind(file, no_items, NULL, section, false, errors);
		return;
	}
	r->pending = block_create(m);
	ln_conf_defaults(m->conf, r->pending->conf);
	ln_conf_bind(file, m->conf, r->pending->conf, section, false, errors);
	/* What spans several options makes sense only where each is right by itself. */
	if (m->check && ln_conf_errors_count(errors) == before)
		m->check(r->pending->conf, section, errors);
}

ln_result_t ln_modules_bind(const ln_conf_file_t *file, ln_conf_errors_t *errors)
{
	unsigned before = ln_conf_errors_count(errors);

	ln_modules_discard();
	for (unsigned i = 0; i < ln__modules.count; i++)
		bind_one(file, &ln__modules.item[i], errors);
	if (ln_conf_errors_count(errors) == before)
		return LN_OK;
	ln_modules_discard();
	return LN_INVALID;
}

void ln_modules_discard(void)
{
	for (unsigned i = 0; i < ln__modules.count; i++) {
		ln__running_t *r = &ln__modules.item[i];
		ln_module_conf_free(r->pending ? r->pending->conf : NULL);
		r->pending = NULL;
	}
}

void ln_modules_commit(void)
{
	for (unsigned i = 0; i < ln__modules.count; i++) {
		ln__running_t *r = &ln__modules.item[i];
		ln__conf_block_t *old = r->conf;
		if (!r->pending)
			continue;
		ln_rcu_set(&r->module->self->conf, (const void *)r->pending->conf);
		r->conf = r->pending;
		r->pending = NULL;
		ln_module_conf_retire(old ? old->conf : NULL);
	}
}

void *ln_module_bind_listener(const ln_conf_file_t *file, const ln_module_t *module, const ln_conf_node_t *node,
			      ln_conf_errors_t *errors)
{
	const ln__running_t *r = &ln__modules.item[module->self->index];
	const ln__conf_block_t *own = r->pending ? r->pending : r->conf;
	unsigned before = ln_conf_errors_count(errors);
	ln__conf_block_t *block;

	ln_require(r->module == module);
	if (!module->conf) {
		ln_conf_bind(file, no_items, NULL, node, true, errors);
		return NULL;
	}
	ln_require(own);
	block = block_create(module);
	ln_conf_copy(module->conf, block->conf, own->conf, module->conf_size);
	ln_conf_bind(file, module->conf, block->conf, node, true, errors);
	if (module->check && node && ln_conf_errors_count(errors) == before)
		module->check(block->conf, node, errors);
	return block->conf;
}

/* --- reload ----------------------------------------------------------------------------------------------------- */

/* The set is decided at start: says where FILE wants another one. */
static void check_same_set(const ln_conf_file_t *file, ln_conf_errors_t *errors)
{
	ln__wanted_list_t list = { 0 };

	ln__modules_wanted(file, &list, errors);
	for (unsigned i = 0; i < list.count; i++)
		if (!ln_module_find(list.item[i].name))
			ln_conf_say(errors, list.item[i].place,
				    "module \"%s\" is not loaded: a module comes with a restart only",
				    list.item[i].name);
	for (unsigned i = 0; i < ln__modules.count; i++) {
		const char *name = ln__modules.item[i].module->name;
		bool wanted = false;
		for (unsigned j = 0; j < list.count; j++)
			wanted |= strcmp(list.item[j].name, name) == 0;
		if (!wanted)
			ln_conf_say(errors, NULL,
				    "module \"%s\" is loaded and no longer wanted: a module goes with a restart only",
				    name);
	}
	ln_free(list.item);
}

ln_result_t ln_modules_prepare(const ln_conf_file_t *file, unsigned *changed, ln_conf_errors_t *errors)
{
	unsigned before = ln_conf_errors_count(errors);

	check_same_set(file, errors);
	if (ln_modules_bind(file, errors) != LN_OK)
		return LN_INVALID;
	for (unsigned i = 0; i < ln__modules.count; i++) {
		const ln__running_t *r = &ln__modules.item[i];
		if (r->pending && r->conf)
			*changed += ln_conf_diff(r->module->conf, r->conf->conf, r->pending->conf, r->module->name,
						 errors);
	}
	if (ln_conf_errors_count(errors) == before)
		return LN_OK;
	ln_modules_discard();
	return LN_INVALID;
}

ln_result_t ln_modules_reload(ln_conf_errors_t *errors)
{
	unsigned before = ln_conf_errors_count(errors);

	for (unsigned i = 0; i < ln__modules.count; i++) {
		const ln__running_t *r = &ln__modules.item[i];
		const ln_module_t *m = r->module;
		ln_result_t result;

		if (!m->reload)
			continue;
		result = m->reload(m->self->conf, r->pending ? r->pending->conf : NULL);
		if (result != LN_OK)
			ln_conf_say(errors, NULL, "module \"%s\" does not take its new configuration: %s", m->name,
				    ln_result_text(result));
	}
	return ln_conf_errors_count(errors) == before ? LN_OK : LN_REFUSED;
}
