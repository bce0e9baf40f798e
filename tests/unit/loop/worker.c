/* Tests core/loop/worker.c: slots, starting, stopping, letters between real threads, signals. */
#include <pthread.h>
#include <stdatomic.h>
#include <linnet/clock.h>
#include <linnet/mem.h>
#include <linnet/rcu.h>
#include <linnet/worker.h>
#include "unit.h"

#define WORKERS 4u

START_TEST(slots_are_apart_aligned_and_zero)
{
	size_t size[] = { 1, 16, 17, 0, 4096 }, at[5];

	for (int i = 0; i < 5; i++)
		at[i] = ln_worker_slot_reserve(size[i]);
	ln_workers_create(3, 100);
	ck_assert_uint_eq(ln_worker_count(), 3);
	for (unsigned n = 0; n < 4; n++) {
		ln_worker_t *w = ln_worker_at(n < 3 ? n : LN_MAIN_INDEX);
		ck_assert_uint_eq(w->index, n < 3 ? n : LN_MAIN_INDEX);
		ck_assert_uint_eq((uintptr_t)w % 64, 0);
		ck_assert_uint_eq((uintptr_t)w->counters % 64, 0);
		ck_assert_uint_eq(w->read_size, 100);
		memset(w->read_buf, 1, w->read_size);
		for (unsigned i = 0; i < LN_STATS_MAX; i++)
			ck_assert_uint_eq(w->counters[i]++, 0);
		for (int i = 0; i < 5; i++) {
			uint8_t *slot = ln_worker_slot(w, at[i]);
			ck_assert_uint_eq((uintptr_t)slot % 16, 0);
			for (size_t k = 0; k < size[i]; k++)
				ck_assert_uint_eq(slot[k], 0);
			memset(slot, 0xff, size[i]);
		}
	}
	ln_unit_aborts(ln_worker_slot_reserve(1));
	ln_workers_stop();
	ln_workers_destroy();
	ln_workers_destroy();
	ck_assert_uint_eq(ln_worker_count(), 0);
}
END_TEST

static unsigned visits[WORKERS];
static pthread_t visited_on[WORKERS];

static void visit(ln_worker_t *w, void *ctx)
{
	ck_assert_ptr_eq(ln_worker_self(), w);
	ck_assert_ptr_eq(ctx, visits);
	visits[w->index]++;
	visited_on[w->index] = pthread_self();
}

START_TEST(each_before_and_after_start)
{
	ln_worker_t *main_loop;

	ln_workers_create(WORKERS, 4096);
	main_loop = ln_worker_self();
	ck_assert_ptr_eq(main_loop, ln_worker_at(LN_MAIN_INDEX));
	ln_workers_each(visit, visits);
	ck_assert_ptr_eq(ln_worker_self(), main_loop);
	for (unsigned i = 0; i < WORKERS; i++)
		ck_assert(pthread_equal(visited_on[i], pthread_self()));
	ln_unit_ok(ln_workers_start());
	for (int n = 0; n < 100; n++)
		ln_workers_each(visit, visits);
	for (unsigned i = 0; i < WORKERS; i++) {
		ck_assert_uint_eq(visits[i], 101);
		ck_assert(!pthread_equal(visited_on[i], pthread_self()));
		for (unsigned k = 0; k < i; k++)
			ck_assert(!pthread_equal(visited_on[i], visited_on[k]));
	}
	ln_workers_stop();
	ln_workers_each(visit, visits);
	ck_assert_uint_eq(visits[0], 102);
	ln_workers_destroy();
}
END_TEST

#define BALLS 8u
#define BOUNCES 5000u

typedef struct ball {
	ln_letter_t letter;
	unsigned left, seed;
} ball_t;

static _Atomic unsigned balls_home, bounced;

/* Goes from worker to worker, and to the main loop in the end. */
static void on_ball(ln_letter_t *letter)
{
	ball_t *b = LN_CONTAINER(letter, ball_t, letter);

	if (ln_worker_self()->index == LN_MAIN_INDEX) {
		if (atomic_fetch_add(&balls_home, 1) + 1 == BALLS)
			ln_main_loop_stop();
		return;
	}
	atomic_fetch_add_explicit(&bounced, 1, memory_order_relaxed);
	b->seed = b->seed * 1103515245 + 12345;
	ln_post(ln_worker_at(--b->left > 0 ? (b->seed >> 16) % WORKERS : LN_MAIN_INDEX), letter);
}

