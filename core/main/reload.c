/* reload.c — a new configuration, as a whole or not at all.
 *
 * Everything new is built beside what runs and judged; modules are asked for their consent; sockets are opened. Only then, where nothing can
 * fail any more, it is swapped. One error anywhere and all of it is thrown away, each error in a line of the log.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <linnet/log.h>
#include "registry/modules.h"
#include "house.h"
#include "notify.h"

typedef struct fresh {
	ln_conf_file_t *file;
	ln__settings_t settings;
	ln__listeners_t *listeners;
	unsigned core, modules;  /* options that differ */
	bool pending;            /* modules have configurations pending */
} fresh_t;

static bool read_all(fresh_t *f, ln_conf_errors_t *errors)
{
	const ln__house_t *h = &ln__house;

	f->file = ln_conf_read(h->path, errors);
	if (!f->file)
		return false;
	ln__settings_bind(f->file, &f->settings, errors);
	f->core = ln__settings_diff(&h->settings, &f->settings, errors);
	if (ln_modules_prepare(f->file, &f->modules, errors) != LN_OK)
		return false;
	f->pending = true;
	f->listeners = ln__listeners_bind(f->file, errors);
	ln_conf_check_unused(f->file, NULL, errors);
	return ln_conf_errors_count(errors) == 0;
}

static bool reopen_log(const fresh_t *f, ln_conf_errors_t *errors)
{
	const ln__log_conf_t *c = &f->settings.log;

	if (ln_log_open(c->file, (ln_log_format_t)c->format.value, (ln_level_t)c->level.value) == LN_OK)
		return true;
	ln_conf_say(errors, ln_conf_get(f->file, NULL, "log"), "log file %s: %s", c->file, strerror(errno));
	return false;
}

/* --- what is different ----------------------------------------------------------------------------------------- */

typedef struct difference {
	const ln__listeners_t *other;
	const ln_listener_t *one;   /* that a twin is looked for */
	bool found;
	unsigned missing, changed;
} difference_t;

static bool differs(const ln_listener_t *a, const ln_listener_t *b)
{
	ln_conf_errors_t *ignored = ln_conf_errors_create();
	unsigned n = ln_conf_diff(ln__listener_items, &a->conf, &b->conf, a->name, ignored);

	for (unsigned i = 0; i < a->module_count && i < b->module_count; i++)
		if (a->module_conf[i] && b->module_conf[i])
			n += ln_conf_diff(ln_module_at(i)->conf, a->module_conf[i], b->module_conf[i], a->name, ignored);
	ln_conf_errors_destroy(ignored);
	return n > 0;
}

static void compare_twin(const ln_listener_t *l, void *ctx)
{
	difference_t *d = ctx;

	if (strcmp(l->name, d->one->name) != 0)
		return;
	d->found = true;
	d->changed += differs(l, d->one);
}

static void compare_one(const ln_listener_t *l, void *ctx)
{
	difference_t *d = ctx;

	d->one = l;
	d->found = false;
	ln__listeners_each(d->other, compare_twin, d);
	d->missing += !d->found;
}

/* How many of SET are not in OTHER, or are there and different. */
static difference_t compare(const ln__listeners_t *set, const ln__listeners_t *other)
{
	difference_t d = { .other = other };

	ln__listeners_each(set, compare_one, &d);
	return d;
}

/* --- all or nothing --------------------------------------------------------------------------------------------- */

static void put_in_force(fresh_t *f)
{
	ln__house_t *h = &ln__house;
	ln__settings_t old = h->settings;
	difference_t fresh = compare(f->listeners, h->listeners), gone = compare(h->listeners, f->listeners);

	ln_modules_commit();
	h->settings = f->settings;
	ln__settings_clear(&old);
	ln__settings_apply(&h->settings);
	ln__listeners_serve(f->listeners, h->listeners);
	h->listeners = f->listeners;
	ln_conf_free(f->file);
	ln_log((void *)NULL, RELOADED, f->core, f->modules, fresh.missing, gone.missing, fresh.changed);
}

static void throw_away(fresh_t *f, const ln_conf_errors_t *errors)
{
	for (unsigned i = 0; i < ln_conf_errors_count(errors); i++)
		ln_log((void *)NULL, RELOAD_REFUSED, ln_conf_errors_at(errors, i));
	ln__listeners_destroy(f->listeners);
	if (f->pending)
		ln_modules_discard();
	if (f->file)
		ln__settings_clear(&f->settings);
	ln_conf_free(f->file);
}

/* With the time, so that the manager knows which READY=1 ends this one. */
static void notify_reloading(void)
{
	char text[64];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	ln__notify(text);
}

void ln__reload(void)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	fresh_t f = { 0 };

	notify_reloading();
	if (read_all(&f, errors) && ln__listeners_open(f.listeners, ln__house.listeners, errors) && ln_modules_reload(errors) == LN_OK &&
	    reopen_log(&f, errors))
		put_in_force(&f);
	else
		throw_away(&f, errors);
	ln_conf_errors_destroy(errors);
	ln__notify("READY=1");
}
