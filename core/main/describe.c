/* describe.c — --describe and --describe-man: what there is to configure, to count and to read in the log.
 *
 * All of it comes from the tables themselves. The configuration is asked for module-path and nothing else; errors in it
 * are for -t. The build makes linnet.conf(5) and linnet-log(7) with this, so the manual knows exactly the modules that
 * were built.
 */
#include <stdio.h>
#include <string.h>
#include <linnet/log.h>
#include "registry/describe.h"
#include "registry/modules.h"
#include "broker.h"
#include "house.h"

typedef struct describe_ctx {
	char *dir;
	void (*fn)(const ln_module_t *m);
	ln_conf_errors_t *errors;
} describe_ctx_t;

static void open_one(const char *name, void *ctx)
{
	describe_ctx_t *d = ctx;
	const ln_module_t *m = ln_module_open(d->dir, name, NULL, d->errors);

	if (m)
		d->fn(m);
}

static void describe_begin(describe_ctx_t *d, const char *path)
{
	ln_conf_errors_t *ignored = ln_conf_errors_create();
	ln__house_t *h = &ln__house;

	ln__house_prepare();
	d->errors = ln_conf_errors_create();
	h->file = ln_conf_read(path, ignored);
	ln__settings_bind(h->file, &h->settings, ignored);
	d->dir = h->settings.top.module_path;
	ln_conf_errors_destroy(ignored);
}

static int describe_end(describe_ctx_t *d)
{
	int code = ln_conf_errors_count(d->errors) ? 2 : 0;

	ln__house_print_errors(d->errors);
	ln_conf_errors_destroy(d->errors);
	ln__settings_clear(&ln__house.settings);
	ln__house_close_configuration();
	ln_describe_clear();
	ln_logs_clear();
	return code;
}

static void describe_module(const ln_module_t *m)
{
	ln_describe_module(stdout, m);
}

int ln__broker_describe(const char *path, const char *name)
{
	describe_ctx_t d = { .fn = describe_module };

	describe_begin(&d, path);
	if (name) {
		open_one(name, &d);
	} else {
		ln_describe_core(stdout);
		ln_module_each_name(d.dir, open_one, &d);
	}
	return describe_end(&d);
}

static void man_module(const ln_module_t *m)
{
	ln_describe_man(stdout, m);
}

static void register_logs(const ln_module_t *m)
{
	if (m->logs)
		ln_log_register(m->name, m->logs);
}

int ln__broker_describe_man(const char *path, const char *page)
{
	bool conf = strcmp(page, "conf") == 0;
	describe_ctx_t d = { .fn = conf ? man_module : register_logs };

	describe_begin(&d, path);
	if (conf)
		ln_describe_man_core(stdout);
	ln_module_each_name(d.dir, open_one, &d);
	if (!conf)
		ln_describe_man_catalogues(stdout);
	return describe_end(&d);
}
