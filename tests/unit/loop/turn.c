/* Tests core/loop/turn.c: what happens in one worker, and in which order. Everything runs on the test's thread, turn
 * by turn. */
#include <sys/socket.h>
#include <linnet/clock.h>
#include <linnet/mem.h>
#include <linnet/worker.h>
#include "unit.h"

static ln_worker_t *w;
static char story[256];
static uint64_t fake_now = 5000;

static uint64_t fake(void)
{
	return fake_now;
}

static void setup(void)
{
	ln_workers_create(1, 4096);
	w = ln_worker_at(0);
}

static void teardown(void)
{
	ln_workers_stop();
	ln_workers_destroy();
}

static void tell(const char *what)
{
	ck_assert_ptr_eq(ln_worker_self(), w);
	strncat(story, what, sizeof(story) - strlen(story) - 1);
}

static void on_letter(ln_letter_t *letter)
{
	(void)letter;
	tell("letter ");
}

static void on_timer(ln_worker_t *worker, ln_timer_t *t)
{
	ck_assert_ptr_eq(worker, w);
	ck_assert_uint_le(t->due, w->now);
	tell("timer ");
}

static void on_io(ln_io_t *io, unsigned events)
{
	(void)io;
	tell(events & LN_IO_READ ? "read " : "write ");
}

static void on_end(ln_worker_t *worker, void *ctx)
{
	ck_assert_ptr_eq(worker, w);
	tell(ctx);
}

