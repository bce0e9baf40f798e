/* turn.c — one worker and its turns.
 *
 * The loop calls on_begin, on_work and on_end; what happens in between and in which order is the contract of
 * worker.h. Letters are bounded per turn, so that a flood of them delays descriptors and timers by one batch and no
 * more; those that are left make the next poll not block. A letter posted by a letter waits for the next turn for
 * the same reason.
 */
#include <stdatomic.h>
#include <linnet/clock.h>
#include <linnet/mem.h>
#include <linnet/rcu.h>
#include "inside.h"

#define LETTERS_PER_TURN 1024

__thread ln_worker_t *ln_worker_current;

void ln__worker_read_clock(ln__worker_t *inside)
{
	inside->head.now = ln_clock_now();
	inside->head.wall = ln_clock_wall();
}

/* Returns whether a letter was delivered. */
static bool deliver(ln__worker_t *inside)
{
	unsigned left = LETTERS_PER_TURN;

	if (!inside->undelivered)
		inside->undelivered = ln__mail_take(&inside->box);
	while (inside->undelivered && left > 0) {
		ln_letter_t *letter = inside->undelivered;
		inside->undelivered = letter->next;
		left--;
		letter->fn(letter);
	}
	if (inside->undelivered || !ln__mail_empty(&inside->box))
		ln__loop_ring(inside->loop);
	return left < LETTERS_PER_TURN;
}

static void end_turn(ln__worker_t *inside)
{
	for (unsigned i = 0; i < inside->turn_end_count; i++)
		inside->turn_ends[i].fn(&inside->head, inside->turn_ends[i].ctx);
}

static void on_begin(void *owner)
{
	ln__worker_read_clock(owner);
}

static void on_work(void *owner)
{
	ln__worker_t *inside = owner;

	deliver(inside);
	ln__wheel_advance(&inside->wheel, inside->head.now, &inside->head);
	if (atomic_load_explicit(&inside->leaving, memory_order_acquire))
		ln__loop_leave(inside->loop);
}

static void on_end(void *owner)
{
	ln__worker_t *inside = owner;
	uint64_t next;

	end_turn(inside);
	next = ln__wheel_next(&inside->wheel);
	if (next != LN__WHEEL_NEVER)
		ln__loop_wake_at(inside->loop, next, inside->head.now);
}

static const ln__loop_calls_t calls = {
	.begin = on_begin,
	.work = on_work,
	.end = on_end,
	.before_poll = ln_rcu_offline,
	.after_poll = ln_rcu_online
};

void ln__worker_init(ln__worker_t *inside, unsigned index, size_t read_size)
{
	ln_worker_t *w = &inside->head;

	w->magic = LN__WORKER_MAGIC;
	w->index = index;
	w->read_buf = ln_alloc(read_size);
	w->read_size = read_size;
	ln__worker_read_clock(inside);
	ln__wheel_init(&inside->wheel, w->now);
	inside->loop = ln__loop_create(&calls, inside);
}

void ln__worker_fini(ln__worker_t *inside)
{
	ln__loop_destroy(inside->loop);
	ln_free(inside->turn_ends);
	ln_free(inside->head.read_buf);
	inside->head.magic = 0;
}

void ln__worker_run(ln__worker_t *inside)
{
	ln_worker_t *before = ln_worker_current;

	ln_worker_current = &inside->head;
	inside->claimed = true;
	ln__worker_read_clock(inside);
	ln__loop_run(inside->loop, LN__LOOP_UNTIL_LEFT);
	end_turn(inside);
	ln_worker_current = before;
	inside->claimed = false;
	atomic_store_explicit(&inside->leaving, false, memory_order_relaxed);
}

void ln__worker_leave(ln__worker_t *inside)
{
	atomic_store_explicit(&inside->leaving, true, memory_order_release);
	ln__loop_ring(inside->loop);
}

bool ln__worker_drain(ln__worker_t *inside)
{
	ln_worker_t *before = ln_worker_current;
	bool any;

	ln_worker_current = &inside->head;
	ln__worker_read_clock(inside);
	any = deliver(inside);
	end_turn(inside);
	ln_worker_current = before;
	return any;
}

void ln_worker_turn(ln_worker_t *w, bool block)
{
	ln__worker_t *inside = ln__worker_here(w);
	ln_worker_t *before = ln_worker_current;

	ln_worker_current = w;
	ln__loop_run(inside->loop, block ? LN__LOOP_ONE_TURN : LN__LOOP_ONE_GLANCE);
	end_turn(inside);
	ln_worker_current = before;
}

void ln_worker_on_turn_end(ln_worker_t *w, ln_turn_fn fn, void *ctx)
{
	ln__worker_t *inside = ln__worker_here(w);

	inside->turn_ends = ln_realloc(inside->turn_ends, (inside->turn_end_count + 1) * sizeof(*inside->turn_ends));
	inside->turn_ends[inside->turn_end_count++] = (ln__turn_end_t){ fn, ctx };
}

void ln_worker_again(ln_worker_t *w)
{
	ln__loop_ring(ln__worker_here(w)->loop);
}

void ln_post(ln_worker_t *to, ln_letter_t *letter)
{
	ln__worker_t *inside = ln__worker(to);

	ln_require(letter->fn);
	if (ln__mail_push(&inside->box, letter))
		ln__loop_ring(inside->loop);
}

void ln_io_set(ln_worker_t *w, ln_io_t *io, int fd, unsigned events)
{
	ln_require(io->fn && fd >= 0 && (events & ~(LN_IO_READ | LN_IO_WRITE)) == 0);
	ln__loop_watch(ln__worker_here(w)->loop, io, fd, events);
}

void ln_io_stop(ln_worker_t *w, ln_io_t *io)
{
	ln__loop_unwatch(ln__worker_here(w)->loop, io);
}

void ln_io_release(ln_worker_t *w, ln_io_t *io)
{
	ln__loop_release(ln__worker_here(w)->loop, io);
}

void ln_timer_set(ln_worker_t *w, ln_timer_t *t, uint64_t delay, ln_timer_fn fn)
{
	ln__worker_t *inside = ln__worker_here(w);

	ln__wheel_remove(&inside->wheel, t);
	t->fn = fn;
	t->due = delay < LN__WHEEL_END ? w->now + delay : LN__WHEEL_END;
	ln__wheel_add(&inside->wheel, t);
}

void ln_timer_cancel(ln_worker_t *w, ln_timer_t *t)
{
	ln__wheel_remove(&ln__worker_here(w)->wheel, t);
}
