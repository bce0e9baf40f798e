/* actor.c — actors as statements see them: declared, started, waited for; and the commands about order and time. */
#include "actor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act.h"
#include "perform.h"
#include "value.h"

bool actor_perform(actor_t *actor, const block_t *block)
{
	for (size_t i = 0; i < block->count; i++) {
		const command_t *c = block->at[i];

		if (stage_failed(actor->stage))
			return false;
		if (strcmp(c->rule->name, "expect") != 0 && strcmp(c->rule->name, "repeat") != 0)
			actor->current = NULL;	/* only expects in a row examine one packet */
		if (!c->rule->act(actor, c))
			return false;
		arena_reset(&actor->scratch);
	}
	return true;
}

bool actor_text(actor_t *actor, const command_t *command, const word_t *word, bytes_t *ret_text)
{
	return macro_expand(actor->stage, actor, command, word->text, &actor->scratch, ret_text);
}

bool actor_number(actor_t *actor, const command_t *command, const word_t *word, uint64_t *ret_number)
{
	bytes_t text;

	if (!actor_text(actor, command, word, &text))
		return false;
	return value_number(text, ret_number) ||
	       stage_fail(actor->stage, actor, command, "\"%.*s\" is not a number", BYTES_ARG(text));
}

bool actor_duration(actor_t *actor, const command_t *command, const word_t *word, int64_t *ret_ms)
{
	bytes_t text;

	if (!actor_text(actor, command, word, &text))
		return false;
	return value_duration(text, ret_ms) ||
	       stage_fail(actor->stage, actor, command, "\"%.*s\" is not a duration", BYTES_ARG(text));
}

/* Sends the PROXY header, the first bytes on a connection that has one. */
static bool send_proxy(actor_t *actor, const command_t *command, int64_t until)
{
	buf_t bytes = { 0 };
	bytes_t text;
	bool ok = actor_text(actor, command, actor->proxy, &text);

	if (ok && !actor->proxy_hex)
		buf_addf(&bytes, "%.*s\r\n", BYTES_ARG(text));
	else if (ok && !value_hex(text, &bytes, NULL))
		ok = stage_fail(actor->stage, actor, command, "-proxy-hex is not pairs of hexadecimal digits");
	if (ok)
		conn_send_wire(&actor->conn, buf_bytes(&bytes), until);
	buf_free(&bytes);
	return ok;
}

