/* mqtt.c — the module's descriptor: options, counters, log messages, what it offers. Behaviour is in the files
 * beside it (see mqtt.h). */
#include <linnet/module.h>
#include "mqtt.h"

ln_self_t mqtt_self;

static const char *const over_rate[] = { "slow", "refuse", "disconnect", NULL };
static const char *const dollar_topics[] = { "route", "ignore", "refuse", NULL };
static const char *const redirects[] = { "no", "temporary", "permanent", NULL };

static const ln_conf_item_t conf_items[] = {
	LN_CONF(mqtt_conf_t, connect_timeout, "10s", "A connection that has not sent CONNECT by then is closed.", .min = 100, .reload = true,
		.listener = true),
	LN_CONF(mqtt_conf_t, connect_max, "4K", "Largest CONNECT packet; what a stranger may make the broker hold.", .min = 128,
		.max = 268435455, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, packet_max, "2M", "Largest packet a client may send once it is connected.", .min = 128, .max = 268435460,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, keep_alive_min, "0s", "Shortest keep alive a client may ask for; shorter ones become this. 0s: any.",
		.max = 65535000, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, keep_alive_max, "0s", "Longest keep alive a client may ask for; longer ones, and none, become this. 0s: any.",
		.max = 65535000, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, keep_alive_default, "0s", "Keep alive for clients that ask for none; 0s: none.", .max = 65535000,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, receive_max, "1024", "QoS 1 and 2 messages a client may have under way to the broker.", .min = 1, .max = 65535,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, topic_alias_max, "32", "Topic aliases a client may use (5.0); 0: none.", .max = 65535, .reload = true,
		.listener = true),
	LN_CONF(mqtt_conf_t, topic_alias_out_max, "16", "Topic aliases towards a client that takes them (5.0); 0: none.", .max = 65535,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, topic_length_max, "65535", "Longest topic name or filter, in bytes.", .min = 1, .max = 65535, .reload = true,
		.listener = true),
	LN_CONF(mqtt_conf_t, topic_levels_max, "0", "Most levels a topic name or filter may have; 0: any number.", .max = 65536,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, client_id_max, "65535", "Longest client identifier, in bytes.", .min = 1, .max = 65535, .reload = true,
		.listener = true),
	LN_CONF(mqtt_conf_t, long_client_ids, "yes", "Accept client identifiers of more than 23 bytes from MQTT 3.1 clients.",
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, qos_max, "2", "Highest QoS a client may publish with (5.0 clients are told) and is granted.", .max = 2,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, retain, "yes", "Clients may publish retained messages.", .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, shared_subscriptions, "yes", "Clients may use $share/GROUP/FILTER.", .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, wildcard_subscriptions, "yes", "Clients may use + and # in filters.", .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, subscription_identifiers, "yes", "Clients may give subscription identifiers (5.0).", .reload = true,
		.listener = true),
	LN_CONF(mqtt_conf_t, subscriptions_max, "0", "Subscriptions of one session, within that of sessions:; 0: no limit of its own.",
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, subscribe_filters_max, "20000", "Filters one SUBSCRIBE or UNSUBSCRIBE may hold; a client with more of them is disconnected.", .min = 1,
		.max = 100000000, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, in_flight_max, "0", "QoS 1 and 2 messages under way to one client, within window-max; 0: no limit of its own.",
		.max = 65535, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, publish_rate, "0", "Messages per second one client may publish; 0: any number.", .max = 1000000,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, publish_burst, "0", "How many of them may come at once; 0: those of one second.", .max = 1000000,
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, publish_rate_over, "slow", "Who is faster: is read from more slowly; refuse: 0x97 (5.0); disconnect: 0x96.",
		.choices = over_rate, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, publish_dollar_topics, "route", "What becomes of messages to topics that begin with $; to $SYS nobody may publish.",
		.choices = dollar_topics, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, check_payload_format, "no", "Refuse payloads that are said to be text and are no UTF-8 (5.0).",
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, tell_not_authorized, "yes", "Refusals by a rule say so (0x87); no: they say nothing of the cause (0x80).",
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, response_information, NULL, "Where replies should go, told to 5.0 clients that ask; %c is the client identifier.",
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, server_reference, NULL, "Another server, \"host\" or \"host:port\", told to 5.0 clients that are redirected.",
		.reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, redirect, "no", "Let nobody in: temporary (0x9C, use another server) or permanent (0x9D, server moved).",
		.choices = redirects, .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, quirks, "[]", "Behaviours of odd devices to tolerate, by name; see mqtt.md.", .reload = true, .listener = true),
	LN_CONF(mqtt_conf_t, strict, "[]", "Behaviours tolerated for MQTT 3.1 by default that are to be refused.", .reload = true,
		.listener = true),
	LN_CONF_END
};

