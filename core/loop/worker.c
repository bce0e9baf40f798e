/* worker.c — all workers together: made, started, called upon, stopped.
 *
 * A worker is one block of memory: public head, inside, slots. Slots have fixed offsets because they are all
 * reserved before the first worker is made; finding one costs an addition, and no module can collide with another.
 * Counters have pages of their own, since readers of statistics touch them from other threads.
 *
 * The main loop is a worker too, without an index; the thread that creates the workers is its thread. Where that
 * thread waits for others (ln_workers_each, ln_workers_stop) it is offline for RCU, so that waiting never holds back
 * a grace period.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linnet/mem.h>
#include <linnet/rcu.h>
#include "inside.h"
#include "rcu_start.h"

#define ROUND_UP(n, to) (((n) + (to) - 1) / (to) * (to))
#define SLOT_ALIGN 16u
#define DRAIN_ROUNDS 10000u

static ln__worker_t *workers[LN_WORKERS_MAX], *main_worker;
static unsigned worker_count, threads_running;
static size_t block_size = ROUND_UP(sizeof(ln__worker_t), LN__CACHE_LINE);

unsigned ln_worker_count(void)
{
	return worker_count;
}

ln_worker_t *ln_worker_at(unsigned index)
{
	if (index == LN_MAIN_INDEX) {
		ln_require(main_worker);
		return &main_worker->head;
	}
	ln_require(index < worker_count);
	return &workers[index]->head;
}

size_t ln_worker_slot_reserve(size_t size)
{
	size_t offset = block_size;

	ln_require(!main_worker);
	block_size += ROUND_UP(size, SLOT_ALIGN);
	return offset;
}

static void *alloc_lines(size_t size)
{
	void *p = aligned_alloc(LN__CACHE_LINE, ROUND_UP(size, LN__CACHE_LINE));

	ln_insist(p != NULL);
	return memset(p, 0, size);
}

static ln__worker_t *create(unsigned index, size_t read_size)
{
	ln__worker_t *inside = alloc_lines(block_size);

	ln__worker_init(inside, index, read_size);
	inside->head.counters = alloc_lines(LN_STATS_MAX * sizeof(uint64_t));
	return inside;
}

static void destroy(ln__worker_t *inside)
{
	ln__worker_fini(inside);
	free(inside->head.counters);
	free(inside);
}

void ln_workers_create(unsigned count, size_t read_size)
{
	ln_require(!main_worker && count >= 1 && count <= LN_WORKERS_MAX);
	signal(SIGPIPE, SIG_IGN);
	ln__rcu_start();
	ln_rcu_register();
	main_worker = create(LN_MAIN_INDEX, read_size);
	for (unsigned i = 0; i < count; i++)
		workers[i] = create(i, read_size);
	worker_count = count;
	ln_worker_current = &main_worker->head;
}

void ln_workers_destroy(void)
{
	if (!main_worker)
		return;
	ln_require(threads_running == 0);
	ln_rcu_barrier();
	for (unsigned i = 0; i < worker_count; i++) {
		destroy(workers[i]);
		workers[i] = NULL;
	}
	destroy(main_worker);
	main_worker = NULL;
	worker_count = 0;
	ln_worker_current = NULL;
	ln_rcu_unregister();
}

static void *worker_thread(void *arg)
{
	ln__worker_t *inside = arg;
	char name[16];

	snprintf(name, sizeof(name), "linnet-w%u", inside->head.index % 1000);
	pthread_setname_np(pthread_self(), name);
	ln_rcu_register();
	ln__worker_run(inside);
	ln_rcu_unregister();
	return NULL;
}

/* Ends the threads that run; offline for RCU meanwhile. */
static void join_threads(void)
{
	for (unsigned i = 0; i < threads_running; i++)
		ln__worker_leave(workers[i]);
	ln_rcu_offline();
	for (unsigned i = 0; i < threads_running; i++)
		pthread_join(workers[i]->thread, NULL);
	ln_rcu_online();
	threads_running = 0;
}

