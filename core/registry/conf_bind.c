/* conf_bind.c — a table binds a mapping to a struct.
 *
 * The table is the only description of an option: its default goes through the same parser as what a user writes, so a
 * default out of range stops the first start of whoever wrote it, not a user. Binding leaves a field untouched when its
 * text is wrong; every error of a section is said in one go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linnet/mem.h>
#include "conf_tree.h"
#include "conf_value.h"

static void *field_of(const ln_conf_item_t *item, void *conf)
{
	return (char *)conf + item->offset;
}

/* --- texts and lists, which the struct owns --------------------------------------------------------------------- */

static void list_fini(ln_strings_t *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		ln_free(list->item[i]);
	ln_free(list->item);
	*list = (ln_strings_t){ 0 };
}

/* Takes TEXT. */
static void list_add(ln_strings_t *list, char *text)
{
	list->item = ln_realloc(list->item, (list->count + 1) * sizeof(*list->item));
	list->item[list->count++] = text;
}

/* "a", "[a, b]", "[]": what a table's default may say. */
static void list_from_default(ln_strings_t *list, const char *def)
{
	bool many = def && def[0] == '[';
	const char *at = many ? def + 1 : def, *end = many ? def + strlen(def) - 1 : def + (def ? strlen(def) : 0);

	ln_require(!many || *end == ']');
	while (at < end) {
		size_t len = many ? strcspn(at, ",]") : (size_t)(end - at);
		const char *next = at + len + (len < (size_t)(end - at));
		for (; len > 0 && *at == ' '; len--)
			at++;
		while (len > 0 && at[len - 1] == ' ')
			len--;
		if (len > 0)
			list_add(list, ln_strndup(at, len));
		at = next;
	}
}

void ln_conf_clear(const ln_conf_item_t *items, void *dst)
{
	for (; items->field; items++) {
		char **text = field_of(items, dst);
		if (items->type == LN_CONF_STRINGS) {
			list_fini(field_of(items, dst));
		} else if (items->type == LN_CONF_STRING) {
			ln_free(*text);
			*text = NULL;
		}
	}
}

void ln_conf_copy(const ln_conf_item_t *items, void *dst, const void *src, size_t size)
{
	memcpy(dst, src, size);
	for (; items->field; items++) {
		if (items->type == LN_CONF_STRING) {
			char **text = field_of(items, dst);
			*text = *text ? ln_strdup(*text) : NULL;
		} else if (items->type == LN_CONF_STRINGS) {
			const ln_strings_t *from = ln__conf_field(items, src);
			ln_strings_t *list = field_of(items, dst);
			*list = (ln_strings_t){ 0 };
			for (uint32_t i = 0; i < from->count; i++)
				list_add(list, ln_strdup(from->item[i]));
		}
	}
}

void ln_conf_defaults(const ln_conf_item_t *items, void *dst)
{
	for (; items->field; items++) {
		void *field = field_of(items, dst);
		if (items->type == LN_CONF_STRING)
			*(char **)field = items->def ? ln_strdup(items->def) : NULL;
		else if (items->type == LN_CONF_STRINGS)
			list_from_default(memset(field, 0, sizeof(ln_strings_t)), items->def);
		else
			ln_require(items->def && ln__conf_value_parse(items, items->def, field));
	}
}

/* --- binding ---------------------------------------------------------------------------------------------------- */

static void say_expected(ln_conf_errors_t *errors, const ln_conf_item_t *item, const ln_conf_node_t *node)
{
	static const char *const kinds[] = {
		[LN__CONF_NOTHING] = "nothing", [LN__CONF_MAPPING] = "a section", [LN__CONF_LIST] = "a list"
	};
	char option[LN_CONF_NAME_MAX + 1], path[256] = "", got[128];
	ln_buf_t expected = { 0 };

	ln__conf_value_expected(&expected, item);
	ln_buf_append(&expected, "", 1);
	if (node->kind == LN__CONF_TEXT)
		snprintf(got, sizeof(got), "\"%.100s\"", node->text);
	else
		snprintf(got, sizeof(got), "%s", kinds[node->kind]);
	if (node->parent && node->parent->kind == LN__CONF_MAPPING)
		ln__conf_node_path(node->parent, path, sizeof(path));
	ln_conf_say(errors, node, "%s%s: expected %s, got %s", ln__conf_option(item, option), path,
		    (const char *)ln_buf_slice(&expected).data, got);
	ln_buf_fini(&expected);
}

/* PATH with the current directory in front where it is relative. Takes PATH. */
static char *absolute(char *path)
{
	char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	ln_buf_t out = { 0 };

	if (!cwd)
		return path;
	ln_buf_printf(&out, "%s/%s", cwd, path);
	free(cwd);
	ln_free(path);
	path = ln_strndup((const char *)ln_buf_slice(&out).data, ln_buf_len(&out));
	ln_buf_fini(&out);
	return path;
}

/* The text of NODE as the item wants it: a relative path begins at the file it stands in, and is made absolute, so that
 * it means the same wherever a dump of it is read. The caller frees. */
static char *text_for(const ln_conf_item_t *item, const ln_conf_node_t *node)
{
	if (!item->path || !node->text[0])
		return ln_strdup(node->text);
	return absolute(ln__conf_resolve(node->at.file, node->text, false));
}

