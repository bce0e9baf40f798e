/* Tests core/broker/subscribe.c: which filters are taken, limits, many of them; and the retained messages that follow a subscription, paced
 * by window and outlet. */
#include <stdio.h>
#include "broker.h"
#include "unit.h"

static client_t c;
static const ln_sub_options_t qos1 = { .qos = 1 };

static void begin(void)
{
	broker_begin(1);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 60 }));
}

static void end(void)
{
	client_fini(&c);
	broker_end();
}

static void begin_anew(client_open_t how)
{
	client_cut(&c, false);
	client_fini(&c);
	ln_unit_ok(client_open(&c, "dev", how));
}

static ln_result_t subscribe(const char *spec)
{
	return client_subscribe_with(&c, spec, qos1, LN_REPLAY_ALWAYS);
}

static ln_result_t unsubscribe(const char *spec)
{
	return ln_session_unsubscribe(c.session, ln_slice_of(spec));
}

static uint64_t filters(void)
{
	uint64_t n, subs;

	ln_router_count(&n, &subs);
	ck_assert_uint_eq(subs, broker_stat("subscriptions"));
	return n;
}

START_TEST(what_is_taken)
{
	static const char *const bad[] = { "", "a/#/b", "a+", "$share/g", "$share/g/", "$share//a", "$share/g/a#", "$share/+/a", "\xff" };
	static const char *const good[] = { "a", "+", "#", "$share/g/a", "$share/g/#", "$share/h/#", "$SYS/#", "/" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++) {
		ck_assert_msg(subscribe(bad[i]) == LN_MALFORMED, "%s", bad[i]);
		ck_assert_msg(unsubscribe(bad[i]) == LN_NOT_FOUND, "%s", bad[i]);
	}
	ck_assert_uint_eq(filters(), 0);
	for (size_t i = 0; i < LN_ARRAY_SIZE(good); i++) {
		ck_assert_int_eq(unsubscribe(good[i]), LN_NOT_FOUND);
		ln_unit_ok(subscribe(good[i]));
		ln_unit_ok(subscribe(good[i]));
	}
	ck_assert_uint_eq(broker_stat("subscriptions"), LN_ARRAY_SIZE(good));
	ck_assert_uint_eq(filters(), 5);
	for (size_t i = 0; i < LN_ARRAY_SIZE(good); i++) {
		ln_unit_ok(unsubscribe(good[i]));
		ck_assert_int_eq(unsubscribe(good[i]), LN_NOT_FOUND);
	}
	ck_assert_uint_eq(filters(), 0);
}
END_TEST

START_TEST(options_are_replaced)
{
	ln_unit_ok(subscribe("a"));
	broker_publish("a", "x", 2);
	ck_assert_uint_eq(outlet_expect(&c.out, "a", "x")->qos, 1);
	ln_unit_ok(client_subscribe_with(&c, "a", (ln_sub_options_t){ .qos = 2, .id = 9 }, LN_REPLAY_ALWAYS));
	broker_publish("a", "x", 2);
	ck_assert_uint_eq(c.out.sent[1].qos, 2);
	ck_assert_uint_eq(c.out.sent[1].ids[0], 9);
	ck_assert_uint_eq(c.out.count, 2);
	ck_assert_uint_eq(broker_stat("subscriptions"), 1);
}
END_TEST

START_TEST(number_is_limited)
{
	ln_session_limits_t limits = *ln_session_limits();

	limits.subscriptions_max = 2;
	ln_session_set_limits(&limits);
	ln_unit_ok(subscribe("a"));
	ln_unit_ok(subscribe("$share/g/a"));
	ck_assert_int_eq(subscribe("b"), LN_LIMIT);
	ln_unit_ok(subscribe("a"));
	ln_unit_ok(unsubscribe("a"));
	ln_unit_ok(subscribe("b"));
	ck_assert_uint_eq(broker_stat("subscriptions"), 2);
}
END_TEST

START_TEST(memory_refused)
{
	ln_mem_fail_after(1);
	ck_assert_int_eq(subscribe("a"), LN_LIMIT);
	ck_assert_uint_eq(filters(), 0);
	ln_unit_ok(subscribe("a"));
}
END_TEST

