/* conn.c — a connection's life: packets are found in what comes in, judged by the state they come in, and handed on.
 *
 * Nothing but CONNECT is taken before CONNECT [MQTT-3.1.0-1], nothing at all while it is judged. A packet larger than allowed is refused as soon
 * as its header is there, before a byte of it is kept.
 */
#include <stdio.h>
#include "mqtt.h"

static const char *const type_names[] = { "packet of reserved type 0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL",
					  "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP",
					  "DISCONNECT", "AUTH" };

static mqtt_conn_t *of(void *state)
{
	mqtt_conn_t *c = state;

	ln_require(LN_MAGIC_OK(c, MQTT_CONN_MAGIC));
	return c;
}

/* --- goodbye ------------------------------------------------------------------------------------------------------------------------ */

/* There is no way to answer: the connection ends. */
static void cannot_answer(mqtt_conn_t *c, ln_result_t why, uint8_t reason, const char *text)
{
	mqtt_say(c, MQTT_ENDED, text, reason);
	c->state = MQTT_LEAVING;
	ln_conn_close(c->conn, why);
}

void mqtt_sent(mqtt_conn_t *c, const uint8_t *packet, size_t size)
{
	ln_result_t result = LN_OK;

	if (size > c->packet_max)
		cannot_answer(c, LN_LIMIT, MQTT_REASON_PACKET_TOO_LARGE, "the client takes no packet as large as the answer it needs");
	else
		result = ln_conn_write(c->conn, ln_slice(packet, size));
	if (result == LN_LIMIT)
		cannot_answer(c, result, MQTT_REASON_QUOTA_EXCEEDED, "the client does not read, its output stands at out-max");
	else if (result == LN_NO_MEMORY)
		cannot_answer(c, result, MQTT_REASON_QUOTA_EXCEEDED, "no memory for an answer");
}

/* DISCONNECT where the version has one and CONNACK is out. */
static void say_goodbye(mqtt_conn_t *c, uint8_t reason, const char *why)
{
	mqtt_props_t props = mqtt_props_none;
	uint8_t packet[MQTT_SMALL];
	size_t size;

	if (c->version != 5 || c->state != MQTT_SERVING)
		return;
	if (why)
		mqtt_set(&props, reason_string, ln_slice_of(why));
	if (reason == MQTT_REASON_USE_ANOTHER_SERVER || reason == MQTT_REASON_SERVER_MOVED)
		mqtt_set(&props, server_reference, ln_slice_of(mqtt_conf_of(c)->server_reference));
	size = mqtt_disconnect_write(packet, sizeof(packet), reason, &props, c->packet_max);
	if (size && size <= sizeof(packet))
		mqtt_sent(c, packet, size);
}

static void leave(mqtt_conn_t *c, ln_result_t why)
{
	c->state = MQTT_LEAVING;
	ln_conn_close(c->conn, why);
}

void mqtt_disconnect(mqtt_conn_t *c, uint8_t reason, const char *why)
{
	if (c->state == MQTT_LEAVING)
		return;
	if (reason != MQTT_REASON_TAKEN_OVER)
		mqtt_say(c, MQTT_ENDED, why ? why : mqtt_reason_text(reason), reason);
	say_goodbye(c, reason, why);
	leave(c, LN_REFUSED);
}

void mqtt_fail(mqtt_conn_t *c, const char *what, const mqtt_fault_t *f)
{
	if (c->state == MQTT_LEAVING)
		return;
	mqtt_count(c, MQTT_STAT_bad_packets);
	mqtt_say(c, MQTT_BAD_PACKET, what, f->why, f->reason, f->statement ? ", " : "", f->statement ? f->statement : "");
	if ((c->state == MQTT_LOGIN || c->state == MQTT_PROVING) && c->version == 5) {
		mqtt_refuse(c, f->reason, f->why);
		return;
	}
	say_goodbye(c, f->reason, f->why);
	leave(c, f->reason == MQTT_REASON_PROTOCOL ? LN_PROTOCOL : LN_MALFORMED);
}

static void fail(mqtt_conn_t *c, const char *what, uint8_t reason, const char *statement, const char *why)
{
	mqtt_fault_t f = { reason, statement, why };

	mqtt_fail(c, what, &f);
}

/* --- packets ------------------------------------------------------------------------------------------------------------------------ */

static void on_pingreq(mqtt_conn_t *c)
{
	uint8_t packet[2];

	mqtt_sent(c, packet, mqtt_pingresp_write(packet, sizeof(packet)));
}

