/* main.c — parley's command line: plays to performances, several at a time, and one line for each result.
 *
 * Every play is read and performed in a process of its own, so a mistake in one (or a fault in parley) ends only that
 * one, and -j needs no locks. The child writes to a file that the parent shows when the result is known; only a single
 * verbose play writes straight to the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "value.h"

typedef struct performance {
	const char *file;
	pid_t pid;
	char tmp[512];
	FILE *output;			/* what the child writes; NULL: the terminal */
	int64_t began;
} performance_t;

typedef struct tally {
	size_t passed, failed, skipped, ill_formed, number;
} tally_t;

static int usage(FILE *to)
{
	fputs("usage: parley [-nvk] [-j N] [-t DURATION] [-T DURATION] [--tap] [--linnetd PROGRAM]\n"
	      "              [--module-path DIR] [--external HOST:PORT] PLAY...\n"
	      "Performs conversations with an MQTT broker; see parley(1).\n", to);
	return PLAY_ILL_FORMED;
}

/* --- one play ----------------------------------------------------------------------------------------------------- */

/* The child: says the title in the first line of its output. */
static _Noreturn void perform(const performance_t *p, const settings_t *settings)
{
	play_t *play;
	int status = PLAY_PASSED;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (p->output) {
		dup2(fileno(p->output), 1);
		dup2(fileno(p->output), 2);
	}
	play = play_load(p->file);
	printf("%.*s\n", BYTES_ARG(play->title));
	fflush(stdout);
	if (!settings->check_only) {
		alarm((unsigned)(settings->limit / 1000) + 60);	/* if parley itself hangs */
		status = stage_run(play, settings, p->tmp);
	}
	arena_reset(&play->arena);
	free(play);
	exit(status);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static bool start(performance_t *p, const char *file, const settings_t *settings)
{
	const char *base = getenv("TMPDIR");

	*p = (performance_t){ .file = file, .began = now_ms() };
	snprintf(p->tmp, sizeof(p->tmp), "%s/parley.XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(p->tmp)) {
		fprintf(stderr, "parley: %s: %s\n", p->tmp, strerror(errno));
		return false;
	}
	if (!settings->verbose || settings->jobs > 1)
		p->output = tmpfile();
	fflush(stdout);
	p->pid = fork();
	if (p->pid == 0)
		perform(p, settings);
	return p->pid > 0;
}

/* --- results ------------------------------------------------------------------------------------------------------ */

static void copy_output(FILE *from, const char *prefix)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, from) > 0)
		printf("%s%s", prefix, line);
	free(line);
}

/* Takes the title, the first line, off the child's output. */
static void read_title(performance_t *p, char *title, size_t room)
{
	title[0] = 0;
	if (!p->output)
		return;
	rewind(p->output);
	if (fgets(title, (int)room, p->output))
		title[strcspn(title, "\n")] = 0;
}

static const char *word_for(int status, bool tap)
{
	if (tap)
		return status == PLAY_PASSED || status == PLAY_SKIPPED ? "ok" : "not ok";
	switch (status) {
	case PLAY_PASSED: return "ok  ";
	case PLAY_SKIPPED: return "skip";
	}
	return "FAIL";
}

static void count(tally_t *tally, int status)
{
	tally->number++;
	if (status == PLAY_PASSED)
		tally->passed++;
	else if (status == PLAY_SKIPPED)
		tally->skipped++;
	else
		tally->failed++;
	if (status == PLAY_ILL_FORMED)
		tally->ill_formed++;
}

static void print_result(performance_t *p, const settings_t *settings, const tally_t *tally, int status)
{
	double seconds = (double)(now_ms() - p->began) / 1000;
	char title[256];

	read_title(p, title, sizeof(title));
	if (status == PLAY_ILL_FORMED && p->output) {	/* it has no title: the line says what is wrong */
		rewind(p->output);
		title[0] = 0;
	}
	if (settings->tap)
		printf("%s %zu - %s%s%s%s\n", word_for(status, true), tally->number, p->file,
		       title[0] ? " - " : "", title, status == PLAY_SKIPPED ? " # SKIP" : "");
	else
		printf("%s %s%s%s (%.2fs)\n", word_for(status, false), p->file, title[0] ? " — " : "", title, seconds);
	if (p->output)
		copy_output(p->output, settings->tap ? "# " : "  ");
	if (settings->keep)
		printf("%s%s keeps %s\n", settings->tap ? "# " : "  ", p->file, p->tmp);
	fflush(stdout);
}

