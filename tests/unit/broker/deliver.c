/* Tests core/broker/deliver.c: which QoS, flags and identifiers a message is sent with, window and queue, full outlets, acknowledgements, and
 * what is sent again after a reconnect. The random runs are in exchange.c. */
#include <stdio.h>
#include "broker.h"
#include "unit.h"

static client_t c;

static void begin(void)
{
	broker_begin(1);
}

static void end(void)
{
	client_fini(&c);
	broker_end();
}

static void open_with(client_open_t how)
{
	ln_unit_ok(client_open(&c, "dev", how));
}

/* Cut, and back with the same session. */
static void reconnect(uint32_t window)
{
	client_cut(&c, false);
	client_fini(&c);
	open_with((client_open_t){ .expiry = 60, .window = window });
	ck_assert(c.present);
}

static void publish_numbers(unsigned from, unsigned to, uint8_t qos)
{
	char text[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(text, sizeof(text), "%u", i);
		broker_publish("t", text, qos);
	}
}

/* The next is number N, with this tag and DUP. */
static void expect_number(unsigned n, uint16_t tag, bool dup)
{
	char text[16];
	const sent_t *s;

	snprintf(text, sizeof(text), "%u", n);
	s = outlet_expect(&c.out, "t", text);
	ck_assert_uint_eq(s->tag, tag);
	ck_assert_int_eq(s->dup, dup);
}

static void expect_release(uint16_t tag)
{
	const sent_t *s = outlet_next(&c.out);

	ck_assert(s && s->release);
	ck_assert_uint_eq(s->tag, tag);
}

START_TEST(lowest_of_both_qualities)
{
	char topic[8];

	open_with((client_open_t){ .expiry = 60 });
	for (uint8_t sub = 0; sub < 3; sub++) {
		snprintf(topic, sizeof(topic), "t%u", sub);
		client_subscribe(&c, topic, sub);
		for (uint8_t pub = 0; pub < 3; pub++) {
			const sent_t *s;

			ck_assert(broker_publish(topic, "x", pub));
			s = outlet_expect(&c.out, topic, "x");
			ck_assert_uint_eq(s->qos, pub < sub ? pub : sub);
			ck_assert_int_eq(s->tag > 0, s->qos > 0);
			ck_assert(!s->dup && !s->retain);
			ck_assert_uint_eq(s->id_count, 0);
		}
	}
	ck_assert(!broker_publish("nobody", "x", 2));
	ck_assert_uint_eq(broker_stat("messages_unmatched"), 1);
	ck_assert_uint_eq(broker_stat("messages_in"), 10);
	ck_assert_uint_eq(broker_stat("messages_out"), 9);
}
END_TEST