START_TEST(the_order_of_a_turn)
{
	ln_letter_t letter = { .fn = on_letter };
	ln_timer_t timer = { 0 };
	ln_io_t io = { .fn = on_io };
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	ln_worker_turn(w, false);
	ln_worker_on_turn_end(w, on_end, (void *)(uintptr_t)"end1 ");
	ln_worker_on_turn_end(w, on_end, (void *)(uintptr_t)"end2\n");
	ln_timer_set(w, &timer, 0, on_timer);
	ln_post(w, &letter);
	ln_io_set(w, &io, pair[0], LN_IO_READ);
	ln_worker_turn(w, true);
	ck_assert_str_eq(story, "end1 end2\nread letter timer end1 end2\n");
	ln_io_stop(w, &io);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(clock_is_read_once_a_turn)
{
	ln_clock_replace(fake);
	ln_worker_turn(w, false);
	ck_assert_uint_eq(w->now, 5000);
	fake_now = 6000;
	ck_assert_uint_eq(w->now, 5000);
	ln_worker_turn(w, false);
	ck_assert_uint_eq(w->now, 6000);
	ck_assert_uint_gt(w->wall, 0);
}
END_TEST

START_TEST(timers_follow_the_replaced_clock)
{
	ln_timer_t t[3] = { 0 };

	ln_clock_replace(fake);
	ln_worker_turn(w, false);
	ln_timer_set(w, &t[0], 10, on_timer);
	ln_timer_set(w, &t[1], 100000, on_timer);
	ln_timer_set(w, &t[2], 10, on_timer);
	ln_timer_cancel(w, &t[2]);
	ln_timer_cancel(w, &t[2]);
	ck_assert_uint_eq(t[0].due, 5010);
	fake_now = 5009;
	ln_worker_turn(w, false);
	ck_assert_str_eq(story, "");
	fake_now = 5010;
	ln_worker_turn(w, false);
	ck_assert_str_eq(story, "timer ");
	ck_assert(!ln_timer_pending(&t[0]));
	ck_assert(ln_timer_pending(&t[1]));
	fake_now = 104999;
	ln_worker_turn(w, false);
	ck_assert_str_eq(story, "timer ");
	ln_timer_set(w, &t[1], 1, on_timer);
	fake_now = 105000;
	ln_worker_turn(w, false);
	ck_assert_str_eq(story, "timer timer ");
}
END_TEST

typedef struct measured {
	ln_timer_t timer;
	bool fired;
} measured_t;

static void on_measured(ln_worker_t *worker, ln_timer_t *t)
{
	(void)worker;
	LN_CONTAINER(t, measured_t, timer)->fired = true;
	ck_assert_uint_ge(ln_clock_now(), t->due);
	ck_assert_uint_le(ln_clock_now(), t->due + 5000);
}

/* With the system's clock, blocking: never early, and the poll returns by itself. */
START_TEST(the_poll_ends_in_time)
{
	static const unsigned delays[] = { 0, 1, 2, 7, 20, 63, 64, 65, 100, 130 };
	measured_t m[LN_ARRAY_SIZE(delays)] = { 0 };
	size_t fired = 0;

	ln_worker_turn(w, false);
	for (size_t i = 0; i < LN_ARRAY_SIZE(delays); i++)
		ln_timer_set(w, &m[i].timer, delays[i], on_measured);
	for (int turns = 0; fired < LN_ARRAY_SIZE(delays) && turns < 100; turns++) {
		ln_worker_turn(w, true);
		fired = 0;
		for (size_t i = 0; i < LN_ARRAY_SIZE(delays); i++)
			fired += m[i].fired;
	}
	ck_assert_uint_eq(fired, LN_ARRAY_SIZE(delays));
}
END_TEST

START_TEST(many_timers_in_one_turn)
{
	enum { MANY = 20000, LAST = 89 };
	measured_t *m = ln_new_n(measured_t, MANY);
	int turns = 0, fired = 0;

	ln_worker_turn(w, false);
	for (int i = 0; i < MANY; i++)
		ln_timer_set(w, &m[i].timer, 10 + (unsigned)i % 90, on_measured);
	for (int i = 0; i < MANY; i += 2)
		ln_timer_cancel(w, &m[i].timer);
	while (ln_timer_pending(&m[LAST].timer) && turns++ < 1000)
		ln_worker_turn(w, true);
	for (int i = 0; i < MANY; i++) {
		bool pending = ln_timer_pending(&m[i].timer);
		ln_timer_cancel(w, &m[i].timer);
		fired += m[i].fired;
		ck_assert(!pending);
		ck_assert_int_eq(m[i].fired, i % 2);
	}
	ck_assert_int_eq(fired, MANY / 2);
	ck_assert_int_le(turns, 200);
	ln_free(m);
}
END_TEST

static unsigned delivered;

static void on_repeating(ln_letter_t *letter)
{
	delivered++;
	ln_post(w, letter);
}

START_TEST(a_letter_from_a_letter_waits_a_turn)
{
	ln_letter_t letter = { .fn = on_repeating };

	ln_post(w, &letter);
	for (unsigned i = 1; i <= 5; i++) {
		ln_worker_turn(w, true);
		ck_assert_uint_eq(delivered, i);
	}
	letter.fn = on_letter;
	ln_worker_turn(w, true);
	ck_assert_uint_eq(delivered, 5);
}
END_TEST

typedef struct counted {
	ln_letter_t letter;
	unsigned number;
} counted_t;

static void on_counted(ln_letter_t *letter)
{
	ck_assert_uint_eq(LN_CONTAINER(letter, counted_t, letter)->number, delivered);
	delivered++;
}

START_TEST(a_flood_is_cut_into_turns_in_order)
{
	enum { MANY = 5000 };
	counted_t *c = ln_new_n(counted_t, MANY);
	unsigned turns = 0;

	for (unsigned i = 0; i < MANY; i++) {
		c[i] = (counted_t){ { NULL, on_counted }, i };
		ln_post(w, &c[i].letter);
	}
	ln_worker_turn(w, true);
	ck_assert_uint_gt(delivered, 0);
	ck_assert_uint_lt(delivered, MANY / 2);
	for (turns = 1; delivered < MANY && turns < 100; turns++)
		ln_worker_turn(w, true);
	ck_assert_uint_eq(delivered, MANY);
	ck_assert_uint_lt(turns, 20);
	ln_free(c);
}
END_TEST

static unsigned ends;

static void on_again(ln_worker_t *worker, void *ctx)
{
	(void)ctx;
	if (++ends < 10)
		ln_worker_again(worker);
}

START_TEST(again_does_not_block)
{
	ln_worker_on_turn_end(w, on_again, NULL);
	while (ends < 10)
		ln_worker_turn(w, true);
	ck_assert_uint_ge(ends, 10);
}
END_TEST

typedef struct stopper {
	ln_io_t io;
	struct stopper *other;
	unsigned calls;
} stopper_t;

static void on_stop_both(ln_io_t *io, unsigned events)
{
	stopper_t *s = LN_CONTAINER(io, stopper_t, io);

	ck_assert_uint_eq(events, LN_IO_READ);
	s->calls++;
	ln_io_stop(w, &s->other->io);
	ln_io_stop(w, &s->io);
}

START_TEST(stopping_another_takes_back_its_event)
{
	stopper_t a = { .io.fn = on_stop_both }, b = { .io.fn = on_stop_both, .other = &a };
	int p[2], q[2];

	a.other = &b;
	ck_assert_int_eq(pipe(p) | pipe(q), 0);
	ck_assert_int_eq(write(p[1], "x", 1) + write(q[1], "x", 1), 2);
	ln_io_set(w, &a.io, p[0], LN_IO_READ);
	ln_io_set(w, &b.io, q[0], LN_IO_READ);
	ln_worker_turn(w, true);
	ln_worker_turn(w, false);
	ck_assert_uint_eq(a.calls + b.calls, 1);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}
END_TEST

START_TEST(events_change_and_pause)
{
	ln_io_t io = { .fn = on_io };
	int pair[2], other[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	ln_io_set(w, &io, pair[0], 0);
	ln_worker_turn(w, false);
	ck_assert_str_eq(story, "");
	ln_io_set(w, &io, pair[0], LN_IO_WRITE);
	ln_worker_turn(w, true);
	ck_assert_str_eq(story, "write ");
	ln_io_set(w, &io, pair[0], LN_IO_READ);
	ln_io_set(w, &io, pair[0], LN_IO_READ);
	ln_worker_turn(w, true);
	ck_assert_str_eq(story, "write read ");
	ln_io_set(w, &io, pair[0], 0);
	ln_worker_turn(w, false);
	ck_assert_str_eq(story, "write read ");
	ln_io_set(w, &io, pair[0], LN_IO_READ);
	ln_worker_turn(w, true);
	ck_assert_str_eq(story, "write read read ");
	ln_io_stop(w, &io);
	ln_io_stop(w, &io);
	close(pair[0]);
	close(pair[1]);
	/* The same number, another file: it must be watched anew. */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	ck_assert_int_eq(other[0], pair[0]);
	ln_io_set(w, &io, other[0], LN_IO_WRITE);
	ln_worker_turn(w, true);
	ck_assert_str_eq(story, "write read read write ");
	ln_io_stop(w, &io);
	ln_worker_turn(w, false);
	close(other[0]);
	close(other[1]);
}
END_TEST

START_TEST(an_io_moves_to_another_worker)
{
	ln_io_t io = { .fn = on_io };
	ln_worker_t *first = w;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ln_io_set(first, &io, pair[0], LN_IO_WRITE);
	ln_worker_turn(first, true);
	ln_io_stop(first, &io);
	w = ln_worker_at(LN_MAIN_INDEX);
	ln_io_set(w, &io, pair[0], LN_IO_WRITE);
	ln_worker_turn(w, true);
	ck_assert_str_eq(story, "write write ");
	ln_io_stop(w, &io);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(broken_contracts_are_noticed)
{
	ln_letter_t letter = { 0 };
	ln_io_t io = { 0 };
	ln_worker_t no_worker = { 0 };

	ln_unit_aborts(ln_post(w, &letter));
	letter.fn = on_letter;
	ln_unit_aborts(ln_post(&no_worker, &letter));
	ln_unit_aborts(ln_io_set(w, &io, 0, LN_IO_READ));
	io.fn = on_io;
	ln_unit_aborts(ln_io_set(w, &io, 0, 4));
	ln_unit_aborts(ln_worker_at(1));
}
END_TEST

LN_UNIT_MAIN_WITH("loop/turn", setup, teardown, the_order_of_a_turn, clock_is_read_once_a_turn,
                  timers_follow_the_replaced_clock, the_poll_ends_in_time, many_timers_in_one_turn,
                  a_letter_from_a_letter_waits_a_turn, a_flood_is_cut_into_turns_in_order, again_does_not_block,
                  stopping_another_takes_back_its_event, events_change_and_pause, an_io_moves_to_another_worker,
                  broken_contracts_are_noticed)
