/* stat.c — which counters there are; adding to them is in the header.
 *
 * Every table gets a run of indices, the same in every worker's array, before the arrays are made. Names are joined
 * here once, for those who print; who counts knows only a number. A reader adds up what each worker has at this moment:
 * sums of one counter are exact once the workers rest, and never tear, but two counters read one after the other are
 * not one instant.
 *
 * Not done: histograms (a module that wants one registers a counter per bucket) and dynamic counters (per client or
 * topic): their number would be the peers' to choose.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linnet/mem.h>
#include <linnet/stat.h>

typedef struct entry {
	char *name;            /* with the prefix */
	const ln_stat_t *stat;
} entry_t;

static entry_t entries[LN_STATS_MAX];
static uint32_t entry_count;

static char *join(const char *prefix, const char *name)
{
	char full[128];
	int n = snprintf(full, sizeof(full), "%s.%s", prefix, name);

	ln_require(n > 0 && (size_t)n < sizeof(full));
	return ln_strdup(full);
}

uint32_t ln_stat_register(const char *prefix, const ln_stat_t *table)
{
	uint32_t base = entry_count;

	ln_require(prefix && table);
	for (; table->name; table++) {
		ln_require(entry_count < LN_STATS_MAX);
		entries[entry_count++] = (entry_t){ join(prefix, table->name), table };
	}
	return base;
}

uint32_t ln_stat_count(void)
{
	return entry_count;
}

static uint64_t read_one(unsigned worker, uint32_t index)
{
	const ln_worker_t *w = ln_worker_at(worker);

	return w && w->counters ? __atomic_load_n(&w->counters[index], __ATOMIC_RELAXED) : 0;
}

uint64_t ln_stat_sum(uint32_t index)
{
	unsigned workers = ln_worker_count();
	uint64_t sum = 0;

	ln_require(index < LN_STATS_MAX);
	if (workers == 0)
		return 0;
	for (unsigned i = 0; i < workers; i++)
		sum += read_one(i, index);
	return sum + read_one(LN_MAIN_INDEX, index);
}

void ln_stat_each(void (*fn)(const char *name, const ln_stat_t *, uint64_t sum, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < entry_count; i++)
		fn(entries[i].name, entries[i].stat, ln_stat_sum(i), ctx);
}

static void print_one(const char *name, const ln_stat_t *stat, uint64_t sum, void *ctx)
{
	FILE *out = ctx;

	if (stat->kind == LN_STAT_GAUGE)
		fprintf(out, "%s %lld\n", name, (long long)sum);
	else
		fprintf(out, "%s %llu\n", name, (unsigned long long)sum);
}

/* Writes and closes OUT; true when every byte got there. */
static bool print_all(FILE *out)
{
	bool good;

	ln_stat_each(print_one, out);
	good = fflush(out) == 0 && !ferror(out);
	return fclose(out) == 0 && good;
}

ln_result_t ln_stat_write(const char *path)
{
	char temporary[4096];
	int saved, n = snprintf(temporary, sizeof(temporary), "%s.new", path);
	FILE *out;

	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return LN_SYSTEM;
	}
	out = fopen(temporary, "we");
	if (!out)
		return LN_SYSTEM;
	if (print_all(out) && rename(temporary, path) == 0)
		return LN_OK;
	saved = errno;
	unlink(temporary);
	errno = saved;
	return LN_SYSTEM;
}

void ln_stats_clear(void)
{
	for (uint32_t i = 0; i < entry_count; i++)
		ln_free(entries[i].name);
	memset(entries, 0, sizeof(entries));
	entry_count = 0;
}