START_TEST(overlapping_subscriptions_send_once)
{
	const sent_t *s;

	open_with((client_open_t){ .expiry = 60 });
	ln_unit_ok(client_subscribe_with(&c, "a/+", (ln_sub_options_t){ .qos = 0, .id = 30 }, LN_REPLAY_NEVER));
	ln_unit_ok(client_subscribe_with(&c, "#", (ln_sub_options_t){ .qos = 2, .id = 10 }, LN_REPLAY_NEVER));
	ln_unit_ok(client_subscribe_with(&c, "a/b", (ln_sub_options_t){ .qos = 1, .id = 20 }, LN_REPLAY_NEVER));
	ln_unit_ok(client_subscribe_with(&c, "a/#", (ln_sub_options_t){ .qos = 1 }, LN_REPLAY_NEVER));
	ln_unit_ok(client_subscribe_with(&c, "+/b", (ln_sub_options_t){ .qos = 1, .id = 20 }, LN_REPLAY_NEVER));
	broker_publish("a/b", "x", 2);
	s = outlet_expect(&c.out, "a/b", "x");
	ck_assert_uint_eq(s->qos, 2);
	ck_assert_uint_eq(s->id_count, 4);
	ck_assert_mem_eq(s->ids, ((uint32_t[]){ 10, 20, 20, 30 }), 16);
	broker_publish("a/c", "x", 0);
	s = outlet_expect(&c.out, "a/c", "x");
	ck_assert_uint_eq(s->id_count, 2);
	ck_assert_mem_eq(s->ids, ((uint32_t[]){ 10, 30 }), 8);
	broker_publish("z", "x", 0);
	s = outlet_expect(&c.out, "z", "x");
	ck_assert_uint_eq(s->id_count, 1);
	ck_assert_uint_eq(s->ids[0], 10);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

/* All identifiers, however many subscriptions overlap [MQTT-3.3.4-4], at once and from the queue. */
START_TEST(forty_identifiers)
{
	char topic[] = "a/a/a/a/a/a", filter[32];

	open_with((client_open_t){ .expiry = 60 });
	for (unsigned i = 0; i < SENT_IDS; i++) {
		snprintf(filter, sizeof(filter), "%s", topic);
		for (unsigned level = 0; level < 6; level++)
			filter[level * 2] = i >> level & 1 ? '+' : 'a';
		ln_unit_ok(client_subscribe_with(&c, filter, (ln_sub_options_t){ .qos = 1, .id = i + 1 }, LN_REPLAY_NEVER));
	}
	c.out.room = 2;
	for (uint8_t qos = 0; qos < 3; qos++)
		broker_publish(topic, "x", qos);
	reconnect(0);
	for (uint32_t round = 0; round < 2; round++) {
		const sent_t *s = outlet_expect(&c.out, topic, "x");

		ck_assert_uint_eq(s->id_count, SENT_IDS);
		for (uint32_t i = 0; i < SENT_IDS; i++)
			ck_assert_uint_eq(s->ids[i], i + 1);
	}
	broker_publish(topic, "y", 0);
	ck_assert_uint_eq(outlet_expect(&c.out, topic, "y")->id_count, SENT_IDS);
}
END_TEST

/* The identifiers stay with a message that waits and with one that is sent again. */
START_TEST(identifiers_last)
{
	open_with((client_open_t){ .expiry = 60, .window = 1 });
	ln_unit_ok(client_subscribe_with(&c, "a", (ln_sub_options_t){ .qos = 1, .id = 7 }, LN_REPLAY_NEVER));
	ln_unit_ok(client_subscribe_with(&c, "b", (ln_sub_options_t){ .qos = 1, .id = 8 }, LN_REPLAY_NEVER));
	ln_unit_ok(client_subscribe_with(&c, "+", (ln_sub_options_t){ .qos = 1, .id = 9 }, LN_REPLAY_NEVER));
	broker_publish("a", "1", 1);
	broker_publish("b", "2", 1);
	broker_publish("c", "3", 1);
	reconnect(0);
	ck_assert_mem_eq(outlet_expect(&c.out, "a", "1")->ids, ((uint32_t[]){ 7, 9 }), 8);
	ck_assert_mem_eq(outlet_expect(&c.out, "b", "2")->ids, ((uint32_t[]){ 8, 9 }), 8);
	ck_assert_uint_eq(outlet_expect(&c.out, "c", "3")->ids[0], 9);
}
END_TEST

START_TEST(no_local)
{
	uint64_t self;

	open_with((client_open_t){ .expiry = 60 });
	self = ln_session_number(c.session);
	ln_unit_ok(client_subscribe_with(&c, "a/+", (ln_sub_options_t){ .qos = 2, .flags = LN_SUB_NO_LOCAL, .id = 1 }, LN_REPLAY_NEVER));
	broker_publish_as(&(pub_t){ .topic = "a/b", .payload = "own", .qos = 1, .publisher = self });
	ck_assert(outlet_idle(&c.out));
	broker_publish_as(&(pub_t){ .topic = "a/b", .payload = "foreign", .qos = 2, .publisher = self + 1 });
	ck_assert_uint_eq(outlet_expect(&c.out, "a/b", "foreign")->qos, 2);
	/* another subscription of the same session that does want it, with its own quality and identifier only */
	ln_unit_ok(client_subscribe_with(&c, "a/b", (ln_sub_options_t){ .qos = 1, .id = 2 }, LN_REPLAY_NEVER));
	broker_publish_as(&(pub_t){ .topic = "a/b", .payload = "own", .qos = 2, .publisher = self });
	ck_assert_uint_eq(c.out.sent[1].qos, 1);
	ck_assert_uint_eq(outlet_expect(&c.out, "a/b", "own")->id_count, 1);
	ck_assert_uint_eq(c.out.sent[1].ids[0], 2);
	ln_unit_ok(client_subscribe_with(&c, "a/b", (ln_sub_options_t){ .qos = 1, .flags = LN_SUB_NO_LOCAL }, LN_REPLAY_NEVER));
	broker_publish_as(&(pub_t){ .topic = "a/b", .payload = "own", .qos = 2, .publisher = self });
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(retain_flag_as_published)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "plain", 1);
	ln_unit_ok(client_subscribe_with(&c, "kept", (ln_sub_options_t){ .qos = 1, .flags = LN_SUB_KEEP_RETAIN }, LN_REPLAY_NEVER));
	for (uint8_t qos = 0; qos < 3; qos++) {
		broker_retain("plain", "x", qos);
		ck_assert(!outlet_expect(&c.out, "plain", "x")->retain);
		broker_retain("kept", "x", qos);
		ck_assert(outlet_expect(&c.out, "kept", "x")->retain);
		broker_publish("kept", "x", qos);
		ck_assert(!outlet_expect(&c.out, "kept", "x")->retain);
	}
	broker_retain("kept", "", 1);
	ck_assert(outlet_expect(&c.out, "kept", "")->retain);
}
END_TEST

