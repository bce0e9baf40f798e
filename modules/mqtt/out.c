/* out.c — the session's outlet: a message becomes PUBLISH in the connection's output.
 *
 * Small payloads are copied behind their head in one piece; large ones are gathered from the message itself. A packet
 * the client said it does not take is not sent [MQTT-3.1.2-24], nor one that is larger than all the output that may
 * wait for it. Messages leave a little of out-max to answers: who reads too slowly loses messages, and the connection
 * only when not even answers fit.
 */
#include "mqtt.h"

#define KEPT_FOR_ANSWERS 512u

static mqtt_conn_t *of(ln_outlet_t *outlet)
{
	mqtt_conn_t *c = LN_CONTAINER(outlet, mqtt_conn_t, outlet);

	ln_require(LN_MAGIC_OK(c, MQTT_CONN_MAGIC));
	return c;
}

/* Seconds that remain. None: the publisher gave none, or the message was sent once before and is sent again. */
static uint32_t remaining(const ln_msg_t *m, uint64_t wall)
{
	uint64_t left = m->expires > wall ? (m->expires - wall + 999) / 1000 : 0;

	return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

static mqtt_publish_head_t head_of(const mqtt_conn_t *c, const ln_msg_t *m, const ln_delivery_t *d)
{
	return (mqtt_publish_head_t){
		.topic = ln_msg_topic(m),
		.carry = ln_msg_props(m),
		.subscription_ids = d->ids,
		.subscription_id_count = d->id_count,
		.payload_len = m->payload_len,
		.expires = m->expires != LN_NEVER,
		.expiry = m->expires != LN_NEVER ? remaining(m, ln_conn_worker(c->conn)->wall) : 0,
		.packet_id = d->tag,
		.version = c->version,
		.qos = d->qos,
		.dup = d->dup,
		.retain = d->retain,
	};
}

static ln_result_t copy(mqtt_conn_t *c, const ln_msg_t *m, const mqtt_publish_head_t *head, size_t size)
{
	ln_slice_t payload = ln_msg_payload(m);
	uint8_t *at = ln_conn_room(c->conn, size + payload.len);

	if (!at)
		return LN_AGAIN;
	mqtt_publish_head_write(at, size, head);
	if (payload.len)
		memcpy(at + size, payload.data, payload.len);
	ln_conn_wrote(c->conn, size + payload.len);
	return LN_OK;
}

/* A payload that is gathered needs a message that stays. The head's topic may be longer than the room that is
 * always there. */
static void unref(void *msg)
{
	ln_msg_unref(msg);
}

static ln_result_t gather(mqtt_conn_t *c, ln_msg_t *m, const mqtt_publish_head_t *head, size_t size)
{
	LN_AUTO(ln_msg) held = ln_msg_hold(m);
	uint8_t *at;

	if (!held)
		return LN_AGAIN;
	at = ln_conn_room(c->conn, size);
	if (!at)
		return LN_AGAIN;
	mqtt_publish_head_write(at, size, head);
	ln_conn_wrote(c->conn, size);
	if (ln_conn_write_ref(c->conn, ln_msg_payload(held), held, unref) != LN_OK) {
		/* Half a packet cannot be taken back. It fits, so memory ran out, or the connection just broke. */
		ln_conn_close(c->conn, LN_NO_MEMORY);
		return LN_AGAIN;
	}
	held = NULL;
	return LN_OK;
}

/* The head's size with an alias where there may be one. One that has to be told makes a packet larger, not too large. */
static size_t size_with_alias(mqtt_conn_t *c, mqtt_publish_head_t *head)
{
	size_t size;

	mqtt_alias_choose(c, head);
	size = mqtt_publish_head_size(head);
	if (head->alias && head->topic.len && (size == 0 || size + head->payload_len > c->packet_max)) {
		head->alias = 0;
		size = mqtt_publish_head_size(head);
	}
	return size;
}

static ln_result_t on_send(ln_outlet_t *outlet, ln_msg_t *m, const ln_delivery_t *d)
{
	mqtt_conn_t *c = of(outlet);
	mqtt_publish_head_t head = head_of(c, m, d);
	size_t size = c->alias_max ? size_with_alias(c, &head) : mqtt_publish_head_size(&head);
	ln_result_t result;

	if (size == 0 || size + m->payload_len > c->packet_max)
		return LN_LIMIT;
	if (c->state != MQTT_SERVING || ln_conn_closing(c->conn))
		return LN_AGAIN;
	if (LN_UNLIKELY(!ln_conn_fits(c->conn, size + m->payload_len + KEPT_FOR_ANSWERS)))
		return ln_conn_pending(c->conn) ? LN_AGAIN : LN_LIMIT;
	result = m->payload_len <= LN_CONN_COPY_MAX ? copy(c, m, &head, size) : gather(c, m, &head, size);
	if (result == LN_OK) {
		mqtt_count(c, MQTT_STAT_publish_out);
		if (head.alias)
			mqtt_alias_told(c, &head);
	}
	return result;
}

static void on_release(ln_outlet_t *outlet, uint16_t tag)
{
	uint8_t packet[MQTT_ACK_SIZE];

	mqtt_ack_put(packet, MQTT_PUBREL, tag);
	mqtt_sent(of(outlet), packet, sizeof(packet));
}

static bool on_ready(ln_outlet_t *outlet)
{
	mqtt_conn_t *c = of(outlet);

	return c->state == MQTT_SERVING && !ln_conn_congested(c->conn);
}

static void on_detached(ln_outlet_t *outlet, ln_result_t why)
{
	mqtt_conn_t *c = of(outlet);

	c->session = NULL;
	if (why == LN_EXISTS) {
		ln_log(c->conn, MQTT_TAKEN_OVER);
		mqtt_disconnect(c, MQTT_REASON_TAKEN_OVER, NULL);
	} else if (why == LN_LIMIT) {
		mqtt_disconnect(c, MQTT_REASON_QUOTA_EXCEEDED, "too slow: more messages wait than the queue may hold");
	} else {
		mqtt_disconnect(c, MQTT_REASON_ADMINISTRATIVE, "the session was ended");
	}
}

const ln_outlet_ops_t mqtt_outlet_ops = { on_send, on_release, on_ready, on_detached };
