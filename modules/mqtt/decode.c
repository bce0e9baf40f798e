/* decode.c — packets read: the fixed header, PUBLISH, acknowledgements, DISCONNECT, AUTH.
 *
 * PUBLISH is the broker's hot path. Below 5.0 with QoS 0 it is one length check, one pass over the topic and three
 * slices. The pass looks at eight bytes at a time for everything that is not plain: a byte of a multi-byte character,
 * U+0000, '+' and '#', which differ in one bit only and so are found by one comparison. What it finds is judged
 * afterwards, by slower code that says what exactly is wrong.
 *
 * Packets only a server sends are refused, not read: this broker's other ends of connections are clients.
 */
#include "wire.h"

/* --- fixed header ----------------------------------------------------------------------------------------------- */

ln_result_t mqtt_header_read_long(ln_slice_t bytes, mqtt_header_t *ret, mqtt_fault_t *fault)
{
	uint32_t body = 0;

	for (unsigned i = 1; i < MQTT_HEADER_MAX; i++) {
		if (bytes.len <= i)
			return LN_AGAIN;
		body |= (bytes.data[i] & 0x7fu) << (7 * (i - 1));
		if (bytes.data[i] < 0x80) {
			*ret = (mqtt_header_t){ bytes.data[0], (uint8_t)(i + 1), body };
			return LN_OK;
		}
	}
	return mqtt_malformed(fault, NULL, "the remaining length does not end after four bytes");
}

/* What the low four bits must be, and the statement that says so (the same number in 5.0 and 3.1.1; NULL: the
 * general one). */
static const struct {
	uint8_t flags;
	const char *statement;
} wanted[16] = {
	[MQTT_PUBREL] = { 2, "MQTT-3.6.1-1" },
	[MQTT_SUBSCRIBE] = { 2, "MQTT-3.8.1-1" },
	[MQTT_UNSUBSCRIBE] = { 2, "MQTT-3.10.1-1" },
	[MQTT_DISCONNECT] = { 0, "MQTT-3.14.1-1" },
	[MQTT_AUTH] = { 0, "MQTT-3.15.1-1" },
};

/* The bits that QUIRKS leave unjudged. */
static unsigned ignored_flags(mqtt_type_t type, uint32_t quirks)
{
	unsigned bits = 0;

	switch (type) {
	case MQTT_CONNECT:
	case MQTT_PINGREQ:
	case MQTT_DISCONNECT:
		return quirks & MQTT_QUIRK_UNUSED_BITS ? 15 : 0;
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
	case MQTT_PUBREL:
		bits = (quirks & MQTT_QUIRK_DUP_ANYWHERE ? 8 : 0) | (quirks & MQTT_QUIRK_UNUSED_BITS ? 1 : 0);
		break;
	default:
		break;
	}
	if (type >= MQTT_PUBACK && type <= MQTT_PUBCOMP && (quirks & MQTT_QUIRK_ACK_FLAGS))
		bits = 15;
	return bits;
}

static bool servers_only(mqtt_type_t type)
{
	return type == MQTT_CONNACK || type == MQTT_SUBACK || type == MQTT_UNSUBACK || type == MQTT_PINGRESP;
}

ln_result_t mqtt_flags_check_rare(const mqtt_header_t *h, mqtt_dialect_t dialect, mqtt_fault_t *fault)
{
	mqtt_type_t type = mqtt_type(h->first);
	bool empty = type == MQTT_PINGREQ || (type == MQTT_DISCONNECT && dialect.version < 5);
	const char *statement = wanted[type].statement;

	if (type == 0 || (type == MQTT_AUTH && dialect.version < 5))
		return mqtt_malformed(fault, NULL, "the packet type is reserved");
	if (servers_only(type))
		return mqtt_forbidden(fault, NULL, "a client sent a packet that only a server sends");
	if (dialect.version == 5 && h->len > 1 + mqtt_varint_size(h->body))
		return mqtt_malformed(fault, "MQTT-1.5.5-1", "the remaining length is not in its shortest form");
	if (type != MQTT_PUBLISH && ((h->first ^ wanted[type].flags) & 15 & ~ignored_flags(type, dialect.quirks)) != 0)
		return mqtt_malformed(fault,
		                   mqtt_statement(dialect.version, statement ? statement : "MQTT-2.1.3-1",
		                                  statement ? statement : "MQTT-2.2.2-2"),
		                   "the flags of the fixed header are not those of this packet");
	if (empty && h->body > 0)
		return mqtt_malformed(fault, NULL, "a packet that must be empty has a body");
	return LN_OK;
}

