/* conf_value.h — one option's value: text → field → text, and what is expected of it in words.
 *
 * Private to core/registry (bind and describe). Thread: any; nothing here has state.
 */
#ifndef REGISTRY_CONF_VALUE_H
#define REGISTRY_CONF_VALUE_H

#include <linnet/buf.h>
#include <linnet/conf.h>

/* The option's name: the field's in kebab-case. Returns DST. */
const char *ln__conf_option(const ln_conf_item_t *item, char dst[LN_CONF_NAME_MAX + 1]);
/* Sets FIELD from TEXT as ITEM says, range included. Returns false, and changes nothing, for anything else. Requires: a
 * type that is no text. */
bool ln__conf_value_parse(const ln_conf_item_t *item, const char *text, void *field);
/* Appends the value ITEM has in CONF as a user would write it. */
void ln__conf_value_print(ln_buf_t *out, const ln_conf_item_t *item, const void *conf);
/* Appends what may stand there: "a size (such as 64K) from 128 to 1M". */
void ln__conf_value_expected(ln_buf_t *out, const ln_conf_item_t *item);
/* Is the value the same in A and B? */
bool ln__conf_value_same(const ln_conf_item_t *item, const void *a, const void *b);

static inline const void *ln__conf_field(const ln_conf_item_t *item, const void *conf)
{
	return (const char *)conf + item->offset;
}

/* Sets one item of DST from NODE, with errors said there. conf_bind.c. */
void ln__conf_bind_one(const ln_conf_item_t *item, void *dst, const ln_conf_node_t *node, ln_conf_errors_t *errors);

#endif
