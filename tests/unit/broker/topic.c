/* Tests core/broker/topic.c: what is a name, what is a filter, and matching against tables written by hand and a matcher of another
 * make (levels split into arrays, recursion). */
#include <linnet/mem.h>
#include <linnet/topic.h>
#include "unit.h"

static bool name_ok(const char *s)
{
	return ln_topic_valid(ln_slice_of(s));
}

static bool filter_ok(const char *s)
{
	return ln_filter_valid(ln_slice_of(s));
}

static bool matches(const char *filter, const char *name)
{
	return ln_filter_matches(ln_slice_of(filter), ln_slice_of(name));
}

START_TEST(valid_names)
{
	static const char *const good[] = { "a", "/", "//", "a/", "/a", "a//b", "$SYS/x", "$", " ", "a b/c", "\xc3\xa4/\xe2\x82\xac",
		                            "a\x01", "\xf0\x9f\x90\xa6" };
	static const char *const bad[] = { "", "+", "#", "a/+", "a/#", "a+b", "a#", "\xff", "a/\xc3", "\xed\xa0\x80", "\xc0\x80" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(good); i++)
		ck_assert_msg(name_ok(good[i]), "%s", good[i]);
	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(!name_ok(bad[i]), "%s", bad[i]);
	ck_assert(!ln_topic_valid(LN_STR("a\0b")));
}
END_TEST

START_TEST(valid_filters)
{
	static const char *const good[] = { "a", "/", "+", "#", "/#", "/+", "+/", "+/+", "a/+/b", "a/#", "+/#", "a//#", "$SYS/#", "a/+/",
		                            "//", "\xc3\xa4/+", "+/+/+/#" };
	static const char *const bad[] = { "", "a+", "+a", "a#", "#a", "##", "++", "#/", "#/a", "a/#/b", "a/b#", "a/+b/c", "a/b+/c",
		                           "+#", "a/#/", "/#/", "\xff/#", "#/#" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(good); i++)
		ck_assert_msg(filter_ok(good[i]), "%s", good[i]);
	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(!filter_ok(bad[i]), "%s", bad[i]);
	ck_assert(!ln_filter_valid(LN_STR("a\0/#")));
}
END_TEST

/* LEN bytes, all of them C, on the heap without a byte to spare. */
static ln_slice_t filled(char c, size_t len)
{
	uint8_t *bytes = ln_alloc(len);

	memset(bytes, c, len);
	return ln_slice(bytes, len);
}

START_TEST(the_longest)
{
	ln_slice_t a = filled('a', LN_TOPIC_MAX), slashes = filled('/', LN_TOPIC_MAX), over = filled('a', LN_TOPIC_MAX + 1);
	ln_levels_t levels = ln_levels(slashes);
	ln_slice_t level;
	unsigned n = 0;

	ck_assert(ln_topic_valid(a) && ln_filter_valid(a) && ln_filter_matches(a, a));
	ck_assert(ln_topic_valid(slashes) && ln_filter_valid(slashes) && ln_filter_matches(slashes, slashes));
	ck_assert(!ln_topic_valid(over) && !ln_filter_valid(over));
	ck_assert(!ln_filter_matches(a, slashes));
	ck_assert(ln_filter_matches(LN_STR("#"), slashes) && ln_filter_matches(LN_STR("//+/#"), slashes));
	ck_assert(!ln_filter_matches(LN_STR("/+"), slashes));
	ck_assert_uint_eq(ln_topic_levels(slashes), LN_TOPIC_MAX + 1);
	while (ln_levels_next(&levels, &level)) {
		ck_assert_uint_eq(level.len, 0);
		n++;
	}
	ck_assert_uint_eq(n, LN_TOPIC_MAX + 1);
	ln_free((void *)(uintptr_t)a.data);
	ln_free((void *)(uintptr_t)slashes.data);
	ln_free((void *)(uintptr_t)over.data);
}
END_TEST

START_TEST(levels_one_by_one)
{
	static const char *const want[] = { "", "a", "", "bc", "" };
	ln_levels_t levels = ln_levels(LN_STR("/a//bc/"));
	ln_slice_t level;
	unsigned n = 0;

	for (; ln_levels_next(&levels, &level); n++)
		ck_assert(ln_slice_eq(level, ln_slice_of(want[n])));
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(ln_topic_levels(LN_STR("/a//bc/")), 5);
	ck_assert_uint_eq(ln_topic_levels(LN_STR("a")), 1);
	ck_assert(ln_filter_wild(LN_STR("a/+")) && ln_filter_wild(LN_STR("#")) && !ln_filter_wild(LN_STR("a/b")));
}
END_TEST