static void finish(performance_t *p, const settings_t *settings, tally_t *tally, int wait_status)
{
	int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : PLAY_FAILED;

	if (WIFSIGNALED(wait_status))
		fprintf(p->output ? p->output : stdout, "parley itself ended with signal %d\n", WTERMSIG(wait_status));
	count(tally, status);
	print_result(p, settings, tally, status);
	if (p->output)
		fclose(p->output);
	if (!settings->keep)
		nftw(p->tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	p->pid = 0;
}

static bool await_one(performance_t *running, const settings_t *settings, tally_t *tally)
{
	int status;
	pid_t pid = wait(&status);

	for (int i = 0; i < settings->jobs; i++)
		if (pid > 0 && running[i].pid == pid)
			finish(&running[i], settings, tally, status);
	return pid > 0;
}

static performance_t *free_place(performance_t *running, int jobs)
{
	for (int i = 0; i < jobs; i++)
		if (!running[i].pid)
			return &running[i];
	return NULL;
}

static int perform_all(char **files, size_t count_of_files, const settings_t *settings)
{
	performance_t *running = mem_new((size_t)settings->jobs * sizeof(*running));
	tally_t tally = { 0 };

	if (settings->tap)
		printf("1..%zu\n", count_of_files);
	for (size_t i = 0; i < count_of_files; i++) {
		performance_t *place;

		while (!(place = free_place(running, settings->jobs)))
			await_one(running, settings, &tally);
		if (!start(place, files[i], settings)) {
			free(running);
			return PLAY_FAILED;
		}
	}
	while (await_one(running, settings, &tally))
		;
	free(running);
	if (!settings->tap && count_of_files > 1)
		printf("%zu passed, %zu failed, %zu skipped\n", tally.passed, tally.failed, tally.skipped);
	if (tally.failed)
		return tally.ill_formed == tally.failed ? PLAY_ILL_FORMED : PLAY_FAILED;
	return tally.skipped == tally.number ? PLAY_SKIPPED : PLAY_PASSED;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

enum { OPT_TAP = 256, OPT_LINNETD, OPT_MODULES, OPT_EXTERNAL, OPT_HELP };

static const struct option options[] = {
	{ "tap", no_argument, NULL, OPT_TAP },
	{ "linnetd", required_argument, NULL, OPT_LINNETD },
	{ "module-path", required_argument, NULL, OPT_MODULES },
	{ "external", required_argument, NULL, OPT_EXTERNAL },
	{ "keep", no_argument, NULL, 'k' },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

static bool take_option(settings_t *s, int opt)
{
	uint64_t n;

	switch (opt) {
	case 'n': s->check_only = true; return true;
	case 'v': s->verbose = true; return true;
	case 'k': s->keep = true; return true;
	case 't': return value_duration(bytes_of(optarg), &s->timeout);
	case 'T': return value_duration(bytes_of(optarg), &s->limit);
	case 'j':
		if (!value_number(bytes_of(optarg), &n) || n < 1 || n > 256)
			return false;
		s->jobs = (int)n;
		return true;
	case OPT_TAP: s->tap = true; return true;
	case OPT_LINNETD: s->linnetd = optarg; return true;
	case OPT_MODULES: s->modules = optarg; return true;
	case OPT_EXTERNAL: s->external = optarg; return true;
	}
	return false;
}

/* The broker runs in a directory of its own: a relative path would lead elsewhere. Returns: FULL, or PATH as it is. */
static const char *absolute(const char *path, char full[PATH_MAX])
{
	return path && realpath(path, full) ? full : path;
}

static const char *not_empty(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

int main(int argc, char **argv)
{
	settings_t settings = {
		.linnetd = getenv("LINNETD"), .modules = getenv("LINNET_MODULES"),
		.timeout = 5000, .limit = 60000, .jobs = 1,
	};
	char linnetd[PATH_MAX], modules[PATH_MAX];
	int opt;

	while ((opt = getopt_long(argc, argv, "nvkj:t:T:", options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			usage(stdout);
			return 0;
		}
		if (!take_option(&settings, opt))
			return usage(stderr);
	}
	if (optind == argc)
		return usage(stderr);
	settings.linnetd = not_empty(settings.linnetd, "linnetd");
	if (strchr(settings.linnetd, '/'))	/* without one it is looked for in the search path */
		settings.linnetd = absolute(settings.linnetd, linnetd);
	settings.modules = absolute(not_empty(settings.modules, NULL), modules);
	return perform_all(argv + optind, (size_t)(argc - optind), &settings);
}
