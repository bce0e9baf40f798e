/* stat.h — counters: one plain add in the worker's own memory; readers sum.
 *
 * A table names a module's counters (name, kind, one sentence). Registering it gives the table its first index, the
 * same in every worker's array. Only the owning worker writes; ln_stat_sum reads all arrays relaxed. Gauges are
 * counters that go down again: what one worker adds another may subtract; only the sum means something.
 */
#ifndef LINNET_STAT_H
#define LINNET_STAT_H

#include <linnet/worker.h>

typedef enum ln_stat_kind { LN_STAT_COUNTER, LN_STAT_GAUGE } ln_stat_kind_t;

typedef struct ln_stat {
	const char *name;            /* without the module's prefix: "publish_in" */
	ln_stat_kind_t kind;
	const char *help;
} ln_stat_t;

#define LN_STAT_END { NULL, LN_STAT_COUNTER, NULL }

/* Adds TABLE (ended by LN_STAT_END) under PREFIX ("echo"), at most LN_STATS_MAX in all. Before workers are created.
 * Returns the first index. */
uint32_t ln_stat_register(const char *prefix, const ln_stat_t *table);

/* Thread: W's. */
static inline void ln_stat_add(ln_worker_t *w, uint32_t index, uint64_t n)
{
	uint64_t *c = &w->counters[index];
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void ln_stat_sub(ln_worker_t *w, uint32_t index, uint64_t n)
{
	ln_stat_add(w, index, (uint64_t)0 - n);
}

/* The sum over all workers and the main loop. Thread: any. */
uint64_t ln_stat_sum(uint32_t index);
/* Walks all counters in order of registration: FN(full name "echo.bytes_in", table line, sum, ctx). Thread: main. */
void ln_stat_each(void (*fn)(const char *name, const ln_stat_t *, uint64_t sum, void *ctx), void *ctx);
/* Writes "name value" lines to PATH, by a temporary file renamed over it. Thread: main. */
ln_result_t LN_MUST_USE ln_stat_write(const char *path);
/* How many are registered. */
uint32_t ln_stat_count(void);
/* Tests: forget all tables. */
void ln_stats_clear(void);

#endif
