/* wire.h - MQTT packets as bytes: what a client must write and the frame headers it must read. Pure: no socket, no
 * clock.
 *
 * Writers append a whole packet to a bench_buf_t. Reading is in place: a bench_packet_t points into the bytes given.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum {
	BENCH_CONNECT = 1,
	BENCH_CONNACK,
	BENCH_PUBLISH,
	BENCH_PUBACK,
	BENCH_PUBREC,
	BENCH_PUBREL,
	BENCH_PUBCOMP,
	BENCH_SUBSCRIBE,
	BENCH_SUBACK,
	BENCH_UNSUBSCRIBE,
	BENCH_UNSUBACK,
	BENCH_PINGREQ,
	BENCH_PINGRESP,
	BENCH_DISCONNECT,
};

typedef struct bench_packet {
	unsigned type, flags;
	const uint8_t *body;
	uint32_t len;
} bench_packet_t;

/* What begins every payload of at least BENCH_STAMP_SIZE bytes, in the byte order of this machine. */
typedef struct bench_stamp {
	uint64_t time;       /* bench_now() when it was sent, or was due when paced */
	uint32_t publisher;
	uint32_t number;     /* 1, 2, 3 ... per publisher */
} bench_stamp_t;

#define BENCH_STAMP_SIZE sizeof(bench_stamp_t)

/* Returns: the size of the packet at DATA, described in ret_packet, when all of it is there; 0 when more bytes are
 * needed, -1 when its length is malformed. With 0, ret_packet->len is the size of the body once the header is there,
 * else 0. */
static inline int64_t bench_packet_read(const uint8_t *data, size_t n, bench_packet_t *ret_packet)
{
	uint32_t len = 0;
	size_t at = 1;

	ret_packet->len = 0;
	do {
		if (at >= n)
			return 0;
		if (at > 4)
			return -1;
		len |= (uint32_t)(data[at] & 127) << (7 * (at - 1));
	} while (data[at++] & 128);
	ret_packet->type = data[0] >> 4;
	ret_packet->flags = data[0] & 15;
	ret_packet->body = data + at;
	ret_packet->len = len;
	return n - at < len ? 0 : (int64_t)(at + len);
}

static inline unsigned bench_u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Returns: the packet identifier in the first two bytes of the body, 0 when there is none. */
static inline unsigned bench_packet_id(const bench_packet_t *packet)
{
	return packet->len < 2 ? 0 : bench_u16(packet->body);
}

typedef struct bench_connect {
	unsigned version, keep_alive;
	const char *client_id, *user, *password;
} bench_connect_t;

void bench_wire_connect(bench_buf_t *out, const bench_connect_t *connect);

/* Begins a SUBSCRIBE whose body is OUT's growth from here; add filters, then call bench_wire_subscribe_end. */
void bench_wire_subscribe_begin(bench_buf_t *body, unsigned version, unsigned id);
void bench_wire_subscribe_add(bench_buf_t *body, const char *filter, unsigned qos);
void bench_wire_subscribe_end(bench_buf_t *out, const bench_buf_t *body);

/* Where the parts of a PUBLISH that change from one message to the next stand, from its first byte. */
typedef struct bench_publish_map {
	size_t size, topic, id, payload;
} bench_publish_map_t;

void bench_wire_publish(bench_buf_t *out, unsigned version, unsigned qos, bool retain, const char *topic,
			const void *payload, size_t payload_len, bench_publish_map_t *ret_map);

/* Appends an acknowledgement or PUBREL of packet ID. Inline: once per message with QoS above 0. */
static inline void bench_wire_ack(bench_buf_t *out, unsigned type, unsigned id)
{
	uint8_t *p = bench_buf_more(out, 4);

	p[0] = (uint8_t)(type << 4 | (type == BENCH_PUBREL ? 2 : 0));
	p[1] = 2;
	p[2] = (uint8_t)(id >> 8);
	p[3] = (uint8_t)id;
}

/* Appends a packet without a body, such as PINGREQ and DISCONNECT. */
void bench_wire_empty(bench_buf_t *out, unsigned type);

/* Finds topic, packet identifier and payload of a received PUBLISH.
 * Returns: false when it is malformed. */
typedef struct bench_publish {
	const uint8_t *payload;
	uint32_t payload_len;
	unsigned id;
} bench_publish_t;

bool bench_publish_read(const bench_packet_t *packet, unsigned version, bench_publish_t *ret_publish);

/* Returns: the value of the CONNACK's receive maximum (MQTT 5.0), 65535 when it has none or is of an older version. */
unsigned bench_connack_window(const bench_packet_t *packet, unsigned version);

/* Returns: the meaning of CONNACK's CODE. */
const char *bench_connack_text(unsigned version, unsigned code);

#endif
