/* broker.c — broker statements: verbs in the order they are written; and the judgement at the end of the play. */
#include "broker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "perform.h"
#include "value.h"

#define STOP_MS 10000

static broker_t *find_broker(stage_t *stage, bytes_t name)
{
	for (broker_t *b = stage->brokers; b; b = b->next)
		if (bytes_equal(b->name, name))
			return b;
	return NULL;
}

static broker_t *declare_broker(stage_t *stage, bytes_t name)
{
	broker_t *b = find_broker(stage, name);

	if (b)
		return b;
	b = mem_new(sizeof(*b));
	b->stage = stage;
	b->name = name;
	b->workers = 2;
	b->pipe = -1;
	pthread_mutex_init(&b->log_lock, NULL);
	if (asprintf(&b->dir, "%s/%.*s", stage->tmp, BYTES_ARG(name)) < 0)
		abort();
	mkdir(b->dir, 0700);
	pthread_mutex_lock(&stage->lock);
	b->next = stage->brokers;
	stage->brokers = b;
	pthread_mutex_unlock(&stage->lock);
	return b;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static bool give_address(const char *address, bool port, buf_t *out)
{
	const char *colon = strrchr(address, ':');

	buf_addf(out, "%s", port && colon ? colon + 1 : address);
	return true;
}

/* Finds the listener NAME; empty: `plain`, or else the first. Requires: log_lock. */
static const broker_listener_t *find_listener(const broker_t *b, bytes_t name)
{
	bytes_t wanted = name.len ? name : bytes_of("plain");

	for (size_t i = 0; i < b->listener_count; i++)
		if (bytes_is(wanted, b->listeners[i].name))
			return &b->listeners[i];
	return !name.len && b->listener_count ? &b->listeners[0] : NULL;
}

static bool listener_address(broker_t *b, bytes_t rest, buf_t *out)
{
	ptrdiff_t dot = bytes_find(rest, bytes_of(".port"));
	bool port = bytes_is(rest, "port") || (dot >= 0 && (size_t)dot + 5 == rest.len);
	const broker_listener_t *l;
	bool found;

	if (b->stage->settings->external)
		return give_address(b->stage->settings->external, port, out);
	if (port)
		rest.len = dot < 0 ? 0 : (size_t)dot;
	pthread_mutex_lock(&b->log_lock);
	l = find_listener(b, rest);
	found = l && give_address(l->address, port, out);
	pthread_mutex_unlock(&b->log_lock);
	return found;
}

bool broker_address(stage_t *stage, bytes_t name, bytes_t rest, buf_t *out)
{
	broker_t *b;

	pthread_mutex_lock(&stage->lock);
	b = find_broker(stage, name);
	pthread_mutex_unlock(&stage->lock);
	if (!b)
		return false;
	if (bytes_is(rest, "dir"))
		buf_addf(out, "%s", b->dir);
	else if (bytes_is(rest, "pid"))
		buf_addf(out, "%d", (int)b->pid);
	else
		return listener_address(b, rest, out);
	return true;
}

/* --- verbs -------------------------------------------------------------------------------------------------------- */

static int signal_number(bytes_t name)
{
	static const struct { const char *name; int number; } signals[] = {
		{ "HUP", SIGHUP }, { "INT", SIGINT }, { "TERM", SIGTERM }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 },
		{ "USR2", SIGUSR2 }, { "STOP", SIGSTOP }, { "CONT", SIGCONT }, { "QUIT", SIGQUIT }, { "ABRT", SIGABRT },
		{ "PIPE", SIGPIPE },
	};
	uint64_t n;

	if (bytes_starts(name, "SIG"))
		name = bytes_from(name, 3);
	for (size_t i = 0; i < PARLEY_COUNT(signals); i++)
		if (bytes_is(name, signals[i].name))
			return signals[i].number;
	return value_number(name, &n) && n < 65 ? (int)n : 0;
}

static bool send_signal(broker_t *b, const command_t *command, int number)
{
	if (!number)
		return stage_fail(b->stage, NULL, command, "unknown signal");
	if (!broker_runs(b))
		return stage_fail(b->stage, NULL, command, "%.*s does not run", BYTES_ARG(b->name));
	stage_say(b->stage, b->name, "signal %d", number);
	kill(b->pid, number);
	return true;
}