START_TEST(window_limits_what_is_on_its_way)
{
	open_with((client_open_t){ .expiry = 60, .window = 3 });
	client_subscribe(&c, "t", 1);
	publish_numbers(0, 10, 1);
	for (unsigned i = 0; i < 3; i++)
		expect_number(i, (uint16_t)(i + 1), false);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(ln_session_in_flight(c.session), 3);
	ck_assert_uint_eq(broker_stat("queued"), 7);
	publish_numbers(100, 101, 0);       /* QoS 0 has no window */
	expect_number(100, 0, false);
	client_ack(&c, 2);
	expect_number(3, 4, false);
	ck_assert(outlet_idle(&c.out));
	client_ack(&c, 1);
	client_ack(&c, 3);
	expect_number(4, 5, false);
	expect_number(5, 6, false);
	for (uint16_t tag = 4; tag <= 10; tag++)
		client_ack(&c, tag);
	for (unsigned i = 6; i < 10; i++)
		expect_number(i, (uint16_t)(i + 1), false);
	ck_assert_uint_eq(ln_session_in_flight(c.session), 0);
	ck_assert_uint_eq(broker_stat("queued"), 0);
}
END_TEST

START_TEST(own_window_is_a_limit_too)
{
	ln_session_limits_t limits = *ln_session_limits();

	limits.window_max = 2;
	open_with((client_open_t){ .expiry = 60, .window = 10, .limits = &limits });
	client_subscribe(&c, "t", 2);
	publish_numbers(0, 5, 2);
	ck_assert_uint_eq(c.out.count, 2);
	ln_session_end(c.session);
}
END_TEST

START_TEST(acknowledgements_of_the_wrong_kind)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 2);
	publish_numbers(0, 1, 1);
	publish_numbers(1, 2, 2);
	ck_assert_int_eq(ln_session_acked(c.session, 0), LN_NOT_FOUND);
	ck_assert_int_eq(ln_session_acked(c.session, 3), LN_NOT_FOUND);
	ck_assert_int_eq(ln_session_acked(c.session, 2), LN_PROTOCOL);
	ck_assert_int_eq(ln_session_received(c.session, 1, true), LN_PROTOCOL);
	ck_assert_int_eq(ln_session_received(c.session, 9, true), LN_NOT_FOUND);
	ck_assert_int_eq(ln_session_completed(c.session, 2), LN_PROTOCOL);
	ck_assert_int_eq(ln_session_completed(c.session, 1), LN_PROTOCOL);
	ck_assert_int_eq(ln_session_completed(c.session, 9), LN_NOT_FOUND);
	ln_unit_ok(ln_session_acked(c.session, 1));
	ck_assert_int_eq(ln_session_acked(c.session, 1), LN_NOT_FOUND);
	ln_unit_ok(ln_session_received(c.session, 2, true));
	ln_unit_ok(ln_session_received(c.session, 2, true));
	ln_unit_ok(ln_session_completed(c.session, 2));
	ck_assert_int_eq(ln_session_completed(c.session, 2), LN_NOT_FOUND);
	ck_assert_uint_eq(ln_session_in_flight(c.session), 0);
}
END_TEST

