/* worker.h — threads that serve: loops, letters, timers, jobs, RCU.
 *
 * A worker is one thread with one event loop, one mailbox, one timing wheel, its own counters and one shared read
 * buffer. Nothing per client is ever a thread. Every object has a home worker and is touched by that thread alone.
 * Between workers there are three verbs: post a letter, ref/unref a sealed message, read under RCU.
 *
 * A turn of the loop: poll (RCU offline) → clock read once → input of ready descriptors → letters → due timers →
 * turn-end functions, in the order they were added (connections are flushed there). Nothing borrowed survives the
 * return to the loop.
 *
 * Worker state: before the workers are created, every floor and module that wants memory per worker reserves a slot;
 * the block is zeroed, allocated with the worker, and found at a fixed offset.
 *
 * Besides the workers there is the main loop (ln_main_loop_…), for signals and administration; it is a worker
 * without an index (LN_MAIN_INDEX) that letters can be posted to.
 */
#ifndef LINNET_WORKER_H
#define LINNET_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linnet/result.h>
#include <linnet/list.h>

#define LN_WORKERS_MAX 256
#define LN_MAIN_INDEX LN_WORKERS_MAX
#define LN_STATS_MAX 512

typedef struct ln_worker {
	uint32_t magic;
	uint32_t index;          /* 0 … ln_worker_count()-1, or LN_MAIN_INDEX */
	uint64_t now;            /* monotonic milliseconds, read once per turn */
	uint64_t wall;           /* milliseconds since 1970, read once per turn */
	uint64_t *counters;      /* LN_STATS_MAX of them, see stat.h */
	uint8_t *read_buf;       /* shared by all that reads on this worker, valid until the return to the loop */
	size_t read_size;
} ln_worker_t;

extern __thread ln_worker_t *ln_worker_current;

/* The worker of this thread, NULL on a job thread. */
static inline ln_worker_t *ln_worker_self(void)
{
	return ln_worker_current;
}

/* How many workers there are (the main loop not counted), and the one with INDEX (LN_MAIN_INDEX: the main loop).
 * Thread: any. */
unsigned ln_worker_count(void);
ln_worker_t *ln_worker_at(unsigned index);

/* Reserves SIZE zeroed bytes in every worker's block (the main loop's too). Before ln_workers_create only. Returns
 * the offset for ln_worker_slot. */
size_t ln_worker_slot_reserve(size_t size);
static inline void *ln_worker_slot(ln_worker_t *w, size_t offset)
{
	return (char *)w + offset;
}

/* --- life, called by core/main and tests ------------------------------------------------------------------- */

/* Makes COUNT workers and the main loop (the calling thread becomes it, RCU registered); no thread runs yet.
 * READ_SIZE bytes each. */
void ln_workers_create(unsigned count, size_t read_size);
/* Starts the threads. Requires: created. */
ln_result_t LN_MUST_USE ln_workers_start(void);
/* Runs FN(w, ctx) on every worker's own thread (not the main loop's), on all of them at once, and returns when all
 * have. Works before start too (then one after the other on this thread, with ln_worker_current set). Whoever waits
 * here or in ln_workers_stop and ln_jobs_stop is offline for RCU meanwhile. Thread: main. */
void ln_workers_each(void (*fn)(ln_worker_t *, void *), void *ctx);
/* Stops all loops, joins the threads. Letters still in boxes, and those they cause, are then delivered on the
 * calling thread with ln_worker_current set, the main loop's too; turn-end functions run after them, timers do not.
 * Thread: main. */
void ln_workers_stop(void);
/* Waits for RCU and frees the workers; slots stay reserved. Requires: stopped; nothing watches or ticks on them any
 * more. */
void ln_workers_destroy(void);
/* Runs the main loop until ln_main_loop_stop. Thread: main. */
void ln_main_loop_run(void);
/* Thread: any. */
void ln_main_loop_stop(void);
/* Calls FN on the main loop when SIGNAL arrives (as an ordinary callback, not in signal context). Thread: main. */
typedef void (*ln_signal_fn)(int signal, void *ctx);
ln_result_t LN_MUST_USE ln_main_loop_on_signal(int signal, ln_signal_fn fn, void *ctx);
/* One turn of W's loop on the calling thread, without blocking when BLOCK is false; turn-end functions run before
 * the poll and once more at the end. For tests. */
