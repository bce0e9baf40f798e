/* Tests core/broker/queue.c: order, limits and policies, expiry and age, memory only while something waits; and long random runs
 * against a plain array. */
#include <stdio.h>
#include <linnet/queue.h>
#include "unit.h"

static const ln_queue_limits_t no_limits;

static ln_entry_t entry(const char *payload)
{
	ln_msg_t m = ln_msg_borrow(LN_STR("t"), ln_slice(NULL, 0), ln_slice_of(payload));
	ln_entry_t e = { .msg = ln_msg_hold(&m), .qos = 1 };

	ln_msg_release(&m);
	return e;
}

static ln_entry_t number(uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return entry(text);
}

static uint32_t number_of(const ln_entry_t *e)
{
	ln_slice_t payload = ln_msg_payload(e->msg);
	uint64_t n = UINT64_MAX;

	ck_assert(ln_parse_u64(payload, UINT32_MAX, &n));
	return (uint32_t)n;
}

static ln_result_t put(ln_queue_t *q, const ln_queue_limits_t *limits, uint32_t n, uint64_t wall, uint32_t *ret_dropped)
{
	ln_entry_t e = number(n);
	ln_result_t result = ln_queue_put(q, limits, &e, wall, ret_dropped);

	ck_assert_ptr_null(e.msg);
	return result;
}

/* Takes one, which must be N. */
static void take(ln_queue_t *q, const ln_queue_limits_t *limits, uint64_t wall, uint32_t n)
{
	uint32_t expired;
	ln_entry_t e;

	ln_unit_ok(ln_queue_take(q, limits, wall, &e, &expired));
	ck_assert_uint_eq(number_of(&e), n);
	ln_entry_fini(&e);
}

static void is_empty(ln_queue_t *q)
{
	uint32_t expired = 9;
	ln_entry_t e;

	ck_assert_int_eq(ln_queue_take(q, &no_limits, 0, &e, &expired), LN_AGAIN);
	ck_assert_uint_eq(expired, 0);
	ck_assert(ln_queue_empty(q));
	ck_assert_ptr_null(q->ring);
	ck_assert_uint_eq(q->cap, 0);
	ck_assert_uint_eq(q->bytes, 0);
}

START_TEST(first_in_first_out)
{
	ln_queue_t q = { 0 };
	uint32_t dropped = 9;

	is_empty(&q);
	for (uint32_t i = 0; i < 1000; i++)
		ln_unit_ok(put(&q, &no_limits, i, 0, &dropped));
	ck_assert_uint_eq(dropped, 0);
	ck_assert_uint_eq(q.count, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		take(&q, &no_limits, 0, i);
		ck_assert(q.cap <= 8 || q.count > q.cap / 8);
	}
	is_empty(&q);
}
END_TEST

START_TEST(put_back_comes_first)
{
	ln_queue_t q = { 0 };
	uint32_t expired;
	ln_entry_t e;

	for (uint32_t i = 0; i < 9; i++)
		ln_unit_ok(put(&q, &no_limits, i, 0, NULL));
	ln_unit_ok(ln_queue_take(&q, &no_limits, 0, &e, &expired));
	ln_queue_put_back(&q, &e);
	ck_assert_ptr_null(e.msg);
	for (uint32_t i = 0; i < 8; i++)
		take(&q, &no_limits, 0, i);
	ln_unit_ok(ln_queue_take(&q, &no_limits, 0, &e, &expired));
	ck_assert_ptr_null(q.ring);
	ln_queue_put_back(&q, &e);
	take(&q, &no_limits, 0, 8);
	is_empty(&q);
}
END_TEST

START_TEST(full_drops_the_newest)
{
	ln_queue_limits_t limits = { .count = 3, .full = LN_FULL_DROP_NEWEST };
	ln_queue_t q = { 0 };
	uint32_t dropped;

	for (uint32_t i = 0; i < 3; i++)
		ln_unit_ok(put(&q, &limits, i, 0, &dropped));
	ck_assert_int_eq(put(&q, &limits, 3, 0, &dropped), LN_LIMIT);
	ck_assert_uint_eq(dropped, 1);
	ck_assert_int_eq(put(&q, &limits, 4, 0, NULL), LN_LIMIT);
	for (uint32_t i = 0; i < 3; i++)
		take(&q, &limits, 0, i);
	is_empty(&q);
}
END_TEST

