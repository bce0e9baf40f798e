/* Packets written, against bytes made by hand; room that is not enough; what is left out for a peer with a small
 * maximum. */
#include "packets.h"
#include "unit.h"

static uint8_t bytes[512];

/* SIZE bytes were written at BYTES and they are WANT. */
static void ck_bytes(size_t size, ln_slice_t want)
{
	ck_assert_uint_eq(size, want.len);
	ck_assert_mem_eq(bytes, want.data, want.len);
}

#define W(literal) LN_STR(literal)

START_TEST(connack)
{
	mqtt_props_t p = mqtt_props_none;

	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 4, true, 0, NULL, 0), W("\x20\2\1\0"));
	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 4, true, 0x87, NULL, 0), W("\x20\2\0\5"));
	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 3, true, 0, NULL, 0), W("\x20\2\0\0"));
	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 3, false, 0x84, NULL, 0), W("\x20\2\0\1"));
	ck_assert_uint_eq(mqtt_connack_write(bytes, sizeof(bytes), 4, false, 0x81, NULL, 0), 0);
	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 5, false, 0x81, NULL, 0), W("\x20\3\0\x81\0"));
	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 5, true, 0, &p, 0), W("\x20\3\1\0\0"));

	mqtt_set(&p, session_expiry, 0x01020304);
	mqtt_set(&p, receive_max, 20);
	mqtt_set(&p, max_qos, 1);
	mqtt_set(&p, retain_available, 0);
	mqtt_set(&p, packet_max, 0x100000);
	mqtt_set(&p, assigned_id, LN_STR("auto-1"));
	mqtt_set(&p, topic_alias_max, 10);
	mqtt_set(&p, reason_string, LN_STR("ok"));
	mqtt_set(&p, user, LN_STR("\x26\0\1k\0\1v"));
	mqtt_set(&p, wildcard_available, 1);
	mqtt_set(&p, sub_id_available, 0);
	mqtt_set(&p, shared_available, 1);
	mqtt_set(&p, server_keep_alive, 60);
	mqtt_set(&p, response_info, LN_STR("ri"));
	mqtt_set(&p, server_reference, LN_STR("sr"));
	mqtt_set(&p, auth_method, LN_STR("m"));
	mqtt_set(&p, auth_data, LN_STR("\0"));
	ck_bytes(mqtt_connack_write(bytes, sizeof(bytes), 5, false, 0, &p, 0),
	         W("\x20\x47\0\0\x44" "\x11\1\2\3\4" "\x12\0\6auto-1" "\x13\0\x3c" "\x15\0\1m" "\x16\0\1\0" "\x1a\0\2ri"
	           "\x1c\0\2sr" "\x1f\0\2ok" "\x21\0\x14" "\x22\0\x0a" "\x24\1" "\x25\0" "\x26\0\1k\0\1v"
	           "\x27\0\x10\0\0" "\x28\1" "\x29\0" "\x2a\1"));
}
END_TEST

START_TEST(acknowledgements)
{
	mqtt_props_t p = mqtt_props_none;

	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 4, 0x0102, 0, NULL, 0), W("\x40\2\1\2"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 4, 0x0102, 0x97, NULL, 0), W("\x40\2\1\2"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBREC, 5, 1, 0, NULL, 0), W("\x50\2\0\1"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBREL, 5, 1, 0, &p, 0), W("\x62\2\0\1"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBCOMP, 5, 1, 0x92, NULL, 0), W("\x70\3\0\1\x92"));
	mqtt_set(&p, reason_string, LN_STR("no"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 5, 1, 0, &p, 0), W("\x40\x09\0\1\0\5\x1f\0\2no"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 4, 1, 0, &p, 0), W("\x40\2\0\1"));
	for (mqtt_type_t type = MQTT_PUBACK; type <= MQTT_PUBCOMP; type++) {
		uint8_t put[MQTT_ACK_SIZE];

		mqtt_ack_put(put, type, 0xfffe);
		ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), type, 4, 0xfffe, 0, NULL, 0), ln_slice(put, sizeof(put)));
	}
}
END_TEST

