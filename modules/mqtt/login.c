/* login.c — from CONNECT to CONNACK.
 *
 * The packet is copied, because it outlives the read buffer: the connection may move to its session's home, and authentication may wait.
 * Order: packet → is there room on the listener → client identifier → home → authentication → session → CONNACK → what waits for the client.
 * Nothing is kept of a client that is refused.
 */
#include <stdio.h>
#include <sys/random.h>
#include "mqtt.h"

struct mqtt_login {
	mqtt_conn_t *owner;       /* NULL: the connection ended while a hook was asked */
	ln_auth_t auth;
	ln_identity_t identity;   /* the connection's, once it has ended while a hook waits */
	mqtt_connect_t packet;    /* slices point into body */
	ln_buf_t scratch;         /* the will's carried properties */
	bool assigned;
	uint8_t *body;
};

static void free_login(mqtt_login_t *login)
{
	ln_identity_fini(&login->identity);
	ln_buf_fini(&login->scratch);
	ln_free(login->body);
	ln_free(login);
}

void mqtt_login_drop(mqtt_conn_t *c)
{
	mqtt_login_t *login = c->login;

	if (!login)
		return;
	c->login = NULL;
	if (!login->auth.call.waiting) {
		free_login(login);
		return;
	}
	/* Hooks that are asked later still look at who it was. */
	login->owner = NULL;
	login->identity = c->identity;
	login->identity.conn = NULL;
	login->auth.identity = &login->identity;
	c->identity = (ln_identity_t){ 0 };
}

/* --- refusing ----------------------------------------------------------------------------------------------------------------------- */

static void say_no(mqtt_conn_t *c, uint8_t reason, const char *why)
{
	mqtt_props_t props = mqtt_props_none;
	uint8_t packet[MQTT_SMALL];
	size_t size;

	mqtt_count(c, MQTT_STAT_connects_refused);
	if (why)
		mqtt_set(&props, reason_string, ln_slice_of(why));
	if (reason == MQTT_REASON_USE_ANOTHER_SERVER || reason == MQTT_REASON_SERVER_MOVED)
		mqtt_set(&props, server_reference, ln_slice_of(mqtt_conf_of(c)->server_reference));
	size = mqtt_connack_write(packet, sizeof(packet), c->version, false, reason, &props, c->packet_max);
	if (c->version && size && size <= sizeof(packet))
		mqtt_sent(c, packet, size);
	c->state = MQTT_LEAVING;
	ln_conn_close(c->conn, LN_REFUSED);
}

void mqtt_refuse(mqtt_conn_t *c, uint8_t reason, const char *why)
{
	mqtt_say(c, MQTT_REFUSED, why ? why : mqtt_reason_text(reason), reason, mqtt_reason_text(reason));
	say_no(c, reason, why);
}

/* Is this connection above a limit of its listener? Then its CONNECT is answered, and nothing else of it is looked at. The core
 * has logged the limit. */
static bool surplus(mqtt_conn_t *c)
{
	ln_result_t which = ln_conn_surplus(c->conn);

	if (which == LN_LIMIT)
		say_no(c, MQTT_REASON_QUOTA_EXCEEDED, "the listener has its connections-max");
	else if (which == LN_AGAIN)
		say_no(c, MQTT_REASON_RATE_EXCEEDED, "connections come faster than connection-rate");
	return which != LN_OK;
}

/* --- CONNACK ------------------------------------------------------------------------------------------------------------------------ */

/* The keep alive in force: the client's, within the listener's range. */
static uint16_t keep_alive(const mqtt_conf_t *conf, uint16_t wanted)
{
	uint32_t max = (uint32_t)(conf->keep_alive_max.ms / 1000), def = (uint32_t)(conf->keep_alive_default.ms / 1000);
	uint32_t given = wanted ? wanted : def, min = (uint32_t)(conf->keep_alive_min.ms / 1000);

	if (given && given < min)
		given = min;
	if (max && (given == 0 || given > max))
		given = max;
	return (uint16_t)given;
}

static void server_props(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_login_t *login, mqtt_props_t *props)
{
	const mqtt_connect_t *p = &login->packet;

	if (ln_session_expiry(c->session) != p->props.session_expiry)
		mqtt_set(props, session_expiry, ln_session_expiry(c->session));
	if (conf->receive_max < UINT16_MAX)
		mqtt_set(props, receive_max, (uint16_t)conf->receive_max);
	if (conf->qos_max < 2)
		mqtt_set(props, max_qos, (uint8_t)conf->qos_max);
	if (!conf->retain)
		mqtt_set(props, retain_available, 0);
	mqtt_set(props, packet_max, (uint32_t)conf->packet_max.n);
	if (login->assigned)
		mqtt_set(props, assigned_id, ln_session_id(c->session));
	if (conf->topic_alias_max)
		mqtt_set(props, topic_alias_max, (uint16_t)conf->topic_alias_max);
	if (!conf->shared_subscriptions)
		mqtt_set(props, shared_available, 0);
	if (!conf->wildcard_subscriptions)
		mqtt_set(props, wildcard_available, 0);
	if (!conf->subscription_identifiers)
		mqtt_set(props, sub_id_available, 0);
	if (c->keep_alive != p->keep_alive)
		mqtt_set(props, server_keep_alive, c->keep_alive);
	mqtt_exchange_props(c, props);
}