START_TEST(matching_by_the_standard)
{
	static const struct { const char *filter, *name; bool yes; } rows[] = {
		{ "a/b", "a/b", true }, { "a/b", "a/c", false }, { "a", "a/", false }, { "a/", "a", false }, { "A", "a", false },
		/* '#': the parent and all below (4.7.1.2) */
		{ "sport/tennis/player1/#", "sport/tennis/player1", true },
		{ "sport/tennis/player1/#", "sport/tennis/player1/ranking", true },
		{ "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
		{ "sport/#", "sport", true }, { "sport/#", "sports", false }, { "#", "a", true }, { "#", "/", true }, { "#", "a/b/c", true },
		{ "/#", "/", true }, { "/#", "/a", true }, { "/#", "a", false }, { "a//#", "a", false }, { "a//#", "a/", true },
		{ "a/+/#", "a", false }, { "a/+/#", "a/b", true }, { "a/+/#", "a/", true }, { "+/#", "a", true },
		/* '+': one level, an empty one too (4.7.1.3) */
		{ "sport/tennis/+", "sport/tennis/player1", true }, { "sport/tennis/+", "sport/tennis/player1/ranking", false },
		{ "sport/+", "sport", false }, { "sport/+", "sport/", true }, { "+/+", "/finance", true }, { "/+", "/finance", true },
		{ "+", "/finance", false }, { "+", "a", true }, { "+/", "a/", true }, { "+/", "a", false }, { "+/b/+", "a/b/c", true },
		{ "+/b/+", "a/c/c", false }, { "+//+", "a//c", true }, { "+//+", "a/b/c", false }, { "+/+/+", "//", true },
		/* '$': no wildcard in front (4.7.2) */
		{ "#", "$SYS/a", false }, { "+/a", "$SYS/a", false }, { "+/#", "$SYS", false }, { "#", "$", false }, { "+", "$", false },
		{ "$SYS/#", "$SYS/a", true }, { "$SYS/#", "$SYS", true }, { "$SYS/+", "$SYS/a", true }, { "$SYS/a", "$SYS/a", true },
		{ "+/$x", "a/$x", true }, { "a/#", "a/$x", true }, { "/#", "/$x", true }, { "a/+", "a/$", true },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(rows); i++)
		ck_assert_msg(matches(rows[i].filter, rows[i].name) == rows[i].yes, "%s and %s", rows[i].filter, rows[i].name);
}
END_TEST

/* --- the other matcher ---------------------------------------------------------------------------------------------------------- */

typedef struct levels {
	char text[16][8];
	unsigned count;
} levels_t;

static levels_t split(const char *s)
{
	levels_t l = { .count = 1 };
	unsigned at = 0;

	for (; *s; s++) {
		if (*s == '/') {
			l.count++;
			at = 0;
		} else {
			l.text[l.count - 1][at++] = *s;
		}
	}
	return l;
}

static bool agree(const levels_t *f, unsigned i, const levels_t *n, unsigned j)
{
	if (i == f->count)
		return j == n->count;
	if (strcmp(f->text[i], "#") == 0)
		return true;
	if (j == n->count)
		return false;
	return (strcmp(f->text[i], "+") == 0 || strcmp(f->text[i], n->text[j]) == 0) && agree(f, i + 1, n, j + 1);
}

static bool other_matches(const char *filter, const char *name)
{
	levels_t f = split(filter), n = split(name);

	if (name[0] == '$' && (filter[0] == '+' || filter[0] == '#'))
		return false;
	return agree(&f, 0, &n, 0);
}

static uint32_t seed = 11;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* One to five levels from a few words, in a filter with wildcards now and then. */
static void draw_levels(char *dst, bool filter)
{
	static const char *const words[] = { "", "a", "b", "ab", "$", "$a" };
	unsigned levels = 1 + draw(5);

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

START_TEST(matching_like_another)
{
	char filter[64], name[64];
	unsigned hits = 0;

	for (unsigned i = 0; i < 200000; i++) {
		draw_levels(filter, true);
		draw_levels(name, false);
		ck_assert_msg(filter_ok(filter) && name_ok(name), "%s, %s", filter, name);
		ck_assert_msg(matches(filter, name) == other_matches(filter, name), "%s and %s", filter, name);
		hits += matches(filter, name);
	}
	ck_assert_uint_gt(hits, 10000);
}
END_TEST

START_TEST(shared_subscriptions)
{
	static const char *const broken[] = { "$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a",
		                              "$share/g+/a", "$share/a#b/c" };
	static const char *const plain[] = { "a", "$shared/g/a", "share/g/a", "$SHARE/g/a", "", "$", "$queue/a" };
	ln_slice_t group, filter;

	for (size_t i = 0; i < LN_ARRAY_SIZE(broken); i++)
		ck_assert_msg(ln_filter_split_shared(ln_slice_of(broken[i]), &group, &filter) == LN_MALFORMED, "%s", broken[i]);
	for (size_t i = 0; i < LN_ARRAY_SIZE(plain); i++)
		ck_assert_msg(ln_filter_split_shared(ln_slice_of(plain[i]), &group, &filter) == LN_NOT_FOUND, "%s", plain[i]);
	ln_unit_ok(ln_filter_split_shared(LN_STR("$share/g/a/+/b"), &group, &filter));
	ln_unit_slice(group, "g");
	ln_unit_slice(filter, "a/+/b");
	ln_unit_ok(ln_filter_split_shared(LN_STR("$share/group//"), &group, &filter));
	ln_unit_slice(group, "group");
	ln_unit_slice(filter, "/");
	ln_unit_ok(ln_filter_split_shared(LN_STR("$share/g/$share/h/x"), &group, &filter));
	ln_unit_slice(filter, "$share/h/x");
}
END_TEST

LN_UNIT_MAIN("broker/topic", valid_names, valid_filters, the_longest, levels_one_by_one, matching_by_the_standard,
             matching_like_another, shared_subscriptions)
