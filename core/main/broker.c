/* broker.c — the phases: read → open modules → bind → load → hooks → workers → listen → drop privileges → serve → drain → stop.
 *
 * Everything that can be wrong in a configuration is found before anything is opened. Signals arrive as callbacks of the main loop: TERM and INT drain,
 * HUP reloads (reload.c), USR1 reopens the log, USR2 writes the counters.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linnet/hash.h>
#include <linnet/log.h>
#include <linnet/router.h>
#include "net/net.h"
#include "registry/describe.h"
#include "registry/modules.h"
#include "broker.h"
#include "house.h"
#include "notify.h"

ln__house_t ln__house;

static const ln_logdef_t logs[] = {
#define LN_LOGDEF LN_LOGDEF_ROW
#include "log.def"
#undef LN_LOGDEF
	LN_LOGDEF_END
};

/* --- the configuration -------------------------------------------------------------------------------------------------------------- */

void ln__house_print_errors(const ln_conf_errors_t *errors)
{
	for (unsigned i = 0; i < ln_conf_errors_count(errors); i++)
		fprintf(stderr, "linnetd: %s\n", ln_conf_errors_at(errors, i));
}

static void find_user(ln_conf_errors_t *errors)
{
	const ln__top_conf_t *c = &ln__house.settings.top;
	const char *why = ln__drop_find(c->user, c->group, &ln__house.drop);

	if (why)
		ln_conf_say(errors, ln_conf_get(ln__house.file, NULL, strstr(why, "group") ? "group" : "user"),
			    "user %s, group %s: %s", c->user ? c->user : "(none)", c->group ? c->group : "(the user's)", why);
	else if (ln__house.drop.wanted && geteuid() == 0)
		ln__unix_set_owner(ln__house.drop.uid, ln__house.drop.gid);
}

/* Reads all of it, into ln__house; false when there were errors. The file stays open. */
static bool configure(const char *path, ln_conf_errors_t *errors)
{
	ln__house_t *h = &ln__house;

	h->path = path;
	h->file = ln_conf_read(path, errors);
	if (!h->file)
		return false;
	ln__settings_bind(h->file, &h->settings, errors);
	h->workers = ln__settings_workers(&h->settings, ln_conf_get(h->file, NULL, "workers"), errors);
	if (ln_modules_open(h->settings.top.module_path, h->file, errors) != LN_OK || ln_modules_bind(h->file, errors) != LN_OK)
		return false;
	find_user(errors);
	h->listeners = ln__listeners_bind(h->file, errors);
	ln_conf_check_unused(h->file, NULL, errors);
	return ln_conf_errors_count(errors) == 0;
}

void ln__house_close_configuration(void)
{
	ln_conf_free(ln__house.file);
	ln__house.file = NULL;
}

/* --- signals ------------------------------------------------------------------------------------------------------------------------ */

static void look_again(ln_worker_t *w, ln_timer_t *t)
{
	ln__house_t *h = &ln__house;
	uint64_t left = ln__net_open_count();

	if (left && w->now < h->drain_until) {
		ln_timer_set(w, t, 10, look_again);
		return;
	}
	if (left)
		ln_log((void *)NULL, DRAIN_TIMEOUT, (unsigned long long)left);
	ln_main_loop_stop();
}

static void on_term(int signal, void *ctx)
{
	ln__house_t *h = &ln__house;
	ln_worker_t *w = ln_worker_at(LN_MAIN_INDEX);

	(void)signal;
	(void)ctx;
	if (h->stopping) {
		ln_main_loop_stop();
		return;
	}
	h->stopping = true;
	h->drain_until = w->now + h->settings.top.drain_timeout.ms;
	ln__notify("STOPPING=1");
	ln_log((void *)NULL, STOPPING, (unsigned long long)ln__net_open_count());
	ln_workers_each(ln__net_drain, NULL);
	ln_timer_set(w, &h->timer, 0, look_again);
}

static void on_usr1(int signal, void *ctx)
{
	(void)signal;
	(void)ctx;
	if (ln_log_reopen() == LN_OK)
		ln_log((void *)NULL, LOG_REOPENED);
	else
		ln_log((void *)NULL, LOG_REOPEN_FAILED, strerror(errno));
}

static void on_usr2(int signal, void *ctx)
{
	const char *path = ln__house.settings.top.stats_file;

	(void)signal;
	(void)ctx;
	if (!path)
		ln_log((void *)NULL, NO_STATS_FILE);
	else if (ln_stat_write(path) != LN_OK)
		ln_log((void *)NULL, STATS_FAILED, path, strerror(errno));
}

static void on_hup(int signal, void *ctx)
{
	(void)signal;
	(void)ctx;
	if (!ln__house.stopping)
		ln__reload();
}

static bool watch_signals(void)
{
	static const struct { int signal; ln_signal_fn fn; } wanted[] = {
		{ SIGTERM, on_term }, { SIGINT, on_term }, { SIGHUP, on_hup }, { SIGUSR1, on_usr1 }, { SIGUSR2, on_usr2 },
	};

	for (unsigned i = 0; i < LN_ARRAY_SIZE(wanted); i++) {
		if (ln_main_loop_on_signal(wanted[i].signal, wanted[i].fn, NULL) != LN_OK)
			return false;
	}
	return true;
}

