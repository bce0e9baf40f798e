/* auth.c — enhanced authentication, 5.0 (section 4.12): the rounds between a client and the hooks, at login and again later.
 *
 * One exchange per connection that named a method, kept as long as the connection, because a client may prove itself again at any time with
 * the same method. At login it stands between CONNECT and the ordinary question whether this client may come in, which is still asked, so that a
 * rule or a revoked certificate can say no. Later it goes on beside the client's traffic; nothing waits for it [MQTT-4.12.1-2 ends the connection
 * when it fails]. Who proves to be somebody else than before is not who the connection belongs to: it fails too.
 *
 * A hook may answer later, when the connection is gone: the exchange then outlives it and ends with the answer.
 */
#include "mqtt.h"

#define ROUNDS_MAX 16u     /* no method needs as many */

struct mqtt_exchange {
	ln_exchange_t x;
	mqtt_conn_t *owner;        /* NULL: the connection ended while a hook waits */
	ln_identity_t identity;    /* the connection's, once it has ended */
	char *method;
	bool awaited;              /* the client's next word is */
	unsigned rounds;
};

static void free_exchange(mqtt_exchange_t *e)
{
	ln_exchange_reset(&e->x);
	ln_identity_fini(&e->identity);
	ln_free(e->method);
	ln_free(e);
}

void mqtt_exchange_drop(mqtt_conn_t *c)
{
	mqtt_exchange_t *e = c->exchange;

	if (!e)
		return;
	c->exchange = NULL;
	if (!e->x.call.waiting) {
		free_exchange(e);
		return;
	}
	e->owner = NULL;
	e->identity = c->identity;
	e->identity.conn = NULL;
	e->x.identity = &e->identity;
	c->identity = (ln_identity_t){ 0 };
}

void mqtt_exchange_props(const mqtt_conn_t *c, mqtt_props_t *props)
{
	if (!c->exchange)
		return;
	mqtt_set(props, auth_method, ln_slice_of(c->exchange->method));
	if (ln_buf_len(&c->exchange->x.out))
		mqtt_set(props, auth_data, ln_buf_slice(&c->exchange->x.out));
}

/* --- what the broker says -------------------------------------------------------------------------------------------------------------- */

static void say(mqtt_conn_t *c, uint8_t reason)
{
	mqtt_props_t props = mqtt_props_none;
	uint8_t *packet;
	size_t size;

	mqtt_exchange_props(c, &props);
	size = mqtt_auth_write(NULL, 0, reason, &props, c->packet_max);
	packet = ln_alloc(size);
	mqtt_auth_write(packet, size, reason, &props, c->packet_max);
	mqtt_sent(c, packet, size);
	ln_free(packet);
}

static void refuse(mqtt_conn_t *c, uint8_t reason, const char *why)
{
	mqtt_count(c, MQTT_STAT_auth_failed);
	if (c->entered)
		mqtt_disconnect(c, reason, why);
	else
		mqtt_refuse(c, reason, why);
}

/* The client has proved who it is. */
static void proved(mqtt_conn_t *c)
{
	mqtt_exchange_t *e = c->exchange;
	const char *was = c->identity.user;

	/* What it said last is still needed for CONNACK. */
	if (e->x.state && e->x.free_state)
		e->x.free_state(e->x.state);
	e->x.state = NULL;
	if (c->entered && !(was && e->x.user && strcmp(was, e->x.user) == 0)) {
		refuse(c, MQTT_REASON_NOT_AUTHORIZED, "this is another user than before");
		return;
	}
	if (!c->entered) {
		ln_free(c->identity.user);
		c->identity.user = e->x.user ? ln_strdup(e->x.user) : NULL;
		c->state = MQTT_LOGIN;
		mqtt_login_proved(c);
	} else {
		mqtt_count(c, MQTT_STAT_auth_again);
		say(c, MQTT_REASON_SUCCESS);
	}
}

