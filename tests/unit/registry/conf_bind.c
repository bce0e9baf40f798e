/* Tables, structs and every way a value can be wrong. */
#include "conf_file.h"

typedef struct sample {
	bool on;
	uint32_t count;
	uint64_t big;
	ln_bytes_t packet_max;
	ln_span_t keep_alive;
	ln_choice_t durability;
	char *name;
	char *key;
	ln_strings_t topics;
	uint32_t workers;
} sample_t;

static const char *const durabilities[] = { "always", "interval", "never", NULL };
static const ln_conf_item_t items[] = {
	LN_CONF(sample_t, on, "yes", "A switch.", .reload = true),
	LN_CONF(sample_t, count, "3", "A number.", .min = 1, .max = 100, .reload = true),
	LN_CONF(sample_t, big, "5000000000", "A large number."),
	LN_CONF(sample_t, packet_max, "1M", "A size.", .min = 128, .max = 268435456, .reload = true, .listener = true),
	LN_CONF(sample_t, keep_alive, "1m", "A time.", .min = 1000, .max = 3600000),
	LN_CONF(sample_t, durability, "always", "A choice.", .choices = durabilities, .reload = true),
	LN_CONF(sample_t, name, "linnet", "A text.", .reload = true),
	LN_CONF(sample_t, key, NULL, "A file.", .path = true, .listener = true),
	LN_CONF(sample_t, topics, "[a/b, c]", "A list.", .reload = true),
	LN_CONF(sample_t, workers, "auto", "Threads.", .min = 2, .max = 64, .zero = "auto"),
	LN_CONF_END,
};

/* PATH is NAME in this directory. */
static void assert_here(const char *path, const char *name)
{
	char want[4200], cwd[4000];

	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/%s", cwd, name);
	ck_assert_str_eq(path, want);
}

/* Binds TEXT (a section "s") over the defaults; the errors must be LINES. */
static sample_t bind_text(const char *text, bool listener_only, const char *lines)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file = conf_read_text(text, errors);
	sample_t s = { 0 };

	ln_conf_defaults(items, &s);
	ln_conf_bind(file, items, &s, ln_conf_get(file, NULL, "s"), listener_only, errors);
	if (ln_conf_is_mapping(ln_conf_get(file, NULL, "s")))
		ln_conf_check_unused(file, ln_conf_get(file, NULL, "s"), errors);
	conf_assert_errors(errors, lines);
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
	return s;
}

static void assert_defaults(const sample_t *s)
{
	ck_assert(s->on);
	ck_assert_uint_eq(s->count, 3);
	ck_assert_uint_eq(s->big, 5000000000);
	ck_assert_uint_eq(s->packet_max.n, 1 << 20);
	ck_assert_uint_eq(s->keep_alive.ms, 60000);
	ck_assert_int_eq(s->durability.value, 0);
	ck_assert_str_eq(s->name, "linnet");
	ck_assert_ptr_null(s->key);
	ck_assert_uint_eq(s->topics.count, 2);
	ck_assert_str_eq(s->topics.item[0], "a/b");
	ck_assert_str_eq(s->topics.item[1], "c");
	ck_assert_uint_eq(s->workers, 0);
}

START_TEST(defaults_stand_without_a_section)
{
	static const char *const texts[] = { "", "s:\n", "s: {}\n", "s: ~\n" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(texts); i++) {
		sample_t s = bind_text(texts[i], false, "");
		assert_defaults(&s);
		ln_conf_clear(items, &s);
		ck_assert_ptr_null(s.name);
		ck_assert_uint_eq(s.topics.count, 0);
	}
}
END_TEST

START_TEST(sets_every_type)
{
	sample_t s = bind_text(
		"s:\n  on: off\n  count: 100\n  big: 18446744073709551615\n  packet-max: 64k\n  keep-alive: 2m\n"
		"  durability: never\n  name: \"x: y\"\n  key: key.pem\n  topics: one\n  workers: 2\n",
		false, "");

	ck_assert(!s.on);
	ck_assert_uint_eq(s.count, 100);
	ck_assert_uint_eq(s.big, UINT64_MAX);
	ck_assert_uint_eq(s.packet_max.n, 65536);
	ck_assert_uint_eq(s.keep_alive.ms, 120000);
	ck_assert_int_eq(s.durability.value, 2);
	ck_assert_str_eq(s.name, "x: y");
	assert_here(s.key, "key.pem");
	ck_assert_uint_eq(s.topics.count, 1);
	ck_assert_str_eq(s.topics.item[0], "one");
	ck_assert_uint_eq(s.workers, 2);
	ln_conf_clear(items, &s);
}
END_TEST