/* --- start -------------------------------------------------------------------------------------------------------------------------- */

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool said_drop(const char *why, ln_conf_errors_t *errors)
{
	if (why)
		ln_conf_say(errors, ln_conf_get(ln__house.file, NULL, "user"), "user %s: %s", ln__house.drop.user, why);
	return why != NULL;
}

/* The log is opened as who will open it again, after logrotate and at a reload. */
static bool open_log(ln_conf_errors_t *errors)
{
	const ln__log_conf_t *c = &ln__house.settings.log;
	const ln__drop_t *drop = &ln__house.drop;
	ln_result_t result;
	int saved;

	if (said_drop(ln__drop_try(drop, true), errors))
		return false;
	result = ln_log_open(c->file, (ln_log_format_t)c->format.value, (ln_level_t)c->level.value);
	saved = errno;
	if (said_drop(ln__drop_try(drop, false), errors))
		return false;
	if (result != LN_OK)
		ln_conf_say(errors, ln_conf_get(ln__house.file, NULL, "log"), "log file %s: %s", c->file, strerror(saved));
	return result == LN_OK;
}

static bool become_user(ln_conf_errors_t *errors)
{
	const ln__house_t *h = &ln__house;

	if (said_drop(ln__drop_now(&h->drop), errors))
		return false;
	if (h->drop.wanted)
		ln_log((void *)NULL, DROPPED, h->drop.user, h->drop.group);
	else if (geteuid() == 0)
		ln_log((void *)NULL, RUNS_AS_ROOT);
	return true;
}

static void write_pid(void)
{
	const char *path = ln__house.settings.top.pid_file;
	FILE *f = path ? fopen(path, "we") : NULL;

	if (f) {
		fprintf(f, "%ld\n", (long)getpid());
		fclose(f);
	} else if (path) {
		ln_log((void *)NULL, PID_FILE_FAILED, path, strerror(errno));
	}
}

void ln__house_prepare(void)
{
	ln__settings_register();
	ln_describe_section("listeners.NAME", "one place that clients connect to", ln__listener_items);
	ln_hash_init();
	ln__net_init();
	ln_router_init();
	ln_retain_init();
	ln_session_init();
	ln_log_register("main", logs);
}

/* From a good configuration to a house with open doors. False after saying errors. */
static bool start(ln_conf_errors_t *errors)
{
	ln__house_t *h = &ln__house;

	if (said_drop(ln__drop_begin(&h->drop), errors) || !open_log(errors))
		return false;
	ln_modules_commit();
	if (ln_modules_load(errors) != LN_OK)
		return false;
	ln_hooks_compile();
	ln_workers_create(h->workers, h->settings.top.read_buffer.n);
	h->built = true;
	ln__net_attach();
	ln_workers_each(ln_modules_worker_start, NULL);
	ln__net_attach_last();
	ln__settings_apply(&h->settings);
	if (!ln__listeners_open(h->listeners, NULL, errors) || !become_user(errors))
		return false;
	ln_jobs_start(h->settings.top.job_threads);
	h->jobs = true;
	if (!watch_signals() || ln_workers_start() != LN_OK) {
		ln_conf_say(errors, NULL, "threads or signals: %s", strerror(errno));
		return false;
	}
	h->running = true;
	ln__listeners_serve(h->listeners, NULL);
	write_pid();
	return true;
}

/* --- stop --------------------------------------------------------------------------------------------------------------------------- */

static void take_down(void)
{
	ln__house_t *h = &ln__house;

	if (h->running)
		ln_workers_each(ln__net_kill, NULL);
	if (h->jobs)
		ln_jobs_stop();
	if (h->running)
		ln_workers_stop();
	if (h->built) {
		ln__listeners_destroy(h->listeners);
		ln_workers_each(ln_modules_worker_stop, NULL);
		ln_session_fini();
		ln_retain_fini();
		ln_router_fini();
	} else {
		ln__listeners_destroy(h->listeners);
	}
	ln_modules_unload();
	ln_modules_clear();
	if (h->built) {
		ln_rcu_barrier();
		ln_workers_destroy();
	}
	ln_hooks_clear();
	ln_describe_clear();
	if (h->running && h->settings.top.pid_file)
		unlink(h->settings.top.pid_file);
	ln__settings_clear(&h->settings);
	ln__house_close_configuration();
}

static void serve(void)
{
	ln__house_t *h = &ln__house;

	ln__house_close_configuration();
	ln_log((void *)NULL, READY, LN_VERSION, h->workers);
	ln__notify("READY=1");
	ln_main_loop_run();
}

static void dump(void)
{
	ln_modules_commit();
	ln__settings_dump(&ln__house.settings);
	ln__dump_listeners(ln__house.listeners);
	ln_describe_dump_modules(stdout);
}

int ln__broker_run(const char *path, ln__broker_goal_t goal)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	int code = 0;

	raise_file_limit();
	ln__house_prepare();
	if (!configure(path, errors))
		code = 2;
	else if (goal == LN__GOAL_CHECK)
		printf("configuration %s is fine\n", path);
	else if (goal == LN__GOAL_DUMP)
		dump();
	else if (start(errors))
		serve();
	else
		code = 1;
	ln__house_print_errors(errors);
	ln_conf_errors_destroy(errors);
	if (ln__house.running)
		ln_log((void *)NULL, STOPPED);
	take_down();
	return code;
}
