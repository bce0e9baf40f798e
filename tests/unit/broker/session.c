/* Tests core/broker/session.c: opening, taking over, leaving, expiring; the will; limits; QoS 2 identifiers on the way in. */
#include <stdio.h>
#include <linnet/log.h>
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

static uint64_t sessions(void)
{
	return broker_stat("sessions");
}

static bool lives(const char *id)
{
	ln_worker_current = ln_session_home(ln_slice_of(id));
	return ln_session_find(ln_slice_of(id)) != NULL;
}

START_TEST(open_and_present)
{
	static const struct { uint32_t expiry; bool clean, present; } rows[] = {
		{ 60, false, false }, { 60, false, true }, { 60, true, false }, { 0, false, true }, { 60, false, false },
		{ LN_EXPIRY_NEVER, false, true }, { 0, true, false }, { 0, true, false }
	};
	client_t c;

	for (size_t i = 0; i < LN_ARRAY_SIZE(rows); i++) {
		ln_unit_ok(client_open(&c, "dev", (client_open_t){ .clean = rows[i].clean, .expiry = rows[i].expiry }));
		ck_assert_msg(c.present == rows[i].present, "row %zu", i);
		ck_assert_uint_eq(ln_session_expiry(c.session), rows[i].expiry);
		ln_unit_slice(ln_session_id(c.session), "dev");
		ck_assert_uint_eq(broker_stat("sessions_attached"), 1);
		client_cut(&c, true);
		ck_assert_int_eq(lives("dev"), rows[i].expiry > 0);
		ck_assert_uint_eq(sessions(), rows[i].expiry > 0);
		client_fini(&c);
	}
	ck_assert_uint_eq(broker_stat("sessions_attached"), 0);
}
END_TEST

/* A second connection beside the first: who was told what, and whether the session went on. */
static void takeover(uint32_t expiry, bool clean, bool present)
{
	client_t one, two;
	uint64_t number;

	ln_unit_ok(client_open(&one, "dev", (client_open_t){ .expiry = expiry }));
	number = ln_session_number(one.session);
	client_subscribe(&one, "a", 1);
	ln_unit_ok(client_open(&two, "dev", (client_open_t){ .clean = clean, .expiry = 60 }));
	ck_assert_uint_eq(one.out.detached, 1);
	ck_assert_int_eq(one.out.why, LN_EXISTS);
	ck_assert_uint_eq(two.out.detached, 0);
	ck_assert_int_eq(two.present, present);
	ck_assert_int_eq(ln_session_number(two.session) == number, present);
	ck_assert_int_eq(broker_publish("a", "x", 1), present);
	ck_assert_int_eq(outlet_idle(&two.out), !present);
	ck_assert(outlet_idle(&one.out));
	ln_session_detach(two.session, &one.out.outlet, false);   /* the old one is late: nothing happens */
	ck_assert_uint_eq(broker_stat("sessions_attached"), 1);
	ln_session_end(two.session);
	ck_assert_int_eq(two.out.why, LN_CLOSED);
	ck_assert_uint_eq(two.out.detached, 1);
	client_fini(&one);
	client_fini(&two);
}

START_TEST(taken_over)
{
	takeover(60, false, true);
	takeover(60, true, false);
	takeover(0, false, false);
	takeover(0, true, false);
	takeover(LN_EXPIRY_NEVER, false, true);
	ck_assert_uint_eq(broker_stat("takeovers"), 5);
	ck_assert_uint_eq(sessions(), 0);
}
END_TEST

START_TEST(expires)
{
	client_t c;

	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 10 }));
	broker_pass(20000);
	ck_assert(lives("dev"));
	client_cut(&c, false);
	client_fini(&c);
	broker_pass(9999);
	ck_assert(lives("dev"));
	broker_pass(2);
	ck_assert(!lives("dev"));
	ck_assert_uint_eq(sessions(), 0);
}
END_TEST

START_TEST(expiry_begins_anew_with_each_connection)
{
	client_t c;

	for (int i = 0; i < 4; i++) {
		ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 10 }));
		ck_assert_int_eq(c.present, i > 0);
		client_cut(&c, false);
		client_fini(&c);
		broker_pass(8000);
	}
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 10 }));
	ln_session_set_expiry(c.session, 0);
	client_cut(&c, false);
	ck_assert(!lives("dev"));
	client_fini(&c);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 0 }));
	ln_session_set_expiry(c.session, LN_EXPIRY_NEVER);
	client_cut(&c, false);
	client_fini(&c);
	broker_pass(UINT64_C(1) << 36);
	ck_assert(lives("dev"));
}
END_TEST