START_TEST(subacks)
{
	static const uint8_t codes[] = { 0, 1, 2, 0x80, 0x87, 0x9e };
	mqtt_props_t p = mqtt_props_none;

	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_SUBACK, 5, 1, codes, 6, NULL, 0),
	         W("\x90\x09\0\1\0\0\1\2\x80\x87\x9e"));
	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_SUBACK, 4, 1, codes, 6, NULL, 0),
	         W("\x90\x08\0\1\0\1\2\x80\x80\x80"));
	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_SUBACK, 3, 1, codes, 6, NULL, 0),
	         W("\x90\x08\0\1\0\1\2\0\0\0"));
	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_SUBACK, 3, 1, NULL, 0, NULL, 0), W("\x90\2\0\1"));
	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_UNSUBACK, 5, 1, (const uint8_t[]){ 0, 0x11 }, 2, NULL, 0),
	         W("\xb0\5\0\1\0\0\x11"));
	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_UNSUBACK, 4, 1, codes, 2, NULL, 0), W("\xb0\2\0\1"));
	mqtt_set(&p, reason_string, LN_STR("x"));
	ck_bytes(mqtt_suback_write(bytes, sizeof(bytes), MQTT_SUBACK, 5, 1, codes, 1, &p, 0),
	         W("\x90\x08\0\1\4\x1f\0\1x\0"));
}
END_TEST

START_TEST(goodbyes)
{
	mqtt_props_t p = mqtt_props_none;

	ck_bytes(mqtt_pingresp_write(bytes, sizeof(bytes)), W("\xd0\0"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0, NULL, 0), W("\xe0\0"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x8e, NULL, 0), W("\xe0\1\x8e"));
	mqtt_set(&p, server_reference, LN_STR("b"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x9c, &p, 0), W("\xe0\6\x9c\4\x1c\0\1b"));
	p = mqtt_props_none;
	mqtt_set(&p, auth_method, LN_STR("m"));
	mqtt_set(&p, auth_data, LN_STR("d"));
	ck_bytes(mqtt_auth_write(bytes, sizeof(bytes), 0x18, &p, 0), W("\xf0\x0a\x18\x08\x15\0\1m\x16\0\1d"));
	ck_bytes(mqtt_auth_write(bytes, sizeof(bytes), 0, NULL, 0), W("\xf0\0"));
}
END_TEST

/* The user properties go first, then the reason string; what the packet needs stays. */
START_TEST(small_maximum)
{
	mqtt_props_t p = mqtt_props_none;

	mqtt_set(&p, reason_string, LN_STR("no"));
	mqtt_set(&p, user, LN_STR("\x26\0\1k\0\1v"));
	mqtt_set(&p, server_reference, LN_STR("b"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x9c, &p, 20),
	         W("\xe0\x12\x9c\x10" "\x1c\0\1b" "\x1f\0\2no" "\x26\0\1k\0\1v"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x9c, &p, 19), W("\xe0\x0b\x9c\x09\x1c\0\1b\x1f\0\2no"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x9c, &p, 13), W("\xe0\x0b\x9c\x09\x1c\0\1b\x1f\0\2no"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x9c, &p, 12), W("\xe0\6\x9c\4\x1c\0\1b"));
	ck_bytes(mqtt_disconnect_write(bytes, sizeof(bytes), 0x9c, &p, 1), W("\xe0\6\x9c\4\x1c\0\1b"));
	p = mqtt_props_none;
	mqtt_set(&p, reason_string, LN_STR("no"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 5, 1, 0, &p, 11), W("\x40\x09\0\1\0\5\x1f\0\2no"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 5, 1, 0, &p, 10), W("\x40\2\0\1"));
	ck_bytes(mqtt_ack_write(bytes, sizeof(bytes), MQTT_PUBACK, 5, 1, 0x97, &p, 10), W("\x40\3\0\1\x97"));
}
END_TEST

/* Properties of over 127 bytes: two bytes of length, for the section and the packet. */
START_TEST(long_properties)
{
	mqtt_props_t p = mqtt_props_none;
	uint8_t text[200];

	memset(text, 'x', sizeof(text));
	mqtt_set(&p, reason_string, ln_slice(text, sizeof(text)));
	ck_assert_uint_eq(mqtt_disconnect_write(bytes, sizeof(bytes), 0x80, &p, 0), 209);
	ck_assert_mem_eq(bytes, "\xe0\xce\1\x80\xcb\1\x1f\0\xc8xxx", 12);
}
END_TEST

