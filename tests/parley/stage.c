/* stage.c — a performance: statements in order, one failure, one end. See stage.h. */
#include "stage.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"
#include "broker.h"

/* --- failing and telling ------------------------------------------------------------------------------------------ */

PARLEY_PRINTF(4, 0)
static void write_report(stage_t *stage, const actor_t *actor, const command_t *command, const char *fmt, va_list ap)
{
	buf_t *out = &stage->report;
	bytes_t source = command ? command->source : (bytes_t){ 0 };
	ptrdiff_t line_end = bytes_find(source, bytes_of("\n"));

	if (line_end >= 0)
		source.len = (size_t)line_end;
	if (command)
		buf_addf(out, "%s:%d: %.*s\n", stage->play->file, command->line, BYTES_ARG(source));
	else
		buf_addf(out, "%s: at the end of the play\n", stage->play->file);
	if (actor)
		buf_addf(out, "  actor:    %.*s, %.3fs after the beginning\n", BYTES_ARG(actor->name),
			 (double)(now_ms() - stage->began) / 1000);
	buf_addf(out, "  ");
	buf_vaddf(out, fmt, ap);
	buf_addf(out, "\n");
}

bool stage_fail(stage_t *stage, const actor_t *actor, const command_t *command, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&stage->lock);
	if (!stage->failed) {
		stage->failed = true;
		va_start(ap, fmt);
		write_report(stage, actor, command, fmt, ap);
		va_end(ap);
		if (write(stage->stop[1], "", 1) != 1)
			abort();
		pthread_cond_broadcast(&stage->changed);
	}
	pthread_mutex_unlock(&stage->lock);
	return false;
}

bool stage_failed(stage_t *stage)
{
	bool failed;

	pthread_mutex_lock(&stage->lock);
	failed = stage->failed;
	pthread_mutex_unlock(&stage->lock);
	return failed;
}

void stage_say(stage_t *stage, bytes_t who, const char *fmt, ...)
{
	buf_t line = { 0 };
	va_list ap;

	if (!stage->settings->verbose)
		return;
	buf_addf(&line, "%8.3f %-10.*s ", (double)(now_ms() - stage->began) / 1000, BYTES_ARG(who));
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	buf_add_byte(&line, '\n');
	fwrite(line.at, 1, line.len, stdout);
	fflush(stdout);
	buf_free(&line);
}

void stage_skip(stage_t *stage, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	for (broker_t *b = stage->brokers; b; b = b->next)
		b->excused = true;
	brokers_end(stage);
	_exit(PLAY_SKIPPED);
}

/* --- time and meetings -------------------------------------------------------------------------------------------- */

int64_t stage_until(const stage_t *stage, int64_t ms)
{
	int64_t until = now_ms() + ms;

	return until < stage->deadline ? until : stage->deadline;
}

bool stage_sleep(stage_t *stage, int64_t ms)
{
	struct pollfd stop = { .fd = stage->stop[0], .events = POLLIN };
	int64_t until = stage_until(stage, ms), left;

	while ((left = until - now_ms()) > 0)
		if (poll(&stop, 1, (int)left) > 0)
			return false;
	return true;
}

bool stage_wait(stage_t *stage, int64_t until)
{
	struct timespec ts = { until / 1000, until % 1000 * 1000000 };

	return pthread_cond_timedwait(&stage->changed, &stage->lock, &ts) != ETIMEDOUT;
}

static meeting_t *find_meeting(stage_t *stage, bytes_t name)
{
	for (size_t i = 0; i < stage->play->party_count; i++)
		if (bytes_equal(stage->play->parties[i].name, name))
			return &stage->meetings[i];
	return NULL;
}

/* Waits for the others. Requires: lock is held. Returns: whether all came. */
static bool meet_locked(stage_t *stage, meeting_t *m)
{
	unsigned generation = m->generation;

	if (++m->arrived == m->party->count) {
		m->arrived = 0;
		m->generation++;
		pthread_cond_broadcast(&stage->changed);
		return true;
	}
	while (m->generation == generation && !stage->failed)
		if (!stage_wait(stage, stage->deadline))
			break;
	return m->generation != generation;
}

bool stage_meet(stage_t *stage, const actor_t *actor, const command_t *command, bytes_t name)
{
	meeting_t *m = find_meeting(stage, name);
	size_t missing;
	bool met;

	pthread_mutex_lock(&stage->lock);
	met = meet_locked(stage, m);
	missing = m->party->count - m->arrived;
	pthread_mutex_unlock(&stage->lock);
	if (met)
		stage_say(stage, actor ? actor->name : bytes_of("play"), "=== barrier %.*s", BYTES_ARG(name));
	return met || stage_fail(stage, actor, command, "%zu of %zu have not come to the barrier in the play's time",
				 missing, m->party->count);
}

/* --- the performance ---------------------------------------------------------------------------------------------- */

bool stage_perform(stage_t *stage, const block_t *block)
{
	for (size_t i = 0; i < block->count; i++) {
		const command_t *c = block->at[i];

		if (stage_failed(stage) || !c->rule->perform(stage, c))
			return false;
	}
	return true;
}

static void open_stage(stage_t *stage)
{
	pthread_condattr_t attr;
	char *copy = strdup(stage->play->file);

	stage->dir = realpath(dirname(copy), NULL);
	free(copy);
	pthread_mutex_init(&stage->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&stage->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pipe(stage->stop) < 0 || !stage->dir) {
		perror("parley");
		exit(PLAY_FAILED);
	}
	stage->meetings = mem_new(stage->play->party_count * sizeof(meeting_t));
	for (size_t i = 0; i < stage->play->party_count; i++)
		stage->meetings[i].party = &stage->play->parties[i];
	stage->began = now_ms();
	stage->deadline = stage->began + stage->settings->limit;
	stage->timeout = stage->settings->timeout;
}

static void close_stage(stage_t *stage)
{
	actors_free(stage);
	brokers_free(stage);
	close(stage->stop[0]);
	close(stage->stop[1]);
	pthread_cond_destroy(&stage->changed);
	pthread_mutex_destroy(&stage->lock);
	buf_free(&stage->report);
	free(stage->meetings);
	free(stage->dir);
}

/* Prints why the play failed. TAILS is the brokers' logs as they were at the failure. */
static void print_report(stage_t *stage, const buf_t *tails)
{
	buf_add(&stage->report, tails->at, tails->len);
	brokers_show_ends(stage, &stage->report);
	fwrite(stage->report.at, 1, stage->report.len, stdout);
	fflush(stdout);
}

int stage_run(const play_t *play, const settings_t *settings, const char *tmp)
{
	stage_t stage = { .play = play, .settings = settings, .tmp = tmp };
	buf_t tails = { 0 };
	bool failed;

	open_stage(&stage);
	if (!(stage_perform(&stage, &play->statements) && actors_wait(&stage)))
		stage_fail(&stage, NULL, NULL, "it stopped without saying why");	/* mostly not the first failure */
	else if (now_ms() >= stage.deadline)
		stage_fail(&stage, NULL, NULL, "the play's time is over");
	if (stage_failed(&stage)) {
		sleep_ms(100);		/* what a dying broker says belongs to the report */
		brokers_show_tails(&stage, &tails);
	}
	brokers_end(&stage);
	failed = stage_failed(&stage);
	if (failed && !tails.len)
		brokers_show_tails(&stage, &tails);
	if (failed)
		print_report(&stage, &tails);
	buf_free(&tails);
	close_stage(&stage);
	return failed ? PLAY_FAILED : PLAY_PASSED;
}
