/* act_send.c — the commands that send packets: words to packet_t. */
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "value.h"

/* One command being turned into a packet; `ok` stays false after the first failure. */
typedef struct draft {
	actor_t *actor;
	const command_t *command;
	packet_t *packet;
	bool ok;
} draft_t;

/* Fails the play, unless it has failed already. */
PARLEY_PRINTF(2, 3)
static void draft_fail(draft_t *d, const char *fmt, ...)
{
	buf_t why = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	if (d->ok)
		d->ok = stage_fail(d->actor->stage, d->actor, d->command, "%.*s", BYTES_ARG(buf_bytes(&why)));
	buf_free(&why);
}

static draft_t draft_new(actor_t *actor, const command_t *command)
{
	int type = packet_type_of(bytes_of(command->rule->name));

	return (draft_t){ actor, command, packet_new((packet_type_t)type, actor->version), true };
}

static bytes_t text_of(draft_t *d, const word_t *word)
{
	bytes_t text = { 0 };

	if (d->ok)
		d->ok = actor_text(d->actor, d->command, word, &text);
	return d->ok ? text : (bytes_t){ 0 };
}

static uint64_t number_of(draft_t *d, const word_t *word)
{
	uint64_t n = 0;

	if (d->ok)
		d->ok = actor_number(d->actor, d->command, word, &n);
	return d->ok ? n : 0;
}

static uint8_t reason_of(draft_t *d, const word_t *word)
{
	bytes_t text = text_of(d, word);
	uint64_t code = 0;

	if (!value_reason(text, d->packet->version, &code))
		draft_fail(d, "\"%.*s\" is no reason code of this version", BYTES_ARG(text));
	return (uint8_t)code;
}

static void take_prop(draft_t *d, props_t *props, const arg_t *arg)
{
	prop_t prop = { .rule = prop_by_name(arg->words[0].text) };

	if (prop.rule->kind < STRING)
		prop.number = (uint32_t)number_of(d, &arg->words[1]);
	else
		prop.text = text_of(d, &arg->words[1]);
	if (prop.rule->kind == PAIR)
		prop.value = text_of(d, &arg->words[2]);
	packet_add_prop(d->packet, props, prop);
}

/* The method and the first message of a proof. */
static void take_scram(draft_t *d, const arg_t *arg)
{
	bytes_t user = text_of(d, &arg->words[0]), password = text_of(d, &arg->words[1]);
	packet_t *p = d->packet;
	buf_t first = { 0 };

	scram_begin(&d->actor->scram, user, password, (bytes_t){ 0 }, &first);
	packet_add_prop(p, &p->props, (prop_t){ .rule = prop_by_name(bytes_of("authentication-method")), .text = bytes_of(SCRAM_METHOD) });
	packet_add_prop(p, &p->props, (prop_t){ .rule = prop_by_name(bytes_of("authentication-data")),
						.text = arena_copy(&p->arena, buf_bytes(&first)) });
	buf_free(&first);
}

static void take_codes(draft_t *d, const arg_t *arg)
{
	bytes_t text = text_of(d, &arg->words[0]);
	buf_t codes = { 0 };

	if (!value_codes(text, d->packet->version, &codes))
		draft_fail(d, "not a list of reason codes");
	d->packet->codes = arena_copy(&d->packet->arena, buf_bytes(&codes));
	buf_free(&codes);
}

/* The options every packet knows. Returns: false when ARG is none of them. */
static bool take_common(draft_t *d, const arg_t *arg)
{
	packet_t *p = d->packet;

	if (arg_is(arg, "-prop"))
		take_prop(d, &p->props, arg);
	else if (arg_is(arg, "-id") && p->type != CONNECT)
		p->id = (uint16_t)number_of(d, &arg->words[0]);
	else if (arg_is(arg, "-reason"))
		p->reason = reason_of(d, &arg->words[0]), p->has_reason = true;
	else if (arg_is(arg, "-flags"))
		p->flags_override = (int)number_of(d, &arg->words[0]) & 15;
	else if (arg_is(arg, "-length"))
		p->length_override = (int64_t)number_of(d, &arg->words[0]);
	else if (arg_is(arg, "-dup"))
		p->dup = true;
	else if (arg_is(arg, "-codes"))
		take_codes(d, arg);
	else if (arg_is(arg, "-scram"))
		take_scram(d, arg);
	else
		return false;
	return true;
}