START_TEST(subscriptions_outlive_connections)
{
	ln_unit_ok(subscribe("a/+"));
	client_cut(&c, false);
	client_fini(&c);
	broker_pass(59999);
	ck_assert_uint_eq(filters(), 1);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 60 }));
	broker_publish("a/b", "x", 0);
	outlet_expect(&c.out, "a/b", "x");
	client_cut(&c, false);
	broker_pass(60001);
	ck_assert_uint_eq(filters(), 0);
	broker_as(0);
	ck_assert(!broker_publish("a/b", "x", 0));
}
END_TEST

/* A gateway's hundred thousand filters: neither coming nor going may cost the square. */
START_TEST(a_hundred_thousand)
{
	const unsigned n = 100000;
	clock_t began = clock();
	char filter[32];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < n; i++) {
			snprintf(filter, sizeof(filter), i % 2 ? "g/%u/+" : "g/%u/x", i);
			ln_unit_ok(ln_session_subscribe(c.session, ln_slice_of(filter), qos1, LN_REPLAY_NEVER));
		}
		ck_assert_uint_eq(broker_stat("subscriptions"), n);
	}
	ck_assert_uint_eq(filters(), n);
	broker_publish("g/70000/x", "x", 0);
	broker_publish("g/70001/x", "x", 0);
	broker_publish("g/70000/y", "x", 0);
	ck_assert_uint_eq(c.out.count, 2);
	for (unsigned i = 0; i < n; i += 2) {
		snprintf(filter, sizeof(filter), "g/%u/x", i);
		ln_unit_ok(unsubscribe(filter));
	}
	ck_assert_uint_eq(filters(), n / 2);
	ln_session_end(c.session);
	ck_assert_uint_eq(filters(), 0);
	ck_assert_msg(clock() - began < 10 * CLOCKS_PER_SEC, "%.1f s", (double)(clock() - began) / CLOCKS_PER_SEC);
}
END_TEST

/* --- retained messages --------------------------------------------------------------------------------------------------------------- */

static void retain_numbers(unsigned n, uint8_t qos)
{
	char topic[16], text[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(topic, sizeof(topic), "r/%04u", i);
		snprintf(text, sizeof(text), "%u", i);
		broker_retain(topic, text, qos);
	}
}

/* The next must be retained number I; returns it. */
static const sent_t *expect_number(unsigned i)
{
	char topic[16], text[16];
	const sent_t *s;

	snprintf(topic, sizeof(topic), "r/%04u", i);
	snprintf(text, sizeof(text), "%u", i);
	s = outlet_expect(&c.out, topic, text);
	ck_assert(s->retain);
	return s;
}

