/* decode.c — wire bytes to packet_t, forgiving nothing; see packet.h.
 *
 * Only what one packet shows is judged here. What needs memory of the conversation (an identifier in use, an alias
 * never set) is for the play to expect. Three leniencies of 3.1 are kept because its text asks for them: DUP on
 * SUBSCRIBE, UNSUBSCRIBE and PUBREL, and a user name or password whose flag is set but which is missing.
 */
#include "reader.h"

#include <string.h>

static void read_connect_flags(reader_t *r, packet_t *p)
{
	uint8_t flags = p->connect_flags;

	p->clean = flags & 0x02;
	p->has_will = flags & 0x04;
	p->will_qos = flags >> 3 & 3;
	p->will_retain = flags & 0x20;
	p->has_password = flags & 0x40;
	p->has_user = flags & 0x80;
	if (p->version == 3)
		return;
	if (flags & 1)
		read_fail(r, "the reserved connect flag is set [MQTT-3.1.2-3]");
	if (!p->has_will && flags & 0x38)
		read_fail(r, "will QoS or will retain without a will [MQTT-3.1.2-11, -13]");
	if (p->will_qos == 3)
		read_fail(r, "will QoS 3 [MQTT-3.1.2-12]");
	if (p->version == 4 && p->has_password && !p->has_user)
		read_fail(r, "a password without a user name [MQTT-3.1.2-22]");
}

static void read_connect(reader_t *r, packet_t *p)
{
	p->protocol_name = read_string(r);
	p->level = (uint8_t)read_u8(r);
	p->version = p->level & 0x7f;
	if (p->version < 3 || p->version > 5)
		read_fail(r, "unknown protocol level");
	if (!bytes_is(p->protocol_name, p->version == 3 ? "MQIsdp" : "MQTT"))
		read_fail(r, "protocol name and level do not fit");
	p->connect_flags = (uint8_t)read_u8(r);
	read_connect_flags(r, p);
	p->keep_alive = (uint16_t)read_u16(r);
	read_props(r, p, &p->props, CONNECT);
	p->client_id = read_string(r);
	if (p->has_will) {
		read_props(r, p, &p->will_props, WILL);
		p->will_topic = read_string(r);
		p->will_payload = read_binary(r);
	}
	if (p->has_user && (p->version > 3 || r->rest.len))
		p->user = read_string(r);
	if (p->has_password && (p->version > 3 || r->rest.len))
		p->password = read_binary(r);
}

static void check_reason(reader_t *r, const packet_t *p, uint8_t code)
{
	if (!reason_name(p->version, p->type, code))
		read_fail(r, "a reason code that is not defined for this packet");
}

static void read_connack(reader_t *r, packet_t *p)
{
	uint32_t flags = read_u8(r);

	p->session_present = flags & 1;
	p->reason = (uint8_t)read_u8(r);
	if (flags > 1)
		read_fail(r, "reserved bits of the connect acknowledge flags are set [MQTT-3.2.2-1]");
	if (flags && p->version == 3)
		read_fail(r, "the first byte of a CONNACK of 3.1 is not 0");
	if (p->session_present && p->reason)
		read_fail(r, "session present in a refusal [MQTT-3.2.2-6]");
	check_reason(r, p, p->reason);
	read_props(r, p, &p->props, CONNACK);
}

static void read_id(reader_t *r, packet_t *p)
{
	p->id = (uint16_t)read_u16(r);
	if (p->id == 0)
		read_fail(r, "packet identifier 0 [MQTT-2.2.1-3]");
}

static bool has_prop(const props_t *props, uint8_t code)
{
	for (size_t i = 0; i < props->count; i++)
		if (props->at[i].rule->code == code)
			return true;
	return false;
}

static void read_publish(reader_t *r, packet_t *p)
{
	p->dup = p->flags & 8;
	p->qos = p->flags >> 1 & 3;
	p->retain = p->flags & 1;
	if (p->qos == 3)
		read_fail(r, "QoS 3 [MQTT-3.3.1-4]");
	if (p->dup && !p->qos)
		read_fail(r, "DUP with QoS 0 [MQTT-3.3.1-2]");
	p->topic = read_string(r);
	if (p->topic.len && (memchr(p->topic.at, '+', p->topic.len) || memchr(p->topic.at, '#', p->topic.len)))
		read_fail(r, "a wildcard in a topic name [MQTT-3.3.2-2]");
	if (p->qos)
		read_id(r, p);
	read_props(r, p, &p->props, PUBLISH);
	if (!p->topic.len && !has_prop(&p->props, 0x23))
		read_fail(r, "an empty topic name without a topic alias");
	if (r->why)
		return;
	p->payload = r->rest;
	r->rest.len = 0;
}

