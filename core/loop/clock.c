/* clock.c — the two clocks of the system, and their replacements in tests.
 *
 * Milliseconds are enough for a broker and fit one word. The replacement is an atomic pointer because workers read
 * the clock while a test changes it.
 */
#include <stdatomic.h>
#include <time.h>
#include <linnet/clock.h>
#include <linnet/result.h>

typedef uint64_t (*clock_fn)(void);

static _Atomic(clock_fn) now_instead, wall_instead;

static uint64_t read_ms(clockid_t which)
{
	struct timespec t;

	ln_insist(clock_gettime(which, &t) == 0);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t ln_clock_now(void)
{
	clock_fn fn = atomic_load_explicit(&now_instead, memory_order_acquire);

	return LN_UNLIKELY(fn != NULL) ? fn() : read_ms(CLOCK_MONOTONIC);
}

uint64_t ln_clock_wall(void)
{
	clock_fn fn = atomic_load_explicit(&wall_instead, memory_order_acquire);

	return LN_UNLIKELY(fn != NULL) ? fn() : read_ms(CLOCK_REALTIME);
}

void ln_clock_replace(uint64_t (*fn)(void))
{
	atomic_store_explicit(&now_instead, fn, memory_order_release);
}

void ln_clock_replace_wall(uint64_t (*fn)(void))
{
	atomic_store_explicit(&wall_instead, fn, memory_order_release);
}
