/* loop.h — libev behind six verbs: create, run, leave, ring, wake, watch (and their undoing).
 *
 * Whoever wants another loop under the workers (a simulator with a virtual clock) replaces loop.c; nothing else
 * knows ev.h. A turn calls its owner three times: begin right after the poll, work after the ready descriptors'
 * functions, end just before the next poll.
 */
#ifndef LN_LOOP_LOOP_H
#define LN_LOOP_LOOP_H

#include <linnet/worker.h>

typedef struct ln__loop ln__loop_t;

typedef struct ln__loop_calls {
	void (*begin)(void *owner);
	void (*work)(void *owner);
	void (*end)(void *owner);
	void (*before_poll)(void);       /* around the system call and nowhere else */
	void (*after_poll)(void);
} ln__loop_calls_t;

typedef enum ln__loop_mode {
	LN__LOOP_UNTIL_LEFT,             /* until ln__loop_leave */
	LN__LOOP_ONE_TURN,               /* one poll, which may block */
	LN__LOOP_ONE_GLANCE              /* one poll that does not block */
} ln__loop_mode_t;

/* Never NULL. CALLS is borrowed for ever. */
ln__loop_t *ln__loop_create(const ln__loop_calls_t *calls, void *owner);
/* Requires: not running; no ln_io_t watches any more. Accepts NULL. */
void ln__loop_destroy(ln__loop_t *loop);
void ln__loop_run(ln__loop_t *loop, ln__loop_mode_t mode);
/* Ends ln__loop_run after this turn. Thread: the one that runs. */
void ln__loop_leave(ln__loop_t *loop);
/* The poll of LOOP returns, or the next one does not block. Thread: any. */
void ln__loop_ring(ln__loop_t *loop);
/* The poll returns at DUE at the latest, NOW being the time the turn began (both ms). A wake-up set for an earlier
 * time stays: it costs one idle turn, while moving it would cost something every time. */
void ln__loop_wake_at(ln__loop_t *loop, uint64_t due, uint64_t now);
/* Calls FN(SIGNAL, CTX) in the turn after SIGNAL came; another FN replaces the first. Returns LN_INVALID for what is
 * no signal. */
ln_result_t LN_MUST_USE ln__loop_on_signal(ln__loop_t *loop, int signal, ln_signal_fn fn, void *ctx);
/* What ln_io_set and ln_io_stop do. */
void ln__loop_watch(ln__loop_t *loop, ln_io_t *io, int fd, unsigned events);
void ln__loop_unwatch(ln__loop_t *loop, ln_io_t *io);
/* What ln_io_release does. */
void ln__loop_release(ln__loop_t *loop, ln_io_t *io);

#endif
