/* field.c — facts of a packet; see field.h.
 *
 * A field is a place in packet_t and a kind, so a new one is a line in fields.def and no code.
 */
#include "field.h"
#include "value.h"

#include <string.h>

static const field_rule_t fields[] = {
#define FIELD(name, kind, member, packets) { name, kind, offsetof(packet_t, member), packets },
#include "fields.def"
#undef FIELD
};

static const field_rule_t prop_field = { "prop", PROPERTY, offsetof(packet_t, props), ~0u };
static const field_rule_t will_prop_field = { "will-prop", PROPERTY, offsetof(packet_t, will_props), IN(CONNECT) };
static const field_rule_t count_field = { "count", COUNT, offsetof(packet_t, props), ~0u };

/* Splits TEXT at its first C; without one the tail is empty. */
static bytes_t split(bytes_t text, char c, bytes_t *ret_tail)
{
	const char *hit = text.len ? memchr(text.at, c, text.len) : NULL;
	size_t n = hit ? (size_t)(hit - text.at) : text.len;

	*ret_tail = hit ? bytes_from(text, n + 1) : (bytes_t){ 0 };
	return (bytes_t){ text.at, n };
}

static const char *parse_index(bytes_t text, condition_t *ret)
{
	uint64_t n;

	if (text.len < 2 || text.at[text.len - 1] != ']' || !value_number((bytes_t){ text.at, text.len - 1 }, &n))
		return "an index must be a number in brackets";
	ret->index = (uint32_t)n;
	return NULL;
}

static const char *parse_prop(const field_rule_t *field, bytes_t name, condition_t *ret)
{
	packet_type_t place = field == &will_prop_field ? WILL : (packet_type_t)ret->type;
	bytes_t index;

	name = split(name, '[', &index);
	ret->field = field;
	ret->prop = prop_by_name(name);
	if (!ret->prop)
		return "unknown property";
	if (!(ret->prop->packets & IN(place)))
		return "this packet cannot have that property";
	return index.at ? parse_index(index, ret) : NULL;
}

const char *field_parse(bytes_t path, condition_t *ret)
{
	bytes_t name, tail, packet = split(path, '.', &name);
	int type = packet_type_of(packet);

	if (type < 0)
		return "unknown packet";
	ret->type = (uint8_t)type;
	if (!name.at)
		return NULL;
	packet = split(name, '.', &tail);
	if (bytes_is(packet, "prop"))
		return parse_prop(&prop_field, tail, ret);
	if (bytes_is(packet, "will-prop") && type == CONNECT)
		return parse_prop(&will_prop_field, tail, ret);
	if (bytes_is(packet, "count"))
		return parse_prop(&count_field, tail, ret);
	if (bytes_starts(name, "user-property"))
		return parse_prop(&prop_field, name, ret);
	for (size_t i = 0; i < PARLEY_COUNT(fields); i++)
		if (bytes_is(name, fields[i].name) && fields[i].packets & IN(type)) {
			ret->field = &fields[i];
			return NULL;
		}
	return "this packet has no such field";
}

static bool is_text(const condition_t *c)
{
	if (c->field->kind == PROPERTY)
		return c->prop->kind >= STRING;
	return c->field->kind == TEXT || c->field->kind == FILTERS;
}

static bool asks_absence(const condition_t *c)
{
	return c->field->kind == PROPERTY && !c->value.quoted && bytes_is(c->value.text, "absent");
}

const char *field_accepts(const condition_t *c)
{
	uint64_t n;

	if (asks_absence(c))
		return c->op == OP_EQ || c->op == OP_NE ? NULL : "`absent` goes with == and != only";
	if (is_text(c))
		return NULL;
	if (c->field->kind == CODES && c->op != OP_EQ && c->op != OP_NE && c->op != OP_HAS)
		return "a list of codes goes with ==, != and ~ only";
	if (c->field->kind != CODES && c->op == OP_HAS)
		return "~ asks what a text or a list contains; this is a number";
	if (bytes_find(c->value.text, bytes_of("${")) >= 0)
		return NULL;
	if (c->field->kind == CODES)
		return value_fits(c->value.text, ARG_CODES) ? NULL : "expected a list of reason codes";
	if (c->field->kind == REASON8)
		return value_fits(c->value.text, ARG_REASON) ? NULL : "unknown reason code";
	return value_number(c->value.text, &n) ? NULL : "expected a number";
}

