/* MQTT 5.0's properties: where each may stand, which values it may have, what is carried on; reason codes.
 *
 * The matrix below is table 2-4 of the standard, copied column by column from the text; it shares nothing with
 * props.def.
 */
#include "packets.h"
#include "unit.h"

enum { COLUMNS = 14 };

/* The columns, in the order of the letters in a row: '#' may stand there, '.' may not. */
static const mqtt_type_t columns[COLUMNS] = {
	MQTT_CONNECT, MQTT_CONNACK, MQTT_PUBLISH, MQTT_WILL, MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL, MQTT_PUBCOMP,
	MQTT_SUBSCRIBE, MQTT_SUBACK, MQTT_UNSUBSCRIBE, MQTT_UNSUBACK, MQTT_DISCONNECT, MQTT_AUTH
};

static const struct row {
	uint8_t id;
	const char *value;
	size_t len;
	const char *packets;
} table[] = {
#define ROW(id, value, packets) { id, value, sizeof(value) - 1, packets }
	/*                        C C P W P P P P S S U U D A   */
	ROW(0x01, "\1",          "..##.........."),
	ROW(0x02, "\0\0\0\1",    "..##.........."),
	ROW(0x03, "\0\1x",       "..##.........."),
	ROW(0x08, "\0\1x",       "..##.........."),
	ROW(0x09, "\0\1\xff",    "..##.........."),
	ROW(0x0b, "\1",          "..#.....#....."),
	ROW(0x11, "\0\0\0\1",    "##..........#."),
	ROW(0x12, "\0\1x",       ".#............"),
	ROW(0x13, "\0\1",        ".#............"),
	ROW(0x15, "\0\1x",       "##...........#"),
	ROW(0x16, "\0\1\xff",    "##...........#"),
	ROW(0x17, "\1",          "#............."),
	ROW(0x18, "\0\0\0\1",    "...#.........."),
	ROW(0x19, "\1",          "#............."),
	ROW(0x1a, "\0\1x",       ".#............"),
	ROW(0x1c, "\0\1x",       ".#..........#."),
	ROW(0x1f, "\0\1x",       ".#..####.#.###"),
	ROW(0x21, "\0\1",        "##............"),
	ROW(0x22, "\0\1",        "##............"),
	ROW(0x23, "\0\1",        "..#..........."),
	ROW(0x24, "\1",          ".#............"),
	ROW(0x25, "\1",          ".#............"),
	ROW(0x26, "\0\1x\0\1y",  "##############"),
	ROW(0x27, "\0\0\0\1",    "##............"),
	ROW(0x28, "\1",          ".#............"),
	ROW(0x29, "\1",          ".#............"),
	ROW(0x2a, "\1",          ".#............"),
};

/* Reads COUNT properties of ID, each with VALUE, as the section of a packet of type IN. */
static ln_result_t read_section(mqtt_type_t in, uint8_t id, const void *value, size_t len, unsigned count,
                                mqtt_props_t *ret,
                                mqtt_fault_t *fault)
{
	uint8_t bytes[128], *copy;
	size_t size = 1 + count * (1 + len);
	ln_reader_t r;
	ln_result_t result;

	bytes[0] = (uint8_t)(size - 1);
	for (unsigned i = 0; i < count; i++) {
		bytes[1 + i * (1 + len)] = id;
		memcpy(bytes + 2 + i * (1 + len), value, len);
	}
	copy = exact_copy(bytes, size);
	r = ln_reader(ln_slice(copy, size));
	*fault = (mqtt_fault_t){ 0 };
	result = mqtt_props_read(&r, in, NULL, NULL, ret, fault);
	ck_assert(result != LN_OK || r.at == r.end);
	free(copy);
	return result;
}