/* The listener's template with the client identifier for each %c, in DST. False: there is none, it was not asked for, or the
 * identifier cannot be part of a topic. */
static bool response_information(const mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_login_t *login, ln_buf_t *dst)
{
	ln_slice_t id = ln_slice_of(c->identity.client_id);
	const char *rest = conf->response_information, *mark;

	if (!rest || !login->packet.props.request_response)
		return false;
	for (; (mark = strstr(rest, "%c")) != NULL; rest = mark + 2) {
		if (!ln_topic_valid(id))
			return false;
		ln_buf_append(dst, rest, (size_t)(mark - rest));
		ln_buf_append(dst, id.data, id.len);
	}
	ln_buf_append(dst, rest, strlen(rest));
	return ln_buf_len(dst) <= UINT16_MAX;
}

static void greet(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_login_t *login, bool present)
{
	mqtt_props_t props = mqtt_props_none;
	ln_buf_t information = { 0 };
	uint8_t *packet;
	size_t size;

	server_props(c, conf, login, &props);
	if (response_information(c, conf, login, &information))
		mqtt_set(&props, response_info, ln_buf_slice(&information));
	size = mqtt_connack_write(NULL, 0, c->version, present, MQTT_REASON_SUCCESS, &props, c->packet_max);
	ln_insist(size > 0);
	packet = ln_alloc(size);
	mqtt_connack_write(packet, size, c->version, present, MQTT_REASON_SUCCESS, &props, c->packet_max);
	mqtt_sent(c, packet, size);
	ln_free(packet);
	ln_buf_fini(&information);
}

/* --- the session -------------------------------------------------------------------------------------------------------------------- */

static void set_will(mqtt_conn_t *c, const mqtt_login_t *login)
{
	const mqtt_will_t *w = &login->packet.will;
	ln_msg_t m = ln_msg_borrow(w->topic, w->carry, w->payload);

	m.qos = w->qos;
	m.flags |= w->retain ? LN_MSG_RETAIN : 0;
	m.publisher = ln_session_number(c->session);
	ln_session_set_will(c->session, login->packet.has_will ? ln_msg_hold(&m) : NULL, w->delay);
	if (login->packet.has_will && w->expires)
		ln_session_set_will_lifetime(c->session, w->expiry);
	ln_msg_release(&m);
}

static uint32_t session_expiry(const mqtt_conn_t *c, const mqtt_connect_t *p)
{
	if (c->version == 5)
		return p->props.session_expiry;
	return p->clean ? 0 : LN_EXPIRY_NEVER;
}

/* How many messages may be under way to the client: what it says, and what its listener allows. 0: as many as there are identifiers. */
static uint32_t window(const mqtt_conn_t *c, const mqtt_connect_t *p)
{
	uint32_t own = mqtt_conf_of(c)->in_flight_max, peer = c->version == 5 ? p->props.receive_max : UINT16_MAX;

	return own && own < peer ? own : peer;
}

static bool open_session(mqtt_conn_t *c, const mqtt_connect_t *p, bool *ret_present)
{
	ln_session_open_t o = {
		.id = ln_slice_of(c->identity.client_id),
		.clean = p->clean,
		.expiry = session_expiry(c, p),
		.window = window(c, p),
		.subscriptions_max = mqtt_conf_of(c)->subscriptions_max,
		.outlet = &c->outlet,
	};

	c->outlet.ops = &mqtt_outlet_ops;
	c->expiry_was_zero = o.expiry == 0;
	return ln_session_open(&o, &c->session, ret_present) == LN_OK;
}

static void say_connected(const mqtt_conn_t *c, bool present)
{
	static const char *const versions[] = { "", "", "", "3.1", "3.1.1", "5.0" };

	ln_log(c->conn, MQTT_CONNECTED, c->identity.client_id, versions[c->version], (unsigned)c->keep_alive, present ? "resumed" : "new",
	       c->identity.user ? c->identity.user : "(anonymous)");
}

