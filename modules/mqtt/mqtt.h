/* mqtt.h — the module's own: its configuration, a connection's state, and which file does what.
 *
 * mqtt.c      descriptor, tables
 * conn.c      a connection from open to closed: finds packets, judges their order, hands them on; says goodbye
 * login.c     CONNECT until CONNACK: who is it, on its session's home, let in or not
 * auth.c      enhanced authentication: rounds of AUTH, at login and later
 * in.c        PUBLISH and acknowledgements from the client
 * judge.c     what a client may publish: limits, rules, its rate
 * alias.c     topic aliases, both directions
 * sub.c       SUBSCRIBE and UNSUBSCRIBE
 * out.c       the session's outlet: messages to the client
 * quirk.c     the table of leniencies
 * say.c       how often strangers may make the broker write a line
 * codec.h     bytes ↔ structs: decode.c connect.c props.c encode.c
 */
#ifndef MQTT_MQTT_H
#define MQTT_MQTT_H

#include <linnet/conf.h>
#include <linnet/conn.h>
#include <linnet/hook.h>
#include <linnet/identity.h>
#include <linnet/log.h>
#include <linnet/rcu.h>
#include <linnet/self.h>
#include <linnet/session.h>
#include <linnet/stat.h>
#include <linnet/topic.h>
#include "codec.h"

#define LN_LOGDEF LN_LOGDEF_DECLARE
#include "log.def"
#undef LN_LOGDEF

extern ln_self_t mqtt_self;

typedef struct mqtt_conf {
	ln_span_t connect_timeout;
	ln_bytes_t connect_max;
	ln_bytes_t packet_max;
	ln_span_t keep_alive_min;
	ln_span_t keep_alive_max;
	ln_span_t keep_alive_default;
	uint32_t receive_max;
	uint32_t topic_alias_max;
	uint32_t topic_alias_out_max;
	uint32_t topic_length_max;
	uint32_t topic_levels_max;
	uint32_t client_id_max;
	bool long_client_ids;
	uint32_t qos_max;
	bool retain;
	bool shared_subscriptions;
	bool wildcard_subscriptions;
	bool subscription_identifiers;
	uint32_t subscriptions_max;
	uint32_t subscribe_filters_max;
	uint32_t in_flight_max;
	uint32_t publish_rate;
	uint32_t publish_burst;
	ln_choice_t publish_rate_over;
	ln_choice_t publish_dollar_topics;
	bool check_payload_format;
	bool tell_not_authorized;
	char *response_information;
	char *server_reference;
	ln_choice_t redirect;
	ln_strings_t quirks;
	ln_strings_t strict;
} mqtt_conf_t;

/* publish-rate-over */
enum { MQTT_OVER_SLOW, MQTT_OVER_REFUSE, MQTT_OVER_DISCONNECT };
/* publish-dollar-topics */
enum { MQTT_DOLLAR_ROUTE, MQTT_DOLLAR_IGNORE, MQTT_DOLLAR_REFUSE };
/* redirect */
enum { MQTT_REDIRECT_NO, MQTT_REDIRECT_TEMPORARY, MQTT_REDIRECT_PERMANENT };

enum {
#define STAT(name, kind, help) MQTT_STAT_##name,
#include "stat.def"
#undef STAT
	MQTT_STAT_COUNT
};

/* Where a connection stands. */
typedef enum mqtt_state {
	MQTT_SILENT,      /* nothing accepted yet: CONNECT must come */
	MQTT_LOGIN,       /* CONNECT is being judged; nothing is read */
	MQTT_PROVING,     /* before CONNACK, in the middle of enhanced authentication: AUTH or DISCONNECT must come */
	MQTT_SERVING,
	MQTT_LEAVING      /* closing: nothing more is read or sent */
} mqtt_state_t;

typedef struct mqtt_login mqtt_login_t;
typedef struct mqtt_exchange mqtt_exchange_t;

typedef struct mqtt_aliases mqtt_aliases_t;
typedef struct mqtt_told mqtt_told_t;
typedef struct mqtt_slowed mqtt_slowed_t;

typedef struct mqtt_waiter {
	ln_waiter_t waiter;
	struct mqtt_conn *owner;
} mqtt_waiter_t;

