/* wheel.h — a hierarchical timing wheel, one per worker.
 *
 * Eight levels of 64 slots; a tick is a millisecond, so the wheel reaches 2⁴⁸ ms (8,900 years) and nothing lies
 * beyond it. It knows no clock: its owner tells it the time. Single-threaded.
 */
#ifndef LN_LOOP_WHEEL_H
#define LN_LOOP_WHEEL_H

#include <linnet/worker.h>

#define LN__WHEEL_BITS 6
#define LN__WHEEL_SLOTS (1u << LN__WHEEL_BITS)
#define LN__WHEEL_LEVELS 8
#define LN__WHEEL_END (UINT64_C(1) << (LN__WHEEL_BITS * LN__WHEEL_LEVELS))
#define LN__WHEEL_NEVER UINT64_MAX

typedef struct ln__wheel {
	uint64_t at;                                      /* all timers due until AT, inclusive, have been fired … */
	ln_list_t late;                                   /* … but these, set when they were due already */
	ln_list_t firing;                                 /* taken out by the running ln__wheel_advance */
	uint64_t busy[LN__WHEEL_LEVELS];                  /* bit s: slot s holds timers */
	ln_list_t slot[LN__WHEEL_LEVELS][LN__WHEEL_SLOTS];
} ln__wheel_t;

void ln__wheel_init(ln__wheel_t *wheel, uint64_t now);
/* Puts T in at t->due (later than the wheel's end: at its end). Requires: T is not pending. */
void ln__wheel_add(ln__wheel_t *wheel, ln_timer_t *t);
/* Accepts a timer that is not pending. */
void ln__wheel_remove(ln__wheel_t *wheel, ln_timer_t *t);
/* When ln__wheel_advance has something to do next: never later than the earliest timer, earlier by a cascade at most.
 * LN__WHEEL_NEVER: no timer is set. O(1). */
uint64_t ln__wheel_next(const ln__wheel_t *wheel);
/* Fires, as FN(W, timer), what is due at NOW, earliest first. Timers set meanwhile wait for the next call, even when
 * due. */
void ln__wheel_advance(ln__wheel_t *wheel, uint64_t now, ln_worker_t *w);

#endif
