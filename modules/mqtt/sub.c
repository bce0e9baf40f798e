/* sub.c — SUBSCRIBE and UNSUBSCRIBE: judged whole first, then done filter by filter, then answered, then the
 * retained messages follow. */
#include "mqtt.h"

static void bad_filter(mqtt_conn_t *c, const char *what, const char *why, const char *statement, uint8_t reason)
{
	mqtt_fault_t f = { reason, statement, why };

	mqtt_fail(c, what, &f);
}

/* A filter that is none breaks the standard; nothing of its packet is done then. */
static bool filter_ok(mqtt_conn_t *c, const char *what, ln_slice_t spec)
{
	ln_slice_t group, filter = spec;
	ln_result_t shared = ln_filter_split_shared(spec, &group, &filter);

	if (shared == LN_MALFORMED && c->version == 5) {
		bad_filter(c, what, "a shared subscription is $share/GROUP/FILTER", "MQTT-4.8.2-1", MQTT_REASON_MALFORMED);
		return false;
	}
	if (!ln_filter_valid(filter)) {
		bad_filter(c, what, "the topic filter is not one: empty, or a wildcard that does not stand alone in its level",
			   spec.len ? "MQTT-4.7.1-1" : "MQTT-4.7.3-1", MQTT_REASON_MALFORMED);
		return false;
	}
	return true;
}

/* The filters of one packet are done in one turn of the worker, and other clients wait for it. */
static bool few_enough(mqtt_conn_t *c, mqtt_filters_t filters)
{
	bool few = filters.count <= mqtt_conf_of(c)->subscribe_filters_max;

	if (!few)
		mqtt_disconnect(c, MQTT_REASON_QUOTA_EXCEEDED, "more filters in one packet than subscribe-filters-max");
	return few;
}

static bool has_wildcard(ln_slice_t filter)
{
	return memchr(filter.data, '+', filter.len) || memchr(filter.data, '#', filter.len);
}

static bool is_shared(ln_slice_t spec)
{
	return ln_slice_starts(spec, LN_STR("$share/"));
}

/* Does this listener do such subscriptions? */
static uint8_t unsupported(const mqtt_conf_t *conf, ln_slice_t filter, uint32_t id)
{
	if (is_shared(filter) && !conf->shared_subscriptions)
		return MQTT_REASON_SHARED_UNSUPPORTED;
	if (has_wildcard(filter) && !conf->wildcard_subscriptions)
		return MQTT_REASON_WILDCARD_UNSUPPORTED;
	return id && !conf->subscription_identifiers ? MQTT_REASON_SUB_ID_UNSUPPORTED : MQTT_REASON_SUCCESS;
}

/* A client of 5.0 could have known from CONNACK: its asking all the same is a protocol error (3.2.2.3.11 to 13). */
static bool server_can(mqtt_conn_t *c, ln_slice_t filter, uint32_t id)
{
	uint8_t reason = c->version == 5 ? unsupported(mqtt_conf_of(c), filter, id) : MQTT_REASON_SUCCESS;

	if (reason != MQTT_REASON_SUCCESS)
		bad_filter(c, "SUBSCRIBE", mqtt_reason_text(reason), NULL, reason);
	return reason == MQTT_REASON_SUCCESS;
}

static bool subscribe_ok(mqtt_conn_t *c, mqtt_filters_t filters)
{
	uint32_t id = filters.subscription_id;
	mqtt_subscription_t sub;
	ln_slice_t group, filter;

	while (mqtt_subscribe_next(&filters, &sub)) {
		if (!filter_ok(c, "SUBSCRIBE", sub.filter) || !server_can(c, sub.filter, id))
			return false;
		if (sub.no_local && ln_filter_split_shared(sub.filter, &group, &filter) == LN_OK) {
			bad_filter(c, "SUBSCRIBE", "no local on a shared subscription", "MQTT-3.8.3-4", MQTT_REASON_PROTOCOL);
			return false;
		}
	}
	return true;
}

static bool allowed(const mqtt_conn_t *c, const mqtt_subscription_t *sub)
{
	ln_access_t access = { .identity = &c->identity, .act = LN_ACT_SUBSCRIBE, .topic = sub->filter, .qos = sub->qos };

	return ln_authorize(&access);
}

static ln_sub_options_t options_of(const mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_subscription_t *sub, uint32_t id)
{
	ln_sub_options_t options = { .qos = sub->qos < conf->qos_max ? sub->qos : (uint8_t)conf->qos_max, .id = id };

	if (sub->no_local || ((c->bridge || (c->version < 5 && c->quirks & MQTT_QUIRK_NO_ECHO)) && !is_shared(sub->filter)))
		options.flags |= LN_SUB_NO_LOCAL;
	if (sub->retain_as_published || c->bridge)
		options.flags |= LN_SUB_KEEP_RETAIN;
	return options;
}

