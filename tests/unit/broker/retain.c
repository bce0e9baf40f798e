/* Tests core/broker/retain.c: the map against a plain array, cursors against matching every topic, going back, limits, expiry, age, and
 * changes under a cursor's feet. */
#include <stdio.h>
#include <linnet/mem.h>
#include <linnet/retain.h>
#include <linnet/topic.h>
#include "unit.h"

static ln_worker_t worker = { .wall = 1000 };

static ln_result_t store_until(const char *topic, const char *payload, uint64_t expires)
{
	ln_msg_t m = ln_msg_borrow(ln_slice_of(topic), ln_slice(NULL, 0), ln_slice_of(payload));
	ln_result_t result;

	m.expires = expires;
	result = ln_retain_store(&worker, &m);
	ln_msg_release(&m);
	return result;
}

static ln_result_t store(const char *topic, const char *payload)
{
	return store_until(topic, payload, LN_NEVER);
}

static uint64_t count(void)
{
	uint64_t n, bytes;

	ln_retain_count(&n, &bytes);
	ck_assert_int_eq(n == 0, bytes == 0);
	return n;
}

/* Topics that FILTER's cursor finds, each followed by a blank, fetched BATCH at a time. */
static char *walk(const char *filter, unsigned batch)
{
	char *text = ln_alloc(1 << 16), *end = text;
	ln_retain_cursor_t c;
	ln_msg_t *found[32];
	unsigned n;

	ln_retain_cursor_init(&c, ln_slice_of(filter));
	while ((n = ln_retain_next(&c, found, batch, worker.wall)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			ln_slice_t topic = ln_msg_topic(found[i]);

			end += snprintf(end, 1024, "%.*s ", (int)topic.len, (const char *)topic.data);
			ln_msg_unref(found[i]);
		}
	}
	ck_assert(c.done);
	ck_assert_uint_eq(ln_retain_next(&c, found, batch, worker.wall), 0);
	ln_retain_cursor_fini(&c);
	return text;
}

static void finds(const char *filter, const char *want)
{
	for (unsigned batch = 1; batch <= 32; batch *= 2) {
		char *got = walk(filter, batch);

		ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", filter, got, want);
		ln_free(got);
	}
}

static void begin(void)
{
	ln_retain_init();
}

static void end(void)
{
	ln_retain_fini();
	ck_assert_uint_eq(count(), 0);
}

START_TEST(last_one_is_kept)
{
	ln_retain_cursor_t c;
	ln_msg_t *m[2];

	ln_unit_ok(store("a", "one"));
	ln_unit_ok(store("a", "two"));
	ck_assert_uint_eq(count(), 1);
	ln_retain_cursor_init(&c, LN_STR("a"));
	ck_assert_uint_eq(ln_retain_next(&c, m, 2, 0), 1);
	ln_unit_slice(ln_msg_payload(m[0]), "two");
	ln_unit_ok(store("a", ""));
	ln_unit_ok(store("never", ""));
	ck_assert_uint_eq(count(), 0);
	ln_unit_slice(ln_msg_payload(m[0]), "two");
	ln_msg_unref(m[0]);
	ln_retain_cursor_fini(&c);
}
END_TEST

START_TEST(filters_by_hand)
{
	static const char *const topics[] = { "a", "a/", "a/b", "a/b/c", "ab", "a b", "/", "/a", "$SYS/x", "b/c", "b", "a//b", "$", "%", "a\x01/b" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(topics); i++)
		ln_unit_ok(store(topics[i], "x"));
	finds("#", "/ /a % a a/ a//b a/b a/b/c a\x01/b a b ab b b/c ");
	finds("+", "% a a b ab b ");
	finds("a/#", "a a/ a//b a/b a/b/c ");
	finds("a/+", "a/ a/b ");
	finds("+/b", "a/b a\x01/b ");
	finds("+/+/#", "/ /a a/ a//b a/b a/b/c a\x01/b b/c ");
	finds("/#", "/ /a ");
	finds("/+", "/ /a ");
	finds("$SYS/#", "$SYS/x ");
	finds("$SYS/+", "$SYS/x ");
	finds("a//b", "a//b ");
	finds("a/+/b", "a//b ");
	finds("+/", "/ a/ ");
	finds("c/#", "");
	finds("a", "a ");
	finds("$", "$ ");
	finds("b/c/#", "b/c ");
}
END_TEST