START_TEST(limits_of_expiry_and_number)
{
	ln_session_limits_t limits = *ln_session_limits();
	client_t c[4];
	char id[16];

	limits.expiry_max = 100;
	limits.sessions_max = 3;
	ln_session_set_limits(&limits);
	for (int i = 0; i < 4; i++) {
		snprintf(id, sizeof(id), "dev%d", i);
		ck_assert_int_eq(client_open(&c[i], id, (client_open_t){ .expiry = LN_EXPIRY_NEVER }), i < 3 ? LN_OK : LN_LIMIT);
	}
	ck_assert_uint_eq(ln_session_expiry(c[0].session), 100);
	ln_session_set_expiry(c[0].session, 101);
	ck_assert_uint_eq(ln_session_expiry(c[0].session), 100);
	client_cut(&c[0], false);
	ln_unit_ok(client_open(&c[0], "dev0", (client_open_t){ .expiry = 5 }));
	ck_assert(c[0].present);
	ln_unit_ok(client_open(&c[3], "dev0", (client_open_t){ .clean = true }));   /* in the place of the one it ends */
	ck_assert_uint_eq(sessions(), 3);
	ln_session_end(c[3].session);
	ln_unit_ok(client_open(&c[0], "dev3", (client_open_t){ .expiry = 5 }));
	for (int i = 0; i < 3; i++) {
		ln_worker_current = ln_session_home(ln_session_id(c[i].session));
		ln_session_end(c[i].session);
	}
	ck_assert_uint_eq(sessions(), 0);
}
END_TEST

/* Limits that only this session has. */
START_TEST(own_limits)
{
	ln_session_limits_t own = *ln_session_limits();
	client_t c;

	own.expiry_max = 7;
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 60, .limits = &own }));
	ck_assert_uint_eq(ln_session_expiry(c.session), 7);
	ln_session_end(c.session);
}
END_TEST

/* --- the will ----------------------------------------------------------------------------------------------------------------------- */

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

/* --- QoS 2 on the way in ------------------------------------------------------------------------------------------------------------ */

START_TEST(inbound_identifiers)
{
	ln_session_limits_t limits = *ln_session_limits();
	client_t c;

	limits.inbound_max = 20;
	ln_session_set_limits(&limits);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 60 }));
	ck_assert_int_eq(ln_session_inbound_remove(c.session, 1), LN_NOT_FOUND);
	for (uint16_t tag = 1; tag <= 20; tag++)
		ln_unit_ok(ln_session_inbound_add(c.session, tag));
	ck_assert_int_eq(ln_session_inbound_add(c.session, 5), LN_EXISTS);
	ck_assert_int_eq(ln_session_inbound_add(c.session, 21), LN_LIMIT);
	client_cut(&c, false);
	client_fini(&c);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 60 }));
	ck_assert_uint_eq(ln_session_inbound_count(c.session), 20);
	ck_assert_int_eq(ln_session_inbound_add(c.session, 20), LN_EXISTS);
	for (uint16_t tag = 20; tag >= 1; tag--) {
		ln_unit_ok(ln_session_inbound_remove(c.session, tag));
		ck_assert_int_eq(ln_session_inbound_remove(c.session, tag), LN_NOT_FOUND);
		ln_unit_ok(ln_session_inbound_add(c.session, 65535));
		ln_unit_ok(ln_session_inbound_remove(c.session, 65535));
	}
	ck_assert_uint_eq(ln_session_inbound_count(c.session), 0);
	ln_unit_ok(ln_session_inbound_add(c.session, 9));
	client_cut(&c, false);
	client_fini(&c);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .clean = true, .expiry = 60 }));
	ln_unit_ok(ln_session_inbound_add(c.session, 9));
	ln_session_end(c.session);
	client_fini(&c);
}
END_TEST

/* --- many ---------------------------------------------------------------------------------------------------------------------------- */

static void count_one(ln_session_t *s, void *ctx)
{
	char text[64];

	ln_session_describe(s, text, sizeof(text));
	ck_assert_msg(strncmp(text, "w0 c", 4) == 0 || strncmp(text, "w1 c", 4) == 0, "%s", text);
	++*(unsigned *)ctx;
}

START_TEST(many_sessions)
{
	static client_t c[500];
	unsigned n = 0;

	for (unsigned i = 0; i < 500; i++) {
		char id[32];

		client_id(id, i % 2, i);
		ln_unit_ok(client_open(&c[i], id, (client_open_t){ .expiry = i % 3 ? 10 + i : 0 }));
	}
	for (unsigned i = 0; i < 500; i++) {
		for (unsigned k = i + 1; k < 500 && i < 20; k++)
			ck_assert_uint_ne(ln_session_number(c[i].session), ln_session_number(c[k].session));
	}
	ln_session_each(ln_worker_at(0), count_one, &n);
	ck_assert_uint_eq(n, 250);
	ln_session_each(ln_worker_at(1), count_one, &n);
	ck_assert_uint_eq(n, 500);
	for (unsigned i = 0; i < 500; i++)
		client_cut(&c[i], false);
	ck_assert_uint_eq(sessions(), 333);
	broker_pass(510000);
	ck_assert_uint_eq(sessions(), 0);
	for (unsigned i = 0; i < 500; i++)
		client_fini(&c[i]);
}
END_TEST

START_TEST(memory_refused)
{
	client_t c;

	ln_mem_fail_after(1);
	ck_assert_int_eq(client_open(&c, "dev", (client_open_t){ .expiry = 1 }), LN_NO_MEMORY);
	ck_assert_uint_eq(sessions(), 0);
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 1 }));
	ln_session_end(c.session);
}
END_TEST

LN_UNIT_MAIN_WITH("broker/session", begin, end, open_and_present, taken_over, expires, expiry_begins_anew_with_each_connection,
                  limits_of_expiry_and_number, own_limits, will_when_the_connection_breaks, no_will_after_a_clean_end,
                  will_and_takeover, will_when_the_session_is_ended, will_to_itself, stop_with_all_kinds_of_rest, inbound_identifiers,
                  many_sessions, memory_refused)
