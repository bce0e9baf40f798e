/* dump.c — --dump-config: what is in force, as a user would write it; feeding it back gives the same broker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linnet/log.h>
#include "registry/conf_value.h"
#include "registry/describe.h"
#include "house.h"

/* Prints TEXT with every line moved right. */
static void indent(char *text, unsigned by)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		printf("%*s%s\n", (int)by, "", line);
}

static void dump_under(const char *name, const ln_conf_item_t *items, const void *conf, unsigned by)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	ln_describe_dump(f, name, items, conf);
	fclose(f);
	indent(text, by);
	free(text);
}

/* A listener's own view of a module, where it is not the module's. */
static void dump_override(const ln_listener_t *l, unsigned i)
{
	const ln_module_t *m = ln_module_at(i);
	ln_conf_errors_t *ignored;

	if (!m->conf || !l->module_conf[i])
		return;
	ignored = ln_conf_errors_create();
	if (ln_conf_diff(m->conf, m->self->conf, l->module_conf[i], m->name, ignored))
		dump_under(m->name, m->conf, l->module_conf[i], 4);
	ln_conf_errors_destroy(ignored);
}

typedef struct named {
	char *name;
} named_t;

/* A listener is called whatever its user likes; quoted where YAML needs it. */
static void print_name(char *name)
{
	static const ln_conf_item_t item[] = { LN_CONF(named_t, name, NULL, ""), LN_CONF_END };
	named_t named = { name };
	ln_buf_t text = { 0 };

	ln__conf_value_print(&text, item, &named);
	printf("  %.*s:\n", (int)ln_buf_len(&text), (const char *)ln_buf_slice(&text).data);
	ln_buf_fini(&text);
}

static void dump_listener(const ln_listener_t *l, void *ctx)
{
	(void)ctx;
	print_name(l->name);
	dump_under(NULL, ln__listener_items, &l->conf, 4);
	for (unsigned i = 0; i < l->module_count; i++)
		dump_override(l, i);
}

void ln__dump_listeners(const ln__listeners_t *set)
{
	printf("listeners:\n");
	ln__listeners_each(set, dump_listener, NULL);
}
