/* hist.h - a log-linear histogram of nanoseconds.
 *
 * Every power of two is cut into 32 equal buckets, so a value is kept within 3 % and adding one is a count of leading
 * zeros and an increment: cheap enough to add every message, so percentiles are of all messages and not of a sample.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define BENCH_HIST_SUB_BITS 5
#define BENCH_HIST_SUB      (1u << BENCH_HIST_SUB_BITS)
#define BENCH_HIST_BUCKETS  ((64 - BENCH_HIST_SUB_BITS + 1) * BENCH_HIST_SUB)

typedef struct bench_hist {
	uint64_t count;
	uint64_t max;
	uint64_t bucket[BENCH_HIST_BUCKETS];
} bench_hist_t;

/* Returns: the bucket that VALUE falls into. */
static inline unsigned bench_hist_bucket(uint64_t value)
{
	unsigned shift;

	if (value < BENCH_HIST_SUB)
		return (unsigned)value;
	shift = 63 - BENCH_HIST_SUB_BITS - (unsigned)__builtin_clzll(value);
	return (shift + 1) * BENCH_HIST_SUB + (unsigned)((value >> shift) & (BENCH_HIST_SUB - 1));
}

static inline void bench_hist_add(bench_hist_t *hist, uint64_t value)
{
	hist->count++;
	if (value > hist->max)
		hist->max = value;
	hist->bucket[bench_hist_bucket(value)]++;
}

/* Returns: the value that the PART (0 to 1) of all values does not exceed, rounded up to its bucket's end; 0 when
 * nothing was added. */
uint64_t bench_hist_quantile(const bench_hist_t *hist, double part);

#endif
