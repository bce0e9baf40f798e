/* Tests core/broker/router.c, match.c and map.c: random filters on several workers against ln_filter_matches, the cache of matches, odd
 * shapes, many filters, and that nothing is left behind. */
#include <stdio.h>
#include <linnet/topic.h>
#include "broker_sink.h"
#include "unit.h"

/* --- against every filter matched one by one -------------------------------------------------------------------------------------- */

#define SINKS 20
#define SUBS 10

typedef struct model {
	ln_sub_t *sub;              /* NULL: free */
	char filter[32];
	uint8_t qos, flags;
} model_t;

static sink_t sinks[SINKS];
static model_t model[SINKS][SUBS];
static unsigned worker_count;
static uint32_t seed = 29;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void draw_levels(char *dst, bool filter)
{
	static const char *const words[] = { "", "a", "b", "$a" };
	unsigned levels = 1 + draw(4);

	*dst = 0;
	for (unsigned i = 0; i < levels; i++) {
		if (i)
			strcat(dst, "/");
		if (filter && draw(3) == 0)
			strcat(dst, i + 1 == levels && draw(2) ? "#" : "+");
		else
			strcat(dst, words[draw(LN_ARRAY_SIZE(words))]);
	}
	if (!*dst)
		strcpy(dst, "a");
}

static bool has(unsigned sink, const char *filter)
{
	for (unsigned i = 0; i < SUBS; i++) {
		if (model[sink][i].sub && strcmp(model[sink][i].filter, filter) == 0)
			return true;
	}
	return false;
}

/* Adds, changes or removes one subscription. */
static void change_one(void)
{
	unsigned k = draw(SINKS);
	model_t *m = &model[k][draw(SUBS)];

	if (!m->sub) {
		draw_levels(m->filter, true);
		if (has(k, m->filter))
			return;
		m->qos = (uint8_t)draw(3);
		m->flags = 0;
		m->sub = sink_subscribe(&sinks[k], m->filter, NULL, m->qos);
	} else if (draw(3)) {
		sink_unsubscribe(&sinks[k], m->sub);
		m->sub = NULL;
	} else {
		m->qos = (uint8_t)draw(3);
		m->flags = draw(2) ? LN_SUB_NO_LOCAL : LN_SUB_KEEP_RETAIN;
		broker_as(sinks[k].sink.home);
		ln_router_change(m->sub, (ln_sub_options_t){ .qos = m->qos, .flags = m->flags });
	}
}

static void check_sink(unsigned k, const char *topic)
{
	unsigned count = 0;
	uint8_t qos = 0, flags = 0;

	for (unsigned i = 0; i < SUBS; i++) {
		const model_t *m = &model[k][i];

		if (!m->sub || !ln_filter_matches(ln_slice_of(m->filter), ln_slice_of(topic)))
			continue;
		qos = m->qos > qos ? m->qos : qos;
		flags |= m->flags;
		count++;
	}
	ck_assert_msg(sinks[k].got == (count > 0), "sink %u got %u of %s, %u filters match", k, sinks[k].got, topic, count);
	if (count) {
		ck_assert_uint_eq(sinks[k].subs, count);
		ck_assert_uint_eq(sinks[k].qos, qos);
		ck_assert_uint_eq(sinks[k].flags, flags | (count > 1 ? LN_SUB_MULTI : 0));
	}
	sinks[k].got = 0;
}

static void publish_one(void)
{
	char topic[32];
	bool matched, any = false;

	draw_levels(topic, false);
	broker_as(draw(worker_count));
	matched = broker_publish(topic, "x", 1);
	if (worker_count > 1)
		broker_settle();
	for (unsigned k = 0; k < SINKS; k++)
		any |= sinks[k].got > 0;
	ck_assert_int_eq(matched, any);
	for (unsigned k = 0; k < SINKS; k++)
		check_sink(k, topic);
}

static void check_count(void)
{
	uint64_t filters, subs, have = 0;

	for (unsigned k = 0; k < SINKS; k++) {
		for (unsigned i = 0; i < SUBS; i++)
			have += model[k][i].sub != NULL;
	}
	ln_router_count(&filters, &subs);
	ck_assert_uint_eq(subs, have);
	ck_assert_uint_le(filters, have);
	ck_assert_int_eq(filters == 0, have == 0);
}

static void like_brute_force(unsigned workers, unsigned rounds)
{
	worker_count = workers;
	broker_begin(workers);
	for (unsigned k = 0; k < SINKS; k++)
		sink_init(&sinks[k], k % workers);
	for (unsigned i = 0; i < rounds; i++) {
		change_one();
		if (i % 1000 == 0)
			check_count();
		for (unsigned n = draw(4); n > 0; n--)
			publish_one();
	}
	for (unsigned k = 0; k < SINKS; k++) {
		for (unsigned i = 0; i < SUBS; i++) {
			if (model[k][i].sub)
				sink_unsubscribe(&sinks[k], model[k][i].sub);
			model[k][i].sub = NULL;
		}
	}
	check_count();
	broker_as(0);
	publish_one();
	broker_end();
}

