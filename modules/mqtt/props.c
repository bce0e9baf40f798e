/* props.c — property sections read, reason codes looked up: what MQTT 5.0 keeps in tables.
 *
 * One function reads every section of every packet, because props.def says of each property how it looks, which
 * values it may have and where it may stand. A section is first taken from the packet as a whole, so that no property
 * can reach beyond it.
 *
 * The carried properties (codec.h) are not copied where they stand side by side, which is what clients send: often
 * nothing else, or an expiry or alias before or after. Only where something else stands between two of them are they
 * brought together in SCRATCH.
 *
 * Faults: a property that is unknown or out of place makes the packet malformed (2.2.2.2); one that stands twice or
 * has a forbidden value is a protocol error, with codes of their own for topic aliases. A list of subscription
 * identifiers is not read: only a server sends it.
 */
#include "wire.h"

#define IN(type) (1u << MQTT_##type)

const mqtt_rule_t mqtt_rules[MQTT_PROP_COUNT] = {
#define PROP(id_, field, wire_, def, least_, most_, packets_)                                    \
	[mqtt_prop_##field] = { .id = (id_), .wire = MQTT_WIRE_##wire_, .packets = (packets_),   \
	                        .offset = offsetof(mqtt_props_t, field), .least = (least_), .most = (most_) },
#include "props.def"
#undef PROP
};

/* By identifier: index into mqtt_rules plus one, 0: no such property. */
static const uint8_t rule_of[] = {
#define PROP(id, field, wire, def, least, most, packets) [id] = mqtt_prop_##field + 1,
#include "props.def"
#undef PROP
};

#define ABSENT_BYTE(def) (def)
#define ABSENT_U16(def) (def)
#define ABSENT_U32(def) (def)
#define ABSENT_VARINT(def) (def)
#define ABSENT_STRING(def) { NULL, 0 }
#define ABSENT_BINARY(def) { NULL, 0 }
#define ABSENT_PAIR(def) { NULL, 0 }

const mqtt_props_t mqtt_props_none = {
#define PROP(id, field, wire, def, least, most, packets) .field = ABSENT_##wire(def),
#include "props.def"
#undef PROP
};

/* --- refusals and data types ------------------------------------------------------------------------------------ */

ln_result_t mqtt_reject(mqtt_fault_t *fault, uint8_t reason, const char *statement, const char *why)
{
	*fault = (mqtt_fault_t){ .reason = reason, .statement = statement, .why = why };
	if (reason == MQTT_REASON_MALFORMED)
		return LN_MALFORMED;
	return reason == MQTT_REASON_UNSUPPORTED_VERSION ? LN_UNSUPPORTED : LN_PROTOCOL;
}

ln_result_t mqtt_varint_read(ln_reader_t *r, uint32_t *ret, mqtt_fault_t *fault)
{
	uint32_t n = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 28; shift += 7) {
		byte = ln_read_u8(r);
		n |= (byte & 0x7fu) << shift;
		if (r->bad)
			return mqtt_malformed(fault, NULL, "the packet ends inside an integer");
		if (byte == 0 && shift > 0)
			return mqtt_malformed(fault, "MQTT-1.5.5-1", "an integer is not in its shortest form");
		if (byte < 0x80) {
			*ret = n;
			return LN_OK;
		}
	}
	return mqtt_malformed(fault, NULL, "an integer does not end after four bytes");
}

ln_result_t mqtt_binary_read(ln_reader_t *r, ln_slice_t *ret, mqtt_fault_t *fault)
{
	size_t len = ln_read_u16(r);

	*ret = ln_read_bytes(r, len);
	if (r->bad)
		return mqtt_malformed(fault, NULL, "the packet ends inside a field");
	return LN_OK;
}

ln_result_t mqtt_reject_text(ln_utf8_t wrong, unsigned version, mqtt_fault_t *fault)
{
	if (wrong == LN_UTF8_NUL)
		return mqtt_malformed(fault, mqtt_statement(version, "MQTT-1.5.4-2", "MQTT-1.5.3-2"),
		                   "a string holds U+0000");
	return mqtt_malformed(fault, mqtt_statement(version, "MQTT-1.5.4-1", "MQTT-1.5.3-1"),
	                   "a string is not well-formed UTF-8");
}

ln_result_t mqtt_string_read(ln_reader_t *r, unsigned version, ln_slice_t *ret, mqtt_fault_t *fault)
{
	ln_result_t result = mqtt_binary_read(r, ret, fault);
	ln_utf8_t found;

	if (result != LN_OK)
		return result;
	found = ln_utf8_check(*ret);
	return found >= LN_UTF8_NUL ? mqtt_reject_text(found, version, fault) : LN_OK;
}

