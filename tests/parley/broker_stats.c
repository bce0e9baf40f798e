/* broker_stats.c — a broker's counters: asked for with SIGUSR2, read from the file linnetd puts in place of the old
 * one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "value.h"

/* Waits for a fresh file. Returns: its stream, or NULL when none came before UNTIL. */
static FILE *fresh_stats(broker_t *b, int64_t until)
{
	char *path;
	FILE *f = NULL;

	if (asprintf(&path, "%s/stats", b->dir) < 0)
		abort();
	unlink(path);
	kill(b->pid, SIGUSR2);
	while (!(f = fopen(path, "r")) && now_ms() < until && broker_runs(b))
		if (!stage_sleep(b->stage, 2))
			break;
	free(path);
	return f;
}

/* Looks for "NAME value" in F. */
static bool find_counter(FILE *f, bytes_t name, uint64_t *ret_value)
{
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (!found && getline(&line, &room, f) > 0) {
		bytes_t rest = bytes_of(line), word, value;

		found = value_next_word(&rest, &word) && bytes_equal(word, name) && value_next_word(&rest, &value) &&
			value_number(value, ret_value);
	}
	free(line);
	return found;
}

typedef enum { NO_FILE, NO_COUNTER, FOUND } answer_t;

static answer_t ask(broker_t *b, bytes_t name, int64_t until, uint64_t *ret_value)
{
	FILE *f = fresh_stats(b, until);
	answer_t answer = NO_FILE;

	if (f) {
		answer = find_counter(f, name, ret_value) ? FOUND : NO_COUNTER;
		fclose(f);
	}
	return answer;
}

static bool fail_counter(broker_t *b, const command_t *command, const arg_t *arg, answer_t answer, uint64_t value)
{
	buf_t text = { 0 };

	buf_addf(&text, "expected: %.*s %.*s %.*s\n  received: ", BYTES_ARG(arg->words[0].text),
		 BYTES_ARG(arg->words[1].text), BYTES_ARG(arg->words[2].text));
	if (answer == FOUND)
		buf_addf(&text, "%llu", (unsigned long long)value);
	else
		buf_addf(&text, answer == NO_FILE ? "no counters: the stats-file was not written" : "no such counter");
	stage_fail(b->stage, NULL, command, "%.*s", BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

bool broker_expect(broker_t *b, const command_t *command, const arg_t *arg)
{
	int64_t until = stage_until(b->stage, b->stage->timeout);
	arena_t scratch = { 0 };
	uint64_t value = 0, want;
	answer_t answer = NO_FILE, latest;
	bytes_t text;
	op_t op = OP_EQ;

	value_op(arg->words[1].text, &op);
	if (!macro_expand(b->stage, NULL, command, arg->words[2].text, &scratch, &text))
		return false;
	if (!value_number(text, &want) || op == OP_HAS)
		return stage_fail(b->stage, NULL, command, "counters are compared with numbers");
	arena_reset(&scratch);
	do {
		if (!broker_runs(b))
			return stage_fail(b->stage, NULL, command, "%.*s does not run", BYTES_ARG(b->name));
		latest = ask(b, arg->words[0].text, until, &value);
		if (latest != NO_FILE)
			answer = latest;
		if (latest == FOUND && number_holds(value, op, want))
			return true;
	} while (now_ms() < until && stage_sleep(b->stage, 20));
	return stage_failed(b->stage) ? false : fail_counter(b, command, arg, answer, value);
}
