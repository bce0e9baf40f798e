/* conf_value.c — values as a user writes them.
 *
 * Numbers, sizes and spans are one thing: a whole number, a unit, a range. Printing takes the largest unit that loses
 * nothing, so what is printed can be written back. A span needs its unit (only 0 goes without), because "keep-alive:
 * 60" reads as whatever one hopes it is.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "conf_value.h"

typedef struct unit {
	const char *name;
	uint64_t factor;
} unit_t;

/* Largest first; the plain number last. */
static const unit_t plain_units[] = { { "", 1 } };
static const unit_t byte_units[] = {
	{ "T", UINT64_C(1) << 40 },
	{ "G", UINT64_C(1) << 30 },
	{ "M", UINT64_C(1) << 20 },
	{ "K", UINT64_C(1) << 10 },
	{ "", 1 },
};
static const unit_t span_units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

static const unit_t *units_of(ln_conf_type_t type, unsigned *ret_count)
{
	switch (type) {
	case LN_CONF_BYTES:
		*ret_count = LN_ARRAY_SIZE(byte_units);
		return byte_units;
	case LN_CONF_SPAN:
		*ret_count = LN_ARRAY_SIZE(span_units);
		return span_units;
	default:
		*ret_count = LN_ARRAY_SIZE(plain_units);
		return plain_units;
	}
}

const char *ln__conf_option(const ln_conf_item_t *item, char dst[LN_CONF_NAME_MAX + 1])
{
	size_t i;

	ln_require(strlen(item->field) <= LN_CONF_NAME_MAX);
	for (i = 0; item->field[i]; i++)
		dst[i] = item->field[i] == '_' ? '-' : item->field[i];
	dst[i] = '\0';
	return dst;
}

/* --- text → field ----------------------------------------------------------------------------------------------- */

static bool same_unit(ln_conf_type_t type, const char *written, const char *name)
{
	return type == LN_CONF_BYTES ? strcasecmp(written, name) == 0 : strcmp(written, name) == 0;
}

static bool parse_number(ln_conf_type_t type, const char *text, uint64_t *ret_value)
{
	size_t digits = strspn(text, "0123456789");
	unsigned count;
	const unit_t *units = units_of(type, &count);
	uint64_t n;

	if (!ln_parse_u64(ln_slice(text, digits), UINT64_MAX, &n))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (same_unit(type, text + digits, units[i].name))
			return !__builtin_mul_overflow(n, units[i].factor, ret_value);
	*ret_value = 0;
	return n == 0 && text[digits] == '\0';
}

static uint64_t max_of(const ln_conf_item_t *item)
{
	return item->max ? item->max : item->type == LN_CONF_U32 ? UINT32_MAX : UINT64_MAX;
}

static bool parse_in_range(const ln_conf_item_t *item, const char *text, uint64_t *ret_value)
{
	if (item->zero && strcmp(text, item->zero) == 0) {
		*ret_value = 0;
		return true;
	}
	if (!parse_number(item->type, text, ret_value))
		return false;
	return (item->zero && *ret_value == 0) || (*ret_value >= item->min && *ret_value <= max_of(item));
}