START_TEST(full_drops_the_oldest)
{
	ln_queue_limits_t limits = { .count = 3, .full = LN_FULL_DROP_OLDEST };
	ln_queue_t q = { 0 };
	uint32_t dropped;

	for (uint32_t i = 0; i < 3; i++)
		ln_unit_ok(put(&q, &limits, i, 0, &dropped));
	for (uint32_t i = 3; i < 50; i++) {
		ck_assert_int_eq(put(&q, &limits, i, 0, &dropped), LN_LIMIT);
		ck_assert_uint_eq(dropped, 1);
	}
	for (uint32_t i = 47; i < 50; i++)
		take(&q, &limits, 0, i);
	is_empty(&q);
}
END_TEST

static ln_entry_t sized(size_t payload)
{
	char *text = ln_alloc(payload + 1);
	ln_entry_t e;

	memset(text, 'x', payload);
	e = entry(text);
	ln_free(text);
	return e;
}

START_TEST(bytes_are_limited)
{
	ln_entry_t e = sized(100);
	size_t one = ln_msg_size(e.msg);
	ln_queue_limits_t limits = { .bytes = one * 3, .full = LN_FULL_DROP_NEWEST };
	ln_queue_t q = { 0 };
	uint32_t dropped;

	ln_unit_ok(ln_queue_put(&q, &limits, &e, 0, &dropped));
	for (int i = 0; i < 2; i++) {
		e = sized(100);
		ln_unit_ok(ln_queue_put(&q, &limits, &e, 0, &dropped));
	}
	ck_assert_uint_eq(q.bytes, one * 3);
	e = sized(0);
	ck_assert_int_eq(ln_queue_put(&q, &limits, &e, 0, &dropped), LN_LIMIT);
	ck_assert_uint_eq(q.count, 3);
	limits.full = LN_FULL_DROP_OLDEST;
	e = sized(200);
	ck_assert_int_eq(ln_queue_put(&q, &limits, &e, 0, &dropped), LN_LIMIT);
	ck_assert_uint_eq(dropped, 2);
	ck_assert_uint_eq(q.count, 2);
	ck_assert_uint_eq(q.bytes, one * 2 + 100);
	ln_queue_fini(&q);
	is_empty(&q);
}
END_TEST

/* What can never fit must not empty the queue for nothing. */
START_TEST(larger_than_the_queue)
{
	ln_entry_t e = sized(100);
	ln_queue_limits_t limits = { .bytes = ln_msg_size(e.msg) * 3, .full = LN_FULL_DROP_OLDEST };
	ln_queue_t q = { 0 };
	uint32_t dropped;

	ln_unit_ok(ln_queue_put(&q, &limits, &e, 0, &dropped));
	e = sized(10000);
	ck_assert_int_eq(ln_queue_put(&q, &limits, &e, 0, &dropped), LN_LIMIT);
	ck_assert_ptr_null(e.msg);
	ck_assert_uint_eq(dropped, 1);
	ck_assert_uint_eq(q.count, 1);
	ln_queue_fini(&q);
}
END_TEST

START_TEST(expired_ones_are_skipped)
{
	ln_queue_t q = { 0 };
	uint32_t expired;
	ln_entry_t e;

	for (uint32_t i = 0; i < 10; i++) {
		e = number(i);
		e.msg->expires = i % 3 == 0 ? LN_NEVER : 1000 + i;
		ln_unit_ok(ln_queue_put(&q, &no_limits, &e, 0, NULL));
	}
	take(&q, &no_limits, 500, 0);
	take(&q, &no_limits, 1000, 1);
	ln_unit_ok(ln_queue_take(&q, &no_limits, 1005, &e, &expired));
	ck_assert_uint_eq(expired, 1);
	ck_assert_uint_eq(number_of(&e), 3);
	ln_entry_fini(&e);
	ln_unit_ok(ln_queue_take(&q, &no_limits, 1005, &e, &expired));
	ck_assert_uint_eq(expired, 2);
	ck_assert_uint_eq(number_of(&e), 6);
	ln_entry_fini(&e);
	take(&q, &no_limits, 2000, 9);
	is_empty(&q);
	e = number(1);
	e.msg->expires = 5;
	ln_unit_ok(ln_queue_put(&q, &no_limits, &e, 0, NULL));
	ck_assert_int_eq(ln_queue_take(&q, &no_limits, 5, &e, &expired), LN_AGAIN);
	ck_assert_uint_eq(expired, 1);
	is_empty(&q);
}
END_TEST