static void read_reason_and_props(reader_t *r, packet_t *p)
{
	if (p->version < 5 || !r->rest.len)
		return;
	p->has_reason = true;
	p->reason = (uint8_t)read_u8(r);
	check_reason(r, p, p->reason);
	if (r->rest.len)
		read_props(r, p, &p->props, p->type);
}

static void read_filters(reader_t *r, packet_t *p)
{
	read_id(r, p);
	read_props(r, p, &p->props, p->type);
	while (r->rest.len && !r->why) {
		filter_t f = { .topic = read_string(r) };

		if (p->type == SUBSCRIBE)
			f.options = (uint8_t)read_u8(r);
		if ((f.options & 3) == 3 || f.options >> 6 || (f.options & 0x30) == 0x30 ||
		    (p->version < 5 && f.options > 2))
			read_fail(r, "bad subscription options [MQTT-3.8.3-5]");
		p->filters = arena_grow(&p->arena, p->filters, p->filter_count, sizeof(f));
		p->filters[p->filter_count++] = f;
	}
	if (!p->filter_count && p->version > 3)
		read_fail(r, "no topic filter [MQTT-3.8.3-2, MQTT-3.10.3-2]");
}

static void read_codes(reader_t *r, packet_t *p)
{
	read_id(r, p);
	read_props(r, p, &p->props, p->type);
	if (p->type == UNSUBACK && p->version < 5)
		return;
	for (size_t i = 0; i < r->rest.len; i++)
		if (!reason_name(p->version, p->type, (uint8_t)r->rest.at[i])) {
			read_fail(r, "a reason code that is not defined for this packet");
			return;
		}
	p->codes = r->rest;
	r->rest.len = 0;
}

static void read_body(reader_t *r, packet_t *p)
{
	switch (p->type) {
	case CONNECT: read_connect(r, p); break;
	case CONNACK: read_connack(r, p); break;
	case PUBLISH: read_publish(r, p); break;
	case PUBACK:
	case PUBREC:
	case PUBREL:
	case PUBCOMP: read_id(r, p); /* fall through */
	case DISCONNECT:
	case AUTH: read_reason_and_props(r, p); break;
	case SUBSCRIBE:
	case UNSUBSCRIBE: read_filters(r, p); break;
	case SUBACK:
	case UNSUBACK: read_codes(r, p); break;
	}
	if (r->rest.len && !r->why)
		read_fail(r, "bytes are left after the last field");
}

static void check_header(reader_t *r, const packet_t *p)
{
	uint8_t flags = p->flags;

	if (p->type == 0)
		read_fail(r, "packet type 0");
	if (p->type == AUTH && p->version < 5)
		read_fail(r, "packet type 15 before 5.0");
	if (p->version == 3 && (IN(p->type) & (IN(SUBSCRIBE) | IN(UNSUBSCRIBE) | IN(PUBREL))))
		flags &= 7;
	if (p->type != PUBLISH && p->type != CONNECT && flags != packet_flags(p->type))
		read_fail(r, "reserved flags of the fixed header are wrong [MQTT-2.1.3-1]");
}

int64_t packet_frame(bytes_t bytes)
{
	int64_t length = 0;
	size_t i = 1;

	for (; i < bytes.len && i < 5; i++) {
		length |= (int64_t)(bytes.at[i] & 127) << (7 * (i - 1));
		if (!(bytes.at[i] & 128)) {
			length += (int64_t)i + 1;
			return (int64_t)bytes.len >= length ? length : 0;
		}
	}
	return i == 5 ? -1 : 0;
}

packet_t *packet_decode(bytes_t bytes, uint8_t version, const char **ret_why)
{
	packet_t *p = packet_new((uint8_t)bytes.at[0] >> 4, version);
	reader_t r = { 0 };

	p->raw = arena_copy(&p->arena, bytes);
	p->flags = bytes.at[0] & 15;
	r.rest = bytes_from(p->raw, 1);
	p->length = read_varint(&r);
	check_header(&r, p);
	if (!r.why)
		read_body(&r, p);
	if (r.why) {
		*ret_why = r.why;
		packet_destroy(p);
		return NULL;
	}
	return p;
}