/* PUBREC does not open the window, PUBCOMP does; a refusing PUBREC does at once. */
START_TEST(exactly_once_window)
{
	open_with((client_open_t){ .expiry = 60, .window = 1 });
	client_subscribe(&c, "t", 2);
	publish_numbers(0, 3, 2);
	expect_number(0, 1, false);
	ln_unit_ok(ln_session_received(c.session, 1, true));
	ln_session_pump(c.session);
	ck_assert(outlet_idle(&c.out));
	ln_unit_ok(ln_session_completed(c.session, 1));
	ln_session_pump(c.session);
	expect_number(1, 2, false);
	ln_unit_ok(ln_session_received(c.session, 2, false));
	ln_session_pump(c.session);
	expect_number(2, 3, false);
	ck_assert_int_eq(ln_session_completed(c.session, 2), LN_NOT_FOUND);
}
END_TEST

START_TEST(full_outlet)
{
	for (int lies = 0; lies < 2; lies++) {
		open_with((client_open_t){ .clean = true, .expiry = 60 });
		client_subscribe(&c, "t", 2);
		c.out.lies = lies;
		c.out.room = 2;
		publish_numbers(0, 5, 1);
		publish_numbers(50, 52, 0);
		ck_assert_uint_eq(broker_stat("dropped_qos0"), 2u + 2u * (unsigned)lies);
		expect_number(0, 1, false);
		expect_number(1, 2, false);
		ck_assert(outlet_idle(&c.out));
		c.out.room = 1;
		ln_session_pump(c.session);
		expect_number(2, 3, false);
		ck_assert(outlet_idle(&c.out));
		c.out.room = OUTLET_UNLIMITED;
		publish_numbers(5, 6, 1);           /* must not pass those that wait */
		ck_assert(outlet_idle(&c.out));
		ln_session_pump(c.session);
		for (unsigned i = 3; i < 6; i++)
			expect_number(i, (uint16_t)(i + 1), false);
		client_cut(&c, false);
		client_fini(&c);
	}
}
END_TEST

START_TEST(too_large_for_the_peer)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	c.out.payload_max = 5;
	for (uint8_t qos = 0; qos < 2; qos++) {
		broker_publish("t", "far too large", qos);
		ck_assert(outlet_idle(&c.out));
	}
	publish_numbers(0, 1, 1);
	expect_number(0, 1, false);
	ck_assert_uint_eq(ln_session_in_flight(c.session), 1);
	ck_assert_uint_eq(broker_stat("dropped_large"), 2);
	c.out.room = 0;
	broker_publish("t", "too large and waiting", 1);
	publish_numbers(1, 2, 1);
	c.out.room = OUTLET_UNLIMITED;
	ln_session_pump(c.session);
	expect_number(1, 2, false);
	ck_assert_uint_eq(broker_stat("dropped_large"), 2 + 1);
}
END_TEST