static bool draft_send(draft_t *d)
{
	bool ok = d->ok && actor_send(d->actor, d->command, d->packet);

	packet_destroy(d->packet);
	return ok;
}

/* --- CONNECT, CONNACK --------------------------------------------------------------------------------------------- */

static bool take_will(draft_t *d, const arg_t *arg)
{
	packet_t *p = d->packet;

	if (arg_is(arg, "-will")) {
		p->has_will = true;
		p->will_topic = text_of(d, &arg->words[0]);
		p->will_payload = text_of(d, &arg->words[1]);
	} else if (arg_is(arg, "-will-qos")) {
		p->will_qos = (uint8_t)number_of(d, &arg->words[0]);
	} else if (arg_is(arg, "-will-retain")) {
		p->will_retain = true;
	} else if (arg_is(arg, "-will-prop")) {
		take_prop(d, &p->will_props, arg);
	} else if (arg_is(arg, "-will-delay")) {
		prop_t delay = { .rule = prop_by_name(bytes_of("will-delay-interval")) };
		int64_t ms = 0;

		d->ok = d->ok && actor_duration(d->actor, d->command, &arg->words[0], &ms);
		delay.number = (uint32_t)((ms + 999) / 1000);
		packet_add_prop(p, &p->will_props, delay);
	} else {
		return false;
	}
	return true;
}

static void take_credentials(draft_t *d, const arg_t *arg)
{
	packet_t *p = d->packet;

	if (arg_is(arg, "-id"))
		p->client_id = text_of(d, &arg->words[0]);
	else if (arg_is(arg, "-clean"))
		p->clean = number_of(d, &arg->words[0]);
	else if (arg_is(arg, "-keepalive"))
		p->keep_alive = (uint16_t)number_of(d, &arg->words[0]);
	else if (arg_is(arg, "-user"))
		p->has_user = true, p->user = text_of(d, &arg->words[0]);
	else if (arg_is(arg, "-password"))
		p->has_password = true, p->password = text_of(d, &arg->words[0]);
	else if (arg_is(arg, "-protocol-name"))
		p->protocol_name = text_of(d, &arg->words[0]);
	else if (arg_is(arg, "-level"))
		p->level = (uint8_t)number_of(d, &arg->words[0]);
	else if (arg_is(arg, "-connect-flags"))
		p->connect_flags_override = (int)number_of(d, &arg->words[0]) & 255;
}

static void take_version(draft_t *d)
{
	const arg_t *v = command_opt(d->command, "-v");
	uint64_t version = v ? number_of(d, &v->words[0]) : 4;

	if (version < 3 || version > 5)
		draft_fail(d, "-v is 3, 4 or 5 (-level sends any other byte)");
	d->actor->version = d->packet->version = d->packet->level = (uint8_t)version;
	d->packet->protocol_name = bytes_of(version == 3 ? "MQIsdp" : "MQTT");
}

bool act_connect(actor_t *actor, const command_t *command)
{
	draft_t d = draft_new(actor, command);

	take_version(&d);
	d.packet->client_id = actor->name;
	d.packet->clean = true;
	d.packet->keep_alive = 60;
	for (size_t i = 0; i < command->count; i++)
		if (!take_common(&d, &command->args[i]) && !take_will(&d, &command->args[i]))
			take_credentials(&d, &command->args[i]);
	return draft_send(&d);
}

bool act_connack(actor_t *actor, const command_t *command)
{
	draft_t d = draft_new(actor, command);

	for (size_t i = 0; i < command->count; i++)
		take_common(&d, &command->args[i]);
	d.packet->session_present = command_opt(command, "-session-present");
	return draft_send(&d);
}

/* --- PUBLISH and acknowledgements --------------------------------------------------------------------------------- */

static uint16_t fresh_id(actor_t *actor)
{
	uint16_t id = actor->next_id++;

	if (actor->next_id == 0)
		actor->next_id = 1;
	return id;
}

/* A payload of SIZE bytes: PATTERN again and again, 'x' when it is empty. */
static bytes_t sized_payload(arena_t *arena, bytes_t pattern, size_t size)
{
	char *p = arena_alloc(arena, size);

	for (size_t i = 0; i < size; i++)
		p[i] = pattern.len ? pattern.at[i % pattern.len] : 'x';
	return (bytes_t){ p, size };
}