static void settle(mqtt_conn_t *c, ln_verdict_t verdict)
{
	mqtt_exchange_t *e = c->exchange;

	if (verdict == LN_NEXT) {
		refuse(c, MQTT_REASON_BAD_AUTH_METHOD, "no module serves this authentication method");
	} else if (verdict == LN_DENY) {
		refuse(c, MQTT_REASON_NOT_AUTHORIZED, e->x.call.why);
	} else if (e->x.more) {
		e->awaited = true;
		if (!c->entered)
			c->state = MQTT_PROVING;
		say(c, MQTT_REASON_CONTINUE_AUTH);
	} else {
		proved(c);
	}
}

/* A hook that had said WAIT has answered. */
static void on_settled(ln_call_t *call, ln_verdict_t verdict)
{
	mqtt_exchange_t *e = call->owner;
	mqtt_conn_t *c = e->owner;
	bool paused;

	if (!c) {
		free_exchange(e);
		return;
	}
	if (c->state == MQTT_LEAVING)
		return;
	paused = !c->entered;
	settle(c, verdict);
	if (paused)
		ln_conn_resume(c->conn);
}

static void ask(mqtt_conn_t *c, ln_slice_t data)
{
	mqtt_exchange_t *e = c->exchange;
	ln_verdict_t verdict;

	e->awaited = false;
	e->x.identity = &c->identity;
	e->x.call.done = on_settled;
	e->x.call.owner = e;
	if (++e->rounds > ROUNDS_MAX) {
		refuse(c, MQTT_REASON_NOT_AUTHORIZED, "too many rounds of authentication");
		return;
	}
	verdict = ln_exchange_ask(&e->x, ln_slice_of(e->method), data);
	if (verdict != LN_VERDICT_WAIT) {
		settle(c, verdict);
		return;
	}
	if (!c->entered) {
		c->state = MQTT_LOGIN;
		ln_conn_pause(c->conn);
	}
}

/* --- what the client says --------------------------------------------------------------------------------------------------------------- */

void mqtt_exchange_begin(mqtt_conn_t *c, ln_slice_t method, ln_slice_t data)
{
	c->exchange = ln_new(mqtt_exchange_t);
	c->exchange->owner = c;
	c->exchange->method = ln_strndup((const char *)method.data, method.len);
	ask(c, data);
}

static void fail(mqtt_conn_t *c, const char *statement, const char *why)
{
	mqtt_fault_t f = { MQTT_REASON_PROTOCOL, statement, why };

	mqtt_fail(c, "AUTH", &f);
}

static void begin_again(mqtt_conn_t *c, ln_slice_t data)
{
	mqtt_exchange_t *e = c->exchange;

	if (e->awaited || e->x.call.waiting || !c->entered) {
		fail(c, "MQTT-4.12.1-1", "an exchange is under way already");
		return;
	}
	ln_exchange_reset(&e->x);
	e->x.again = true;
	e->rounds = 0;
	ask(c, data);
}

void mqtt_on_auth(mqtt_conn_t *c, ln_slice_t body)
{
	mqtt_exchange_t *e = c->exchange;
	mqtt_fault_t fault;
	mqtt_auth_t a;

	if (mqtt_auth_read(body, &a, &fault) != LN_OK)
		mqtt_fail(c, "AUTH", &fault);
	else if (!e)
		fail(c, "MQTT-4.12.0-6", "CONNECT named no authentication method");
	else if (!ln_slice_eq(a.method, ln_slice_of(e->method)))
		fail(c, "MQTT-4.12.0-5", "the authentication method is not CONNECT's");
	else if (a.reason == MQTT_REASON_REAUTHENTICATE)
		begin_again(c, a.data);
	else if (a.reason != MQTT_REASON_CONTINUE_AUTH || !e->awaited)
		fail(c, "MQTT-4.12.0-3", "nothing was asked");
	else
		ask(c, a.data);
}