START_TEST(words_lists_and_nothing)
{
	sample_t s =
		bind_text("s: { workers: auto, topics: [], key: ~, packet-max: 128, keep-alive: 1h }\n", false, "");

	ck_assert_uint_eq(s.workers, 0);
	ck_assert_uint_eq(s.topics.count, 0);
	ck_assert_ptr_null(s.key);
	ln_conf_clear(items, &s);
	s = bind_text("s: { workers: 0, topics: ~ }\n", false, "");
	ck_assert_uint_eq(s.topics.count, 0);
	ln_conf_clear(items, &s);
}
END_TEST

START_TEST(paths_begin_at_their_file)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file;
	sample_t s = { 0 };

	ck_assert_int_eq(mkdir("etc", 0700), 0);
	conf_write("linnet.conf", "include: etc/s.conf\n");
	conf_write("etc/s.conf", "s: { key: pki/key.pem, name: pki/key.pem }\n");
	file = ln_conf_read("linnet.conf", errors);
	ln_conf_defaults(items, &s);
	ln_conf_bind(file, items, &s, ln_conf_get(file, NULL, "s"), false, errors);
	assert_here(s.key, "etc/pki/key.pem");
	ck_assert_str_eq(s.name, "pki/key.pem");
	conf_assert_errors(errors, "");
	ln_conf_clear(items, &s);
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

#define BAD(option, value, column, expected, got)                                                         \
	{                                                                                                 \
		"s:\n  " option ": " value "\n",                                                          \
			"linnet.conf:2:" column ": " option " in s: expected " expected ", got " got "\n" \
	}
#define RANGE "a size (such as 64K or 1M) from 128 to 256M"
#define TIME "a time (such as 500ms, 10s or 5m) from 1s to 1h"

static const struct {
	const char *text, *errors;
} broken[] = {
	BAD("on", "maybe", "7", "yes or no", "\"maybe\""),
	BAD("on", "", "3", "yes or no", "nothing"),
	BAD("on", "[yes]", "3", "yes or no", "a list"),
	BAD("count", "0", "10", "a whole number from 1 to 100", "\"0\""),
	BAD("count", "101", "10", "a whole number from 1 to 100", "\"101\""),
	BAD("count", "-1", "10", "a whole number from 1 to 100", "\"-1\""),
	BAD("count", "1.5", "10", "a whole number from 1 to 100", "\"1.5\""),
	BAD("count", "4294967297", "10", "a whole number from 1 to 100", "\"4294967297\""),
	BAD("big", "18446744073709551616", "8", "a whole number", "\"18446744073709551616\""),
	BAD("packet-max", "127", "15", RANGE, "\"127\""),
	BAD("packet-max", "257M", "15", RANGE, "\"257M\""),
	BAD("packet-max", "17592186044416M", "15", RANGE, "\"17592186044416M\""),
	BAD("packet-max", "12X", "15", RANGE, "\"12X\""),
	BAD("packet-max", "{}", "3", RANGE, "a section"),
	BAD("keep-alive", "60", "15", TIME, "\"60\""),
	BAD("keep-alive", "2h", "15", TIME, "\"2h\""),
	BAD("keep-alive", "1M", "15", TIME, "\"1M\""),
	BAD("durability", "sometimes", "15", "one of always, interval, never", "\"sometimes\""),
	BAD("name", "", "3", "a text", "nothing"),
	BAD("name", "[a]", "3", "a text", "a list"),
	BAD("topics", "{ a: b }", "3", "a text or a list of texts", "a section"),
	BAD("topics", "[a, [b]]", "3", "a text or a list of texts", "a list"),
	BAD("workers", "1", "12", "a whole number from 2 to 64 or \"auto\"", "\"1\""),
	{ "s:\n  packt-max: 1M\n",
	  "linnet.conf:2:3: unknown option \"packt-max\" in s (did you mean \"packet-max\"?)\n" },
	{ "s:\n  packet_max: 1M\n",
	  "linnet.conf:2:3: unknown option \"packet_max\" in s (did you mean \"packet-max\"?)\n" },
	{ "s:\n  colour: red\n", "linnet.conf:2:3: unknown option \"colour\" in s\n" },
	{ "s: on\n", "linnet.conf:1:4: s: expected a section (\"name: value\" lines)\n" },
	{ "s: [on]\n", "linnet.conf:1:1: s: expected a section (\"name: value\" lines)\n" },
};

