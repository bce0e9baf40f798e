/* Tests core/broker/publish.c: parcels between workers and their order, congestion, shared groups, publishing from inside a delivery, and
 * that what is on its way when things go is neither lost without need nor leaked. */
#include <stdio.h>
#include "broker_sink.h"
#include "unit.h"

static sink_t sinks[6];

static void begin(void)
{
	broker_begin(3);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(sinks); i++)
		sink_init(&sinks[i], i % 3);
}

static void end(void)
{
	broker_end();
}

static void publish_number(const char *topic, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	broker_publish(topic, text, 1);
}

static void turn(unsigned index)
{
	ln_worker_turn(ln_worker_at(index), false);
}

/* --- parcels -------------------------------------------------------------------------------------------------------------------------- */

START_TEST(own_at_once_others_by_parcel)
{
	ln_sub_t *subs[3];

	for (unsigned i = 0; i < 3; i++)
		subs[i] = sink_subscribe(&sinks[i], "a", NULL, 0);
	broker_as(0);
	for (unsigned n = 0; n < 100; n++)
		publish_number("a", n);
	ck_assert_uint_eq(sinks[0].got, 100);
	ck_assert_uint_eq(sinks[1].got + sinks[2].got, 0);
	turn(0);
	ck_assert_uint_eq(sinks[1].got + sinks[2].got, 0);
	ck_assert_uint_eq(broker_stat("parcels"), 2);       /* a turn's messages go together */
	turn(1);
	ck_assert_uint_eq(sinks[1].got, 100);
	turn(2);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(sinks[i].in_order && sink_got(&sinks[i], 100));
		sink_unsubscribe(&sinks[i], subs[i]);
	}
}
END_TEST

/* Turns of the workers in any order: what one worker publishes arrives everywhere in its order, every message once. */
START_TEST(order_of_one_publisher)
{
	ln_sub_t *subs[6], *more[6];
	uint32_t seed = 3;
	unsigned published = 0;

	for (unsigned i = 0; i < 6; i++) {
		subs[i] = sink_subscribe(&sinks[i], i < 3 ? "t/+" : "t/#", NULL, 0);
		more[i] = sink_subscribe(&sinks[i], "t/1", NULL, 0);
	}
	for (unsigned step = 0; step < 5000; step++) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 31) {
			broker_as(1);
			publish_number(seed >> 30 & 1 ? "t/1" : "t/2", published++);
		} else {
			turn((seed >> 8) % 3);
		}
	}
	broker_settle();
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_uint_eq(sinks[i].got, published);
		ck_assert(sinks[i].in_order);
		sink_unsubscribe(&sinks[i], subs[i]);
		sink_unsubscribe(&sinks[i], more[i]);
	}
}
END_TEST

START_TEST(large_turns_make_several_parcels)
{
	ln_sub_t *sub = sink_subscribe(&sinks[1], "a", NULL, 0);

	broker_as(0);
	for (unsigned n = 0; n < 5000; n++)
		publish_number("a", n);
	broker_settle();
	ck_assert(sinks[1].in_order && sink_got(&sinks[1], 5000));
	ck_assert_uint_ge(broker_stat("parcels"), 5000 / 510);
	sink_unsubscribe(&sinks[1], sub);
}
END_TEST

/* Whoever has gone when the parcel arrives gets nothing, whoever has come meanwhile does: the receiver looks for itself. */
START_TEST(changes_while_a_parcel_travels)
{
	ln_sub_t *one = sink_subscribe(&sinks[1], "a", NULL, 0), *four;

	broker_as(0);
	publish_number("a", 1);
	turn(0);
	four = sink_subscribe(&sinks[4], "a", NULL, 0);
	sink_unsubscribe(&sinks[1], one);
	broker_settle();
	ck_assert(sink_got(&sinks[1], 0) && sink_got(&sinks[4], 1));
	broker_as(0);
	publish_number("a", 2);
	sink_unsubscribe(&sinks[4], four);
	broker_settle();
	ck_assert(sink_got(&sinks[4], 0));
}
END_TEST

START_TEST(sealed_messages_pass_too)
{
	ln_msg_t *m = broker_message("a", "7", 1);
	ln_sub_t *own = sink_subscribe(&sinks[0], "a", NULL, 0), *other = sink_subscribe(&sinks[1], "a", NULL, 0);

	broker_as(0);
	ln_router_publish(ln_worker_self(), m);
	ln_msg_unref(m);
	broker_settle();
	ck_assert(sink_got(&sinks[0], 1) && sink_got(&sinks[1], 1));
	sink_unsubscribe(&sinks[0], own);
	sink_unsubscribe(&sinks[1], other);
}
END_TEST

