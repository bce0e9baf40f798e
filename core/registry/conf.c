/* conf.c — the text of one configuration file into a tree.
 *
 * The only place that knows libfyaml. A text is parsed into libfyaml's document, copied into our tree (conf_tree.h) and
 * the document is forgotten; libfyaml's own complaints are collected and said with our file names.
 *
 * YAML that a configuration has no use for is refused, not guessed at: a second document, tags, names that are no plain
 * text. Anchors and aliases work (listeners share their tls settings with them); depth and number of nodes are bounded,
 * so an alias cannot blow the tree up.
 *
 * Not done: merge keys ("<<"), which YAML 1.2 dropped, and environment variables in values.
 */
#include <string.h>
#include <libfyaml.h>
#include <linnet/mem.h>
#include <linnet/str.h>
#include "conf_tree.h"

#define NODE_DEPTH_MAX 64
#define NODES_MAX 200000
#define REFUSED_MAX 100

typedef struct reading {
	ln_conf_errors_t *errors;
	struct fy_document *doc;
	unsigned nodes, refused;
	bool failed;                /* it could not be parsed */
} reading_t;

/* --- document → tree -------------------------------------------------------------------------------------------- */

/* Where FYN begins; its own tokens say so only for scalars, so the first scalar inside counts. FALLBACK when there is
 * none. */
static ln__conf_place_t place_of(struct fy_node *fyn, const ln__conf_place_t *fallback)
{
	ln__conf_place_t place = *fallback;
	const struct fy_mark *mark;
	struct fy_token *token;

	for (unsigned depth = 0; fyn && !fy_node_is_scalar(fyn) && depth < NODE_DEPTH_MAX; depth++)
		fyn = fy_node_is_mapping(fyn) ? fy_node_pair_key(fy_node_mapping_get_by_index(fyn, 0)) :
						fy_node_sequence_get_by_index(fyn, 0);
	token = fyn ? fy_node_get_scalar_token(fyn) : NULL;
	mark = token ? fy_token_start_mark(token) : NULL;
	if (mark) {
		place.line = mark->line + 1;
		/* The mark of a quoted text and of an alias is behind the sign it begins with. */
		place.column = mark->column + (fy_node_get_style(fyn) == FYNS_PLAIN || mark->column == 0);
	}
	return place;
}

/* Is FYN one of the ways to write nothing? */
static bool is_nothing(struct fy_node *fyn)
{
	size_t len = 0;
	const char *text = fy_node_get_scalar(fyn, &len);
	ln_slice_t s = ln_slice(text, text ? len : 0);

	return fy_node_is_scalar(fyn) && fy_node_get_style(fyn) == FYNS_PLAIN &&
	       (s.len == 0 || ln_slice_eq(s, LN_STR("~")) || ln_slice_eq(s, LN_STR("null")) ||
		ln_slice_eq(s, LN_STR("Null")) || ln_slice_eq(s, LN_STR("NULL")));
}

/* A copy of FYN's text, or NULL after saying what is wrong with it. */
static char *copy_text(reading_t *r, struct fy_node *fyn, const ln__conf_place_t *place)
{
	size_t len = 0;
	const char *text = fy_node_get_scalar(fyn, &len);

	if (text && memchr(text, '\0', len)) {
		ln__conf_say_at(r->errors, place, "a text with a zero byte in it");
		return NULL;
	}
	return ln_strndup(text ? text : "", len);
}

static ln_conf_node_t *convert(reading_t *r, struct fy_node *fyn, char *key, const ln__conf_place_t *key_at,
			       unsigned depth);

static void convert_member(reading_t *r, ln_conf_node_t *mapping, struct fy_node_pair *pair, unsigned depth)
{
	struct fy_node *name = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
	ln__conf_place_t at = place_of(name, &mapping->at);
	ln_conf_node_t *before, *child;
	char *key;

	if (!name || !fy_node_is_scalar(name) || fy_node_is_alias(name)) {
		ln__conf_say_at(r->errors, &at, "a name must be a plain text");
		return;
	}
	key = copy_text(r, name, &at);
	before = key ? ln__conf_node_find(mapping, key) : NULL;
	if (before) {
		ln__conf_say_at(r->errors, &at, "\"%s\" stands already at %s:%d:%d", key, before->key_at.file,
				before->key_at.line, before->key_at.column);
		ln_free(key);
		return;
	}
	child = key ? convert(r, value, key, &at, depth + 1) : NULL;
	if (child)
		ln__conf_node_append(mapping, child);
}

static void convert_inside(reading_t *r, ln_conf_node_t *node, struct fy_node *fyn, unsigned depth)
{
	struct fy_node_pair *pair;
	struct fy_node *item;
	void *pos = NULL;

	if (node->kind == LN__CONF_MAPPING) {
		while ((pair = fy_node_mapping_iterate(fyn, &pos)))
			convert_member(r, node, pair, depth);
		return;
	}
	while ((item = fy_node_sequence_iterate(fyn, &pos))) {
		ln__conf_place_t at = place_of(item, &node->at);
		ln_conf_node_t *child = convert(r, item, NULL, &at, depth + 1);
		if (child)
			ln__conf_node_append(node, child);
	}
}

/* What stands against FYN at all, or NULL. */
static const char *refusal(reading_t *r, struct fy_node *fyn, unsigned depth)
{
	size_t len;

	if (!fyn)
		return "this alias names no anchor, or what it stands in";
	if (fy_node_get_tag(fyn, &len))
		return "tags (\"!\") are not understood here";
	if (depth > NODE_DEPTH_MAX)
		return "nested too deep";
	return ++r->nodes > NODES_MAX ? "too much configuration" : NULL;
}