static const struct row *row_of(unsigned id)
{
	for (size_t i = 0; i < LN_ARRAY_SIZE(table); i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

START_TEST(where_each_may_stand)
{
	for (unsigned id = 0; id < 256; id++)
		for (unsigned c = 0; c < COLUMNS; c++) {
			const struct row *row = row_of(id);
			mqtt_props_t props;
			mqtt_fault_t fault;
			ln_result_t result = read_section(columns[c], (uint8_t)id, row ? row->value : "\0\1x",
			                                  row ? row->len : 3, 1,
			                                  &props, &fault);
			bool only_servers = id == 0x0b && columns[c] == MQTT_PUBLISH;

			if (row && row->packets[c] == '#' && !only_servers)
				ck_assert_msg(result == LN_OK, "0x%02x in column %u: %s", id, c, fault.why);
			else
				ck_assert_msg(fault.reason == (only_servers ? 0x82 : 0x81) && result != LN_OK,
				              "0x%02x in column %u", id, c);
		}
}
END_TEST

START_TEST(only_user_properties_repeat)
{
	for (size_t i = 0; i < LN_ARRAY_SIZE(table); i++)
		for (unsigned c = 0; c < COLUMNS; c++) {
			mqtt_props_t props;
			mqtt_fault_t fault;
			ln_result_t result;

			if (table[i].packets[c] != '#')
				continue;
			result = read_section(columns[c], table[i].id, table[i].value, table[i].len, 2, &props, &fault);
			if (table[i].id == 0x26)
				ck_assert_int_eq(result, LN_OK);
			else
				ck_assert_msg(result == LN_PROTOCOL && fault.reason == 0x82, "0x%02x twice",
				              table[i].id);
		}
}
END_TEST

START_TEST(values)
{
	static const struct {
		mqtt_type_t in;
		uint8_t id;
		const char *value;
		size_t len;
		uint8_t reason;
		const char *statement;
	} cases[] = {
#define V(in, id, value, reason, statement) { MQTT_##in, id, value, sizeof(value) - 1, reason, statement }
		V(PUBLISH, 0x01, "\0", 0, NULL), V(PUBLISH, 0x01, "\2", 0x82, NULL), V(WILL, 0x01, "\xff", 0x82, NULL),
		V(CONNECT, 0x17, "\0", 0, NULL), V(CONNECT, 0x17, "\2", 0x82, NULL), V(CONNECT, 0x19, "\2", 0x82, NULL),
		V(CONNECT, 0x21, "\0\0", 0x82, NULL), V(CONNECT, 0x21, "\xff\xff", 0, NULL),
		V(CONNECT, 0x27, "\0\0\0\0", 0x82, NULL), V(CONNECT, 0x27, "\xff\xff\xff\xff", 0, NULL),
		V(CONNECT, 0x22, "\0\0", 0, NULL), V(CONNECT, 0x11, "\xff\xff\xff\xff", 0, NULL),
		V(PUBLISH, 0x23, "\0\0", 0x94, "MQTT-3.3.2-8"), V(PUBLISH, 0x23, "\xff\xff", 0, NULL),
		V(SUBSCRIBE, 0x0b, "\0", 0x82, NULL), V(SUBSCRIBE, 0x0b, "\xff\xff\xff\x7f", 0, NULL),
		V(SUBSCRIBE, 0x0b, "\x80\0", 0x81, "MQTT-1.5.5-1"),
		V(SUBSCRIBE, 0x0b, "\xff\xff\xff\xff\1", 0x81, NULL),
		V(PUBLISH, 0x0b, "\1", 0x82, "MQTT-3.3.4-6"),
		V(CONNACK, 0x24, "\2", 0x82, NULL), V(CONNACK, 0x28, "\2", 0x82, NULL),
		V(PUBLISH, 0x08, "\0\3a/b", 0, NULL), V(PUBLISH, 0x08, "\0\3a/#", 0x82, "MQTT-3.3.2-14"),
		V(WILL, 0x08, "\0\3+/b", 0x82, "MQTT-3.3.2-14"),
		V(PUBLISH, 0x03, "\0\2\xc3\x28", 0x81, "MQTT-1.5.4-1"),
		V(PUBLISH, 0x03, "\0\3a\0b", 0x81, "MQTT-1.5.4-2"),
		V(PUBLISH, 0x03, "\0\3\xed\xa0\x80", 0x81, "MQTT-1.5.4-1"), V(PUBLISH, 0x03, "\0\2\1\x7f", 0, NULL),
		V(PUBLISH, 0x26, "\0\1\xff\0\0", 0x81, "MQTT-1.5.4-1"),
		V(PUBLISH, 0x26, "\0\0\0\1\xff", 0x81, "MQTT-1.5.4-1"),
		V(PUBLISH, 0x09, "\0\3\0\xff\xfe", 0, NULL), V(PUBLISH, 0x09, "\0\4abc", 0x81, NULL),
		V(PUBLISH, 0x02, "\0\0\0", 0x81, NULL), V(PUBLISH, 0x26, "\0\1k", 0x81, NULL),
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(cases); i++) {
		mqtt_props_t props;
		mqtt_fault_t fault;
		ln_result_t result = read_section(cases[i].in, cases[i].id, cases[i].value, cases[i].len, 1, &props,
		                                  &fault);

		ck_assert_msg((result == LN_OK) == (cases[i].reason == 0), "case %zu: %s", i, fault.why);
		ck_assert_msg(fault.reason == cases[i].reason, "case %zu: 0x%02x", i, fault.reason);
		ck_assert_msg(!cases[i].statement == !fault.statement, "case %zu: %s", i, fault.statement);
		if (cases[i].statement)
			ck_assert_str_eq(fault.statement, cases[i].statement);
	}
}
END_TEST

START_TEST(section_length)
{
	static const struct { const char *bytes; size_t len; } bad[] = {
		{ "", 0 }, { "\1", 1 }, { "\2\1", 2 }, { "\x80", 1 }, { "\x80\0", 2 }, { "\xff\xff\xff\xff\1", 5 },
		{ "\4\2\0\0\0\1", 6 },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++) {
		uint8_t *copy = exact_copy(bad[i].bytes, bad[i].len);
		ln_reader_t r = ln_reader(ln_slice(copy, bad[i].len));
		mqtt_props_t props;
		mqtt_fault_t fault;

		ck_assert_msg(mqtt_props_read(&r, MQTT_PUBLISH, NULL, NULL, &props, &fault) == LN_MALFORMED, "%zu", i);
		ck_assert_uint_eq(fault.reason, 0x81);
		free(copy);
	}
}
END_TEST

START_TEST(absence_has_a_meaning)
{
	ln_reader_t r = ln_reader(LN_STR("\0"));
	mqtt_props_t props;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_props_read(&r, MQTT_CONNECT, NULL, NULL, &props, &fault));
	ck_assert_uint_eq(props.seen, 0);
	ck_assert_uint_eq(props.receive_max, 65535);
	ck_assert_uint_eq(props.packet_max, UINT32_MAX);
	ck_assert_uint_eq(props.request_problem, 1);
	ck_assert_uint_eq(props.request_response, 0);
	ck_assert_uint_eq(props.session_expiry, 0);
	ck_assert_uint_eq(props.topic_alias_max, 0);
	ck_assert_uint_eq(props.auth_method.len, 0);
	ck_assert_uint_eq(props.users, 0);
}
END_TEST

START_TEST(fields_hold_their_values)
{
	static const char section[] = "\x1c\x11\1\2\3\4\x21\5\6"
	                              "\x27\7\x08\x09\x0a\x22\x0b\x0c\x19\1\x17\0\x15\0\2me\x16\0\0";
	ln_reader_t r = ln_reader(LN_STR(section));
	mqtt_props_t props;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_props_read(&r, MQTT_CONNECT, NULL, NULL, &props, &fault));
	ck_assert_uint_eq(props.session_expiry, 0x01020304);
	ck_assert_uint_eq(props.receive_max, 0x0506);
	ck_assert_uint_eq(props.packet_max, 0x0708090a);
	ck_assert_uint_eq(props.topic_alias_max, 0x0b0c);
	ck_assert_uint_eq(props.request_response, 1);
	ck_assert_uint_eq(props.request_problem, 0);
	ln_unit_slice(props.auth_method, "me");
	ck_assert(mqtt_has(&props, auth_data) && props.auth_data.len == 0);
	ck_assert(!mqtt_has(&props, user));
}
END_TEST