START_TEST(names_every_bad_value_and_keeps_the_old)
{
	for (size_t i = 0; i < LN_ARRAY_SIZE(broken); i++) {
		sample_t s = bind_text(broken[i].text, false, broken[i].errors);
		assert_defaults(&s);
		ln_conf_clear(items, &s);
	}
}
END_TEST

START_TEST(says_all_errors_of_a_section)
{
	sample_t s = bind_text("s:\n  count: x\n  nam: y\n  on: z\n", false,
			       "linnet.conf:2:10: count in s: expected a whole number from 1 to 100, got \"x\"\n"
			       "linnet.conf:3:3: unknown option \"nam\" in s (did you mean \"name\"?)\n"
			       "linnet.conf:4:7: on in s: expected yes or no, got \"z\"\n");
	ln_conf_clear(items, &s);
}
END_TEST

START_TEST(what_is_said_is_printable)
{
	sample_t s = bind_text("s:\n  on: \"\\e[31m\"\n", false,
			       "linnet.conf:2:7: on in s: expected yes or no, got \"\\x1b[31m\"\n");

	ln_conf_clear(items, &s);
}
END_TEST

START_TEST(listeners_may_say_some)
{
	sample_t s = bind_text("s: { key: k }\n", true, "");

	assert_here(s.key, "k");
	ln_conf_clear(items, &s);
	s = bind_text(
		"s: { count: 1, cont: 2, packet-mx: 3 }\n", true,
		"linnet.conf:1:6: \"count\" cannot differ between listeners: set it in the section \"s\" of its own\n"
		"linnet.conf:1:16: unknown option \"cont\" in s\n"
		"linnet.conf:1:25: unknown option \"packet-mx\" in s (did you mean \"packet-max\"?)\n");
	ln_conf_clear(items, &s);
}
END_TEST

START_TEST(members_of_others_are_left_alone)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file = conf_read_text("s: { count: 2, tls: { key: x } }\ncount: 7\nother: 1\n", errors);
	const ln_conf_node_t *section = ln_conf_get(file, NULL, "s");
	sample_t s = { 0 };

	ln_conf_defaults(items, &s);
	ln_conf_get(file, section, "tls");
	ln_conf_bind(file, items, &s, section, false, errors);
	ck_assert_uint_eq(s.count, 2);
	ln_conf_bind(file, items, &s, ln_conf_top(file), false, errors);
	ck_assert_uint_eq(s.count, 7);
	conf_assert_errors(errors, "");
	ln_conf_check_unused(file, NULL, errors);
	conf_assert_errors(errors, "linnet.conf:3:1: unknown option \"other\"\n");
	ln_conf_clear(items, &s);
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(copies_are_deep)
{
	sample_t a = bind_text("s: { key: k, topics: [x, y] }\n", false, ""), b;

	ln_conf_copy(items, &b, &a, sizeof(a));
	ck_assert_uint_eq(ln_conf_diff(items, &a, &b, "s", NULL), 0);
	ln_conf_clear(items, &a);
	assert_here(b.key, "k");
	ck_assert_str_eq(b.topics.item[1], "y");
	ln_conf_clear(items, &b);
}
END_TEST

START_TEST(diff_refuses_what_is_fixed)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	sample_t a = bind_text("", false, "");
	sample_t b = bind_text("s: { on: no, packet-max: 2M, keep-alive: 90s, topics: [a/b], key: '', workers: 4 }\n",
			       false, "");

	ck_assert_uint_eq(ln_conf_diff(items, &a, &b, "s", errors), 6);
	conf_assert_errors(
		errors,
		"s: keep-alive: cannot change from 1m to 90s while the broker runs: restart it, or set it back\n"
		"s: key: cannot change from ~ to \"\" while the broker runs: restart it, or set it back\n"
		"s: workers: cannot change from auto to 4 while the broker runs: restart it, or set it back\n");
	ln_conf_clear(items, &a);
	ln_conf_clear(items, &b);
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(a_default_must_be_right)
{
	static const ln_conf_item_t wrong[] = { LN_CONF(sample_t, count, "1000", "Too many.", .max = 100),
						LN_CONF_END };
	sample_t s = { 0 };

	ln_unit_aborts(ln_conf_defaults(wrong, &s));
}
END_TEST

LN_UNIT_MAIN_WITH("registry/conf_bind", conf_setup, conf_teardown, defaults_stand_without_a_section, sets_every_type,
		  words_lists_and_nothing, paths_begin_at_their_file, names_every_bad_value_and_keeps_the_old,
		  says_all_errors_of_a_section, what_is_said_is_printable, listeners_may_say_some,
		  members_of_others_are_left_alone, copies_are_deep, diff_refuses_what_is_fixed,
		  a_default_must_be_right)
