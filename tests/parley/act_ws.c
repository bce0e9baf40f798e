/* act_ws.c — the commands about WebSocket frames: how the stream is cut, and frames that are wrong on purpose. */
#include "act.h"
#include "value.h"

static bool send_wire(actor_t *actor, const command_t *command, bytes_t bytes)
{
	if (actor->conn.fd < 0)
		return stage_fail(actor->stage, actor, command, "there is no connection (reconnect opens one)");
	switch (conn_send_wire(&actor->conn, bytes, stage_until(actor->stage, actor->timeout))) {
	case CONN_OK:
	case CONN_CLOSED: return true;	/* as with `send`: what follows is expected next */
	case CONN_LATE: return stage_fail(actor->stage, actor, command, "the peer takes no bytes");
	case CONN_BAD_FRAME:
	case CONN_STOPPED: break;
	}
	return false;
}

/* Appends the bytes that the N-th word of COMMAND spells to OUT; nothing when there is no such word. */
static bool hex_word(actor_t *actor, const command_t *command, size_t n, buf_t *out)
{
	const word_t *word = command_word(command, n);
	bytes_t text;

	if (!word)
		return true;
	return actor_text(actor, command, word, &text) &&
	       (value_hex(text, out, NULL) ||
		stage_fail(actor->stage, actor, command, "not pairs of hexadecimal digits: %.*s", BYTES_ARG(text)));
}

static bool need_frames(actor_t *actor, const command_t *command)
{
	return actor->conn.ws.on || stage_fail(actor->stage, actor, command, "no frames here: the actor has no -ws");
}

bool act_ws_split(actor_t *actor, const command_t *command)
{
	uint64_t message, fragment;

	if (!actor_number(actor, command, command_word(command, 0), &message) ||
	    !actor_number(actor, command, command_word(command, 1), &fragment))
		return false;
	actor->conn.ws.message = message;
	actor->conn.ws.fragment = fragment;
	return true;
}

bool act_ws_frame(actor_t *actor, const command_t *command)
{
	const arg_t *rsv = command_opt(command, "-rsv");
	ws_frame_t frame = { .more = command_opt(command, "-more"), .unmasked = command_opt(command, "-unmasked") };
	buf_t payload = { 0 }, wire = { 0 };
	uint64_t opcode = 0, bits = 0;
	bool ok = need_frames(actor, command) && actor_number(actor, command, command_word(command, 0), &opcode) &&
		  hex_word(actor, command, 1, &payload) &&
		  (!rsv || actor_number(actor, command, &rsv->words[0], &bits));

	frame.opcode = (unsigned)opcode;
	frame.rsv = (unsigned)bits;
	frame.payload = buf_bytes(&payload);
	if (ok)
		ws_put(&actor->conn.ws, &frame, &wire);
	ok = ok && send_wire(actor, command, buf_bytes(&wire));
	buf_free(&payload);
	buf_free(&wire);
	return ok;
}

bool act_send_wire_hex(actor_t *actor, const command_t *command)
{
	buf_t bytes = { 0 };
	bool ok = hex_word(actor, command, 0, &bytes) && send_wire(actor, command, buf_bytes(&bytes));

	buf_free(&bytes);
	return ok;
}

static bool fail_pong(actor_t *actor, const command_t *command, conn_result_t result)
{
	arrival_t a = { .result = result };
	buf_t text = { 0 };

	if (result == CONN_STOPPED)
		return false;
	if (result == CONN_OK)
		show_hex(&text, buf_bytes(&actor->conn.ws.pong), 128);
	else
		arrival_show(actor, &a, &text);
	stage_fail(actor->stage, actor, command, "expected: a pong with this payload\n  received: %.*s",
		   BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

bool act_expect_pong(actor_t *actor, const command_t *command)
{
	int64_t until = stage_until(actor->stage, actor->timeout);
	conn_result_t result = CONN_OK;
	buf_t want = { 0 };
	bool ok = need_frames(actor, command) && hex_word(actor, command, 0, &want);

	while (ok && result == CONN_OK && !actor->conn.ws.ponged)
		result = conn_fill_any(&actor->conn, until);
	if (ok && (result != CONN_OK || !bytes_equal(buf_bytes(&want), buf_bytes(&actor->conn.ws.pong))))
		ok = fail_pong(actor, command, result);
	actor->conn.ws.ponged = false;
	buf_free(&want);
	return ok;
}
