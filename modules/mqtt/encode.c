/* encode.c — packets written.
 *
 * Every writer first computes what its packet needs, and writes when that fits: the caller may ask with no room at
 * all, and nothing is ever written twice or moved. PUBLISH is written up to its payload only, which the caller
 * appends or gathers; that head is the hot path: with QoS 0 and nothing of 5.0 it is a byte, a length and the topic.
 * It takes one struct rather than a dozen arguments so that one of many subscribers' copies differs from the next by
 * a field or two.
 *
 * Which properties may be dropped for a peer with a small maximum is the standard's choice, not ours: reason string
 * and user properties. What else stands in a packet is needed there, and then the packet itself is too large; the
 * caller sees that in its size.
 */
#include "wire.h"

/* --- properties ------------------------------------------------------------------------------------------------- */

static size_t property_size(const mqtt_props_t *props, const mqtt_rule_t *rule)
{
	const void *field = mqtt_field(props, rule);

	switch ((mqtt_wire_t)rule->wire) {
	case MQTT_WIRE_BYTE:
		return 2;
	case MQTT_WIRE_U16:
		return 3;
	case MQTT_WIRE_U32:
		return 5;
	case MQTT_WIRE_VARINT:
		return 1 + mqtt_varint_size(*(const uint32_t *)field);
	case MQTT_WIRE_PAIR:
		return ((const ln_slice_t *)field)->len;
	default:
		return 3 + ((const ln_slice_t *)field)->len;
	}
}

static uint8_t *put_slice(uint8_t *at, ln_slice_t s)
{
	if (s.len > 0)
		memcpy(at, s.data, s.len);
	return at + s.len;
}

static uint8_t *put_string(uint8_t *at, ln_slice_t s)
{
	ln_put_u16(at, (uint16_t)s.len);
	return put_slice(at + 2, s);
}

static uint8_t *put_property(uint8_t *at, const mqtt_props_t *props, const mqtt_rule_t *rule)
{
	const void *field = mqtt_field(props, rule);

	if (rule->wire == MQTT_WIRE_PAIR)
		return put_slice(at, *(const ln_slice_t *)field);
	*at++ = rule->id;
	switch ((mqtt_wire_t)rule->wire) {
	case MQTT_WIRE_BYTE:
		*at = *(const uint8_t *)field;
		return at + 1;
	case MQTT_WIRE_U16:
		ln_put_u16(at, *(const uint16_t *)field);
		return at + 2;
	case MQTT_WIRE_U32:
		ln_put_u32(at, *(const uint32_t *)field);
		return at + 4;
	case MQTT_WIRE_VARINT:
		return mqtt_varint_put(at, *(const uint32_t *)field);
	default:
		return put_string(at, *(const ln_slice_t *)field);
	}
}

/* --- a packet that ends in a property section ------------------------------------------------------------------- */

typedef struct packet {
	uint8_t first;
	size_t fixed;                 /* bytes of the body besides the section */
	const mqtt_props_t *props;
	uint32_t chosen;              /* the properties that are written */
	size_t section;               /* their size, without the length before them */
	bool bare;                    /* no section at all, not even its length */
} packet_t;

static size_t section_size(const packet_t *p)
{
	size_t size = 0;

	for (uint32_t left = p->chosen; left; left &= left - 1)
		size += property_size(p->props, &mqtt_rules[__builtin_ctz(left)]);
	return size;
}

static size_t body_size(const packet_t *p)
{
	return p->fixed + (p->bare ? 0 : mqtt_varint_size((uint32_t)p->section) + p->section);
}

static size_t packet_size(const packet_t *p)
{
	size_t body = body_size(p);

	return body > MQTT_BODY_MAX ? 0 : 1 + mqtt_varint_size((uint32_t)body) + body;
}

/* Leaves out the properties BITS when the packet is larger than MOST (0: any size MQTT has). */
static void leave_out(packet_t *p, uint32_t bits, size_t most)
{
	size_t size = packet_size(p);

	if (size > 0 && (most == 0 || size <= most))
		return;
	p->chosen &= ~bits;
	p->section = section_size(p);
}

