/* act_bytes.c — the commands about bytes and about the connection itself, for mqtt and raw actors alike. */
#include <string.h>

#include "act.h"
#include "value.h"

static void say_bytes(actor_t *actor, const char *arrow, bytes_t bytes)
{
	buf_t text = { 0 };

	if (!actor->stage->settings->verbose)
		return;
	show_hex(&text, bytes, 64);
	stage_say(actor->stage, actor->name, "%s %.*s", arrow, BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
}

/* Sends BYTES. A peer that closes meanwhile is no failure: bytes are sent to provoke, what follows is expected next. */
static bool send_bytes(actor_t *actor, const command_t *command, bytes_t bytes)
{
	if (actor->conn.fd < 0)
		return stage_fail(actor->stage, actor, command, "there is no connection (reconnect opens one)");
	say_bytes(actor, "-->", bytes);
	switch (conn_send(&actor->conn, bytes, stage_until(actor->stage, actor->timeout))) {
	case CONN_OK:
	case CONN_CLOSED: return true;
	case CONN_LATE: return stage_fail(actor->stage, actor, command, "the peer takes no bytes");
	case CONN_BAD_FRAME:
	case CONN_STOPPED: break;
	}
	return false;
}

bool act_send(actor_t *actor, const command_t *command)
{
	bytes_t text;

	return actor_text(actor, command, command_word(command, 0), &text) && send_bytes(actor, command, text);
}

bool act_send_hex(actor_t *actor, const command_t *command)
{
	bytes_t text;
	buf_t bytes = { 0 };
	bool ok = actor_text(actor, command, command_word(command, 0), &text);

	if (ok && !value_hex(text, &bytes, NULL))
		ok = stage_fail(actor->stage, actor, command, "not pairs of hexadecimal digits: %.*s", BYTES_ARG(text));
	ok = ok && send_bytes(actor, command, buf_bytes(&bytes));
	buf_free(&bytes);
	return ok;
}

static bool fail_bytes(actor_t *actor, const command_t *command, bytes_t expected, conn_result_t result)
{
	arrival_t a = { .result = result };
	buf_t text = { 0 };

	if (result == CONN_STOPPED)
		return false;
	buf_addf(&text, "expected: %.*s\n  received: ", BYTES_ARG(expected));
	if (result == CONN_OK)
		show_hex(&text, buf_bytes(&actor->conn.in), 256);
	else
		arrival_show(actor, &a, &text);
	stage_fail(actor->stage, actor, command, "%.*s", BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

/* Waits until N bytes are there. */
static conn_result_t fill_to(actor_t *actor, size_t n)
{
	int64_t until = stage_until(actor->stage, actor->timeout);
	conn_result_t result = CONN_OK;

	while (result == CONN_OK && actor->conn.in.len < n)
		result = conn_fill(&actor->conn, until);
	return actor->conn.in.len >= n ? CONN_OK : result;
}

/* Receives as many bytes as WANT has and compares them, where MASK (NULL: everywhere) is not 0. */
static bool expect_bytes(actor_t *actor, const command_t *command, bytes_t want, const char *mask, bytes_t shown)
{
	conn_result_t result = fill_to(actor, want.len);
	bool equal = result == CONN_OK;

	for (size_t i = 0; equal && i < want.len; i++)
		equal = (mask && !mask[i]) || actor->conn.in.at[i] == want.at[i];
	if (!equal)
		return fail_bytes(actor, command, shown, result);
	say_bytes(actor, "<--", (bytes_t){ actor->conn.in.at, want.len });
	buf_drop(&actor->conn.in, want.len);
	return true;
}

bool act_expect_hex(actor_t *actor, const command_t *command)
{
	bytes_t text;
	buf_t want = { 0 }, mask = { 0 };
	bool ok = actor_text(actor, command, command_word(command, 0), &text);

	if (ok && !value_hex(text, &want, &mask))
		ok = stage_fail(actor->stage, actor, command, "not pairs of hexadecimal digits: %.*s", BYTES_ARG(text));
	ok = ok && expect_bytes(actor, command, buf_bytes(&want), mask.at, text);
	buf_free(&want);
	buf_free(&mask);
	return ok;
}

bool act_expect_text(actor_t *actor, const command_t *command)
{
	bytes_t text;

	return actor_text(actor, command, command_word(command, 0), &text) &&
	       expect_bytes(actor, command, text, NULL, text);
}

bool act_skip_until(actor_t *actor, const command_t *command)
{
	int64_t until = stage_until(actor->stage, actor->timeout);
	conn_result_t result = CONN_OK;
	bytes_t text;

	if (!actor_text(actor, command, command_word(command, 0), &text))
		return false;
	for (;;) {
		ptrdiff_t at = bytes_find(buf_bytes(&actor->conn.in), text);

		if (at >= 0) {
			buf_drop(&actor->conn.in, (size_t)at + text.len);
			return true;
		}
		if (result != CONN_OK)
			return fail_bytes(actor, command, text, result);
		result = conn_fill(&actor->conn, until);
	}
}

/* --- closing and silence ------------------------------------------------------------------------------------------ */

/* Waits for whatever comes first: a packet, or for a raw actor any byte. */
static arrival_t receive_any(actor_t *actor, int64_t until)
{
	arrival_t a = { 0 };

	if (actor->mqtt)
		return actor_receive(actor, until);
	if (!actor->conn.in.len)
		a.result = conn_fill(&actor->conn, until);
	return a;
}

static bool fail_arrival(actor_t *actor, const command_t *command, const arrival_t *arrival, const char *expected)
{
	buf_t text = { 0 };

	if (arrival->result == CONN_STOPPED)
		return false;
	buf_addf(&text, "expected: %s\n  received: ", expected);
	if (!actor->mqtt && arrival->result == CONN_OK)
		show_hex(&text, buf_bytes(&actor->conn.in), 256);
	else
		arrival_show(actor, arrival, &text);
	stage_fail(actor->stage, actor, command, "%.*s", BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

/* Whether the close frame before the end had the code of -ws-code, where the play asks for one. */
static bool right_code(actor_t *actor, const command_t *command)
{
	const arg_t *want = command_opt(command, "-ws-code");
	unsigned found = actor->conn.ws.close_code ? actor->conn.ws.close_code : WS_NO_CLOSE;
	uint64_t code;

	if (!want)
		return true;
	return actor_number(actor, command, &want->words[0], &code) &&
	       (code == found || stage_fail(actor->stage, actor, command,
					    "expected: a close frame with code %llu\n  received: %u",
					    (unsigned long long)code, found));
}

bool act_expect_close(actor_t *actor, const command_t *command)
{
	int64_t until = stage_until(actor->stage, actor->timeout);
	bool drain = command_opt(command, "-drain");

	if (actor->conn.fd < 0)
		return stage_fail(actor->stage, actor, command, "there is no connection (reconnect opens one)");
	for (;;) {
		arrival_t a = receive_any(actor, until);

		if (a.result == CONN_CLOSED && (drain || !actor->conn.in.len))
			break;
		if (a.result != CONN_OK || !drain)
			return fail_arrival(actor, command, &a, "the end of the connection");
		if (!actor->mqtt || a.malformed)
			actor->conn.in.len = 0;
	}
	stage_say(actor->stage, actor->name, "<-- the end of the connection");
	if (!right_code(actor, command))
		return false;
	conn_close(&actor->conn, false);
	return true;
}

bool act_quiet(actor_t *actor, const command_t *command)
{
	arrival_t a;
	int64_t ms;

	if (!actor_duration(actor, command, command_word(command, 0), &ms))
		return false;
	if (actor->conn.fd < 0)
		return stage_fail(actor->stage, actor, command, "there is no connection (reconnect opens one)");
	a = receive_any(actor, stage_until(actor->stage, ms));
	if (a.result != CONN_LATE || actor->conn.in.len)
		return fail_arrival(actor, command, &a, "nothing");
	return true;
}

bool act_cut(actor_t *actor, const command_t *command)
{
	stage_say(actor->stage, actor->name, "--> cut");
	conn_close(&actor->conn, command_opt(command, "-rst"));
	return true;
}

bool act_reconnect(actor_t *actor, const command_t *command)
{
	stage_say(actor->stage, actor->name, "--> reconnect");
	return actor_open(actor, command);
}

bool act_shutdown_write(actor_t *actor, const command_t *command)
{
	(void)command;
	conn_shutdown_write(&actor->conn);
	return true;
}

bool act_slow(actor_t *actor, const command_t *command)
{
	uint64_t bytes;

	if (!actor_number(actor, command, command_word(command, 0), &bytes))
		return false;
	actor->conn.slow_bytes = bytes;
	return actor_duration(actor, command, command_word(command, 1), &actor->conn.slow_ms);
}
