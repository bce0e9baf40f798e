/* plan.c - the patterns; see plan.h. Filters are computed when they are needed, not kept: there may be 100,000 of them.
 */
#include "plan.h"

#include <stdio.h>
#include <string.h>

/* Topics have a last level for the wildcard to stand for. */
static bool deep(const bench_options_t *o)
{
	return o->pattern == BENCH_RANDOM || (o->pattern == BENCH_PAIRS && o->wildcard);
}

size_t bench_plan_topic(const bench_options_t *o, uint64_t topic, char *ret_name)
{
	snprintf(ret_name, BENCH_NAME_SIZE, "%s/%08llu%s", o->topic_prefix, (unsigned long long)topic,
		 deep(o) ? "/v" : "");
	return strlen(o->topic_prefix) + 1;
}

/* How many of N things, dealt to all subscribers in turn, SUBSCRIBER has. */
static uint64_t share(const bench_options_t *o, uint64_t n, uint32_t subscriber)
{
	return n / o->subscribers + (subscriber < n % o->subscribers ? 1 : 0);
}

/* How many filters of SUBSCRIBER match what is published. */
static uint64_t matching(const bench_options_t *o, uint32_t subscriber)
{
	switch (o->pattern) {
	case BENCH_PAIRS: return 1;
	case BENCH_RANDOM: return share(o, o->topics, subscriber);
	default: return o->wildcard ? 1 : o->topics;
	}
}

uint64_t bench_plan_filters(const bench_options_t *o, uint32_t subscriber)
{
	return matching(o, subscriber) + share(o, o->filters, subscriber);
}

void bench_plan_filter(const bench_options_t *o, uint32_t subscriber, uint64_t i, char *ret_filter)
{
	uint64_t own = matching(o, subscriber), topic = i;
	const char *group = o->pattern == BENCH_SHARED ? "$share/bench/" : "";

	if (i >= own) {
		snprintf(ret_filter, BENCH_NAME_SIZE, "%s/x/%08llu%s", o->topic_prefix,
		         (unsigned long long)((i - own) * o->subscribers + subscriber), o->wildcard ? "/+" : "");
		return;
	}
	if (o->wildcard && !deep(o)) {
		snprintf(ret_filter, BENCH_NAME_SIZE, "%s%s/+", group, o->topic_prefix);
		return;
	}
	if (o->pattern == BENCH_PAIRS)
		topic = subscriber;
	else if (o->pattern == BENCH_RANDOM)
		topic = i * o->subscribers + subscriber;
	snprintf(ret_filter, BENCH_NAME_SIZE, "%s%s/%08llu%s", group, o->topic_prefix, (unsigned long long)topic,
	         !deep(o) ? "" : o->wildcard ? "/+" : "/v");
}

uint64_t bench_plan_copies(const bench_options_t *o)
{
	switch (o->pattern) {
	case BENCH_FAN_OUT: case BENCH_FAN_IN: return o->subscribers;
	default: return o->subscribers > 0 ? 1 : 0;
	}
}