/* A packet of TYPE with FLAGS in its header. Requires: PROPS may stand in TYPE, and no string is over 65535 bytes. */
static packet_t make_packet(mqtt_type_t type, unsigned version, size_t fixed, const mqtt_props_t *props, size_t most)
{
	bool flagged = type == MQTT_PUBREL;
	packet_t p = { .first = (uint8_t)(type << 4 | (flagged ? 2 : 0)), .fixed = fixed, .props = props,
	        .bare = version < 5 };

	if (!props || version < 5)
		return p;
	p.chosen = props->seen;
	for (uint32_t left = p.chosen; left; left &= left - 1) {
		const mqtt_rule_t *rule = &mqtt_rules[__builtin_ctz(left)];
		ln_require((rule->packets >> type & 1) != 0);
		if (rule->wire == MQTT_WIRE_STRING || rule->wire == MQTT_WIRE_BINARY)
			ln_require(((const ln_slice_t *)mqtt_field(props, rule))->len <= UINT16_MAX);
	}
	p.section = section_size(&p);
	leave_out(&p, 1u << mqtt_prop_user, most);
	leave_out(&p, 1u << mqtt_prop_reason_string, most);
	return p;
}

static uint8_t *put_header(uint8_t *at, const packet_t *p)
{
	*at++ = p->first;
	return mqtt_varint_put(at, (uint32_t)body_size(p));
}

static uint8_t *put_section(uint8_t *at, const packet_t *p)
{
	if (p->bare)
		return at;
	at = mqtt_varint_put(at, (uint32_t)p->section);
	for (uint32_t left = p->chosen; left; left &= left - 1)
		at = put_property(at, p->props, &mqtt_rules[__builtin_ctz(left)]);
	return at;
}

/* --- the packets ------------------------------------------------------------------------------------------------ */

size_t mqtt_connack_write(uint8_t *dst, size_t cap, unsigned version, bool session_present, uint8_t reason,
                          const mqtt_props_t *props, size_t most)
{
	packet_t p = make_packet(MQTT_CONNACK, version, 2, props, most);
	uint8_t code = version < 5 ? mqtt_return_code(reason) : reason;
	size_t size = code == MQTT_RETURN_NONE && version < 5 ? 0 : packet_size(&p);

	if (size == 0 || size > cap)
		return size;
	dst = put_header(dst, &p);
	*dst++ = session_present && code == 0 && version >= 4;
	*dst++ = code;
	put_section(dst, &p);
	return size;
}

/* The packets that end in a reason and properties and may end earlier: reason 0 and the section's length are left
 * out when nothing follows. HEAD are the bytes before the reason. */
static size_t write_tailed(uint8_t *dst, size_t cap, packet_t *p, ln_slice_t head, uint8_t reason)
{
	bool empty = p->bare || p->section == 0;
	bool says_reason = !p->bare && (reason != 0 || !empty);
	size_t size;

	p->bare = empty;
	p->fixed = head.len + says_reason;
	size = packet_size(p);
	if (size == 0 || size > cap)
		return size;
	dst = put_slice(put_header(dst, p), head);
	if (says_reason)
		*dst++ = reason;
	put_section(dst, p);
	return size;
}

size_t mqtt_ack_write(uint8_t *dst, size_t cap, mqtt_type_t type, unsigned version, uint16_t packet_id, uint8_t reason,
                      const mqtt_props_t *props, size_t most)
{
	packet_t p = make_packet(type, version, 3, props, most);
	uint8_t head[2];

	ln_put_u16(head, packet_id);
	return write_tailed(dst, cap, &p, ln_slice(head, sizeof(head)), reason);
}

size_t mqtt_disconnect_write(uint8_t *dst, size_t cap, uint8_t reason, const mqtt_props_t *props, size_t most)
{
	packet_t p = make_packet(MQTT_DISCONNECT, 5, 1, props, most);

	return write_tailed(dst, cap, &p, ln_slice(NULL, 0), reason);
}

size_t mqtt_auth_write(uint8_t *dst, size_t cap, uint8_t reason, const mqtt_props_t *props, size_t most)
{
	packet_t p = make_packet(MQTT_AUTH, 5, 1, props, most);

	return write_tailed(dst, cap, &p, ln_slice(NULL, 0), reason);
}

