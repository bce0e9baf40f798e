/* conf_tree.h — a read configuration as our own tree.
 *
 * The parser's document is turned into this tree and forgotten, so that several files become one, every place keeps its
 * file, line and column, and "has anybody asked for this?" has somewhere to live. A tree belongs to its ln_conf_file_t;
 * nodes are borrowed from it. Private to core/registry. Thread: main.
 */
#ifndef REGISTRY_CONF_TREE_H
#define REGISTRY_CONF_TREE_H

#include <stdarg.h>
#include <linnet/conf.h>
#include <linnet/str.h>

typedef enum ln__conf_kind { LN__CONF_NOTHING, LN__CONF_TEXT, LN__CONF_MAPPING, LN__CONF_LIST } ln__conf_kind_t;

/* Where something stands; FILE is owned by the tree. Line and column count from 1; line 0: the file as a whole. */
typedef struct ln__conf_place {
	const char *file;
	int line, column;
} ln__conf_place_t;

/* Names somebody asked a mapping for: what an unknown member may have meant. */
typedef struct ln__conf_names {
	unsigned count;
	char **item;
} ln__conf_names_t;

struct ln_conf_node {
	uint32_t magic;
	ln__conf_kind_t kind;
	ln_conf_node_t *parent, *next, *first, *last;
	ln__conf_place_t key_at, at;     /* the member's name (as AT for items of a list), and the value */
	char *key;                       /* NULL in a list */
	char *text;                      /* of a LN__CONF_TEXT */
	ln__conf_names_t *names;         /* of a mapping */
	bool used;
};

struct ln_conf_file {
	uint32_t magic;
	ln_conf_node_t *top;
	ln__conf_names_t files;          /* the names of all files read */
};

ln_conf_file_t *ln__conf_file_create(void);
/* Keeps a copy of NAME as long as FILE lives and returns it. */
const char *ln__conf_file_keep(ln_conf_file_t *file, const char *name);
/* NAME as seen from the file FROM; with ESCAPE the directory's own wildcards are made harmless. The caller frees. */
char *ln__conf_resolve(const char *from, const char *name, bool escape);
/* Parses TEXT, the file NAME (which must stay). *ret_tree is NULL when the text holds nothing. Returns LN_OK (errors
 * may have been said all the same) or LN_MALFORMED. conf.c. */
ln_result_t LN_MUST_USE ln__conf_parse(const char *name, ln_slice_t text, ln_conf_errors_t *errors,
				       ln_conf_node_t **ret_tree);

/* Takes KEY and TEXT (either may be NULL). */
ln_conf_node_t *ln__conf_node_create(ln__conf_kind_t kind, char *key, char *text);
void ln__conf_node_destroy(ln_conf_node_t *node);
/* Takes CHILD as the last of PARENT's. */
void ln__conf_node_append(ln_conf_node_t *parent, ln_conf_node_t *child);
/* Takes the first child out and returns it, or NULL. */
ln_conf_node_t *ln__conf_node_take_first(ln_conf_node_t *parent);
/* The member KEY of a mapping; does not count as asking for it. */
ln_conf_node_t *ln__conf_node_find(const ln_conf_node_t *mapping, const char *key);
/* Remembers that MAPPING was asked for NAME. */
void ln__conf_node_asked(const ln_conf_node_t *mapping, const char *name);
/* " in listeners.secure", or "" at the top level. */
const char *ln__conf_node_path(const ln_conf_node_t *mapping, char *dst, size_t size);

void ln__conf_say_at(ln_conf_errors_t *errors, const ln__conf_place_t *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The nearest of the names tried. Begins zeroed but for WANTED; BEST stays empty when none is near enough to be a slip
 * of the hand. */
typedef struct ln__nearest {
	const char *wanted;
	char best[LN_CONF_NAME_MAX + 1];
	unsigned distance;
} ln__nearest_t;
void ln__nearest_try(ln__nearest_t *nearest, const char *name);
/* " (did you mean "X"?)" or "". */
const char *ln__nearest_hint(const ln__nearest_t *nearest, char *dst, size_t size);

#endif