static bool end_within(broker_t *b, const command_t *command, int64_t ms)
{
	int64_t until = stage_until(b->stage, ms);

	while (broker_runs(b)) {
		if (now_ms() >= until)
			return stage_fail(b->stage, NULL, command, "%.*s still runs after %.1fs", BYTES_ARG(b->name),
					  (double)ms / 1000);
		if (!stage_sleep(b->stage, 2))
			return false;
	}
	return true;
}

/* Judges an end the play asked for, unless -expect-exit of the same statement will. */
static bool judge_end(broker_t *b, const command_t *command)
{
	int code = broker_exit_code(b);

	b->excused = true;
	if (code == 0 || (command && command_opt(command, "-expect-exit")))
		return true;
	return stage_fail(b->stage, NULL, command, "%.*s ended with status %d%s", BYTES_ARG(b->name), code,
			  code > 128 ? " (a signal)" : "");
}

static bool stop(broker_t *b, const command_t *command)
{
	return send_signal(b, command, SIGTERM) && end_within(b, command, STOP_MS) && judge_end(b, command);
}

static bool kill_it(broker_t *b, const command_t *command)
{
	b->excused = true;
	return send_signal(b, command, SIGKILL) && end_within(b, command, STOP_MS);
}

static bool await(broker_t *b, const command_t *command)
{
	return end_within(b, command, b->stage->deadline - now_ms()) && judge_end(b, command);
}

static bool expect_exit(broker_t *b, const command_t *command, const arg_t *arg)
{
	uint64_t want = 0;

	if (!broker_runs(b) && !b->ended)
		return stage_fail(b->stage, NULL, command, "%.*s was never started", BYTES_ARG(b->name));
	if (!end_within(b, command, b->stage->timeout > STOP_MS ? b->stage->timeout : STOP_MS))
		return false;
	b->excused = true;
	if (!stage_number(b->stage, command, &arg->words[0], &want))
		return false;
	if ((uint64_t)broker_exit_code(b) == want)
		return true;
	return stage_fail(b->stage, NULL, command, "expected: exit status %llu\n  received: %d",
			  (unsigned long long)want, broker_exit_code(b));
}

static bool expect_log(broker_t *b, const command_t *command, const arg_t *arg)
{
	int64_t until = stage_until(b->stage, b->stage->timeout);
	arena_t scratch = { 0 };
	bytes_t text;
	bool ok = macro_expand(b->stage, NULL, command, arg->words[0].text, &scratch, &text), found = false;

	while (ok && !(found = broker_log_has(b, text)) && now_ms() < until)
		ok = stage_sleep(b->stage, 5);
	if (ok && !found)
		ok = stage_fail(b->stage, NULL, command, "the log of %.*s never says \"%.*s\"", BYTES_ARG(b->name),
				BYTES_ARG(text));
	arena_reset(&scratch);
	return ok;
}

static bool expect_no_log(broker_t *b, const command_t *command, const arg_t *arg)
{
	arena_t scratch = { 0 };
	bytes_t text;
	bool ok = macro_expand(b->stage, NULL, command, arg->words[0].text, &scratch, &text);

	if (ok && broker_log_has(b, text))
		ok = stage_fail(b->stage, NULL, command, "the log of %.*s says \"%.*s\"", BYTES_ARG(b->name),
				BYTES_ARG(text));
	arena_reset(&scratch);
	return ok;
}

static bool add_arg(broker_t *b, const command_t *command, const arg_t *arg)
{
	arena_t scratch = { 0 };
	bytes_t text;
	bool ok = macro_expand(b->stage, NULL, command, arg->words[0].text, &scratch, &text);

	if (ok) {
		buf_add(&b->args, text.at, text.len);
		buf_add_byte(&b->args, 0);
	}
	arena_reset(&scratch);
	return ok;
}

static bool set_workers(broker_t *b, const command_t *command, const arg_t *arg)
{
	uint64_t n;

	if (!stage_number(b->stage, command, &arg->words[0], &n))
		return false;
	b->workers = (unsigned)n;
	return true;
}

