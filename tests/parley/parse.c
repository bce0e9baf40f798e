/* parse.c — tokens to a play's tree, by the tables of rules.c.
 *
 * One grammar for statements and commands: a name, options and positional words, perhaps a block, to the end of
 * the line. The first mistake ends the program (ill_formed): every play is read in a process of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "field.h"
#include "lex.h"
#include "value.h"

typedef struct parser {
	lexer_t lexer;
	token_t token;		/* the one being looked at */
	size_t last_end;	/* where the one before ended */
	play_t *play;
	arena_t *arena;
} parser_t;

#define WRONG(p, at, ...) ill_formed((p)->lexer.file, (at)->line, (at)->column, __VA_ARGS__)

static void advance(parser_t *p)
{
	p->last_end = p->token.end;
	p->token = lex_next(&p->lexer);
}

static word_t token_word(const token_t *t)
{
	return (word_t){ t->text, t->kind == TOK_STRING, t->line, t->column };
}

static bool at_word(const parser_t *p)
{
	return p->token.kind == TOK_WORD || p->token.kind == TOK_STRING;
}

static bool at_option(const parser_t *p)
{
	bytes_t t = p->token.text;

	return p->token.kind == TOK_WORD && t.len > 1 && t.at[0] == '-' && !memchr("0123456789", t.at[1], 10);
}

static void check_word(const parser_t *p, const word_t *word, char kind)
{
	if (bytes_find(word->text, bytes_of("${")) < 0 && !value_fits(word->text, kind))
		WRONG(p, word, "expected %s, not \"%.*s\"", value_expected(kind), BYTES_ARG(word->text));
}

static word_t take_raw(parser_t *p)
{
	word_t word = token_word(&p->token);

	if (p->token.kind != TOK_OPEN)
		WRONG(p, &p->token, "expected text in braces");
	word.text = lex_raw(&p->lexer, &p->token);
	word.quoted = true;
	advance(p);
	return word;
}

static word_t take_word(parser_t *p, char kind, const char *whose)
{
	word_t word;

	if (kind == ARG_RAW)
		return take_raw(p);
	if (!at_word(p))
		WRONG(p, &p->token, "%s needs %s here", whose, value_expected(kind));
	word = token_word(&p->token);
	check_word(p, &word, kind);
	advance(p);
	return word;
}

static void add_word(parser_t *p, arg_t *arg, word_t word)
{
	arg->words = arena_grow(p->arena, arg->words, arg->count, sizeof(word));
	arg->words[arg->count++] = word;
}

static void take_prop(parser_t *p, arg_t *arg)
{
	const prop_rule_t *rule;

	add_word(p, arg, take_word(p, ARG_PROP, arg->opt->name));
	rule = prop_by_name(arg->words[0].text);
	if (!rule)
		WRONG(p, &arg->words[0], "expected %s", value_expected(ARG_PROP));
	add_word(p, arg, take_word(p, rule->kind < STRING ? ARG_NUMBER : ARG_TEXT, rule->name));
	if (rule->kind == PAIR)
		add_word(p, arg, take_word(p, ARG_TEXT, rule->name));
}

static const opt_rule_t *find_opt(const command_rule_t *rule, bytes_t name)
{
	for (const opt_rule_t *o = rule->opts; o && o->name; o++)
		if (bytes_is(name, o->name))
			return o;
	return NULL;
}

static void take_option(parser_t *p, command_t *c, arg_t *arg)
{
	arg->opt = find_opt(c->rule, p->token.text);
	if (!arg->opt)
		WRONG(p, &p->token, "%s has no option %.*s", c->rule->name, BYTES_ARG(p->token.text));
	advance(p);
	for (const char *kind = arg->opt->args; *kind; kind++) {
		if (*kind == ARG_PROP)
			take_prop(p, arg);
		else
			add_word(p, arg, take_word(p, *kind, arg->opt->name));
	}
}

static size_t count_positional(const command_t *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += !c->args[i].opt && !c->args[i].body;
	return n;
}