static uint8_t old_suback_code(unsigned version, uint8_t code)
{
	return code < 0x80 ? code : version == 4 ? 0x80 : 0;
}

size_t mqtt_suback_write(uint8_t *dst, size_t cap, mqtt_type_t type, unsigned version, uint16_t packet_id,
                         const uint8_t *codes, size_t count, const mqtt_props_t *props, size_t most)
{
	size_t said = version < 5 && type == MQTT_UNSUBACK ? 0 : count, size;
	packet_t p = make_packet(type, version, 2 + said, props, most);

	size = packet_size(&p);
	if (size == 0 || size > cap)
		return size;
	dst = put_header(dst, &p);
	ln_put_u16(dst, packet_id);
	dst = put_section(dst + 2, &p);
	for (size_t i = 0; i < said; i++)
		*dst++ = version < 5 ? old_suback_code(version, codes[i]) : codes[i];
	return size;
}

size_t mqtt_pingresp_write(uint8_t *dst, size_t cap)
{
	if (cap >= 2) {
		dst[0] = MQTT_PINGRESP << 4;
		dst[1] = 0;
	}
	return 2;
}

/* --- PUBLISH ---------------------------------------------------------------------------------------------------- */

static size_t publish_section(const mqtt_publish_head_t *h)
{
	size_t size = (h->expires ? 5 : 0) + (h->alias ? 3 : 0) + h->carry.len;

	for (uint32_t i = 0; i < h->subscription_id_count; i++)
		size += 1 + mqtt_varint_size(h->subscription_ids[i]);
	return size;
}

static uint8_t *put_publish_section(uint8_t *at, const mqtt_publish_head_t *h, size_t size)
{
	at = mqtt_varint_put(at, (uint32_t)size);
	if (h->expires) {
		*at = 0x02;
		ln_put_u32(at + 1, h->expiry);
		at += 5;
	}
	if (h->alias) {
		*at = 0x23;
		ln_put_u16(at + 1, h->alias);
		at += 3;
	}
	for (uint32_t i = 0; i < h->subscription_id_count; i++) {
		*at = 0x0b;
		at = mqtt_varint_put(at + 1, h->subscription_ids[i]);
	}
	return put_slice(at, h->carry);
}

/* The body up to the payload; the section's own size in *ret_section. */
static inline size_t publish_middle(const mqtt_publish_head_t *h, size_t *ret_section)
{
	size_t size = 2 + h->topic.len + (h->qos > 0 ? 2 : 0);

	*ret_section = 0;
	if (h->version == 5) {
		*ret_section = publish_section(h);
		size += mqtt_varint_size((uint32_t)*ret_section) + *ret_section;
	}
	return size;
}

/* Of a head with MIDDLE bytes; 0 when it is none. */
static inline size_t publish_size(const mqtt_publish_head_t *h, size_t middle)
{
	size_t body = middle + h->payload_len;

	if (LN_UNLIKELY(body > MQTT_BODY_MAX || h->topic.len > UINT16_MAX))
		return 0;
	return 1 + mqtt_varint_size((uint32_t)body) + middle;
}

size_t mqtt_publish_head_size(const mqtt_publish_head_t *head)
{
	size_t section;

	return publish_size(head, publish_middle(head, &section));
}

size_t mqtt_publish_head_write(uint8_t *dst, size_t cap, const mqtt_publish_head_t *head)
{
	size_t section, middle = publish_middle(head, &section), size = publish_size(head, middle);

	if (LN_UNLIKELY(size == 0 || size > cap))
		return size;
	*dst++ = (uint8_t)(MQTT_PUBLISH << 4 | (unsigned)head->dup << 3 | head->qos << 1 | head->retain);
	dst = mqtt_varint_put(dst, (uint32_t)(middle + head->payload_len));
	dst = put_string(dst, head->topic);
	if (head->qos > 0) {
		ln_put_u16(dst, head->packet_id);
		dst += 2;
	}
	if (head->version == 5)
		put_publish_section(dst, head, section);
	return size;
}
