/* reader.h — the decoder's cursor: takes numbers, strings and properties from a packet's body.
 *
 * The first rule that is broken stays in `why`; after it every take returns zero or nothing, so callers check once.
 */
#ifndef PARLEY_READER_H
#define PARLEY_READER_H

#include "packet.h"

typedef struct reader {
	bytes_t rest;
	const char *why;		/* NULL, or the first broken rule */
} reader_t;

void read_fail(reader_t *r, const char *why);
uint32_t read_u8(reader_t *r);
uint32_t read_u16(reader_t *r);
uint32_t read_u32(reader_t *r);
uint32_t read_varint(reader_t *r);
/* Length-prefixed bytes. */
bytes_t read_binary(reader_t *r);
/* Length-prefixed UTF-8: well-formed, no U+0000, no surrogates. */
bytes_t read_string(reader_t *r);
/* Property length and properties, each allowed in PLACE (a packet type, or WILL). Nothing for versions below 5. */
void read_props(reader_t *r, packet_t *packet, props_t *props, packet_type_t place);

#endif
