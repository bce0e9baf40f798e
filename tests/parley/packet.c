/* packet.c — a packet's life, and look-ups in the tables of mqtt.def. The tables are short: every search is linear. */
#include "packet.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint8_t flags;
} packets[16] = {
#define PACKET(symbol, type, name, flags) [type] = { name, flags },
#include "mqtt.def"
#undef PACKET
};

static const prop_rule_t props[] = {
#define PROP(code, name, kind, packets) { code, name, kind, packets },
#include "mqtt.def"
#undef PROP
};

static const struct {
	uint8_t code;
	const char *name;
	uint32_t packets;
} reasons[] = {
#define REASON(code, name, packets) { code, name, packets },
#include "mqtt.def"
#undef REASON
};

static const struct {
	uint8_t code;
	const char *name;
} return_codes[] = {
#define RETURN_CODE(code, name) { code, name },
#include "mqtt.def"
#undef RETURN_CODE
};

packet_t *packet_new(packet_type_t type, uint8_t version)
{
	packet_t *p = mem_new(sizeof(*p));

	p->type = (uint8_t)type;
	p->version = version;
	p->flags_override = -1;
	p->length_override = -1;
	p->connect_flags_override = -1;
	return p;
}

void packet_destroy(packet_t *packet)
{
	if (!packet)
		return;
	arena_reset(&packet->arena);
	free(packet);
}

void packet_add_prop(packet_t *packet, props_t *list, prop_t prop)
{
	list->at = arena_grow(&packet->arena, list->at, list->count, sizeof(prop_t));
	list->at[list->count++] = prop;
}

const char *packet_name(uint8_t type)
{
	return type < 16 && packets[type].name ? packets[type].name : "type-0";
}

int packet_type_of(bytes_t name)
{
	for (int i = 1; i < 16; i++)
		if (bytes_is(name, packets[i].name))
			return i;
	return -1;
}

uint8_t packet_flags(uint8_t type)
{
	return packets[type & 15].flags;
}

const prop_rule_t *prop_by_name(bytes_t name)
{
	for (size_t i = 0; i < PARLEY_COUNT(props); i++)
		if (bytes_is(name, props[i].name))
			return &props[i];
	return NULL;
}

const prop_rule_t *prop_by_code(uint8_t code)
{
	for (size_t i = 0; i < PARLEY_COUNT(props); i++)
		if (props[i].code == code)
			return &props[i];
	return NULL;
}

static const char *return_code_name(uint8_t type, uint8_t code)
{
	static const char *const suback[] = { "granted-qos-0", "granted-qos-1", "granted-qos-2" };

	if (type == SUBACK)
		return code == 0x80 ? "failure" : code < 3 ? suback[code] : NULL;
	if (type != CONNACK)
		return NULL;
	for (size_t i = 0; i < PARLEY_COUNT(return_codes); i++)
		if (return_codes[i].code == code)
			return return_codes[i].name;
	return NULL;
}

const char *reason_name(uint8_t version, uint8_t type, uint8_t code)
{
	if (version < 5)
		return return_code_name(type, code);
	for (size_t i = 0; i < PARLEY_COUNT(reasons); i++)
		if (reasons[i].code == code && reasons[i].packets & IN(type))
			return reasons[i].name;
	return NULL;
}

static int return_code_by_name(bytes_t name)
{
	for (size_t i = 0; i < PARLEY_COUNT(return_codes); i++)
		if (bytes_is(name, return_codes[i].name))
			return return_codes[i].code;
	for (int code = 0; code < 3; code++)
		if (bytes_is(name, return_code_name(SUBACK, (uint8_t)code)))
			return code;
	return bytes_is(name, "failure") ? 0x80 : -1;
}

int reason_by_name(uint8_t version, bytes_t name)
{
	if (version && version < 5)
		return return_code_by_name(name);
	for (size_t i = 0; i < PARLEY_COUNT(reasons); i++)
		if (bytes_is(name, reasons[i].name))
			return reasons[i].code;
	return version ? -1 : return_code_by_name(name);
}
