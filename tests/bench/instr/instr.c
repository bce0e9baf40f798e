/* instr.c — fixed workloads on a broker inside this program; callgrind counts the instructions of its turns.
 *
 * Instructions, not time: a machine that is busy, slow or warm counts the same. What they do not see (caches, system calls) the benchmark with
 * real brokers does. Each workload does what it does once uncounted, so that caches and buffers are as in a broker that has run
 * for a while, and prints "NAME UNITS" for the profile dumped under the same name: how many messages were delivered, or connections served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "house.h"

#define CLIENTS_MAX 200

static house_client_t *pubs[CLIENTS_MAX], *subs[CLIENTS_MAX];

typedef struct load {
	const char *name;
	unsigned publishers, subscribers;
	unsigned batch;            /* PUBLISH packets per publisher and round */
	unsigned rounds;
	unsigned filters;          /* more filters, spread over the subscribers; the topics go round */
	uint8_t qos, version;
	bool wildcard;
	enum { PAIRS, FAN } pattern;
} load_t;

static const load_t loads[] = {
	{ .name = "one-to-one", .publishers = 1, .subscribers = 1, .batch = 500, .rounds = 40, .version = 4 },
	{ .name = "one-to-one-5", .publishers = 1, .subscribers = 1, .batch = 500, .rounds = 40, .version = 5 },
	{ .name = "pairs", .publishers = 50, .subscribers = 50, .batch = 20, .rounds = 20, .version = 4 },
	{ .name = "fan-out", .publishers = 1, .subscribers = 100, .batch = 50, .rounds = 10, .version = 4, .pattern = FAN },
	{ .name = "fan-in", .publishers = 100, .subscribers = 1, .batch = 10, .rounds = 20, .version = 4, .pattern = FAN },
	{ .name = "qos1", .publishers = 10, .subscribers = 10, .batch = 20, .rounds = 50, .qos = 1, .version = 4 },
	{ .name = "qos2", .publishers = 10, .subscribers = 10, .batch = 20, .rounds = 50, .qos = 2, .version = 4 },
	{ .name = "filters-exact", .publishers = 4, .subscribers = 4, .batch = 1, .rounds = 4000, .filters = 20000, .version = 4 },
	{ .name = "filters-wildcard", .publishers = 4, .subscribers = 4, .batch = 1, .rounds = 4000, .filters = 20000, .wildcard = true,
	  .version = 4 },
};

/* The topic, or with WILDCARD the filter, of publisher or subscriber I in round R. */
static const char *topic_of(const load_t *l, unsigned i, unsigned r, bool wildcard)
{
	static char text[64];

	if (l->filters)
		snprintf(text, sizeof(text), "bench/%s/%u", wildcard ? "+" : "t", (r * 7919 + i * 4999) % l->filters);
	else
		snprintf(text, sizeof(text), "bench/t/%u", l->pattern == FAN ? 0 : i);
	return text;
}

static uint64_t received(const load_t *l)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < l->subscribers; i++)
		sum += subs[i]->publishes;
	return sum;
}

/* One batch of every publisher, until all of it has been delivered and acknowledged. */
static void round_of(const load_t *l, unsigned r)
{
	uint64_t expected = received(l) + (uint64_t)l->publishers * l->batch * (l->pattern == FAN ? l->subscribers : 1);
	unsigned quiet = l->qos == 0 ? 1 : 4, left = 1000;

	for (unsigned i = 0; i < l->publishers; i++)
		house_publish(pubs[i], topic_of(l, i, r, false), l->qos, l->batch);
	while ((received(l) < expected || quiet-- > 1) && left-- > 0) {
		house_turn();
		for (unsigned i = 0; i < l->publishers; i++)
			house_take(pubs[i]);
		for (unsigned i = 0; i < l->subscribers; i++)
			house_take(subs[i]);
	}
	if (received(l) != expected) {
		fprintf(stderr, "instr: %s: %llu of %llu messages came\n", l->name, (unsigned long long)received(l),
		        (unsigned long long)expected);
		exit(1);
	}
}

static void subscribe(const load_t *l)
{
	for (unsigned i = 0; i < l->subscribers && !l->filters; i++)
		house_subscribe(subs[i], topic_of(l, i, 0, false), l->qos);
	for (unsigned i = 0; i < l->filters; i++) {
		char filter[64];

		snprintf(filter, sizeof(filter), "bench/%s/%u", l->wildcard ? "+" : "t", i);
		house_subscribe(subs[i % l->subscribers], filter, l->qos);
	}
}

static void run(const load_t *l)
{
	uint64_t before;
	char id[16];

	for (unsigned i = 0; i < l->publishers; i++) {
		snprintf(id, sizeof(id), "p%u", i);
		pubs[i] = house_connect(id, l->version);
	}
	for (unsigned i = 0; i < l->subscribers; i++) {
		snprintf(id, sizeof(id), "s%u", i);
		subs[i] = house_connect(id, l->version);
	}
	subscribe(l);
	round_of(l, 0);
	round_of(l, 1);
	before = received(l);
	house_count(true);
	for (unsigned r = 2; r < l->rounds + 2; r++)
		round_of(l, r);
	house_count(false);
	house_dump(l->name);
	printf("%s %llu\n", l->name, (unsigned long long)(received(l) - before));
	for (unsigned i = 0; i < l->publishers; i++)
		house_leave(pubs[i]);
	for (unsigned i = 0; i < l->subscribers; i++)
		house_leave(subs[i]);
}

/* Connections that come and go, one after the other. */
static void run_storm(unsigned count)
{
	char id[16];

	for (unsigned i = 0; i < count + 2; i++) {
		house_count(i >= 2);
		snprintf(id, sizeof(id), "storm%u", i);
		house_leave(house_connect(id, 4));
	}
	house_count(false);
	house_dump("storm");
	printf("storm %u\n", count);
}

int main(void)
{
	house_open();
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		run(&loads[i]);
	run_storm(500);
	house_close();
	return 0;
}
