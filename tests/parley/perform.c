/* perform.c — statements that are neither brokers nor actors: time, files, shell commands, what a play requires. */
#include "perform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include "value.h"

static bool duration_of(stage_t *stage, const command_t *command, int64_t *ret_ms)
{
	return value_duration(command_word(command, 0)->text, ret_ms) ||
	       stage_fail(stage, NULL, command, "a statement's duration is a literal");
}

bool perform_timeout(stage_t *stage, const command_t *command)
{
	return duration_of(stage, command, &stage->timeout);
}

bool perform_limit(stage_t *stage, const command_t *command)
{
	int64_t ms;

	if (!duration_of(stage, command, &ms))
		return false;
	stage->deadline = stage->began + ms;
	alarm((unsigned)(ms / 1000) + 60);	/* the guard that main.c set */
	return true;
}

bool perform_delay(stage_t *stage, const command_t *command)
{
	int64_t ms;

	return duration_of(stage, command, &ms) && stage_sleep(stage, ms);
}

bool perform_barrier(stage_t *stage, const command_t *command)
{
	return stage_meet(stage, NULL, command, command_word(command, 0)->text);
}

bool perform_repeat(stage_t *stage, const command_t *command)
{
	uint64_t outer = stage->seq, count;
	bool ok = stage_number(stage, command, command_word(command, 0), &count);

	for (uint64_t i = 1; ok && i <= count; i++) {
		stage->seq = i;
		ok = stage_perform(stage, command_body(command));
	}
	stage->seq = outer;
	return ok;
}

bool perform_file(stage_t *stage, const command_t *command)
{
	arena_t scratch = { 0 };
	bytes_t name = { 0 }, text = { 0 };
	buf_t path = { 0 };
	FILE *f = NULL;
	bool ok = macro_expand(stage, NULL, command, command_word(command, 0)->text, &scratch, &name) &&
		  macro_expand(stage, NULL, command, command_raw(command)->text, &scratch, &text);

	buf_addf(&path, name.len && name.at[0] == '/' ? "%.0s%.*s" : "%s/%.*s", stage->tmp, BYTES_ARG(name));
	if (ok)
		f = fopen(path.at, "w");
	if (ok && (!f || fwrite(text.at, 1, text.len, f) != text.len))
		ok = stage_fail(stage, NULL, command, "%s: %s", path.at, strerror(errno));
	if (f)
		fclose(f);
	buf_free(&path);
	arena_reset(&scratch);
	return ok;
}

/* --- shell -------------------------------------------------------------------------------------------------------- */

typedef struct shell {
	pid_t pid;
	int out;
	buf_t text;
} shell_t;

static bool shell_start(stage_t *stage, const command_t *command, const char *line, shell_t *shell)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || (shell->pid = fork()) < 0)
		return stage_fail(stage, NULL, command, "cannot start a process: %s", strerror(errno));
	if (shell->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		if (chdir(stage->tmp) == 0 && dup2(ends[1], 1) >= 0 && dup2(ends[1], 2) >= 0)
			execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	shell->out = ends[0];
	return true;
}

/* Collects the output until it ends. Returns: false when it does not in the play's time. */
static bool shell_read(stage_t *stage, shell_t *shell)
{
	char piece[4096];

	for (;;) {
		struct pollfd p[2] = {
			{ .fd = shell->out, .events = POLLIN }, { .fd = stage->stop[0], .events = POLLIN },
		};
		int64_t left = stage->deadline - now_ms();
		ssize_t n;

		if (left <= 0 || poll(p, 2, (int)left) <= 0 || !p[0].revents)
			return false;
		n = read(shell->out, piece, sizeof(piece));
		if (n <= 0)
			return true;
		buf_add(&shell->text, piece, (size_t)n);
	}
}

static bool shell_judge(stage_t *stage, const command_t *command, const shell_t *shell, int code)
{
	const arg_t *exit_opt = command_opt(command, "-expect-exit"), *output = command_opt(command, "-expect-output");
	uint64_t want = 0;
	arena_t scratch = { 0 };
	bytes_t text = { 0 };
	bool ok;

	if (exit_opt && !stage_number(stage, command, &exit_opt->words[0], &want))
		return false;
	if ((uint64_t)code != want)
		return stage_fail(stage, NULL, command, "expected: exit status %llu\n  received: %d\n%.*s",
				  (unsigned long long)want, code, BYTES_ARG(buf_bytes(&shell->text)));
	if (!output)
		return true;
	ok = macro_expand(stage, NULL, command, output->words[0].text, &scratch, &text);
	if (ok && bytes_find(buf_bytes(&shell->text), text) < 0)
		ok = stage_fail(stage, NULL, command, "expected: output with \"%.*s\"\n  received:\n%.*s",
				BYTES_ARG(text), BYTES_ARG(buf_bytes(&shell->text)));
	arena_reset(&scratch);
	return ok;
}

bool perform_shell(stage_t *stage, const command_t *command)
{
	shell_t shell = { .out = -1 };
	arena_t scratch = { 0 };
	bytes_t line;
	int status = 0;
	bool ok = macro_expand(stage, NULL, command, command_word(command, 0)->text, &scratch, &line) &&
		  shell_start(stage, command, arena_cstr(&scratch, line), &shell);

	arena_reset(&scratch);
	if (!ok)
		return false;
	ok = shell_read(stage, &shell);
	if (!ok)
		kill(-shell.pid, SIGKILL);
	close(shell.out);
	waitpid(shell.pid, &status, 0);
	if (ok)
		ok = shell_judge(stage, command, &shell,
				 WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	else
		stage_fail(stage, NULL, command, "the command is not done in the play's time\n%.*s",
			   BYTES_ARG(buf_bytes(&shell.text)));
	buf_free(&shell.text);
	return ok;
}

/* --- require ------------------------------------------------------------------------------------------------------ */

static bool has_ipv6(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool has_program(const char *name)
{
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin"), *save = NULL;
	bool found = false;

	for (char *dir = strtok_r(path, ":", &save); dir && !found; dir = strtok_r(NULL, ":", &save)) {
		buf_t file = { 0 };

		buf_addf(&file, "%s/%s", dir, name);
		found = access(file.at, X_OK) == 0;
		buf_free(&file);
	}
	free(path);
	return found;
}

static bool has_module(const stage_t *stage, const char *name)
{
	buf_t file = { 0 };
	bool found;

	if (!stage->settings->modules)
		return false;
	buf_addf(&file, "%s/%s.so", stage->settings->modules, name);
	found = access(file.at, R_OK) == 0;
	buf_free(&file);
	return found;
}

bool perform_require(stage_t *stage, const command_t *command)
{
	const word_t *name_word = command_word(command, 1);
	bytes_t what = command_word(command, 0)->text;
	arena_t scratch = { 0 };
	const char *name = name_word ? arena_cstr(&scratch, name_word->text) : "";
	bool known = true, have = false;

	if (bytes_is(what, "ipv6"))
		have = has_ipv6();
	else if (bytes_is(what, "program"))
		have = has_program(name);
	else if (bytes_is(what, "module"))
		have = has_module(stage, name);
	else if (bytes_is(what, "env"))
		have = getenv(name) != NULL;
	else
		known = stage_fail(stage, NULL, command, "require ipv6, program NAME, module NAME or env NAME");
	if (known && !have)
		stage_skip(stage, "requires %.*s %s", BYTES_ARG(what), name);
	arena_reset(&scratch);
	return known;
}