/* One filter; returns its code. */
static uint8_t subscribe(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_subscription_t *sub, uint32_t id)
{
	static const ln_replay_t replays[] = { LN_REPLAY_ALWAYS, LN_REPLAY_NEW, LN_REPLAY_NEVER };
	ln_sub_options_t options = options_of(c, conf, sub, id);
	uint8_t limits = mqtt_topic_limits(conf, sub->filter);

	if (limits != MQTT_REASON_SUCCESS)
		return MQTT_REASON_FILTER_INVALID;
	if (unsupported(conf, sub->filter, id) != MQTT_REASON_SUCCESS)
		return unsupported(conf, sub->filter, id);
	if (!allowed(c, sub))
		return mqtt_not_authorized(conf);
	switch (ln_session_subscribe(c->session, sub->filter, options, replays[sub->retain_handling])) {
	case LN_OK:
		return options.qos;
	case LN_LIMIT:
		return MQTT_REASON_QUOTA_EXCEEDED;
	default:
		return MQTT_REASON_UNSPECIFIED;
	}
}

static void say_refused(mqtt_conn_t *c, ln_slice_t filter, uint8_t code)
{
	char text[128];

	ln_log(c->conn, MQTT_SUBSCRIBE_REFUSED, ln_slice_print(filter, text, sizeof(text)), code);
}

static void answer(mqtt_conn_t *c, mqtt_type_t type, uint16_t id, const uint8_t *codes, size_t count)
{
	size_t size = mqtt_suback_write(NULL, 0, type, c->version, id, codes, count, NULL, c->packet_max);
	uint8_t *packet = ln_alloc(size);

	mqtt_suback_write(packet, size, type, c->version, id, codes, count, NULL, c->packet_max);
	mqtt_sent(c, packet, size);
	ln_free(packet);
}

void mqtt_on_subscribe(mqtt_conn_t *c, ln_slice_t body)
{
	const mqtt_conf_t *conf = mqtt_conf_of(c);
	mqtt_subscription_t sub;
	mqtt_filters_t filters;
	mqtt_fault_t fault;
	bool refused = false;
	uint8_t *codes;
	size_t n = 0;

	if (mqtt_subscribe_open(body, mqtt_dialect(c), &filters, &fault) != LN_OK) {
		mqtt_fail(c, "SUBSCRIBE", &fault);
		return;
	}
	mqtt_count(c, MQTT_STAT_subscribe_in);
	if (!few_enough(c, filters) || !subscribe_ok(c, filters))
		return;
	codes = ln_alloc(filters.count + 1);
	while (mqtt_subscribe_next(&filters, &sub)) {
		codes[n] = subscribe(c, conf, &sub, filters.subscription_id);
		if (codes[n] >= MQTT_REASON_UNSPECIFIED) {
			say_refused(c, sub.filter, codes[n]);
			refused = true;
		}
		n++;
	}
	answer(c, MQTT_SUBACK, filters.packet_id, codes, n);
	ln_free(codes);
	if (refused && c->version < 5 && c->quirks & MQTT_QUIRK_REFUSAL_ENDS)
		mqtt_disconnect(c, MQTT_REASON_NOT_AUTHORIZED, "a refused subscription ends the connection");
	if (c->session)
		ln_session_pump(c->session);
}

static bool unsubscribe_ok(mqtt_conn_t *c, mqtt_filters_t filters)
{
	ln_slice_t filter;

	while (mqtt_unsubscribe_next(&filters, &filter)) {
		if (!filter_ok(c, "UNSUBSCRIBE", filter))
			return false;
	}
	return true;
}

void mqtt_on_unsubscribe(mqtt_conn_t *c, ln_slice_t body)
{
	mqtt_filters_t filters;
	mqtt_fault_t fault;
	ln_slice_t filter;
	uint8_t *codes;
	size_t n = 0;

	if (mqtt_unsubscribe_open(body, mqtt_dialect(c), &filters, &fault) != LN_OK) {
		mqtt_fail(c, "UNSUBSCRIBE", &fault);
		return;
	}
	mqtt_count(c, MQTT_STAT_unsubscribe_in);
	if (!few_enough(c, filters) || !unsubscribe_ok(c, filters))
		return;
	codes = ln_alloc(filters.count + 1);
	while (mqtt_unsubscribe_next(&filters, &filter))
		codes[n++] = ln_session_unsubscribe(c->session, filter) == LN_OK ? MQTT_REASON_SUCCESS : MQTT_REASON_NO_SUBSCRIPTION;
	answer(c, MQTT_UNSUBACK, filters.packet_id, codes, n);
	ln_free(codes);
}