static const void *member(const packet_t *packet, const field_rule_t *field)
{
	return (const char *)packet + field->offset;
}

static const prop_t *find_prop(const packet_t *packet, const condition_t *c)
{
	const props_t *props = member(packet, c->field);
	uint32_t seen = 0;

	for (size_t i = 0; i < props->count; i++)
		if (props->at[i].rule == c->prop && seen++ == c->index)
			return &props->at[i];
	return NULL;
}

static uint64_t count_props(const packet_t *packet, const condition_t *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < packet->props.count; i++)
		n += packet->props.at[i].rule == c->prop;
	return n;
}

static uint64_t field_number(const packet_t *packet, const condition_t *c)
{
	const void *at = member(packet, c->field);
	const prop_t *prop;

	switch (c->field->kind) {
	case FLAG: return *(const bool *)at;
	case NUMBER8:
	case REASON8: return *(const uint8_t *)at;
	case NUMBER16: return *(const uint16_t *)at;
	case NUMBER32: return *(const uint32_t *)at;
	case SIZE: return ((const bytes_t *)at)->len;
	case COUNT: return count_props(packet, c);
	case PROPERTY:
		prop = find_prop(packet, c);
		return prop ? prop->number : 0;
	case TEXT:
	case CODES:
	case FILTERS: break;
	}
	return 0;
}

/* "a/b:1 c:0": topic filters and their option bytes as SUBSCRIBE has them; without options in UNSUBSCRIBE. */
static void filters_text(const packet_t *packet, buf_t *out)
{
	for (size_t i = 0; i < packet->filter_count; i++) {
		buf_addf(out, "%s%.*s", i ? " " : "", BYTES_ARG(packet->filters[i].topic));
		if (packet->type == SUBSCRIBE)
			buf_addf(out, ":%u", packet->filters[i].options);
	}
}

static void text_of(const packet_t *packet, const condition_t *c, buf_t *out)
{
	const bytes_t *text = member(packet, c->field);
	const prop_t *prop;

	if (c->field->kind == FILTERS) {
		filters_text(packet, out);
	} else if (c->field->kind == PROPERTY) {
		prop = find_prop(packet, c);
		buf_add(out, prop->text.at, prop->text.len);
		if (c->prop->kind == PAIR) {
			buf_add_byte(out, '=');
			buf_add(out, prop->value.at, prop->value.len);
		}
	} else {
		buf_add(out, text->at, text->len);
	}
}

bool field_text(const packet_t *packet, const condition_t *c, buf_t *out)
{
	if (c->field->kind == PROPERTY && !find_prop(packet, c))
		return false;
	if (is_text(c)) {
		text_of(packet, c, out);
	} else if (c->field->kind == CODES) {
		for (size_t i = 0; i < packet->codes.len; i++)
			buf_addf(out, "%s%u", i ? " " : "", (uint8_t)packet->codes.at[i]);
	} else {
		buf_addf(out, "%llu", (unsigned long long)field_number(packet, c));
	}
	return true;
}

static bool codes_hold(const packet_t *packet, op_t op, bytes_t value)
{
	buf_t codes = { 0 };
	bool holds = value_codes(value, packet->version, &codes) && text_holds(packet->codes, op, buf_bytes(&codes));

	buf_free(&codes);
	return holds;
}

static bool text_field_holds(const packet_t *packet, const condition_t *c, bytes_t value)
{
	buf_t text = { 0 };
	bool holds;

	text_of(packet, c, &text);
	holds = text_holds(buf_bytes(&text), c->op, value);
	buf_free(&text);
	return holds;
}

bool field_holds(const packet_t *packet, const condition_t *c, bytes_t value)
{
	uint64_t right;

	if (!c->field)
		return true;
	if (asks_absence(c))
		return !find_prop(packet, c) == (c->op == OP_EQ);
	if (c->field->kind == PROPERTY && !find_prop(packet, c))
		return false;
	if (is_text(c))
		return text_field_holds(packet, c, value);
	if (c->field->kind == CODES)
		return codes_hold(packet, c->op, value);
	if (c->field->kind == REASON8)
		return value_reason(value, packet->version, &right) &&
		       number_holds(field_number(packet, c), c->op, right);
	return value_number(value, &right) && number_holds(field_number(packet, c), c->op, right);
}
