/* CONNECT. */
#include "packets.h"
#include "unit.h"

/* Reads BODY; what it returns must be looked at before the next call: the will's carried block is in SCRATCH. */
static ln_buf_t scratch;

static ln_result_t connect_read(ln_slice_t body, uint32_t quirks, mqtt_connect_t *c, mqtt_fault_t *fault)
{
	*fault = (mqtt_fault_t){ 0 };
	return mqtt_connect_read(body, quirks, &scratch, c, fault);
}

static void ck_fault(ln_slice_t body, uint32_t quirks, uint8_t reason, const char *statement)
{
	mqtt_connect_t c;
	mqtt_fault_t fault;
	ln_result_t result = connect_read(body, quirks, &c, &fault);

	ck_assert_int_eq(result, reason == 0x81 ? LN_MALFORMED : reason == 0x84 ? LN_UNSUPPORTED : LN_PROTOCOL);
	ck_assert_uint_eq(fault.reason, reason);
	ck_assert_msg(!statement == !fault.statement, "says %s", fault.statement ? fault.statement : "nothing");
	if (statement)
		ck_assert_str_eq(fault.statement, statement);
}

START_TEST(old_fields)
{
	mqtt_connect_t c;
	mqtt_fault_t fault;

	ln_unit_ok(connect_read(LN_STR("\0\4MQTT\4\0\1\2\0\3dev"), 0, &c, &fault));
	ck_assert(c.level == 4 && !c.old_name && !c.bridge && !c.clean);
	ck_assert(!c.has_will && !c.has_user && !c.has_password);
	ck_assert_uint_eq(c.keep_alive, 0x0102);
	ck_assert_uint_eq(c.props.receive_max, 65535);
	ln_unit_slice(c.client_id, "dev");

	ln_unit_ok(connect_read(LN_STR("\0\6MQIsdp\3\xf6\0\x3c\0\1a\0\3w/t\0\2h\xff\0\4user\0\4p\0ss"), 0, &c, &fault));
	ck_assert(c.level == 3 && c.old_name && c.clean && c.has_will && c.has_user && c.has_password);
	ck_assert(c.will.qos == 2 && c.will.retain && !c.will.expires && c.will.delay == 0);
	ln_unit_slice(c.will.topic, "w/t");
	ln_unit_slice(c.will.payload, "h\xff");
	ln_unit_slice(c.user, "user");
	ln_unit_slice(c.password, "p\0ss");
}
END_TEST

START_TEST(fields_of_5)
{
	static const char body[] =
		"\0\4MQTT\5\xee\0\x0a" "\x0a" "\x21\0\x14" "\x26\0\1k\0\1v"
		"\0\0" "\x17" "\1\1" "\x18\0\0\0\5" "\2\0\0\0\x0a" "\3\0\2ct" "\x09\0\3abc" "\0\1w\0\0\0\1u\0\0";
	mqtt_connect_t c;
	mqtt_fault_t fault;

	ln_unit_ok(connect_read(LN_STR(body), 0, &c, &fault));
	ck_assert(c.level == 5 && c.props.receive_max == 20 && mqtt_has(&c.props, receive_max) && c.props.users == 1);
	ck_assert(c.client_id.len == 0 && c.has_user && c.has_password && c.password.len == 0);
	ck_assert(c.will.delay == 5 && c.will.expires && c.will.expiry == 10 && c.will.qos == 1 && c.will.retain);
	ln_unit_slice(c.will.carry, "\1\1\3\0\2ct\x09\0\3abc");
	ln_unit_slice(c.will.topic, "w");
	ck_assert_uint_eq(c.will.payload.len, 0);
	ln_buf_fini(&scratch);
}
END_TEST

