/* connect.c — CONNECT read.
 *
 * The longest packet and the only one that says itself how it is to be read, so it has a file of its own. It is read
 * strictly in order, each field checked as it is met; a client that speaks a version we do not know is told so before
 * anything else is judged, because what follows the level may look quite different there. No field may be missing but
 * those the flags leave out, and nothing may follow the last.
 *
 * 3.1 lets a client announce a user name or password and end the packet before it ("remaining length takes
 * precedence"): a quirk, as are bits that nobody used then. An empty client identifier is not judged here: what
 * becomes of it is the server's choice in every version.
 */
#include "wire.h"

enum {
	FLAG_RESERVED = 0x01, FLAG_CLEAN = 0x02, FLAG_WILL = 0x04, FLAG_WILL_RETAIN = 0x20, FLAG_PASSWORD = 0x40,
	FLAG_USER = 0x80, BRIDGE = 0x80
};

typedef struct protocol {
	ln_slice_t name;
	uint8_t level;
	bool old_name, known_name, bridge;
} protocol_t;

/* Name and level; says what they are, judges nothing. */
static protocol_t read_protocol(ln_reader_t *r)
{
	protocol_t p = { .name = ln_read_bytes(r, ln_read_u16(r)) };

	p.level = ln_read_u8(r);
	p.old_name = ln_slice_eq(p.name, LN_STR("MQIsdp"));
	p.known_name = p.old_name || ln_slice_eq(p.name, LN_STR("MQTT"));
	p.bridge = p.level == (BRIDGE | 3) || p.level == (BRIDGE | 4);
	if (p.bridge)
		p.level &= (uint8_t)~BRIDGE;
	return p;
}

unsigned mqtt_connect_level(ln_slice_t body)
{
	ln_reader_t r = ln_reader(body);
	protocol_t p = read_protocol(&r);

	return !r.bad && p.known_name ? p.level : 0;
}

static ln_result_t read_version(ln_reader_t *r, uint32_t quirks, mqtt_connect_t *ret, mqtt_fault_t *fault)
{
	protocol_t p = read_protocol(r);
	bool mixed = p.old_name ? p.level == 4 : p.level == 3;

	if (r->bad)
		return mqtt_malformed(fault, NULL, "the packet ends before the protocol level");
	if (!p.known_name)
		return mqtt_malformed(fault, "MQTT-3.1.2-1", "the protocol name is neither MQTT nor MQIsdp");
	ret->level = p.level;
	ret->old_name = p.old_name;
	ret->bridge = p.bridge;
	if (p.old_name ? p.level == 3 : p.level == 4 || p.level == 5)
		return LN_OK;
	if (mixed && (quirks & MQTT_QUIRK_NAME_MIXED))
		return LN_OK;
	return mqtt_reject(fault, MQTT_REASON_UNSUPPORTED_VERSION, "MQTT-3.1.2-2",
	                   "the protocol level is not one of this server");
}

static ln_result_t check_will_flags(uint8_t flags, unsigned version, uint32_t quirks, mqtt_fault_t *fault)
{
	unsigned qos = flags >> 3 & 3;

	if (flags & FLAG_WILL)
		return qos < 3 ? LN_OK : mqtt_malformed(fault,
		                                     mqtt_statement(version, "MQTT-3.1.2-12", "MQTT-3.1.2-14"),
		        "the will's QoS is 3");
	if (quirks & MQTT_QUIRK_UNUSED_BITS)
		return LN_OK;
	if (qos > 0)
		return mqtt_malformed(fault, mqtt_statement(version, "MQTT-3.1.2-11", "MQTT-3.1.2-13"),
		                   "there is a will QoS but no will");
	if (flags & FLAG_WILL_RETAIN)
		return mqtt_malformed(fault, mqtt_statement(version, "MQTT-3.1.2-13", "MQTT-3.1.2-15"),
		                   "there is a will retain flag but no will");
	return LN_OK;
}

static ln_result_t check_flags(uint8_t flags, unsigned version, uint32_t quirks, mqtt_fault_t *fault)
{
	if ((flags & FLAG_RESERVED) && !(quirks & MQTT_QUIRK_UNUSED_BITS))
		return mqtt_malformed(fault, mqtt_either(version, "MQTT-3.1.2-3"),
		                   "the reserved connect flag is set");
	if ((flags & FLAG_PASSWORD) && !(flags & FLAG_USER) && version < 5 && !(quirks & MQTT_QUIRK_PASSWORD_ALONE))
		return mqtt_malformed(fault, mqtt_statement(version, NULL, "MQTT-3.1.2-22"),
		                   "there is a password but no user name");
	return check_will_flags(flags, version, quirks, fault);
}