static void tell_connected(mqtt_conn_t *c)
{
	ln_call_t call = { .about = &c->identity };

	if (ln_hook_any(LN_HOOK_CONNECTED))
		(void)ln_hook_ask(LN_HOOK_CONNECTED, &call);
}

static void let_in(mqtt_conn_t *c)
{
	const mqtt_conf_t *conf = mqtt_conf_of(c);
	mqtt_login_t *login = c->login;
	const mqtt_connect_t *p = &login->packet;
	bool present;

	if (p->has_will && mqtt_ignored(conf, p->will.topic))
		login->packet.has_will = false;
	if (p->has_will && mqtt_may_publish(c, conf, p->will.topic, p->will.qos, p->will.retain) != MQTT_REASON_SUCCESS) {
		mqtt_refuse(c, MQTT_REASON_NOT_AUTHORIZED, "the will may not be published");
		return;
	}
	if (!open_session(c, p, &present)) {
		mqtt_refuse(c, MQTT_REASON_QUOTA_EXCEEDED, "too many sessions");
		return;
	}
	c->keep_alive = keep_alive(conf, p->keep_alive);
	if (c->version == 5)
		c->alias_max = p->props.topic_alias_max < conf->topic_alias_out_max ? p->props.topic_alias_max : (uint16_t)conf->topic_alias_out_max;
	c->state = MQTT_SERVING;
	c->entered = true;
	ln_conn_trust(c->conn);
	set_will(c, login);
	greet(c, conf, login, c->version > 3 && present);
	ln_conn_timer(c->conn, c->keep_alive ? (uint64_t)c->keep_alive * 1500 : 0);
	mqtt_count(c, MQTT_STAT_connects);
	mqtt_count(c, MQTT_STAT_connected);
	say_connected(c, present);
	mqtt_login_drop(c);
	tell_connected(c);
	if (c->session)
		ln_session_start(c->session);
}

/* --- authentication ----------------------------------------------------------------------------------------------------------------- */

static void settle(mqtt_conn_t *c, ln_verdict_t verdict)
{
	mqtt_login_t *login = c->login;

	if (verdict == LN_ALLOW) {
		let_in(c);
		return;
	}
	mqtt_refuse(c, login->auth.has_user || login->auth.has_password ? MQTT_REASON_BAD_CREDENTIALS : MQTT_REASON_NOT_AUTHORIZED,
		    login->auth.call.why);
}

/* May the client come in when no hook has an opinion? */
static bool known(const mqtt_conn_t *c)
{
	return c->exchange || ln_listener_allow_anonymous(ln_conn_listener(c->conn));
}

/* A hook that had said WAIT has answered. */
static void on_settled(ln_call_t *call, ln_verdict_t verdict)
{
	mqtt_login_t *login = call->owner;
	mqtt_conn_t *c = login->owner;

	if (!c) {
		free_login(login);
		return;
	}
	/* Its time was over in this very turn, or the broker stops. */
	if (c->state == MQTT_LEAVING)
		return;
	verdict = ln_auth_settle(&login->auth, verdict, known(c));
	settle(c, verdict);
	ln_conn_resume(c->conn);
}

static void authenticate(mqtt_conn_t *c)
{
	mqtt_login_t *login = c->login;
	ln_verdict_t verdict;

	login->auth.call.done = on_settled;
	login->auth.call.owner = login;
	verdict = ln_auth_ask(&login->auth, known(c));
	if (verdict == LN_VERDICT_WAIT)
		ln_conn_pause(c->conn);
	else
		settle(c, verdict);
}

void mqtt_login_proved(mqtt_conn_t *c)
{
	authenticate(c);
}

static void at_home(ln_conn_t *conn, void *state)
{
	mqtt_conn_t *c = state;

	ln_require(LN_MAGIC_OK(c, MQTT_CONN_MAGIC) && c->conn == conn);
	if (c->state != MQTT_LOGIN)
		return;
	if (c->version == 5 && mqtt_has(&c->login->packet.props, auth_method))
		mqtt_exchange_begin(c, c->login->packet.props.auth_method, c->login->packet.props.auth_data);
	else
		authenticate(c);
}

/* --- CONNECT ------------------------------------------------------------------------------------------------------------------------ */

/* A new identifier whose home is this worker, so that nothing has to move. */
static char *assign_id(void)
{
	uint64_t bits[2];
	char id[40];

	do {
		if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
			return NULL;
		snprintf(id, sizeof(id), "auto-%016llx%016llx", (unsigned long long)bits[0], (unsigned long long)bits[1]);
	} while (ln_session_home(ln_slice_of(id)) != ln_worker_self());
	return ln_strdup(id);
}