/* Reads a PUBLISH's or will's section and compares what is carried. DIRECT: as a slice of the packet. */
static void ck_carry(mqtt_type_t in, ln_slice_t section, ln_slice_t want, bool direct)
{
	ln_buf_t scratch = { 0 };
	ln_slice_t carry;
	ln_reader_t r = ln_reader(section);
	mqtt_props_t props;
	mqtt_fault_t fault;

	ln_buf_append(&scratch, "old", 3);
	ln_unit_ok(mqtt_props_read(&r, in, &scratch, &carry, &props, &fault));
	ck_assert(ln_slice_eq(carry, want));
	if (want.len > 0)
		ck_assert_int_eq(carry.data > section.data && carry.data < section.data + section.len, direct);
	ln_buf_fini(&scratch);
}

#define FORMAT "\1\1"
#define EXPIRY "\2\0\0\0\x3c"
#define TYPE "\3\0\1t"
#define REPLY "\x08\0\1r"
#define DATA "\x09\0\1d"
#define ALIAS "\x23\0\1"
#define USER "\x26\0\1k\0\1v"
#define DELAY "\x18\0\0\0\1"

START_TEST(carried_block)
{
	ck_carry(MQTT_PUBLISH, LN_STR("\0"), LN_STR(""), true);
	ck_carry(MQTT_PUBLISH, LN_STR("\x08" EXPIRY ALIAS), LN_STR(""), true);
	ck_carry(MQTT_PUBLISH, LN_STR("\x15" FORMAT TYPE REPLY DATA USER), LN_STR(FORMAT TYPE REPLY DATA USER), true);
	ck_carry(MQTT_PUBLISH, LN_STR("\x13" EXPIRY USER USER), LN_STR(USER USER), true);
	ck_carry(MQTT_PUBLISH, LN_STR("\x16" USER USER EXPIRY ALIAS), LN_STR(USER USER), true);
	ck_carry(MQTT_PUBLISH, LN_STR("\x13" USER EXPIRY USER), LN_STR(USER USER), false);
	ck_carry(MQTT_PUBLISH, LN_STR("\x1d" DATA ALIAS REPLY USER EXPIRY FORMAT TYPE),
	         LN_STR(DATA REPLY USER FORMAT TYPE), false);
	ck_carry(MQTT_WILL, LN_STR("\x0b" TYPE DELAY FORMAT), LN_STR(TYPE FORMAT), false);
	ck_carry(MQTT_WILL, LN_STR("\x07" DELAY FORMAT), LN_STR(FORMAT), true);
}
END_TEST

