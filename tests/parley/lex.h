/* lex.h — a play's text, cut into tokens on demand; only the parser knows where raw text may stand. */
#ifndef PARLEY_LEX_H
#define PARLEY_LEX_H

#include "base.h"

typedef enum { TOK_WORD, TOK_STRING, TOK_OPEN, TOK_CLOSE, TOK_END, TOK_EOF } token_kind_t;

typedef struct token {
	token_kind_t kind;
	bytes_t text;		/* a string's escapes are already replaced */
	int line, column;
	size_t start, end;	/* place in the source */
} token_t;

typedef struct lexer {
	const char *file;
	bytes_t source;
	arena_t *arena;
	size_t at, line_start;
	int line;
} lexer_t;

/* Ends the program with status 2 after printing "file:line:column: …". */
_Noreturn void ill_formed(const char *file, int line, int column, const char *fmt, ...) PARLEY_PRINTF(4, 5);

void lex_init(lexer_t *lexer, const char *file, bytes_t source, arena_t *arena);
token_t lex_next(lexer_t *lexer);
/* Requires: the last token was TOK_OPEN. Returns: the text up to the brace that closes it, its common indentation taken
 * away; the brace is consumed. */
bytes_t lex_raw(lexer_t *lexer, const token_t *open);

#endif
