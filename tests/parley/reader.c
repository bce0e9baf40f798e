/* reader.c — numbers, strings and properties off the wire, strictly: see reader.h. */
#include "reader.h"

void read_fail(reader_t *r, const char *why)
{
	if (!r->why)
		r->why = why;
	r->rest.len = 0;
}

static bytes_t take(reader_t *r, size_t n)
{
	bytes_t taken = { r->rest.at, n };

	if (r->rest.len < n) {
		read_fail(r, "the packet ends inside a field");
		return (bytes_t){ 0 };
	}
	r->rest = bytes_from(r->rest, n);
	return taken;
}

static uint32_t read_big_endian(reader_t *r, size_t n)
{
	bytes_t b = take(r, n);
	uint32_t value = 0;

	for (size_t i = 0; i < b.len; i++)
		value = value << 8 | (uint8_t)b.at[i];
	return value;
}

uint32_t read_u8(reader_t *r)
{
	return read_big_endian(r, 1);
}

uint32_t read_u16(reader_t *r)
{
	return read_big_endian(r, 2);
}

uint32_t read_u32(reader_t *r)
{
	return read_big_endian(r, 4);
}

uint32_t read_varint(reader_t *r)
{
	uint32_t value = 0, byte;
	int shift = 0;

	do {
		byte = read_u8(r);
		value |= (byte & 127) << shift;
		shift += 7;
	} while (byte & 128 && shift < 28);
	if (byte & 128)
		read_fail(r, "a variable byte integer is longer than four bytes");
	else if (byte == 0 && shift > 7)
		read_fail(r, "a variable byte integer is longer than it needs to be [MQTT-1.5.5-1]");
	return value;
}

bytes_t read_binary(reader_t *r)
{
	return take(r, read_u16(r));
}

/* Returns: how many bytes the character at B takes, 0 when it is not one. Unicode 3.9, table 3-7. */
static size_t utf8_char(const uint8_t *b, size_t len)
{
	size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;

	if (b[0] == 0 || n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f))
		return 0;
	if ((b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	return n;
}

bytes_t read_string(reader_t *r)
{
	bytes_t s = read_binary(r);
	const uint8_t *b = (const uint8_t *)s.at;

	for (size_t i = 0, n; i < s.len; i += n) {
		n = utf8_char(b + i, s.len - i);
		if (n == 0) {
			read_fail(r, "a string is not well-formed UTF-8 or contains U+0000 [MQTT-1.5.4-1, -2]");
			return (bytes_t){ 0 };
		}
	}
	return s;
}

static void check_prop(reader_t *r, const prop_t *prop)
{
	if (prop->rule->kind == BIT && prop->number > 1)
		read_fail(r, "a property that is a flag is neither 0 nor 1");
	switch (prop->rule->code) {
	case 0x0b:			/* subscription identifier */
	case 0x21:			/* receive maximum */
	case 0x23:			/* topic alias */
	case 0x27:			/* maximum packet size */
		if (prop->number == 0)
			read_fail(r, "a property that must not be 0 is 0");
	}
}

static prop_t read_prop(reader_t *r)
{
	prop_t prop = { .rule = prop_by_code((uint8_t)read_u8(r)) };

	if (!prop.rule) {
		read_fail(r, "unknown property");
		return prop;
	}
	switch (prop.rule->kind) {
	case BIT: prop.number = read_u8(r); break;
	case U16: prop.number = read_u16(r); break;
	case U32: prop.number = read_u32(r); break;
	case VARINT: prop.number = read_varint(r); break;
	case STRING: prop.text = read_string(r); break;
	case BINARY: prop.text = read_binary(r); break;
	case PAIR:
		prop.text = read_string(r);
		prop.value = read_string(r);
		break;
	}
	check_prop(r, &prop);
	return prop;
}

static bool may_repeat(const prop_rule_t *rule, packet_type_t place)
{
	return rule->kind == PAIR || (rule->kind == VARINT && place == PUBLISH);
}

static void check_place(reader_t *r, const prop_t *prop, const props_t *before, packet_type_t place)
{
	if (!(prop->rule->packets & IN(place)))
		read_fail(r, "a property stands in a packet it is not defined for");
	if (may_repeat(prop->rule, place))
		return;
	for (size_t i = 0; i < before->count; i++)
		if (before->at[i].rule == prop->rule)
			read_fail(r, "a property stands twice");
}

void read_props(reader_t *r, packet_t *packet, props_t *props, packet_type_t place)
{
	bytes_t all;
	reader_t in;

	if (packet->version < 5)
		return;
	all = take(r, read_varint(r));
	in = (reader_t){ .rest = all };
	while (in.rest.len && !in.why) {
		prop_t prop = read_prop(&in);

		if (in.why)
			break;
		check_place(&in, &prop, props, place);
		packet_add_prop(packet, props, prop);
	}
	if (in.why)
		read_fail(r, in.why);
}
