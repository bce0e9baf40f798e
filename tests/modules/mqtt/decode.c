/* Fixed headers, PUBLISH, acknowledgements, DISCONNECT, AUTH. */
#include "packets.h"
#include "unit.h"

static const mqtt_dialect_t v3 = { 3, 0 }, v4 = { 4, 0 }, v5 = { 5, 0 };

/* RESULT is a refusal with REASON and STATEMENT (NULL: none). */
static void ck_fault(ln_result_t result, const mqtt_fault_t *fault, uint8_t reason, const char *statement)
{
	ck_assert_int_eq(result, reason == 0x81 ? LN_MALFORMED : LN_PROTOCOL);
	ck_assert_uint_eq(fault->reason, reason);
	ck_assert_ptr_nonnull(fault->why);
	ck_assert_msg(!statement == !fault->statement, "says %s", fault->statement ? fault->statement : "nothing");
	if (statement)
		ck_assert_str_eq(fault->statement, statement);
}

/* --- fixed header ----------------------------------------------------------------------------------------------- */

START_TEST(lengths)
{
	static const struct { const char *bytes; uint8_t len; uint32_t body; } cases[] = {
		{ "\x30\x00", 2, 0 }, { "\x30\x7f", 2, 127 }, { "\x30\x80\x01", 3, 128 }, { "\x30\xff\x7f", 3, 16383 },
		{ "\x30\x80\x80\x01", 4, 16384 }, { "\x30\xff\xff\x7f", 4, 2097151 },
		{ "\x30\x80\x80\x80\x01", 5, 2097152 },
		{ "\x30\xff\xff\xff\x7f", 5, 268435455 },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(cases); i++)
		for (size_t have = 0; have <= cases[i].len; have++) {
			uint8_t *copy = exact_copy(cases[i].bytes, have);
			mqtt_header_t h = { 0 };
			mqtt_fault_t fault;
			ln_result_t result = mqtt_header_read(ln_slice(copy, have), &h, &fault);

			ck_assert_int_eq(result, have < cases[i].len ? LN_AGAIN : LN_OK);
			if (result == LN_OK)
				ck_assert(h.first == 0x30 && h.len == cases[i].len && h.body == cases[i].body);
			free(copy);
		}
}
END_TEST

START_TEST(length_without_end)
{
	mqtt_header_t h;
	mqtt_fault_t fault;

	ck_fault(mqtt_header_read(LN_STR("\x30\xff\xff\xff\xff"), &h, &fault), &fault, 0x81, NULL);
	ck_fault(mqtt_header_read(LN_STR("\x30\x80\x80\x80\x80\x01"), &h, &fault), &fault, 0x81, NULL);
}
END_TEST

/* Only 5.0 demands the shortest form. */
START_TEST(long_forms_of_short_lengths)
{
	static const ln_slice_t long_forms[] = { { (const uint8_t *)"\xc0\x80\0", 3 },
	                                         { (const uint8_t *)"\x30\x85\0", 3 },
	                                         { (const uint8_t *)"\x40\x82\x80\0", 4 } };

	for (size_t i = 0; i < LN_ARRAY_SIZE(long_forms); i++) {
		mqtt_header_t h;
		mqtt_fault_t fault;

		ln_unit_ok(mqtt_header_read(long_forms[i], &h, &fault));
		ln_unit_ok(mqtt_flags_check(&h, v3, &fault));
		ln_unit_ok(mqtt_flags_check(&h, v4, &fault));
		ck_fault(mqtt_flags_check(&h, v5, &fault), &fault, 0x81, "MQTT-1.5.5-1");
	}
}
END_TEST

