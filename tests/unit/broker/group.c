/* Tests core/broker/group.c: which member each strategy picks (taking turns and falling back are tested with publish.c). */
#include <stdio.h>
#include "broker_sink.h"
#include "unit.h"

#define MEMBERS 4u

static sink_t sinks[MEMBERS];
static ln_sub_t *subs[MEMBERS];

static void begin(void)
{
	broker_begin(2);
	for (unsigned i = 0; i < MEMBERS; i++) {
		sink_init(&sinks[i], i % 2);
		subs[i] = sink_subscribe(&sinks[i], "a", "g", 1);
	}
}

static void leave(unsigned i)
{
	sink_unsubscribe(&sinks[i], subs[i]);
	subs[i] = NULL;
}

static void end(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		if (subs[i])
			leave(i);
	}
	ln_router_set_shared(LN_SHARED_ROUND_ROBIN);
	broker_end();
}

static void set_ready(unsigned i, bool ready)
{
	__atomic_store_n(&sinks[i].sink.ready, ready, __ATOMIC_RELAXED);
}

/* N messages of PUBLISHER from worker FROM. */
static void publish(unsigned from, uint64_t publisher, unsigned n)
{
	broker_as(from);
	for (unsigned i = 0; i < n; i++) {
		ln_msg_t *m = broker_message("a", "x", 1);

		m->publisher = publisher;
		(void)ln_router_publish(ln_worker_self(), m);
		ln_msg_unref(m);
	}
	broker_settle();
}

/* The only member that got N messages since the last call. */
static unsigned only(unsigned n)
{
	unsigned found = MEMBERS;

	for (unsigned i = 0; i < MEMBERS; i++) {
		if (sinks[i].got == n && found == MEMBERS)
			found = i;
		else
			ck_assert_uint_eq(sinks[i].got, 0);
		sinks[i].got = 0;
	}
	ck_assert_uint_lt(found, MEMBERS);
	return found;
}

START_TEST(sticky)
{
	unsigned first, second;

	ln_router_set_shared(LN_SHARED_STICKY);
	publish(0, 1, 5);
	first = only(5);
	publish(1, 2, 5);
	ck_assert_uint_eq(only(5), first);
	set_ready(first, false);
	publish(0, 3, 5);
	second = only(5);
	ck_assert_uint_ne(second, first);
	set_ready(first, true);         /* back, but no longer the favourite */
	publish(1, 1, 5);
	ck_assert_uint_eq(only(5), second);
	leave(second);
	publish(1, 1, 5);
	ck_assert_uint_ne(only(5), second);
}
END_TEST

START_TEST(sticky_with_nobody_ready)
{
	unsigned first;

	ln_router_set_shared(LN_SHARED_STICKY);
	leave(0);
	publish(0, 1, 3);
	first = only(3);
	for (unsigned i = 0; i < MEMBERS; i++)
		set_ready(i, false);
	publish(1, 1, 3);
	ck_assert_uint_eq(only(3), first);
}
END_TEST

START_TEST(by_publisher)
{
	unsigned used[MEMBERS] = { 0 };

	ln_router_set_shared(LN_SHARED_PUBLISHER_HASH);
	for (uint64_t p = 0; p < 64; p++) {
		unsigned member, other;

		publish(0, p << 32 | 1, 3);
		member = only(3);
		used[member]++;
		publish(1, p << 32 | 1, 2);
		ck_assert_uint_eq(only(2), member);
		set_ready(member, false);
		publish(0, p << 32 | 1, 2);
		other = only(2);
		ck_assert_uint_ne(other, member);
		set_ready(member, true);
		publish(0, p << 32 | 1, 2);
		ck_assert_uint_eq(only(2), member);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		ck_assert_uint_eq(used[i], 16);
}
END_TEST

START_TEST(least_in_flight)
{
	ln_router_set_shared(LN_SHARED_LEAST_IN_FLIGHT);
	for (unsigned i = 0; i < MEMBERS; i++)
		sinks[i].sink.load = i == 2 ? 0 : 6;
	publish(0, 1, 6);               /* one turn, and the member may live on another worker: each pick counts */
	ck_assert_uint_eq(only(6), 2);
	publish(1, 1, 8);               /* all have 6 now */
	for (unsigned i = 0; i < MEMBERS; i++)
		ck_assert(sink_got(&sinks[i], 2));
	sinks[3].sink.load = 0;
	set_ready(3, false);            /* least, but away */
	publish(1, 1, 3);
	ck_assert_uint_eq(sinks[3].got, 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		set_ready(i, false);
	for (unsigned i = 0; i < MEMBERS; i++)
		sinks[i].got = 0;
	publish(0, 1, 8);
	for (unsigned i = 0; i < MEMBERS; i++)
		ck_assert(sink_got(&sinks[i], 2));
}
END_TEST

LN_UNIT_MAIN_WITH("broker/group", begin, end, sticky, sticky_with_nobody_ready, by_publisher, least_in_flight)
