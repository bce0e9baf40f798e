/* codec.h — MQTT packets: bytes ↔ structs, nothing else. No connection, no session, no clock, no broker.
 *
 * Versions are the level bytes: 3 is MQIsdp 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. Reading is from a client, writing is
 * to one.
 *
 * Reading. mqtt_header_read finds a packet's end in what has come in; mqtt_flags_check judges its fixed header; then
 * the reader of its type gets the whole body at once. Slices in what is read point into that body. A reader refuses
 * with LN_MALFORMED, LN_PROTOCOL or LN_UNSUPPORTED and fills mqtt_fault_t; it never reads outside the body, and what
 * it accepts is checked through to the last byte: UTF-8, property by property, no bytes left over. What it refuses
 * leaves *ret without meaning (it may have been written to: packets are not read twice to avoid that). What needs to
 * know more than the packet is for the caller: size limits, a filter's validity, aliases above the maximum, packet
 * identifiers in use, an empty client identifier, a reason code that only a server says, AUTH out of order.
 *
 * Which code for which fault (5.0, 4.13): cannot be parsed, unknown or misplaced property, reserved bits, ill-formed
 * UTF-8: 0x81; parsed but not allowed, a property twice or with a bad value: 0x82; the more exact 0x84, 0x90 and 0x94
 * where the text names them.
 *
 * Leniency. What 3.1 left open and what odd devices do (the quirks) is switched on by bits in the dialect; the codec
 * has none of its own. CONNECT itself says which version it speaks: mqtt_connect_level looks ahead, so that the
 * dialect can be chosen before it is read.
 *
 * Carried properties. Payload format, content type, response topic, correlation data and user properties go from
 * publisher to subscribers unaltered and in order. They are one block in the wire form of 5.0, which is also the
 * broker's form (LN_PROP_…): reading mostly yields a slice of the packet, writing is a copy.
 *
 * Writing. Each writer returns the bytes its packet needs and writes them only when they fit into CAP; 0 means that
 * there is no such packet (too long for MQTT; a CONNACK reason 3.1.1 has no word for). MOST is the peer's maximum
 * packet size (0: none): reason string and user properties are left out, user properties first, when they would
 * exceed it [MQTT-3.2.2-19, MQTT-3.2.2-20 and their likes].
 *
 * Everything here: Thread: any. Files: connect.c, decode.c, filters.c (reading), props.c (properties,
 * reasons), encode.c (writing), wire.h (shared by these).
 */
#ifndef MQTT_CODEC_H
#define MQTT_CODEC_H

#include <linnet/buf.h>
#include <linnet/result.h>
#include <linnet/str.h>

typedef enum mqtt_type {
	MQTT_WILL = 0,   /* no packet: the will's properties, where packets are named in a set */
	MQTT_CONNECT, MQTT_CONNACK, MQTT_PUBLISH, MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL, MQTT_PUBCOMP, MQTT_SUBSCRIBE,
	MQTT_SUBACK, MQTT_UNSUBSCRIBE, MQTT_UNSUBACK, MQTT_PINGREQ, MQTT_PINGRESP, MQTT_DISCONNECT, MQTT_AUTH
} mqtt_type_t;

#define MQTT_BODY_MAX 268435455u        /* the largest remaining length */
#define MQTT_HEADER_MAX 5u

/* MQTT_REASON_SUCCESS … : see reason.def. */
typedef enum mqtt_reason {
#define REASON(code, name, text, old, packets) MQTT_REASON_##name = (code),
#include "reason.def"
#undef REASON
} mqtt_reason_t;