static void take_positional(parser_t *p, command_t *c, arg_t *arg)
{
	size_t n = count_positional(c), kinds = strlen(c->rule->positional);

	if (n >= c->rule->max)
		WRONG(p, &p->token, "one word too many for %s", c->rule->name);
	add_word(p, arg, take_word(p, c->rule->positional[n < kinds ? n : kinds - 1], c->rule->name));
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static bytes_t condition_source(parser_t *p, const word_t *words, size_t count)
{
	buf_t text = { 0 };
	bytes_t copy;

	buf_addf(&text, "%.*s", BYTES_ARG(words[0].text));
	if (count == 3) {
		buf_addf(&text, " %.*s ", BYTES_ARG(words[1].text));
		if (words[2].quoted)
			show_text(&text, words[2].text, 200);
		else
			buf_add(&text, words[2].text.at, words[2].text.len);
	}
	copy = arena_copy(p->arena, buf_bytes(&text));
	buf_free(&text);
	return copy;
}

static void add_condition(parser_t *p, conditions_t *list, const word_t *words, size_t count)
{
	condition_t c = { 0 };
	const char *why = field_parse(words[0].text, &c);

	if (why)
		WRONG(p, &words[0], "%s: %.*s", why, BYTES_ARG(words[0].text));
	if (list->count && list->at[0].type != c.type)
		WRONG(p, &words[0], "the conditions of one expect are about one packet");
	if (!c.field != (count == 1))
		WRONG(p, &words[0], "expected `packet`, or `packet.field OP value`");
	c.source = condition_source(p, words, count);
	if (c.field) {
		if (!value_op(words[1].text, &c.op))
			WRONG(p, &words[1], "expected %s", value_expected(ARG_OP));
		c.value = words[2];
		why = field_accepts(&c);
		if (why)
			WRONG(p, &words[2], "%s", why);
	}
	list->at = arena_grow(p->arena, list->at, list->count, sizeof(c));
	list->at[list->count++] = c;
}

static conditions_t *new_alternative(parser_t *p, command_t *c)
{
	c->alternatives = arena_grow(p->arena, c->alternatives, c->alternative_count, sizeof(conditions_t));
	c->alternatives[c->alternative_count] = (conditions_t){ 0 };
	return &c->alternatives[c->alternative_count++];
}

/* Reads WORDS, `packet` or triples `packet.field OP value`, as the conditions on one packet. */
static void make_conditions(parser_t *p, command_t *c, const word_t *words, size_t count)
{
	conditions_t *list = new_alternative(p, c);

	if (count == 1) {
		add_condition(p, list, words, 1);
		return;
	}
	if (count % 3)
		WRONG(p, &words[count - 1], "expected `packet`, or `packet.field OP value`, perhaps several times");
	for (size_t i = 0; i < count; i += 3)
		add_condition(p, list, words + i, 3);
}

static void take_condition_lines(parser_t *p, command_t *c)
{
	token_t open = p->token;

	advance(p);
	while (p->token.kind != TOK_CLOSE) {
		arg_t line = { 0 };

		if (p->token.kind == TOK_EOF || p->token.kind == TOK_OPEN)
			WRONG(p, &open, "no closing brace");
		while (at_word(p))
			add_word(p, &line, take_word(p, ARG_TEXT, c->rule->name));
		if (line.count)
			make_conditions(p, c, line.words, line.count);
		if (p->token.kind == TOK_END)
			advance(p);
	}
	if (!c->alternative_count)
		WRONG(p, &open, "nothing is expected");
	advance(p);
}

static void take_expect_words(parser_t *p, command_t *c)
{
	arg_t all = { 0 };

	for (size_t i = 0; i < c->count; i++)
		if (!c->args[i].opt)
			add_word(p, &all, c->args[i].words[0]);
	make_conditions(p, c, all.words, all.count);
}

/* --- commands and blocks ------------------------------------------------------------------------------------------ */

static block_t *take_block(parser_t *p, unsigned where);

static unsigned body_where(const command_t *c, unsigned where)
{
	if (strcmp(c->rule->name, "mqtt") == 0)
		return IN_MQTT;
	return strcmp(c->rule->name, "raw") == 0 ? IN_RAW : where;
}

static void take_body(parser_t *p, command_t *c, arg_t *arg, unsigned where)
{
	switch (c->rule->body) {
	case BODY_COMMANDS:
		arg->body = take_block(p, body_where(c, where));
		break;
	case BODY_CONDITIONS:
		take_condition_lines(p, c);
		break;
	case BODY_RAW:
		add_word(p, arg, take_raw(p));
		arg->body = arena_alloc(p->arena, sizeof(*arg->body));
		break;
	case BODY_NONE:
		WRONG(p, &p->token, "%s takes no block", c->rule->name);
	}
}

static void take_arg(parser_t *p, command_t *c, unsigned where)
{
	arg_t arg = { 0 };

	if (at_option(p))
		take_option(p, c, &arg);
	else if (p->token.kind == TOK_OPEN)
		take_body(p, c, &arg, where);
	else
		take_positional(p, c, &arg);
	c->args = arena_grow(p->arena, c->args, c->count, sizeof(arg));
	c->args[c->count++] = arg;
}

static bool has_body(const command_t *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->args[i].body)
			return true;
	return c->rule->body == BODY_CONDITIONS && c->alternative_count;
}

