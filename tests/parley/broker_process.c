/* broker_process.c — linnetd as a child process: what it is told, how it starts, how it ended.
 *
 * The configuration's defaults are replaced key by key without parsing YAML: a top-level key is a line of -conf that
 * begins in the first column with `key:`, which is all that is needed to know which defaults to leave out.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"

#define READY_MS 10000
#define ARGS_MAX 32

/* --- configuration ------------------------------------------------------------------------------------------------ */

static bool has_key(bytes_t conf, const char *key)
{
	size_t n = strlen(key);

	while (conf.len) {
		ptrdiff_t end = bytes_find(conf, bytes_of("\n"));

		if (bytes_starts(conf, key) && conf.len > n && conf.at[n] == ':')
			return true;
		conf = end < 0 ? (bytes_t){ 0 } : bytes_from(conf, (size_t)end + 1);
	}
	return false;
}

static void add_defaults(const broker_t *b, bytes_t conf, buf_t *out)
{
	if (!has_key(conf, "workers"))
		buf_addf(out, "workers: %u\n", b->workers);
	if (!has_key(conf, "module-path") && b->stage->settings->modules)
		buf_addf(out, "module-path: %s\n", b->stage->settings->modules);
	if (!has_key(conf, "modules"))
		buf_addf(out, "modules: [mqtt]\n");
	if (!has_key(conf, "stats-file"))
		buf_addf(out, "stats-file: %s/stats\n", b->dir);
	if (!has_key(conf, "log"))
		buf_addf(out, "log: { level: debug, format: text }\n");
	if (!has_key(conf, "listeners"))
		buf_addf(out, "listeners: { plain: { address: \"127.0.0.1:0\", stack: [mqtt] } }\n");
}

static bool write_file(const char *path, bytes_t text)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return false;
	ok = fwrite(text.at, 1, text.len, f) == text.len;
	return fclose(f) == 0 && ok;
}

bool broker_configure(broker_t *b, const command_t *command)
{
	arena_t scratch = { 0 };
	bytes_t conf = { 0 };
	buf_t text = { 0 }, path = { 0 };
	bool ok = !b->conf || macro_expand(b->stage, NULL, command, b->conf->text, &scratch, &conf);

	add_defaults(b, conf, &text);
	buf_add(&text, conf.at, conf.len);
	buf_addf(&path, "%s/linnet.conf", b->dir);
	if (ok && !write_file(path.at, buf_bytes(&text)))
		ok = stage_fail(b->stage, NULL, command, "%s: %s", path.at, strerror(errno));
	buf_free(&path);
	buf_free(&text);
	arena_reset(&scratch);
	return ok;
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static _Noreturn void become_broker(const broker_t *b, int out, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(b->dir) == 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0)
		execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Fills ARGV with the command line. All strings are on loan from SCRATCH. */
static void make_argv(const broker_t *b, arena_t *scratch, char *argv[ARGS_MAX + 4])
{
	bytes_t rest = buf_bytes(&b->args);
	size_t n = 0;

	argv[n++] = arena_cstr(scratch, bytes_of(b->stage->settings->linnetd));
	argv[n++] = arena_cstr(scratch, bytes_of("-c"));
	argv[n++] = arena_cstr(scratch, bytes_of("linnet.conf"));
	while (rest.len && n < ARGS_MAX + 3) {
		argv[n] = arena_cstr(scratch, bytes_of(rest.at));
		rest = bytes_from(rest, strlen(argv[n++]) + 1);
	}
	argv[n] = NULL;
}

static bool launch(broker_t *b, const command_t *command)
{
	char *argv[ARGS_MAX + 4];
	arena_t scratch = { 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return stage_fail(b->stage, NULL, command, "no pipe: %s", strerror(errno));
	make_argv(b, &scratch, argv);
	b->ended = b->excused = false;
	b->pid = fork();
	if (b->pid == 0)
		become_broker(b, ends[1], argv);
	close(ends[1]);
	arena_reset(&scratch);
	if (b->pid < 0) {
		b->pid = 0;
		close(ends[0]);
		return stage_fail(b->stage, NULL, command, "cannot start a process: %s", strerror(errno));
	}
	stage_say(b->stage, b->name, "started, process %d", (int)b->pid);
	return broker_log_open(b, ends[0]) || stage_fail(b->stage, NULL, command, "cannot read the log");
}

bool broker_start(broker_t *b, const command_t *command, bool may_end)
{
	int64_t until = stage_until(b->stage, READY_MS);

	if (broker_runs(b))
		return stage_fail(b->stage, NULL, command, "%.*s runs already", BYTES_ARG(b->name));
	if (b->ended && !b->excused && broker_exit_code(b))
		return stage_fail(b->stage, NULL, command, "%.*s had ended by itself with status %d",
				  BYTES_ARG(b->name), broker_exit_code(b));
	if (!launch(b, command))
		return false;
	while (!broker_log_ready(b)) {
		if (!broker_runs(b))
			return may_end ||
			       stage_fail(b->stage, NULL, command, "%.*s ended with status %d before it was ready",
					  BYTES_ARG(b->name), broker_exit_code(b));
		if (now_ms() >= until)
			return stage_fail(b->stage, NULL, command, "%.*s is not ready in time", BYTES_ARG(b->name));
		if (!stage_sleep(b->stage, 2))
			return false;
	}
	return true;
}

/* --- end ---------------------------------------------------------------------------------------------------------- */

bool broker_runs(broker_t *b)
{
	if (b->pid == 0)
		return false;
	if (waitpid(b->pid, &b->status, WNOHANG) != b->pid)
		return true;
	b->pid = 0;
	b->ended = true;
	broker_log_close(b);
	stage_say(b->stage, b->name, "ended with status %d", broker_exit_code(b));
	return false;
}

bool broker_await_end(broker_t *b, int64_t until)
{
	while (broker_runs(b)) {
		if (now_ms() >= until)
			return false;
		sleep_ms(2);
	}
	return true;
}

int broker_exit_code(const broker_t *b)
{
	return WIFSIGNALED(b->status) ? 128 + WTERMSIG(b->status) : WEXITSTATUS(b->status);
}