START_TEST(back_gives_the_last_again)
{
	ln_retain_cursor_t c;
	ln_msg_t *m[4];

	ln_unit_ok(store("a/1", "x"));
	ln_unit_ok(store("a/2", "x"));
	ln_unit_ok(store("a/3", "x"));
	ln_retain_cursor_init(&c, LN_STR("a/#"));
	ck_assert_uint_eq(ln_retain_next(&c, m, 4, 0), 3);
	ck_assert(c.done);
	ln_retain_cursor_back(&c, ln_msg_topic(m[1]));
	for (unsigned i = 0; i < 3; i++)
		ln_msg_unref(m[i]);
	ck_assert_uint_eq(ln_retain_next(&c, m, 1, 0), 1);
	ln_unit_slice(ln_msg_topic(m[0]), "a/2");
	ln_msg_unref(m[0]);
	ln_unit_ok(store("a/3", ""));
	ln_unit_ok(store("a/25", "x"));
	ck_assert_uint_eq(ln_retain_next(&c, m, 4, 0), 1);
	ln_unit_slice(ln_msg_topic(m[0]), "a/25");
	ln_msg_unref(m[0]);
	ln_retain_cursor_fini(&c);
}
END_TEST

START_TEST(limits)
{
	uint64_t n, bytes;

	ln_unit_ok(store("a", "1"));
	ln_retain_count(&n, &bytes);
	ln_retain_set_limits((ln_retain_limits_t){ .count = 2 });
	ln_unit_ok(store("b", "1"));
	ck_assert_int_eq(store("c", "1"), LN_LIMIT);
	ln_unit_ok(store("b", "2"));
	ln_unit_ok(store("a", ""));
	ln_unit_ok(store("c", "1"));
	finds("#", "b c ");
	ln_retain_set_limits((ln_retain_limits_t){ .bytes = bytes * 2 + 10 });
	ck_assert_int_eq(store("d", "1"), LN_LIMIT);
	ck_assert_int_eq(store("c", "a rather long text, longer than there is room for"), LN_LIMIT);
	finds("c", "c ");
	ck_assert_uint_eq(count(), 2);
	ln_retain_set_limits((ln_retain_limits_t){ .count = 0 });
	ln_unit_ok(store("d", "1"));
}
END_TEST

START_TEST(memory_refused)
{
	for (unsigned n = 1; n <= 2; n++) {
		ln_mem_fail_after(n);
		ck_assert_int_eq(store("a", "1"), LN_NO_MEMORY);
		ck_assert_uint_eq(count(), 0);
	}
	ln_mem_fail_after(0);
	ln_unit_ok(store("a", "1"));
}
END_TEST

START_TEST(expired_and_old_ones_go)
{
	worker.wall = 1000;
	ln_unit_ok(store_until("a", "1", 2000));
	ln_unit_ok(store_until("b", "1", 3000));
	ln_unit_ok(store("c", "1"));
	worker.wall = 1999;
	finds("#", "a b c ");
	worker.wall = 2000;
	finds("a", "");
	ck_assert_uint_eq(count(), 2);
	ln_retain_set_limits((ln_retain_limits_t){ .age_ms = 5000 });
	worker.wall = 5500;
	ln_unit_ok(store("d", "1"));
	finds("#", "c d ");
	worker.wall = 6000;
	finds("#", "d ");
	ck_assert_uint_eq(count(), 1);
	ln_retain_set_limits((ln_retain_limits_t){ .count = 0 });
}
END_TEST

/* --- against every topic matched one by one -------------------------------------------------------------------------------------- */

#define TOPICS 400

