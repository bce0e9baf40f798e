/* Tests core/broker/session.c: opening, taking over, leaving, expiring; limits; QoS 2 identifiers on the way in. */
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
	ck_assert_uint_eq(ln_session_number(two.session), number);   /* of the client, not of the session */
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
	ck_assert(!ln_session_inbound_has(c.session, 9));
	ln_unit_ok(ln_session_inbound_add(c.session, 9));
	ck_assert(ln_session_inbound_has(c.session, 9));
	ln_session_inbound_forget(c.session, 8);
	ln_session_inbound_forget(c.session, 9);
	ck_assert(!ln_session_inbound_has(c.session, 9));
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
                  limits_of_expiry_and_number, own_limits, inbound_identifiers, many_sessions, memory_refused)