START_TEST(not_before_the_greeting)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	client_cut(&c, false);
	client_fini(&c);
	open_with((client_open_t){ .expiry = 60, .hold = true });
	publish_numbers(0, 2, 1);
	publish_numbers(50, 51, 0);
	ln_session_pump(c.session);
	ck_assert(outlet_idle(&c.out));
	ln_session_start(c.session);
	expect_number(0, 1, false);
	expect_number(1, 2, false);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(waiting_for_the_client)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	client_cut(&c, false);
	client_fini(&c);
	publish_numbers(0, 1, 2);
	publish_numbers(50, 51, 0);
	publish_numbers(1, 5000, 1);
	ck_assert_uint_eq(broker_stat("queued"), 1000);
	ck_assert_uint_eq(broker_stat("dropped_full"), 4000);
	open_with((client_open_t){ .expiry = 60 });
	for (unsigned i = 0; i < 1000; i++)
		expect_number(i, (uint16_t)(i + 1), false);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(queue_policies)
{
	ln_session_limits_t limits = *ln_session_limits();

	limits.queue = (ln_queue_limits_t){ .count = 3, .full = LN_FULL_DROP_OLDEST };
	open_with((client_open_t){ .expiry = 60, .limits = &limits });
	client_subscribe(&c, "t", 1);
	client_cut(&c, false);
	client_fini(&c);
	publish_numbers(0, 10, 1);
	ck_assert_uint_eq(broker_stat("dropped_full"), 7);
	ck_assert_uint_eq(broker_stat("queued"), 3);
	open_with((client_open_t){ .expiry = 60, .limits = &limits });
	for (unsigned i = 7; i < 10; i++)
		expect_number(i, (uint16_t)(i - 6), false);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(broker_stat("queued"), 0);
	ln_session_end(c.session);
}
END_TEST

START_TEST(expired_while_waiting)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	client_cut(&c, false);
	client_fini(&c);
	for (unsigned i = 0; i < 4; i++) {
		char text[2] = { (char)('0' + i), 0 };

		broker_publish_as(&(pub_t){ .topic = "t", .payload = text, .qos = 1, .expires = i % 2 ? 0 : broker_wall() + 1000 });
	}
	broker_pass(1000);
	broker_as(0);
	open_with((client_open_t){ .expiry = 60 });
	expect_number(1, 1, false);
	expect_number(3, 2, false);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(broker_stat("expired"), 2);
	ck_assert_uint_eq(broker_stat("queued"), 0);
}
END_TEST

/* A backlog larger than one round of pumping goes on by itself in the next turns. */
START_TEST(rounds_are_bounded)
{
	ln_session_limits_t limits = *ln_session_limits();

	limits.queue.count = 20000;
	open_with((client_open_t){ .expiry = 60, .limits = &limits });
	client_subscribe(&c, "t", 1);
	client_cut(&c, false);
	client_fini(&c);
	publish_numbers(0, 20000, 1);
	open_with((client_open_t){ .expiry = 60, .limits = &limits });
	ck_assert_uint_lt(c.out.count, 5000);
	broker_as(0);
	for (unsigned turn = 0; turn < 20; turn++)
		ln_worker_turn(ln_worker_self(), false);
	for (unsigned i = 0; i < 20000; i++)
		expect_number(i, (uint16_t)(i + 1), false);
	ln_session_end(c.session);
}
END_TEST

/* --- after a reconnect --------------------------------------------------------------------------------------------------------------- */

START_TEST(sent_again_in_order)
{
	open_with((client_open_t){ .expiry = 60, .window = 5 });
	client_subscribe(&c, "t", 1);
	publish_numbers(0, 7, 1);
	client_ack(&c, 2);
	client_ack(&c, 4);          /* on its way: 0 2 4 5 6, tags 1 3 5 6 7 */
	reconnect(0);
	publish_numbers(7, 8, 1);
	expect_number(0, 1, true);
	expect_number(2, 3, true);
	expect_number(4, 5, true);
	expect_number(5, 6, true);
	expect_number(6, 7, true);
	expect_number(7, 8, false);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

START_TEST(second_half_of_exactly_once_again)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 2);
	publish_numbers(0, 5, 2);
	ln_unit_ok(ln_session_received(c.session, 2, true));
	ln_unit_ok(ln_session_received(c.session, 4, true));
	ln_unit_ok(ln_session_completed(c.session, 4));
	for (int i = 0; i < 2; i++) {
		reconnect(0);
		expect_number(0, 1, true);
		expect_release(2);
		expect_number(2, 3, true);
		expect_number(4, 5, true);
		ck_assert(outlet_idle(&c.out));
	}
	ln_unit_ok(ln_session_completed(c.session, 2));
	ln_unit_ok(ln_session_received(c.session, 1, true));
	reconnect(0);
	expect_release(1);
	expect_number(2, 3, true);
	expect_number(4, 5, true);
	ck_assert(outlet_idle(&c.out));
}
END_TEST