static void on_disconnect(mqtt_conn_t *c, ln_slice_t body)
{
	mqtt_disconnect_t d;
	mqtt_fault_t fault;

	if (mqtt_disconnect_read(body, mqtt_dialect(c), &d, &fault) != LN_OK) {
		mqtt_fail(c, "DISCONNECT", &fault);
		return;
	}
	if (d.has_session_expiry && d.session_expiry && c->expiry_was_zero) {
		fail(c, "DISCONNECT", MQTT_REASON_PROTOCOL, "MQTT-3.14.2-2", "session expiry was 0 in CONNECT and may not grow");
		return;
	}
	if (d.has_session_expiry)
		ln_session_set_expiry(c->session, d.session_expiry);
	c->clean_end = d.reason == MQTT_REASON_SUCCESS;
	mqtt_count(c, MQTT_STAT_disconnects_clean);
	ln_log(c->conn, MQTT_DISCONNECTED, mqtt_reason_text(d.reason));
	/* Now, not when the connection is closed: the client's next one may be served before that, in this very turn. */
	ln_session_detach(c->session, &c->outlet, c->clean_end);
	c->session = NULL;
	leave(c, LN_OK);
}

/* Before CONNACK there is one thing a client may say, and one it may do. */
static void prove(mqtt_conn_t *c, uint8_t first, ln_slice_t body)
{
	mqtt_type_t type = mqtt_type(first);

	if (type == MQTT_AUTH) {
		mqtt_on_auth(c, body);
	} else if (type == MQTT_DISCONNECT) {
		ln_log(c->conn, MQTT_DISCONNECTED, "before authentication was over");
		leave(c, LN_OK);
	} else {
		fail(c, type_names[type], MQTT_REASON_PROTOCOL, "MQTT-3.1.2-30", "authentication is not over");
	}
}

static void serve(mqtt_conn_t *c, uint8_t first, ln_slice_t body)
{
	mqtt_type_t type = mqtt_type(first);

	switch (type) {
	case MQTT_PUBLISH:
		mqtt_on_publish(c, first, body);
		break;
	case MQTT_PUBACK:
	case MQTT_PUBREC:
	case MQTT_PUBREL:
	case MQTT_PUBCOMP:
		mqtt_on_ack(c, type, body);
		break;
	case MQTT_SUBSCRIBE:
		mqtt_on_subscribe(c, body);
		break;
	case MQTT_UNSUBSCRIBE:
		mqtt_on_unsubscribe(c, body);
		break;
	case MQTT_PINGREQ:
		on_pingreq(c);
		break;
	case MQTT_DISCONNECT:
		on_disconnect(c, body);
		break;
	case MQTT_AUTH:
		mqtt_on_auth(c, body);
		break;
	case MQTT_CONNECT:
		fail(c, "CONNECT", MQTT_REASON_PROTOCOL, "MQTT-3.1.0-2", "a second CONNECT");
		break;
	default:
		fail(c, type_names[type], MQTT_REASON_PROTOCOL, NULL, "a client does not send this");
	}
}

static void handle(mqtt_conn_t *c, const mqtt_header_t *h, ln_slice_t body)
{
	if (c->state == MQTT_SILENT)
		mqtt_login(c, body);
	else if (c->state == MQTT_PROVING)
		prove(c, h->first, body);
	else
		serve(c, h->first, body);
}

/* --- finding packets ---------------------------------------------------------------------------------------------------------------- */

/* May a packet with this header come now, and be so large? Ends the connection if not. */
static bool admit(mqtt_conn_t *c, const mqtt_header_t *h, ln_slice_t bytes)
{
	const mqtt_conf_t *conf = mqtt_conf_of(c);
	mqtt_dialect_t dialect = mqtt_dialect(c);
	size_t size = (size_t)h->len + h->body;
	mqtt_fault_t fault;

	if (c->state == MQTT_SILENT && mqtt_type(h->first) != MQTT_CONNECT) {
		fail(c, type_names[mqtt_type(h->first)], MQTT_REASON_PROTOCOL, "MQTT-3.1.0-1", "the first packet must be CONNECT");
		return false;
	}
	if (size > (c->state == MQTT_SERVING ? conf->packet_max.n : conf->connect_max.n)) {
		fail(c, type_names[mqtt_type(h->first)], MQTT_REASON_PACKET_TOO_LARGE, NULL, "the packet is larger than allowed");
		return false;
	}
	if (c->state == MQTT_SILENT) {
		if (bytes.len < size)
			return true;
		dialect.version = mqtt_connect_level(ln_slice(bytes.data + h->len, h->body));
		dialect.quirks = mqtt_quirks(conf, dialect.version);
	}
	if (mqtt_flags_check(h, dialect, &fault) == LN_OK)
		return true;
	mqtt_fail(c, type_names[mqtt_type(h->first)], &fault);
	return false;
}

/* Is a packet still to be taken from what is there? */
static bool taking(const mqtt_conn_t *c)
{
	return (c->state == MQTT_SERVING || c->state == MQTT_SILENT || c->state == MQTT_PROVING) && !c->waiter && !c->slowed;
}

static size_t on_input(ln_conn_t *conn, void *state, ln_slice_t bytes, size_t *need)
{
	mqtt_conn_t *c = of(state);
	size_t used = 0;

	(void)conn;
	while (taking(c)) {
		ln_slice_t rest = ln_slice(bytes.data + used, bytes.len - used);
		mqtt_header_t h = { 0 };
		mqtt_fault_t fault;
		ln_result_t result = rest.len ? mqtt_header_read(rest, &h, &fault) : LN_AGAIN;

		if (result == LN_AGAIN)
			break;
		if (result != LN_OK) {
			mqtt_fail(c, "packet", &fault);
			break;
		}
		if (!admit(c, &h, rest))
			break;
		if (rest.len < (size_t)h.len + h.body) {
			*need = (size_t)h.len + h.body;
			break;
		}
		used += (size_t)h.len + h.body;
		handle(c, &h, ln_slice(rest.data + h.len, h.body));
	}
	return c->state == MQTT_LEAVING ? bytes.len : used;
}

