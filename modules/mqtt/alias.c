/* alias.c — topic aliases, 5.0: numbers that stand for topics on one connection, each direction with its own.
 *
 * From the client: the client chooses; a number stands for the topic it came with last.
 *
 * To the client: as many as both sides allow. A topic's hash names its number, so finding it costs one comparison and nothing is searched or
 * aged. The topic that came first keeps a number until another one wants it twice in a row: a stream of ever new topics ('#' over half a
 * million retained ones) therefore leaves the aliases of the steady ones alone. A client hears of an alias in the packet that carries the topic
 * as well; it counts as told when that packet is in the output.
 */
#include <linnet/hash.h>
#include "mqtt.h"

#define WORTH_IT 4u     /* a topic of so few bytes is not shorter as an alias */

struct mqtt_aliases {
	uint32_t count;
	char *topic[];          /* by alias - 1; NULL: not set */
};

typedef struct told {
	char *topic;            /* NULL: free */
	uint32_t len;
	uint32_t rival;         /* hash of the topic that wanted this number last */
} told_t;

struct mqtt_told {
	uint32_t count;
	told_t alias[];         /* by alias - 1 */
};

/* --- from the client ----------------------------------------------------------------------------------------------------------------- */

static bool fail(mqtt_conn_t *c, uint8_t reason, const char *statement, const char *why)
{
	mqtt_fault_t f = { reason, statement, why };

	mqtt_fail(c, "PUBLISH", &f);
	return false;
}

bool mqtt_alias_resolve(mqtt_conn_t *c, const mqtt_conf_t *conf, mqtt_publish_t *p)
{
	char **known;

	if (p->alias > conf->topic_alias_max)
		return fail(c, MQTT_REASON_TOPIC_ALIAS_INVALID, "MQTT-3.3.2-9", "topic alias above the maximum");
	if (!c->aliases) {
		c->aliases = ln_alloc(sizeof(*c->aliases) + conf->topic_alias_max * sizeof(char *));
		c->aliases->count = conf->topic_alias_max;
	}
	known = &c->aliases->topic[p->alias - 1];
	if (p->topic.len) {
		ln_free(*known);
		*known = ln_strndup((const char *)p->topic.data, p->topic.len);
	} else if (*known) {
		p->topic = ln_slice_of(*known);
	} else {
		return fail(c, MQTT_REASON_PROTOCOL, "MQTT-3.3.2-8", "topic alias without a topic");
	}
	return true;
}

/* --- to the client ------------------------------------------------------------------------------------------------------------------- */

static bool is(const told_t *t, ln_slice_t topic)
{
	return t->topic && ln_slice_eq(ln_slice(t->topic, t->len), topic);
}

/* May TOPIC have the number of T, which is another topic's or nobody's? */
static bool gives_way(told_t *t, uint32_t hash)
{
	bool yes = !t->topic || t->rival == hash;

	t->rival = hash;
	return yes;
}

void mqtt_alias_choose(mqtt_conn_t *c, mqtt_publish_head_t *head)
{
	uint64_t hash;
	uint32_t n;
	told_t *t;

	if (head->topic.len < WORTH_IT)
		return;
	if (!c->told) {
		c->told = ln_alloc(sizeof(*c->told) + c->alias_max * sizeof(told_t));
		c->told->count = c->alias_max;
	}
	hash = ln_hash(head->topic);
	n = (uint32_t)((hash >> 32) * c->told->count >> 32);
	t = &c->told->alias[n];
	if (is(t, head->topic)) {
		head->alias = (uint16_t)(n + 1);
		head->topic.len = 0;
	} else if (gives_way(t, (uint32_t)hash)) {
		head->alias = (uint16_t)(n + 1);
	}
}

void mqtt_alias_told(mqtt_conn_t *c, const mqtt_publish_head_t *head)
{
	told_t *t;

	if (!head->alias || !head->topic.len)
		return;
	t = &c->told->alias[head->alias - 1];
	ln_free(t->topic);
	t->topic = ln_strndup((const char *)head->topic.data, head->topic.len);
	t->len = (uint32_t)head->topic.len;
}

void mqtt_aliases_drop(mqtt_conn_t *c)
{
	for (uint32_t i = 0; c->aliases && i < c->aliases->count; i++)
		ln_free(c->aliases->topic[i]);
	for (uint32_t i = 0; c->told && i < c->told->count; i++)
		ln_free(c->told->alias[i].topic);
	ln_free(c->aliases);
	ln_free(c->told);
	c->aliases = NULL;
	c->told = NULL;
}