START_TEST(one_worker)
{
	like_brute_force(1, 8000);
}
END_TEST

START_TEST(several_workers)
{
	like_brute_force(3, 2500);
	like_brute_force(2, 2500);
}
END_TEST

START_TEST(more_workers_than_bits_of_a_word)
{
	like_brute_force(70, 80);
}
END_TEST

/* --- by hand ------------------------------------------------------------------------------------------------------------------------ */

static sink_t sink;

START_TEST(texts_of_a_subscription)
{
	char text[64];
	ln_sub_t *plain, *shared;

	broker_begin(1);
	sink_init(&sink, 0);
	plain = sink_subscribe(&sink, "a/+/#", NULL, 1);
	shared = sink_subscribe(&sink, "a/+/#", "g", 2);
	ck_assert_uint_eq(ln_sub_filter(plain, text, sizeof(text)), 5);
	ck_assert_str_eq(text, "a/+/#");
	ck_assert_uint_eq(ln_sub_filter(shared, text, sizeof(text)), 14);
	ck_assert_str_eq(text, "$share/g/a/+/#");
	ck_assert_uint_eq(ln_sub_filter(shared, text, 8), 14);
	ck_assert_str_eq(text, "$share/");
	ck_assert(ln_sub_is(plain, LN_STR("a/+/#"), LN_STR("")) && !ln_sub_is(plain, LN_STR("a/+/#"), LN_STR("g")));
	ck_assert(ln_sub_is(shared, LN_STR("a/+/#"), LN_STR("g")) && !ln_sub_is(shared, LN_STR("a/+/#"), LN_STR("")));
	ck_assert(!ln_sub_is(shared, LN_STR("a/+/#"), LN_STR("h")) && !ln_sub_is(plain, LN_STR("a/+"), LN_STR("")));
	ck_assert_uint_eq(ln_sub_options(shared).qos, 2);
	ln_router_change(shared, (ln_sub_options_t){ .qos = 1, .id = 8, .flags = LN_SUB_NO_LOCAL });
	ck_assert_uint_eq(ln_sub_options(shared).id, 8);
	ln_router_unsubscribe(plain);
	ln_unit_aborts(ln_router_unsubscribe(plain));
	ln_router_unsubscribe(shared);
	broker_end();
}
END_TEST

/* A topic is matched often, then things change: the cache must notice every kind of change. */
START_TEST(cache_notices)
{
	static const char *const filters[] = { "a/b", "a/+", "a/#", "#", "+/b", "a/b" };
	static const char *const groups[] = { NULL, NULL, NULL, NULL, NULL, "g" };
	ln_sub_t *sub;

	broker_begin(1);
	sink_init(&sink, 0);
	for (size_t i = 0; i < LN_ARRAY_SIZE(filters); i++) {
		for (int times = 0; times < 5; times++)
			ck_assert(!broker_publish("a/b", "x", 0));
		sub = sink_subscribe(&sink, filters[i], groups[i], 0);
		for (int times = 0; times < 5; times++)
			ck_assert(broker_publish("a/b", "x", 0) && sink_got(&sink, 1) && sink.qos == 0);
		ln_router_change(sub, (ln_sub_options_t){ .qos = 2 });
		for (int times = 0; times < 5; times++)
			ck_assert(broker_publish("a/b", "x", 0) && sink_got(&sink, 1) && sink.qos == 2);
		ln_router_unsubscribe(sub);
		for (int times = 0; times < 5; times++)
			ck_assert(!broker_publish("a/b", "x", 0) && sink_got(&sink, 0));
	}
	broker_end();
}
END_TEST

/* More topics than the cache has room for, each several times. */
START_TEST(cache_overflows)
{
	char topic[16];

	broker_begin(1);
	sink_init(&sink, 0);
	ln_sub_t *every = sink_subscribe(&sink, "+/9", NULL, 0);
	for (unsigned i = 0; i < 90000; i++) {
		snprintf(topic, sizeof(topic), "%u/%u", i % 30000, i % 10);
		ck_assert(broker_publish(topic, "x", 0) == (i % 10 == 9));
	}
	ck_assert(sink_got(&sink, 9000));
	ln_router_unsubscribe(every);
	broker_end();
}
END_TEST

static char *filled(char c)
{
	char *text = ln_alloc(LN_TOPIC_MAX + 1);

	memset(text, c, LN_TOPIC_MAX);
	return text;
}

