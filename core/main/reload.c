/* reload.c — a new configuration, as a whole or not at all.
 *
 * Everything new is built beside what runs and judged; modules are asked for their consent; sockets are opened. Only then, where nothing can
 * fail any more, it is swapped. One error anywhere and all of it is thrown away, each error in a line of the log.
 */
#include <errno.h>
#include <string.h>
#include <linnet/log.h>
#include "registry/modules.h"
#include "house.h"
#include "notify.h"

typedef struct fresh {
	ln_conf_file_t *file;
	ln__settings_t settings;
	ln__listeners_t *listeners;
	unsigned changed;
	bool pending;            /* modules have configurations pending */
} fresh_t;

static bool read_all(fresh_t *f, ln_conf_errors_t *errors)
{
	const ln__house_t *h = &ln__house;

	f->file = ln_conf_read(h->path, errors);
	if (!f->file)
		return false;
	ln__settings_bind(f->file, &f->settings, errors);
	f->changed = ln__settings_diff(&h->settings, &f->settings, errors);
	if (ln_modules_prepare(f->file, errors) != LN_OK)
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

static void put_in_force(fresh_t *f)
{
	ln__house_t *h = &ln__house;
	ln__settings_t old = h->settings;

	ln_modules_commit();
	h->settings = f->settings;
	ln__settings_clear(&old);
	ln__settings_apply(&h->settings);
	ln__listeners_serve(f->listeners, h->listeners);
	h->listeners = f->listeners;
	ln_conf_free(f->file);
	ln_log((void *)NULL, RELOADED, f->changed);
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

void ln__reload(void)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	fresh_t f = { 0 };

	ln__notify("RELOADING=1");
	if (read_all(&f, errors) && ln__listeners_open(f.listeners, ln__house.listeners, errors) && ln_modules_reload(errors) == LN_OK &&
	    reopen_log(&f, errors))
		put_in_force(&f);
	else
		throw_away(&f, errors);
	ln_conf_errors_destroy(errors);
	ln__notify("READY=1");
}