/* --- life --------------------------------------------------------------------------------------------------------------------------- */

static ln_result_t on_open(ln_conn_t *conn, void *state)
{
	mqtt_conn_t *c = state;
	uint64_t timeout;

	c->magic = MQTT_CONN_MAGIC;
	c->conn = conn;
	timeout = mqtt_conf_of(c)->connect_timeout.ms;
	if (ln_conn_surplus(conn) != LN_OK && timeout > LN_CONN_SURPLUS_MS)
		timeout = LN_CONN_SURPLUS_MS;
	ln_conn_timer(conn, timeout);
	return LN_OK;
}

static void on_writable(ln_conn_t *conn, void *state)
{
	mqtt_conn_t *c = of(state);

	(void)conn;
	if (c->session)
		ln_session_pump(c->session);
}

void mqtt_listen_again(mqtt_conn_t *c)
{
	if (c->keep_alive)
		ln_conn_timer(c->conn, (uint64_t)c->keep_alive * 1500);
	ln_conn_resume(c->conn);
}

static void on_timer(ln_conn_t *conn, void *state)
{
	mqtt_conn_t *c = of(state);
	uint64_t idle = ln_conn_worker(conn)->now - ln_conn_last_input(conn), limit = (uint64_t)c->keep_alive * 1500;

	if (c->state == MQTT_LEAVING)
		return;
	if (c->state != MQTT_SERVING) {
		mqtt_say(c, MQTT_ENDED,
			 c->state != MQTT_SILENT ? "the login was not decided within connect-timeout" : "no CONNECT within connect-timeout",
			 MQTT_REASON_KEEP_ALIVE_TIMEOUT);
		leave(c, LN_REFUSED);
	} else if (idle < limit || c->waiter || c->slowed) {
		/* Who is not read from cannot be said to be silent. */
		ln_conn_timer(conn, idle < limit ? limit - idle : limit);
	} else {
		mqtt_count(c, MQTT_STAT_keep_alive_timeouts);
		ln_log(conn, MQTT_KEEP_ALIVE, (unsigned long long)idle, (unsigned)c->keep_alive);
		say_goodbye(c, MQTT_REASON_KEEP_ALIVE_TIMEOUT, NULL);
		leave(c, LN_REFUSED);
	}
}

static void on_end(ln_conn_t *conn, void *state, ln_result_t why)
{
	mqtt_conn_t *c = of(state);

	(void)conn;
	if (why == LN_CLOSED) {
		const mqtt_conf_t *conf = mqtt_conf_of(c);

		c->clean_end = true;
		say_goodbye(c, conf->redirect.value == MQTT_REDIRECT_NO ? MQTT_REASON_SHUTTING_DOWN : mqtt_redirect_reason(conf), NULL);
		leave(c, LN_OK);
	} else {
		mqtt_disconnect(c, MQTT_REASON_ADMINISTRATIVE, ln_result_text(why));
	}
}

static void tell_disconnected(mqtt_conn_t *c)
{
	ln_call_t call = { .about = &c->identity };

	if (ln_hook_any(LN_HOOK_DISCONNECTED))
		(void)ln_hook_ask(LN_HOOK_DISCONNECTED, &call);
}

static void on_closed(ln_conn_t *conn, void *state, bool clean)
{
	mqtt_conn_t *c = of(state);

	(void)clean;
	if (c->session)
		ln_session_detach(c->session, &c->outlet, c->clean_end);
	c->session = NULL;
	if (c->entered) {
		ln_stat_sub(ln_conn_worker(conn), mqtt_self.stat_base + MQTT_STAT_connected, 1);
		if (!c->clean_end)
			mqtt_count(c, MQTT_STAT_disconnects_lost);
		tell_disconnected(c);
	}
	mqtt_login_drop(c);
	mqtt_exchange_drop(c);
	mqtt_waiter_drop(c);
	mqtt_slowed_drop(c);
	mqtt_aliases_drop(c);
	ln_identity_fini(&c->identity);
	c->magic = 0;
}

static void describe(const ln_conn_t *conn, const void *state, char *dst, size_t size)
{
	const mqtt_conn_t *c = state;

	(void)conn;
	ln_slice_print(ln_slice_of(c->identity.client_id), dst, size);
}

const ln_protocol_t mqtt_protocol = {
	.name = "mqtt",
	.conn_size = sizeof(mqtt_conn_t),
	.open = on_open,
	.input = on_input,
	.writable = on_writable,
	.timer = on_timer,
	.end = on_end,
	.closed = on_closed,
	.describe = describe,
	.surplus = true,
};
