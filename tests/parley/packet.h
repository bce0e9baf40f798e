/* packet.h — one MQTT packet, of any type and version: 3.1, 3.1.1, 5.0.
 *
 * parley plays clients and servers, well-behaved and not, so one struct holds every field of every packet, the
 * encoder writes what it is told (also what the standard forbids), and the decoder forgives nothing: a packet the
 * broker sent is checked against every rule that can be judged from the packet alone (flags, lengths, UTF-8,
 * properties allowed once and here, reason codes defined for the packet).
 *
 * A packet owns an arena; all slices of a decoded packet point into its own copy of the wire bytes (`raw`).
 * Numbers of versions are those of CONNECT: 3 is 3.1, 4 is 3.1.1, 5 is 5.0.
 */
#ifndef PARLEY_PACKET_H
#define PARLEY_PACKET_H

#include "base.h"

typedef enum packet_type {
	WILL = 0,			/* no packet: the place of a will's properties */
#define PACKET(symbol, type, name, flags) symbol = type,
#include "mqtt.def"
#undef PACKET
} packet_type_t;

#define IN(type) (1u << (type))

typedef enum { BIT, U16, U32, VARINT, STRING, BINARY, PAIR } prop_kind_t;

typedef struct prop_rule {
	uint8_t code;
	const char *name;
	prop_kind_t kind;
	uint32_t packets;		/* bits IN(type) */
} prop_rule_t;

typedef struct prop {
	const prop_rule_t *rule;
	uint32_t number;
	bytes_t text;			/* string, binary, name of a pair */
	bytes_t value;			/* value of a pair */
} prop_t;

typedef struct props {
	prop_t *at;
	size_t count;
} props_t;

typedef struct filter {
	bytes_t topic;
	uint8_t options;		/* the byte as on the wire; 0 in UNSUBSCRIBE */
} filter_t;

typedef struct packet {
	arena_t arena;
	bytes_t raw;			/* decoded: the wire bytes */
	uint8_t type, flags, version;
	uint16_t id;
	uint8_t reason;
	bool has_reason;		/* encode: write the byte though it is 0 */
	uint32_t length;		/* decoded: Remaining Length */
	int flags_override;		/* encode: -1, or the low four bits to write */
	int64_t length_override;	/* encode: -1, or the Remaining Length to write */
	int connect_flags_override;	/* encode: -1, or the byte to write */
	props_t props;
	/* CONNECT */
	bytes_t protocol_name, client_id, will_topic, will_payload, user, password;
	uint8_t level, connect_flags, will_qos;
	bool clean, has_will, will_retain, has_user, has_password;
	uint16_t keep_alive;
	props_t will_props;
	/* CONNACK */
	bool session_present;
	/* PUBLISH */
	bytes_t topic, payload;
	bool dup, retain;
	uint8_t qos;
	/* SUBSCRIBE, UNSUBSCRIBE; SUBACK, UNSUBACK */
	filter_t *filters;
	size_t filter_count;
	bytes_t codes;
} packet_t;

packet_t *packet_new(packet_type_t type, uint8_t version);
/* Accepts NULL. */
void packet_destroy(packet_t *packet);

/* Adds one property of RULE to PROPS. Borrows TEXT and VALUE until the packet dies. */
void packet_add_prop(packet_t *packet, props_t *props, prop_t prop);

/* Appends the packet's wire bytes to OUT. */
void packet_encode(const packet_t *packet, buf_t *out);

/* Finds the end of the first packet in BYTES.
 * Returns: its length; 0: more bytes are needed; -1: the Remaining Length is malformed. */
int64_t packet_frame(bytes_t bytes);

/* Decodes one whole packet as FRAME found it. Copies BYTES. CONNECT says its own version; VERSION is for all others.
 * Returns: the packet, to be destroyed; or NULL and in *ret_why a constant sentence saying which rule it breaks. */
packet_t *packet_decode(bytes_t bytes, uint8_t version, const char **ret_why);

/* Appends "PUBLISH topic="a" …" to OUT, without a newline. */
void packet_show(const packet_t *packet, buf_t *out);
/* Appends TEXT in quotes, what cannot be printed escaped, at most LIMIT bytes of it. */
void show_text(buf_t *out, bytes_t text, size_t limit);
/* Appends "10 0c …", at most LIMIT bytes. */
void show_hex(buf_t *out, bytes_t bytes, size_t limit);

/* --- tables ------------------------------------------------------------------------------------------------------- */

const char *packet_name(uint8_t type);
/* Returns: the type of that name, or -1. */
int packet_type_of(bytes_t name);
uint8_t packet_flags(uint8_t type);

const prop_rule_t *prop_by_name(bytes_t name);
const prop_rule_t *prop_by_code(uint8_t code);

/* Returns: what the code means in that packet, or NULL when the standard defines none. */
const char *reason_name(uint8_t version, uint8_t type, uint8_t code);
/* Returns: the code of that name, or -1. Version 0: of any version. */
int reason_by_name(uint8_t version, bytes_t name);

#endif