/* Leniencies. The numbers are those of the table of known behaviours; (3.1) marks what that version's text allows. */
enum mqtt_quirk {
	MQTT_QUIRK_ABSENT_CREDENTIALS = 1 << 0,   /* 4 (3.1): user name or password announced and missing */
	MQTT_QUIRK_PASSWORD_ALONE = 1 << 1,       /* 5: password without user name (3.1, 3.1.1) */
	MQTT_QUIRK_UNUSED_BITS = 1 << 2,          /* 6 (3.1): reserved bits set, will QoS and retain without will */
	MQTT_QUIRK_DUP_ANYWHERE = 1 << 3,         /* 7 (3.1): DUP on SUBSCRIBE, UNSUBSCRIBE, PUBREL */
	MQTT_QUIRK_NO_FILTERS = 1 << 4,           /* 11 (3.1): SUBSCRIBE and UNSUBSCRIBE without filters */
	MQTT_QUIRK_PACKET_ID_0 = 1 << 5,          /* 12: packet identifier 0 */
	MQTT_QUIRK_ACK_FLAGS = 1 << 6,            /* 13: flags on PUBACK, PUBREC, PUBREL, PUBCOMP */
	MQTT_QUIRK_DUP_QOS_0 = 1 << 7,            /* 15: DUP with QoS 0 */
	MQTT_QUIRK_NAME_MIXED = 1 << 8,           /* 31: "MQTT" with level 3, "MQIsdp" with level 4 */
	/* From here on not the codec's. */
	MQTT_QUIRK_EMPTY_CLIENT_ID = 1 << 9,      /* 3: no client identifier with clean session, from 3.1 */
	MQTT_QUIRK_REFUSAL_ENDS = 1 << 10,        /* 8, 9: 3.x is disconnected by what 5.0 is only told */
	MQTT_QUIRK_NO_ECHO = 1 << 11              /* 24: 3.x gets nothing back that it published itself */
};

/* How a client speaks. Passed by value: it fits a register. */
typedef struct mqtt_dialect {
	uint32_t version;    /* 3, 4, 5 */
	uint32_t quirks;
} mqtt_dialect_t;

/* Why a reader refused. Texts are static. */
typedef struct mqtt_fault {
	uint8_t reason;            /* the code 5.0 has for it; also for 3.x, where it may only be logged */
	const char *statement;     /* what was broken, "MQTT-3.3.1-4", of the client's version; NULL: none */
	const char *why;           /* a sentence */
} mqtt_fault_t;

/* --- fixed header ------------------------------------------------------------------------------------------------ */

typedef struct mqtt_header {
	uint8_t first;       /* type and flags */
	uint8_t len;         /* of the fixed header: 2 to 5 */
	uint32_t body;       /* what follows it: the remaining length */
} mqtt_header_t;

static inline mqtt_type_t mqtt_type(uint8_t first)
{
	return (mqtt_type_t)(first >> 4);
}

ln_result_t LN_MUST_USE mqtt_header_read_long(ln_slice_t bytes, mqtt_header_t *ret, mqtt_fault_t *fault);

/* Reads the fixed header at the start of BYTES. Returns LN_AGAIN when it is not complete (the body need not be
 * there), LN_MALFORMED when the length does not end after four bytes. */
static inline ln_result_t LN_MUST_USE mqtt_header_read(ln_slice_t bytes, mqtt_header_t *ret, mqtt_fault_t *fault)
{
	const uint8_t *at = bytes.data;

	if (LN_LIKELY(bytes.len >= 2 && at[1] < 0x80)) {
		*ret = (mqtt_header_t){ at[0], 2, at[1] };
		return LN_OK;
	}
	if (LN_LIKELY(bytes.len >= 3 && at[2] < 0x80)) {
		*ret = (mqtt_header_t){ at[0], 3, (at[1] & 0x7fu) | (uint32_t)at[2] << 7 };
		return LN_OK;
	}
	return mqtt_header_read_long(bytes, ret, fault);
}

ln_result_t LN_MUST_USE mqtt_flags_check_rare(const mqtt_header_t *h, mqtt_dialect_t dialect, mqtt_fault_t *fault);

/* Judges H: the flags by type and version (PUBLISH's own are judged by its reader), the length's shortest form
 * (5.0), a body where none may be, a type that a client does not send. For CONNECT the dialect is that of
 * mqtt_connect_level. */