static void check_complete(parser_t *p, const command_t *c, const token_t *name)
{
	/* an actor's block may come in another statement */
	bool actor = c->rule->act == NULL && c->rule->body == BODY_COMMANDS;

	if (count_positional(c) < c->rule->min)
		WRONG(p, name, "%s needs more words", c->rule->name);
	if (c->rule->body != BODY_NONE && !actor && !has_body(c))
		WRONG(p, name, "%s needs a block", c->rule->name);
}

static command_t *take_command(parser_t *p, unsigned where)
{
	command_t *c = arena_alloc(p->arena, sizeof(*c));
	token_t name = p->token;

	c->rule = rule_find(name.text, where);
	if (name.kind != TOK_WORD || !c->rule)
		WRONG(p, &name, "unknown command \"%.*s\"", BYTES_ARG(name.text));
	c->line = name.line;
	c->column = name.column;
	for (advance(p); at_word(p) || p->token.kind == TOK_OPEN;)
		take_arg(p, c, where);
	if (c->rule->act && strcmp(c->rule->name, "expect") == 0)
		take_expect_words(p, c);
	check_complete(p, c, &name);
	c->source = (bytes_t){ p->lexer.source.at + name.start, p->last_end - name.start };
	return c;
}

static void add_command(parser_t *p, block_t *block, command_t *c)
{
	block->at = arena_grow(p->arena, block->at, block->count, sizeof(c));
	block->at[block->count++] = c;
}

static void end_command(parser_t *p)
{
	if (p->token.kind == TOK_END)
		advance(p);
	else if (p->token.kind != TOK_CLOSE && p->token.kind != TOK_EOF)
		WRONG(p, &p->token, "expected the end of the line");
}

static block_t *take_block(parser_t *p, unsigned where)
{
	block_t *block = arena_alloc(p->arena, sizeof(*block));
	token_t open = p->token;

	advance(p);
	while (p->token.kind != TOK_CLOSE) {
		if (p->token.kind == TOK_EOF)
			WRONG(p, &open, "no closing brace");
		if (p->token.kind != TOK_END)
			add_command(p, block, take_command(p, where));
		end_command(p);
	}
	advance(p);
	return block;
}

static void take_title(parser_t *p)
{
	for (advance(p); p->token.kind == TOK_END;)
		advance(p);
	if (p->token.kind != TOK_WORD || !bytes_is(p->token.text, "parley"))
		WRONG(p, &p->token, "a play begins with: parley \"what it shows\"");
	advance(p);
	if (p->token.kind != TOK_STRING)
		WRONG(p, &p->token, "expected the play's title in quotes");
	p->play->title = p->token.text;
	advance(p);
	end_command(p);
}

static bytes_t read_source(const char *file, arena_t *arena)
{
	FILE *f = fopen(file, "r");
	buf_t text = { 0 };
	char piece[4096];
	bytes_t source;
	size_t n;

	if (!f)
		ill_formed(file, 0, 0, "%s", strerror(errno));
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&text, piece, n);
	if (ferror(f))
		ill_formed(file, 0, 0, "%s", strerror(errno));
	fclose(f);
	source = arena_copy(arena, buf_bytes(&text));
	buf_free(&text);
	return source;
}

play_t *play_load(const char *file)
{
	play_t *play = mem_new(sizeof(*play));
	parser_t p = { .play = play, .arena = &play->arena };

	play->file = file;
	lex_init(&p.lexer, file, read_source(file, &play->arena), &play->arena);
	take_title(&p);
	while (p.token.kind != TOK_EOF) {
		if (p.token.kind == TOK_CLOSE)
			WRONG(&p, &p.token, "a closing brace without its opening one");
		if (p.token.kind != TOK_END)
			add_command(&p, &play->statements, take_command(&p, IN_PLAY));
		end_command(&p);
	}
	play_check(play);
	return play;
}