static ln_result_t read_connect_props(ln_reader_t *r, mqtt_props_t *ret, mqtt_fault_t *fault)
{
	ln_result_t result = mqtt_props_read(r, MQTT_CONNECT, NULL, NULL, ret, fault);

	if (result == LN_OK && mqtt_has(ret, auth_data) && !mqtt_has(ret, auth_method))
		return mqtt_forbidden(fault, NULL, "there is authentication data but no method");
	return result;
}

static ln_result_t read_will_props(ln_reader_t *r, ln_buf_t *scratch, mqtt_will_t *will, mqtt_fault_t *fault)
{
	mqtt_props_t props;
	ln_result_t result = mqtt_props_read(r, MQTT_WILL, scratch, &will->carry, &props, fault);

	if (result != LN_OK)
		return result;
	will->delay = props.will_delay;
	will->expires = mqtt_has(&props, message_expiry);
	will->expiry = props.message_expiry;
	return LN_OK;
}

static ln_result_t read_will(ln_reader_t *r, uint8_t flags, unsigned version, ln_buf_t *scratch, mqtt_will_t *will,
                             mqtt_fault_t *fault)
{
	ln_result_t result = version == 5 ? read_will_props(r, scratch, will, fault) : LN_OK;

	will->qos = flags >> 3 & 3;
	will->retain = (flags & FLAG_WILL_RETAIN) != 0;
	if (result == LN_OK)
		result = mqtt_string_read(r, version, &will->topic, fault);
	if (result != LN_OK)
		return result;
	if (will->topic.len == 0)
		return mqtt_reject(fault, MQTT_REASON_TOPIC_INVALID, mqtt_either(version, "MQTT-4.7.3-1"),
		                   "the will's topic is empty");
	if (mqtt_has_wildcard(will->topic))
		return mqtt_reject(fault, MQTT_REASON_TOPIC_INVALID, mqtt_statement(version, "MQTT-4.7.0-1",
		                                                                    "MQTT-4.7.1-1"),
		                   "the will's topic holds a wildcard");
	return mqtt_binary_read(r, &will->payload, fault);
}

/* User name and password, where FLAGS announce them. */
static ln_result_t read_credentials(ln_reader_t *r, uint8_t flags, uint32_t quirks, mqtt_connect_t *ret,
                                    mqtt_fault_t *fault)
{
	bool may_lack = (quirks & MQTT_QUIRK_ABSENT_CREDENTIALS) != 0;
	ln_result_t result = LN_OK;

	ret->has_user = (flags & FLAG_USER) && !(may_lack && r->at == r->end);
	if (ret->has_user)
		result = mqtt_string_read(r, ret->level, &ret->user, fault);
	ret->has_password = (flags & FLAG_PASSWORD) && !(may_lack && r->at == r->end);
	if (result == LN_OK && ret->has_password)
		result = mqtt_binary_read(r, &ret->password, fault);
	return result;
}

static ln_result_t read_payload(ln_reader_t *r, uint8_t flags, uint32_t quirks, ln_buf_t *scratch, mqtt_connect_t *ret,
                                mqtt_fault_t *fault)
{
	ln_result_t result = mqtt_string_read(r, ret->level, &ret->client_id, fault);

	ret->has_will = (flags & FLAG_WILL) != 0;
	if (result == LN_OK && ret->has_will)
		result = read_will(r, flags, ret->level, scratch, &ret->will, fault);
	if (result == LN_OK)
		result = read_credentials(r, flags, quirks, ret, fault);
	if (result == LN_OK && r->at != r->end)
		return mqtt_malformed(fault, NULL, "bytes follow the last field");
	return result;
}

ln_result_t mqtt_connect_read(ln_slice_t body, uint32_t quirks, ln_buf_t *scratch, mqtt_connect_t *ret,
                              mqtt_fault_t *fault)
{
	ln_reader_t r = ln_reader(body);
	ln_result_t result;
	uint8_t flags;

	*ret = (mqtt_connect_t){ 0 };
	ret->props = mqtt_props_none;
	result = read_version(&r, quirks, ret, fault);
	if (result != LN_OK)
		return result;
	flags = ln_read_u8(&r);
	ret->clean = (flags & FLAG_CLEAN) != 0;
	ret->keep_alive = ln_read_u16(&r);
	if (r.bad)
		return mqtt_malformed(fault, NULL, "the packet ends before the client identifier");
	result = check_flags(flags, ret->level, quirks, fault);
	if (result == LN_OK && ret->level == 5)
		result = read_connect_props(&r, &ret->props, fault);
	return result == LN_OK ? read_payload(&r, flags, quirks, scratch, ret, fault) : result;
}
