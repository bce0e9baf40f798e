/* value.h — literals of the language: numbers, durations, hexadecimal text, operators; and comparing with them. */
#ifndef PARLEY_VALUE_H
#define PARLEY_VALUE_H

#include "play.h"

/* Each returns false when TEXT is no such literal; then *ret_… is untouched. */
bool value_number(bytes_t text, uint64_t *ret_number);
bool value_duration(bytes_t text, int64_t *ret_ms);
bool value_op(bytes_t text, op_t *ret_op);
const char *op_text(op_t op);

/* Appends the bytes that TEXT spells to OUT; for every `..` (allowed when MASK is not NULL) a 0 byte. MASK receives one
 * byte for each of OUT's: 0 where any value will do. */
bool value_hex(bytes_t text, buf_t *out, buf_t *mask);

/* A number or a reason's name; version 0: a name of any version. */
bool value_reason(bytes_t text, uint8_t version, uint64_t *ret_code);
/* "0 1 not-authorized": one code for each word. */
bool value_codes(bytes_t text, uint8_t version, buf_t *out);
/* Takes the next word, blanks around it dropped, off *TEXT. Returns: false at the end. */
bool value_next_word(bytes_t *text, bytes_t *ret_word);

/* Returns: whether TEXT is a literal of KIND (an arg_kind letter). */
bool value_fits(bytes_t text, char kind);
/* Returns: what a literal of KIND looks like, for messages. */
const char *value_expected(char kind);

bool number_holds(uint64_t left, op_t op, uint64_t right);
bool text_holds(bytes_t left, op_t op, bytes_t right);

#endif
