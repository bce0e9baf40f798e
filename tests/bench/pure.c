/* pure.c - the parts of linnet-bench that need no broker: histogram, stream checks, patterns, packets.
 *
 * The stream checks are the ones that matter: a generator that does not notice a lost message proves nothing about any
 * broker.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "load/hist.h"
#include "load/plan.h"
#include "load/track.h"
#include "load/wire.h"

START_TEST(buckets_are_narrow)
{
	static bench_hist_t hist;

	for (uint64_t v = 1; v < UINT64_C(1) << 40; v = v * 5 / 4 + 1) {
		hist = (bench_hist_t){ 0 };
		bench_hist_add(&hist, v);
		bench_hist_add(&hist, v * 16);
		ck_assert_uint_ge(bench_hist_quantile(&hist, 0.5), v);
		ck_assert_uint_le(bench_hist_quantile(&hist, 0.5), v + v / 32);
	}
	ck_assert_uint_lt(bench_hist_bucket(UINT64_MAX), BENCH_HIST_BUCKETS);
}
END_TEST

START_TEST(quantiles_split_the_values)
{
	static bench_hist_t hist;

	ck_assert_uint_eq(bench_hist_quantile(&hist, 0.99), 0);
	for (uint64_t v = 1; v <= 1000; v++)
		bench_hist_add(&hist, v * 1000);
	ck_assert_double_eq_tol((double)bench_hist_quantile(&hist, 0.5), 500e3, 16e3);
	ck_assert_double_eq_tol((double)bench_hist_quantile(&hist, 0.9), 900e3, 29e3);
	ck_assert_uint_eq(bench_hist_quantile(&hist, 1), 1000000);
	ck_assert_uint_eq(hist.max, 1000000);
}
END_TEST

/* Notes the numbers of LIST, 0-ended, as from publisher 1 to subscriber 2. */
static bench_track_t noted(const uint32_t *list)
{
	bench_track_t track;

	bench_track_init(&track, 3, 4);
	for (; *list; list++)
		bench_track_note(&track, 2, 1, *list);
	bench_track_fini(&track);
	return track;
}

START_TEST(order_is_no_fault)
{
	bench_track_t t = noted((const uint32_t[]){ 1, 2, 3, 4, 0 });

	ck_assert_uint_eq(t.unique, 4);
	ck_assert_uint_eq(t.duplicates + t.reordered, 0);
}
END_TEST

START_TEST(a_gap_shows_in_the_count)
{
	bench_track_t t = noted((const uint32_t[]){ 2, 3, 70, 200, 0 });

	ck_assert_uint_eq(t.unique, 4);
	ck_assert_uint_eq(t.duplicates + t.reordered, 0);
}
END_TEST

START_TEST(repeats_are_found)
{
	bench_track_t t = noted((const uint32_t[]){ 1, 1, 2, 3, 2, 0 });

	ck_assert_uint_eq(t.unique, 3);
	ck_assert_uint_eq(t.duplicates, 2);
	ck_assert_uint_eq(t.reordered, 0);
}
END_TEST

START_TEST(late_ones_are_found)
{
	bench_track_t t = noted((const uint32_t[]){ 2, 1, 64, 3, 3, 0 });

	ck_assert_uint_eq(t.unique, 4);
	ck_assert_uint_eq(t.reordered, 2);
	ck_assert_uint_eq(t.duplicates, 1);
}
END_TEST

START_TEST(older_than_the_window_never_hides_a_loss)
{
	bench_track_t t = noted((const uint32_t[]){ 1, 100, 30, 0 });

	ck_assert_uint_eq(t.unique, 2);
	ck_assert_uint_eq(t.duplicates, 1);
}
END_TEST

START_TEST(streams_are_apart)
{
	bench_track_t t;

	bench_track_init(&t, 2, 2);
	for (uint32_t s = 0; s < 2; s++)
		for (uint32_t p = 0; p < 2; p++)
			bench_track_note(&t, s, p, 7);
	ck_assert_uint_eq(t.unique, 4);
	ck_assert_uint_eq(t.duplicates + t.reordered, 0);
	bench_track_fini(&t);
}
END_TEST

/* How many filters of all subscribers are exactly TOPIC, or TOPIC with its last level as a plus. */
static unsigned matches(const bench_options_t *o, const char *topic)
{
	char filter[BENCH_NAME_SIZE], wild[BENCH_NAME_SIZE];
	unsigned n = 0;

	snprintf(wild, sizeof(wild), "%s", topic);
	strcpy(strrchr(wild, '/'), "/+");
	for (uint32_t s = 0; s < o->subscribers; s++)
		for (uint64_t i = 0; i < bench_plan_filters(o, s); i++) {
			bench_plan_filter(o, s, i, filter);
			n += strcmp(filter, topic) == 0 || strcmp(filter, wild) == 0;
		}
	return n;
}

