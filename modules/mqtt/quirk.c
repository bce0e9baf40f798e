/* quirk.c — leniencies, one table: what a strict server would refuse and old or odd devices do.
 *
 * A row says from its name which behaviour it tolerates and for which versions the text itself, or every server in
 * the field, allows it. `quirks: [name, …]` adds one for all versions of a listener, `strict: [name, …]` takes one
 * away.
 */
#include <stdio.h>
#include "mqtt.h"

#define V3 1u
#define V4 2u
#define V5 4u

typedef struct quirk {
	const char *name;
	uint32_t bit;
	uint32_t versions;      /* on by itself for these */
} quirk_t;

static const quirk_t quirks[] = {
	{ "absent-credentials", MQTT_QUIRK_ABSENT_CREDENTIALS, V3 },
	{ "password-alone", MQTT_QUIRK_PASSWORD_ALONE, V3 },
	{ "unused-bits", MQTT_QUIRK_UNUSED_BITS, V3 },
	{ "dup-anywhere", MQTT_QUIRK_DUP_ANYWHERE, V3 },
	{ "no-filters", MQTT_QUIRK_NO_FILTERS, V3 },
	{ "packet-id-0", MQTT_QUIRK_PACKET_ID_0, 0 },
	{ "ack-flags", MQTT_QUIRK_ACK_FLAGS, 0 },
	{ "dup-qos-0", MQTT_QUIRK_DUP_QOS_0, V3 },
	{ "name-mixed", MQTT_QUIRK_NAME_MIXED, 0 },
	{ "empty-client-id", MQTT_QUIRK_EMPTY_CLIENT_ID, 0 },
	{ "refusal-ends", MQTT_QUIRK_REFUSAL_ENDS, 0 },
	{ "no-echo", MQTT_QUIRK_NO_ECHO, 0 },
};

static const quirk_t *find(const char *name)
{
	for (unsigned i = 0; i < LN_ARRAY_SIZE(quirks); i++) {
		if (strcmp(quirks[i].name, name) == 0)
			return &quirks[i];
	}
	return NULL;
}

static uint32_t bits_of(const ln_strings_t *names)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < names->count; i++) {
		const quirk_t *q = find(names->item[i]);

		bits |= q ? q->bit : 0;
	}
	return bits;
}

uint32_t mqtt_quirks(const mqtt_conf_t *conf, unsigned version)
{
	uint32_t bits = 0, mask = version == 3 ? V3 : version == 4 ? V4 : V5;

	for (unsigned i = 0; i < LN_ARRAY_SIZE(quirks); i++) {
		if (quirks[i].versions & mask)
			bits |= quirks[i].bit;
	}
	return (bits | bits_of(&conf->quirks)) & ~bits_of(&conf->strict);
}

/* "a, b, c" into DST. */
static void list_names(char *dst, size_t size)
{
	size_t len = 0;

	for (unsigned i = 0; i < LN_ARRAY_SIZE(quirks) && len < size; i++)
		len += (size_t)snprintf(dst + len, size - len, "%s%s", i ? ", " : "", quirks[i].name);
}

static void check_names(const ln_strings_t *names, const char *option, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	char all[512];

	list_names(all, sizeof(all));
	for (uint32_t i = 0; i < names->count; i++) {
		if (!find(names->item[i]))
			ln_conf_say(errors, ln_conf_place(node, option), "unknown quirk \"%s\" in %s; there are: %s", names->item[i], option, all);
	}
}

void mqtt_quirks_check(const mqtt_conf_t *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	check_names(&conf->quirks, "quirks", node, errors);
	check_names(&conf->strict, "strict", node, errors);
}