void ln_worker_turn(ln_worker_t *w, bool block);

/* FN(worker, ctx) runs at the end of every turn of W, just before the next poll. Thread: W's, or main before start. */
typedef void (*ln_turn_fn)(ln_worker_t *, void *ctx);
void ln_worker_on_turn_end(ln_worker_t *w, ln_turn_fn fn, void *ctx);
/* Asks for another turn at once (the poll will not block). Thread: W's. */
void ln_worker_again(ln_worker_t *w);

/* --- letters ------------------------------------------------------------------------------------------------ */

/* Embedded in what is sent. Posting never allocates and never blocks; only the letter that finds the box empty rings
 * the bell. Letters of one sender arrive in order. FN runs on the receiver's thread and owns the letter's container
 * from then on. */
typedef struct ln_letter ln_letter_t;
typedef void (*ln_letter_fn)(ln_letter_t *);
struct ln_letter {
	ln_letter_t *next;
	ln_letter_fn fn;
};
/* Requires: LETTER is not under way; letter->fn set. Takes LETTER's container until fn. Thread: any (job threads
 * too). */
void ln_post(ln_worker_t *to, ln_letter_t *letter);

/* --- descriptors -------------------------------------------------------------------------------------------- */

#define LN_IO_READ 1u
#define LN_IO_WRITE 2u

/* Watches one descriptor for one worker. Embedded; zeroed is "not watching". The room for the loop's own watcher is
 * opaque. */
typedef struct ln_io ln_io_t;
typedef void (*ln_io_fn)(ln_io_t *, unsigned events);
struct ln_io {
	ln_io_fn fn;
	_Alignas(void *) char room[64];  /* char: may hold an object of any type */
};
/* Watches FD for EVENTS (0: none for now); again with other events to change. Thread: W's. */
void ln_io_set(ln_worker_t *w, ln_io_t *io, int fd, unsigned events);
/* Stops watching; the same IO may then be set on another worker. Accepts one that is not watching. Thread: W's. */
void ln_io_stop(ln_worker_t *w, ln_io_t *io);
/* The same for a descriptor that another thread goes on with, or closes: when this returns nothing of it is left here,
 * at the price of a system call. Nothing else on W may watch the descriptor. Thread: W's. */
void ln_io_release(ln_worker_t *w, ln_io_t *io);

/* --- timers ------------------------------------------------------------------------------------------------- */

/* One shot on the worker's timing wheel, granularity one millisecond, O(1) to set and cancel. Zeroed is "not set". */
typedef struct ln_timer ln_timer_t;
typedef void (*ln_timer_fn)(ln_worker_t *, ln_timer_t *);
struct ln_timer {
	ln_node_t node;
	uint64_t due;        /* ms, on worker->now's scale */
	ln_timer_fn fn;
};
/* Fires FN in DELAY ms from worker->now (0: in the next turn). Moves a timer already set. Thread: W's. */
void ln_timer_set(ln_worker_t *w, ln_timer_t *t, uint64_t delay, ln_timer_fn fn);
void ln_timer_cancel(ln_worker_t *w, ln_timer_t *t);
static inline bool ln_timer_pending(const ln_timer_t *t)
{
	return ln_node_linked(&t->node);
}

/* --- jobs --------------------------------------------------------------------------------------------------- */

/* Blocking work (disk, names, hashing passwords) on a small pool of job threads; done by letter at HOME. */
typedef struct ln_job ln_job_t;
struct ln_job {
	ln_letter_t letter;
	ln_worker_t *home;
	void (*work)(ln_job_t *);  /* on a job thread */
	void (*done)(ln_job_t *);  /* on home */
	ln_job_t *next;
};
/* Starts THREADS job threads (at least 1); ln_jobs_stop finishes what is queued. While no pool runs, ln_job_submit
 * does the work on the spot; done comes by letter all the same. Thread: main. */
void ln_jobs_start(unsigned threads);
void ln_jobs_stop(void);
/* Requires: home, work, done set. Takes JOB's container until done. Thread: any. */
void ln_job_submit(ln_job_t *job);

#endif
