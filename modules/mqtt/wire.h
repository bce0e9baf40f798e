/* wire.h — what the files of the codec share: MQTT's few data types, and how a refusal is said. For nobody else. */
#ifndef MQTT_WIRE_H
#define MQTT_WIRE_H

#include "codec.h"

/* Fills FAULT; the result is told by the reason: 0x81 malformed, 0x84 unsupported, the rest against the protocol. */
ln_result_t __attribute__((cold, noinline)) mqtt_reject(mqtt_fault_t *fault, uint8_t reason, const char *statement,
                                                        const char *why);

static inline ln_result_t mqtt_malformed(mqtt_fault_t *fault, const char *statement, const char *why)
{
	return mqtt_reject(fault, MQTT_REASON_MALFORMED, statement, why);
}

static inline ln_result_t mqtt_forbidden(mqtt_fault_t *fault, const char *statement, const char *why)
{
	return mqtt_reject(fault, MQTT_REASON_PROTOCOL, statement, why);
}

/* The statement's number in the text that VERSION is held to; 3.1's statements have none. */
static inline const char *mqtt_statement(unsigned version, const char *in_5, const char *in_311)
{
	return version == 5 ? in_5 : version == 4 ? in_311 : NULL;
}

/* A statement that has the same number in 5.0 and 3.1.1. */
static inline const char *mqtt_either(unsigned version, const char *statement)
{
	return mqtt_statement(version, statement, statement);
}

static inline unsigned mqtt_varint_size(uint32_t n)
{
	return n < 1u << 7 ? 1 : n < 1u << 14 ? 2 : n < 1u << 21 ? 3 : 4;
}

/* Returns the place after the integer. */
static inline uint8_t *mqtt_varint_put(uint8_t *at, uint32_t n)
{
	for (; n >= 0x80; n >>= 7)
		*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)n;
	return at;
}

/* A variable byte integer in its shortest form [MQTT-1.5.5-1]. */
ln_result_t LN_MUST_USE mqtt_varint_read(ln_reader_t *r, uint32_t *ret, mqtt_fault_t *fault);
/* Two bytes of length and as many bytes. */
ln_result_t LN_MUST_USE mqtt_binary_read(ln_reader_t *r, ln_slice_t *ret, mqtt_fault_t *fault);
/* The same, well-formed UTF-8 without U+0000. */
ln_result_t LN_MUST_USE mqtt_string_read(ln_reader_t *r, unsigned version, ln_slice_t *ret, mqtt_fault_t *fault);
/* The refusal for TEXT that ln_utf8_check found to be WRONG. */
ln_result_t LN_MUST_USE mqtt_reject_text(ln_utf8_t wrong, unsigned version, mqtt_fault_t *fault);
/* Does NAME hold '+' or '#'? */
bool mqtt_has_wildcard(ln_slice_t name);

/* One line of props.def. */
typedef enum mqtt_wire {
	MQTT_WIRE_BYTE, MQTT_WIRE_U16, MQTT_WIRE_U32, MQTT_WIRE_VARINT,
	MQTT_WIRE_STRING, MQTT_WIRE_BINARY, MQTT_WIRE_PAIR
} mqtt_wire_t;

typedef struct mqtt_rule {
	uint8_t id, wire;
	uint16_t offset;           /* in mqtt_props_t */
	uint32_t packets;          /* bit t: may stand in packets of type t */
	uint32_t least, most;
} mqtt_rule_t;

extern const mqtt_rule_t mqtt_rules[MQTT_PROP_COUNT];

/* The field of RULE in PROPS. */
static inline const void *mqtt_field(const mqtt_props_t *props, const mqtt_rule_t *rule)
{
	return (const char *)props + rule->offset;
}

#endif