static bool perform_verb(broker_t *b, const command_t *command, const arg_t *arg)
{
	if (arg_is(arg, "-conf"))
		b->conf = &arg->words[0];
	else if (arg_is(arg, "-workers"))
		return set_workers(b, command, arg);
	else if (arg_is(arg, "-arg"))
		return add_arg(b, command, arg);
	else if (arg_is(arg, "-start"))
		return broker_configure(b, command) && broker_start(b, command, command_opt(command, "-expect-exit"));
	else if (arg_is(arg, "-stop"))
		return stop(b, command);
	else if (arg_is(arg, "-kill"))
		return kill_it(b, command);
	else if (arg_is(arg, "-reload"))
		return broker_configure(b, command) && send_signal(b, command, SIGHUP);
	else if (arg_is(arg, "-signal"))
		return send_signal(b, command, signal_number(arg->words[0].text));
	else if (arg_is(arg, "-wait"))
		return await(b, command);
	else if (arg_is(arg, "-expect"))
		return broker_expect(b, command, arg);
	else if (arg_is(arg, "-expect-log"))
		return expect_log(b, command, arg);
	else if (arg_is(arg, "-expect-no-log"))
		return expect_no_log(b, command, arg);
	else if (arg_is(arg, "-expect-exit"))
		return expect_exit(b, command, arg);
	return true;
}

/* A broker we did not start takes no orders: a play that gives some cannot be performed with it. */
static bool perform_external(stage_t *stage, const command_t *command)
{
	for (size_t i = 0; i < command->count; i++) {
		const arg_t *arg = &command->args[i];

		if (arg->opt && !arg_is(arg, "-start") && !arg_is(arg, "-stop") && !arg_is(arg, "-wait") &&
		    !arg_is(arg, "-workers"))
			stage_skip(stage, "%s needs a broker of its own", arg->opt->name);
	}
	return true;
}

bool perform_broker(stage_t *stage, const command_t *command)
{
	broker_t *b = declare_broker(stage, command_word(command, 0)->text);

	if (stage->settings->external)
		return perform_external(stage, command);
	for (size_t i = 0; i < command->count; i++)
		if (!perform_verb(b, command, &command->args[i]))
			return false;
	return true;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* Sends SIGTERM, and SIGKILL when that is not enough. Returns: whether it was. */
static bool end_process(broker_t *b)
{
	kill(b->pid, SIGTERM);
	kill(b->pid, SIGCONT);
	if (broker_await_end(b, now_ms() + STOP_MS))
		return true;
	kill(b->pid, SIGKILL);
	broker_await_end(b, now_ms() + STOP_MS);
	return stage_fail(b->stage, NULL, NULL, "%.*s did not end within %d s of SIGTERM", BYTES_ARG(b->name),
			  STOP_MS / 1000);
}

static bool end_broker(broker_t *b)
{
	bool ok = !broker_runs(b) || end_process(b);
	buf_t report = { 0 };

	broker_log_close(b);
	if (broker_log_report(b, &report))
		ok = stage_fail(b->stage, NULL, NULL, "a sanitizer reports about %.*s", BYTES_ARG(b->name));
	else if (ok && b->ended && !b->excused)
		ok = judge_end(b, NULL);
	buf_free(&report);
	return ok;
}

bool brokers_end(stage_t *stage)
{
	bool ok = true;

	for (broker_t *b = stage->brokers; b; b = b->next)
		ok &= end_broker(b);
	return ok;
}

void brokers_show_tails(stage_t *stage, buf_t *out)
{
	for (broker_t *b = stage->brokers; b; b = b->next) {
		buf_addf(out, "  --- last lines of %.*s's log\n", BYTES_ARG(b->name));
		broker_log_tail(b, 40, out);
	}
}

void brokers_show_ends(stage_t *stage, buf_t *out)
{
	for (broker_t *b = stage->brokers; b; b = b->next) {
		buf_t report = { 0 };

		if (broker_log_report(b, &report))
			buf_addf(out, "  --- a sanitizer reports about %.*s\n%.*s", BYTES_ARG(b->name),
				 BYTES_ARG(buf_bytes(&report)));
		if (b->ended && !b->excused && broker_exit_code(b))
			buf_addf(out, "  --- %.*s ended with status %d\n", BYTES_ARG(b->name), broker_exit_code(b));
		buf_free(&report);
	}
}

void brokers_free(stage_t *stage)
{
	broker_t *b;

	while ((b = stage->brokers)) {
		stage->brokers = b->next;
		pthread_mutex_destroy(&b->log_lock);
		buf_free(&b->log);
		buf_free(&b->args);
		free(b->dir);
		free(b);
	}
}