static void take_payload(draft_t *d)
{
	const word_t *payload = command_word(d->command, 1);
	const arg_t *size = command_opt(d->command, "-size");
	uint64_t n;

	if (payload)
		d->packet->payload = text_of(d, payload);
	if (!size)
		return;
	n = number_of(d, &size->words[0]);
	if (n > 268435455)
		draft_fail(d, "no packet is that large");
	if (d->ok)
		d->packet->payload = sized_payload(&d->packet->arena, d->packet->payload, n);
}

bool act_publish(actor_t *actor, const command_t *command)
{
	draft_t d = draft_new(actor, command);
	const arg_t *qos = command_opt(command, "-qos");

	d.packet->topic = text_of(&d, command_word(command, 0));
	if (qos)
		d.packet->qos = (uint8_t)number_of(&d, &qos->words[0]);
	d.packet->retain = command_opt(command, "-retain");
	take_payload(&d);
	for (size_t i = 0; i < command->count; i++)
		take_common(&d, &command->args[i]);
	if (d.packet->qos && !command_opt(command, "-id"))
		d.packet->id = fresh_id(actor);
	return draft_send(&d);
}

/* Returns: the packet type that an acknowledgement of TYPE answers. */
static packet_type_t answered_by(packet_type_t type)
{
	switch (type) {
	case PUBACK:
	case PUBREC: return PUBLISH;
	case PUBREL: return PUBREC;
	case PUBCOMP: return PUBREL;
	case SUBACK: return SUBSCRIBE;
	case UNSUBACK: return UNSUBSCRIBE;
	default: return WILL;
	}
}

static void take_answered_id(draft_t *d)
{
	packet_type_t type = answered_by((packet_type_t)d->packet->type);
	const packet_t *answered = d->actor->last[type];

	if (command_opt(d->command, "-id"))
		return;
	if (answered)
		d->packet->id = answered->id;
	else
		draft_fail(d, "no %s has been received, and there is no -id", packet_name((uint8_t)type));
}

bool act_ack(actor_t *actor, const command_t *command)
{
	draft_t d = draft_new(actor, command);

	take_answered_id(&d);
	for (size_t i = 0; i < command->count; i++)
		take_common(&d, &command->args[i]);
	return draft_send(&d);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void take_filter_option(draft_t *d, const arg_t *arg)
{
	packet_t *p = d->packet;
	filter_t *f = p->filter_count ? &p->filters[p->filter_count - 1] : NULL;

	if (!f)
		draft_fail(d, "%s before a filter", arg->opt->name);
	else if (arg_is(arg, "-qos"))
		f->options = (uint8_t)((f->options & ~3u) | (number_of(d, &arg->words[0]) & 3));
	else if (arg_is(arg, "-no-local"))
		f->options |= 0x04;
	else if (arg_is(arg, "-rap"))
		f->options |= 0x08;
	else if (arg_is(arg, "-rh"))
		f->options |= (uint8_t)(number_of(d, &arg->words[0]) << 4 & 0x30);
	else if (arg_is(arg, "-options"))
		f->options = (uint8_t)number_of(d, &arg->words[0]);
}

bool act_subscribe(actor_t *actor, const command_t *command)
{
	draft_t d = draft_new(actor, command);
	packet_t *p = d.packet;

	for (size_t i = 0; i < command->count; i++) {
		const arg_t *arg = &command->args[i];

		if (!arg->opt) {
			p->filters = arena_grow(&p->arena, p->filters, p->filter_count, sizeof(filter_t));
			p->filters[p->filter_count++] = (filter_t){ .topic = text_of(&d, &arg->words[0]) };
		} else if (!take_common(&d, arg)) {
			take_filter_option(&d, arg);
		}
	}
	if (!command_opt(command, "-id"))
		p->id = fresh_id(actor);
	return draft_send(&d);
}

bool act_simple(actor_t *actor, const command_t *command)
{
	draft_t d = draft_new(actor, command);

	for (size_t i = 0; i < command->count; i++)
		take_common(&d, &command->args[i]);
	return draft_send(&d);
}
