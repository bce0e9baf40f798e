/* SUBSCRIBE and UNSUBSCRIBE. */
#include "packets.h"
#include "unit.h"

static const mqtt_dialect_t v3 = { 3, 0 }, v4 = { 4, 0 }, v5 = { 5, 0 };

static void ck_fault(mqtt_type_t type, ln_slice_t body, mqtt_dialect_t d, uint8_t reason, const char *statement)
{
	mqtt_filters_t f;
	mqtt_fault_t fault = { 0 };
	ln_result_t result = type == MQTT_SUBSCRIBE ? mqtt_subscribe_open(body, d, &f, &fault)
	                                            : mqtt_unsubscribe_open(body, d, &f, &fault);

	ck_assert_int_eq(result, reason == 0x81 ? LN_MALFORMED : LN_PROTOCOL);
	ck_assert_uint_eq(fault.reason, reason);
	ck_assert_msg(!statement == !fault.statement, "says %s", fault.statement ? fault.statement : "nothing");
	if (statement)
		ck_assert_str_eq(fault.statement, statement);
}

START_TEST(subscribe_old)
{
	mqtt_filters_t f;
	mqtt_subscription_t s;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_subscribe_open(LN_STR("\1\2\0\3a/b\1\0\3c/#\2"), v4, &f, &fault));
	ck_assert(f.packet_id == 0x0102 && f.count == 2 && f.subscription_id == 0);
	ck_assert(mqtt_subscribe_next(&f, &s));
	ln_unit_slice(s.filter, "a/b");
	ck_assert(s.qos == 1 && !s.no_local && !s.retain_as_published && s.retain_handling == 0);
	ck_assert(mqtt_subscribe_next(&f, &s));
	ln_unit_slice(s.filter, "c/#");
	ck_assert_uint_eq(s.qos, 2);
	ck_assert(!mqtt_subscribe_next(&f, &s));
	ck_assert(!mqtt_subscribe_next(&f, &s));
}
END_TEST

START_TEST(subscribe_5)
{
	mqtt_filters_t f;
	mqtt_subscription_t s;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_subscribe_open(LN_STR("\0\1\x0a\x0b\x80\1\x26\0\1k\0\1v\0\3a/b\x2e\0\1c\x11"), v5, &f, &fault));
	ck_assert(f.subscription_id == 128 && f.count == 2);
	ln_unit_slice(f.user, "\x26\0\1k\0\1v");
	ck_assert(mqtt_subscribe_next(&f, &s));
	ck_assert(s.qos == 2 && s.no_local && s.retain_as_published && s.retain_handling == 2);
	ck_assert(mqtt_subscribe_next(&f, &s));
	ck_assert(s.qos == 1 && !s.no_local && !s.retain_as_published && s.retain_handling == 1);
}
END_TEST

/* Every options byte, against the figures of 3.8.3 in both standards. */
START_TEST(options)
{
	for (unsigned o = 0; o < 256; o++) {
		uint8_t old[] = { 0, 1, 0, 1, 'a', (uint8_t)o }, now[] = { 0, 1, 0, 0, 1, 'a', (uint8_t)o };
		bool valid_5 = o < 0x40 && (o & 3) != 3 && (o & 0x30) != 0x30;
		mqtt_filters_t f;
		mqtt_fault_t fault;

		ck_assert_int_eq(mqtt_subscribe_open(ln_slice(old, sizeof(old)), v4, &f, &fault) == LN_OK, o < 3);
		ck_assert_int_eq(mqtt_subscribe_open(ln_slice(old, sizeof(old)), v3, &f, &fault) == LN_OK, o < 3);
		ck_assert_int_eq(mqtt_subscribe_open(ln_slice(now, sizeof(now)), v5, &f, &fault) == LN_OK, valid_5);
	}
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\1a\4"), v4, 0x81, "MQTT-3.8.3-4");
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\1a\3"), v4, 0x81, "MQTT-3.8.3-4");
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\0\1a\x40"), v5, 0x81, "MQTT-3.8.3-5");
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\0\1a\3"), v5, 0x82, NULL);
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\0\1a\x30"), v5, 0x82, NULL);
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\0\x0a$share/g/a\4"), v5, 0x82, "MQTT-3.8.3-4");
}
END_TEST