static void throw_balls(ball_t *balls)
{
	for (unsigned i = 0; i < BALLS; i++) {
		balls[i] = (ball_t){ { NULL, on_ball }, BOUNCES, i * 7919 };
		ln_post(ln_worker_at(i % WORKERS), &balls[i].letter);
	}
}

START_TEST(letters_between_threads)
{
	ball_t balls[BALLS];

	ln_workers_create(WORKERS, 4096);
	ln_unit_ok(ln_workers_start());
	throw_balls(balls);
	ln_main_loop_run();
	ck_assert_uint_eq(atomic_load(&bounced), BALLS * BOUNCES);
	ck_assert_uint_eq(atomic_load(&balls_home), BALLS);
	ln_workers_stop();
	ln_workers_destroy();
}
END_TEST

START_TEST(stop_delivers_what_is_under_way)
{
	ball_t balls[BALLS];

	ln_workers_create(WORKERS, 4096);
	ln_unit_ok(ln_workers_start());
	throw_balls(balls);
	ln_workers_stop();
	ck_assert_uint_eq(atomic_load(&bounced), BALLS * BOUNCES);
	ck_assert_uint_eq(atomic_load(&balls_home), BALLS);
	ln_workers_destroy();
}
END_TEST

typedef struct numbered {
	ln_letter_t letter;
	unsigned from, number;
} numbered_t;

static unsigned next_from[WORKERS], out_of_order;
static _Atomic unsigned arrived;
static numbered_t *post_of[WORKERS];

static void on_numbered(ln_letter_t *letter)
{
	const numbered_t *n = LN_CONTAINER(letter, numbered_t, letter);

	out_of_order += n->number != next_from[n->from]++;
	atomic_fetch_add(&arrived, 1);
}

static void send_numbered(ln_worker_t *w, void *ctx)
{
	const unsigned *count = ctx;

	for (unsigned i = 0; i < *count; i++) {
		post_of[w->index][i] = (numbered_t){ { NULL, on_numbered }, w->index, i };
		ln_post(ln_worker_at(0), &post_of[w->index][i].letter);
	}
}

START_TEST(order_of_each_sender)
{
	unsigned count = 10000;

	ln_workers_create(WORKERS, 4096);
	for (unsigned i = 0; i < WORKERS; i++)
		post_of[i] = ln_new_n(numbered_t, count);
	ln_unit_ok(ln_workers_start());
	ln_workers_each(send_numbered, &count);
	ln_unit_until(atomic_load(&arrived) == WORKERS * count);
	ln_workers_stop();
	ck_assert_uint_eq(out_of_order, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		ck_assert_uint_eq(next_from[i], count);
		ln_free(post_of[i]);
	}
	ln_workers_destroy();
}
END_TEST

static _Atomic unsigned signals_seen;

static void on_signal(int signum, void *ctx)
{
	ck_assert_int_eq(signum, SIGUSR1);
	ck_assert_ptr_eq(ln_worker_self(), ln_worker_at(LN_MAIN_INDEX));
	if (++*(unsigned *)ctx == 3)
		ln_main_loop_stop();
	atomic_fetch_add(&signals_seen, 1);
}

static void *send_signals(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 3; i++) {
		kill(getpid(), SIGUSR1);
		for (unsigned n = 0; atomic_load(&signals_seen) <= i && n < 5000; n++)
			ln_unit_sleep_ms(1);
	}
	return NULL;
}

static void check_mask(ln_worker_t *w, void *ctx)
{
	sigset_t mask;

	(void)w;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGHUP))
		atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

START_TEST(signals_come_to_the_main_loop)
{
	pthread_t thread;
	unsigned count = 0;
	_Atomic unsigned blocked = 0;
	sigset_t all, before;

	ln_workers_create(2, 4096);
	ln_unit_ok(ln_main_loop_on_signal(SIGUSR1, on_signal, NULL));
	ln_unit_ok(ln_main_loop_on_signal(SIGUSR1, on_signal, &count));
	ck_assert_int_eq(ln_main_loop_on_signal(-1, on_signal, NULL), LN_INVALID);
	ck_assert_int_eq(ln_main_loop_on_signal(SIGKILL, on_signal, NULL), LN_INVALID);
	ln_unit_ok(ln_workers_start());
	ln_workers_each(check_mask, &blocked);
	ck_assert_uint_eq(atomic_load(&blocked), 2);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_signals, NULL), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ln_main_loop_run();
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count, 3);
	ln_workers_stop();
	ln_workers_destroy();
}
END_TEST

START_TEST(main_loop_stopped_before_it_runs)
{
	ln_workers_create(1, 4096);
	for (int i = 0; i < 3; i++) {
		ln_main_loop_stop();
		ln_main_loop_run();
	}
	ln_workers_destroy();
}
END_TEST