START_TEST(memory_refused)
{
	ln_sub_t *own = sink_subscribe(&sinks[0], "a", NULL, 0), *other = sink_subscribe(&sinks[1], "a", NULL, 0);
	ln_sub_t *shared = sink_subscribe(&sinks[2], "b", "g", 0);

	broker_as(0);
	ln_mem_fail_after(1);
	publish_number("a", 1);         /* the own one gets it without a copy */
	ln_mem_fail_after(1);
	publish_number("b", 1);
	broker_settle();
	ck_assert(sink_got(&sinks[0], 1) && sink_got(&sinks[1], 0) && sink_got(&sinks[2], 0));
	sink_unsubscribe(&sinks[0], own);
	sink_unsubscribe(&sinks[1], other);
	sink_unsubscribe(&sinks[2], shared);
}
END_TEST

/* The broker stops with parcels not sent, sent, and on their way back. */
START_TEST(stop_with_parcels_everywhere)
{
	ln_sub_t *one = sink_subscribe(&sinks[1], "a", NULL, 0), *shared = sink_subscribe(&sinks[2], "a", "g", 0);

	broker_as(0);
	publish_number("a", 1);
	turn(0);
	turn(1);
	publish_number("a", 2);
	turn(0);
	publish_number("a", 3);
	ln_worker_current = ln_worker_at(LN_MAIN_INDEX);
	ln_workers_stop();
	ck_assert(sink_got(&sinks[1], 3) && sink_got(&sinks[2], 3));
	sink_unsubscribe(&sinks[1], one);
	sink_unsubscribe(&sinks[2], shared);
}
END_TEST

/* --- congestion ------------------------------------------------------------------------------------------------------------------------ */

static unsigned called;

static void on_eased(ln_waiter_t *waiter)
{
	ck_assert(!ln_node_linked(&waiter->node));
	called++;
}

START_TEST(congestion_and_its_end)
{
	ln_waiter_t waiters[3] = { { .fn = on_eased }, { .fn = on_eased }, { .fn = on_eased } };
	ln_sub_t *sub = sink_subscribe(&sinks[1], "a", NULL, 0);
	unsigned n = 0;

	broker_as(0);
	ck_assert(!ln_router_congested(ln_worker_at(0)));
	while (!ln_router_congested(ln_worker_at(0)))
		publish_number("a", n++);
	ck_assert_uint_lt(n, 40000);
	ck_assert(!ln_router_congested(ln_worker_at(1)));
	for (int i = 0; i < 3; i++)
		ln_router_wait(ln_worker_at(0), &waiters[i]);
	ln_list_remove(&waiters[1].node);
	turn(0);
	ck_assert_uint_eq(called, 0);
	for (int i = 0; i < 8; i++) {
		turn(1);
		turn(0);
	}
	ck_assert_uint_eq(called, 2);
	ck_assert(!ln_router_congested(ln_worker_at(0)));
	ck_assert(sinks[1].in_order && sink_got(&sinks[1], n));
	sink_unsubscribe(&sinks[1], sub);
}
END_TEST

/* --- shared groups ---------------------------------------------------------------------------------------------------------------------- */

static void each_got(unsigned from, unsigned to, unsigned n)
{
	broker_settle();
	for (unsigned i = from; i < to; i++)
		ck_assert_msg(sink_got(&sinks[i], n), "sink %u", i);
}

START_TEST(members_take_turns)
{
	ln_sub_t *subs[6], *alone = sink_subscribe(&sinks[1], "a", "h", 0);

	for (unsigned i = 0; i < 6; i++)
		subs[i] = sink_subscribe(&sinks[i], "a", "g", 2);
	for (unsigned from = 0; from < 3; from++) {
		broker_as(from);
		for (unsigned n = 0; n < 60; n++)
			publish_number("a", n);
		broker_settle();
		ck_assert_uint_eq(sinks[1].got, 10 + 60);
		sinks[1].got = 10;
		each_got(0, 6, 10);
		ck_assert_uint_eq(sinks[0].qos, 2);
	}
	sink_unsubscribe(&sinks[1], alone);
	sink_unsubscribe(&sinks[3], subs[3]);
	sink_unsubscribe(&sinks[5], subs[5]);
	broker_as(0);
	for (unsigned n = 0; n < 60; n++)
		publish_number("a", n);
	broker_settle();
	ck_assert(sink_got(&sinks[3], 0) && sink_got(&sinks[5], 0));
	ck_assert(sink_got(&sinks[0], 15) && sink_got(&sinks[1], 15) && sink_got(&sinks[2], 15) && sink_got(&sinks[4], 15));
	for (unsigned i = 0; i < 5; i++) {
		if (i != 3)
			sink_unsubscribe(&sinks[i], subs[i]);
	}
	broker_as(0);
	ck_assert(!broker_publish("a", "x", 0));
}
END_TEST

