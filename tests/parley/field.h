/* field.h — `packet.field`: naming one fact of a packet, reading it, comparing it.
 *
 * Besides the table fields.def there are properties: `packet.prop.NAME`, `packet.prop.NAME[1]` for the second of
 * several, `packet.count.NAME` for how many there are; `packet.user-property[1]` is short for
 * `packet.prop.user-property[1]`, and `connect.will-prop.NAME` looks at the will's.
 */
#ifndef PARLEY_FIELD_H
#define PARLEY_FIELD_H

#include "play.h"

typedef enum { FLAG, NUMBER8, NUMBER16, NUMBER32, REASON8, TEXT, SIZE, CODES, FILTERS, PROPERTY, COUNT } field_kind_t;

typedef struct field_rule {
	const char *name;
	field_kind_t kind;
	size_t offset;		/* in packet_t */
	uint32_t packets;
} field_rule_t;

/* Fills type, field, prop, index and counts of *RET from PATH ("publish.topic", "pingresp").
 * Returns: NULL, or what is wrong with the path. */
const char *field_parse(bytes_t path, condition_t *ret);

/* Returns: NULL when OP and the literal VALUE can be asked of this field, or why not. */
const char *field_accepts(const condition_t *condition);

/* Appends the field's value as text, as a macro gives it. Returns: false when the packet has no such property. */
bool field_text(const packet_t *packet, const condition_t *condition, buf_t *out);

/* Returns: whether PACKET, of the condition's type, fulfils it. VALUE is the condition's, expanded. */
bool field_holds(const packet_t *packet, const condition_t *condition, bytes_t value);

#endif
