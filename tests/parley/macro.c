/* macro.c — ${…}: addresses of brokers and listeners, the play's directories, the turn of a loop, facts of packets. */
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "broker.h"
#include "field.h"
#include "stage.h"
#include "value.h"

bool macro_next(bytes_t *text, bytes_t *ret_before, bytes_t *ret_name)
{
	ptrdiff_t start = bytes_find(*text, bytes_of("${")), end;
	bytes_t inside;

	if (start < 0)
		return false;
	inside = bytes_from(*text, (size_t)start + 2);
	end = bytes_find(inside, bytes_of("}"));
	if (end < 0)
		return false;
	*ret_before = (bytes_t){ text->at, (size_t)start };
	*ret_name = (bytes_t){ inside.at, (size_t)end };
	*text = bytes_from(inside, (size_t)end + 1);
	return true;
}

/* Splits "b1.secure.port" after its first piece. */
static bytes_t first_piece(bytes_t name, bytes_t *ret_rest)
{
	ptrdiff_t dot = bytes_find(name, bytes_of("."));

	*ret_rest = dot < 0 ? (bytes_t){ 0 } : bytes_from(name, (size_t)dot + 1);
	return dot < 0 ? name : (bytes_t){ name.at, (size_t)dot };
}

const char *macro_check(const play_t *play, bytes_t name)
{
	static const char *const plain[] = { "tmp", "dir", "seq", "dollar", "modules" };
	bytes_t rest, piece = first_piece(name, &rest);
	condition_t field = { 0 };
	const char *why;

	for (size_t i = 0; i < PARLEY_COUNT(plain); i++)
		if (bytes_is(name, plain[i]))
			return NULL;
	if (bytes_is(piece, "env") && rest.len)
		return NULL;
	for (size_t i = 0; i < play->name_count; i++)
		if (bytes_equal(piece, play->names[i].name))
			return NULL;
	if (packet_type_of(piece) < 0)
		return "unknown macro";
	why = field_parse(name, &field);
	return why ? why : field.field ? NULL : "a packet is no macro, its fields are";
}

static bool env_text(arena_t *arena, bytes_t name, buf_t *out)
{
	const char *value = getenv(arena_cstr(arena, name));

	if (value)
		buf_addf(out, "%s", value);
	return value != NULL;
}

static bool packet_text(const actor_t *actor, bytes_t name, buf_t *out)
{
	condition_t field = { 0 };

	return actor && !field_parse(name, &field) && actor->last[field.type] &&
	       field_text(actor->last[field.type], &field, out);
}

static bool plain_text(const stage_t *stage, const actor_t *actor, bytes_t name, buf_t *out)
{
	if (bytes_is(name, "tmp"))
		buf_addf(out, "%s", stage->tmp);
	else if (bytes_is(name, "dir"))
		buf_addf(out, "%s", stage->dir);
	else if (bytes_is(name, "modules"))
		buf_addf(out, "%s", stage->settings->modules ? stage->settings->modules : "");
	else if (bytes_is(name, "dollar"))
		buf_add_byte(out, '$');
	else if (bytes_is(name, "seq"))
		buf_addf(out, "%llu", (unsigned long long)(actor ? actor->seq : stage->seq));
	else
		return false;
	return true;
}

static bool macro_text(stage_t *stage, const actor_t *actor, arena_t *arena, bytes_t name, buf_t *out)
{
	bytes_t rest, piece = first_piece(name, &rest);

	if (plain_text(stage, actor, name, out))
		return true;
	if (bytes_is(piece, "env"))
		return env_text(arena, rest, out);
	if (packet_type_of(piece) > 0)
		return packet_text(actor, name, out);
	return broker_address(stage, piece, rest, out) || actor_address(stage, piece, rest, out);
}

bool stage_number(stage_t *stage, const command_t *command, const word_t *word, uint64_t *ret_number)
{
	arena_t scratch = { 0 };
	bytes_t text;
	bool ok = macro_expand(stage, NULL, command, word->text, &scratch, &text);

	if (ok && !value_number(text, ret_number))
		ok = stage_fail(stage, NULL, command, "\"%.*s\" is not a number", BYTES_ARG(text));
	arena_reset(&scratch);
	return ok;
}

bool macro_expand(stage_t *stage, const actor_t *actor, const command_t *command, bytes_t text, arena_t *arena,
		  bytes_t *ret_text)
{
	buf_t out = { 0 };
	bytes_t before, name;
	bool ok = true;

	if (bytes_find(text, bytes_of("${")) < 0) {
		*ret_text = text;
		return true;
	}
	while (ok && macro_next(&text, &before, &name)) {
		buf_add(&out, before.at, before.len);
		if (!macro_text(stage, actor, arena, name, &out))
			ok = stage_fail(stage, actor, command, "${%.*s} has no value here", BYTES_ARG(name));
	}
	buf_add(&out, text.at, text.len);
	*ret_text = arena_copy(arena, buf_bytes(&out));
	buf_free(&out);
	return ok;
}