START_TEST(ready_members_first)
{
	ln_sub_t *subs[3];

	for (unsigned i = 0; i < 3; i++)
		subs[i] = sink_subscribe(&sinks[i], "a/#", "g", 0);
	sinks[1].sink.ready = false;
	broker_as(0);
	for (unsigned n = 0; n < 30; n++)
		publish_number("a", n);
	broker_settle();
	ck_assert_uint_eq(sinks[0].got + sinks[2].got, 30);
	ck_assert(sinks[0].got >= 10 && sinks[2].got >= 10 && sinks[1].got == 0);
	sinks[0].got = sinks[2].got = 0;
	sinks[0].sink.ready = sinks[2].sink.ready = false;
	broker_as(0);
	for (unsigned n = 0; n < 30; n++)
		publish_number("a", n);         /* nobody is: they wait with the members in turn */
	each_got(0, 3, 10);
	for (unsigned i = 0; i < 3; i++)
		sink_unsubscribe(&sinks[i], subs[i]);
}
END_TEST

/* A member and a plain subscriber in one: both get it. Groups of one name under other filters are other groups. */
START_TEST(groups_beside_plain_subscriptions)
{
	ln_sub_t *plain = sink_subscribe(&sinks[0], "a", NULL, 0), *member = sink_subscribe(&sinks[0], "a", "g", 0);
	ln_sub_t *other = sink_subscribe(&sinks[0], "+", "g", 0);

	broker_as(2);
	publish_number("a", 1);
	each_got(0, 1, 3);
	sink_unsubscribe(&sinks[0], plain);
	sink_unsubscribe(&sinks[0], member);
	broker_as(0);
	publish_number("a", 1);
	each_got(0, 1, 1);
	sink_unsubscribe(&sinks[0], other);
}
END_TEST

/* The member whose turn it was goes while the message travels: another one takes it. */
START_TEST(member_gone_meanwhile)
{
	ln_sub_t *one = sink_subscribe(&sinks[1], "a", "g", 0), *two;

	broker_as(0);
	for (unsigned n = 0; n < 5; n++)
		publish_number("a", n);
	turn(0);
	two = sink_subscribe(&sinks[2], "a", "g", 0);
	sink_unsubscribe(&sinks[1], one);
	broker_settle();
	ck_assert(sink_got(&sinks[1], 0) && sinks[2].in_order && sink_got(&sinks[2], 5));
	broker_as(0);
	publish_number("a", 5);
	turn(0);
	sink_unsubscribe(&sinks[2], two);       /* the last one: nobody is left */
	broker_settle();
	ck_assert(sink_got(&sinks[2], 0));
}
END_TEST

/* Sessions as members: those with a connection come first; without any, messages wait. */
START_TEST(sessions_as_members)
{
	client_t c[3];
	unsigned total = 0;

	for (unsigned i = 0; i < 3; i++) {
		char id[32];

		client_id(id, i, i);
		ln_unit_ok(client_open(&c[i], id, (client_open_t){ .expiry = 60 }));
		client_subscribe(&c[i], "$share/g/a", 1);
	}
	client_cut(&c[1], false);
	for (unsigned n = 0; n < 30; n++)
		publish_number("a", n);
	broker_settle();
	ck_assert_uint_eq(c[1].out.count, 0);
	ck_assert_uint_eq(c[0].out.count + c[2].out.count, 30);
	ck_assert(c[0].out.count >= 10 && c[2].out.count >= 10);
	client_cut(&c[0], false);
	client_cut(&c[2], false);
	for (unsigned n = 0; n < 30; n++)
		publish_number("a", n);
	broker_settle();
	ck_assert_uint_eq(broker_stat("queued"), 30);
	for (unsigned i = 0; i < 3; i++) {
		client_fini(&c[i]);
		ln_unit_ok(client_open(&c[i], c[i].id, (client_open_t){ .expiry = 0 }));
		total += c[i].out.count;                    /* what was in flight before, and its share of the second 30 */
		ck_assert_uint_ge(c[i].out.count, 10);
		client_cut(&c[i], true);
		client_fini(&c[i]);
	}
	ck_assert_uint_eq(total, 60);
}
END_TEST