static inline ln_result_t LN_MUST_USE mqtt_flags_check(const mqtt_header_t *h, mqtt_dialect_t dialect,
                                                       mqtt_fault_t *fault)
{
	if (LN_LIKELY(mqtt_type(h->first) == MQTT_PUBLISH && h->len == 2))
		return LN_OK;
	return mqtt_flags_check_rare(h, dialect, fault);
}

/* --- properties -------------------------------------------------------------------------------------------------- */

/* One bit each in mqtt_props_t.seen, by the names of props.def: mqtt_prop_receive_max … */
enum mqtt_prop {
#define PROP(id, field, wire, def, least, most, packets) mqtt_prop_##field,
#include "props.def"
#undef PROP
	MQTT_PROP_COUNT
};

typedef uint8_t mqtt_wire_BYTE_t;
typedef uint16_t mqtt_wire_U16_t;
typedef uint32_t mqtt_wire_U32_t, mqtt_wire_VARINT_t;
typedef ln_slice_t mqtt_wire_STRING_t, mqtt_wire_BINARY_t, mqtt_wire_PAIR_t;

/* A property section. Each field holds its value, or what absence means (receive_max 65535 …). `user` spans from
 * the first to the last user property in wire form: read it with mqtt_user_next; to write, give a slice of user
 * properties only. */
typedef struct mqtt_props {
#define PROP(id, field, wire, def, least, most, packets) mqtt_wire_##wire##_t field;
#include "props.def"
#undef PROP
	uint32_t seen;
	uint32_t users;      /* how many user properties were read */
} mqtt_props_t;

/* A section in which nothing stands. */
extern const mqtt_props_t mqtt_props_none;

#define mqtt_has(props, field) (((props)->seen >> mqtt_prop_##field & 1u) != 0)
#define mqtt_set(props, field, value) ((props)->field = (value), (props)->seen |= 1u << mqtt_prop_##field)

/* Takes the next user property off *REST (start with props.user). Returns false when there is none. Requires: read
 * by this codec. */
bool mqtt_user_next(ln_slice_t *rest, ln_slice_t *ret_name, ln_slice_t *ret_value);

/* Reads the section at *R, its length first, of packet IN (MQTT_WILL for a will's), and moves *R behind it. CARRY,
 * when not NULL, gets the carried properties; SCRATCH is overwritten with them only where they do not stand
 * together. */
ln_result_t LN_MUST_USE mqtt_props_read(ln_reader_t *r, mqtt_type_t in, ln_buf_t *scratch, ln_slice_t *carry,
                                        mqtt_props_t *ret, mqtt_fault_t *fault);

/* --- reading ----------------------------------------------------------------------------------------------------- */

typedef struct mqtt_will {
	ln_slice_t topic, payload, carry;
	uint32_t delay;            /* seconds */
	uint32_t expiry;           /* seconds, when it expires */
	uint8_t qos;
	bool retain, expires;
} mqtt_will_t;

typedef struct mqtt_connect {
	uint8_t level;             /* 3, 4, 5; another when LN_UNSUPPORTED */
	bool old_name;             /* "MQIsdp" */
	bool bridge;               /* level had 0x80: retain as published, no local (3.x) */
	bool clean;
	bool has_will, has_user, has_password;
	uint16_t keep_alive;       /* seconds, 0: none */
	ln_slice_t client_id, user, password;
	mqtt_will_t will;
	mqtt_props_t props;
} mqtt_connect_t;

/* The level of a CONNECT's body without the bridge bit, 0 when it does not look like one. Judges nothing. */
unsigned mqtt_connect_level(ln_slice_t body);
/* SCRATCH serves the will's carried properties. LN_UNSUPPORTED (0x84): ret->level and ret->old_name are set, to
 * answer in words that client knows. An empty client identifier is left to the caller. */
ln_result_t LN_MUST_USE mqtt_connect_read(ln_slice_t body, uint32_t quirks, ln_buf_t *scratch, mqtt_connect_t *ret,
                                          mqtt_fault_t *fault);

