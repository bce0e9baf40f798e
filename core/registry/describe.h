/* describe.h — what linnetd says about itself: from the same tables that parse, count, log and load.
 *
 * Used by --describe, --dump-config and the build, which makes conf.d/, linnet.conf(5) and linnet-log(7) from it.
 * Options of the core stand in sections of their own, made known once with ln_describe_section. Thread: main.
 */
#ifndef REGISTRY_DESCRIBE_H
#define REGISTRY_DESCRIBE_H

#include <stdio.h>
#include "modules.h"

/* Makes options of the core known. NAME NULL: they stand at the top level. Everything must stay. */
void ln_describe_section(const char *name, const char *summary, const ln_conf_item_t *items);
/* Tests. */
void ln_describe_clear(void);

/* The core's sections, for --describe without a name. */
void ln_describe_core(FILE *out);
/* One module, opened with ln_module_open. */
void ln_describe_module(FILE *out, const ln_module_t *module);
/* The shipped conf.d/NAME.conf: `load: LOAD`, and every option with its default, its sentence above it. Options without
 * a default (and only they) stand as comments. */
void ln_describe_conf_file(FILE *out, const ln_module_t *module, bool load);
/* mdoc(7) subsections for linnet.conf(5): one of a module, and one for each of the core's sections. */
void ln_describe_man(FILE *out, const ln_module_t *module);
void ln_describe_man_core(FILE *out);
/* List items of linnet-log(7), one for each message of a catalogue. */
void ln_describe_man_logs(FILE *out, const ln_logdef_t *table);
/* Subsections of linnet-log(7), one for each catalogue known to ln_log_register. */
void ln_describe_man_catalogues(FILE *out);

/* --dump-config: CONF as a user would write it, under "NAME:" (NULL: at the top level). */
void ln_describe_dump(FILE *out, const char *name, const ln_conf_item_t *items, const void *conf);
/* And of every running module, the configuration in force (before the first commit: the pending one is not shown). */
void ln_describe_dump_modules(FILE *out);

#endif
