/* describe.c — tables as text.
 *
 * Nothing is written down twice: what --describe, the manual and conf.d/ say is what the parser does, because it is the
 * same line of the same table. Every printer here is a walk over a table; who adds an option, a counter or a message
 * adds a line there and is done.
 */
#include <string.h>
#include <linnet/mem.h>
#include "conf_value.h"
#include "describe.h"

typedef struct section {
	const char *name, *summary;
	const ln_conf_item_t *items;
} section_t;

static struct {
	section_t *item;
	unsigned count;
} sections;

void ln_describe_section(const char *name, const char *summary, const ln_conf_item_t *items)
{
	ln_require(summary && items);
	sections.item = ln_realloc(sections.item, (sections.count + 1) * sizeof(*sections.item));
	sections.item[sections.count++] = (section_t){ name, summary, items };
}

void ln_describe_clear(void)
{
	ln_free(sections.item);
	memset(&sections, 0, sizeof(sections));
}

/* --- pieces ----------------------------------------------------------------------------------------------------- */

/* The default as YAML; NULL for none. The caller frees. */
static char *default_text(const ln_conf_item_t *item)
{
	ln_conf_item_t one[] = { *item, LN_CONF_END };
	/* Room for a field of any type, where the item's own struct is not known. */
	union { uint64_t number; char *text; ln_strings_t list; } field;
	ln_buf_t out = { 0 };
	char *text;

	if (!item->def)
		return NULL;
	memset(&field, 0, sizeof(field));
	one[0].offset = 0;
	ln_conf_defaults(one, &field);
	ln__conf_value_print(&out, one, &field);
	text = ln_strndup((const char *)ln_buf_slice(&out).data, ln_buf_len(&out));
	ln_buf_fini(&out);
	ln_conf_clear(one, &field);
	return text;
}

/* "a size from 1K to 1M; may change while the broker runs; a listener may have its own". The caller frees. */
static char *rules_text(const ln_conf_item_t *item)
{
	ln_buf_t out = { 0 };
	char *text;

	ln__conf_value_expected(&out, item);
	ln_buf_printf(&out, item->reload ? "; may change while the broker runs" : "; changes with a restart");
	if (item->listener)
		ln_buf_printf(&out, "; a listener may have its own");
	if (item->path)
		ln_buf_printf(&out, "; relative to the file it stands in");
	text = ln_strndup((const char *)ln_buf_slice(&out).data, ln_buf_len(&out));
	ln_buf_fini(&out);
	return text;
}

/* --- --describe ------------------------------------------------------------------------------------------------- */

static void describe_items(FILE *out, const ln_conf_item_t *items)
{
	char option[LN_CONF_NAME_MAX + 1];

	if (!items || !items->field)
		return;
	fprintf(out, "  options\n");
	for (; items->field; items++) {
		char *def = default_text(items), *rules = rules_text(items);
		fprintf(out, "    %s: %s\n      %s\n      %s\n", ln__conf_option(items, option),
			def ? def : "(not set)", items->help, rules);
		ln_free(def);
		ln_free(rules);
	}
}

static void describe_stats(FILE *out, const char *prefix, const ln_stat_t *stats)
{
	if (!stats || !stats->name)
		return;
	fprintf(out, "  counters\n");
	for (; stats->name; stats++)
		fprintf(out, "    %s.%s (%s)\n      %s\n", prefix, stats->name,
			stats->kind == LN_STAT_GAUGE ? "gauge" : "counter", stats->help);
}

static void describe_logs(FILE *out, const ln_logdef_t *logs)
{
	if (!logs || !logs->id)
		return;
	fprintf(out, "  log messages\n");
	for (; logs->id; logs++)
		fprintf(out, "    %s (%s): %s\n      %s\n", logs->id, ln_log_levels[logs->level], logs->format,
			logs->help);
}

static void describe_hooks(FILE *out, const ln_hook_t *hooks)
{
	if (!hooks || !hooks->fn)
		return;
	fprintf(out, "  hooks\n");
	for (; hooks->fn; hooks++)
		fprintf(out, "    %s at %u\n      %s\n", ln_hook_point_name(hooks->point), hooks->prio,
			hooks->help ? hooks->help : "");
}

static void describe_provides(FILE *out, const ln_provide_t *provides)
{
	static const char *const kinds[] = {
		[LN_PROVIDE_PROTOCOL] = "protocol", [LN_PROVIDE_LAYER] = "layer", [LN_PROVIDE_STORE] = "store"
	};

	if (!provides || provides->kind == LN_PROVIDE_END)
		return;
	fprintf(out, "  provides\n");
	for (; provides->kind != LN_PROVIDE_END; provides++)
		fprintf(out, "    %s %s\n",
			(size_t)provides->kind < LN_ARRAY_SIZE(kinds) ? kinds[provides->kind] : "something newer",
			provides->name);
}

void ln_describe_core(FILE *out)
{
	for (unsigned i = 0; i < sections.count; i++) {
		fprintf(out, "%s: %s\n", sections.item[i].name ? sections.item[i].name : "top level",
			sections.item[i].summary);
		describe_items(out, sections.item[i].items);
	}
}

void ln_describe_module(FILE *out, const ln_module_t *module)
{
	fprintf(out, "%s: %s\n  version %s, ABI %u.%u, %s\n", module->name, module->summary, module->version,
		module->abi_major, module->abi_minor, ln_module_path(module));
	for (const char *const *need = module->needs; need && *need; need++)
		fprintf(out, "  needs %s\n", *need);
	describe_provides(out, module->provides);
	describe_items(out, module->conf);
	describe_stats(out, module->name, module->stats);
	describe_logs(out, module->logs);
	describe_hooks(out, module->hooks);
}

