/* module.c — finds one module and judges its descriptor.
 *
 * A descriptor is read in two steps: its first eight bytes (major, minor, size), which every ABI has in the same place,
 * and only when they are acceptable the rest, of which exactly `size` bytes are copied into a zeroed descriptor of our
 * own size. So the core always sees a full struct, and what an older module does not have is zero: "not used".
 *
 * A refused file is closed at once; an accepted one never, because pointers into it are everywhere.
 */
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linnet/mem.h>
#include "conf_tree.h"
#include "modules.h"

#define NAME_MAX_LEN 40
/* The least a descriptor has: up to and with `self`. */
#define SIZE_MIN offsetof(ln_module_t, conf)

typedef struct opened {
	ln_module_t module;         /* first: a module's address is its entry's */
	struct opened *next;
	char path[];
} opened_t;

/* Weak: a program without the table (a test) has no address for it. A weak empty table here would be folded away by the
 * compiler. */
extern const ln_module_t *const ln_static_modules[] __attribute__((weak));

static opened_t *all_opened;

/* --- judging ---------------------------------------------------------------------------------------------------- */

/* Says why the descriptor at M may not be used at all; false when it may. Looks at the first eight bytes only. */
static bool wrong_abi(const ln_module_t *m, const char *path, const ln_conf_node_t *place, ln_conf_errors_t *errors)
{
	if (m->abi_major != LN_ABI_MAJOR || m->abi_minor > LN_ABI_MINOR) {
		ln_conf_say(errors, place,
			    "%s: built for ABI %u.%u, this linnetd has %u.%u: rebuild the module or install the "
			    "matching version",
			    path, m->abi_major, m->abi_minor, LN_ABI_MAJOR, LN_ABI_MINOR);
		return true;
	}
	if (m->size < SIZE_MIN || m->size > sizeof(ln_module_t)) {
		ln_conf_say(errors, place,
			    "%s: its descriptor of %u bytes cannot be of ABI %u.%u (%zu to %zu bytes), this linnetd "
			    "has %u.%u: rebuild the module",
			    path, m->size, m->abi_major, m->abi_minor, SIZE_MIN, sizeof(ln_module_t), LN_ABI_MAJOR,
			    LN_ABI_MINOR);
		return true;
	}
	return false;
}

/* What is wrong inside a full descriptor, or NULL. */
static const char *flaw(const ln_module_t *m)
{
	if (!m->version || !m->summary)
		return "it has no version or no summary";
	if (!m->self)
		return "it has no place for what the core tells it (self)";
	if (m->conf && m->conf_size == 0)
		return "it has options but no size of their struct";
	for (const ln_hook_t *h = m->hooks; h && h->fn; h++)
		if (h->point >= LN_HOOK_POINT_COUNT)
			return "one of its hooks names a point that does not exist";
	return NULL;
}

/* Copies the acceptable descriptor FROM; NULL after saying what is wrong. */
static opened_t *adopt(const ln_module_t *from, const char *name, const char *path, const ln_conf_node_t *place,
		       ln_conf_errors_t *errors)
{
	opened_t *o;
	const char *why;

	if (wrong_abi(from, path, place, errors))
		return NULL;
	o = ln_alloc(sizeof(*o) + strlen(path) + 1);
	memcpy(&o->module, from, from->size);
	memcpy(o->path, path, strlen(path) + 1);
	why = flaw(&o->module);
	if (!o->module.name || strcmp(o->module.name, name) != 0)
		ln_conf_say(errors, place,
			    "%s: the module inside calls itself \"%s\": the file's name must be the module's", path,
			    o->module.name ? o->module.name : "");
	else if (why)
		ln_conf_say(errors, place, "%s: %s: this is a defect of the module", path, why);
	else
		return o;
	ln_free(o);
	return NULL;
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

static opened_t *open_static(const char *name, const ln_conf_node_t *place, ln_conf_errors_t *errors, bool *ret_found)
{
	for (const ln_module_t *const *m = ln_static_modules; m && *m; m++) {
		if (strcmp((*m)->name, name) != 0)
			continue;
		*ret_found = true;
		return adopt(*m, name, "linked in", place, errors);
	}
	return NULL;
}

static void try_name(const char *name, void *ctx)
{
	ln__nearest_try(ctx, name);
}

static void say_missing(const char *dir, const char *name, const ln_conf_node_t *place, ln_conf_errors_t *errors)
{
	ln__nearest_t nearest = { .wanted = name };
	char hint[128];

	ln_module_each_name(dir, try_name, &nearest);
	ln_conf_say(errors, place, "there is no module \"%s\" in %s%s", name, dir,
		    ln__nearest_hint(&nearest, hint, sizeof(hint)));
}

static opened_t *open_file(const char *path, const char *name, const ln_conf_node_t *place, ln_conf_errors_t *errors)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), *symbol = handle ? dlsym(handle, "ln_module") : NULL;
	opened_t *o = NULL;

	if (!handle)
		ln_conf_say(errors, place, "cannot open the module \"%s\": %s", name, dlerror());
	else if (!symbol)
		ln_conf_say(errors, place, "%s: not a module of Linnet: it has no symbol ln_module", path);
	else
		o = adopt(symbol, name, path, place, errors);
	if (handle && !o)
		dlclose(handle);
	return o;
}

/* A name is a word, never a path. */
static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && name[len] == '\0' && len <= NAME_MAX_LEN && !isdigit((unsigned char)name[0]);
}

static opened_t *open_new(const char *dir, const char *name, const ln_conf_node_t *place, ln_conf_errors_t *errors)
{
	char path[4096];
	bool found = false;
	opened_t *o = open_static(name, place, errors, &found);
	int n = snprintf(path, sizeof(path), "%s/%s.so", dir, name);

	if (found)
		return o;
	if (n < 0 || (size_t)n >= sizeof(path) || access(path, F_OK) != 0) {
		say_missing(dir, name, place, errors);
		return NULL;
	}
	return open_file(path, name, place, errors);
}

const ln_module_t *ln_module_open(const char *dir, const char *name, const ln_conf_node_t *place,
				  ln_conf_errors_t *errors)
{
	opened_t *o;

	ln_require(dir && dir[0] && name && errors);
	for (o = all_opened; o; o = o->next)
		if (strcmp(o->module.name, name) == 0)
			return &o->module;
	if (!is_name(name)) {
		ln_conf_say(errors, place, "\"%s\" cannot be the name of a module", name);
		return NULL;
	}
	o = open_new(dir, name, place, errors);
	if (!o)
		return NULL;
	o->next = all_opened;
	all_opened = o;
	return &o->module;
}

const char *ln_module_path(const ln_module_t *module)
{
	for (const opened_t *o = all_opened; o; o = o->next)
		if (&o->module == module)
			return o->path;
	ln_require(!"a module that was opened");
	return "";
}

static bool is_static(const char *name)
{
	for (const ln_module_t *const *m = ln_static_modules; m && *m; m++)
		if (strcmp((*m)->name, name) == 0)
			return true;
	return false;
}

void ln_module_each_name(const char *dir, void (*fn)(const char *name, void *ctx), void *ctx)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, NULL, alphasort);

	for (const ln_module_t *const *m = ln_static_modules; m && *m; m++)
		fn((*m)->name, ctx);
	for (int i = 0; i < count; i++) {
		char *name = entries[i]->d_name;
		size_t len = strlen(name);
		if (len > 3 && strcmp(name + len - 3, ".so") == 0) {
			name[len - 3] = '\0';
			if (is_name(name) && !is_static(name))
				fn(name, ctx);
		}
		free(entries[i]);
	}
	free(entries);
}
