/* packets.h — for the tests of MQTT's codec: valid packets by hand, and one function that reads any packet as a
 * broker would.
 *
 * The packets are written from the standard's figures, not by the encoder. Each stands once per version that knows
 * it.
 */
#ifndef TESTS_MODULES_MQTT_PACKETS_H
#define TESTS_MODULES_MQTT_PACKETS_H

#include <stdlib.h>
#include <string.h>
#include "mqtt/codec.h"

typedef struct sample {
	unsigned version;
	const char *name;
	const char *bytes;
	size_t len;
} sample_t;

#define S(version, name, bytes) { version, name, bytes, sizeof(bytes) - 1 }

static const sample_t samples[] = {
	S(3, "connect 3.1", "\x10\x0f\0\6MQIsdp\3\2\0\x3c\0\1a"),
	S(3, "connect 3.1, everything",
	  "\x10\x24\0\6MQIsdp\3\xf6\0\x3c\0\1a\0\3w/t\0\2hi\0\4user\0\4pass"),
	S(4, "connect", "\x10\x0d\0\4MQTT\4\2\0\x3c\0\1a"),
	S(4, "connect, everything", "\x10\x22\0\4MQTT\4\xee\0\x0a\0\1a\0\3w/t\0\2hi\0\4user\0\4pass"),
	S(4, "connect, bridge", "\x10\x0d\0\4MQTT\x84\2\0\x3c\0\1a"),
	S(5, "connect 5", "\x10\x0e\0\4MQTT\5\2\0\x3c\0\0\1a"),
	S(5, "connect 5, everything",
	  "\x10\x6f\0\4MQTT\5\xce\0\x0a"
	  "\x28" "\x11\0\0\0\x78" "\x21\0\x14" "\x27\0\0\x10\0" "\x22\0\x0a" "\x19\1" "\x17\0" "\x26\0\1k\0\1v"
	  "\x15\0\1m" "\x16\0\1d" "\x26\0\0\0\0"
	  "\0\1a"
	  "\x23" "\x18\0\0\0\5" "\1\1" "\2\0\0\0\x0a" "\3\0\2ct" "\x08\0\2rt" "\x09\0\2cd" "\x26\0\1k\0\2v2"
	  "\0\3w/t\0\2hi\0\4user\0\4pass"),
	S(3, "publish 3.1 qos 1", "\x32\x09\0\3a/b\0\x0ahi"),
	S(4, "publish qos 0", "\x30\x07\0\3a/bhi"),
	S(4, "publish qos 1", "\x32\x09\0\3a/b\0\x0ahi"),
	S(4, "publish qos 2, dup, retain", "\x3d\x09\0\3a/b\0\x0ahi"),
	S(4, "publish, no payload", "\x31\x05\0\3a/b"),
	S(5, "publish 5 qos 0", "\x30\x08\0\3a/b\0hi"),
	S(5, "publish 5 by alias", "\x30\x08\0\0\3\x23\0\5hi"),
	S(5, "publish 5 qos 1, everything",
	  "\x32\x30\0\3a/b\0\x0a"
	  "\x26" "\1\1" "\2\0\0\0\x3c" "\x23\0\5" "\x08\0\2rt" "\x09\0\2\0\xff" "\x26\0\1k\0\1v"
	  "\x26\0\1k\0\0" "\3\0\2ct"
	  "hi"),
	S(4, "puback", "\x40\2\0\x0a"),
	S(4, "pubrec", "\x50\2\0\x0a"),
	S(4, "pubrel", "\x62\2\0\x0a"),
	S(4, "pubcomp", "\x70\2\0\x0a"),
	S(5, "puback 5", "\x40\2\0\x0a"),
	S(5, "puback 5, reason", "\x40\3\0\x0a\x10"),
	S(5, "pubrec 5, everything", "\x50\x12\0\x0a\x97\x0e" "\x1f\0\4full" "\x26\0\1k\0\1v"),
	S(5, "pubrel 5, not found", "\x62\4\0\x0a\x92\0"),
	S(5, "pubcomp 5, not found", "\x70\4\0\x0a\x92\0"),
	S(3, "subscribe 3.1", "\x82\x08\0\x0a\0\3a/b\1"),
	S(4, "subscribe", "\x82\x0e\0\x0a\0\3a/b\1\0\3c/#\2"),
	S(5, "subscribe 5", "\x82\x16\0\x0a\x0a" "\x0b\x80\1" "\x26\0\1k\0\1v" "\0\3a/b\x2e" "\0\0\0"),
	S(3, "unsubscribe 3.1", "\xa2\x07\0\x0a\0\3a/b"),
	S(4, "unsubscribe", "\xa2\x0c\0\x0a\0\3a/b\0\3c/#"),
	S(5, "unsubscribe 5", "\xa2\x0f\0\x0a\7" "\x26\0\1k\0\1v" "\0\3a/b"),
	S(4, "pingreq", "\xc0\0"),
	S(5, "pingreq 5", "\xc0\0"),
	S(4, "disconnect", "\xe0\0"),
	S(5, "disconnect 5", "\xe0\0"),
	S(5, "disconnect 5, with will", "\xe0\1\4"),
	S(5, "disconnect 5, everything", "\xe0\x14\0\x12" "\x11\0\0\0\x78" "\x1f\0\3bye" "\x26\0\1k\0\1v"),
	S(5, "auth 5", "\xf0\x0c\x18\x0a" "\x15\0\1m" "\x16\0\3xyz"),
	S(5, "auth 5, success", "\xf0\0"),
};

