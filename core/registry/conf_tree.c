/* conf_tree.c — the tree a configuration is read into, the errors said about it, and who has asked for what.
 *
 * Nothing in a configuration may be ignored silently. So each member knows whether anybody asked for it, and each
 * mapping remembers the names it was asked for: what is left over at the end is an error, and the nearest name that
 * would have been understood is suggested. The marks hang on pointers inside the nodes, which is why asking a const
 * tree may set them.
 *
 * Members are a linked list and looked for one by one: sections have dozens of members, and they are read once.
 */
#include <stdio.h>
#include <string.h>
#include <linnet/buf.h>
#include <linnet/mem.h>
#include "conf_tree.h"

#define NODE_MAGIC 0x4c6e436eu
#define FILE_MAGIC 0x4c6e4366u

struct ln_conf_errors {
	unsigned count;
	char **item;
};

static char *names_add(ln__conf_names_t *names, const char *name)
{
	names->item = ln_realloc(names->item, (names->count + 1) * sizeof(*names->item));
	names->item[names->count] = ln_strdup(name);
	return names->item[names->count++];
}

static void names_fini(ln__conf_names_t *names)
{
	for (unsigned i = 0; i < names->count; i++)
		ln_free(names->item[i]);
	ln_free(names->item);
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

ln_conf_node_t *ln__conf_node_create(ln__conf_kind_t kind, char *key, char *text)
{
	ln_conf_node_t *node = ln_new(ln_conf_node_t);

	node->magic = NODE_MAGIC;
	node->kind = kind;
	node->key = key;
	node->text = text;
	if (kind == LN__CONF_MAPPING)
		node->names = ln_new(ln__conf_names_t);
	return node;
}

void ln__conf_node_destroy(ln_conf_node_t *node)
{
	ln_conf_node_t *child;

	if (!node)
		return;
	ln_require(LN_MAGIC_OK(node, NODE_MAGIC));
	while ((child = ln__conf_node_take_first(node)))
		ln__conf_node_destroy(child);
	if (node->names)
		names_fini(node->names);
	ln_free(node->names);
	ln_free(node->key);
	ln_free(node->text);
	ln_free(node);
}

void ln__conf_node_append(ln_conf_node_t *parent, ln_conf_node_t *child)
{
	ln_require(LN_MAGIC_OK(parent, NODE_MAGIC) && LN_MAGIC_OK(child, NODE_MAGIC) && !child->parent);
	child->parent = parent;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

ln_conf_node_t *ln__conf_node_take_first(ln_conf_node_t *parent)
{
	ln_conf_node_t *child = parent->first;

	if (!child)
		return NULL;
	parent->first = child->next;
	if (!parent->first)
		parent->last = NULL;
	child->parent = child->next = NULL;
	return child;
}

ln_conf_node_t *ln__conf_node_find(const ln_conf_node_t *mapping, const char *key)
{
	if (mapping->kind != LN__CONF_MAPPING)
		return NULL;
	for (ln_conf_node_t *child = mapping->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

void ln__conf_node_asked(const ln_conf_node_t *mapping, const char *name)
{
	if (!mapping->names)
		return;
	for (unsigned i = 0; i < mapping->names->count; i++)
		if (strcmp(mapping->names->item[i], name) == 0)
			return;
	names_add(mapping->names, name);
}

/* Writes "listeners.secure" and returns its length; nothing for the top level. */
static size_t put_path(const ln_conf_node_t *node, char *dst, size_t size)
{
	size_t len;
	int n;

	if (!node->parent)
		return 0;
	len = put_path(node->parent, dst, size);
	n = snprintf(dst + len, size - len, "%s%s", len ? "." : "", node->key ? node->key : "[]");
	return n > 0 && (size_t)n < size - len ? len + (size_t)n : len;
}

const char *ln__conf_node_path(const ln_conf_node_t *mapping, char *dst, size_t size)
{
	ln_require(size > 4);
	memcpy(dst, " in ", 5);
	if (put_path(mapping, dst + 4, size - 4) == 0)
		dst[0] = '\0';
	return dst;
}

/* --- a file ----------------------------------------------------------------------------------------------------- */

ln_conf_file_t *ln__conf_file_create(void)
{
	ln_conf_file_t *file = ln_new(ln_conf_file_t);

	file->magic = FILE_MAGIC;
	file->top = ln__conf_node_create(LN__CONF_MAPPING, NULL, NULL);
	return file;
}

const char *ln__conf_file_keep(ln_conf_file_t *file, const char *name)
{
	return names_add(&file->files, name);
}

char *ln__conf_resolve(const char *from, const char *name, bool escape)
{
	const char *slash = strrchr(from, '/');
	ln_buf_t out = { 0 };
	char *path;

	for (const char *at = from; name[0] != '/' && slash && at <= slash; at++) {
		if (escape && strchr("*?[]\\", *at))
			ln_buf_append(&out, "\\", 1);
		ln_buf_append(&out, at, 1);
	}
	ln_buf_append(&out, name, strlen(name));
	path = ln_strndup((const char *)ln_buf_slice(&out).data, ln_buf_len(&out));
	ln_buf_fini(&out);
	return path;
}

void ln_conf_free(ln_conf_file_t *file)
{
	if (!file)
		return;
	ln_require(LN_MAGIC_OK(file, FILE_MAGIC));
	ln__conf_node_destroy(file->top);
	names_fini(&file->files);
	ln_free(file);
}

const ln_conf_node_t *ln_conf_top(const ln_conf_file_t *file)
{
	ln_require(LN_MAGIC_OK(file, FILE_MAGIC));
	return file->top;
}

const ln_conf_node_t *ln_conf_get(const ln_conf_file_t *file, const ln_conf_node_t *node, const char *name)
{
	ln_conf_node_t *child;

	node = node ? node : ln_conf_top(file);
	ln_require(LN_MAGIC_OK(node, NODE_MAGIC) && name);
	ln__conf_node_asked(node, name);
	child = ln__conf_node_find(node, name);
	if (child)
		child->used = true;
	return child;
}

const ln_conf_node_t *ln_conf_next(const ln_conf_file_t *file, const ln_conf_node_t *node, void **pos,
				   const char **ret_name)
{
	ln_conf_node_t *last = *pos, *next;

	node = node ? node : ln_conf_top(file);
	ln_require(LN_MAGIC_OK(node, NODE_MAGIC));
	next = last ? last->next : node->first;
	*pos = next;
	if (next && ret_name)
		*ret_name = next->key;
	return next;
}

const ln_conf_node_t *ln_conf_place(const ln_conf_node_t *node, const char *name)
{
	const ln_conf_node_t *member = node ? ln__conf_node_find(node, name) : NULL;

	return member ? member : node;
}

const char *ln_conf_text(const ln_conf_node_t *node)
{
	return node && node->kind == LN__CONF_TEXT ? node->text : NULL;
}

bool ln_conf_is_mapping(const ln_conf_node_t *node)
{
	return node && node->kind == LN__CONF_MAPPING;
}

/* --- what nobody asked for -------------------------------------------------------------------------------------- */

static void say_unused(ln_conf_errors_t *errors, const ln_conf_node_t *child)
{
	ln__nearest_t nearest = { .wanted = child->key };
	const ln__conf_names_t *names = child->parent->names;
	char path[256], hint[128];

	for (unsigned i = 0; i < names->count; i++)
		ln__nearest_try(&nearest, names->item[i]);
	ln__nearest_hint(&nearest, hint, sizeof(hint));
	if (!child->parent->parent && child->kind == LN__CONF_MAPPING && !hint[0])
		ln__conf_say_at(errors, &child->key_at,
				"section \"%s\" belongs to no loaded module: name the module in \"modules:\", "
				"say \"load: true\" (or \"load: false\") in the section, or remove it",
				child->key);
	else
		ln__conf_say_at(errors, &child->key_at, "unknown option \"%s\"%s%s", child->key,
				ln__conf_node_path(child->parent, path, sizeof(path)), hint);
}

void ln_conf_check_unused(const ln_conf_file_t *file, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	node = node ? node : ln_conf_top(file);
	if (node->kind != LN__CONF_MAPPING)
		return;
	for (ln_conf_node_t *child = node->first; child; child = child->next) {
		if (!child->used)
			say_unused(errors, child);
		child->used = true;
	}
}

/* --- errors ----------------------------------------------------------------------------------------------------- */

ln_conf_errors_t *ln_conf_errors_create(void)
{
	return ln_new(ln_conf_errors_t);
}

void ln_conf_errors_destroy(ln_conf_errors_t *errors)
{
	if (!errors)
		return;
	for (unsigned i = 0; i < errors->count; i++)
		ln_free(errors->item[i]);
	ln_free(errors->item);
	ln_free(errors);
}

unsigned ln_conf_errors_count(const ln_conf_errors_t *errors)
{
	return errors->count;
}

const char *ln_conf_errors_at(const ln_conf_errors_t *errors, unsigned i)
{
	ln_require(i < errors->count);
	return errors->item[i];
}

/* The place's part of an error. A value may hold anything a file can; what is said is printable. */
static void say(ln_conf_errors_t *errors, const ln__conf_place_t *place, const char *text)
{
	char line[1024];
	ln_buf_t buf = { 0 };

	ln_slice_print(ln_slice_of(text), line, sizeof(line));
	if (place && place->line)
		ln_buf_printf(&buf, "%s:%d:%d: ", place->file, place->line, place->column);
	else if (place && place->file)
		ln_buf_printf(&buf, "%s: ", place->file);
	ln_buf_append(&buf, line, strlen(line));
	errors->item = ln_realloc(errors->item, (errors->count + 1) * sizeof(*errors->item));
	errors->item[errors->count++] = ln_strndup((const char *)ln_buf_slice(&buf).data, ln_buf_len(&buf));
	ln_buf_fini(&buf);
}

void ln__conf_say_at(ln_conf_errors_t *errors, const ln__conf_place_t *place, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(errors, place, text);
}

void ln_conf_say(ln_conf_errors_t *errors, const ln_conf_node_t *node, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(errors, node ? &node->at : NULL, text);
}

/* --- the nearest name ------------------------------------------------------------------------------------------- */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* How many letters must be put in, taken out or changed to make B of A (both at most LN_CONF_NAME_MAX long). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[LN_CONF_NAME_MAX + 1], len = (unsigned)strlen(b);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= len; j++) {
			unsigned above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[len];
}

void ln__nearest_try(ln__nearest_t *nearest, const char *name)
{
	size_t len = strlen(nearest->wanted);
	unsigned below = nearest->best[0] ? nearest->distance : (unsigned)(len + 2) / 3 + 1, d;

	if (len > LN_CONF_NAME_MAX || strlen(name) > LN_CONF_NAME_MAX)
		return;
	d = distance(nearest->wanted, name);
	if (d >= below || d >= len)
		return;
	nearest->distance = d;
	memcpy(nearest->best, name, strlen(name) + 1);
}

const char *ln__nearest_hint(const ln__nearest_t *nearest, char *dst, size_t size)
{
	snprintf(dst, size, nearest->best[0] ? " (did you mean \"%s\"?)" : "%s", nearest->best);
	return dst;
}
