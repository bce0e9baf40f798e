/* rcu_builtin.c — linnet/rcu.h as a small QSBR of our own (LN_RCU_BUILTIN), for builds under ThreadSanitizer.
 *
 * Debian's liburcu orders memory by inline assembly, which the sanitizer cannot see: every free after a grace period
 * looks like a race. Here everything is C11 atomics. Time is cut into epochs. A reader online shows the epoch in
 * which it last came online; a reclaimer thread begins a new epoch for each batch of callbacks and runs them when
 * every reader is offline or shows the new one.
 *
 * Both sides use read-modify-write operations on the same word, so either the reclaimer sees the reader, or the
 * reader sees everything that was published before the epoch began; no fences, which the sanitizer does not
 * understand either. The reclaimer sleeps between looks: what counts here is being right, liburcu is there for
 * speed.
 */
#ifdef LN_RCU_BUILTIN

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <linnet/list.h>
#include <linnet/mem.h>
#include "rcu_start.h"

#define LOOK_EVERY_NS 200000

typedef struct reader {
	ln_node_t node;
	_Atomic uint64_t seen;           /* 0: offline */
} reader_t;

static _Atomic uint64_t epoch = 1;
static __thread reader_t *self;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* readers, the queue, the counts */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static ln_list_t readers = { &readers, &readers };
static ln_rcu_head_t *queue, **queue_end = &queue;
static uint64_t handed_over, done;
static bool running;

static ln_rcu_head_t **link_of(ln_rcu_head_t *head)
{
	return (ln_rcu_head_t **)(void *)head->room;
}

static bool all_readers_passed(uint64_t since)
{
	bool passed = true;

	pthread_mutex_lock(&lock);
	for (ln_node_t *n = readers.next; n != &readers && passed; n = n->next) {
		uint64_t seen = atomic_fetch_add(&LN_CONTAINER(n, reader_t, node)->seen, 0);
		passed = seen == 0 || seen >= since;
	}
	pthread_mutex_unlock(&lock);
	return passed;
}

static void wait_for_readers(void)
{
	static const struct timespec pause = { .tv_nsec = LOOK_EVERY_NS };
	uint64_t since = atomic_fetch_add(&epoch, 1) + 1;

	while (!all_readers_passed(since))
		nanosleep(&pause, NULL);
}

static ln_rcu_head_t *take_batch(uint64_t *ret_count)
{
	ln_rcu_head_t *batch;

	pthread_mutex_lock(&lock);
	while (!queue)
		pthread_cond_wait(&changed, &lock);
	batch = queue;
	queue = NULL;
	queue_end = &queue;
	*ret_count = handed_over;
	pthread_mutex_unlock(&lock);
	return batch;
}

static void *reclaim(void *unused)
{
	for (;;) {
		uint64_t count;
		ln_rcu_head_t *head = take_batch(&count);

		wait_for_readers();
		while (head) {
			ln_rcu_head_t *next = *link_of(head);
			head->fn(head);
			head = next;
		}
		pthread_mutex_lock(&lock);
		done = count;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return unused;
}

/* Requires: lock. */
static void start_reclaimer(void)
{
	sigset_t all, before;
	pthread_t thread;

	if (running)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ln_insist(pthread_create(&thread, NULL, reclaim, NULL) == 0);
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	running = true;
}

void ln__rcu_start(void)
{
	pthread_mutex_lock(&lock);
	start_reclaimer();
	pthread_mutex_unlock(&lock);
}

void ln_rcu_call(ln_rcu_head_t *head, ln_rcu_fn fn)
{
	head->fn = fn;
	*link_of(head) = NULL;
	pthread_mutex_lock(&lock);
	start_reclaimer();
	*queue_end = head;
	queue_end = link_of(head);
	handed_over++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void ln_rcu_barrier(void)
{
	bool online = self && atomic_load(&self->seen) != 0;
	uint64_t until;

	if (online)
		ln_rcu_offline();
	pthread_mutex_lock(&lock);
	until = handed_over;
	while (done < until)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	if (online)
		ln_rcu_online();
}

void ln_rcu_register(void)
{
	ln_require(!self);
	self = ln_new(reader_t);
	pthread_mutex_lock(&lock);
	ln_list_append(&readers, &self->node);
	pthread_mutex_unlock(&lock);
	ln_rcu_online();
}

void ln_rcu_unregister(void)
{
	ln_require(self);
	pthread_mutex_lock(&lock);
	ln_list_remove(&self->node);
	pthread_mutex_unlock(&lock);
	ln_free(self);
	self = NULL;
}

void ln_rcu_offline(void)
{
	ln_require(self);
	atomic_exchange(&self->seen, 0);
}

void ln_rcu_online(void)
{
	ln_require(self);
	atomic_exchange(&self->seen, atomic_load(&epoch));
}

#endif
