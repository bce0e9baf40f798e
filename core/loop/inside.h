/* inside.h — what a worker looks like inside. */
#ifndef LN_LOOP_INSIDE_H
#define LN_LOOP_INSIDE_H

#include <pthread.h>
#include <linnet/worker.h>
#include "loop.h"
#include "mail.h"
#include "wheel.h"

#define LN__WORKER_MAGIC UINT32_C(0x574f524b)
#define LN__CACHE_LINE 64

typedef struct ln__turn_end {
	ln_turn_fn fn;
	void *ctx;
} ln__turn_end_t;

/* The slots (ln_worker_slot_reserve) lie behind it, in the same block. */
typedef struct ln__worker {
	ln_worker_t head;                                    /* first: the public part */
	ln__loop_t *loop;
	ln_letter_t *undelivered;                            /* out of the box, oldest first */
	ln__turn_end_t *turn_ends;
	unsigned turn_end_count;
	pthread_t thread;
	bool claimed;                                        /* runs, or is about to: its thread alone may touch it */
	_Alignas(LN__CACHE_LINE) ln__mailbox_t box;          /* written by everybody: on a line of its own, with … */
	_Atomic bool leaving;                                /* … what is written once */
	_Alignas(LN__CACHE_LINE) ln__wheel_t wheel;
} ln__worker_t;

static inline ln__worker_t *ln__worker(ln_worker_t *w)
{
	ln_require(LN_MAGIC_OK(w, LN__WORKER_MAGIC));
	return (ln__worker_t *)(void *)w;
}

/* The same where only W's own thread may come (or main, as long as W does not run). */
static inline ln__worker_t *ln__worker_here(ln_worker_t *w)
{
	ln__worker_t *inside = ln__worker(w);

	ln_require(ln_worker_current == w || !inside->claimed);
	return inside;
}

/* --- turn.c: one worker and its turns --------------------------------------------------------------------------- */

/* Makes a worker in a zeroed BLOCK of at least sizeof(ln__worker_t). */
void ln__worker_init(ln__worker_t *inside, unsigned index, size_t read_size);
void ln__worker_fini(ln__worker_t *inside);
/* Reads now and wall, as the loop does at the beginning of a turn. */
void ln__worker_read_clock(ln__worker_t *inside);
/* Runs the loop on the calling thread, which is W's for that time, until ln__worker_leave. */
void ln__worker_run(ln__worker_t *inside);
/* Thread: any. */
void ln__worker_leave(ln__worker_t *inside);
/* Reads the clock, delivers what is in the box, runs the turn-end functions, all without the loop. Returns whether
 * there was a letter. */
bool ln__worker_drain(ln__worker_t *inside);

#endif