START_TEST(the_longest)
{
	char *slashes = filled('/'), *plus = filled('/'), *deep = filled('/');
	ln_sub_t *subs[5];

	for (unsigned i = 0; i < LN_TOPIC_MAX; i += 2)
		plus[i] = '+';                          /* "+/+/…/+" */
	deep[LN_TOPIC_MAX - 1] = '#';                   /* "////…/#" */
	broker_begin(1);
	sink_init(&sink, 0);
	subs[0] = sink_subscribe(&sink, slashes, NULL, 0);
	subs[1] = sink_subscribe(&sink, plus, NULL, 0);
	subs[2] = sink_subscribe(&sink, deep, NULL, 0);
	subs[3] = sink_subscribe(&sink, "+/+/#", NULL, 0);
	subs[4] = sink_subscribe(&sink, "/+", NULL, 0);
	broker_publish(slashes, "x", 0);
	ck_assert(sink_got(&sink, 1));
	ck_assert_uint_eq(sink.subs, 3);                /* "+/…" has half as many levels */
	slashes[LN_TOPIC_MAX / 2] = 0;                  /* 32767 slashes, 32768 levels: as many as the plus have */
	broker_publish(slashes, "x", 0);
	ck_assert(sink_got(&sink, 1));
	ck_assert_uint_eq(sink.subs, 2);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(subs); i++)
		ln_router_unsubscribe(subs[i]);
	broker_end();
	ln_free(slashes);
	ln_free(plus);
	ln_free(deep);
}
END_TEST

START_TEST(many_filters_come_and_go)
{
	const unsigned n = 60000;
	ln_sub_t **subs = ln_new_n(ln_sub_t *, n);
	uint64_t filters, count;
	char text[32];

	broker_begin(1);
	sink_init(&sink, 0);
	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), i % 3 ? "f/%u/+" : "f/%u", i);
		subs[i] = sink_subscribe(&sink, text, NULL, 0);
	}
	for (unsigned i = 0; i < n; i += 7) {
		snprintf(text, sizeof(text), i % 3 ? "f/%u/x" : "f/%u", i);
		broker_publish(text, "x", 0);
		ck_assert(sink_got(&sink, 1) && sink.subs == 1);
	}
	for (unsigned i = 0; i < n; i++) {
		if (i % 11)
			ln_router_unsubscribe(subs[i]);
	}
	ln_router_count(&filters, &count);
	ck_assert_uint_eq(filters, (n + 10) / 11);
	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), i % 3 ? "f/%u/x" : "f/%u", i);
		broker_publish(text, "x", 0);
		ck_assert(sink_got(&sink, i % 11 == 0));
	}
	for (unsigned i = 0; i < n; i += 11)
		ln_router_unsubscribe(subs[i]);
	ln_free(subs);
	broker_end();
}
END_TEST

START_TEST(many_sinks_on_one_filter)
{
	enum { N = 2000 };
	static sink_t many[N];
	static ln_sub_t *subs[N], *wild[N];

	broker_begin(2);
	for (unsigned i = 0; i < N; i++) {
		sink_init(&many[i], i % 2);
		subs[i] = sink_subscribe(&many[i], "a/b", NULL, 1);
		wild[i] = sink_subscribe(&many[i], "a/+", NULL, 2);
	}
	for (unsigned round = 0; round < 4; round++) {
		broker_as(round % 2);
		broker_publish("a/b", "x", 2);
		broker_settle();
		for (unsigned i = 0; i < N; i++) {
			bool both = i >= round * 300;

			ck_assert(sink_got(&many[i], 1));
			ck_assert_uint_eq(many[i].subs, both ? 2 : 1);
			ck_assert_uint_eq(many[i].qos, both ? 2 : 1);
		}
		for (unsigned i = round * 300; i < round * 300 + 300; i++)
			sink_unsubscribe(&many[i], wild[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		sink_unsubscribe(&many[i], subs[i]);
		if (i >= 1200)
			sink_unsubscribe(&many[i], wild[i]);
	}
	broker_end();
}
END_TEST

START_TEST(memory_refused)
{
	uint64_t filters, count;
	ln_sub_t *sub;

	broker_begin(1);
	sink_init(&sink, 0);
	ln_mem_fail_after(1);
	ck_assert_int_eq(ln_router_subscribe(&sink.sink, LN_STR("a"), LN_STR(""), (ln_sub_options_t){ .qos = 0 }, &sub), LN_NO_MEMORY);
	ln_router_count(&filters, &count);
	ck_assert_uint_eq(filters + count, 0);
	broker_end();
}
END_TEST

LN_UNIT_MAIN("broker/router", one_worker, several_workers, more_workers_than_bits_of_a_word, texts_of_a_subscription, cache_notices,
             cache_overflows, the_longest, many_filters_come_and_go, many_sinks_on_one_filter, memory_refused)