/* Age is kept in seconds; a message may stay a second longer than it should, but must not go before its time. */
START_TEST(too_old_ones_are_skipped)
{
	ln_queue_limits_t limits = { .age_ms = 500 };
	ln_queue_t q = { 0 };
	uint32_t expired;
	ln_entry_t e;

	ln_unit_ok(put(&q, &limits, 1, 10999, NULL));
	take(&q, &limits, 11498, 1);
	ln_unit_ok(put(&q, &limits, 2, 10999, NULL));
	ck_assert_int_eq(ln_queue_take(&q, &limits, 12499, &e, &expired), LN_AGAIN);
	ck_assert_uint_eq(expired, 1);
	limits.age_ms = 60000;
	ln_unit_ok(put(&q, &limits, 3, 20000, NULL));
	ln_unit_ok(put(&q, &limits, 4, 50000, NULL));
	take(&q, &limits, 79999, 3);
	ck_assert_int_eq(ln_queue_take(&q, &limits, 110000, &e, &expired), LN_AGAIN);
	is_empty(&q);
}
END_TEST

START_TEST(many_identifiers_are_owned)
{
	ln_queue_limits_t limits = { .count = 1, .full = LN_FULL_DROP_NEWEST };
	ln_queue_t q = { 0 };

	for (int i = 0; i < 2; i++) {
		ln_entry_t e = number(1);

		e.flags = LN_ENTRY_MANY;
		e.ids.many = ln_new_n(uint32_t, 3);
		ck_assert_int_eq(ln_queue_put(&q, &limits, &e, 0, NULL), i ? LN_LIMIT : LN_OK);
	}
	ln_queue_fini(&q);
	is_empty(&q);
}
END_TEST

/* --- against an array ----------------------------------------------------------------------------------------------------------- */

#define MODEL_MAX 300

typedef struct model {
	uint32_t at[MODEL_MAX], count;
} model_t;

static uint32_t seed = 5;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void model_put(model_t *m, const ln_queue_limits_t *limits, uint32_t n)
{
	if (m->count == limits->count) {
		if (limits->full == LN_FULL_DROP_NEWEST)
			return;
		memmove(m->at, m->at + 1, --m->count * sizeof(m->at[0]));
	}
	m->at[m->count++] = n;
}

static void step(ln_queue_t *q, model_t *m, const ln_queue_limits_t *limits, uint32_t n, bool grow)
{
	uint32_t expired;
	ln_entry_t e;

	if (draw(10) < (grow ? 7u : 3u)) {
		ck_assert_int_eq(put(q, limits, n, 0, NULL), m->count == limits->count ? LN_LIMIT : LN_OK);
		model_put(m, limits, n);
	} else if (m->count) {
		ln_unit_ok(ln_queue_take(q, limits, 0, &e, &expired));
		ck_assert_uint_eq(number_of(&e), m->at[0]);
		if (draw(3) == 0) {
			ln_queue_put_back(q, &e);
		} else {
			ln_entry_fini(&e);
			memmove(m->at, m->at + 1, --m->count * sizeof(m->at[0]));
		}
	} else {
		is_empty(q);
	}
	ck_assert_uint_eq(q->count, m->count);
}

START_TEST(like_an_array)
{
	for (int policy = 0; policy < 2; policy++) {
		ln_queue_limits_t limits = { .count = MODEL_MAX, .full = policy ? LN_FULL_DROP_OLDEST : LN_FULL_DROP_NEWEST };
		ln_queue_t q = { 0 };
		model_t m = { .count = 0 };

		for (uint32_t n = 0; n < 30000; n++)
			step(&q, &m, &limits, n, n / 1500 % 2 == 0);
		ln_queue_fini(&q);
	}
}
END_TEST

LN_UNIT_MAIN("broker/queue", first_in_first_out, put_back_comes_first, full_drops_the_newest, full_drops_the_oldest, bytes_are_limited,
             larger_than_the_queue, expired_ones_are_skipped, too_old_ones_are_skipped, many_identifiers_are_owned, like_an_array)
