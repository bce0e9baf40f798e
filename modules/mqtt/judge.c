/* judge.c — what a client may publish: the listener's limits, the rules, its rate.
 *
 * Three answers. What a 5.0 client could have known from CONNACK ends the connection (server_can). What it could not know is refused with a
 * reason where the packet has one (mqtt_may_publish, the payload's format). Who publishes faster than publish-rate is slowed, refused or disconnected, as
 * the listener says.
 *
 * The rate is one number per connection: the time at which the bucket will be full again. Each message moves it by 1/rate; it may be ahead of
 * the clock by the burst. A slowed client is not read from, so TCP slows it in turn; nothing of it is held meanwhile but what had
 * been read. Its keep alive cannot be judged then and is not.
 */
#include "mqtt.h"

/* --- the listener and the rules ------------------------------------------------------------------------------------------------------- */

uint8_t mqtt_topic_limits(const mqtt_conf_t *conf, ln_slice_t topic)
{
	if (topic.len > conf->topic_length_max)
		return MQTT_REASON_TOPIC_INVALID;
	if (conf->topic_levels_max && ln_topic_levels(topic) > conf->topic_levels_max)
		return MQTT_REASON_TOPIC_INVALID;
	return MQTT_REASON_SUCCESS;
}

static bool fail(mqtt_conn_t *c, uint8_t reason, const char *statement, const char *why)
{
	mqtt_fault_t f = { reason, statement, why };

	mqtt_fail(c, "PUBLISH", &f);
	return false;
}

bool mqtt_server_can(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_publish_t *p)
{
	if (c->version < 5)
		return true;
	if (p->qos > conf->qos_max)
		return fail(c, MQTT_REASON_QOS_UNSUPPORTED, "MQTT-3.2.2-11", "QoS above the maximum");
	if (p->retain && !conf->retain)
		return fail(c, MQTT_REASON_RETAIN_UNSUPPORTED, "MQTT-3.2.2-14", "retained messages are not available");
	return true;
}

uint8_t mqtt_may_publish(const mqtt_conn_t *c, const mqtt_conf_t *conf, ln_slice_t topic, uint8_t qos, bool retain)
{
	uint8_t limits = mqtt_topic_limits(conf, topic);
	ln_access_t access = { .identity = &c->identity, .act = LN_ACT_PUBLISH, .topic = topic, .qos = qos, .retain = retain };

	if (limits != MQTT_REASON_SUCCESS)
		return limits;
	if (topic.data[0] == '$' && (ln_slice_eq(topic, LN_STR("$SYS")) || ln_slice_starts(topic, LN_STR("$SYS/"))))
		return mqtt_not_authorized(conf);
	if (topic.data[0] == '$' && conf->publish_dollar_topics.value == MQTT_DOLLAR_REFUSE)
		return mqtt_not_authorized(conf);
	if (retain && !conf->retain)
		return mqtt_not_authorized(conf);
	return ln_authorize(&access) ? MQTT_REASON_SUCCESS : mqtt_not_authorized(conf);
}

/* --- the rate -------------------------------------------------------------------------------------------------------------------------- */

/* A connection that is not read from until its bucket has room again. */
struct mqtt_slowed {
	ln_timer_t timer;
	mqtt_conn_t *owner;
};

static void on_rested(ln_worker_t *w, ln_timer_t *t)
{
	mqtt_slowed_t *slowed = LN_CONTAINER(t, mqtt_slowed_t, timer);
	mqtt_conn_t *c = slowed->owner;

	(void)w;
	c->slowed = NULL;
	ln_free(slowed);
	mqtt_listen_again(c);
}

void mqtt_slowed_drop(mqtt_conn_t *c)
{
	if (!c->slowed)
		return;
	ln_timer_cancel(ln_conn_worker(c->conn), &c->slowed->timer);
	ln_free(c->slowed);
	c->slowed = NULL;
}

static void slow(mqtt_conn_t *c, uint64_t ms)
{
	if (c->slowed || c->state != MQTT_SERVING)
		return;
	c->slowed = ln_new(mqtt_slowed_t);
	c->slowed->owner = c;
	ln_conn_pause(c->conn);
	ln_timer_set(ln_conn_worker(c->conn), &c->slowed->timer, ms, on_rested);
}

/* Said when a client begins to be over its rate, not for every message. */
static void say_over(mqtt_conn_t *c, const mqtt_conf_t *conf)
{
	static const char *const what[] = { "it is slowed", "its messages are refused", "it is disconnected" };

	mqtt_count(c, MQTT_STAT_over_rate);
	if (c->over_rate)
		return;
	c->over_rate = true;
	ln_log(c->conn, MQTT_OVER_RATE, conf->publish_rate, what[conf->publish_rate_over.value]);
}

uint8_t mqtt_rate(mqtt_conn_t *c, const mqtt_conf_t *conf)
{
	uint64_t now = ln_conn_worker(c->conn)->now * 1000, step = 1000000 / conf->publish_rate;
	uint64_t burst = (conf->publish_burst ? conf->publish_burst : conf->publish_rate) * step, ahead;

	if (c->full_at < now)
		c->full_at = now;
	ahead = c->full_at - now + step;
	if (ahead <= burst) {
		c->full_at += step;
		c->over_rate = c->over_rate && ahead > burst / 2;
		return MQTT_REASON_SUCCESS;
	}
	say_over(c, conf);
	if (conf->publish_rate_over.value == MQTT_OVER_DISCONNECT)
		return MQTT_REASON_RATE_TOO_HIGH;
	if (conf->publish_rate_over.value == MQTT_OVER_REFUSE && c->version == 5)
		return MQTT_REASON_QUOTA_EXCEEDED;
	c->full_at += step;
	slow(c, (ahead - burst + 999) / 1000);
	return MQTT_REASON_SUCCESS;
}