typedef struct mqtt_publish {
	ln_slice_t topic;          /* empty: by alias (5.0) */
	ln_slice_t payload;
	ln_slice_t carry;          /* carried properties */
	uint32_t expiry;           /* seconds, when it expires */
	uint16_t packet_id;        /* 0 with QoS 0 */
	uint16_t alias;            /* 0: none */
	uint8_t qos;
	bool dup, retain, expires;
	bool text;                 /* payload format 1: the publisher says the payload is UTF-8; not checked here */
} mqtt_publish_t;

/* FIRST is the header's first byte. SCRATCH may be given NULL for 3.x. */
ln_result_t LN_MUST_USE mqtt_publish_read(uint8_t first, ln_slice_t body, mqtt_dialect_t dialect, ln_buf_t *scratch,
                                          mqtt_publish_t *ret, mqtt_fault_t *fault);
/* The same without a look at the topic's bytes: the caller knows them (they equal a topic that was judged before)
 * or judges them with mqtt_topic_check. */
ln_result_t LN_MUST_USE mqtt_publish_read_unchecked_topic(uint8_t first, ln_slice_t body, mqtt_dialect_t dialect,
                                                          ln_buf_t *scratch, mqtt_publish_t *ret, mqtt_fault_t *fault);
/* Is TOPIC a name to publish to: well-formed UTF-8 without U+0000 and wildcards (it may be empty)? */
ln_result_t LN_MUST_USE mqtt_topic_check(ln_slice_t topic, mqtt_dialect_t dialect, mqtt_fault_t *fault);

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
typedef struct mqtt_ack {
	uint16_t packet_id;        /* 0 is passed on: it is in nobody's window */
	uint8_t reason;
	ln_slice_t reason_string, user;
} mqtt_ack_t;

ln_result_t LN_MUST_USE mqtt_ack_read_long(mqtt_type_t type, ln_slice_t body, mqtt_dialect_t dialect, mqtt_ack_t *ret,
                                           mqtt_fault_t *fault);

static inline ln_result_t LN_MUST_USE mqtt_ack_read(mqtt_type_t type, ln_slice_t body, mqtt_dialect_t dialect,
                                                    mqtt_ack_t *ret, mqtt_fault_t *fault)
{
	if (LN_LIKELY(body.len == 2)) {
		*ret = (mqtt_ack_t){ .packet_id = (uint16_t)(body.data[0] << 8 | body.data[1]) };
		return LN_OK;
	}
	return mqtt_ack_read_long(type, body, dialect, ret, fault);
}

/* SUBSCRIBE and UNSUBSCRIBE. open judges the whole packet, so that nothing is done for half of a broken one; next
 * only walks. */
typedef struct mqtt_filters {
	uint16_t packet_id;
	uint32_t count;
	uint32_t subscription_id;  /* 0: none */
	ln_slice_t user;
	uint8_t option_bits;       /* those that mean something in this dialect */
	ln_reader_t rest;          /* the walk's */
} mqtt_filters_t;

typedef struct mqtt_subscription {
	ln_slice_t filter;         /* UTF-8; whether it is a filter is for the caller to say */
	uint8_t qos;
	bool no_local, retain_as_published;
	uint8_t retain_handling;   /* 0 send, 1 only if new, 2 do not send */
} mqtt_subscription_t;

ln_result_t LN_MUST_USE mqtt_subscribe_open(ln_slice_t body, mqtt_dialect_t dialect, mqtt_filters_t *ret,
                                            mqtt_fault_t *fault);
bool mqtt_subscribe_next(mqtt_filters_t *filters, mqtt_subscription_t *ret);
ln_result_t LN_MUST_USE mqtt_unsubscribe_open(ln_slice_t body, mqtt_dialect_t dialect, mqtt_filters_t *ret,
                                              mqtt_fault_t *fault);
bool mqtt_unsubscribe_next(mqtt_filters_t *filters, ln_slice_t *ret_filter);