/* All first bytes, for all versions, against the two tables of the standard (types; flags). */
START_TEST(first_bytes)
{
	/* -1 reserved, -2 servers', -3 any */
	static const int wanted[16] = { -1, 0, -2, -3, 0, 0, 2, 0, 2, -2, 2, -2, 0, -2, 0, 0 };

	for (unsigned version = 3; version <= 5; version++)
		for (unsigned first = 0; first < 256; first++) {
			mqtt_header_t h = { (uint8_t)first, 2, 0 };
			mqtt_fault_t fault = { 0 };
			ln_result_t result = mqtt_flags_check(&h, (mqtt_dialect_t){ version, 0 }, &fault);
			int want = first >> 4 == 15 && version < 5 ? -1 : wanted[first >> 4];

			if (want == -2)
				ck_fault(result, &fault, 0x82, NULL);
			else if (want == -3 || want == (int)(first & 15))
				ck_assert_int_eq(result, LN_OK);
			else
				ck_assert_int_eq(result, LN_MALFORMED);
		}
}
END_TEST

START_TEST(flags_name_their_statement)
{
	mqtt_fault_t fault;

	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0x80, 2, 5 }, v5, &fault), &fault, 0x81, "MQTT-3.8.1-1");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0xa0, 2, 5 }, v4, &fault), &fault, 0x81, "MQTT-3.10.1-1");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0x60, 2, 2 }, v4, &fault), &fault, 0x81, "MQTT-3.6.1-1");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0xe1, 2, 0 }, v4, &fault), &fault, 0x81, "MQTT-3.14.1-1");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0xf1, 2, 0 }, v5, &fault), &fault, 0x81, "MQTT-3.15.1-1");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0x41, 2, 2 }, v5, &fault), &fault, 0x81, "MQTT-2.1.3-1");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0x41, 2, 2 }, v4, &fault), &fault, 0x81, "MQTT-2.2.2-2");
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0x41, 2, 2 }, v3, &fault), &fault, 0x81, NULL);
}
END_TEST

START_TEST(empty_packets)
{
	mqtt_fault_t fault;

	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0xc0, 2, 1 }, v4, &fault), &fault, 0x81, NULL);
	ck_fault(mqtt_flags_check(&(mqtt_header_t){ 0xe0, 2, 1 }, v4, &fault), &fault, 0x81, NULL);
	ln_unit_ok(mqtt_flags_check(&(mqtt_header_t){ 0xe0, 2, 1 }, v5, &fault));
}
END_TEST

static bool flags_pass(uint8_t first, unsigned version, uint32_t quirks)
{
	mqtt_fault_t fault;

	return mqtt_flags_check(&(mqtt_header_t){ first, 2, 0 }, (mqtt_dialect_t){ version, quirks }, &fault) == LN_OK;
}

START_TEST(flag_quirks)
{
	ck_assert(!flags_pass(0x12, 3, 0) && flags_pass(0x12, 3, MQTT_QUIRK_UNUSED_BITS));
	ck_assert(!flags_pass(0xc1, 3, 0) && flags_pass(0xc1, 3, MQTT_QUIRK_UNUSED_BITS));
	ck_assert(!flags_pass(0x8a, 3, 0) && flags_pass(0x8a, 3, MQTT_QUIRK_DUP_ANYWHERE));
	ck_assert(!flags_pass(0xaa, 3, 0) && flags_pass(0xaa, 3, MQTT_QUIRK_DUP_ANYWHERE));
	ck_assert(!flags_pass(0x6a, 3, 0) && flags_pass(0x6a, 3, MQTT_QUIRK_DUP_ANYWHERE));
	ck_assert(!flags_pass(0x88, 3, MQTT_QUIRK_DUP_ANYWHERE | MQTT_QUIRK_UNUSED_BITS));
	ck_assert(!flags_pass(0x42, 4, 0) && flags_pass(0x42, 4, MQTT_QUIRK_ACK_FLAGS));
	ck_assert(!flags_pass(0x60, 4, 0) && flags_pass(0x60, 4, MQTT_QUIRK_ACK_FLAGS));
	ck_assert(flags_pass(0x40, 3, 0) && !flags_pass(0x20, 3, UINT32_MAX) && !flags_pass(0x00, 3, UINT32_MAX));
}
END_TEST

