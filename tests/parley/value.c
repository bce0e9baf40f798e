/* value.c — literals; see value.h. */
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const ops[] = {
	[OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">=", [OP_HAS] = "~",
};

bool value_number(bytes_t text, uint64_t *ret_number)
{
	char copy[32], *end;
	uint64_t n;

	if (text.len == 0 || text.len >= sizeof(copy) || !isdigit((unsigned char)text.at[0]))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	errno = 0;
	n = strtoull(copy, &end, strncmp(copy, "0x", 2) == 0 ? 16 : 10);
	if (errno || end != copy + text.len)
		return false;
	*ret_number = n;
	return true;
}

bool value_duration(bytes_t text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char copy[32], *end;
	double n;

	if (text.len == 0 || text.len >= sizeof(copy) || !isdigit((unsigned char)text.at[0]))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	n = strtod(copy, &end);
	for (size_t i = 0; i < PARLEY_COUNT(units); i++)
		if (strcmp(end, units[i].unit) == 0) {
			*ret_ms = (int64_t)(n * units[i].ms + 0.5);
			return true;
		}
	return false;
}

bool value_op(bytes_t text, op_t *ret_op)
{
	for (size_t i = 0; i < PARLEY_COUNT(ops); i++)
		if (bytes_is(text, ops[i])) {
			*ret_op = (op_t)i;
			return true;
		}
	return false;
}

const char *op_text(op_t op)
{
	return ops[op];
}

static int nibble(char digit)
{
	int c = tolower((unsigned char)digit);

	return isdigit(c) ? c - '0' : isxdigit(c) ? c - 'a' + 10 : -1;
}

bool value_hex(bytes_t text, buf_t *out, buf_t *mask)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i], d;

		if (isspace((unsigned char)c))
			continue;
		if (++i == text.len)
			return false;
		d = text.at[i];
		if (mask && c == '.' && d == '.') {
			buf_add_byte(out, 0);
			buf_add_byte(mask, 0);
			continue;
		}
		if (nibble(c) < 0 || nibble(d) < 0)
			return false;
		buf_add_byte(out, (unsigned)(nibble(c) << 4 | nibble(d)));
		if (mask)
			buf_add_byte(mask, 1);
	}
	return true;
}

bool value_reason(bytes_t text, uint8_t version, uint64_t *ret_code)
{
	int code;

	if (value_number(text, ret_code))
		return true;
	code = reason_by_name(version, text);
	if (code >= 0)
		*ret_code = (uint64_t)code;
	return code >= 0;
}

bool value_next_word(bytes_t *text, bytes_t *ret_word)
{
	size_t i = 0, end;

	while (i < text->len && isspace((unsigned char)text->at[i]))
		i++;
	for (end = i; end < text->len && !isspace((unsigned char)text->at[end]); end++)
		;
	*ret_word = (bytes_t){ text->at + i, end - i };
	*text = bytes_from(*text, end);
	return end > i;
}

bool value_codes(bytes_t text, uint8_t version, buf_t *out)
{
	bytes_t word;
	uint64_t code;

	while (value_next_word(&text, &word)) {
		if (!value_reason(word, version, &code) || code > 255)
			return false;
		buf_add_byte(out, (unsigned)code);
	}
	return true;
}

static bool fits_hex(bytes_t text, bool pattern)
{
	buf_t out = { 0 }, mask = { 0 };
	bool ok = value_hex(text, &out, pattern ? &mask : NULL);

	buf_free(&out);
	buf_free(&mask);
	return ok;
}

static bool fits_codes(bytes_t text)
{
	buf_t out = { 0 };
	bool ok = value_codes(text, 0, &out);

	buf_free(&out);
	return ok;
}

bool value_fits(bytes_t text, char kind)
{
	uint64_t n;
	int64_t ms;
	op_t op;

	switch ((enum arg_kind)kind) {
	case ARG_NUMBER: return value_number(text, &n);
	case ARG_QOS: return value_number(text, &n) && n < 4;
	case ARG_BIT: return value_number(text, &n) && n < 2;
	case ARG_DURATION: return value_duration(text, &ms);
	case ARG_REASON: return value_reason(text, 0, &n) && n < 256;
	case ARG_OP: return value_op(text, &op);
	case ARG_PROP: return prop_by_name(text);
	case ARG_PACKET: return packet_type_of(text) > 0;
	case ARG_CODES: return fits_codes(text);
	case ARG_HEX: return fits_hex(text, false);
	case ARG_PATTERN: return fits_hex(text, true);
	case ARG_TEXT:
	case ARG_RAW: return true;
	}
	return true;
}

const char *value_expected(char kind)
{
	switch ((enum arg_kind)kind) {
	case ARG_NUMBER: return "a number";
	case ARG_QOS: return "a QoS, 0 to 3";
	case ARG_BIT: return "0 or 1";
	case ARG_DURATION: return "a duration such as 100ms, 4.9s or 2m";
	case ARG_REASON: return "a reason code: a number or a name";
	case ARG_OP: return "one of == != < <= > >= ~";
	case ARG_PROP: return "the name of a property";
	case ARG_PACKET: return "the name of a packet";
	case ARG_CODES: return "a list of reason codes";
	case ARG_HEX: return "pairs of hexadecimal digits";
	case ARG_PATTERN: return "pairs of hexadecimal digits, or .. for any byte";
	case ARG_TEXT: return "a word";
	case ARG_RAW: return "text in braces";
	}
	return "a word";
}

static bool order_holds(int order, op_t op)
{
	switch (op) {
	case OP_EQ: return order == 0;
	case OP_NE: return order != 0;
	case OP_LT: return order < 0;
	case OP_LE: return order <= 0;
	case OP_GT: return order > 0;
	case OP_GE: return order >= 0;
	case OP_HAS: break;
	}
	return false;
}

bool number_holds(uint64_t left, op_t op, uint64_t right)
{
	return order_holds(left < right ? -1 : left > right, op);
}

bool text_holds(bytes_t left, op_t op, bytes_t right)
{
	size_t n = left.len < right.len ? left.len : right.len;
	int order = n ? memcmp(left.at, right.at, n) : 0;

	if (op == OP_HAS)
		return bytes_find(left, right) >= 0;
	if (order == 0)
		order = left.len < right.len ? -1 : left.len > right.len;
	return order_holds(order, op);
}
