/* Tests core/base/mem.c: what is ours is always there, what is a peer's is charged and may be refused. */
#include <stdint.h>
#include <string.h>
#include <linnet/mem.h>
#include "unit.h"

START_TEST(ours_is_zeroed_and_copied)
{
	uint64_t *n = ln_new_n(uint64_t, 100);
	char *s = ln_strdup("topic"), *part = ln_strndup("topic", 3), *none = ln_strndup(NULL, 0);

	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(n[i], 0);
	n[99] = 7;
	n = ln_realloc(n, 200 * sizeof(*n));
	ck_assert_uint_eq(n[99], 7);
	ck_assert_str_eq(s, "topic");
	ck_assert_str_eq(part, "top");
	ck_assert_str_eq(none, "");
	ln_free(n);
	ln_free(s);
	ln_free(part);
	ln_free(none);
	ln_free(NULL);
}
END_TEST

START_TEST(ours_never_overflows)
{
	ln_unit_aborts(ln_alloc_n(SIZE_MAX / 2, 4));
}
END_TEST

START_TEST(account_limits)
{
	ln_account_t a = { .limit = 100 };
	void *p = ln_try_alloc(60, &a), *q;

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(a.used, 60);
	ck_assert_ptr_null(ln_try_alloc(41, &a));
	ck_assert_uint_eq(a.used, 60);
	q = ln_try_alloc(40, &a);
	ck_assert_ptr_nonnull(q);
	ck_assert_int_eq(ln_account_charge(&a, 1), LN_LIMIT);
	ln_give_back(p, 60, &a);
	ck_assert_uint_eq(a.used, 40);
	ln_give_back(q, 40, &a);
	ck_assert_uint_eq(a.used, 0);
	ln_give_back(NULL, 10, &a);
	ck_assert_uint_eq(a.used, 0);
}
END_TEST

START_TEST(charge_is_all_or_nothing)
{
	ln_account_t top = { .limit = 50 }, middle = { .parent = &top }, low = { .limit = 1000, .parent = &middle };

	ln_unit_ok(ln_account_charge(&low, 50));
	ck_assert_int_eq(ln_account_charge(&low, 1), LN_LIMIT);
	ck_assert_uint_eq(low.used, 50);
	ck_assert_uint_eq(middle.used, 50);
	ck_assert_uint_eq(top.used, 50);
	ln_account_release(&low, 50);
	ck_assert_uint_eq(low.used + middle.used + top.used, 0);
}
END_TEST

START_TEST(charge_does_not_wrap)
{
	ln_account_t a = { 0 }, lowered = { .used = 10, .limit = 5 };

	ln_unit_ok(ln_account_charge(&a, SIZE_MAX - 1));
	ck_assert_int_eq(ln_account_charge(&a, 2), LN_LIMIT);
	ck_assert_int_eq(ln_account_charge(&lowered, 1), LN_LIMIT);
	ln_unit_ok(ln_account_charge(NULL, 5));
	ln_unit_aborts(ln_account_release(&lowered, 11));
}
END_TEST

START_TEST(resizing_moves_the_charge)
{
	ln_account_t a = { .limit = 100 };
	char *p = ln_try_alloc(10, &a), *q;

	memcpy(p, "123456789", 10);
	ck_assert_ptr_null(ln_try_realloc(p, 10, 101, &a));
	ck_assert_uint_eq(a.used, 10);
	ck_assert_str_eq(p, "123456789");
	q = ln_try_realloc(p, 10, 100, &a);
	ck_assert_ptr_nonnull(q);
	ck_assert_uint_eq(a.used, 100);
	ck_assert_str_eq(q, "123456789");
	q = ln_try_realloc(q, 100, 20, &a);
	ck_assert_uint_eq(a.used, 20);
	ln_give_back(q, 20, &a);
	ck_assert_uint_eq(a.used, 0);
}
END_TEST

START_TEST(nth_allocation_fails_once)
{
	for (unsigned long n = 1; n <= 4; n++) {
		ln_account_t a = { 0 };
		void *p[4];

		ln_mem_fail_after(n);
		for (unsigned long i = 0; i < 4; i++) {
			p[i] = ln_try_alloc(8, &a);
			ck_assert_int_eq(p[i] == NULL, i + 1 == n);
		}
		ck_assert_uint_eq(a.used, 24);
		for (int i = 0; i < 4; i++)
			ln_give_back(p[i], 8, &a);
		ck_assert_uint_eq(a.used, 0);
	}
	ln_mem_fail_after(1);
	ln_mem_fail_after(0);
	ln_give_back(ln_try_alloc(1, NULL), 1, NULL);
}
END_TEST

START_TEST(failed_resize_keeps_the_old)
{
	ln_account_t a = { 0 };
	char *p = ln_try_alloc(4, &a);

	memcpy(p, "abc", 4);
	ln_mem_fail_after(1);
	ck_assert_ptr_null(ln_try_realloc(p, 4, 400, &a));
	ck_assert_str_eq(p, "abc");
	ck_assert_uint_eq(a.used, 4);
	ln_give_back(p, 4, &a);
}
END_TEST

typedef struct thing {
	int *released;
} thing_t;

static void thing_release(thing_t *t)
{
	++*t->released;
}

LN_DEFINE_AUTO(thing, thing_release)

static thing_t *make_thing(thing_t *from, bool keep)
{
	LN_AUTO(thing) t = from;

	return keep ? ln_steal(t) : NULL;
}

START_TEST(scope_releases_what_is_not_stolen)
{
	int released = 0;
	thing_t t = { &released };

	ck_assert_ptr_eq(make_thing(&t, true), &t);
	ck_assert_int_eq(released, 0);
	ck_assert_ptr_null(make_thing(&t, false));
	ck_assert_int_eq(released, 1);
}
END_TEST

LN_UNIT_MAIN("base/mem", ours_is_zeroed_and_copied, ours_never_overflows, account_limits, charge_is_all_or_nothing,
             charge_does_not_wrap, resizing_moves_the_charge, nth_allocation_fails_once, failed_resize_keeps_the_old,
             scope_releases_what_is_not_stolen)