/* --- PUBLISH ---------------------------------------------------------------------------------------------------- */

static ln_result_t publish(uint8_t first, ln_slice_t body, mqtt_dialect_t d, mqtt_publish_t *p, mqtt_fault_t *fault)
{
	ln_buf_t scratch = { 0 };

	*fault = (mqtt_fault_t){ 0 };
	ln_result_t result = mqtt_publish_read(first, body, d, &scratch, p, fault);
	ck_assert_uint_eq(ln_buf_len(&scratch), 0);
	ln_buf_fini(&scratch);
	return result;
}

START_TEST(publish_fields)
{
	mqtt_publish_t p;
	mqtt_fault_t fault;

	ln_unit_ok(publish(0x30, LN_STR("\0\3a/bhello"), v4, &p, &fault));
	ln_unit_slice(p.topic, "a/b");
	ln_unit_slice(p.payload, "hello");
	ck_assert(p.qos == 0 && !p.dup && !p.retain && !p.expires);
	ck_assert(p.packet_id == 0 && p.alias == 0 && p.carry.len == 0);

	ln_unit_ok(publish(0x3d, LN_STR("\0\3a/b\1\2"), v3, &p, &fault));
	ck_assert(p.qos == 2 && p.dup && p.retain && p.packet_id == 0x0102 && p.payload.len == 0);
}
END_TEST

START_TEST(publish_fields_of_5)
{
	ln_buf_t scratch = { 0 };
	mqtt_publish_t p;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_publish_read(0x33, LN_STR("\0\3a/b\0\7\x0f\2\0\0\0\x3c\x23\0\5\1\1\3\0\2cthi"), v5, &scratch,
	                             &p, &fault));
	ln_unit_slice(p.topic, "a/b");
	ln_unit_slice(p.payload, "hi");
	ln_unit_slice(p.carry, "\1\1\3\0\2ct");
	ck_assert(p.expires && p.expiry == 60 && p.alias == 5 && p.text && p.packet_id == 7 && p.retain && p.qos == 1);

	ln_unit_ok(mqtt_publish_read(0x30, LN_STR("\0\0\3\x23\0\1"), v5, &scratch, &p, &fault));
	ck_assert(p.topic.len == 0 && p.alias == 1 && p.payload.len == 0);
	ln_buf_fini(&scratch);
}
END_TEST

START_TEST(publish_faults)
{
	mqtt_publish_t p;
	mqtt_fault_t fault;

	ck_fault(publish(0x36, LN_STR("\0\1a\0\1"), v4, &p, &fault), &fault, 0x81, "MQTT-3.3.1-4");
	ck_fault(publish(0x36, LN_STR("\0\1a\0\1"), v3, &p, &fault), &fault, 0x81, NULL);
	ck_fault(publish(0x38, LN_STR("\0\1a"), v5, &p, &fault), &fault, 0x81, "MQTT-3.3.1-2");
	ck_fault(publish(0x32, LN_STR("\0\1a\0\0"), v5, &p, &fault), &fault, 0x82, "MQTT-2.2.1-3");
	ck_fault(publish(0x32, LN_STR("\0\1a\0\0"), v4, &p, &fault), &fault, 0x82, "MQTT-2.3.1-1");
	ck_fault(publish(0x30, LN_STR("\0\0"), v4, &p, &fault), &fault, 0x90, "MQTT-4.7.3-1");
	ck_fault(publish(0x30, LN_STR("\0\0\0"), v5, &p, &fault), &fault, 0x82, NULL);
	ck_fault(publish(0x30, LN_STR("\0\3a/#"), v4, &p, &fault), &fault, 0x90, "MQTT-3.3.2-2");
	ck_fault(publish(0x30, LN_STR("\0\3+/b\0"), v5, &p, &fault), &fault, 0x90, "MQTT-3.3.2-2");
	ck_fault(publish(0x30, LN_STR("\0\3a\0b"), v4, &p, &fault), &fault, 0x81, "MQTT-1.5.3-2");
	ck_fault(publish(0x30, LN_STR("\0\3a\xff" "b\0"), v5, &p, &fault), &fault, 0x81, "MQTT-1.5.4-1");
	ck_fault(publish(0x30, LN_STR("\0\4a/b"), v4, &p, &fault), &fault, 0x81, NULL);
	ck_fault(publish(0x32, LN_STR("\0\3a/b\1"), v4, &p, &fault), &fault, 0x81, NULL);
	ck_fault(publish(0x30, LN_STR("\0\3a/b"), v5, &p, &fault), &fault, 0x81, NULL);
}
END_TEST