/* More was on its way than the peer now takes at once. */
START_TEST(smaller_window_after_reconnect)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	publish_numbers(0, 6, 1);
	reconnect(2);
	publish_numbers(6, 8, 1);
	expect_number(0, 1, true);
	expect_number(1, 2, true);
	ck_assert(outlet_idle(&c.out));
	client_ack(&c, 2);
	expect_number(2, 3, true);
	ck_assert(outlet_idle(&c.out));
	ln_unit_ok(ln_session_acked(c.session, 5));     /* an answer to what the last connection sent */
	client_ack(&c, 1);
	expect_number(3, 4, true);
	client_ack(&c, 3);
	expect_number(5, 6, true);
	client_ack(&c, 4);
	expect_number(6, 7, false);
	client_ack(&c, 6);
	expect_number(7, 8, false);
	client_ack(&c, 8);
	client_ack(&c, 7);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(ln_session_in_flight(c.session), 0);
}
END_TEST

START_TEST(outlet_full_while_sending_again)
{
	for (int lies = 0; lies < 2; lies++) {
		open_with((client_open_t){ .clean = true, .expiry = 60 });
		client_subscribe(&c, "t", 2);
		publish_numbers(0, 4, 2);
		client_cut(&c, false);
		client_fini(&c);
		publish_numbers(4, 6, 2);
		open_with((client_open_t){ .expiry = 60, .hold = true });
		c.out.lies = lies;
		c.out.room = 0;
		ln_session_start(c.session);
		for (unsigned i = 0; i < 6; i++) {
			ck_assert(outlet_idle(&c.out));
			c.out.room = 1;
			ln_session_pump(c.session);
			expect_number(i, (uint16_t)(i + 1), i < 4);
		}
		client_cut(&c, false);
		client_fini(&c);
	}
}
END_TEST

/* The new connection takes less than what was sent over the old one. */
START_TEST(too_large_to_send_again)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	publish_numbers(0, 1, 1);
	broker_publish("t", "far too large", 1);
	publish_numbers(2, 3, 1);
	client_cut(&c, false);
	client_fini(&c);
	open_with((client_open_t){ .expiry = 60, .hold = true });
	c.out.payload_max = 5;
	ln_session_start(c.session);
	expect_number(0, 1, true);
	expect_number(2, 3, true);
	ck_assert(outlet_idle(&c.out));
	client_ack(&c, 1);
	client_ack(&c, 3);
	ck_assert_uint_eq(ln_session_in_flight(c.session), 0);
	publish_numbers(3, 4, 1);
	expect_number(3, 4, false);
}
END_TEST

START_TEST(memory_refused)
{
	open_with((client_open_t){ .expiry = 60 });
	client_subscribe(&c, "t", 1);
	ln_mem_fail_after(1);
	broker_publish("t", "x", 1);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(broker_stat("dropped_full"), 1);
	publish_numbers(0, 1, 1);
	expect_number(0, 1, false);
}
END_TEST

LN_UNIT_MAIN_WITH("broker/deliver", begin, end, lowest_of_both_qualities, overlapping_subscriptions_send_once, forty_identifiers, identifiers_last, no_local,
                  retain_flag_as_published, window_limits_what_is_on_its_way, own_window_is_a_limit_too,
                  acknowledgements_of_the_wrong_kind, exactly_once_window, full_outlet, too_large_for_the_peer, not_before_the_greeting,
                  waiting_for_the_client, queue_policies, expired_while_waiting, rounds_are_bounded, sent_again_in_order,
                  second_half_of_exactly_once_again, smaller_window_after_reconnect, outlet_full_while_sending_again,
                  too_large_to_send_again, memory_refused)