START_TEST(retained_follow)
{
	const sent_t *s;

	broker_retain("a/0", "zero", 0);
	broker_retain("a/2", "two", 2);
	broker_retain("b", "other", 1);
	ln_unit_ok(ln_session_subscribe(c.session, LN_STR("a/+"), (ln_sub_options_t){ .qos = 1, .id = 5 }, LN_REPLAY_ALWAYS));
	ck_assert(outlet_idle(&c.out));     /* the answer to SUBSCRIBE goes first */
	ln_session_pump(c.session);
	s = outlet_expect(&c.out, "a/0", "zero");
	ck_assert(s->retain && s->qos == 0 && s->tag == 0 && s->id_count == 1 && s->ids[0] == 5);
	s = outlet_expect(&c.out, "a/2", "two");
	ck_assert(s->retain && s->qos == 1 && s->tag == 1 && s->id_count == 1 && s->ids[0] == 5);
	ck_assert(outlet_idle(&c.out));
	broker_retain("a/2", "", 0);
	ck_assert(!outlet_expect(&c.out, "a/2", "")->retain);
	ln_unit_ok(subscribe("#"));
	outlet_expect(&c.out, "a/0", "zero");
	outlet_expect(&c.out, "b", "other");
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(retain_handling)
{
	broker_retain("a", "x", 1);
	for (int round = 0; round < 2; round++) {
		ln_unit_ok(client_subscribe_with(&c, "a", qos1, LN_REPLAY_NEVER));
		ck_assert(outlet_idle(&c.out));
		ln_unit_ok(unsubscribe("a"));
		ln_unit_ok(client_subscribe_with(&c, "a", qos1, LN_REPLAY_NEW));
		ck_assert(outlet_expect(&c.out, "a", "x")->retain);
		ln_unit_ok(client_subscribe_with(&c, "a", qos1, LN_REPLAY_NEW));
		ck_assert(outlet_idle(&c.out));
		ln_unit_ok(client_subscribe_with(&c, "a", qos1, LN_REPLAY_ALWAYS));
		ck_assert(outlet_expect(&c.out, "a", "x")->retain);
		ck_assert(outlet_idle(&c.out));
	}
	ln_unit_ok(client_subscribe_with(&c, "$share/g/a", qos1, LN_REPLAY_ALWAYS));
	ck_assert(outlet_idle(&c.out));
}
END_TEST

/* What the client itself retained is its own too [MQTT-3.8.3-3]. */
START_TEST(retained_and_no_local)
{
	uint64_t self = ln_session_number(c.session);

	broker_publish_as(&(pub_t){ .topic = "a/1", .payload = "own", .retain = true, .publisher = self });
	broker_publish_as(&(pub_t){ .topic = "a/2", .payload = "foreign", .retain = true, .publisher = self + 1 });
	broker_publish_as(&(pub_t){ .topic = "a/3", .payload = "nobody's", .retain = true });
	ln_unit_ok(client_subscribe_with(&c, "a/+", (ln_sub_options_t){ .qos = 1, .flags = LN_SUB_NO_LOCAL }, LN_REPLAY_ALWAYS));
	outlet_expect(&c.out, "a/2", "foreign");
	outlet_expect(&c.out, "a/3", "nobody's");
	ck_assert(outlet_idle(&c.out));
	ln_unit_ok(subscribe("a/+"));
	outlet_expect(&c.out, "a/1", "own");
}
END_TEST

/* Whatever room the outlet has, and whether or not it says beforehand that it is full: nothing is lost, nothing comes twice. */
START_TEST(retained_paced_by_the_outlet)
{
	retain_numbers(200, 1);
	for (uint8_t qos = 0; qos < 2; qos++) {
		for (int lies = 0; lies < 2; lies++) {
			unsigned at = 0;

			begin_anew((client_open_t){ .clean = true, .expiry = 60 });
			c.out.lies = lies;
			c.out.room = 0;
			client_subscribe(&c, "r/#", qos);
			for (unsigned round = 0; at < 200; round++) {
				unsigned room = round * 7 % 37;

				c.out.room = room;
				ln_session_pump(c.session);
				for (; room && at < 200; room--)
					ck_assert_uint_eq(expect_number(at++)->qos, qos);
				ck_assert(outlet_idle(&c.out));
			}
			c.out.room = OUTLET_UNLIMITED;
			ln_session_pump(c.session);
			ck_assert(outlet_idle(&c.out));
		}
	}
}
END_TEST

START_TEST(retained_paced_by_the_window)
{
	unsigned at = 0;

	retain_numbers(100, 2);
	begin_anew((client_open_t){ .clean = true, .expiry = 60, .window = 7 });
	client_subscribe(&c, "r/+", 1);
	while (at < 100) {
		uint16_t tags[7];
		unsigned n = 0;

		for (; n < 7 && at < 100; n++)
			tags[n] = expect_number(at++)->tag;
		ck_assert(outlet_idle(&c.out));
		while (n-- > 0)
			ln_unit_ok(ln_session_acked(c.session, tags[n]));
		ln_session_pump(c.session);
	}
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(ln_session_in_flight(c.session), 0);
}
END_TEST

/* New messages do not wait behind a long replay, and do not disturb it. */
START_TEST(retained_beside_new_ones)
{
	unsigned at = 0, fresh = 0;

	retain_numbers(100, 0);
	c.out.room = 0;
	client_subscribe(&c, "r/#", 1);
	client_subscribe(&c, "new", 1);
	while (at < 100) {
		const sent_t *s;

		broker_publish("new", "x", 1);
		c.out.room = 3;
		ln_session_pump(c.session);
		while ((s = outlet_next(&c.out)) != NULL) {
			if (strcmp(s->topic, "new") == 0) {
				fresh++;
			} else {
				c.out.read--;
				expect_number(at++);
			}
		}
	}
	ck_assert_uint_ge(fresh, 30);
}
END_TEST

START_TEST(unsubscribe_stops_retained)
{
	retain_numbers(50, 0);
	c.out.room = 10;
	client_subscribe(&c, "r/+", 0);
	client_subscribe(&c, "r/#", 0);
	client_subscribe(&c, "$share/g/r/#", 0);
	ln_unit_ok(unsubscribe("$share/g/r/#"));
	ln_unit_ok(unsubscribe("r/+"));
	for (unsigned i = 0; i < 10; i++)
		expect_number(i);
	c.out.room = OUTLET_UNLIMITED;
	ln_session_pump(c.session);
	for (unsigned i = 0; i < 50; i++)
		expect_number(i);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

/* Fifty thousand filters whose retained messages still wait, given again and taken back in another order: no search among them. */
START_TEST(many_replays_wait)
{
	const unsigned n = 50000;
	char filter[32];

	broker_retain("g/7/x", "seven", 0);
	c.out.room = 0;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < n; i++) {
			snprintf(filter, sizeof(filter), "g/%u/x", round == 1 ? n - 1 - i : i);
			ln_unit_ok(ln_session_subscribe(c.session, ln_slice_of(filter), qos1, round ? LN_REPLAY_NEW : LN_REPLAY_ALWAYS));
		}
	}
	ck_assert_uint_eq(broker_stat("subscriptions"), n);
	for (unsigned i = n - 1; i >= 8; i--) {
		snprintf(filter, sizeof(filter), "g/%u/x", i);
		ln_unit_ok(unsubscribe(filter));
	}
	c.out.room = OUTLET_UNLIMITED;
	ln_session_pump(c.session);
	outlet_expect(&c.out, "g/7/x", "seven");
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(retained_go_on_after_a_reconnect)
{
	unsigned at = 0;

	retain_numbers(50, 1);
	c.out.room = 20;
	client_subscribe(&c, "r/+", 1);
	for (; at < 20; at++)
		client_ack(&c, expect_number(at)->tag);
	begin_anew((client_open_t){ .expiry = 60 });
	while (at < 50)
		expect_number(at++);
	ck_assert(outlet_idle(&c.out));
	/* and end with the session */
	c.out.room = 5;
	ln_unit_ok(subscribe("r/#"));
	begin_anew((client_open_t){ .clean = true, .expiry = 60 });
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(retained_too_large_or_expired)
{
	broker_retain("r/0000", "0", 1);
	broker_retain("r/0000a", "far too large", 1);
	broker_publish_as(&(pub_t){ .topic = "r/0000b", .payload = "b", .qos = 1, .retain = true, .expires = broker_wall() + 10 });
	broker_retain("r/0001", "1", 1);
	broker_pass(10);
	broker_as(0);
	c.out.payload_max = 5;
	client_subscribe(&c, "r/#", 1);
	expect_number(0);
	expect_number(1);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(c.out.refused, 1);
}
END_TEST

/* More than one round of pumping: the rest follows in later turns without a call. */
START_TEST(ten_thousand_retained)
{
	retain_numbers(10000, 0);
	client_subscribe(&c, "r/#", 0);
	ck_assert_uint_lt(c.out.count, 10000);
	broker_settle();
	broker_settle();
	for (unsigned i = 0; i < 10000; i++)
		expect_number(i);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

LN_UNIT_MAIN_WITH("broker/subscribe", begin, end, what_is_taken, options_are_replaced, number_is_limited, memory_refused,
                  subscriptions_outlive_connections, a_hundred_thousand, retained_follow, retain_handling, retained_and_no_local,
                  retained_paced_by_the_outlet,
                  retained_paced_by_the_window, retained_beside_new_ones, unsubscribe_stops_retained,
                  many_replays_wait, retained_go_on_after_a_reconnect,
                  retained_too_large_or_expired, ten_thousand_retained)