/* --- files the build makes -------------------------------------------------------------------------------------- */

void ln_describe_conf_file(FILE *out, const ln_module_t *module, bool load)
{
	char option[LN_CONF_NAME_MAX + 1];

	fprintf(out, "# %s: %s\n%s:\n  # Load this module.\n  load: %s\n", module->name, module->summary, module->name,
		load ? "yes" : "no");
	for (const ln_conf_item_t *item = module->conf; item && item->field; item++) {
		char *def = default_text(item), *rules = rules_text(item);
		fprintf(out, "\n  # %s\n  # (%s)\n  %s%s: %s\n", item->help, rules, def ? "" : "#",
			ln__conf_option(item, option), def ? def : "");
		ln_free(def);
		ln_free(rules);
	}
}

static void man_chars(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", out);
		else if (*s == '-')
			fputs("\\-", out);
		else
			fputc(*s, out);
	}
}

/* Text lines of mdoc, one for each sentence: no escape of its own, no request at a beginning. */
static void man_text(FILE *out, const char *s)
{
	for (const char *end; s; s = end) {
		char line[1024];
		size_t len;

		end = strstr(s, ". ");
		len = end ? (size_t)(end - s) + 1 : strlen(s);
		snprintf(line, sizeof(line), "%.*s", (int)len, s);
		end = end ? end + 2 : NULL;
		if (line[0] == '.' || line[0] == '\'')
			fputs("\\&", out);
		man_chars(out, line);
		fputc('\n', out);
	}
}

static void man_item(FILE *out, const ln_conf_item_t *item)
{
	char option[LN_CONF_NAME_MAX + 1];
	char *def = default_text(item), *rules = rules_text(item);

	fputs(".It Cm ", out);
	man_chars(out, ln__conf_option(item, option));
	fputs(" : Ar value\n", out);
	man_text(out, item->help);
	fputs(".br\n", out);
	man_text(out, rules);
	if (def) {
		fputs(".br\nDefault:\n", out);
		man_text(out, def);
	}
	ln_free(def);
	ln_free(rules);
}

static void man_section(FILE *out, const char *name, const char *summary, const ln_conf_item_t *items)
{
	fprintf(out, ".Ss %s\n", name ? name : "top level");
	man_text(out, summary);
	if (!items || !items->field)
		return;
	fputs(".Bl -tag -width Ds\n", out);
	for (; items->field; items++)
		man_item(out, items);
	fputs(".El\n", out);
}

void ln_describe_man(FILE *out, const ln_module_t *module)
{
	man_section(out, module->name, module->summary, module->conf);
}

void ln_describe_man_core(FILE *out)
{
	for (unsigned i = 0; i < sections.count; i++)
		man_section(out, sections.item[i].name, sections.item[i].summary, sections.item[i].items);
}

static void man_log(FILE *out, const ln_logdef_t *def)
{
	fprintf(out, ".It Sy %s Pq %s\n", def->id, ln_log_levels[def->level]);
	man_text(out, def->format);
	fputs(".br\n", out);
	man_text(out, def->help);
}

void ln_describe_man_logs(FILE *out, const ln_logdef_t *table)
{
	for (; table->id; table++)
		man_log(out, table);
}

typedef struct catalogue_ctx {
	FILE *out;
	const char *name;
} catalogue_ctx_t;

static void man_registered(const char *name, const ln_logdef_t *def, void *ctx)
{
	catalogue_ctx_t *c = ctx;

	if (!c->name || strcmp(c->name, name) != 0)
		fprintf(c->out, "%s.Ss %s\n.Bl -tag -width Ds\n", c->name ? ".El\n" : "", name);
	c->name = name;
	man_log(c->out, def);
}

void ln_describe_man_catalogues(FILE *out)
{
	catalogue_ctx_t c = { out, NULL };

	ln_log_each(man_registered, &c);
	if (c.name)
		fputs(".El\n", out);
}

/* --- --dump-config ---------------------------------------------------------------------------------------------- */

static void dump_items(FILE *out, const char *indent, const ln_conf_item_t *items, const void *conf)
{
	char option[LN_CONF_NAME_MAX + 1];
	ln_buf_t line = { 0 };

	for (; items && items->field; items++) {
		ln_buf_printf(&line, "%s%s: ", indent, ln__conf_option(items, option));
		ln__conf_value_print(&line, items, conf);
		ln_buf_append(&line, "\n", 1);
		fwrite(ln_buf_slice(&line).data, 1, ln_buf_len(&line), out);
		ln_buf_consume(&line, ln_buf_len(&line));
	}
	ln_buf_fini(&line);
}

void ln_describe_dump(FILE *out, const char *name, const ln_conf_item_t *items, const void *conf)
{
	if (name)
		fprintf(out, "%s:\n", name);
	dump_items(out, name ? "  " : "", items, conf);
}

void ln_describe_dump_modules(FILE *out)
{
	for (unsigned i = 0; i < ln_modules_count(); i++) {
		const ln_module_t *m = ln_module_at(i);
		fprintf(out, "%s:\n  load: yes\n", m->name);
		if (m->conf && m->self->conf)
			dump_items(out, "  ", m->conf, m->self->conf);
	}
}