/* Returns false when the client was refused. */
static bool choose_id(mqtt_conn_t *c, const mqtt_conf_t *conf, mqtt_login_t *login)
{
	const mqtt_connect_t *p = &login->packet;
	const char *why = NULL;

	if (p->client_id.len == 0 && c->version == 3 && !(p->clean && c->quirks & MQTT_QUIRK_EMPTY_CLIENT_ID))
		why = "MQTT 3.1 needs a client identifier";
	else if (p->client_id.len == 0 && c->version == 4 && !p->clean)
		why = "an empty client identifier needs clean session [MQTT-3.1.3-8]";
	else if (p->client_id.len > conf->client_id_max)
		why = "client identifier longer than client-id-max";
	else if (c->version == 3 && p->client_id.len > 23 && !conf->long_client_ids)
		why = "client identifier longer than 23 bytes";
	if (why) {
		mqtt_refuse(c, MQTT_REASON_CLIENT_ID_INVALID, why);
		return false;
	}
	login->assigned = p->client_id.len == 0;
	c->identity.client_id = login->assigned ? assign_id() : ln_strndup((const char *)p->client_id.data, p->client_id.len);
	if (!c->identity.client_id)
		mqtt_refuse(c, MQTT_REASON_UNAVAILABLE, "no random bytes");
	return c->identity.client_id != NULL;
}

static bool will_ok(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_connect_t *p)
{
	if (!p->has_will)
		return true;
	if (p->will.qos > conf->qos_max && c->version == 5) {
		mqtt_refuse(c, MQTT_REASON_QOS_UNSUPPORTED, "the will's QoS is above the maximum");
		return false;
	}
	if (p->will.retain && !conf->retain) {
		mqtt_refuse(c, MQTT_REASON_RETAIN_UNSUPPORTED, "the will asks to be retained");
		return false;
	}
	if (!ln_topic_valid(p->will.topic) || mqtt_topic_limits(conf, p->will.topic) != MQTT_REASON_SUCCESS) {
		mqtt_refuse(c, MQTT_REASON_TOPIC_INVALID, "the will's topic is not one to publish to");
		return false;
	}
	return true;
}

/* Reads the packet; false when it was refused. */
static bool read_packet(mqtt_conn_t *c, mqtt_login_t *login, size_t size)
{
	mqtt_connect_t *p = &login->packet;
	ln_slice_t body = ln_slice(login->body, size);
	unsigned level = mqtt_connect_level(body);
	ln_result_t result;
	mqtt_fault_t fault;

	c->quirks = mqtt_quirks(mqtt_conf_of(c), level);
	result = mqtt_connect_read(body, c->quirks, &login->scratch, p, &fault);
	if (result == LN_OK) {
		c->version = p->level;
		c->bridge = p->bridge;
		c->packet_max = c->version == 5 ? p->props.packet_max : UINT32_MAX;
		return true;
	}
	if (result == LN_UNSUPPORTED) {
		c->version = p->level > 5 ? 5 : p->old_name ? 3 : 4;
		mqtt_refuse(c, fault.reason, fault.why);
		return false;
	}
	c->version = level == 5 ? 5 : 0;
	mqtt_fail(c, "CONNECT", &fault);
	return false;
}

static void credentials(mqtt_conn_t *c, mqtt_login_t *login)
{
	const mqtt_connect_t *p = &login->packet;

	login->auth.identity = &c->identity;
	login->auth.has_user = p->has_user;
	login->auth.has_password = p->has_password;
	login->auth.user = p->user;
	login->auth.password = p->password;
}

/* Is everybody sent elsewhere? */
static bool redirected(mqtt_conn_t *c, const mqtt_conf_t *conf)
{
	if (conf->redirect.value == MQTT_REDIRECT_NO)
		return false;
	mqtt_count(c, MQTT_STAT_redirected);
	mqtt_refuse(c, mqtt_redirect_reason(conf), NULL);
	return true;
}

void mqtt_login(mqtt_conn_t *c, ln_slice_t body)
{
	const mqtt_conf_t *conf = mqtt_conf_of(c);
	mqtt_login_t *login = ln_new(mqtt_login_t);

	login->owner = c;
	login->body = ln_alloc(body.len + 1);
	if (body.len)
		memcpy(login->body, body.data, body.len);
	c->login = login;
	c->state = MQTT_LOGIN;
	c->packet_max = UINT32_MAX;
	c->identity.conn = c->conn;
	if (!read_packet(c, login, body.len) || surplus(c) || redirected(c, conf) || !choose_id(c, conf, login) ||
	    !will_ok(c, conf, &login->packet)) {
		mqtt_login_drop(c);
		return;
	}
	credentials(c, login);
	ln_conn_move(c->conn, ln_session_home(ln_slice_of(c->identity.client_id)), at_home);
}