static bool fail_upgrade(actor_t *actor, const command_t *command, const char *why)
{
	buf_t text = { 0 };

	show_text(&text, buf_bytes(&actor->conn.in), 400);
	stage_fail(actor->stage, actor, command, "%s\n  received: %.*s", why, BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

static bool upgrade(actor_t *actor, const command_t *command, const char *host, int64_t until)
{
	bytes_t path, protocol = bytes_of("mqtt"), line = { 0 };
	buf_t headers = { 0 };
	const char *why;

	if (!actor_text(actor, command, actor->ws, &path) ||
	    (actor->ws_protocol && !actor_text(actor, command, actor->ws_protocol, &protocol)) ||
	    (actor->ws_header && !actor_text(actor, command, actor->ws_header, &line)))
		return false;
	if (line.len)
		buf_addf(&headers, "%.*s\r\n", BYTES_ARG(line));
	why = conn_upgrade(&actor->conn, host, path, protocol, buf_bytes(&headers), until);
	buf_free(&headers);
	return !why || fail_upgrade(actor, command, why);
}

bool actor_open(actor_t *actor, const command_t *command)
{
	int64_t until = stage_until(actor->stage, actor->timeout);
	bytes_t address = { 0 };
	const char *why, *where;

	if (actor->listener >= 0) {
		why = conn_accept(&actor->conn, actor->listener, until);
		return !why || stage_fail(actor->stage, actor, command, "%s: %s", actor->address, why);
	}
	if (!actor_text(actor, command, actor->connect, &address))
		return false;
	where = arena_cstr(&actor->scratch, address);
	why = conn_open(&actor->conn, where, actor->rcvbuf, until);
	if (why)
		return stage_fail(actor->stage, actor, command, "%s: %s", where, why);
	return (!actor->proxy || send_proxy(actor, command, until)) &&
	       (!actor->ws || upgrade(actor, command, where, until));
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

bool act_timeout(actor_t *actor, const command_t *command)
{
	return actor_duration(actor, command, command_word(command, 0), &actor->timeout);
}

bool act_delay(actor_t *actor, const command_t *command)
{
	int64_t ms;

	return actor_duration(actor, command, command_word(command, 0), &ms) && stage_sleep(actor->stage, ms);
}

bool act_barrier(actor_t *actor, const command_t *command)
{
	return stage_meet(actor->stage, actor, command, command_word(command, 0)->text);
}

bool act_repeat(actor_t *actor, const command_t *command)
{
	uint64_t outer = actor->seq, count;
	bool ok = actor_number(actor, command, command_word(command, 0), &count);

	for (uint64_t i = 1; ok && i <= count; i++) {
		actor->seq = i;
		ok = actor_perform(actor, command_body(command));
	}
	actor->seq = outer;
	return ok;
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void forget_packets(actor_t *actor)
{
	for (size_t i = 0; i < PARLEY_COUNT(actor->last); i++) {
		packet_destroy(actor->last[i]);
		actor->last[i] = NULL;
	}
	actor->current = NULL;
}

static void *actor_main(void *arg)
{
	actor_t *actor = arg;
	stage_t *stage = actor->stage;

	if (!(actor_open(actor, actor->connect_command) && actor_perform(actor, actor->block)))
		stage_fail(stage, actor, NULL, "it stopped without saying why");	/* mostly not the first failure */
	conn_close(&actor->conn, false);
	forget_packets(actor);
	scram_free(&actor->scram);
	arena_reset(&actor->scratch);
	pthread_mutex_lock(&stage->lock);
	actor->done = true;
	pthread_cond_broadcast(&stage->changed);
	pthread_mutex_unlock(&stage->lock);
	return NULL;
}

static void reset_actor(actor_t *actor)
{
	actor->done = false;
	actor->conn = (conn_t){ .fd = -1, .stop = actor->stage->stop[0] };
	actor->version = 4;
	actor->next_id = 1;
	actor->ignored = 0;
	actor->scram = (scram_t){ 0 };
	actor->seq = actor->stage->seq;
	actor->timeout = actor->stage->timeout;
}

static bool wait_actor(actor_t *actor, const command_t *command)
{
	stage_t *stage = actor->stage;
	bool done, failed;

	if (!actor->started)
		return true;
	pthread_mutex_lock(&stage->lock);
	while (!actor->done && !stage->failed && stage_wait(stage, stage->deadline))
		;
	done = actor->done;
	failed = stage->failed;
	pthread_mutex_unlock(&stage->lock);
	if (!done && !failed)
		stage_fail(stage, NULL, command, "%.*s is not done when the play's time is over",
			   BYTES_ARG(actor->name));
	if (!done)
		return false;
	pthread_join(actor->thread, NULL);
	actor->started = false;
	return !stage_failed(stage);
}

static bool start_actor(actor_t *actor, const command_t *command)
{
	if (actor->started && !wait_actor(actor, command))
		return false;
	if (!actor->block || (!actor->connect && actor->listener < 0))
		return stage_fail(actor->stage, NULL, command, "%.*s has no block or no -connect yet",
				  BYTES_ARG(actor->name));
	reset_actor(actor);
	if (pthread_create(&actor->thread, NULL, actor_main, actor))
		return stage_fail(actor->stage, NULL, command, "cannot start a thread");
	actor->started = true;
	return true;
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static actor_t *find_actor(stage_t *stage, bytes_t name)
{
	for (actor_t *a = stage->actors; a; a = a->next)
		if (bytes_equal(a->name, name))
			return a;
	return NULL;
}

static actor_t *declare_actor(stage_t *stage, const command_t *command)
{
	bytes_t name = command_word(command, 0)->text;
	actor_t *actor = find_actor(stage, name);

	if (actor)
		return actor;
	actor = mem_new(sizeof(*actor));
	actor->stage = stage;
	actor->name = name;
	actor->mqtt = strcmp(command->rule->name, "mqtt") == 0;
	actor->listener = -1;
	pthread_mutex_lock(&stage->lock);
	actor->next = stage->actors;
	stage->actors = actor;
	pthread_mutex_unlock(&stage->lock);
	return actor;
}

static bool listen_on(actor_t *actor, const command_t *command, bytes_t address)
{
	arena_t scratch = { 0 };
	char text[128];
	const char *why;
	int fd = -1;

	if (actor->listener >= 0)
		return true;
	if (!macro_expand(actor->stage, NULL, command, address, &scratch, &address)) {
		arena_reset(&scratch);
		return false;
	}
	why = conn_listen(arena_cstr(&scratch, address), &fd, text);
	if (why)
		stage_fail(actor->stage, NULL, command, "%.*s: %s", BYTES_ARG(address), why);
	arena_reset(&scratch);
	if (why)
		return false;
	pthread_mutex_lock(&actor->stage->lock);
	memcpy(actor->address, text, sizeof(text));
	actor->listener = fd;
	pthread_mutex_unlock(&actor->stage->lock);
	return true;
}

static bool set_rcvbuf(actor_t *actor, const command_t *command, const arg_t *arg)
{
	uint64_t bytes;

	if (!stage_number(actor->stage, command, &arg->words[0], &bytes))
		return false;
	actor->rcvbuf = (int)bytes;
	return true;
}

/* The options that say what comes between the socket and the actor. Returns: false when ARG is none of them. */
static bool take_layer(actor_t *actor, const arg_t *arg)
{
	if (arg_is(arg, "-ws"))
		actor->ws = &arg->words[0];
	else if (arg_is(arg, "-ws-protocol"))
		actor->ws_protocol = &arg->words[0];
	else if (arg_is(arg, "-ws-header"))
		actor->ws_header = &arg->words[0];
	else if (arg_is(arg, "-proxy") || arg_is(arg, "-proxy-hex"))
		actor->proxy = &arg->words[0], actor->proxy_hex = arg_is(arg, "-proxy-hex");
	else
		return false;
	return true;
}

static bool perform_verb(actor_t *actor, const command_t *command, const arg_t *arg)
{
	if (take_layer(actor, arg))
		return true;
	if (arg->body)
		actor->block = arg->body;
	else if (arg_is(arg, "-connect"))
		actor->connect = &arg->words[0], actor->connect_command = command;
	else if (arg_is(arg, "-listen"))
		return listen_on(actor, command, arg->words[0].text);
	else if (arg_is(arg, "-auto-ack"))
		actor->auto_ack = true;
	else if (arg_is(arg, "-rcvbuf"))
		return set_rcvbuf(actor, command, arg);
	else if (arg_is(arg, "-start"))
		return start_actor(actor, command);
	else if (arg_is(arg, "-run"))
		return start_actor(actor, command) && wait_actor(actor, command);
	else if (arg_is(arg, "-wait"))
		return wait_actor(actor, command);
	return true;
}

bool perform_actor(stage_t *stage, const command_t *command)
{
	actor_t *actor = declare_actor(stage, command);

	for (size_t i = 0; i < command->count; i++)
		if (!perform_verb(actor, command, &command->args[i]))
			return false;
	return true;
}

bool actor_address(stage_t *stage, bytes_t name, bytes_t rest, buf_t *out)
{
	const actor_t *actor;
	bool found;

	pthread_mutex_lock(&stage->lock);
	actor = find_actor(stage, name);
	found = actor && actor->listener >= 0 && (!rest.len || bytes_is(rest, "port"));
	if (found)
		buf_addf(out, "%s", rest.len ? strrchr(actor->address, ':') + 1 : actor->address);
	pthread_mutex_unlock(&stage->lock);
	return found;
}

bool actors_wait(stage_t *stage)
{
	for (actor_t *a = stage->actors; a; a = a->next)
		if (!wait_actor(a, NULL))
			return false;
	return true;
}

void actors_free(stage_t *stage)
{
	actor_t *a;

	while ((a = stage->actors)) {
		stage->actors = a->next;
		if (a->started)
			pthread_join(a->thread, NULL);
		if (a->listener >= 0)
			close(a->listener);
		free(a);
	}
}
