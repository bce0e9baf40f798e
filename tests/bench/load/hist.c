/* hist.c - reads quantiles out of the histogram; adding is inline in hist.h because it happens once per message. */
#include "hist.h"

/* The largest value that bucket I holds. */
static uint64_t bucket_end(unsigned i)
{
	unsigned shift;

	if (i < BENCH_HIST_SUB)
		return i;
	shift = i / BENCH_HIST_SUB - 1;
	return ((uint64_t)(BENCH_HIST_SUB + i % BENCH_HIST_SUB + 1) << shift) - 1;
}

uint64_t bench_hist_quantile(const bench_hist_t *hist, double part)
{
	uint64_t rank = (uint64_t)(part * (double)hist->count + 0.5), sum = 0;

	if (hist->count == 0)
		return 0;
	for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++) {
		sum += hist->bucket[i];
		if (sum >= rank && sum > 0)
			return bucket_end(i) < hist->max ? bucket_end(i) : hist->max;
	}
	return hist->max;
}