static bool parse_bool(const char *text, bool *field)
{
	static const char *const yes[] = { "yes", "true", "on" }, *const no[] = { "no", "false", "off" };

	for (unsigned i = 0; i < LN_ARRAY_SIZE(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*field = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static bool parse_choice(const ln_conf_item_t *item, const char *text, ln_choice_t *field)
{
	for (int i = 0; item->choices[i]; i++) {
		if (strcmp(text, item->choices[i]) == 0) {
			field->value = i;
			return true;
		}
	}
	return false;
}

bool ln__conf_value_parse(const ln_conf_item_t *item, const char *text, void *field)
{
	uint64_t n = 0;

	if (item->type == LN_CONF_BOOL)
		return parse_bool(text, field);
	if (item->type == LN_CONF_CHOICE)
		return parse_choice(item, text, field);
	if (!parse_in_range(item, text, &n))
		return false;
	switch (item->type) {
	case LN_CONF_U32:
		*(uint32_t *)field = (uint32_t)n;
		return true;
	case LN_CONF_U64:
		*(uint64_t *)field = n;
		return true;
	case LN_CONF_BYTES:
		((ln_bytes_t *)field)->n = n;
		return true;
	case LN_CONF_SPAN:
		((ln_span_t *)field)->ms = n;
		return true;
	default:
		ln_require(!"a type that is no text");
		return false;
	}
}

/* --- field → text ----------------------------------------------------------------------------------------------- */

static void print_number(ln_buf_t *out, ln_conf_type_t type, uint64_t n)
{
	unsigned count, i = 0;
	const unit_t *units = units_of(type, &count);

	if (n == 0) {
		ln_buf_printf(out, type == LN_CONF_SPAN ? "0s" : "0");
		return;
	}
	while (n % units[i].factor != 0)
		i++;
	ln_buf_printf(out, "%llu%s", (unsigned long long)(n / units[i].factor), units[i].name);
}

/* May S stand in YAML without quotes and mean just itself, inside "[…]" too? */
static bool is_plain(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_+-$";

	return s[0] && s[0] != '-' && s[strspn(s, letters)] == '\0' && strcasecmp(s, "null") != 0;
}

static void print_text(ln_buf_t *out, const char *s)
{
	if (!s) {
		ln_buf_printf(out, "~");
		return;
	}
	if (is_plain(s)) {
		ln_buf_printf(out, "%s", s);
		return;
	}
	ln_buf_append(out, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			ln_buf_printf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			ln_buf_printf(out, "\\x%02x", (unsigned char)*s);
		else
			ln_buf_append(out, s, 1);
	}
	ln_buf_append(out, "\"", 1);
}

static void print_list(ln_buf_t *out, const ln_strings_t *list)
{
	ln_buf_append(out, "[", 1);
	for (uint32_t i = 0; i < list->count; i++) {
		if (i > 0)
			ln_buf_append(out, ", ", 2);
		print_text(out, list->item[i]);
	}
	ln_buf_append(out, "]", 1);
}

static uint64_t number_in(ln_conf_type_t type, const void *field)
{
	return type == LN_CONF_U32 ? *(const uint32_t *)field : *(const uint64_t *)field;
}

void ln__conf_value_print(ln_buf_t *out, const ln_conf_item_t *item, const void *conf)
{
	const void *field = ln__conf_field(item, conf);

	switch (item->type) {
	case LN_CONF_BOOL:
		ln_buf_printf(out, *(const bool *)field ? "yes" : "no");
		return;
	case LN_CONF_CHOICE:
		ln_buf_printf(out, "%s", item->choices[((const ln_choice_t *)field)->value]);
		return;
	case LN_CONF_STRING:
		print_text(out, *(char *const *)field);
		return;
	case LN_CONF_STRINGS:
		print_list(out, field);
		return;
	default:
		if (item->zero && number_in(item->type, field) == 0)
			ln_buf_printf(out, "%s", item->zero);
		else
			print_number(out, item->type, number_in(item->type, field));
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_list(const ln_strings_t *a, const ln_strings_t *b)
{
	bool same = a->count == b->count;

	for (uint32_t i = 0; same && i < a->count; i++)
		same = strcmp(a->item[i], b->item[i]) == 0;
	return same;
}

bool ln__conf_value_same(const ln_conf_item_t *item, const void *a, const void *b)
{
	const void *x = ln__conf_field(item, a), *y = ln__conf_field(item, b);

	switch (item->type) {
	case LN_CONF_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case LN_CONF_CHOICE:
		return ((const ln_choice_t *)x)->value == ((const ln_choice_t *)y)->value;
	case LN_CONF_STRING:
		return same_text(*(char *const *)x, *(char *const *)y);
	case LN_CONF_STRINGS:
		return same_list(x, y);
	default:
		return number_in(item->type, x) == number_in(item->type, y);
	}
}

/* --- in words --------------------------------------------------------------------------------------------------- */

static void print_range(ln_buf_t *out, const ln_conf_item_t *item)
{
	if (item->max) {
		ln_buf_printf(out, " from ");
		print_number(out, item->type, item->min);
		ln_buf_printf(out, " to ");
		print_number(out, item->type, item->max);
	} else if (item->min) {
		ln_buf_printf(out, " of at least ");
		print_number(out, item->type, item->min);
	}
	if (item->zero)
		ln_buf_printf(out, " or \"%s\"", item->zero);
}

void ln__conf_value_expected(ln_buf_t *out, const ln_conf_item_t *item)
{
	static const char *const words[] = {
		[LN_CONF_BOOL] = "yes or no",
		[LN_CONF_U32] = "a whole number",
		[LN_CONF_U64] = "a whole number",
		[LN_CONF_BYTES] = "a size (such as 64K or 1M)",
		[LN_CONF_SPAN] = "a time (such as 500ms, 10s or 5m)",
		[LN_CONF_CHOICE] = "one of",
		[LN_CONF_STRING] = "a text",
		[LN_CONF_STRINGS] = "a text or a list of texts",
	};

	ln_buf_printf(out, "%s", words[item->type]);
	if (item->type == LN_CONF_CHOICE)
		for (int i = 0; item->choices[i]; i++)
			ln_buf_printf(out, "%s %s", i ? "," : "", item->choices[i]);
	else if (item->type >= LN_CONF_U32 && item->type <= LN_CONF_SPAN)
		print_range(out, item);
}
