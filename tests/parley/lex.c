/* lex.c — words, strings, braces, ends of commands.
 *
 * A bare word ends at a blank, a brace, a quote or a semicolon, but `${…}` inside it is one piece. `#` starts a comment
 * only where a word could start, so `a/#` needs no quotes. Raw text (YAML, Lua) is not tokenised: only its braces are
 * counted, those in double quotes excepted.
 */
#include "lex.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ill_formed(const char *file, int line, int column, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d:%d: ", file, line, column);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

void lex_init(lexer_t *lexer, const char *file, bytes_t source, arena_t *arena)
{
	*lexer = (lexer_t){ .file = file, .source = source, .arena = arena, .line = 1 };
}

static int peek(const lexer_t *l, size_t ahead)
{
	return l->at + ahead < l->source.len ? (unsigned char)l->source.at[l->at + ahead] : -1;
}

static void step(lexer_t *l)
{
	if (l->source.at[l->at++] == '\n') {
		l->line++;
		l->line_start = l->at;
	}
}

static void skip_blanks(lexer_t *l)
{
	for (;;) {
		int c = peek(l, 0);

		if (c == ' ' || c == '\t' || c == '\r') {
			step(l);
		} else if (c == '\\' && peek(l, 1) == '\n') {
			step(l);
			step(l);
		} else if (c == '#') {
			while (peek(l, 0) >= 0 && peek(l, 0) != '\n')
				step(l);
		} else {
			return;
		}
	}
}

static int hex_digit(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

static void lex_escape(lexer_t *l, const token_t *t, buf_t *out)
{
	static const char from[] = "ntr0\"\\", to[] = "\n\t\r\0\"\\";
	int c = peek(l, 0);
	const char *hit = c > 0 ? strchr(from, c) : NULL;

	if (hit) {
		buf_add_byte(out, (unsigned char)to[hit - from]);
		step(l);
	} else if (c == 'x' && hex_digit(peek(l, 1)) >= 0 && hex_digit(peek(l, 2)) >= 0) {
		buf_add_byte(out, (unsigned)(hex_digit(peek(l, 1)) << 4 | hex_digit(peek(l, 2))));
		l->at += 3;
	} else {
		ill_formed(l->file, l->line, (int)(l->at - l->line_start),
			   "unknown escape in the string begun in column %d", t->column);
	}
}

static void lex_string(lexer_t *l, token_t *t)
{
	buf_t out = { 0 };

	step(l);
	for (;;) {
		int c = peek(l, 0);

		if (c < 0 || c == '\n')
			ill_formed(l->file, t->line, t->column, "a string without its closing quote");
		if (c == '"')
			break;
		step(l);
		if (c == '\\')
			lex_escape(l, t, &out);
		else
			buf_add_byte(&out, (unsigned)c);
	}
	step(l);
	t->text = arena_copy(l->arena, buf_bytes(&out));
	buf_free(&out);
}

static bool ends_word(int c)
{
	return c <= 0 || isspace(c) || strchr("{};\"", c);
}

static void lex_word(lexer_t *l, token_t *t)
{
	while (!ends_word(peek(l, 0))) {
		if (peek(l, 0) == '$' && peek(l, 1) == '{')
			while (peek(l, 0) != '}') {
				if (peek(l, 0) < 0 || peek(l, 0) == '\n')
					ill_formed(l->file, t->line, t->column, "a macro without its closing brace");
				step(l);
			}
		step(l);
	}
	if (peek(l, 0) == '"')
		ill_formed(l->file, l->line, (int)(l->at - l->line_start) + 1, "a quote inside a word");
	t->text = (bytes_t){ l->source.at + t->start, l->at - t->start };
}

static token_kind_t kind_of(int c)
{
	switch (c) {
	case -1: return TOK_EOF;
	case '\n':
	case ';': return TOK_END;
	case '{': return TOK_OPEN;
	case '}': return TOK_CLOSE;
	case '"': return TOK_STRING;
	}
	return TOK_WORD;
}

token_t lex_next(lexer_t *l)
{
	token_t t = { 0 };

	skip_blanks(l);
	if (peek(l, 0) == 0)
		ill_formed(l->file, l->line, (int)(l->at - l->line_start) + 1, "a NUL byte");
	t.kind = kind_of(peek(l, 0));
	t.start = l->at;
	t.line = l->line;
	t.column = (int)(l->at - l->line_start) + 1;
	if (t.kind == TOK_STRING)
		lex_string(l, &t);
	else if (t.kind == TOK_WORD)
		lex_word(l, &t);
	else if (t.kind != TOK_EOF)
		step(l);
	t.end = l->at;
	return t;
}

/* Returns: the smallest indentation of a line of TEXT that is not blank. */
static size_t common_indent(bytes_t text)
{
	size_t least = SIZE_MAX, i = 0;

	while (i < text.len) {
		size_t start = i;

		while (i < text.len && (text.at[i] == ' ' || text.at[i] == '\t'))
			i++;
		if (i < text.len && text.at[i] != '\n' && i - start < least)
			least = i - start;
		while (i < text.len && text.at[i++] != '\n')
			;
	}
	return least == SIZE_MAX ? 0 : least;
}

static bytes_t dedent(arena_t *arena, bytes_t text)
{
	size_t indent = common_indent(text), column = 0;
	buf_t out = { 0 };
	bytes_t result;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool blank = c == ' ' || c == '\t';

		if (column < indent && blank) {
			column++;
			continue;
		}
		buf_add(&out, &c, 1);
		column = c == '\n' ? 0 : SIZE_MAX;
	}
	buf_add(&out, "\n", 1);
	result = arena_copy(arena, buf_bytes(&out));
	buf_free(&out);
	return result;
}

/* Drops blank lines at the front and blanks at the end, but not the indentation of the first line. */
static bytes_t trim_lines(bytes_t text)
{
	size_t i = 0, line = 0;

	while (i < text.len && isspace((unsigned char)text.at[i]))
		if (text.at[i++] == '\n')
			line = i;
	text = bytes_from(text, line);
	while (text.len && isspace((unsigned char)text.at[text.len - 1]))
		text.len--;
	return text;
}

bytes_t lex_raw(lexer_t *l, const token_t *open)
{
	size_t start = l->at;
	int depth = 1;
	bool quoted = false;

	for (;; step(l)) {
		int c = peek(l, 0);

		if (c < 0)
			ill_formed(l->file, open->line, open->column, "no closing brace");
		if (c == '"' || c == '\n')
			quoted = c == '"' && !quoted;
		if (!quoted && c == '{')
			depth++;
		if (!quoted && c == '}' && --depth == 0)
			break;
	}
	step(l);
	return dedent(l->arena, trim_lines((bytes_t){ l->source.at + start, l->at - 1 - start }));
}
