/* Tests core/broker/msg.c: borrowed messages, the one copy they make, counting, refusal of memory. */
#include <pthread.h>
#include <linnet/msg.h>
#include "unit.h"

static ln_msg_t borrow(void)
{
	ln_msg_t m = ln_msg_borrow(LN_STR("a/b"), LN_STR("\x01\x01"), LN_STR("payload"));

	m.qos = 2;
	m.priority = 5;
	m.flags |= LN_MSG_RETAIN;
	m.expires = 1234;
	m.publisher = 77;
	return m;
}

START_TEST(borrowed)
{
	ln_msg_t m = ln_msg_borrow(LN_STR("t"), ln_slice(NULL, 0), LN_STR("x"));

	ck_assert_uint_eq(m.flags, LN_MSG_BORROWED);
	ck_assert_uint_eq(m.qos, 0);
	ck_assert_uint_eq(m.expires, LN_NEVER);
	ck_assert_uint_eq(m.publisher, 0);
	ln_unit_slice(ln_msg_topic(&m), "t");
	ln_unit_slice(ln_msg_props(&m), "");
	ln_unit_slice(ln_msg_payload(&m), "x");
	ln_msg_release(&m);
}
END_TEST

START_TEST(held_is_a_copy_of_everything)
{
	ln_msg_t m = borrow(), *held = ln_msg_hold(&m);

	ck_assert_ptr_nonnull(held);
	ln_msg_release(&m);
	ck_assert_uint_eq(held->refs, 1);
	ck_assert_uint_eq(held->flags, LN_MSG_RETAIN);
	ck_assert_uint_eq(held->qos, 2);
	ck_assert_uint_eq(held->priority, 5);
	ck_assert_uint_eq(held->expires, 1234);
	ck_assert_uint_eq(held->publisher, 77);
	ln_unit_slice(ln_msg_topic(held), "a/b");
	ln_unit_slice(ln_msg_props(held), "\x01\x01");
	ln_unit_slice(ln_msg_payload(held), "payload");
	ck_assert_uint_ge(ln_msg_size(held), offsetof(ln_msg_t, at) + 12);
	ck_assert_uint_ge(ln_msg_size(held), sizeof(ln_msg_t));
	ln_msg_unref(held);
	ln_msg_unref(NULL);
}
END_TEST

START_TEST(holders_share_one_copy)
{
	ln_msg_t m = borrow(), *one = ln_msg_hold(&m), *two = ln_msg_hold(&m);

	ck_assert_ptr_eq(one, two);
	ck_assert_ptr_eq(ln_msg_hold(one), one);
	ck_assert_uint_eq(one->refs, 4);   /* three holders and the borrowed one itself */
	ln_msg_unref(one);
	ln_msg_unref(one);
	ln_msg_unref(one);
	ln_msg_release(&m);
	ck_assert_ptr_null(m.at.out.held);
	ln_msg_release(&m);
}
END_TEST

START_TEST(empty_parts)
{
	ln_msg_t m = ln_msg_borrow(LN_STR("t"), ln_slice(NULL, 0), ln_slice(NULL, 0)), *held = ln_msg_hold(&m);

	ln_msg_release(&m);
	ln_unit_slice(ln_msg_topic(held), "t");
	ck_assert_uint_eq(ln_msg_props(held).len, 0);
	ck_assert_uint_eq(ln_msg_payload(held).len, 0);
	ln_msg_unref(held);
}
END_TEST

START_TEST(memory_refused)
{
	ln_msg_t m = borrow(), *held;

	ln_mem_fail_after(1);
	ck_assert_ptr_null(ln_msg_hold(&m));
	held = ln_msg_hold(&m);
	ck_assert_ptr_nonnull(held);
	ln_msg_unref(held);
	ln_msg_release(&m);
}
END_TEST

START_TEST(expiry)
{
	ln_msg_t m = borrow();

	ck_assert(!ln_msg_expired(&m, 1233));
	ck_assert(ln_msg_expired(&m, 1234));
	m.expires = LN_NEVER;
	ck_assert(!ln_msg_expired(&m, UINT64_MAX - 1));
}
END_TEST

static void *count_much(void *p)
{
	ln_msg_t *m = p;

	for (unsigned i = 0; i < 20000; i++) {
		ck_assert_ptr_eq(ln_msg_hold(m), m);
		ln_msg_unref(m);
	}
	ln_msg_unref(m);
	return NULL;
}

START_TEST(counted_by_many_threads)
{
	ln_msg_t m = borrow(), *held = ln_msg_hold(&m);
	pthread_t t[4];

	ln_msg_release(&m);
	ln_msg_share(held);
	ln_msg_share(held);
	ck_assert(held->flags & LN_MSG_SHARED);
	for (unsigned i = 0; i < 4; i++) {
		(void)!ln_msg_hold(held);
		ck_assert_int_eq(pthread_create(&t[i], NULL, count_much, held), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(held->refs, 1);
	ln_msg_unref(held);
}
END_TEST

START_TEST(contracts)
{
	ln_msg_t m = borrow(), *held = ln_msg_hold(&m);

	ln_unit_aborts(ln_msg_unref(&m));
	ln_unit_aborts(ln_msg_share(&m));
	ln_unit_aborts(ln_msg_release(held));
	ln_msg_unref(held);
	ln_msg_release(&m);
}
END_TEST

LN_UNIT_MAIN("broker/msg", borrowed, held_is_a_copy_of_everything, holders_share_one_copy, empty_parts, memory_refused, expiry,
             counted_by_many_threads, contracts)