bool mqtt_has_wildcard(ln_slice_t name)
{
	return name.len > 0 && (memchr(name.data, '+', name.len) || memchr(name.data, '#', name.len));
}

/* --- one property ----------------------------------------------------------------------------------------------- */

static ln_result_t refuse_value(uint8_t id, mqtt_fault_t *fault)
{
	switch (id) {
	case 0x0b:
		return mqtt_forbidden(fault, NULL, "the subscription identifier is 0");
	case 0x21:
		return mqtt_forbidden(fault, NULL, "the receive maximum is 0");
	case 0x23:
		return mqtt_reject(fault, MQTT_REASON_TOPIC_ALIAS_INVALID, "MQTT-3.3.2-8", "the topic alias is 0");
	case 0x27:
		return mqtt_forbidden(fault, NULL, "the maximum packet size is 0");
	default:
		return mqtt_forbidden(fault, NULL, "a property that is 0 or 1 has another value");
	}
}

/* An integer of RULE's width into its field. */
static ln_result_t read_number(ln_reader_t *r, const mqtt_rule_t *rule, void *field, mqtt_fault_t *fault)
{
	ln_result_t result = LN_OK;
	uint32_t value = 0;

	if (rule->wire == MQTT_WIRE_VARINT)
		result = mqtt_varint_read(r, &value, fault);
	else if (rule->wire == MQTT_WIRE_U32)
		value = ln_read_u32(r);
	else
		value = rule->wire == MQTT_WIRE_U16 ? ln_read_u16(r) : ln_read_u8(r);
	if (result != LN_OK)
		return result;
	if (r->bad)
		return mqtt_malformed(fault, NULL, "the properties end inside a value");
	if (value < rule->least || value > rule->most)
		return refuse_value(rule->id, fault);
	if (rule->wire == MQTT_WIRE_BYTE)
		*(uint8_t *)field = (uint8_t)value;
	else if (rule->wire == MQTT_WIRE_U16)
		*(uint16_t *)field = (uint16_t)value;
	else
		*(uint32_t *)field = value;
	return LN_OK;
}

/* A pair of strings. The field, which all of them share, grows to the end of this one; it begins at AT, the
 * identifier, of the first. */
static ln_result_t read_pair(ln_reader_t *r, const uint8_t *at, mqtt_props_t *props, mqtt_fault_t *fault)
{
	ln_slice_t name, value;
	ln_result_t result = mqtt_string_read(r, 5, &name, fault);

	if (result == LN_OK)
		result = mqtt_string_read(r, 5, &value, fault);
	if (result != LN_OK)
		return result;
	if (props->users++ == 0)
		props->user.data = at;
	props->user.len = (size_t)(r->at - props->user.data);
	return LN_OK;
}

static ln_result_t read_text(ln_reader_t *r, const mqtt_rule_t *rule, ln_slice_t *field, mqtt_fault_t *fault)
{
	ln_result_t result = mqtt_string_read(r, 5, field, fault);

	if (result == LN_OK && rule->id == 0x08 && mqtt_has_wildcard(*field))
		return mqtt_forbidden(fault, "MQTT-3.3.2-14", "the response topic holds a wildcard");
	return result;
}

/* The rule of the property whose identifier is next at *R, where it may stand. */
static ln_result_t find_rule(ln_reader_t *r, mqtt_type_t in, uint32_t seen, const mqtt_rule_t **ret_rule,
                             mqtt_fault_t *fault)
{
	uint8_t id = ln_read_u8(r);
	unsigned index = id < sizeof(rule_of) ? rule_of[id] : 0;

	if (index == 0)
		return mqtt_malformed(fault, NULL, "there is no property of that identifier");
	*ret_rule = &mqtt_rules[--index];
	if (((*ret_rule)->packets >> in & 1) == 0)
		return mqtt_malformed(fault, NULL, "a property stands in a packet it does not belong to");
	if (index == mqtt_prop_subscription_id && in == MQTT_PUBLISH)
		return mqtt_forbidden(fault, "MQTT-3.3.4-6", "a client sent a subscription identifier");
	if ((seen >> index & 1) != 0 && index != mqtt_prop_user)
		return mqtt_forbidden(fault, NULL, "a property stands twice");
	return LN_OK;
}

static ln_result_t read_property(ln_reader_t *r, mqtt_type_t in, mqtt_props_t *props, mqtt_fault_t *fault)
{
	const uint8_t *at = r->at;
	const mqtt_rule_t *rule = NULL;
	ln_result_t result = find_rule(r, in, props->seen, &rule, fault);
	void *field;

	if (result != LN_OK)
		return result;
	field = (char *)props + rule->offset;
	props->seen |= 1u << (rule - mqtt_rules);
	switch ((mqtt_wire_t)rule->wire) {
	case MQTT_WIRE_STRING:
		return read_text(r, rule, field, fault);
	case MQTT_WIRE_BINARY:
		return mqtt_binary_read(r, field, fault);
	case MQTT_WIRE_PAIR:
		return read_pair(r, at, props, fault);
	default:
		return read_number(r, rule, field, fault);
	}
}