static char topics[TOPICS][32];
static bool in[TOPICS];
static uint32_t seed = 23;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void draw_levels(char *dst, bool filter)
{
	static const char *const words[] = { "", "a", "b", "ab", "$", "$a", "!", "a!", "\x01", "c" };
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

/* '/' before everything else. */
static int in_order(const void *a, const void *b)
{
	const unsigned char *x = a, *y = b;

	while (*x && *x == *y)
		x++, y++;
	if (*x == *y)
		return 0;
	if (!*x || !*y)
		return *x ? 1 : -1;
	return (*x == '/' ? 0 : *x) < (*y == '/' ? 0 : *y) ? -1 : 1;
}

static void draw_topics(void)
{
	unsigned n = 0;

	while (n < TOPICS) {
		bool known = false;

		draw_levels(topics[n], false);
		for (unsigned i = 0; i < n; i++)
			known |= strcmp(topics[i], topics[n]) == 0;
		n += !known;
	}
	qsort(topics, TOPICS, sizeof(topics[0]), in_order);
}

static void check_filter(const char *filter)
{
	char *want = ln_alloc(1 << 16), *at = want, *got = walk(filter, 1 + draw(32));

	for (unsigned i = 0; i < TOPICS; i++) {
		if (in[i] && ln_filter_matches(ln_slice_of(filter), ln_slice_of(topics[i])))
			at += sprintf(at, "%s ", topics[i]);
	}
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", filter, got, want);
	ln_free(want);
	ln_free(got);
}

START_TEST(cursor_like_brute_force)
{
	char filter[64];
	unsigned n = 0;

	draw_topics();
	for (unsigned round = 0; round < 6000; round++) {
		unsigned i = draw(TOPICS);

		in[i] = draw(10) < (round / 1000 % 2 ? 8u : 3u);
		ln_unit_ok(store(topics[i], in[i] ? "x" : ""));
		draw_levels(filter, true);
		check_filter(filter);
	}
	for (unsigned i = 0; i < TOPICS; i++)
		n += in[i];
	ck_assert_uint_eq(count(), n);
}
END_TEST

/* A walk may miss or meet what changes meanwhile, but whatever stays is met once and in order. */
START_TEST(changes_meanwhile)
{
	draw_topics();
	for (unsigned i = 0; i < TOPICS; i++)
		ln_unit_ok(store(topics[i], "x"));
	for (unsigned round = 0; round < 300; round++) {
		bool met[TOPICS] = { false };
		ln_retain_cursor_t c;
		ln_msg_t *m[3];
		unsigned n, last = 0;

		ln_retain_cursor_init(&c, LN_STR("+/#"));
		while ((n = ln_retain_next(&c, m, 3, 0)) > 0) {
			for (unsigned k = 0; k < n; k++) {
				while (!ln_slice_eq(ln_msg_topic(m[k]), ln_slice_of(topics[last]))) {
					last++;
					ck_assert_uint_lt(last, TOPICS);
				}
				ck_assert(!met[last]);
				met[last] = true;
				ln_msg_unref(m[k]);
			}
			for (unsigned k = 0; k < 3; k++)
				ln_unit_ok(store(topics[draw(TOPICS / 2) * 2], draw(2) ? "x" : ""));
		}
		ln_retain_cursor_fini(&c);
		for (unsigned i = 1; i < TOPICS; i += 2)
			ck_assert_int_eq(met[i], topics[i][0] != '$');
	}
}
END_TEST

/* A filter that cannot match much must not look at everything. */
START_TEST(leaps)
{
	char topic[32];
	double began = (double)clock();
	ln_retain_cursor_t c;
	ln_msg_t *m[16];

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(topic, sizeof(topic), "%u/x/%u", i % 10, i);
		ln_unit_ok(store(topic, "x"));
	}
	ln_unit_ok(store("5/y", "x"));
	began = (double)clock();
	for (unsigned i = 0; i < 1000; i++) {
		ln_retain_cursor_init(&c, LN_STR("+/y"));
		ck_assert_uint_eq(ln_retain_next(&c, m, 16, 0), 1);
		ln_msg_unref(m[0]);
		ln_retain_cursor_fini(&c);
	}
	ck_assert_msg(((double)clock() - began) / CLOCKS_PER_SEC < 5, "a thousand walks in %.1f s",
	              ((double)clock() - began) / CLOCKS_PER_SEC);
}
END_TEST

START_TEST(the_longest_topic)
{
	char *slashes = ln_alloc(LN_TOPIC_MAX + 1);
	ln_retain_cursor_t c;
	ln_msg_t *m;

	memset(slashes, '/', LN_TOPIC_MAX);
	ln_unit_ok(store(slashes, "x"));
	ln_retain_cursor_init(&c, LN_STR("+/+/#"));
	ck_assert_uint_eq(ln_retain_next(&c, &m, 1, 0), 1);
	ck_assert_uint_eq(m->topic_len, LN_TOPIC_MAX);
	ln_msg_unref(m);
	ck_assert_uint_eq(ln_retain_next(&c, &m, 1, 0), 0);
	ln_retain_cursor_fini(&c);
	finds("/a/#", "");
	ln_free(slashes);
}
END_TEST

LN_UNIT_MAIN_WITH("broker/retain", begin, end, last_one_is_kept, filters_by_hand, back_gives_the_last_again, limits, memory_refused,
                  expired_and_old_ones_go, cursor_like_brute_force, changes_meanwhile, leaps, the_longest_topic)
