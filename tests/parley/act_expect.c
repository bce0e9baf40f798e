/* act_expect.c — the commands that receive packets and judge them.
 *
 * Which packet does an `expect` mean? `expect T` always receives the next one. `expect T.f …` examines the current
 * packet if that is a T and f has not been asked of it yet; otherwise it receives the next one. Any other command
 * lets the current packet go. So a row of expects reads one packet field by field, and a row in a loop reads one
 * packet each turn.
 */
#include <string.h>

#include "act.h"
#include "field.h"

static bool same_field(const condition_t *a, const condition_t *b)
{
	return a->field == b->field && a->prop == b->prop && a->index == b->index;
}

static bool was_checked(const actor_t *actor, const condition_t *c)
{
	for (size_t i = 0; i < actor->checked_count; i++)
		if (same_field(actor->checked[i], c))
			return true;
	return false;
}

static void remember_checked(actor_t *actor, const conditions_t *list)
{
	for (size_t i = 0; i < list->count; i++) {
		actor->checked = arena_grow(&actor->current->arena, actor->checked, actor->checked_count,
					    sizeof(*actor->checked));
		actor->checked[actor->checked_count++] = &list->at[i];
	}
}

static bool needs_next(const actor_t *actor, const conditions_t *list)
{
	if (!actor->current || actor->current->type != list->at[0].type || !list->at[0].field)
		return true;
	for (size_t i = 0; i < list->count; i++)
		if (was_checked(actor, &list->at[i]))
			return true;
	return false;
}

static void show_conditions(const conditions_t *list, buf_t *out)
{
	for (size_t i = 0; i < list->count; i++)
		buf_addf(out, "%s%.*s", i ? " " : "", BYTES_ARG(list->at[i].source));
}

/* Fails the play with what was expected and what came. */
static bool fail_expect(actor_t *actor, const command_t *command, const arrival_t *arrival, bytes_t expected)
{
	buf_t text = { 0 };

	buf_addf(&text, "expected: %.*s\n  received: ", BYTES_ARG(expected));
	arrival_show(actor, arrival, &text);
	if (!arrival->packet && !arrival->malformed && arrival->result == CONN_LATE)
		buf_addf(&text, " within %.1fs", (double)actor->timeout / 1000);
	stage_fail(actor->stage, actor, command, "%.*s", BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

static bool fail_condition(actor_t *actor, const command_t *command, const arrival_t *arrival, const condition_t *c,
			   bytes_t value)
{
	buf_t text = { 0 }, is = { 0 };

	buf_addf(&text, "%.*s", BYTES_ARG(c->source));
	if (!bytes_equal(value, c->value.text))
		buf_addf(&text, "   (the value is \"%.*s\")", BYTES_ARG(value));
	if (c->field && arrival->packet && arrival->packet->type == c->type) {
		buf_addf(&text, "\n  found:    ");
		if (field_text(arrival->packet, c, &is))
			show_text(&text, buf_bytes(&is), 200);
		else
			buf_addf(&text, "absent");
	}
	fail_expect(actor, command, arrival, buf_bytes(&text));
	buf_free(&is);
	buf_free(&text);
	return false;
}

static bool check_condition(actor_t *actor, const command_t *command, const arrival_t *arrival, const condition_t *c)
{
	bytes_t value;

	if (!actor_text(actor, command, &c->value, &value))
		return false;
	return field_holds(arrival->packet, c, value) || fail_condition(actor, command, arrival, c, value);
}

static bool receive_for(actor_t *actor, const command_t *command, const conditions_t *list)
{
	arrival_t a = actor_receive(actor, stage_until(actor->stage, actor->timeout));
	buf_t expected = { 0 };

	if (a.result == CONN_STOPPED)
		return false;
	actor->current = NULL;
	if (!a.packet || a.packet->type != list->at[0].type) {
		show_conditions(list, &expected);
		fail_expect(actor, command, &a, buf_bytes(&expected));
		buf_free(&expected);
		return false;
	}
	actor->current = a.packet;
	actor->checked = NULL;
	actor->checked_count = 0;
	return true;
}

bool act_expect(actor_t *actor, const command_t *command)
{
	const conditions_t *list = &command->alternatives[0];
	bool same = command_opt(command, "-same");
	arrival_t a = { 0 };

	if (same && (!actor->current || actor->current->type != list->at[0].type))
		return stage_fail(actor->stage, actor, command, "-same: the command before examined no %s",
				  packet_name(list->at[0].type));
	if (!same && needs_next(actor, list) && !receive_for(actor, command, list))
		return false;
	a.packet = actor->current;
	remember_checked(actor, list);
	for (size_t i = 0; i < list->count; i++)
		if (!check_condition(actor, command, &a, &list->at[i]))
			return false;
	return true;
}

/* --- any order ---------------------------------------------------------------------------------------------------- */

static bool fulfils(actor_t *actor, const command_t *command, const packet_t *packet, const conditions_t *list)
{
	bytes_t value;

	if (packet->type != list->at[0].type)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!actor_text(actor, command, &list->at[i].value, &value) ||
		    !field_holds(packet, &list->at[i], value))
			return false;
	return true;
}

/* Returns: the first line not yet fulfilled that PACKET fulfils, or -1. */
static ptrdiff_t find_line(actor_t *actor, const command_t *command, const packet_t *packet, const bool *fulfilled)
{
	for (size_t i = 0; i < command->alternative_count; i++)
		if (!fulfilled[i] && fulfils(actor, command, packet, &command->alternatives[i]))
			return (ptrdiff_t)i;
	return -1;
}

static bool fail_any_order(actor_t *actor, const command_t *command, const arrival_t *arrival, const bool *fulfilled)
{
	buf_t text = { 0 };
	size_t open = 0;

	for (size_t i = 0; i < command->alternative_count; i++)
		if (!fulfilled[i]) {
			buf_addf(&text, "%s", open++ ? "\n        or: " : "");
			show_conditions(&command->alternatives[i], &text);
		}
	fail_expect(actor, command, arrival, buf_bytes(&text));
	buf_free(&text);
	return false;
}

bool act_expect_any_order(actor_t *actor, const command_t *command)
{
	bool *fulfilled = arena_alloc(&actor->scratch, command->alternative_count * sizeof(bool));

	for (size_t n = 0; n < command->alternative_count; n++) {
		arrival_t a = actor_receive(actor, stage_until(actor->stage, actor->timeout));
		ptrdiff_t line = a.packet ? find_line(actor, command, a.packet, fulfilled) : -1;

		if (a.result == CONN_STOPPED)
			return false;
		if (line < 0)
			return fail_any_order(actor, command, &a, fulfilled);
		fulfilled[line] = true;
	}
	return true;
}

bool act_ignore(actor_t *actor, const command_t *command)
{
	const word_t *name;

	actor->ignored = 0;
	for (size_t i = 0; (name = command_word(command, i)); i++)
		actor->ignored |= IN(packet_type_of(name->text));
	return true;
}
