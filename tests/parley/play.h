/* play.h — a play as a tree: what the parser makes, and what the stage performs.
 *
 * A play is a list of commands (its statements); an actor's block is another list. Every command is a word, then
 * options and positional words in the order they were written, and perhaps a block. What a command's words may be
 * is data: its rule. The tree is complete before anything runs: names of commands, options, fields, properties and
 * macros and the form of every literal have been checked, and none of it changes afterwards, so actors read it
 * without locks.
 *
 * Words still contain their macros (`${b1}`); they are expanded each time the command runs.
 */
#ifndef PARLEY_PLAY_H
#define PARLEY_PLAY_H

#include "packet.h"

typedef struct word {
	bytes_t text;
	bool quoted;
	int line, column;
} word_t;

/* What a literal must look like; the letter stands in the rule's `args`. */
enum arg_kind {
	ARG_TEXT = 's',
	ARG_NUMBER = 'n',	/* decimal, or hexadecimal after 0x */
	ARG_DURATION = 'd',	/* 100ms, 4.9s, 2m */
	ARG_QOS = 'q',		/* 0 to 3 */
	ARG_BIT = 'b',		/* 0 or 1 */
	ARG_REASON = 'r',	/* a number or a reason's name */
	ARG_HEX = 'x',		/* pairs of hexadecimal digits, blanks between them */
	ARG_PATTERN = 'X',	/* the same; `..` stands for any byte */
	ARG_PROP = 'p',		/* a property's name; its value, or name and value, follow */
	ARG_RAW = 'R',		/* { any text } */
	ARG_OP = 'o',		/* == != < <= > >= ~ */
	ARG_CODES = 'c',	/* "0 1 0x80" */
	ARG_PACKET = 'k',	/* a packet's name */
};

typedef struct opt_rule {
	const char *name;	/* "-qos" */
	const char *args;	/* one letter of arg_kind for each word that follows */
} opt_rule_t;

typedef enum { BODY_NONE, BODY_COMMANDS, BODY_CONDITIONS, BODY_RAW } body_kind_t;

/* Where a command may stand. */
enum { IN_PLAY = 1, IN_MQTT = 2, IN_RAW = 4, IN_ACTOR = IN_MQTT | IN_RAW };

struct actor;
struct stage;
struct command;

typedef struct command_rule {
	const char *name;
	unsigned where;
	const char *positional;	/* letters of arg_kind; the last one repeats up to `max` */
	size_t min, max;	/* number of positional words */
	body_kind_t body;
	const opt_rule_t *opts;	/* ended by a NULL name; NULL: none */
	bool (*act)(struct actor *, const struct command *);		/* in an actor's block */
	bool (*perform)(struct stage *, const struct command *);	/* as a statement of the play */
} command_rule_t;

typedef enum { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_HAS } op_t;

/* One `packet.field OP value`; without a field it only asks for the packet. */
typedef struct condition {
	uint8_t type;
	const struct field_rule *field;
	const prop_rule_t *prop;	/* field is a property */
	uint32_t index;			/* which of several */
	bool counts;			/* field is the number of such properties */
	op_t op;
	word_t value;
	bytes_t source;			/* "publish.topic == "a"" */
} condition_t;

typedef struct conditions {
	condition_t *at;
	size_t count;
} conditions_t;

typedef struct block {
	struct command **at;
	size_t count;
} block_t;

typedef struct arg {
	const opt_rule_t *opt;		/* NULL: a positional word, or the body */
	word_t *words;
	size_t count;
	block_t *body;			/* the body, when it is made of commands */
} arg_t;

typedef struct command {
	const command_rule_t *rule;
	bytes_t source;			/* its text, without a block */
	int line, column;
	arg_t *args;
	size_t count;
	conditions_t *alternatives;	/* expect: one; expect-any-order: one for each line */
	size_t alternative_count;
} command_t;

typedef struct party {			/* a barrier and how many actors meet at it */
	bytes_t name;
	bytes_t *members;
	size_t count;
} party_t;

typedef struct name {			/* an actor's or broker's */
	bytes_t name;
	const command_rule_t *kind;
} name_t;

typedef struct play {
	arena_t arena;
	const char *file;
	bytes_t title;
	block_t statements;
	name_t *names;
	size_t name_count;
	party_t *parties;
	size_t party_count;
} play_t;

/* Reads and checks the play in FILE; prints "file:line:column: what is wrong" and exits with 2 when it is ill-formed.
 * Returns: the play, to be released with arena_reset(&play->arena) and free(). */
play_t *play_load(const char *file);

/* Returns: the rule of the command NAME that may stand in WHERE, or NULL. */
const command_rule_t *rule_find(bytes_t name, unsigned where);

/* --- looking into a command --------------------------------------------------------------------------------------- */

/* Returns: the last option NAME ("-qos") of COMMAND, or NULL. */
const arg_t *command_opt(const command_t *command, const char *name);
/* Returns: the N-th positional word (from 0), or NULL. */
const word_t *command_word(const command_t *command, size_t n);
/* Returns: the text of a raw body, or NULL. */
const word_t *command_raw(const command_t *command);
/* Returns: the block of commands, or NULL. */
const block_t *command_body(const command_t *command);
bool arg_is(const arg_t *arg, const char *opt);

#endif