typedef struct mqtt_disconnect {
	uint8_t reason;
	bool has_session_expiry;
	uint32_t session_expiry;
	ln_slice_t reason_string, user;
} mqtt_disconnect_t;

ln_result_t LN_MUST_USE mqtt_disconnect_read(ln_slice_t body, mqtt_dialect_t dialect, mqtt_disconnect_t *ret,
                                             mqtt_fault_t *fault);

typedef struct mqtt_auth {
	uint8_t reason;
	ln_slice_t method, data, reason_string, user;
} mqtt_auth_t;

/* Requires: version 5 (mqtt_flags_check refuses AUTH before that). */
ln_result_t LN_MUST_USE mqtt_auth_read(ln_slice_t body, mqtt_auth_t *ret, mqtt_fault_t *fault);

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* PROPS (may be NULL: none) are left out below 5.0. For a failure below 5.0 see mqtt_return_code. */
size_t mqtt_connack_write(uint8_t *dst, size_t cap, unsigned version, bool session_present, uint8_t reason,
                          const mqtt_props_t *props, size_t most);
/* PUBACK, PUBREC, PUBREL, PUBCOMP. Below 5.0 REASON is not said. */
size_t mqtt_ack_write(uint8_t *dst, size_t cap, mqtt_type_t type, unsigned version, uint16_t packet_id, uint8_t reason,
                      const mqtt_props_t *props, size_t most);
/* SUBACK, or UNSUBACK, which says no CODES below 5.0. A refusal is 0x80 for 3.1.1, and QoS 0 for 3.1, which cannot
 * refuse. */
size_t mqtt_suback_write(uint8_t *dst, size_t cap, mqtt_type_t type, unsigned version, uint16_t packet_id,
                         const uint8_t *codes, size_t count, const mqtt_props_t *props, size_t most);
size_t mqtt_pingresp_write(uint8_t *dst, size_t cap);
/* 5.0 only. */
size_t mqtt_disconnect_write(uint8_t *dst, size_t cap, uint8_t reason, const mqtt_props_t *props, size_t most);
size_t mqtt_auth_write(uint8_t *dst, size_t cap, uint8_t reason, const mqtt_props_t *props, size_t most);

/* The four bytes of an acknowledgement that says nothing but success. */
#define MQTT_ACK_SIZE 4u
static inline void mqtt_ack_put(uint8_t dst[MQTT_ACK_SIZE], mqtt_type_t type, uint16_t packet_id)
{
	dst[0] = (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
	dst[1] = 2;
	ln_put_u16(dst + 2, packet_id);
}

/* A PUBLISH up to its payload. Below 5.0 alias, expiry, subscription_ids and carry are left out. */
typedef struct mqtt_publish_head {
	ln_slice_t topic;          /* may be empty where an alias stands for it */
	ln_slice_t carry;
	const uint32_t *subscription_ids;
	uint32_t subscription_id_count;
	uint32_t payload_len;
	uint32_t expiry;           /* seconds that remain, when it expires */
	uint16_t packet_id, alias;
	uint8_t version, qos;
	bool dup, retain, expires;
} mqtt_publish_head_t;

/* Bytes before the payload; 0: too long for MQTT. The packet's size is this and the payload's length. */
size_t mqtt_publish_head_size(const mqtt_publish_head_t *head);
size_t mqtt_publish_head_write(uint8_t *dst, size_t cap, const mqtt_publish_head_t *head);

/* --- reasons ----------------------------------------------------------------------------------------------------- */

/* "topic name invalid"; never NULL. */
const char *mqtt_reason_text(uint8_t reason);
/* May REASON stand in a packet of TYPE? */
bool mqtt_reason_allowed(uint8_t reason, mqtt_type_t type);
/* What CONNACK of 3.x says for REASON: 0 to 5, or MQTT_RETURN_NONE: close without CONNACK. */
#define MQTT_RETURN_NONE 0xffu
uint8_t mqtt_return_code(uint8_t reason);

#endif
