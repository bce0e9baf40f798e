/* Tests core/loop/wheel.c against a plain model: an array of due times that is searched from end to end. */
#include <linnet/mem.h>
#include "loop/wheel.h"
#include "unit.h"

#define TIMERS 300u

typedef struct bell {
	ln_timer_t timer;
	uint64_t want;           /* the model: when it is due; LN__WHEEL_NEVER: not set */
	unsigned rings;
} bell_t;

static ln__wheel_t wheel;
static bell_t bells[TIMERS];
static uint64_t now, last_due;
static unsigned fired;

static void on_bell(ln_worker_t *w, ln_timer_t *t)
{
	bell_t *b = LN_CONTAINER(t, bell_t, timer);

	(void)w;
	ck_assert(!ln_timer_pending(t));
	ck_assert_uint_eq(t->due, b->want);
	ck_assert_uint_le(t->due, now);
	ck_assert_uint_ge(t->due, last_due);
	last_due = t->due;
	b->want = LN__WHEEL_NEVER;
	b->rings++;
	fired++;
}

static void set(bell_t *b, uint64_t due, ln_timer_fn fn)
{
	ln__wheel_remove(&wheel, &b->timer);
	b->timer.due = b->want = due;
	b->timer.fn = fn;
	ln__wheel_add(&wheel, &b->timer);
}

static void cancel(bell_t *b)
{
	ln__wheel_remove(&wheel, &b->timer);
	b->want = LN__WHEEL_NEVER;
}

static void go_to(uint64_t time)
{
	now = time;
	last_due = 0;
	ln__wheel_advance(&wheel, now, NULL);
}

static void begin(uint64_t time)
{
	now = time;
	ln__wheel_init(&wheel, now);
	for (unsigned i = 0; i < TIMERS; i++)
		bells[i] = (bell_t){ .want = LN__WHEEL_NEVER };
}

static uint64_t earliest(void)
{
	uint64_t due = LN__WHEEL_NEVER;

	for (unsigned i = 0; i < TIMERS; i++)
		due = bells[i].want < due ? bells[i].want : due;
	return due;
}

START_TEST(fires_at_its_millisecond)
{
	static const uint64_t delays[] = { 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262143, 262144, 1u << 24,
		                           UINT64_C(1) << 36, (UINT64_C(1) << 40) + 1 };
	static const uint64_t starts[] = { 0, 1, 63, 64, 4095, 123456789, (UINT64_C(1) << 36) - 1 };

	for (size_t s = 0; s < LN_ARRAY_SIZE(starts); s++) {
		for (size_t d = 0; d < LN_ARRAY_SIZE(delays); d++) {
			begin(starts[s]);
			set(&bells[0], starts[s] + delays[d], on_bell);
			go_to(starts[s] + delays[d] - 1);
			ck_assert_uint_eq(bells[0].rings, 0);
			go_to(starts[s] + delays[d]);
			ck_assert_uint_eq(bells[0].rings, 1);
			ck_assert_uint_eq(ln__wheel_next(&wheel), LN__WHEEL_NEVER);
		}
	}
}
END_TEST

START_TEST(follows_the_model)
{
	uint64_t seed = 42;

	begin(1000);
	for (int step = 0; step < 100000; step++) {
		bell_t *b;
		uint64_t due = earliest(), next = ln__wheel_next(&wheel);

		ck_assert_uint_le(next, due);
		ck_assert((next == LN__WHEEL_NEVER) == (due == LN__WHEEL_NEVER));
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		b = &bells[(seed >> 33) % TIMERS];
		switch ((seed >> 60) & 3) {
		case 0:
		case 1:
			set(b, now + ((seed >> 20) & 0xfffff) % (UINT64_C(1) << ((seed >> 50) % 21)), on_bell);
			break;
		case 2:
			cancel(b);
			break;
		default:
			go_to(now + (((seed >> 40) & 7) == 0 ? (seed >> 20) % 5000 : (seed >> 20) % 4));
			due = earliest();
			ck_assert_uint_gt(due, now);
			break;
		}
	}
	ck_assert_uint_gt(fired, 10000);
}
END_TEST