ln_result_t ln_workers_start(void)
{
	sigset_t all, before;
	int failed = 0;

	ln_require(main_worker && threads_running == 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (threads_running < worker_count && !failed) {
		ln__worker_t *inside = workers[threads_running];
		inside->claimed = true;
		failed = pthread_create(&inside->thread, NULL, worker_thread, inside);
		if (failed)
			inside->claimed = false;
		else
			threads_running++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed)
		return LN_OK;
	join_threads();
	errno = failed;
	return LN_SYSTEM;
}

/* Letters may answer letters, so the boxes are emptied in rounds until a whole round found nothing. Whoever answers
 * for ever is a bug. */
static void drain_boxes(void)
{
	bool any = true;

	for (unsigned round = 0; any; round++) {
		ln_insist(round < DRAIN_ROUNDS);
		any = ln__worker_drain(main_worker);
		for (unsigned i = 0; i < worker_count; i++)
			any |= ln__worker_drain(workers[i]);
		ln_rcu_offline();
		ln_rcu_online();
	}
}

void ln_workers_stop(void)
{
	ln_require(main_worker);
	join_threads();
	drain_boxes();
}

/* --- ln_workers_each --------------------------------------------------------------------------------------------- */

typedef struct visit {
	ln_letter_t letter;
	ln_worker_t *w;
	void (*fn)(ln_worker_t *, void *);
	void *ctx;
	struct visits *all;
} visit_t;

struct visits {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned left;
};

static void on_visit(ln_letter_t *letter)
{
	visit_t *v = LN_CONTAINER(letter, visit_t, letter);
	struct visits *all = v->all;

	v->fn(v->w, v->ctx);
	pthread_mutex_lock(&all->lock);
	all->left--;
	pthread_cond_signal(&all->changed);
	pthread_mutex_unlock(&all->lock);
}

static void visit_by_letter(void (*fn)(ln_worker_t *, void *), void *ctx)
{
	struct visits all = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, worker_count };
	visit_t *visits = ln_new_n(visit_t, worker_count);

	for (unsigned i = 0; i < worker_count; i++) {
		visits[i] = (visit_t){ { NULL, on_visit }, &workers[i]->head, fn, ctx, &all };
		ln_post(visits[i].w, &visits[i].letter);
	}
	ln_rcu_offline();
	pthread_mutex_lock(&all.lock);
	while (all.left > 0)
		pthread_cond_wait(&all.changed, &all.lock);
	pthread_mutex_unlock(&all.lock);
	ln_rcu_online();
	pthread_mutex_destroy(&all.lock);
	pthread_cond_destroy(&all.changed);
	ln_free(visits);
}

static void visit_here(void (*fn)(ln_worker_t *, void *), void *ctx)
{
	ln_worker_t *before = ln_worker_current;

	for (unsigned i = 0; i < worker_count; i++) {
		ln_worker_current = &workers[i]->head;
		ln__worker_read_clock(workers[i]);
		fn(ln_worker_current, ctx);
	}
	ln_worker_current = before;
}

void ln_workers_each(void (*fn)(ln_worker_t *, void *), void *ctx)
{
	ln_require(main_worker);
	if (threads_running > 0)
		visit_by_letter(fn, ctx);
	else
		visit_here(fn, ctx);
}

/* --- the main loop ------------------------------------------------------------------------------------------------ */

void ln_main_loop_run(void)
{
	ln_require(main_worker);
	ln__worker_run(main_worker);
}

void ln_main_loop_stop(void)
{
	ln_require(main_worker);
	ln__worker_leave(main_worker);
}

ln_result_t ln_main_loop_on_signal(int signum, ln_signal_fn fn, void *ctx)
{
	ln_require(main_worker);
	return ln__loop_on_signal(main_worker->loop, signum, fn, ctx);
}
