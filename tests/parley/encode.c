/* encode.c — packet_t to wire bytes.
 *
 * Writes what it is told: a wildcard in a topic, a QoS of 3, a property in the wrong packet all go out as asked,
 * since a tester must be able to say what a client should not. Of two forms the standard allows, the shorter is
 * written: reason code and properties are left out of 5.0 acknowledgements when nothing was asked for.
 */
#include "packet.h"

static void put_u16(buf_t *out, uint32_t n)
{
	buf_add_byte(out, n >> 8 & 255);
	buf_add_byte(out, n & 255);
}

static void put_u32(buf_t *out, uint32_t n)
{
	put_u16(out, n >> 16);
	put_u16(out, n & 0xffff);
}

static void put_varint(buf_t *out, uint32_t n)
{
	do {
		buf_add_byte(out, (n & 127) | (n > 127 ? 128 : 0));
		n >>= 7;
	} while (n);
}

static void put_string(buf_t *out, bytes_t text)
{
	put_u16(out, (uint32_t)text.len);
	buf_add(out, text.at, text.len & 0xffff);
}

static void put_prop(buf_t *out, const prop_t *prop)
{
	buf_add_byte(out, prop->rule->code);
	switch (prop->rule->kind) {
	case BIT: buf_add_byte(out, prop->number & 255); break;
	case U16: put_u16(out, prop->number); break;
	case U32: put_u32(out, prop->number); break;
	case VARINT: put_varint(out, prop->number); break;
	case PAIR:
		put_string(out, prop->text);
		put_string(out, prop->value);
		break;
	case STRING:
	case BINARY: put_string(out, prop->text); break;
	}
}

static void put_props(buf_t *out, const packet_t *p, const props_t *props)
{
	buf_t body = { 0 };

	if (p->version < 5)
		return;
	for (size_t i = 0; i < props->count; i++)
		put_prop(&body, &props->at[i]);
	put_varint(out, (uint32_t)body.len);
	buf_add(out, body.at, body.len);
	buf_free(&body);
}

static unsigned connect_flags(const packet_t *p)
{
	unsigned flags = p->clean ? 0x02 : 0;

	if (p->connect_flags_override >= 0)
		return (unsigned)p->connect_flags_override;
	if (p->has_will)
		flags |= 0x04;
	flags |= (unsigned)p->will_qos << 3;
	if (p->will_retain)
		flags |= 0x20;
	if (p->has_password)
		flags |= 0x40;
	if (p->has_user)
		flags |= 0x80;
	return flags;
}

static void put_connect(buf_t *out, const packet_t *p)
{
	put_string(out, p->protocol_name);
	buf_add_byte(out, p->level);
	buf_add_byte(out, connect_flags(p));
	put_u16(out, p->keep_alive);
	put_props(out, p, &p->props);
	put_string(out, p->client_id);
	if (p->has_will) {
		put_props(out, p, &p->will_props);
		put_string(out, p->will_topic);
		put_string(out, p->will_payload);
	}
	if (p->has_user)
		put_string(out, p->user);
	if (p->has_password)
		put_string(out, p->password);
}

static void put_publish(buf_t *out, const packet_t *p)
{
	put_string(out, p->topic);
	if (p->qos)
		put_u16(out, p->id);
	put_props(out, p, &p->props);
	buf_add(out, p->payload.at, p->payload.len);
}

static void put_reason_and_props(buf_t *out, const packet_t *p)
{
	if (p->version < 5 || (!p->reason && !p->has_reason && !p->props.count))
		return;
	buf_add_byte(out, p->reason);
	if (p->props.count)
		put_props(out, p, &p->props);
}

static void put_filters(buf_t *out, const packet_t *p)
{
	put_u16(out, p->id);
	put_props(out, p, &p->props);
	for (size_t i = 0; i < p->filter_count; i++) {
		put_string(out, p->filters[i].topic);
		if (p->type == SUBSCRIBE)
			buf_add_byte(out, p->filters[i].options);
	}
}

static void put_codes(buf_t *out, const packet_t *p)
{
	put_u16(out, p->id);
	put_props(out, p, &p->props);
	if (p->type == SUBACK || p->version == 5)
		buf_add(out, p->codes.at, p->codes.len);
}

static void put_body(buf_t *out, const packet_t *p)
{
	switch (p->type) {
	case CONNECT: put_connect(out, p); break;
	case CONNACK:
		buf_add_byte(out, p->session_present);
		buf_add_byte(out, p->reason);
		put_props(out, p, &p->props);
		break;
	case PUBLISH: put_publish(out, p); break;
	case PUBACK:
	case PUBREC:
	case PUBREL:
	case PUBCOMP: put_u16(out, p->id); /* fall through */
	case DISCONNECT:
	case AUTH: put_reason_and_props(out, p); break;
	case SUBSCRIBE:
	case UNSUBSCRIBE: put_filters(out, p); break;
	case SUBACK:
	case UNSUBACK: put_codes(out, p); break;
	}
}

static unsigned header_flags(const packet_t *p)
{
	if (p->flags_override >= 0)
		return (unsigned)p->flags_override & 15;
	if (p->type == PUBLISH)
		return (p->dup ? 8u : 0u) | (p->qos & 3u) << 1 | (p->retain ? 1u : 0u);
	return packet_flags(p->type) | (p->dup ? 8u : 0u);	/* 3.1 has DUP on SUBSCRIBE, UNSUBSCRIBE and PUBREL */
}

void packet_encode(const packet_t *packet, buf_t *out)
{
	buf_t body = { 0 };

	put_body(&body, packet);
	buf_add_byte(out, (unsigned)packet->type << 4 | header_flags(packet));
	put_varint(out, packet->length_override >= 0 ? (uint32_t)packet->length_override : (uint32_t)body.len);
	buf_add(out, body.at, body.len);
	buf_free(&body);
}
