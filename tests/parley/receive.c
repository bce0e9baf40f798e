/* receive.c — an actor's packets, in and out: framing, decoding, what is answered without being asked. */
#include <stdlib.h>

#include "actor.h"

static void say_packet(actor_t *actor, const char *arrow, const packet_t *packet)
{
	buf_t text = { 0 };

	if (!actor->stage->settings->verbose)
		return;
	packet_show(packet, &text);
	stage_say(actor->stage, actor->name, "%s %.*s", arrow, BYTES_ARG(buf_bytes(&text)));
	buf_free(&text);
}

static conn_result_t send_packet(actor_t *actor, const packet_t *packet)
{
	conn_result_t result;
	buf_t wire = { 0 };

	say_packet(actor, "-->", packet);
	packet_encode(packet, &wire);
	result = conn_send(&actor->conn, buf_bytes(&wire), stage_until(actor->stage, actor->timeout));
	buf_free(&wire);
	return result;
}

bool actor_send(actor_t *actor, const command_t *command, const packet_t *packet)
{
	switch (send_packet(actor, packet)) {
	case CONN_OK: return true;
	case CONN_LATE: return stage_fail(actor->stage, actor, command, "the peer takes no bytes");
	case CONN_CLOSED:
		return stage_fail(actor->stage, actor, command, actor->conn.fd < 0
				  ? "there is no connection (reconnect opens one)"
				  : "the peer has closed the connection");
	case CONN_BAD_FRAME:
	case CONN_STOPPED: break;
	}
	return false;
}

/* With -auto-ack: answers PUBLISH, PUBREC and PUBREL. Returns: whether PACKET is thereby settled and never shown. */
static bool answer(actor_t *actor, const packet_t *packet)
{
	packet_t *reply;
	packet_type_t type;

	if (!actor->auto_ack)
		return false;
	if (packet->type == PUBLISH && packet->qos)
		type = packet->qos == 1 ? PUBACK : PUBREC;
	else if (packet->type == PUBREL)
		type = PUBCOMP;
	else if (packet->type == PUBREC && packet->reason < 0x80)
		type = PUBREL;
	else
		return false;
	reply = packet_new(type, actor->version);
	reply->id = packet->id;
	send_packet(actor, reply);
	packet_destroy(reply);
	return packet->type != PUBLISH;
}

static void keep(actor_t *actor, packet_t *packet)
{
	packet_t **last = &actor->last[packet->type];

	if (actor->current == *last)
		actor->current = NULL;
	packet_destroy(*last);
	*last = packet;
	if (packet->type == CONNECT)
		actor->version = packet->version;
}

/* Takes the first whole packet out of the input. Returns: false when there is none yet. */
static bool take_packet(actor_t *actor, arrival_t *ret)
{
	bytes_t in = buf_bytes(&actor->conn.in);
	int64_t n = packet_frame(in);

	if (n == 0)
		return false;
	if (n < 0) {
		ret->malformed = "the Remaining Length is longer than four bytes";
		return true;
	}
	ret->packet = packet_decode((bytes_t){ in.at, (size_t)n }, actor->version, &ret->malformed);
	if (ret->packet)
		buf_drop(&actor->conn.in, (size_t)n);
	return true;
}

arrival_t actor_receive(actor_t *actor, int64_t until)
{
	for (;;) {
		arrival_t a = { 0 };

		if (!take_packet(actor, &a)) {
			a.result = conn_fill(&actor->conn, until);
			if (a.result != CONN_OK)
				return a;
			continue;
		}
		if (a.malformed)
			return a;
		say_packet(actor, "<--", a.packet);
		if (answer(actor, a.packet) || actor->ignored & IN(a.packet->type)) {
			packet_destroy(a.packet);
			continue;
		}
		keep(actor, a.packet);
		return a;
	}
}

void arrival_show(const actor_t *actor, const arrival_t *arrival, buf_t *out)
{
	bytes_t rest = buf_bytes(&actor->conn.in);

	if (arrival->packet) {
		packet_show(arrival->packet, out);
		buf_addf(out, "\n            ");
		show_hex(out, arrival->packet->raw, 256);
		return;
	}
	if (arrival->malformed)
		buf_addf(out, "a malformed packet: %s", arrival->malformed);
	else if (arrival->result == CONN_BAD_FRAME)
		buf_addf(out, "a malformed frame: %s", actor->conn.bad_frame);
	else if (arrival->result == CONN_CLOSED)
		buf_addf(out, actor->conn.fd < 0 ? "nothing: there is no connection" : "the end of the connection%s",
			 actor->conn.reset ? " (reset)" : "");
	else
		buf_addf(out, rest.len ? "only a part of a packet" : "nothing");
	if (rest.len) {
		buf_addf(out, "\n            ");
		show_hex(out, rest, 256);
	}
}
