/* Tests of core/main/settings.c: what the core's options come to. */
#include "main/settings.c"
#include "unit.h"

static char path[] = "/tmp/linnet-settings-XXXXXX";
static ln_conf_errors_t *errors;
static ln_conf_file_t *file;

static ln__settings_t bind_text(const char *text)
{
	FILE *f = fopen(path, "w");
	ln__settings_t s;

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ln_conf_free(file);
	file = ln_conf_read(path, errors);
	ck_assert_ptr_nonnull(file);
	ln__settings_bind(file, &s, errors);
	ln_conf_check_unused(file, NULL, errors);
	return s;
}

static bool said(const char *word)
{
	for (unsigned i = 0; i < ln_conf_errors_count(errors); i++)
		if (strstr(ln_conf_errors_at(errors, i), word))
			return true;
	return false;
}

static void set_up(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	errors = ln_conf_errors_create();
}

static void tear_down(void)
{
	unlink(path);
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}

static unsigned workers_of(const char *text)
{
	ln__settings_t s = bind_text(text);
	unsigned n = ln__settings_workers(&s, ln_conf_get(file, NULL, "workers"), errors);

	ln__settings_clear(&s);
	return n;
}

START_TEST(counts_workers)
{
	cpu_set_t cpus;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	ck_assert_uint_eq(workers_of(""), (unsigned)CPU_COUNT(&cpus));
	ck_assert_uint_eq(workers_of("workers: auto\n"), (unsigned)CPU_COUNT(&cpus));
	ck_assert_uint_eq(workers_of("workers: 3\n"), 3);
	ck_assert_uint_eq(ln_conf_errors_count(errors), 0);
	ck_assert_uint_eq(workers_of("workers: 0\n"), 0);
	ck_assert_uint_eq(workers_of("workers: 257\n"), 0);
	ck_assert_uint_eq(workers_of("workers: many\n"), 0);
	ck_assert_uint_eq(ln_conf_errors_count(errors), 3);
	ck_assert(said(":1:"));
}
END_TEST

START_TEST(has_defaults)
{
	ln__settings_t s = bind_text("");

	ck_assert_uint_eq(ln_conf_errors_count(errors), 0);
	ck_assert_int_eq(s.log.level.value, LN_LOG_INFO);
	ck_assert_int_eq(s.log.format.value, LN_LOG_TEXT);
	ck_assert_ptr_null(s.log.file);
	ck_assert_uint_eq(s.top.drain_timeout.ms, 5000);
	ck_assert_uint_eq(s.top.read_buffer.n, 131072);
	ck_assert_uint_eq(s.sessions.queue_count, 1000);
	ln__settings_clear(&s);
}
END_TEST

START_TEST(puts_limits_in_force)
{
	ln__settings_t s = bind_text("sessions: { queue-count: 7, queue-full: drop-oldest, queue-age: 2s,\n"
				     "            expiry-max: 1h, window-max: 9, sessions-max: 11,\n"
				     "            subscriptions-max: 12, inbound-max: 13 }\n");
	const ln_session_limits_t *l;

	ck_assert_uint_eq(ln_conf_errors_count(errors), 0);
	ln__settings_apply(&s);
	l = ln_session_limits();
	ck_assert_uint_eq(l->queue.count, 7);
	ck_assert_uint_eq(l->queue.age_ms, 2000);
	ck_assert_int_eq(l->queue.full, LN_FULL_DROP_OLDEST);
	ck_assert_uint_eq(l->expiry_max, 3600);
	ck_assert_uint_eq(l->window_max, 9);
	ck_assert_uint_eq(l->sessions_max, 11);
	ck_assert_uint_eq(l->subscriptions_max, 12);
	ck_assert_uint_eq(l->inbound_max, 13);
	ln__settings_clear(&s);
	ln_session_fini();
}
END_TEST

START_TEST(knows_no_limit)
{
	ln__settings_t s = bind_text("");

	ln__settings_apply(&s);
	ck_assert_uint_eq(ln_session_limits()->expiry_max, LN_EXPIRY_NEVER);
	ck_assert_uint_eq(ln_session_limits()->sessions_max, 0);
	ln__settings_clear(&s);
	ln_session_fini();
}
END_TEST

START_TEST(refuses_what_it_does_not_know)
{
	ln__settings_t s = bind_text("drain-timout: 3s\nlog: { level: loud }\nretain: { cuont: 5 }\nsessions: 7\n");

	ck_assert_uint_eq(ln_conf_errors_count(errors), 4);
	ck_assert(said(":1:1: unknown option \"drain-timout\""));
	ck_assert(said("level in log: expected one of error, warning, notice, info, debug, got \"loud\""));
	ck_assert(said("unknown option \"cuont\" in retain (did you mean \"count\"?)"));
	ck_assert(said(":4:11:"));
	ln__settings_clear(&s);
}
END_TEST

START_TEST(tells_what_needs_a_restart)
{
	ln__settings_t old = bind_text(""), same = bind_text("");
	ln__settings_t other = bind_text("drain-timeout: 1s\nlog: { level: debug }\n");
	ln__settings_t restart = bind_text("workers: 7\n");

	ck_assert_uint_eq(ln__settings_diff(&old, &same, errors), 0);
	ck_assert_uint_eq(ln__settings_diff(&old, &other, errors), 2);
	ck_assert_uint_eq(ln_conf_errors_count(errors), 0);
	ck_assert_uint_eq(ln__settings_diff(&old, &restart, errors), 1);
	ck_assert_uint_eq(ln_conf_errors_count(errors), 1);
	ck_assert(said("workers"));
	ln__settings_clear(&old);
	ln__settings_clear(&same);
	ln__settings_clear(&other);
	ln__settings_clear(&restart);
}
END_TEST

LN_UNIT_MAIN_WITH("main/settings", set_up, tear_down, counts_workers, has_defaults, puts_limits_in_force,
		  knows_no_limit, refuses_what_it_does_not_know, tells_what_needs_a_restart)
