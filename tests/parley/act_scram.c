/* act_scram.c — the commands that go through with SCRAM: the answer to a challenge, the look at the server's proof. The first message is sent by
 * the option -scram of connect and auth.
 */
#include "act.h"
#include "field.h"

static const prop_t *find_prop(const packet_t *packet, const char *name)
{
	const prop_rule_t *rule = prop_by_name(bytes_of(name));

	for (size_t i = 0; i < packet->props.count; i++)
		if (packet->props.at[i].rule == rule)
			return &packet->props.at[i];
	return NULL;
}

/* Returns: what PACKET carries of the exchange; empty when it carries nothing. */
static bytes_t data_of(const packet_t *packet)
{
	const prop_t *data = find_prop(packet, "authentication-data");

	return data ? data->text : (bytes_t){ 0 };
}

static bool right_method(const packet_t *packet)
{
	const prop_t *method = find_prop(packet, "authentication-method");

	return method && bytes_is(method->text, SCRAM_METHOD);
}

/* Fails the play with what came. */
static bool fail(actor_t *actor, const command_t *command, const arrival_t *arrival, const char *why)
{
	buf_t text = { 0 };

	if (arrival->result == CONN_STOPPED)
		return false;
	arrival_show(actor, arrival, &text);
	stage_fail(actor->stage, actor, command, "expected: %s\n  received: %.*s", why, BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
	return false;
}

static bool send_answer(actor_t *actor, const command_t *command, bytes_t text)
{
	packet_t *p = packet_new(AUTH, actor->version);
	bool ok;

	p->reason = 0x18;
	p->has_reason = true;
	packet_add_prop(p, &p->props, (prop_t){ .rule = prop_by_name(bytes_of("authentication-method")), .text = bytes_of(SCRAM_METHOD) });
	packet_add_prop(p, &p->props, (prop_t){ .rule = prop_by_name(bytes_of("authentication-data")), .text = text });
	ok = actor_send(actor, command, p);
	packet_destroy(p);
	return ok;
}

bool act_scram_answer(actor_t *actor, const command_t *command)
{
	arrival_t a = actor_receive(actor, stage_until(actor->stage, actor->timeout));
	buf_t answer = { 0 };
	const char *why;
	bool ok;

	if (!a.packet || a.packet->type != AUTH || a.packet->reason != 0x18 || !right_method(a.packet))
		return fail(actor, command, &a, "AUTH with continue-authentication and the method " SCRAM_METHOD);
	why = scram_answer(&actor->scram, data_of(a.packet), &answer);
	ok = why ? fail(actor, command, &a, why) : send_answer(actor, command, buf_bytes(&answer));
	buf_free(&answer);
	return ok;
}

bool act_scram_verify(actor_t *actor, const command_t *command)
{
	int type = packet_type_of(command_word(command, 0)->text);
	arrival_t a = { .packet = actor->last[type] };
	const char *why;

	if (type != CONNACK && type != AUTH)
		return stage_fail(actor->stage, actor, command, "scram-verify connack, or scram-verify auth");
	if (!a.packet)
		return stage_fail(actor->stage, actor, command, "no %s has been received", packet_name((uint8_t)type));
	why = right_method(a.packet) ? scram_verify(&actor->scram, data_of(a.packet)) : "the method is not " SCRAM_METHOD;
	return !why || fail(actor, command, &a, why);
}