START_TEST(unsubscribe)
{
	mqtt_filters_t f;
	ln_slice_t filter;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_unsubscribe_open(LN_STR("\0\x0a\0\3a/b\0\0"), v4, &f, &fault));
	ck_assert(f.packet_id == 10 && f.count == 2);
	ck_assert(mqtt_unsubscribe_next(&f, &filter));
	ln_unit_slice(filter, "a/b");
	ck_assert(mqtt_unsubscribe_next(&f, &filter));
	ck_assert_uint_eq(filter.len, 0);
	ck_assert(!mqtt_unsubscribe_next(&f, &filter));
	ln_unit_ok(mqtt_unsubscribe_open(LN_STR("\0\x0a\7\x26\0\1k\0\1v\0\3a/b"), v5, &f, &fault));
	ln_unit_slice(f.user, "\x26\0\1k\0\1v");
}
END_TEST

START_TEST(faults_of_both)
{
	static const mqtt_type_t both[] = { MQTT_SUBSCRIBE, MQTT_UNSUBSCRIBE };

	for (size_t i = 0; i < 2; i++) {
		bool s = both[i] == MQTT_SUBSCRIBE;

		ck_fault(both[i], LN_STR("\0"), v4, 0x81, NULL);
		ck_fault(both[i], LN_STR("\0\0\0\1a\0"), v4, 0x82, "MQTT-2.3.1-1");
		ck_fault(both[i], LN_STR("\0\0\0\0\1a\0"), v5, 0x82, "MQTT-2.2.1-3");
		ck_fault(both[i], LN_STR("\0\1"), v4, 0x82, s ? "MQTT-3.8.3-3" : "MQTT-3.10.3-2");
		ck_fault(both[i], LN_STR("\0\1\0"), v5, 0x82, s ? "MQTT-3.8.3-2" : "MQTT-3.10.3-2");
		ck_fault(both[i], LN_STR("\0\1"), v3, 0x82, NULL);
		ck_fault(both[i], LN_STR("\0\1"), v5, 0x81, NULL);
		ck_fault(both[i], LN_STR("\0\1\0\2a"), v4, 0x81, NULL);
		ck_fault(both[i], LN_STR("\0\1\0\1\xff\0"), v4, 0x81, "MQTT-1.5.3-1");
		ck_fault(both[i], LN_STR("\0\1\0\1\0\0"), v4, 0x81, "MQTT-1.5.3-2");
	}
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\1a"), v4, 0x81, NULL);
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\0\1a\1\0\1b\3"), v4, 0x81, "MQTT-3.8.3-4");
	ck_fault(MQTT_SUBSCRIBE, LN_STR("\0\1\2\x0b\0\0\1a\0"), v5, 0x82, NULL);
	ck_fault(MQTT_UNSUBSCRIBE, LN_STR("\0\1\2\x0b\1\0\1a"), v5, 0x81, NULL);
}
END_TEST

START_TEST(quirks)
{
	mqtt_filters_t f;
	mqtt_subscription_t s;
	ln_slice_t filter;
	mqtt_fault_t fault;

	ln_unit_ok(mqtt_subscribe_open(LN_STR("\0\1"), (mqtt_dialect_t){ 3, MQTT_QUIRK_NO_FILTERS }, &f, &fault));
	ck_assert(f.count == 0 && !mqtt_subscribe_next(&f, &s));
	ln_unit_ok(mqtt_unsubscribe_open(LN_STR("\0\1"), (mqtt_dialect_t){ 3, MQTT_QUIRK_NO_FILTERS }, &f, &fault));
	ck_assert(!mqtt_unsubscribe_next(&f, &filter));
	ln_unit_ok(mqtt_subscribe_open(LN_STR("\0\0\0\1a\1"), (mqtt_dialect_t){ 4, MQTT_QUIRK_PACKET_ID_0 }, &f,
	                               &fault));
	ln_unit_ok(mqtt_subscribe_open(LN_STR("\0\1\0\1a\xfd"), (mqtt_dialect_t){ 3, MQTT_QUIRK_UNUSED_BITS }, &f,
	                               &fault));
	ck_assert(mqtt_subscribe_next(&f, &s));
	ck_assert(s.qos == 1 && !s.no_local && !s.retain_as_published && s.retain_handling == 0);
}
END_TEST

LN_UNIT_MAIN("mqtt/filters", subscribe_old, subscribe_5, options, unsubscribe, faults_of_both, quirks)
