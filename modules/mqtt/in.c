/* in.c — PUBLISH and acknowledgements from the client.
 *
 * A PUBLISH is judged in the order: packet, alias, what the listener allows, what the client may, and only then remembered (QoS 2) and routed. A
 * QoS 2 message is routed when its PUBLISH comes first; its identifier is kept until PUBREL, so a repetition is acknowledged and not
 * routed again [MQTT-4.3.3-10]. A client that is only not allowed to publish hears it where its version has a word (PUBACK and PUBREC of 5.0);
 * below that it is acknowledged and the message dropped.
 */
#include "mqtt.h"

static void fail(mqtt_conn_t *c, uint8_t reason, const char *statement, const char *why)
{
	mqtt_fault_t f = { reason, statement, why };

	mqtt_fail(c, "PUBLISH", &f);
}

/* --- publishing --------------------------------------------------------------------------------------------------------------------- */

static void on_eased(ln_waiter_t *waiter)
{
	mqtt_waiter_t *w = LN_CONTAINER(waiter, mqtt_waiter_t, waiter);
	mqtt_conn_t *c = w->owner;

	c->waiter = NULL;
	ln_free(w);
	mqtt_listen_again(c);
}

void mqtt_waiter_drop(mqtt_conn_t *c)
{
	if (!c->waiter)
		return;
	ln_list_remove(&c->waiter->waiter.node);
	ln_free(c->waiter);
	c->waiter = NULL;
}

/* Other workers are behind: this publisher is not read from until they have caught up. */
static void throttle(mqtt_conn_t *c)
{
	if (c->waiter || c->state != MQTT_SERVING)
		return;
	c->waiter = ln_new(mqtt_waiter_t);
	c->waiter->owner = c;
	c->waiter->waiter.fn = on_eased;
	ln_conn_pause(c->conn);
	ln_router_wait(ln_conn_worker(c->conn), &c->waiter->waiter);
	mqtt_count(c, MQTT_STAT_throttled);
}

static bool hooks_let(const mqtt_conn_t *c, ln_msg_t *m)
{
	ln_publish_t about = { .identity = &c->identity, .msg = m };
	ln_call_t call = { .about = &about };

	return ln_hook_ask(LN_HOOK_PUBLISH, &call) == LN_ALLOW;
}

/* Routes P; returns its reason. */
static uint8_t route(mqtt_conn_t *c, const mqtt_publish_t *p)
{
	ln_worker_t *w = ln_conn_worker(c->conn);
	ln_msg_t m = ln_msg_borrow(p->topic, p->carry, p->payload);
	uint8_t reason = MQTT_REASON_SUCCESS;

	m.qos = p->qos;
	m.flags |= p->retain ? LN_MSG_RETAIN : 0;
	m.publisher = ln_session_number(c->session);
	if (p->expires)
		m.expires = w->wall + (uint64_t)p->expiry * 1000;
	if (LN_UNLIKELY(ln_hook_any(LN_HOOK_PUBLISH)) && !hooks_let(c, &m))
		reason = mqtt_not_authorized(mqtt_conf_of(c));
	else if (!ln_publish(w, &m).matched)
		reason = MQTT_REASON_NO_SUBSCRIBERS;
	ln_msg_release(&m);
	if (LN_UNLIKELY(ln_router_congested(w)))
		throttle(c);
	return reason;
}

/* A message that is taken and forgotten, as the listener says. */
static uint8_t ignore(const mqtt_conn_t *c)
{
	mqtt_count(c, MQTT_STAT_publish_ignored);
	return MQTT_REASON_SUCCESS;
}

static void ack(mqtt_conn_t *c, mqtt_type_t type, uint16_t id, uint8_t reason)
{
	uint8_t packet[16];
	size_t size = MQTT_ACK_SIZE;

	if (reason == MQTT_REASON_SUCCESS || c->version < 5)
		mqtt_ack_put(packet, type, id);
	else
		size = mqtt_ack_write(packet, sizeof(packet), type, c->version, id, reason, NULL, c->packet_max);
	mqtt_sent(c, packet, size);
}

/* A QoS 2 message's identifier: true when the message is new. */
static bool remember(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_publish_t *p)
{
	ln_result_t seen = LN_LIMIT;

	if (c->version < 5 || ln_session_inbound_count(c->session) < conf->receive_max ||
	    ln_session_inbound_has(c->session, p->packet_id))
		seen = ln_session_inbound_add(c->session, p->packet_id);
	if (seen == LN_EXISTS) {
		mqtt_count(c, MQTT_STAT_publish_duplicate);
		ack(c, MQTT_PUBREC, p->packet_id, MQTT_REASON_SUCCESS);
	} else if (seen == LN_LIMIT) {
		fail(c, MQTT_REASON_RECEIVE_MAX_EXCEEDED, "MQTT-3.3.4-9", "more QoS 2 messages under way than the receive maximum");
	}
	return seen == LN_OK;
}

static void refuse(mqtt_conn_t *c, const mqtt_publish_t *p, uint8_t reason)
{
	char topic[128];

	mqtt_count(c, MQTT_STAT_publish_refused);
	ln_log(c->conn, MQTT_PUBLISH_REFUSED, ln_slice_print(p->topic, topic, sizeof(topic)), reason);
	if (c->version < 5 && c->quirks & MQTT_QUIRK_REFUSAL_ENDS)
		mqtt_disconnect(c, reason, "a refused message ends the connection");
	else if (p->qos)
		ack(c, p->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, p->packet_id, reason);
}