START_TEST(publish_quirks)
{
	mqtt_publish_t p;
	mqtt_fault_t fault;

	ln_unit_ok(publish(0x38, LN_STR("\0\1a"), (mqtt_dialect_t){ 4, MQTT_QUIRK_DUP_QOS_0 }, &p, &fault));
	ck_assert(p.dup);
	ln_unit_ok(publish(0x32, LN_STR("\0\1a\0\0"), (mqtt_dialect_t){ 4, MQTT_QUIRK_PACKET_ID_0 }, &p, &fault));
	ck_assert_uint_eq(p.packet_id, 0);
}
END_TEST

/* A topic of LEN plain bytes with BYTE at AT: what is read, and what a slow look says. */
static void ck_topic(size_t len, size_t at, uint8_t byte)
{
	uint8_t *topic = exact_copy("abcdefghijklmnopqrstuvwxyz/0123456789", len);
	mqtt_fault_t fault;
	bool good;

	topic[at] = byte;
	good = byte != 0 && byte != '+' && byte != '#' && byte < 0x80;
	ck_assert_msg((mqtt_topic_check(ln_slice(topic, len), v4, &fault) == LN_OK) == good, "0x%02x at %zu of %zu",
	              byte, at, len);
	free(topic);
}

START_TEST(every_byte_of_a_topic)
{
	for (size_t len = 1; len <= 27; len++)
		for (size_t at = 0; at < len; at++)
			for (unsigned byte = 0; byte < 256; byte++)
				ck_topic(len, at, (uint8_t)byte);
}
END_TEST

START_TEST(topics_beyond_ascii)
{
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_topic_check(LN_STR(""), v4, &fault));
	ln_unit_ok(mqtt_topic_check(LN_STR("t\xc3\xbcr/\xf0\x9f\x9a\xaa/\xef\xbb\xbf"), v4, &fault));
	ln_unit_ok(mqtt_topic_check(LN_STR("control \1 and \xc2\x85 and \xef\xbf\xbf"), v4, &fault));
	ck_fault(mqtt_topic_check(LN_STR("t\xc3\xbcr/+"), v4, &fault), &fault, 0x90, "MQTT-3.3.2-2");
	ck_fault(mqtt_topic_check(LN_STR("\xed\xa0\x80"), v5, &fault), &fault, 0x81, "MQTT-1.5.4-1");
	ck_fault(mqtt_topic_check(LN_STR("\xc0\x80"), v5, &fault), &fault, 0x81, "MQTT-1.5.4-1");
}
END_TEST

START_TEST(unchecked_topic)
{
	mqtt_publish_t p;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_publish_read_unchecked_topic(0x30, LN_STR("\0\3a/#x"), v4, NULL, &p, &fault));
	ln_unit_slice(p.topic, "a/#");
	ln_unit_slice(p.payload, "x");
}
END_TEST

/* --- the rest --------------------------------------------------------------------------------------------------- */

