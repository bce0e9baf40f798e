/* conf.h — a configuration is a table into a struct.
 *
 * One line per option: the field gives type and place, its name in kebab-case is the option's name, the default is the
 * text a user would write. Parser, range check, -t, --dump-config, the manual page and the file in conf.d/ come from
 * the table. A checked configuration is immutable; a reload builds a new one and swaps the pointer under RCU.
 *
 * Texts: bool "yes/no/true/false/on/off"; numbers; sizes "64K", "1M", "2G", "1T" (powers of 1024, in bytes); spans
 * "500ms", "10s", "5m", "2h", "7d" (a number without a unit is refused, but for 0); choices by name; strings; lists of
 * strings "[a, b]" or one string. A string whose default is NULL is NULL until it is set; "~" sets it back to NULL.
 *
 * Nothing is ignored: a member counts as known when somebody asked for it (ln_conf_get) or bound it, and whoever owns a
 * mapping calls ln_conf_check_unused on it at the end.
 */
#ifndef LINNET_CONF_H
#define LINNET_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linnet/result.h>

/* The longest text of a field's name. */
#define LN_CONF_NAME_MAX 63

typedef struct ln_bytes { uint64_t n; } ln_bytes_t;            /* a size, in bytes */
typedef struct ln_span { uint64_t ms; } ln_span_t;             /* a duration, in milliseconds */
typedef struct ln_strings { uint32_t count; char **item; } ln_strings_t;
typedef struct ln_choice { int value; } ln_choice_t;           /* index into the item's choices */

typedef enum ln_conf_type {
	LN_CONF_BOOL,
	LN_CONF_U32,
	LN_CONF_U64,
	LN_CONF_BYTES,
	LN_CONF_SPAN,
	LN_CONF_CHOICE,
	LN_CONF_STRING,
	LN_CONF_STRINGS
} ln_conf_type_t;

typedef struct ln_conf_item {
	const char *field;              /* "packet_max": the option is "packet-max" */
	ln_conf_type_t type;
	uint32_t offset;
	const char *def;                /* as a user would write it */
	const char *help;               /* one sentence */
	uint64_t min, max;              /* in the type's unit; max 0: the type's own */
	const char *const *choices;     /* NULL-ended, for LN_CONF_CHOICE */
	bool reload;                    /* may change while the broker runs */
	bool listener;                  /* may stand in a listener's own section too */
	bool path;                      /* texts: a relative one starts at the file it stands in */
	const char *zero;               /* numbers, sizes, spans: the word for 0 ("auto"); 0 is then below no minimum */
} ln_conf_item_t;

#define LN_CONF_TYPE(field)                     \
	_Generic((field),                       \
		bool: LN_CONF_BOOL,             \
		uint32_t: LN_CONF_U32,          \
		uint64_t: LN_CONF_U64,          \
		ln_bytes_t: LN_CONF_BYTES,      \
		ln_span_t: LN_CONF_SPAN,        \
		ln_choice_t: LN_CONF_CHOICE,    \
		char *: LN_CONF_STRING,         \
		ln_strings_t: LN_CONF_STRINGS)

#define LN_CONF(S, f, d, h, ...) \
	{ .field = #f, .type = LN_CONF_TYPE(((S *)0)->f), .offset = offsetof(S, f), .def = d, .help = h, ##__VA_ARGS__ }
#define LN_CONF_END { .field = NULL }

typedef struct ln_conf_file ln_conf_file_t; /* a parsed file with everything it includes */
typedef struct ln_conf_node ln_conf_node_t; /* a place in it; borrowed from the file */

/* Collects every error as "file:line:column: what is wrong and what to do"; ln_conf_say adds one at NODE (the
 * file's top level: the file as a whole; NULL: no place). */
typedef struct ln_conf_errors ln_conf_errors_t;
ln_conf_errors_t *ln_conf_errors_create(void);
void ln_conf_errors_destroy(ln_conf_errors_t *errors);
unsigned ln_conf_errors_count(const ln_conf_errors_t *errors);
const char *ln_conf_errors_at(const ln_conf_errors_t *errors, unsigned i);
void ln_conf_say(ln_conf_errors_t *errors, const ln_conf_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads PATH and what its `include:` names: one name or a list, relative to the file it stands in, globs sorted and
 * free to match nothing, at most eight deep and never in a circle. The members of included files join the top level;
 * one that stands twice is an error that names both places. NULL when anything could not be read or parsed (errors say
 * why); errors may have been said though a tree comes back. Thread: main. */
ln_conf_file_t *ln_conf_read(const char *path, ln_conf_errors_t *errors);
void ln_conf_free(ln_conf_file_t *file);

/* The file's top level as a node: to bind the options that stand there. */
const ln_conf_node_t *ln_conf_top(const ln_conf_file_t *file);
/* The mapping's member NAME, or NULL (also when NODE is no mapping). NODE NULL: the file's top level. */
const ln_conf_node_t *ln_conf_get(const ln_conf_file_t *file, const ln_conf_node_t *node, const char *name);
/* Walks a mapping's members or a list's items (name NULL) in order: start with *pos = NULL. It does not count as asking
 * for them. */
const ln_conf_node_t *ln_conf_next(const ln_conf_file_t *file, const ln_conf_node_t *node, void **pos,
				   const char **ret_name);
/* Where to point with an error about NODE's option NAME: that member, or NODE where it does not stand. Does not count as
 * asking for it. */
const ln_conf_node_t *ln_conf_place(const ln_conf_node_t *node, const char *name);
/* The text of a single value; NULL for a mapping, a list and nothing ("x:", "~", "null"). Borrowed from the file. */
const char *ln_conf_text(const ln_conf_node_t *node);
bool ln_conf_is_mapping(const ln_conf_node_t *node);
/* Says an error for every member of NODE (NULL: top level) that nobody has asked for or bound. Says each once. */
void ln_conf_check_unused(const ln_conf_file_t *file, const ln_conf_node_t *node, ln_conf_errors_t *errors);

/* Fills DST with every item's default. Strings and lists are owned by DST: ln_conf_clear frees them. */
void ln_conf_defaults(const ln_conf_item_t *items, void *dst);
/* Sets from NODE (a mapping; NULL: nothing to do) what it holds; unknown members, wrong types and ranges become errors
 * (the nearest name is suggested). Members that somebody has asked for before are his and are left alone, and so is
 * everything unknown at the top level: there ln_conf_check_unused speaks at the end. LISTENER_ONLY: only items marked
 * .listener are allowed. Items' defaults must be there already. */
void ln_conf_bind(const ln_conf_file_t *file, const ln_conf_item_t *items, void *dst, const ln_conf_node_t *node,
		  bool listener_only, ln_conf_errors_t *errors);
/* Deep copy of one bound struct (listener overrides start from the module's own). */
void ln_conf_copy(const ln_conf_item_t *items, void *dst, const void *src, size_t size);
void ln_conf_clear(const ln_conf_item_t *items, void *dst);
/* Says an error for each item that differs between the two and is not marked .reload; returns how many
 * differ in all. */
unsigned ln_conf_diff(const ln_conf_item_t *items, const void *old, const void *new_, const char *section,
		      ln_conf_errors_t *errors);

#endif