/* An owner that sleeps until ln__wheel_next wakes on time, and idly at most once a level. */
START_TEST(sleeping_until_next_is_on_time)
{
	for (uint64_t delay = 1; delay < 100000000; delay = delay * 3 + 1) {
		unsigned turns = 0;

		begin(77777);
		set(&bells[0], now + delay, on_bell);
		while (bells[0].rings == 0) {
			ck_assert_uint_le(ln__wheel_next(&wheel), bells[0].timer.due);
			go_to(ln__wheel_next(&wheel));
			turns++;
		}
		ck_assert_uint_eq(now, 77777 + delay);
		ck_assert_uint_le(turns, LN__WHEEL_LEVELS);
	}
}
END_TEST

START_TEST(due_already_fires_in_the_next_advance)
{
	begin(500);
	set(&bells[0], 3, on_bell);
	set(&bells[1], 500, on_bell);
	ck_assert_uint_le(ln__wheel_next(&wheel), 500);
	go_to(500);
	ck_assert_uint_eq(bells[0].rings + bells[1].rings, 2);
}
END_TEST

static void on_again(ln_worker_t *w, ln_timer_t *t)
{
	bell_t *b = LN_CONTAINER(t, bell_t, timer);

	(void)w;
	b->rings++;
	set(b, now, on_again);
}

START_TEST(setting_itself_due_waits_for_the_next_advance)
{
	begin(10);
	set(&bells[0], 10, on_again);
	for (unsigned i = 1; i <= 5; i++) {
		go_to(10);
		ck_assert_uint_eq(bells[0].rings, i);
	}
	cancel(&bells[0]);
	ck_assert_uint_eq(ln__wheel_next(&wheel), LN__WHEEL_NEVER);
}
END_TEST

static void on_killer(ln_worker_t *w, ln_timer_t *t)
{
	(void)w, (void)t;
	for (unsigned i = 1; i < 10; i++)
		cancel(&bells[i]);
	set(&bells[10], now + 100, on_bell);
	set(&bells[11], now, on_bell);
}

START_TEST(a_timer_may_touch_all_others)
{
	begin(0);
	set(&bells[0], 5, on_killer);
	for (unsigned i = 1; i < 12; i++)
		set(&bells[i], i < 5 ? 5 : i < 10 ? 5000 : 6, on_bell);
	go_to(6);
	for (unsigned i = 1; i < 12; i++)
		ck_assert_uint_eq(bells[i].rings, 0);
	go_to(6);
	ck_assert_uint_eq(bells[11].rings, 1);
	go_to(105);
	ck_assert_uint_eq(bells[10].rings, 0);
	go_to(106);
	ck_assert_uint_eq(bells[10].rings, 1);
	ck_assert_uint_eq(ln__wheel_next(&wheel), LN__WHEEL_NEVER);
}
END_TEST

START_TEST(never_early_when_the_clock_goes_back)
{
	begin(1000);
	set(&bells[0], 600, on_bell);
	go_to(599);
	ck_assert_uint_eq(bells[0].rings, 0);
	ck_assert(ln_timer_pending(&bells[0].timer));
	go_to(600);
	ck_assert_uint_eq(bells[0].rings, 1);
}
END_TEST

START_TEST(far_away_is_the_end_of_the_wheel)
{
	begin(1);
	set(&bells[0], UINT64_MAX, on_bell);
	ck_assert(ln_timer_pending(&bells[0].timer));
	go_to(UINT64_C(1) << 47);
	ck_assert_uint_eq(bells[0].rings, 0);
	cancel(&bells[0]);
	cancel(&bells[0]);
	ck_assert_uint_eq(ln__wheel_next(&wheel), LN__WHEEL_NEVER);
}
END_TEST

LN_UNIT_MAIN("loop/wheel", fires_at_its_millisecond, follows_the_model, sleeping_until_next_is_on_time,
             due_already_fires_in_the_next_advance, setting_itself_due_waits_for_the_next_advance,
             a_timer_may_touch_all_others, never_early_when_the_clock_goes_back,
             far_away_is_the_end_of_the_wheel)