/* Too little room: the size is told and nothing is written. */
START_TEST(room)
{
	mqtt_publish_head_t head = { .topic = LN_STR("a/b"), .version = 4, .payload_len = 3 };
	mqtt_props_t p = mqtt_props_none;
	uint8_t code = 1;

	mqtt_set(&p, reason_string, LN_STR("no"));
	for (size_t cap = 0; cap < 12; cap++) {
		memset(bytes, 0xee, sizeof(bytes));
		if (cap < 10)
			ck_assert_uint_eq(mqtt_connack_write(bytes, cap, 5, false, 0, &p, 0), 10);
		if (cap < 11)
			ck_assert_uint_eq(mqtt_ack_write(bytes, cap, MQTT_PUBACK, 5, 1, 0, &p, 0), 11);
		if (cap < 11)
			ck_assert_uint_eq(mqtt_suback_write(bytes, cap, MQTT_SUBACK, 5, 1, &code, 1, &p, 0), 11);
		if (cap < 9)
			ck_assert_uint_eq(mqtt_disconnect_write(bytes, cap, 0, &p, 0), 9);
		if (cap < 2)
			ck_assert_uint_eq(mqtt_pingresp_write(bytes, cap), 2);
		if (cap < 7)
			ck_assert_uint_eq(mqtt_publish_head_write(bytes, cap, &head), 7);
		for (size_t i = 0; i < sizeof(bytes); i++)
			ck_assert_uint_eq(bytes[i], 0xee);
	}
}
END_TEST

static void ck_head(mqtt_publish_head_t head, ln_slice_t want)
{
	memset(bytes, 0xee, sizeof(bytes));
	ck_assert_uint_eq(mqtt_publish_head_size(&head), want.len);
	ck_bytes(mqtt_publish_head_write(bytes, want.len, &head), want);
	ck_assert_uint_eq(bytes[want.len], 0xee);
}

START_TEST(publish)
{
	static const uint32_t ids[] = { 1, 128, 268435455 };
	mqtt_publish_head_t h = { .topic = LN_STR("a/b"), .version = 4, .payload_len = 5 };

	ck_head(h, W("\x30\x0a\0\3a/b"));
	h.qos = 2, h.packet_id = 0x0102, h.dup = h.retain = true;
	ck_head(h, W("\x3d\x0c\0\3a/b\1\2"));
	h.expires = true, h.expiry = 60, h.alias = 7, h.carry = LN_STR("\1\1");
	h.subscription_ids = ids, h.subscription_id_count = 3;
	ck_head(h, W("\x3d\x0c\0\3a/b\1\2"));
	h.version = 5;
	ck_head(h, W("\x3d\x21\0\3a/b\1\2\x14" "\2\0\0\0\x3c" "\x23\0\7" "\x0b\1"
	             "\x0b\x80\1" "\x0b\xff\xff\xff\x7f" "\1\1"));
	h = (mqtt_publish_head_t){ .version = 5, .alias = 7 };
	ck_head(h, W("\x30\6\0\0\3\x23\0\7"));
	h = (mqtt_publish_head_t){ .topic = LN_STR("a"), .version = 5, .payload_len = 124, .expires = true };
	ck_head(h, W("\x30\x85\1\0\1a\5\2\0\0\0\0"));
}
END_TEST

START_TEST(publish_lengths)
{
	mqtt_publish_head_t h = { .topic = LN_STR("abc"), .version = 3 };
	uint8_t *topic = calloc(1, 65536);

	h.payload_len = 122;
	ck_head(h, W("\x30\x7f\0\3abc"));
	h.payload_len = 123;
	ck_head(h, W("\x30\x80\1\0\3abc"));
	h.payload_len = 16384 - 5;
	ck_head(h, W("\x30\x80\x80\1\0\3abc"));
	h.payload_len = MQTT_BODY_MAX - 5;
	ck_head(h, W("\x30\xff\xff\xff\x7f\0\3abc"));
	h.payload_len = MQTT_BODY_MAX - 4;
	ck_assert_uint_eq(mqtt_publish_head_size(&h), 0);
	ck_assert_uint_eq(mqtt_publish_head_write(bytes, sizeof(bytes), &h), 0);
	h.payload_len = UINT32_MAX;
	ck_assert_uint_eq(mqtt_publish_head_size(&h), 0);
	ck_assert_ptr_nonnull(topic);
	h = (mqtt_publish_head_t){ .topic = ln_slice(topic, 65536), .version = 4 };
	ck_assert_uint_eq(mqtt_publish_head_size(&h), 0);
	free(topic);
}
END_TEST

/* Who writes a property where it may not stand breaks the contract. */
START_TEST(misplaced_property)
{
	mqtt_props_t p = mqtt_props_none;

	mqtt_set(&p, receive_max, 1);
	ln_unit_aborts(mqtt_disconnect_write(bytes, sizeof(bytes), 0, &p, 0));
}
END_TEST

LN_UNIT_MAIN("mqtt/encode", connack, acknowledgements, subacks, goodbyes, small_maximum, long_properties, room, publish,
             publish_lengths, misplaced_property)