START_TEST(a_broken_pipe_is_no_signal)
{
	int ends[2];

	ln_workers_create(1, 4096);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
	close(ends[1]);
	ln_workers_destroy();
}
END_TEST

typedef struct shared {
	ln_rcu_head_t rcu;
	uint64_t value, same;
} shared_t;

static shared_t *current;
static _Atomic bool stop_reading;
static _Atomic unsigned released, torn, looks;
static ln_letter_t look_again[WORKERS];

static void release(ln_rcu_head_t *head)
{
	shared_t *s = LN_CONTAINER(head, shared_t, rcu);

	s->value = 0;
	ln_free(s);
	atomic_fetch_add(&released, 1);
}

/* Reads what the main thread replaces, turn after turn; the poll in between is the only quiescent state. */
static void on_look(ln_letter_t *letter)
{
	const shared_t *s = ln_rcu_get(&current);

	for (int i = 0; i < 100; i++)
		atomic_fetch_add_explicit(&torn, s->value != s->same, memory_order_relaxed);
	atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);
	if (!atomic_load(&stop_reading))
		ln_post(ln_worker_self(), letter);
}

static shared_t *make_shared(uint64_t value)
{
	shared_t *s = ln_new(shared_t);

	s->value = s->same = value;
	return s;
}

START_TEST(a_turn_is_a_read_side)
{
	unsigned swaps = 0;

	ln_workers_create(WORKERS, 4096);
	current = make_shared(1);
	ln_unit_ok(ln_workers_start());
	for (unsigned i = 0; i < WORKERS; i++) {
		look_again[i].fn = on_look;
		ln_post(ln_worker_at(i), &look_again[i]);
	}
	while (swaps < 300) {
		shared_t *old = current;
		ln_rcu_set(&current, make_shared(++swaps));
		ln_rcu_call(&old->rcu, release);
		if (swaps % 10 == 0)
			ln_unit_sleep_ms(1);
	}
	ln_unit_until(atomic_load(&looks) > 1000);
	ln_rcu_barrier();
	ck_assert_uint_eq(atomic_load(&released), swaps);
	atomic_store(&stop_reading, true);
	ln_workers_stop();
	ck_assert_uint_eq(atomic_load(&torn), 0);
	ln_free(current);
	ln_workers_destroy();
}
END_TEST

static ln_timer_t tick[WORKERS];
static _Atomic unsigned ticks, early, late;

static void on_tick(ln_worker_t *w, ln_timer_t *t)
{
	uint64_t now = ln_clock_now();

	atomic_fetch_add(&early, now < t->due);
	atomic_fetch_add(&late, now > t->due + 5000);
	atomic_fetch_add(&ticks, 1);
	ln_timer_set(w, t, 3, on_tick);
}

static void start_ticking(ln_worker_t *w, void *ctx)
{
	(void)ctx;
	ln_timer_set(w, &tick[w->index], 3, on_tick);
}

static void stop_ticking(ln_worker_t *w, void *ctx)
{
	(void)ctx;
	ln_timer_cancel(w, &tick[w->index]);
}

START_TEST(timers_on_every_thread)
{
	ln_workers_create(WORKERS, 4096);
	ln_workers_each(start_ticking, NULL);
	ln_unit_ok(ln_workers_start());
	ln_unit_until(atomic_load(&ticks) >= WORKERS * 20);
	ln_workers_each(stop_ticking, NULL);
	ln_workers_stop();
	ck_assert_uint_eq(atomic_load(&early), 0);
	ck_assert_uint_eq(atomic_load(&late), 0);
	ln_workers_destroy();
}
END_TEST

static void touch_foreign(ln_worker_t *w, void *ctx)
{
	static ln_timer_t timer;

	(void)ctx;
	if (w->index == 0)
		ln_timer_set(ln_worker_at(1), &timer, 1, on_tick);
}

START_TEST(a_foreign_worker_is_not_touched)
{
	ln_unit_aborts({
		ln_workers_create(2, 4096);
		(void)!ln_workers_start();
		ln_workers_each(touch_foreign, NULL);
	});
}
END_TEST

LN_UNIT_MAIN("loop/worker", slots_are_apart_aligned_and_zero, each_before_and_after_start, letters_between_threads,
             stop_delivers_what_is_under_way, order_of_each_sender, signals_come_to_the_main_loop,
             main_loop_stopped_before_it_runs, a_broken_pipe_is_no_signal, a_turn_is_a_read_side,
             timers_on_every_thread, a_foreign_worker_is_not_touched)