/* --- the section ------------------------------------------------------------------------------------------------ */

/* The carried properties so far: [from, to) of the packet, or, once something stood between two of them, SCRATCH. */
typedef struct carried {
	const uint8_t *from, *to;
	ln_buf_t *scratch;
	bool gathered;
} carried_t;

static bool is_carried(uint8_t id)
{
	return id == 0x01 || id == 0x03 || id == 0x08 || id == 0x09 || id == 0x26;
}

static void carry_on(carried_t *c, const uint8_t *from, const uint8_t *to)
{
	if (!c->from)
		c->from = from;
	if (!c->gathered && c->from != from && c->to != from) {
		c->gathered = true;
		c->scratch->start = c->scratch->end = 0;
		ln_buf_append(c->scratch, c->from, (size_t)(c->to - c->from));
	}
	if (c->gathered)
		ln_buf_append(c->scratch, from, (size_t)(to - from));
	c->to = to;
}

static ln_slice_t carried_block(const carried_t *c)
{
	return c->gathered ? ln_buf_slice(c->scratch) : ln_slice(c->from, (size_t)(c->to - c->from));
}

ln_result_t mqtt_props_read(ln_reader_t *r, mqtt_type_t in, ln_buf_t *scratch, ln_slice_t *carry, mqtt_props_t *ret,
                            mqtt_fault_t *fault)
{
	carried_t carried = { .scratch = scratch };
	ln_reader_t section;
	uint32_t len = 0;
	ln_result_t result = mqtt_varint_read(r, &len, fault);

	if (result != LN_OK)
		return result;
	section = ln_reader(ln_read_bytes(r, len));
	if (r->bad)
		return mqtt_malformed(fault, NULL, "the properties are longer than the packet");
	*ret = mqtt_props_none;
	while (section.at < section.end) {
		const uint8_t *at = section.at;
		result = read_property(&section, in, ret, fault);
		if (result != LN_OK)
			return result;
		if (carry && is_carried(*at))
			carry_on(&carried, at, section.at);
	}
	if (carry)
		*carry = carried_block(&carried);
	return LN_OK;
}

/* Moves R over the value of a property that was read before. */
static void skip_value(ln_reader_t *r, uint8_t id)
{
	switch ((mqtt_wire_t)mqtt_rules[rule_of[id] - 1].wire) {
	case MQTT_WIRE_BYTE:
		ln_read_u8(r);
		break;
	case MQTT_WIRE_U16:
		ln_read_u16(r);
		break;
	case MQTT_WIRE_U32:
		ln_read_u32(r);
		break;
	case MQTT_WIRE_VARINT:
		while (ln_read_u8(r) >= 0x80)
			;
		break;
	default:
		ln_read_bytes(r, ln_read_u16(r));
	}
}

bool mqtt_user_next(ln_slice_t *rest, ln_slice_t *ret_name, ln_slice_t *ret_value)
{
	ln_reader_t r = ln_reader(*rest);
	uint8_t id = 0;

	while (r.at < r.end && (id = ln_read_u8(&r)) != 0x26)
		skip_value(&r, id);
	if (r.at == r.end)
		return false;
	*ret_name = ln_read_bytes(&r, ln_read_u16(&r));
	*ret_value = ln_read_bytes(&r, ln_read_u16(&r));
	*rest = ln_slice(r.at, ln_reader_left(&r));
	return !r.bad;
}

/* --- reasons ---------------------------------------------------------------------------------------------------- */

#define ACKS (IN(PUBACK) | IN(PUBREC))
#define ALL_ACKS (ACKS | IN(SUBACK) | IN(UNSUBACK))
#define NONE MQTT_RETURN_NONE

static const struct {
	const char *text;
	uint32_t packets;
	uint8_t old;
} reasons[256] = {
#define REASON(code, name, text_, old_, packets_) [code] = { (text_), (packets_), (old_) },
#include "reason.def"
#undef REASON
};

const char *mqtt_reason_text(uint8_t reason)
{
	return reasons[reason].text ? reasons[reason].text : "unknown reason code";
}

bool mqtt_reason_allowed(uint8_t reason, mqtt_type_t type)
{
	return (reasons[reason].packets >> type & 1) != 0;
}

uint8_t mqtt_return_code(uint8_t reason)
{
	return reasons[reason].text ? reasons[reason].old : MQTT_RETURN_NONE;
}