/* What the alias FYN stands for; NULL when there is no such anchor, or FYN stands inside it. libfyaml's own resolving
 * would also follow paths. */
static struct fy_node *behind_alias(reading_t *r, struct fy_node *fyn)
{
	struct fy_anchor *anchor = fy_document_lookup_anchor_by_token(r->doc, fy_node_get_scalar_token(fyn));
	struct fy_node *meant = anchor ? fy_anchor_node(anchor) : NULL;

	for (struct fy_node *above = fyn; above; above = fy_node_get_parent(above))
		if (above == meant)
			return NULL;
	return meant;
}

static ln__conf_kind_t kind_of(struct fy_node *fyn)
{
	if (!fyn || is_nothing(fyn))
		return LN__CONF_NOTHING;
	if (fy_node_is_scalar(fyn))
		return LN__CONF_TEXT;
	return fy_node_is_mapping(fyn) ? LN__CONF_MAPPING : LN__CONF_LIST;
}

/* Takes KEY. Returns NULL after saying what was wrong. */
static ln_conf_node_t *convert(reading_t *r, struct fy_node *fyn, char *key, const ln__conf_place_t *key_at,
			       unsigned depth)
{
	ln__conf_place_t at = fyn && fy_node_is_scalar(fyn) ? place_of(fyn, key_at) : *key_at;
	struct fy_node *meant = fyn && fy_node_is_alias(fyn) ? behind_alias(r, fyn) : fyn;
	const char *why = fyn ? refusal(r, meant, depth) : NULL;
	ln__conf_kind_t kind;
	ln_conf_node_t *node;
	char *text;

	if (why) {
		/* Aliases multiply defects with the nodes. */
		if (r->nodes <= NODES_MAX + 1 && r->refused++ < REFUSED_MAX)
			ln__conf_say_at(r->errors, &at, "%s", why);
		ln_free(key);
		return NULL;
	}
	kind = kind_of(meant);
	text = kind == LN__CONF_TEXT ? copy_text(r, meant, &at) : NULL;
	node = ln__conf_node_create(kind == LN__CONF_TEXT && !text ? LN__CONF_NOTHING : kind, key, text);
	node->key_at = *key_at;
	node->at = at;
	if (node->kind == LN__CONF_MAPPING || node->kind == LN__CONF_LIST)
		convert_inside(r, node, meant, depth);
	return node;
}

/* --- bytes → document ------------------------------------------------------------------------------------------- */

/* Says what libfyaml collected. */
static void say_collected(reading_t *r, struct fy_diag *diag, const char *name)
{
	struct fy_diag_error *error;
	void *pos = NULL;
	bool any = false;

	for (; (error = fy_diag_errors_iterate(diag, &pos)); any = true)
		ln__conf_say_at(r->errors, &(ln__conf_place_t){ name, error->line, error->column }, "%s", error->msg);
	if (!any)
		ln__conf_say_at(r->errors, &(ln__conf_place_t){ name, 0, 0 }, "this is not YAML");
	r->failed = true;
}

/* The one document of the stream as a tree, or NULL: an empty file, or errors. */
static ln_conf_node_t *load(reading_t *r, struct fy_parser *parser, struct fy_diag *diag, const char *name)
{
	const ln__conf_place_t start = { name, 1, 1 };
	struct fy_document *doc = fy_parse_load_document(parser), *more = doc ? fy_parse_load_document(parser) : NULL;
	struct fy_node *root = doc ? fy_document_root(doc) : NULL;
	ln_conf_node_t *tree = NULL;

	if (more) {
		ln__conf_place_t at = place_of(fy_document_root(more), &start);
		ln__conf_say_at(r->errors, &at, "a second document (\"---\") in one file");
		r->failed = true;
	} else if (fy_parser_get_stream_error(parser)) {
		say_collected(r, diag, name);
	} else if (kind_of(root) == LN__CONF_TEXT || kind_of(root) == LN__CONF_LIST) {
		ln__conf_place_t at = place_of(root, &start);
		ln__conf_say_at(r->errors, &at, "expected \"name: value\" here");
		r->failed = true;
	} else if (kind_of(root) == LN__CONF_MAPPING) {
		r->doc = doc;
		tree = convert(r, root, NULL, &start, 0);
	}
	if (more)
		fy_parse_document_destroy(parser, more);
	if (doc)
		fy_parse_document_destroy(parser, doc);
	return tree;
}

ln_result_t ln__conf_parse(const char *name, ln_slice_t text, ln_conf_errors_t *errors, ln_conf_node_t **ret_tree)
{
	reading_t r = { .errors = errors };
	struct fy_diag_cfg diag_cfg;
	struct fy_diag *diag;
	struct fy_parser *parser;
	ln_conf_node_t *tree = NULL;

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag = fy_diag_create(&diag_cfg);
	ln_insist(diag);
	fy_diag_set_collect_errors(diag, true);
	/* Twice the same name is ours to say: we name both places. */
	parser = fy_parser_create(
		&(struct fy_parse_cfg){ .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = diag });
	ln_insist(parser);
	if (fy_parser_set_string(parser, (const char *)text.data, text.len) == 0)
		tree = load(&r, parser, diag, name);
	else
		say_collected(&r, diag, name);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	if (r.failed)
		return LN_MALFORMED;
	*ret_tree = tree;
	return LN_OK;
}
