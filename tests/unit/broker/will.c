/* Tests the will in core/broker/session.c: when it leaves and when it does not, its lifetime, and what a stop of the broker leaves of it. */
#include <linnet/session.h>
#include "broker.h"
#include "unit.h"

static void begin(void)
{
	broker_begin(2);
}

static void end(void)
{
	broker_end();
}

static client_t watcher, dying;
static char dying_id[32];

static void begin_with_watcher(void)
{
	char id[32];

	client_id(id, 1, 99);
	client_id(dying_id, 0, 1);
	ln_unit_ok(client_open(&watcher, id, (client_open_t){ .expiry = 0 }));
	client_subscribe(&watcher, "will", 0);
}

static void end_with_watcher(void)
{
	ck_assert(outlet_idle(&watcher.out));
	ln_worker_current = ln_session_home(ln_session_id(watcher.session));
	ln_session_end(watcher.session);
	client_fini(&watcher);
}

static void open_with_will(uint32_t expiry, uint32_t delay)
{
	ln_unit_ok(client_open(&dying, dying_id, (client_open_t){ .expiry = expiry }));
	ln_session_set_will(dying.session, broker_message("will", "gone", 0), delay);
}

static bool will_came(void)
{
	broker_settle();
	if (outlet_idle(&watcher.out))
		return false;
	outlet_expect(&watcher.out, "will", "gone");
	return true;
}

/* The will of a session that is still there must not come any more. */
static void forget_dying(void)
{
	broker_as(0);
	if (ln_session_find(ln_slice_of(dying_id))) {
		ln_session_set_will(ln_session_find(ln_slice_of(dying_id)), NULL, 0);
		ln_session_end(ln_session_find(ln_slice_of(dying_id)));
	}
	client_fini(&dying);
}

START_TEST(will_when_the_connection_breaks)
{
	static const struct { uint32_t expiry, delay, comes_after_ms; } rows[] = {
		{ 0, 0, 0 }, { 60, 0, 0 }, { 0, 5, 0 }, { 60, 5, 5000 }, { 2, 5, 2000 }, { 5, 5, 5000 },
		{ LN_EXPIRY_NEVER, 5, 5000 }, { 60, 59, 59000 }, { 60, UINT32_MAX, 60000 }
	};

	begin_with_watcher();
	for (size_t i = 0; i < LN_ARRAY_SIZE(rows); i++) {
		open_with_will(rows[i].expiry, rows[i].delay);
		client_cut(&dying, false);
		if (rows[i].comes_after_ms) {
			broker_pass(rows[i].comes_after_ms - 1);
			ck_assert_msg(!will_came(), "row %zu: early", i);
			broker_pass(1);
		}
		ck_assert_msg(will_came(), "row %zu: late", i);
		broker_pass(100000);
		ck_assert_msg(!will_came(), "row %zu: twice", i);
		forget_dying();
	}
	ck_assert_uint_eq(broker_stat("wills_published"), LN_ARRAY_SIZE(rows));
	end_with_watcher();
}
END_TEST

START_TEST(no_will_after_a_clean_end)
{
	begin_with_watcher();
	for (uint32_t delay = 0; delay < 2; delay++) {
		for (uint32_t expiry = 0; expiry < 4; expiry += 3) {
			open_with_will(expiry, delay);
			client_cut(&dying, true);
			broker_pass(10000);
			ck_assert(!will_came());
			forget_dying();
		}
	}
	end_with_watcher();
}
END_TEST

/* Another connection comes, while the first is there or while its will waits. */
START_TEST(will_and_takeover)
{
	static const struct { uint32_t expiry, delay; bool cut, clean, comes; } rows[] = {
		{ 60, 0, false, false, true },    /* no delay: the network connection was closed without DISCONNECT */
		{ 60, 5, false, false, false },   /* the session goes on in time */
		{ 60, 5, true, false, false },
		{ 60, 5, false, true, true },     /* the session ends */
		{ 60, 5, true, true, true },
		{ 0, 5, false, false, true },
		{ 0, 0, false, false, true },
	};
	client_t second;

	begin_with_watcher();
	for (size_t i = 0; i < LN_ARRAY_SIZE(rows); i++) {
		open_with_will(rows[i].expiry, rows[i].delay);
		if (rows[i].cut)
			client_cut(&dying, false);
		broker_pass(4000);
		ck_assert_msg(!will_came(), "row %zu: early", i);
		ln_unit_ok(client_open(&second, dying_id, (client_open_t){ .clean = rows[i].clean, .expiry = 60 }));
		ck_assert_msg(will_came() == rows[i].comes, "row %zu", i);
		broker_pass(100000);
		ck_assert_msg(!will_came(), "row %zu: afterwards", i);
		client_cut(&second, false);
		broker_pass(60000);
		ck_assert_msg(!will_came(), "row %zu: in the end", i);
		client_fini(&second);
		client_fini(&dying);
	}
	end_with_watcher();
}
END_TEST