/* --- inside a delivery ------------------------------------------------------------------------------------------------------------------ */

static void answer(sink_t *s, ln_msg_t *m)
{
	(void)s, (void)m;
	broker_publish("answer", "1", 0);
	publish_number("answer", 2);
}

/* Whether the one that answers stands first or last in the match: everybody gets question and answers. */
static void answered(bool first)
{
	ln_sub_t *one = sink_subscribe(&sinks[first ? 3 : 0], "question", NULL, 0);
	ln_sub_t *two = sink_subscribe(&sinks[first ? 0 : 3], "question", NULL, 0);

	for (unsigned round = 0; round < 6; round++) {
		broker_as(round % 2);
		publish_number("question", 1);
		broker_settle();
		ck_assert(sink_got(&sinks[0], 1) && sink_got(&sinks[3], 3) && sink_got(&sinks[1], 2));
		ck_assert_uint_eq(sinks[1].last, 2);
	}
	broker_as(0);
	ln_router_unsubscribe(one);
	ln_router_unsubscribe(two);
}

START_TEST(publish_inside_a_delivery)
{
	ln_sub_t *hears = sink_subscribe(&sinks[3], "answer", NULL, 0), *far = sink_subscribe(&sinks[1], "answer", NULL, 0);

	sinks[0].also = answer;
	answered(true);
	answered(false);
	sink_unsubscribe(&sinks[3], hears);
	sink_unsubscribe(&sinks[1], far);
}
END_TEST

static client_t dying;

static void kill_dying(sink_t *s, ln_msg_t *m)
{
	(void)s, (void)m;
	if (!dying.session)
		return;
	ln_session_end(dying.session);
	dying.session = NULL;
}

/* A session ends while a message that it would have got too is being delivered. Which of the two stands first in the match is chance. */
START_TEST(session_ended_inside_a_delivery)
{
	ln_sub_t *sub = sink_subscribe(&sinks[0], "a", NULL, 0), *will = sink_subscribe(&sinks[3], "will", NULL, 0);
	char id[32];

	sinks[0].also = kill_dying;
	for (unsigned i = 0; i < 20; i++) {
		client_id(id, 0, i);
		ln_unit_ok(client_open(&dying, id, (client_open_t){ .expiry = 60 }));
		ln_session_set_will(dying.session, broker_message("will", "1", 1), 0);
		client_subscribe(&dying, "a", 1);
		if (i % 2)
			client_subscribe(&dying, "#", 2);
		publish_number("a", i);
		ck_assert_uint_eq(dying.out.detached, 1);
		broker_settle();
		ck_assert(sink_got(&sinks[0], 1) && sink_got(&sinks[3], 1));
		client_fini(&dying);
	}
	sink_unsubscribe(&sinks[0], sub);
	sink_unsubscribe(&sinks[3], will);
}
END_TEST

/* The counters of what was published. */
START_TEST(retained_or_not)
{
	ln_retain_limits_t limits = { .count = 1 };
	uint64_t count, bytes;

	ln_retain_set_limits(limits);
	broker_retain("a", "1", 0);
	broker_retain("b", "1", 0);
	broker_publish("c", "1", 0);
	broker_retain("a", "", 0);
	ck_assert_uint_eq(broker_stat("retained_stored"), 2);
	ck_assert_uint_eq(broker_stat("retained_refused"), 1);
	ck_assert_uint_eq(broker_stat("messages_in"), 4);
	ln_retain_count(&count, &bytes);
	ck_assert_uint_eq(count + bytes, 0);
}
END_TEST

LN_UNIT_MAIN_WITH("broker/publish", begin, end, own_at_once_others_by_parcel, order_of_one_publisher, large_turns_make_several_parcels,
                  changes_while_a_parcel_travels, sealed_messages_pass_too, memory_refused, stop_with_parcels_everywhere,
                  congestion_and_its_end, members_take_turns, ready_members_first, groups_beside_plain_subscriptions,
                  member_gone_meanwhile, sessions_as_members, publish_inside_a_delivery, session_ended_inside_a_delivery, retained_or_not)
