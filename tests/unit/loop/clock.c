/* Tests core/loop/clock.c. */
#include <time.h>
#include <linnet/clock.h>
#include "unit.h"

static uint64_t seven(void)
{
	return 7;
}

static uint64_t eight(void)
{
	return 8;
}

START_TEST(goes_on_in_milliseconds)
{
	uint64_t before = ln_clock_now(), after;

	ln_unit_sleep_ms(20);
	after = ln_clock_now();
	ck_assert_uint_ge(after - before, 19);
	ck_assert_uint_lt(after - before, 5000);
}
END_TEST

START_TEST(wall_is_the_date)
{
	time_t seconds = time(NULL);
	uint64_t wall = ln_clock_wall();

	ck_assert_uint_ge(wall / 1000 + 2, (uint64_t)seconds);
	ck_assert_uint_le(wall / 1000, (uint64_t)seconds + 2);
}
END_TEST

START_TEST(can_be_replaced)
{
	ln_clock_replace(seven);
	ck_assert_uint_eq(ln_clock_now(), 7);
	ck_assert_uint_gt(ln_clock_wall(), 8);
	ln_clock_replace_wall(eight);
	ck_assert_uint_eq(ln_clock_wall(), 8);
	ln_clock_replace(NULL);
	ln_clock_replace_wall(NULL);
	ck_assert_uint_gt(ln_clock_now(), 7);
	ck_assert_uint_gt(ln_clock_wall(), 8);
}
END_TEST

LN_UNIT_MAIN("loop/clock", goes_on_in_milliseconds, wall_is_the_date, can_be_replaced)