START_TEST(levels)
{
	mqtt_connect_t c;
	mqtt_fault_t fault;

	ln_unit_ok(connect_read(LN_STR("\0\4MQTT\x84\2\0\0\0\1a"), 0, &c, &fault));
	ck_assert(c.level == 4 && c.bridge);
	ln_unit_ok(connect_read(LN_STR("\0\6MQIsdp\x83\2\0\0\0\1a"), 0, &c, &fault));
	ck_assert(c.level == 3 && c.bridge);
	ck_fault(LN_STR("\0\4MQTT\x85\2\0\0\0\1a"), 0, 0x84, "MQTT-3.1.2-2");
	ck_fault(LN_STR("\0\4MQTT\6"), 0, 0x84, "MQTT-3.1.2-2");
	ck_fault(LN_STR("\0\4MQTT\3\2\0\0\0\1a"), 0, 0x84, "MQTT-3.1.2-2");
	ck_fault(LN_STR("\0\6MQIsdp\4\2\0\0\0\1a"), 0, 0x84, "MQTT-3.1.2-2");
	ck_fault(LN_STR("\0\6MQIsdp\5\2\0\0\0\0\1a"), MQTT_QUIRK_NAME_MIXED, 0x84, "MQTT-3.1.2-2");
	ck_assert_int_eq(connect_read(LN_STR("\0\6MQIsdp\7"), 0, &c, &fault), LN_UNSUPPORTED);
	ck_assert(c.level == 7 && c.old_name);
	ck_fault(LN_STR("\0\4HTTP\4\2\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-1");
	ck_fault(LN_STR("\0\4mqtt\4\2\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-1");
	ln_unit_ok(connect_read(LN_STR("\0\4MQTT\3\2\0\0\0\1a"), MQTT_QUIRK_NAME_MIXED, &c, &fault));
	ck_assert(c.level == 3 && !c.old_name);
	ln_unit_ok(connect_read(LN_STR("\0\6MQIsdp\4\2\0\0\0\1a"), MQTT_QUIRK_NAME_MIXED, &c, &fault));
}
END_TEST

START_TEST(level_ahead)
{
	ck_assert_uint_eq(mqtt_connect_level(LN_STR("\0\4MQTT\4")), 4);
	ck_assert_uint_eq(mqtt_connect_level(LN_STR("\0\4MQTT\5")), 5);
	ck_assert_uint_eq(mqtt_connect_level(LN_STR("\0\6MQIsdp\x83")), 3);
	ck_assert_uint_eq(mqtt_connect_level(LN_STR("\0\4MQTT")), 0);
	ck_assert_uint_eq(mqtt_connect_level(LN_STR("\0\4MQTX\4")), 0);
	ck_assert_uint_eq(mqtt_connect_level(LN_STR("")), 0);
}
END_TEST

START_TEST(flags)
{
	ck_fault(LN_STR("\0\4MQTT\4\3\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-3");
	ck_fault(LN_STR("\0\4MQTT\5\3\0\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-3");
	ck_fault(LN_STR("\0\4MQTT\4\x0a\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-13");
	ck_fault(LN_STR("\0\4MQTT\5\x0a\0\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-11");
	ck_fault(LN_STR("\0\4MQTT\4\x22\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-15");
	ck_fault(LN_STR("\0\4MQTT\5\x22\0\0\0\0\1a"), 0, 0x81, "MQTT-3.1.2-13");
	ck_fault(LN_STR("\0\4MQTT\4\x1e\0\0\0\1a\0\1w\0\0"), 0, 0x81, "MQTT-3.1.2-14");
	ck_fault(LN_STR("\0\4MQTT\5\x1e\0\0\0\0\1a\0\0\1w\0\0"), 0, 0x81, "MQTT-3.1.2-12");
	ck_fault(LN_STR("\0\4MQTT\4\x42\0\0\0\1a\0\1p"), 0, 0x81, "MQTT-3.1.2-22");
	ck_fault(LN_STR("\0\6MQIsdp\3\x42\0\0\0\1a\0\1p"), 0, 0x81, NULL);
}
END_TEST

START_TEST(password_alone)
{
	mqtt_connect_t c;
	mqtt_fault_t fault;

	ln_unit_ok(connect_read(LN_STR("\0\4MQTT\5\x42\0\0\0\0\1a\0\1p"), 0, &c, &fault));
	ck_assert(!c.has_user && c.has_password);
	ln_unit_ok(connect_read(LN_STR("\0\4MQTT\4\x42\0\0\0\1a\0\1p"), MQTT_QUIRK_PASSWORD_ALONE, &c, &fault));
	ln_unit_slice(c.password, "p");
}
END_TEST

START_TEST(contents)
{
	ck_fault(LN_STR("\0\4MQTT\4\2\0\0\0\1\xff"), 0, 0x81, "MQTT-1.5.3-1");
	ck_fault(LN_STR("\0\4MQTT\5\2\0\0\0\0\1\0"), 0, 0x81, "MQTT-1.5.4-2");
	ck_fault(LN_STR("\0\4MQTT\4\x82\0\0\0\1a\0\1\xff"), 0, 0x81, "MQTT-1.5.3-1");
	ck_fault(LN_STR("\0\4MQTT\4\6\0\0\0\1a\0\0\0\0"), 0, 0x90, "MQTT-4.7.3-1");
	ck_fault(LN_STR("\0\4MQTT\4\6\0\0\0\1a\0\1#\0\0"), 0, 0x90, "MQTT-4.7.1-1");
	ck_fault(LN_STR("\0\4MQTT\5\6\0\0\0\0\1a\0\0\1+\0\0"), 0, 0x90, "MQTT-4.7.0-1");
	ck_fault(LN_STR("\0\4MQTT\4\2\0\0\0\1a\0"), 0, 0x81, NULL);
	ck_fault(LN_STR("\0\4MQTT\4\2\0\0"), 0, 0x81, NULL);
	ck_fault(LN_STR("\0\4MQTT\4\2\0"), 0, 0x81, NULL);
	ck_fault(LN_STR("\0\4MQTT\5\2\0\0\4\x16\0\1d\0\1a"), 0, 0x82, NULL);
	ck_fault(LN_STR("\0\4MQTT\5\2\0\0\x02\x24\1\0\1a"), 0, 0x81, NULL);
}
END_TEST

START_TEST(quirks_of_3_1)
{
	static const char nobody[] = "\0\6MQIsdp\3\xc2\0\0\0\1a", user_only[] = "\0\6MQIsdp\3\xc2\0\0\0\1a\0\1u";
	static const char half[] = "\0\6MQIsdp\3\xc2\0\0\0\1a\0", odd_bits[] = "\0\6MQIsdp\3\x3b\0\0\0\1a";
	mqtt_connect_t c;
	mqtt_fault_t fault;

	ck_fault(LN_STR(nobody), 0, 0x81, NULL);
	ck_fault(LN_STR(user_only), 0, 0x81, NULL);
	ck_fault(LN_STR(half), MQTT_QUIRK_ABSENT_CREDENTIALS, 0x81, NULL);
	ln_unit_ok(connect_read(LN_STR(nobody), MQTT_QUIRK_ABSENT_CREDENTIALS, &c, &fault));
	ck_assert(!c.has_user && !c.has_password);
	ln_unit_ok(connect_read(LN_STR(user_only), MQTT_QUIRK_ABSENT_CREDENTIALS, &c, &fault));
	ck_assert(c.has_user && !c.has_password);
	ck_fault(LN_STR(odd_bits), 0, 0x81, NULL);
	ln_unit_ok(connect_read(LN_STR(odd_bits), MQTT_QUIRK_UNUSED_BITS, &c, &fault));
	ck_assert(!c.has_will && c.clean);
}
END_TEST

LN_UNIT_MAIN("mqtt/connect", old_fields, fields_of_5, levels, level_ahead, flags, password_alone, contents,
             quirks_of_3_1)