static void check_pattern(uint64_t pattern, uint64_t publishers, uint64_t subscribers, uint64_t topics, bool wildcard)
{
	bench_options_t o = { .topic_prefix = "b",
			      .pattern = pattern,
			      .publishers = publishers,
			      .subscribers = subscribers,
			      .topics = topics,
			      .wildcard = wildcard,
			      .filters = 17 };
	char topic[BENCH_NAME_SIZE];
	size_t len = 0;

	for (uint64_t t = 0; t < topics; t++) {
		size_t digits = bench_plan_topic(&o, t, topic);

		ck_assert_uint_eq(strspn(topic + digits, "0123456789"), BENCH_DIGITS);
		ck_assert(len == 0 || len == strlen(topic));
		len = strlen(topic);
		ck_assert_uint_eq(matches(&o, topic), bench_plan_copies(&o));
	}
}

START_TEST(every_copy_has_a_filter)
{
	for (int wildcard = 0; wildcard < 2; wildcard++) {
		check_pattern(BENCH_PAIRS, 5, 5, 5, wildcard);
		check_pattern(BENCH_FAN_OUT, 1, 6, 1, wildcard);
		check_pattern(BENCH_FAN_IN, 9, 2, 9, wildcard);
		check_pattern(BENCH_RANDOM, 2, 3, 100, wildcard);
	}
}
END_TEST

START_TEST(extra_filters_are_dealt_to_all)
{
	bench_options_t o = { .topic_prefix = "b",
			      .pattern = BENCH_FAN_OUT,
			      .publishers = 1,
			      .subscribers = 3,
			      .topics = 1,
			      .filters = 8 };

	ck_assert_uint_eq(bench_plan_filters(&o, 0) + bench_plan_filters(&o, 1) + bench_plan_filters(&o, 2), 3 + 8);
}
END_TEST

START_TEST(publish_is_read_back)
{
	static const char payload[] = "0123456789abcdef0123456789abcdef";

	for (unsigned version = 3; version <= 5; version++)
		for (unsigned qos = 0; qos <= 2; qos++) {
			bench_buf_t out = { 0 };
			bench_publish_map_t map;
			bench_packet_t packet;
			bench_publish_t publish;

			bench_wire_publish(&out, version, qos, false, "a/b", payload, sizeof(payload), &map);
			ck_assert_int_eq(bench_packet_read(out.data, out.len, &packet), (int64_t)out.len);
			ck_assert_uint_eq(map.size, out.len);
			ck_assert_uint_eq(packet.type, BENCH_PUBLISH);
			ck_assert(bench_publish_read(&packet, version, &publish));
			ck_assert_uint_eq(publish.id, qos > 0);
			ck_assert_uint_eq(publish.payload_len, sizeof(payload));
			ck_assert_ptr_eq(publish.payload, out.data + map.payload);
			ck_assert_mem_eq(out.data + map.topic, "a/b", 3);
			bench_buf_fini(&out);
		}
}
END_TEST

/* Every truncation needs more bytes, or is refused once the header says that all is there. */
START_TEST(truncations_are_no_packets)
{
	bench_buf_t out = { 0 };
	bench_publish_map_t map;
	bench_packet_t packet;
	bench_publish_t publish;

	bench_wire_publish(&out, 5, 1, false, "topic", "payload", 7, &map);
	for (size_t n = 0; n < out.len; n++)
		ck_assert_int_eq(bench_packet_read(out.data, n, &packet), 0);
	ck_assert_int_gt(bench_packet_read(out.data, out.len, &packet), 0);
	for (uint32_t n = 0; n < map.payload - 2; n++) {
		packet.len = n;
		ck_assert(!bench_publish_read(&packet, 5, &publish));
	}
	ck_assert_int_eq(bench_packet_read((const uint8_t *)"\x30\xff\xff\xff\xff\x01", 6, &packet), -1);
	bench_buf_fini(&out);
}
END_TEST

START_TEST(receive_maximum_is_found_among_properties)
{
	static const uint8_t with[] = { 0x20, 12, 0, 0, 9, 0x12, 0, 1, 'x', 0x24, 1, 0x21, 0, 10 };
	static const uint8_t without[] = { 0x20, 3, 0, 0, 0 }, cut[] = { 0x20, 5, 0, 0, 2, 0x21, 0 };
	bench_packet_t packet;

	ck_assert_int_eq(bench_packet_read(with, sizeof(with), &packet), sizeof(with));
	ck_assert_uint_eq(bench_connack_window(&packet, 5), 10);
	ck_assert_uint_eq(bench_connack_window(&packet, 4), 65535);
	bench_packet_read(without, sizeof(without), &packet);
	ck_assert_uint_eq(bench_connack_window(&packet, 5), 65535);
	bench_packet_read(cut, sizeof(cut), &packet);
	ck_assert_uint_eq(bench_connack_window(&packet, 5), 65535);
}
END_TEST

LN_UNIT_MAIN("bench", buckets_are_narrow, quantiles_split_the_values, order_is_no_fault, a_gap_shows_in_the_count,
             repeats_are_found, late_ones_are_found, older_than_the_window_never_hides_a_loss, streams_are_apart,
             every_copy_has_a_filter, extra_filters_are_dealt_to_all, publish_is_read_back, truncations_are_no_packets,
             receive_maximum_is_found_among_properties)