static const ln_stat_t stat_items[] = {
#define STAT(name, kind, help) { #name, LN_STAT_##kind, help },
#include "stat.def"
#undef STAT
	LN_STAT_END
};

static const ln_logdef_t log_items[] = {
#define LN_LOGDEF LN_LOGDEF_ROW
#include "log.def"
#undef LN_LOGDEF
	LN_LOGDEF_END
};

static const ln_provide_t provide_items[] = { { LN_PROVIDE_PROTOCOL, "mqtt", &mqtt_protocol }, { LN_PROVIDE_END, NULL, NULL } };

static void check_response_information(const mqtt_conf_t *c, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	if (!c->response_information)
		return;
	if (strlen(c->response_information) > 255)
		ln_conf_say(errors, ln_conf_place(node, "response-information"), "response-information is longer than 255 bytes");
	if (!ln_topic_valid(ln_slice_of(c->response_information)))
		ln_conf_say(errors, ln_conf_place(node, "response-information"), "response-information is no topic: empty, or with + or #");
}

static void check(const void *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	const mqtt_conf_t *c = conf;

	mqtt_quirks_check(c, node, errors);
	if (c->redirect.value != MQTT_REDIRECT_NO && !c->server_reference)
		ln_conf_say(errors, ln_conf_place(node, "redirect"), "redirect needs server-reference: where should clients go?");
	if (c->server_reference && strlen(c->server_reference) > 255)
		ln_conf_say(errors, ln_conf_place(node, "server-reference"), "server-reference is longer than 255 bytes");
	check_response_information(c, node, errors);
	if (c->keep_alive_min.ms % 1000)
		ln_conf_say(errors, ln_conf_place(node, "keep-alive-min"), "keep-alive-min is not in whole seconds");
	if (c->keep_alive_max.ms && c->keep_alive_min.ms > c->keep_alive_max.ms)
		ln_conf_say(errors, ln_conf_place(node, "keep-alive-min"), "keep-alive-min is longer than keep-alive-max");
	if (c->keep_alive_max.ms % 1000)
		ln_conf_say(errors, ln_conf_place(node, "keep-alive-max"), "keep-alive-max is not in whole seconds");
	if (c->keep_alive_default.ms % 1000)
		ln_conf_say(errors, ln_conf_place(node, "keep-alive-default"), "keep-alive-default is not in whole seconds");
	if (c->keep_alive_max.ms && c->keep_alive_default.ms > c->keep_alive_max.ms)
		ln_conf_say(errors, ln_conf_place(node, "keep-alive-default"), "keep-alive-default is longer than keep-alive-max");
}

LN_MODULE(mqtt,
	.summary = "MQTT 3.1, 3.1.1 and 5.0",
	.conf = conf_items, .conf_size = sizeof(mqtt_conf_t),
	.stats = stat_items, .logs = log_items,
	.provides = provide_items,
	.worker_size = sizeof(mqtt_worker_t), .worker_stop = mqtt_worker_stop,
	.check = check,
);