/* --- PUBLISH ---------------------------------------------------------------------------------------------------- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Nonzero when one of eight bytes is no plain one: above 0x7f, 0, '+' (0x2b) or '#' (0x23). */
static inline uint64_t odd8(uint64_t w)
{
	uint64_t wild = (w | EACH(0x08)) ^ EACH(0x2b);

	return (w | (w - EACH(0x01)) | (wild - EACH(0x01))) & EACH(0x80);
}

static inline uint64_t load8(const uint8_t *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

/* One to seven bytes in one word, some of them perhaps twice. */
static inline uint64_t load_short(const uint8_t *at, size_t len)
{
	uint32_t head, tail;

	if (len >= 4) {
		memcpy(&head, at, 4);
		memcpy(&tail, at + len - 4, 4);
		return (uint64_t)head << 32 | tail;
	}
	return EACH(at[0]) << 16 | (uint64_t)at[len / 2] << 8 | at[len - 1];
}

static inline bool is_plain(ln_slice_t topic)
{
	const uint8_t *at = topic.data, *last;
	uint64_t odd = 0;

	if (topic.len < 8)
		return topic.len == 0 || odd8(load_short(at, topic.len)) == 0;
	for (last = at + topic.len - 8; at < last; at += 8)
		odd |= odd8(load8(at));
	return (odd | odd8(load8(last))) == 0;
}

static ln_result_t __attribute__((noinline)) judge_topic(ln_slice_t topic, unsigned version, mqtt_fault_t *fault)
{
	ln_utf8_t found = ln_utf8_check(topic);

	if (found >= LN_UTF8_NUL)
		return mqtt_reject_text(found, version, fault);
	if (mqtt_has_wildcard(topic))
		return mqtt_reject(fault, MQTT_REASON_TOPIC_INVALID, mqtt_either(version, "MQTT-3.3.2-2"),
		                   "the topic name holds a wildcard");
	return LN_OK;
}

ln_result_t mqtt_topic_check(ln_slice_t topic, mqtt_dialect_t dialect, mqtt_fault_t *fault)
{
	return LN_LIKELY(is_plain(topic)) ? LN_OK : judge_topic(topic, dialect.version, fault);
}

static ln_result_t __attribute__((noinline)) read_publish_props(ln_reader_t *r, ln_buf_t *scratch, mqtt_publish_t *ret,
                                                                mqtt_fault_t *fault)
{
	mqtt_props_t props;
	ln_result_t result = mqtt_props_read(r, MQTT_PUBLISH, scratch, &ret->carry, &props, fault);

	if (result != LN_OK)
		return result;
	ret->expires = mqtt_has(&props, message_expiry);
	ret->expiry = props.message_expiry;
	ret->alias = props.topic_alias;
	ret->text = props.payload_format == 1;
	return LN_OK;
}

static ln_result_t refuse_publish_flags(uint8_t first, unsigned version, mqtt_fault_t *fault)
{
	if ((first >> 1 & 3) == 3)
		return mqtt_malformed(fault, mqtt_either(version, "MQTT-3.3.1-4"),
		                   "the QoS is 3");
	return mqtt_malformed(fault, mqtt_either(version, "MQTT-3.3.1-2"),
	                   "a message of QoS 0 has the DUP flag");
}

static ln_result_t refuse_packet_id(unsigned version, mqtt_fault_t *fault)
{
	return mqtt_forbidden(fault, mqtt_statement(version, "MQTT-2.2.1-3", "MQTT-2.3.1-1"),
	                   "the packet identifier is 0");
}

static inline ln_result_t read_packet_id(ln_reader_t *r, mqtt_dialect_t dialect, uint16_t *ret, mqtt_fault_t *fault)
{
	*ret = ln_read_u16(r);
	if (LN_UNLIKELY(r->bad))
		return mqtt_malformed(fault, NULL, "the packet ends before its identifier");
	if (LN_UNLIKELY(*ret == 0) && !(dialect.quirks & MQTT_QUIRK_PACKET_ID_0))
		return refuse_packet_id(dialect.version, fault);
	return LN_OK;
}

static ln_result_t refuse_empty_topic(unsigned version, mqtt_fault_t *fault)
{
	if (version == 5)
		return mqtt_forbidden(fault, NULL, "there is neither a topic name nor an alias");
	return mqtt_reject(fault, MQTT_REASON_TOPIC_INVALID, mqtt_statement(version, NULL, "MQTT-4.7.3-1"),
	                   "the topic name is empty");
}

static inline __attribute__((always_inline)) ln_result_t publish_read(uint8_t first, ln_slice_t body,
                                                                      mqtt_dialect_t dialect,
                                                                      ln_buf_t *scratch, mqtt_publish_t *ret,
                                                                      mqtt_fault_t *fault)
{
	bool dup = (first & 8) != 0;
	unsigned qos = first >> 1 & 3;
	ln_reader_t r = ln_reader(body);
	size_t len = ln_read_u16(&r);
	ln_result_t result;

	*ret = (mqtt_publish_t){ .qos = (uint8_t)qos, .dup = dup, .retain = first & 1 };
	ret->topic = ln_read_bytes(&r, len);
	if (LN_UNLIKELY(r.bad))
		return mqtt_malformed(fault, NULL, "the packet ends inside the topic name");
	if (qos > 0) {
		if (LN_UNLIKELY(qos == 3))
			return refuse_publish_flags(first, dialect.version, fault);
		result = read_packet_id(&r, dialect, &ret->packet_id, fault);
		if (LN_UNLIKELY(result != LN_OK))
			return result;
	} else if (LN_UNLIKELY(dup) && !(dialect.quirks & MQTT_QUIRK_DUP_QOS_0)) {
		return refuse_publish_flags(first, dialect.version, fault);
	}
	if (dialect.version == 5) {
		if (LN_LIKELY(r.at < r.end && *r.at == 0))
			r.at++;
		else if ((result = read_publish_props(&r, scratch, ret, fault)) != LN_OK)
			return result;
	}
	if (LN_UNLIKELY(len == 0) && ret->alias == 0)
		return refuse_empty_topic(dialect.version, fault);
	ret->payload = ln_slice(r.at, ln_reader_left(&r));
	return LN_OK;
}

ln_result_t mqtt_publish_read_unchecked_topic(uint8_t first, ln_slice_t body, mqtt_dialect_t dialect, ln_buf_t *scratch,
                                              mqtt_publish_t *ret, mqtt_fault_t *fault)
{
	return publish_read(first, body, dialect, scratch, ret, fault);
}

ln_result_t mqtt_publish_read(uint8_t first, ln_slice_t body, mqtt_dialect_t dialect, ln_buf_t *scratch,
                              mqtt_publish_t *ret,
                              mqtt_fault_t *fault)
{
	ln_result_t result = publish_read(first, body, dialect, scratch, ret, fault);

	if (LN_UNLIKELY(result != LN_OK) || LN_LIKELY(is_plain(ret->topic)))
		return result;
	return judge_topic(ret->topic, dialect.version, fault);
}

/* --- acknowledgements ------------------------------------------------------------------------------------------- */

static ln_result_t check_reason(uint8_t reason, mqtt_type_t type, mqtt_fault_t *fault)
{
	static const char *const statements[16] = {
		[MQTT_PUBACK] = "MQTT-3.4.2-1", [MQTT_PUBREC] = "MQTT-3.5.2-1", [MQTT_PUBREL] = "MQTT-3.6.2-1",
		[MQTT_PUBCOMP] = "MQTT-3.7.2-1", [MQTT_DISCONNECT] = "MQTT-3.14.2-1", [MQTT_AUTH] = "MQTT-3.15.2-1",
	};

	if (mqtt_reason_allowed(reason, type))
		return LN_OK;
	return mqtt_forbidden(fault, statements[type], "the reason code is none of this packet's");
}

/* What ends most packets of 5.0: nothing, a reason, or a reason and properties. */
static ln_result_t read_tail(ln_reader_t *r, mqtt_type_t type, uint8_t *ret_reason, mqtt_props_t *ret,
                             mqtt_fault_t *fault)
{
	ln_result_t result = LN_OK;

	*ret = mqtt_props_none;
	*ret_reason = MQTT_REASON_SUCCESS;
	if (r->at == r->end)
		return LN_OK;
	*ret_reason = ln_read_u8(r);
	result = check_reason(*ret_reason, type, fault);
	if (result == LN_OK && r->at < r->end)
		result = mqtt_props_read(r, type, NULL, NULL, ret, fault);
	if (result == LN_OK && r->at < r->end)
		return mqtt_malformed(fault, NULL, "bytes follow the properties");
	return result;
}

ln_result_t mqtt_ack_read_long(mqtt_type_t type, ln_slice_t body, mqtt_dialect_t dialect, mqtt_ack_t *ret,
                               mqtt_fault_t *fault)
{
	ln_reader_t r = ln_reader(body);
	mqtt_props_t props;
	ln_result_t result;

	*ret = (mqtt_ack_t){ .packet_id = ln_read_u16(&r) };
	if (r.bad)
		return mqtt_malformed(fault, NULL, "the packet ends before its identifier");
	if (dialect.version < 5 && r.at < r.end)
		return mqtt_malformed(fault, NULL, "bytes follow the packet identifier");
	result = read_tail(&r, type, &ret->reason, &props, fault);
	ret->reason_string = props.reason_string;
	ret->user = props.user;
	return result;
}

ln_result_t mqtt_disconnect_read(ln_slice_t body, mqtt_dialect_t dialect, mqtt_disconnect_t *ret, mqtt_fault_t *fault)
{
	ln_reader_t r = ln_reader(body);
	mqtt_props_t props;
	ln_result_t result;

	*ret = (mqtt_disconnect_t){ 0 };
	if (dialect.version < 5)
		return body.len == 0 ? LN_OK : mqtt_malformed(fault, NULL,
		                                           "a packet that must be empty has a body");
	result = read_tail(&r, MQTT_DISCONNECT, &ret->reason, &props, fault);
	ret->has_session_expiry = mqtt_has(&props, session_expiry);
	ret->session_expiry = props.session_expiry;
	ret->reason_string = props.reason_string;
	ret->user = props.user;
	return result;
}

ln_result_t mqtt_auth_read(ln_slice_t body, mqtt_auth_t *ret, mqtt_fault_t *fault)
{
	ln_reader_t r = ln_reader(body);
	mqtt_props_t props;
	ln_result_t result;

	*ret = (mqtt_auth_t){ 0 };
	result = read_tail(&r, MQTT_AUTH, &ret->reason, &props, fault);
	if (result == LN_OK && body.len > 0 && !mqtt_has(&props, auth_method))
		return mqtt_forbidden(fault, NULL, "the authentication method is missing");
	ret->method = props.auth_method;
	ret->data = props.auth_data;
	ret->reason_string = props.reason_string;
	ret->user = props.user;
	return result;
}
