/* wheel.c — timers in O(1).
 *
 * A timer lies on the level of the highest six-bit digit in which its due time differs from the wheel's own time, in
 * the slot that digit names. So a slot in use is always ahead of the hand on its level, no level ever wraps around,
 * and everything on a lower level is due before anything on a higher one: the next thing to do is the first busy
 * slot of the lowest busy level, two bit scans away. When the hand reaches a slot above level 0, its timers cascade:
 * each moves at least one level down, seven times at most in its life.
 *
 * A heap was not taken: with a keep-alive for each of a hundred thousand clients moved at every packet, O(log n)
 * with a cache miss per level is what would show. The price is a few idle wake-ups at cascades.
 */
#include "wheel.h"

#define DIGIT(time, level) ((unsigned)((time) >> ((level) * LN__WHEEL_BITS)) & (LN__WHEEL_SLOTS - 1))

void ln__wheel_init(ln__wheel_t *wheel, uint64_t now)
{
	ln_require(now < LN__WHEEL_END);
	wheel->at = now;
	ln_list_init(&wheel->late);
	ln_list_init(&wheel->firing);
	for (unsigned level = 0; level < LN__WHEEL_LEVELS; level++) {
		wheel->busy[level] = 0;
		for (unsigned s = 0; s < LN__WHEEL_SLOTS; s++)
			ln_list_init(&wheel->slot[level][s]);
	}
}

/* Puts T where it belongs; into PASSED when it is due at the wheel's time or before. */
static void place(ln__wheel_t *wheel, ln_timer_t *t, ln_list_t *passed)
{
	uint64_t due = t->due < LN__WHEEL_END ? t->due : LN__WHEEL_END - 1;
	unsigned level, s;

	if (due <= wheel->at) {
		ln_list_append(passed, &t->node);
		return;
	}
	level = (63u - (unsigned)__builtin_clzll(due ^ wheel->at)) / LN__WHEEL_BITS;
	s = DIGIT(due, level);
	ln_list_append(&wheel->slot[level][s], &t->node);
	wheel->busy[level] |= UINT64_C(1) << s;
}

void ln__wheel_add(ln__wheel_t *wheel, ln_timer_t *t)
{
	place(wheel, t, &wheel->late);
}

void ln__wheel_remove(ln__wheel_t *wheel, ln_timer_t *t)
{
	const ln_node_t *head = t->node.next;
	size_t place;

	if (!ln_timer_pending(t))
		return;
	if (head == t->node.prev) {
		/* Alone in its list, so its neighbour is the list's head, and that says which slot is empty from now
		 * on. */
		place = ((uintptr_t)head - (uintptr_t)wheel->slot) / sizeof(ln_list_t);
		if (place < LN__WHEEL_LEVELS * LN__WHEEL_SLOTS)
			wheel->busy[place / LN__WHEEL_SLOTS] &= ~(UINT64_C(1) << place % LN__WHEEL_SLOTS);
	}
	ln_list_remove(&t->node);
}

/* The lowest level with a busy slot, LN__WHEEL_LEVELS when there is none. */
static unsigned lowest_busy(const ln__wheel_t *wheel)
{
	unsigned level = 0;

	while (level < LN__WHEEL_LEVELS && wheel->busy[level] == 0)
		level++;
	return level;
}

/* When the hand reaches the first busy slot of LEVEL. */
static uint64_t slot_time(const ln__wheel_t *wheel, unsigned level)
{
	unsigned shift = level * LN__WHEEL_BITS;
	uint64_t above = wheel->at >> (shift + LN__WHEEL_BITS) << (shift + LN__WHEEL_BITS);

	return above | (uint64_t)__builtin_ctzll(wheel->busy[level]) << shift;
}

uint64_t ln__wheel_next(const ln__wheel_t *wheel)
{
	unsigned level;

	if (!ln_list_empty(&wheel->late) || !ln_list_empty(&wheel->firing))
		return wheel->at;
	level = lowest_busy(wheel);
	return level < LN__WHEEL_LEVELS ? slot_time(wheel, level) : LN__WHEEL_NEVER;
}

/* The hand is on the first busy slot of LEVEL: what is due now is to fire, the rest moves down. */
static void open_slot(ln__wheel_t *wheel, unsigned level)
{
	unsigned s = (unsigned)__builtin_ctzll(wheel->busy[level]);
	ln_node_t *n;

	wheel->busy[level] &= ~(UINT64_C(1) << s);
	if (level == 0) {
		ln_list_move(&wheel->firing, &wheel->slot[level][s]);
		return;
	}
	while ((n = ln_list_take(&wheel->slot[level][s])) != NULL)
		place(wheel, LN_CONTAINER(n, ln_timer_t, node), &wheel->firing);
}

void ln__wheel_advance(ln__wheel_t *wheel, uint64_t now, ln_worker_t *w)
{
	unsigned level;
	ln_node_t *n;

	ln_list_move(&wheel->firing, &wheel->late);
	while ((level = lowest_busy(wheel)) < LN__WHEEL_LEVELS && slot_time(wheel, level) <= now) {
		wheel->at = slot_time(wheel, level);
		open_slot(wheel, level);
	}
	if (wheel->at < now)
		wheel->at = now;
	while ((n = ln_list_take(&wheel->firing)) != NULL) {
		ln_timer_t *t = LN_CONTAINER(n, ln_timer_t, node);
		if (LN_LIKELY(t->due <= now))
			t->fn(w, t);
		else
			place(wheel, t, &wheel->late); /* the clock went back: tests do that */
	}
}