/* A connection's slice. */
typedef struct mqtt_conn {
	uint32_t magic;
	uint8_t version;              /* 3, 4, 5; 0 before CONNECT */
	uint8_t state;
	bool clean_end;               /* the will is not to be published */
	bool bridge;
	ln_outlet_t outlet;
	ln_conn_t *conn;
	ln_session_t *session;
	mqtt_login_t *login;          /* before CONNACK only */
	mqtt_exchange_t *exchange;    /* NULL: CONNECT named no authentication method */
	mqtt_aliases_t *aliases;      /* the client's; NULL: none used */
	mqtt_told_t *told;            /* ours; NULL: none used */
	mqtt_slowed_t *slowed;        /* over publish-rate: waits */
	uint64_t full_at;             /* us on worker->now's scale: when the bucket of publish-rate is full again */
	mqtt_waiter_t *waiter;        /* waits for the router */
	ln_identity_t identity;
	uint32_t packet_max;          /* the client's, whole packets */
	uint32_t quirks;
	uint16_t keep_alive;          /* seconds, 0: none */
	uint16_t alias_max;           /* how many aliases there are towards the client */
	bool expiry_was_zero;         /* CONNECT asked for session expiry 0 */
	bool entered;                 /* CONNACK said welcome */
	bool over_rate;               /* and it was said */
} mqtt_conn_t;

/* A worker's slice. */
typedef struct mqtt_worker {
	ln_timer_t timer;             /* set while left_out is not 0 */
	uint64_t full_at;             /* ms on worker->now's scale: when the bucket of lines is full again */
	uint32_t left_out;            /* lines since the last sum */
} mqtt_worker_t;

#define MQTT_CONN_MAGIC 0x3c099ec7u

static inline mqtt_dialect_t mqtt_dialect(const mqtt_conn_t *c)
{
	return (mqtt_dialect_t){ c->version, c->quirks };
}

static inline const mqtt_conf_t *mqtt_conf_of(const mqtt_conn_t *c)
{
	return ln_listener_conf(ln_conn_listener(c->conn), mqtt_self.index);
}

static inline uint8_t mqtt_redirect_reason(const mqtt_conf_t *conf)
{
	return conf->redirect.value == MQTT_REDIRECT_PERMANENT ? MQTT_REASON_SERVER_MOVED : MQTT_REASON_USE_ANOTHER_SERVER;
}

/* What a client is told that is not allowed to publish or to subscribe. */
static inline uint8_t mqtt_not_authorized(const mqtt_conf_t *conf)
{
	return conf->tell_not_authorized ? MQTT_REASON_NOT_AUTHORIZED : MQTT_REASON_UNSPECIFIED;
}

static inline void mqtt_count(const mqtt_conn_t *c, unsigned stat)
{
	ln_stat_add(ln_conn_worker(c->conn), mqtt_self.stat_base + stat, 1);
}

/* --- conn.c ------------------------------------------------------------------------------------------------------------------------ */

extern const ln_protocol_t mqtt_protocol;
/* Ends the connection because of F while reading WHAT: DISCONNECT (5.0) or CONNACK says why where the version can,
 * the log names it. */
void mqtt_fail(mqtt_conn_t *c, const char *what, const mqtt_fault_t *f);
/* The same for a reason of our own. */
void mqtt_disconnect(mqtt_conn_t *c, uint8_t reason, const char *why);
/* Reads on from a client that was not read from (see ln_conn_pause): its keep alive counts from now. */
void mqtt_listen_again(mqtt_conn_t *c);
/* Writes an answer. A connection whose output is full is closed, and one whose client does not take so large a packet
 * [MQTT-3.1.2-24]. */
#define MQTT_SMALL 512u
void mqtt_sent(mqtt_conn_t *c, const uint8_t *packet, size_t size);

/* --- login.c ----------------------------------------------------------------------------------------------------------------------- */

void mqtt_login(mqtt_conn_t *c, ln_slice_t body);
void mqtt_login_drop(mqtt_conn_t *c);
/* Enhanced authentication is over and has succeeded: may the client come in? */
void mqtt_login_proved(mqtt_conn_t *c);
/* CONNACK with a refusal, then the end. */
void mqtt_refuse(mqtt_conn_t *c, uint8_t reason, const char *why);

/* --- auth.c ------------------------------------------------------------------------------------------------------------------------ */