/* What becomes of P, as far as it can be said before it is routed. A QoS 2 message that came before was judged then. */
static uint8_t judge(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_publish_t *p)
{
	uint8_t reason;

	if (p->qos == 2 && ln_session_inbound_has(c->session, p->packet_id))
		return MQTT_REASON_SUCCESS;
	reason = mqtt_may_publish(c, conf, p->topic, p->qos, p->retain);
	if (reason == MQTT_REASON_SUCCESS && conf->check_payload_format && p->text && ln_utf8_check(p->payload) != LN_UTF8_OK)
		reason = MQTT_REASON_PAYLOAD_FORMAT_INVALID;
	if (reason == MQTT_REASON_SUCCESS && conf->publish_rate)
		reason = mqtt_rate(c, conf);
	return reason;
}

void mqtt_on_publish(mqtt_conn_t *c, uint8_t first, ln_slice_t body)
{
	const mqtt_conf_t *conf = mqtt_conf_of(c);
	ln_buf_t scratch = { 0 };
	mqtt_fault_t fault;
	mqtt_publish_t p;
	uint8_t reason;

	mqtt_count(c, MQTT_STAT_publish_in);
	if (mqtt_publish_read(first, body, mqtt_dialect(c), &scratch, &p, &fault) != LN_OK) {
		mqtt_fail(c, "PUBLISH", &fault);
		goto out;
	}
	if ((p.alias && !mqtt_alias_resolve(c, conf, &p)) || !mqtt_server_can(c, conf, &p))
		goto out;
	reason = judge(c, conf, &p);
	if (LN_UNLIKELY(reason == MQTT_REASON_RATE_TOO_HIGH)) {
		mqtt_disconnect(c, reason, "more messages than publish-rate and publish-burst allow");
		goto out;
	}
	if (LN_UNLIKELY(reason != MQTT_REASON_SUCCESS)) {
		refuse(c, &p, reason);
		goto out;
	}
	if (p.qos == 2 && !remember(c, conf, &p))
		goto out;
	reason = mqtt_ignored(conf, p.topic) ? ignore(c) : route(c, &p);
	if (reason >= MQTT_REASON_UNSPECIFIED) {
		if (p.qos == 2 && c->version == 5)
			ln_session_inbound_forget(c->session, p.packet_id);
		refuse(c, &p, reason);
	} else if (p.qos) {
		ack(c, p.qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, p.packet_id, reason);
	}
out:
	ln_buf_fini(&scratch);
}

/* --- acknowledgements --------------------------------------------------------------------------------------------------------------- */

/* PUBREC: the client has the message; it is told to release it, or that nobody knows of it. */
static ln_result_t on_pubrec(mqtt_conn_t *c, const mqtt_ack_t *a)
{
	bool ok = a->reason < MQTT_REASON_UNSPECIFIED;
	ln_result_t result = ln_session_received(c->session, a->packet_id, ok);

	if (result == LN_OK && ok)
		ack(c, MQTT_PUBREL, a->packet_id, MQTT_REASON_SUCCESS);
	else if (result == LN_NOT_FOUND && ok)
		ack(c, MQTT_PUBREL, a->packet_id, MQTT_REASON_PACKET_ID_NOT_FOUND);
	return result;
}

static ln_result_t on_pubrel(mqtt_conn_t *c, const mqtt_ack_t *a)
{
	ln_result_t result = ln_session_inbound_remove(c->session, a->packet_id);

	ack(c, MQTT_PUBCOMP, a->packet_id, result == LN_OK ? MQTT_REASON_SUCCESS : MQTT_REASON_PACKET_ID_NOT_FOUND);
	return result;
}

void mqtt_on_ack(mqtt_conn_t *c, mqtt_type_t type, ln_slice_t body)
{
	static const char *const names[] = { [MQTT_PUBACK] = "PUBACK", [MQTT_PUBREC] = "PUBREC", [MQTT_PUBREL] = "PUBREL",
					     [MQTT_PUBCOMP] = "PUBCOMP" };
	mqtt_fault_t fault;
	ln_result_t result;
	mqtt_ack_t a;

	if (mqtt_ack_read(type, body, mqtt_dialect(c), &a, &fault) != LN_OK) {
		mqtt_fail(c, names[type], &fault);
		return;
	}
	if (type == MQTT_PUBACK)
		result = ln_session_acked(c->session, a.packet_id);
	else if (type == MQTT_PUBREC)
		result = on_pubrec(c, &a);
	else if (type == MQTT_PUBREL)
		result = on_pubrel(c, &a);
	else
		result = ln_session_completed(c->session, a.packet_id);
	if (result == LN_PROTOCOL) {
		fault = (mqtt_fault_t){ MQTT_REASON_PROTOCOL, NULL, "the message of this packet identifier has another QoS or state" };
		mqtt_fail(c, names[type], &fault);
		return;
	}
	if (result == LN_NOT_FOUND)
		mqtt_count(c, MQTT_STAT_unknown_ack);
	if (c->session && type != MQTT_PUBREL)
		ln_session_pump(c->session);
}