/* Adds NODE's texts to LIST; false when something else is among them. */
static bool collect_texts(const ln_conf_item_t *item, ln_strings_t *list, const ln_conf_node_t *node)
{
	if (node->kind == LN__CONF_TEXT) {
		list_add(list, text_for(item, node));
		return true;
	}
	for (const ln_conf_node_t *child = node->first; child; child = child->next) {
		if (child->kind != LN__CONF_TEXT)
			return false;
		list_add(list, text_for(item, child));
	}
	return node->kind != LN__CONF_MAPPING;
}

static bool bind_list(const ln_conf_item_t *item, ln_strings_t *field, const ln_conf_node_t *node)
{
	ln_strings_t list = { 0 }, old;
	bool good = collect_texts(item, &list, node);

	old = good ? *field : list;
	*field = good ? list : *field;
	list_fini(&old);
	return good;
}

static bool bind_text(const ln_conf_item_t *item, char **field, const ln_conf_node_t *node)
{
	if (node->kind != LN__CONF_TEXT && (node->kind != LN__CONF_NOTHING || item->def))
		return false;
	ln_free(*field);
	*field = node->kind == LN__CONF_TEXT ? text_for(item, node) : NULL;
	return true;
}

void ln__conf_bind_one(const ln_conf_item_t *item, void *dst, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	void *field = field_of(item, dst);
	bool good;

	if (item->type == LN_CONF_STRINGS)
		good = bind_list(item, field, node);
	else if (item->type == LN_CONF_STRING)
		good = bind_text(item, field, node);
	else
		good = node->kind == LN__CONF_TEXT && ln__conf_value_parse(item, node->text, field);
	if (!good)
		say_expected(errors, item, node);
}

static const ln_conf_item_t *find_item(const ln_conf_item_t *items, const char *name)
{
	char option[LN_CONF_NAME_MAX + 1];

	for (; items->field; items++)
		if (strcmp(ln__conf_option(items, option), name) == 0)
			return items;
	return NULL;
}

static void say_unknown(ln_conf_errors_t *errors, const ln_conf_item_t *items, const ln_conf_node_t *child,
			bool listener_only)
{
	ln__nearest_t nearest = { .wanted = child->key };
	char option[LN_CONF_NAME_MAX + 1], path[256], hint[128];

	for (; items->field; items++)
		if (!listener_only || items->listener)
			ln__nearest_try(&nearest, ln__conf_option(items, option));
	ln__conf_say_at(errors, &child->key_at, "unknown option \"%s\"%s%s", child->key,
			ln__conf_node_path(child->parent, path, sizeof(path)),
			ln__nearest_hint(&nearest, hint, sizeof(hint)));
}

static void bind_member(const ln_conf_item_t *items, void *dst, ln_conf_node_t *child, bool listener_only,
			ln_conf_errors_t *errors)
{
	const ln_conf_item_t *item = find_item(items, child->key);
	bool top = !child->parent->parent;

	if (item && listener_only && !item->listener)
		ln__conf_say_at(errors, &child->key_at,
				"\"%s\" cannot differ between listeners: set it in the section \"%s\" of its own",
				child->key, child->parent->key);
	else if (item)
		ln__conf_bind_one(item, dst, child, errors);
	else if (!top && !child->used)
		say_unknown(errors, items, child, listener_only);
	if (item || !top)
		child->used = true;
}

void ln_conf_bind(const ln_conf_file_t *file, const ln_conf_item_t *items, void *dst, const ln_conf_node_t *node,
		  bool listener_only, ln_conf_errors_t *errors)
{
	char option[LN_CONF_NAME_MAX + 1];

	(void)file;
	if (!node || node->kind == LN__CONF_NOTHING)
		return;
	if (node->kind != LN__CONF_MAPPING) {
		ln_conf_say(errors, node, "%s: expected a section (\"name: value\" lines)",
			    node->key ? node->key : "[]");
		return;
	}
	for (const ln_conf_item_t *item = items; item->field; item++)
		ln__conf_node_asked(node, ln__conf_option(item, option));
	for (ln_conf_node_t *child = node->first; child; child = child->next)
		bind_member(items, dst, child, listener_only, errors);
}

/* --- what a reload changes -------------------------------------------------------------------------------------- */

static void say_fixed(ln_conf_errors_t *errors, const ln_conf_item_t *item, const void *old, const void *new_,
		      const char *section)
{
	char option[LN_CONF_NAME_MAX + 1];
	ln_buf_t was = { 0 }, is = { 0 };

	ln__conf_value_print(&was, item, old);
	ln__conf_value_print(&is, item, new_);
	ln_conf_say(errors, NULL,
		    "%s%s%s: cannot change from %.*s to %.*s while the broker runs: restart it, or set it back",
		    section ? section : "", section ? ": " : "", ln__conf_option(item, option), (int)ln_buf_len(&was),
		    (const char *)ln_buf_slice(&was).data, (int)ln_buf_len(&is), (const char *)ln_buf_slice(&is).data);
	ln_buf_fini(&was);
	ln_buf_fini(&is);
}

unsigned ln_conf_diff(const ln_conf_item_t *items, const void *old, const void *new_, const char *section,
		      ln_conf_errors_t *errors)
{
	unsigned count = 0;

	for (; items->field; items++) {
		if (ln__conf_value_same(items, old, new_))
			continue;
		count++;
		if (!items->reload)
			say_fixed(errors, items, old, new_, section);
	}
	return count;
}