START_TEST(user_properties_walked)
{
	ln_reader_t r = ln_reader(LN_STR("\x27" EXPIRY "\x26\0\1a\0\0" ALIAS TYPE DATA REPLY "\x26\0\0\0\1b"
	                                 "\x26\0\1a\0\1c"));
	ln_slice_t name, value, rest;
	mqtt_props_t props;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_props_read(&r, MQTT_PUBLISH, NULL, NULL, &props, &fault));
	ck_assert_uint_eq(props.users, 3);
	rest = props.user;
	ck_assert(mqtt_user_next(&rest, &name, &value));
	ln_unit_slice(name, "a");
	ln_unit_slice(value, "");
	ck_assert(mqtt_user_next(&rest, &name, &value));
	ln_unit_slice(name, "");
	ln_unit_slice(value, "b");
	ck_assert(mqtt_user_next(&rest, &name, &value));
	ln_unit_slice(name, "a");
	ln_unit_slice(value, "c");
	ck_assert(!mqtt_user_next(&rest, &name, &value));
	rest = ln_slice(NULL, 0);
	ck_assert(!mqtt_user_next(&rest, &name, &value));
}
END_TEST

/* Of all codes, only CODES may stand in TYPE. */
static void ck_reasons(mqtt_type_t type, const uint8_t *codes, size_t count)
{
	for (unsigned code = 0; code < 256; code++)
		ck_assert_int_eq(mqtt_reason_allowed((uint8_t)code, type), memchr(codes, (int)code, count) != NULL);
}

/* Table 2-6, by packet. */
START_TEST(reasons)
{
	static const uint8_t pubrel[] = { 0x00, 0x92 }, auth[] = { 0x00, 0x18, 0x19 };
	static const uint8_t connack[] = {
		0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
		0x9a, 0x9b, 0x9c, 0x9d, 0x9f
	};
	static const uint8_t disconnect[] = {
		0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
		0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2
	};
	static const uint8_t puback[] = { 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99 };
	static const uint8_t unsuback[] = { 0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91 };
	static const uint8_t suback[] = { 0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2 };

	ck_reasons(MQTT_PUBACK, puback, sizeof(puback));
	ck_reasons(MQTT_PUBREC, puback, sizeof(puback));
	ck_reasons(MQTT_PUBREL, pubrel, sizeof(pubrel));
	ck_reasons(MQTT_PUBCOMP, pubrel, sizeof(pubrel));
	ck_reasons(MQTT_SUBACK, suback, sizeof(suback));
	ck_reasons(MQTT_UNSUBACK, unsuback, sizeof(unsuback));
	ck_reasons(MQTT_AUTH, auth, sizeof(auth));
	ck_reasons(MQTT_CONNACK, connack, sizeof(connack));
	ck_reasons(MQTT_DISCONNECT, disconnect, sizeof(disconnect));
	ck_reasons(MQTT_PINGREQ, puback, 0);
	ck_assert_str_eq(mqtt_reason_text(0x00), "success");
	ck_assert_str_eq(mqtt_reason_text(0x97), "quota exceeded");
	ck_assert_str_eq(mqtt_reason_text(0xff), "unknown reason code");
	ck_assert_uint_eq(mqtt_return_code(0x00), 0);
	ck_assert_uint_eq(mqtt_return_code(0x84), 1);
	ck_assert_uint_eq(mqtt_return_code(0x85), 2);
	ck_assert_uint_eq(mqtt_return_code(0x88), 3);
	ck_assert_uint_eq(mqtt_return_code(0x86), 4);
	ck_assert_uint_eq(mqtt_return_code(0x87), 5);
	ck_assert_uint_eq(mqtt_return_code(0x81), MQTT_RETURN_NONE);
	ck_assert_uint_eq(mqtt_return_code(0xff), MQTT_RETURN_NONE);
}
END_TEST

LN_UNIT_MAIN("mqtt/props", where_each_may_stand, only_user_properties_repeat, values, section_length,
             absence_has_a_meaning,
             fields_hold_their_values, carried_block, user_properties_walked, reasons)