START_TEST(will_when_the_session_is_ended)
{
	begin_with_watcher();
	open_with_will(60, 30);
	ln_session_set_will(dying.session, broker_message("will", "gone", 0), 40);
	ln_session_end(dying.session);
	ck_assert(will_came());
	client_fini(&dying);
	open_with_will(60, 30);
	client_cut(&dying, false);
	broker_pass(1000);
	broker_as(0);
	ln_session_end(ln_session_find(ln_slice_of(dying_id)));
	ck_assert(will_came());
	broker_pass(100000);
	client_fini(&dying);
	end_with_watcher();
}
END_TEST

START_TEST(will_to_itself)
{
	client_t again;

	client_id(dying_id, 0, 1);
	open_with_will(60, 0);
	client_subscribe(&dying, "will", 1);
	ln_session_set_will(dying.session, broker_message("will", "gone", 1), 0);
	ln_unit_ok(client_open(&again, dying.id, (client_open_t){ .expiry = 60 }));
	ck_assert(again.present);
	ck_assert_uint_eq(outlet_expect(&again.out, "will", "gone")->qos, 1);
	ln_session_set_will(again.session, broker_message("will", "gone", 1), 0);
	ln_session_end(again.session);
	client_fini(&again);
	client_fini(&dying);
}
END_TEST

/* Its time begins when it is published, not when it was given. */
START_TEST(will_with_a_lifetime)
{
	client_t sleeper;
	char id[32];

	for (uint64_t late = 0; late < 2; late++) {
		client_id(id, 1, 50);
		client_id(dying_id, 0, 1);
		ln_unit_ok(client_open(&sleeper, id, (client_open_t){ .expiry = 60 }));
		client_subscribe(&sleeper, "will", 1);
		client_cut(&sleeper, true);
		client_fini(&sleeper);
		open_with_will(60, 5);
		ln_session_set_will(dying.session, broker_message("will", "gone", 1), 5);
		ln_session_set_will_lifetime(dying.session, 3);
		broker_pass(10000);
		client_cut(&dying, false);
		broker_pass(5000);
		broker_pass(2999 + late);
		ln_unit_ok(client_open(&sleeper, id, (client_open_t){ .expiry = 0 }));
		ck_assert_uint_eq(sleeper.out.count, 1 - late);
		ln_session_end(sleeper.session);
		client_fini(&sleeper);
		forget_dying();
	}
}
END_TEST

START_TEST(retained_will)
{
	ln_msg_t *will;
	client_t late;

	client_id(dying_id, 0, 1);
	open_with_will(0, 0);
	will = broker_message("will", "gone", 0);
	will->flags |= LN_MSG_RETAIN;
	ln_session_set_will(dying.session, will, 0);
	client_cut(&dying, false);
	ln_unit_ok(client_open(&late, "late", (client_open_t){ .expiry = 0 }));
	client_subscribe(&late, "+", 0);
	ck_assert(outlet_expect(&late.out, "will", "gone")->retain);
	client_cut(&late, true);
	client_fini(&late);
	client_fini(&dying);
}
END_TEST

/* Sessions and wills that are left when the broker stops are freed in silence. */
START_TEST(stop_with_all_kinds_of_rest)
{
	client_t c[3];

	begin_with_watcher();
	open_with_will(60, 30);
	client_cut(&dying, false);
	for (int i = 0; i < 3; i++) {
		char id[32];

		client_id(id, 0, 10u + (unsigned)i);
		ln_unit_ok(client_open(&c[i], id, (client_open_t){ .expiry = 60 }));
		client_subscribe(&c[i], "a/#", 2);
		ln_unit_ok(ln_session_inbound_add(c[i].session, 7));
		ln_session_set_will(c[i].session, broker_message("will", "gone", 0), 0);
	}
	client_cut(&c[2], true);
	broker_publish("a/b", "waits", 2);
	broker_as(1);
	broker_publish("a/b", "on its way", 2);
	broker_end();
	for (int i = 0; i < 3; i++)
		client_fini(&c[i]);
	client_fini(&dying);
	client_fini(&watcher);
	broker_begin(2);
}
END_TEST

LN_UNIT_MAIN_WITH("broker/will", begin, end, will_when_the_connection_breaks, no_will_after_a_clean_end, will_and_takeover,
                  will_when_the_session_is_ended, will_to_itself, will_with_a_lifetime, retained_will, stop_with_all_kinds_of_rest)
