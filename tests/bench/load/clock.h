/* clock.h - one clock for everything that is timed: monotonic, in nanoseconds. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define BENCH_US UINT64_C(1000)
#define BENCH_MS UINT64_C(1000000)
#define BENCH_S  UINT64_C(1000000000)

/* Returns: nanoseconds since some fixed moment. Costs about 30 ns: once per read or batch, never once per message. */
static inline uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * BENCH_S + (uint64_t)t.tv_nsec;
}

#endif