/* The first round, with what CONNECT holds (DATA may be empty). */
void mqtt_exchange_begin(mqtt_conn_t *c, ln_slice_t method, ln_slice_t data);
void mqtt_on_auth(mqtt_conn_t *c, ln_slice_t body);
/* Adds method and data to CONNACK's or AUTH's properties. */
void mqtt_exchange_props(const mqtt_conn_t *c, mqtt_props_t *props);
/* Before the connection's identity goes. */
void mqtt_exchange_drop(mqtt_conn_t *c);

/* --- in.c -------------------------------------------------------------------------------------------------------------------------- */

void mqtt_on_publish(mqtt_conn_t *c, uint8_t first, ln_slice_t body);
void mqtt_on_ack(mqtt_conn_t *c, mqtt_type_t type, ln_slice_t body);
void mqtt_waiter_drop(mqtt_conn_t *c);

/* --- judge.c ----------------------------------------------------------------------------------------------------------------------- */

/* Does TOPIC keep the listener's limits? Returns a reason, MQTT_REASON_SUCCESS if so. */
uint8_t mqtt_topic_limits(const mqtt_conf_t *conf, ln_slice_t topic);
/* Does P ask for what this listener does not do? False: the connection was ended. Below 5.0 a client cannot know; its QoS is served. */
bool mqtt_server_can(mqtt_conn_t *c, const mqtt_conf_t *conf, const mqtt_publish_t *p);
/* May the client publish this, now or as its will? Returns a reason, MQTT_REASON_SUCCESS if so. */
uint8_t mqtt_may_publish(const mqtt_conn_t *c, const mqtt_conf_t *conf, ln_slice_t topic, uint8_t qos, bool retain);
/* Is a message to TOPIC taken and forgotten? */
static inline bool mqtt_ignored(const mqtt_conf_t *conf, ln_slice_t topic)
{
	return conf->publish_dollar_topics.value == MQTT_DOLLAR_IGNORE && topic.data[0] == '$';
}

/* Counts one message against publish-rate (which must not be 0). MQTT_REASON_SUCCESS: take it (the client may have been paused);
 * QUOTA_EXCEEDED: refuse it; RATE_TOO_HIGH: disconnect. */
uint8_t mqtt_rate(mqtt_conn_t *c, const mqtt_conf_t *conf);
void mqtt_slowed_drop(mqtt_conn_t *c);

/* --- alias.c ----------------------------------------------------------------------------------------------------------------------- */

/* Puts the topic behind P's alias into P, or P's topic behind its alias. Requires: P has one. False: the connection was ended. */
bool mqtt_alias_resolve(mqtt_conn_t *c, const mqtt_conf_t *conf, mqtt_publish_t *p);
/* Chooses an alias for HEAD's topic, and takes the topic out where the client knows it. Requires: both sides allow aliases. */
void mqtt_alias_choose(mqtt_conn_t *c, mqtt_publish_head_t *head);
/* HEAD's packet is in the output. */
void mqtt_alias_told(mqtt_conn_t *c, const mqtt_publish_head_t *head);
void mqtt_aliases_drop(mqtt_conn_t *c);

/* --- sub.c ------------------------------------------------------------------------------------------------------------------------- */

void mqtt_on_subscribe(mqtt_conn_t *c, ln_slice_t body);
void mqtt_on_unsubscribe(mqtt_conn_t *c, ln_slice_t body);

/* --- out.c ------------------------------------------------------------------------------------------------------------------------- */

extern const ln_outlet_ops_t mqtt_outlet_ops;

/* --- quirk.c ----------------------------------------------------------------------------------------------------------------------- */

/* The leniencies in force for VERSION under CONF: those its text allows, plus `quirks`, minus `strict`. */
uint32_t mqtt_quirks(const mqtt_conf_t *conf, unsigned version);
/* Says an error for each name in `quirks` and `strict` that is none. */
void mqtt_quirks_check(const mqtt_conf_t *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors);

/* --- say.c ------------------------------------------------------------------------------------------------------------------------- */

/* May a line that anybody can cause be written now? Counts it as left out if not. Thread: C's worker. */
bool mqtt_may_say(const mqtt_conn_t *c);
#define mqtt_say(c, ...)                                    \
	do {                                                \
		if (mqtt_may_say(c))                        \
			ln_log((c)->conn, __VA_ARGS__);     \
	} while (0)
/* The module's worker_stop. */
void mqtt_worker_stop(ln_worker_t *w, void *state);

#endif
