/* Counters of several workers, summed and written. */
#include <errno.h>
#include <stdio.h>
#include <linnet/stat.h>
#include "support/unit.h"

static const ln_stat_t mqtt[] = {
	{ "publish_in", LN_STAT_COUNTER, "Publishes taken." },
	{ "clients", LN_STAT_GAUGE, "Clients there now." },
	LN_STAT_END,
};
static const ln_stat_t tls[] = { { "handshakes", LN_STAT_COUNTER, "Handshakes." }, LN_STAT_END };

START_TEST(indices_follow_registration)
{
	ck_assert_uint_eq(ln_stat_register("mqtt", mqtt), 0);
	ck_assert_uint_eq(ln_stat_register("tls", tls), 2);
	ck_assert_uint_eq(ln_stat_count(), 3);
	ck_assert_uint_eq(ln_stat_sum(2), 0);
	ln_stats_clear();
	ck_assert_uint_eq(ln_stat_register("tls", tls), 0);
}
END_TEST

START_TEST(sums_over_workers_and_main)
{
	uint32_t base = ln_stat_register("mqtt", mqtt);

	ln_workers_create(2, 4096);
	ln_stat_add(ln_worker_at(0), base, 5);
	ln_stat_add(ln_worker_at(1), base, 7);
	ln_stat_add(ln_worker_at(LN_MAIN_INDEX), base, 100);
	ck_assert_uint_eq(ln_stat_sum(base), 112);
	/* One worker adds what another takes away. */
	ln_stat_add(ln_worker_at(0), base + 1, 3);
	ln_stat_sub(ln_worker_at(1), base + 1, 2);
	ck_assert_uint_eq(ln_stat_sum(base + 1), 1);
	ln_workers_destroy();
}
END_TEST

static void join(const char *name, const ln_stat_t *stat, uint64_t sum, void *ctx)
{
	char *words = ctx;

	sprintf(words + strlen(words), "%s=%u/%d ", name, (unsigned)sum, (int)stat->kind);
}

START_TEST(walks_with_full_names)
{
	char words[256] = "";

	ln_stat_register("mqtt", mqtt);
	ln_stat_register("tls", tls);
	ln_workers_create(1, 4096);
	ln_stat_add(ln_worker_at(0), 2, 9);
	ln_stat_each(join, words);
	ck_assert_str_eq(words, "mqtt.publish_in=0/0 mqtt.clients=0/1 tls.handshakes=9/0 ");
	ln_workers_destroy();
}
END_TEST

START_TEST(writes_a_whole_file)
{
	char path[64], temporary[80], got[256];
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), "/tmp/linnet-stat-%d", (int)getpid());
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	ln_stat_register("mqtt", mqtt);
	ln_workers_create(1, 4096);
	ln_stat_add(ln_worker_at(0), 0, UINT64_MAX);
	ln_stat_sub(ln_worker_at(0), 1, 2);
	ln_unit_ok(ln_stat_write(path));
	ck_assert_int_ne(access(temporary, F_OK), 0);
	in = fopen(path, "re");
	n = fread(got, 1, sizeof(got) - 1, in);
	fclose(in);
	got[n] = '\0';
	ck_assert_str_eq(got, "mqtt.publish_in 18446744073709551615\nmqtt.clients -2\n");
	unlink(path);
	ln_workers_destroy();
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
{
	ck_assert_int_eq(ln_stat_write("/nonexistent/stats"), LN_SYSTEM);
	ck_assert_int_eq(errno, ENOENT);
	if (access("/dev/full", W_OK) == 0) {
		char path[64], temporary[80];
		snprintf(path, sizeof(path), "/tmp/linnet-stat-%d", (int)getpid());
		snprintf(temporary, sizeof(temporary), "%s.new", path);
		ln_stat_register("mqtt", mqtt);
		ck_assert_int_eq(symlink("/dev/full", temporary), 0);
		ck_assert_int_eq(ln_stat_write(path), LN_SYSTEM);
		ck_assert_int_eq(errno, ENOSPC);
		ck_assert_int_ne(access(path, F_OK), 0);
		ck_assert_int_ne(access(temporary, F_OK), 0);
	}
}
END_TEST

START_TEST(there_is_an_end)
{
	static ln_stat_t many[LN_STATS_MAX + 2];

	for (int i = 0; i <= LN_STATS_MAX; i++)
		many[i].name = "x";
	ln_unit_aborts(ln_stat_register("many", many));
	ck_assert_uint_eq(ln_stat_register("many", many + 1), 0);
}
END_TEST

LN_UNIT_MAIN_WITH("registry/stat", NULL, ln_stats_clear, indices_follow_registration, sums_over_workers_and_main,
		  walks_with_full_names, writes_a_whole_file, a_full_disk_leaves_the_old_file, there_is_an_end)