START_TEST(acknowledgements)
{
	static const char *const statements[] = { "MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-3.6.2-1", "MQTT-3.7.2-1" };
	mqtt_ack_t ack;
	mqtt_fault_t fault;

	for (mqtt_type_t type = MQTT_PUBACK; type <= MQTT_PUBCOMP; type++) {
		ln_unit_ok(mqtt_ack_read(type, LN_STR("\1\2"), v4, &ack, &fault));
		ck_assert(ack.packet_id == 0x0102 && ack.reason == 0);
		ln_unit_ok(mqtt_ack_read(type, LN_STR("\1\2\0\0"), v5, &ack, &fault));
		ck_fault(mqtt_ack_read(type, LN_STR("\1\2\0"), v4, &ack, &fault), &fault, 0x81, NULL);
		ck_fault(mqtt_ack_read(type, LN_STR("\1"), v4, &ack, &fault), &fault, 0x81, NULL);
		ck_fault(mqtt_ack_read(type, LN_STR("\1\2\x81"), v5, &ack, &fault), &fault, 0x82,
		         statements[type - MQTT_PUBACK]);
		ck_fault(mqtt_ack_read(type, LN_STR("\1\2\0\0\0"), v5, &ack, &fault), &fault, 0x81, NULL);
	}
	ln_unit_ok(mqtt_ack_read(MQTT_PUBREC, LN_STR("\0\1\x97\x0e\x1f\0\4full\x26\0\1k\0\1v"), v5, &ack, &fault));
	ck_assert_uint_eq(ack.reason, 0x97);
	ln_unit_slice(ack.reason_string, "full");
	ln_unit_slice(ack.user, "\x26\0\1k\0\1v");
}
END_TEST

START_TEST(disconnects)
{
	mqtt_disconnect_t bye;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_disconnect_read(LN_STR(""), v4, &bye, &fault));
	ln_unit_ok(mqtt_disconnect_read(LN_STR(""), v5, &bye, &fault));
	ck_assert(bye.reason == 0 && !bye.has_session_expiry);
	ln_unit_ok(mqtt_disconnect_read(LN_STR("\4\x0b\x11\0\0\0\x78\x1f\0\3bye"), v5, &bye, &fault));
	ck_assert(bye.reason == 4 && bye.has_session_expiry && bye.session_expiry == 120);
	ln_unit_slice(bye.reason_string, "bye");
	ck_fault(mqtt_disconnect_read(LN_STR("\0"), v4, &bye, &fault), &fault, 0x81, NULL);
	ck_fault(mqtt_disconnect_read(LN_STR("\1"), v5, &bye, &fault), &fault, 0x82, "MQTT-3.14.2-1");
	ck_fault(mqtt_disconnect_read(LN_STR("\0\0\0"), v5, &bye, &fault), &fault, 0x81, NULL);
}
END_TEST

START_TEST(auths)
{
	mqtt_auth_t auth;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_auth_read(LN_STR(""), &auth, &fault));
	ck_assert_uint_eq(auth.reason, 0);
	ln_unit_ok(mqtt_auth_read(LN_STR("\x18\x0a\x15\0\1m\x16\0\3xyz"), &auth, &fault));
	ck_assert_uint_eq(auth.reason, 0x18);
	ln_unit_slice(auth.method, "m");
	ln_unit_slice(auth.data, "xyz");
	ck_fault(mqtt_auth_read(LN_STR("\x18\0"), &auth, &fault), &fault, 0x82, NULL);
	ck_fault(mqtt_auth_read(LN_STR("\x17\4\x15\0\1m"), &auth, &fault), &fault, 0x82, "MQTT-3.15.2-1");
}
END_TEST

LN_UNIT_MAIN("mqtt/decode", lengths, length_without_end, long_forms_of_short_lengths, first_bytes,
             flags_name_their_statement,
             empty_packets, flag_quirks, publish_fields, publish_fields_of_5, publish_faults, publish_quirks,
             every_byte_of_a_topic, topics_beyond_ascii, unchecked_topic, acknowledgements, disconnects, auths)