#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* A copy of exactly its size on the heap, so that a sanitizer sees a step too far. free() it. */
static inline uint8_t *exact_copy(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

/* Touches all bytes of S. */
static inline unsigned touch(ln_slice_t s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum += s.data[i];
	return sum;
}

static inline unsigned touch_user(ln_slice_t rest)
{
	ln_slice_t name, value;
	unsigned sum = 0;

	while (mqtt_user_next(&rest, &name, &value))
		sum += 1 + touch(name) + touch(value);
	return sum;
}

static inline ln_result_t feed_connect(ln_slice_t body, uint32_t quirks, ln_buf_t *scratch, mqtt_fault_t *fault,
                                       unsigned *sum)
{
	mqtt_connect_t c;
	ln_result_t result = mqtt_connect_read(body, quirks, scratch, &c, fault);

	*sum += mqtt_connect_level(body);
	if (result == LN_OK)
		*sum += touch(c.client_id) + touch(c.user) + touch(c.password) + touch(c.will.topic) +
		        touch(c.will.payload) + touch(c.will.carry) + touch_user(c.will.carry) +
		        touch_user(c.props.user) + touch(c.props.auth_method) + touch(c.props.auth_data);
	return result;
}

static inline ln_result_t feed_publish(uint8_t first, ln_slice_t body, mqtt_dialect_t d, ln_buf_t *scratch,
                                       mqtt_fault_t *fault,
                                       unsigned *sum)
{
	mqtt_publish_t p;
	ln_result_t result = mqtt_publish_read(first, body, d, scratch, &p, fault);

	if (result == LN_OK)
		*sum += touch(p.topic) + touch(p.payload) + touch(p.carry) + touch_user(p.carry);
	return result;
}

static inline ln_result_t feed_filters(mqtt_type_t type, ln_slice_t body, mqtt_dialect_t d, mqtt_fault_t *fault,
                                       unsigned *sum)
{
	bool subscribe = type == MQTT_SUBSCRIBE;
	mqtt_filters_t f;
	mqtt_subscription_t s;
	ln_slice_t filter;
	ln_result_t result = subscribe ? mqtt_subscribe_open(body, d, &f, fault)
	                               : mqtt_unsubscribe_open(body, d, &f, fault);

	if (result != LN_OK)
		return result;
	*sum += touch_user(f.user);
	while (subscribe && mqtt_subscribe_next(&f, &s))
		*sum += touch(s.filter) + s.qos;
	while (!subscribe && mqtt_unsubscribe_next(&f, &filter))
		*sum += touch(filter);
	return LN_OK;
}

static inline ln_result_t feed_tailed(mqtt_type_t type, ln_slice_t body, mqtt_dialect_t d, mqtt_fault_t *fault,
                                      unsigned *sum)
{
	mqtt_ack_t ack = { 0 };
	mqtt_disconnect_t bye = { 0 };
	mqtt_auth_t auth = { 0 };
	ln_result_t result;

	if (type == MQTT_DISCONNECT)
		result = mqtt_disconnect_read(body, d, &bye, fault);
	else if (type == MQTT_AUTH)
		result = mqtt_auth_read(body, &auth, fault);
	else
		result = mqtt_ack_read(type, body, d, &ack, fault);
	if (result == LN_OK)
		*sum += touch(ack.reason_string) + touch_user(ack.user) + touch(bye.reason_string) +
		        touch_user(bye.user) + touch(auth.method) + touch(auth.data) +
		        touch(auth.reason_string) + touch_user(auth.user);
	return result;
}

/* Reads the packet at the start of BYTES and touches all that it says. LN_AGAIN: it is not complete. */
static inline ln_result_t feed(ln_slice_t bytes, mqtt_dialect_t d, ln_buf_t *scratch, mqtt_fault_t *fault,
                               unsigned *sum)
{
	mqtt_header_t h;
	mqtt_type_t type;
	ln_slice_t body;
	ln_result_t result = mqtt_header_read(bytes, &h, fault);

	if (result != LN_OK)
		return result;
	if (bytes.len - h.len < h.body)
		return LN_AGAIN;
	result = mqtt_flags_check(&h, d, fault);
	if (result != LN_OK)
		return result;
	body = ln_slice(bytes.data + h.len, h.body);
	type = mqtt_type(h.first);
	if (type == MQTT_CONNECT)
		return feed_connect(body, d.quirks, scratch, fault, sum);
	if (type == MQTT_PUBLISH)
		return feed_publish(h.first, body, d, scratch, fault, sum);
	if (type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE)
		return feed_filters(type, body, d, fault, sum);
	return type == MQTT_PINGREQ ? LN_OK : feed_tailed(type, body, d, fault, sum);
}

#endif
