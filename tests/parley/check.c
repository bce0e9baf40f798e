/* check.c — names, barriers and macros of a whole play.
 *
 * A macro or a barrier that is misspelt would show itself as a time-out far from its cause; here it is an error with a
 * line and a column. Nothing is judged that depends on the order in which things happen.
 */
#include "check.h"

#include <ctype.h>
#include <string.h>

#include "lex.h"
#include "stage.h"

typedef void visit_fn(play_t *play, command_t *command, bytes_t actor);

/* Calls VISIT for every command of BLOCK and below; ACTOR is whose block it is in, empty for statements. */
static void walk(play_t *play, const block_t *block, bytes_t actor, visit_fn *visit)
{
	for (size_t i = 0; i < block->count; i++) {
		command_t *c = block->at[i];
		bool acts = c->rule->where == IN_PLAY && c->rule->body == BODY_COMMANDS;

		visit(play, c, actor);
		for (size_t k = 0; k < c->count; k++)
			if (c->args[k].body)
				walk(play, c->args[k].body, acts ? command_word(c, 0)->text : actor, visit);
	}
}

#define WRONG(play, at, ...) ill_formed((play)->file, (at)->line, (at)->column, __VA_ARGS__)

static name_t *find_name(play_t *play, bytes_t name)
{
	for (size_t i = 0; i < play->name_count; i++)
		if (bytes_equal(play->names[i].name, name))
			return &play->names[i];
	return NULL;
}

static void check_name(play_t *play, const word_t *name)
{
	static const char *const taken[] = { "tmp", "dir", "seq", "dollar", "env", "modules" };

	for (size_t i = 0; i < name->text.len; i++)
		if (!isalnum((unsigned char)name->text.at[i]) && !strchr("-_", name->text.at[i]))
			WRONG(play, name, "a name is made of letters, digits, - and _");
	for (size_t i = 0; i < PARLEY_COUNT(taken); i++)
		if (bytes_is(name->text, taken[i]))
			WRONG(play, name, "this name is a macro's");
	if (packet_type_of(name->text) > 0)
		WRONG(play, name, "this name is a packet's");
}

static bool names_someone(const command_t *c)
{
	return c->rule->where == IN_PLAY && (c->rule->body == BODY_COMMANDS || strcmp(c->rule->name, "broker") == 0);
}

static void collect_name(play_t *play, command_t *c, bytes_t actor)
{
	const word_t *name = command_word(c, 0);
	name_t *known;

	(void)actor;
	if (!names_someone(c))
		return;
	known = find_name(play, name->text);
	if (known && known->kind != c->rule)
		WRONG(play, name, "%.*s is a %s actor already", BYTES_ARG(name->text), known->kind->name);
	if (known)
		return;
	check_name(play, name);
	play->names = arena_grow(&play->arena, play->names, play->name_count, sizeof(name_t));
	play->names[play->name_count++] = (name_t){ name->text, c->rule };
}

static party_t *party_of(play_t *play, bytes_t name)
{
	for (size_t i = 0; i < play->party_count; i++)
		if (bytes_equal(play->parties[i].name, name))
			return &play->parties[i];
	play->parties = arena_grow(&play->arena, play->parties, play->party_count, sizeof(party_t));
	play->parties[play->party_count] = (party_t){ .name = name };
	return &play->parties[play->party_count++];
}

static void collect_barrier(play_t *play, command_t *c, bytes_t actor)
{
	party_t *party;

	if (strcmp(c->rule->name, "barrier") != 0)
		return;
	party = party_of(play, command_word(c, 0)->text);
	for (size_t i = 0; i < party->count; i++)
		if (bytes_equal(party->members[i], actor))
			return;
	party->members = arena_grow(&play->arena, party->members, party->count, sizeof(bytes_t));
	party->members[party->count++] = actor;
}

static void check_barrier(play_t *play, command_t *c, bytes_t actor)
{
	(void)actor;
	if (strcmp(c->rule->name, "barrier") == 0 && party_of(play, command_word(c, 0)->text)->count < 2)
		WRONG(play, command_word(c, 0), "nobody else comes to this barrier");
}

static void check_macros_of(play_t *play, const word_t *word)
{
	bytes_t rest = word->text, before, name;

	while (macro_next(&rest, &before, &name)) {
		const char *why = macro_check(play, name);

		if (why)
			WRONG(play, word, "%s: ${%.*s}", why, BYTES_ARG(name));
	}
}

static void check_macros(play_t *play, command_t *c, bytes_t actor)
{
	(void)actor;
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->args[i].count; k++)
			check_macros_of(play, &c->args[i].words[k]);
	for (size_t i = 0; i < c->alternative_count; i++)
		for (size_t k = 0; k < c->alternatives[i].count; k++)
			check_macros_of(play, &c->alternatives[i].at[k].value);
}

/* Whether some statement gives the actor NAME what it needs before it can start. */
typedef struct needs {
	bytes_t name;
	bool connects, has_block;
} needs_t;

static void gather(const block_t *block, needs_t *needs)
{
	for (size_t i = 0; i < block->count; i++) {
		const command_t *c = block->at[i];

		if (!c->rule->act && names_someone(c) && bytes_equal(command_word(c, 0)->text, needs->name)) {
			needs->connects |= command_opt(c, "-connect") || command_opt(c, "-listen");
			needs->has_block |= command_body(c) != NULL;
		} else if (c->rule->act && command_body(c)) {
			gather(command_body(c), needs);
		}
	}
}

static void check_actor(play_t *play, command_t *c, bytes_t actor)
{
	needs_t needs = { 0 };

	(void)actor;
	if (c->rule->where != IN_PLAY || c->rule->body != BODY_COMMANDS)
		return;
	if (!command_opt(c, "-start") && !command_opt(c, "-run"))
		return;
	needs.name = command_word(c, 0)->text;
	gather(&play->statements, &needs);
	if (!needs.connects)
		WRONG(play, c, "%.*s starts but has no -connect", BYTES_ARG(needs.name));
	if (!needs.has_block)
		WRONG(play, c, "%.*s starts but has no block", BYTES_ARG(needs.name));
}

void play_check(play_t *play)
{
	static visit_fn *const visits[] = { collect_name, collect_barrier, check_barrier, check_actor, check_macros };

	for (size_t i = 0; i < PARLEY_COUNT(visits); i++)
		walk(play, &play->statements, (bytes_t){ 0 }, visits[i]);
}
