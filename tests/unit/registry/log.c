/* Lines as they reach the file, whatever is put into them. */
#include <pthread.h>
#include <sys/stat.h>
#include <stdio.h>
#include <linnet/clock.h>
#include <linnet/log.h>
#include <linnet/worker.h>
#include "support/unit.h"

LN_LOGDEF_DECLARE(TEST_WORDS, NOTICE, "words: %s", "A test speaks.")
LN_LOGDEF_DECLARE(TEST_NUMBER, DEBUG, "number %d of %u", "A test counts.")
LN_LOGDEF_DECLARE(TEST_PLAIN, ERROR, "nothing to say", "A test is short.")

static const ln_logdef_t table[] = {
	LN_LOGDEF_ROW(TEST_WORDS, NOTICE, "words: %s", "A test speaks.")
	LN_LOGDEF_ROW(TEST_NUMBER, DEBUG, "number %d of %u", "A test counts.")
	LN_LOGDEF_END
};

static char path[64], got[65536];
/* The subject of a connection, as net/ supplies it. */
struct ln_conn {
	const char *words;
};
static struct ln_conn conn = { "w2 c1841 dev-17 10.0.0.9:4711" };

void ln_conn_describe(const void *object, char *dst, size_t size)
{
	snprintf(dst, size, "%s", ((const struct ln_conn *)object)->words);
}

void ln_session_describe(const void *object, char *dst, size_t size)
{
	snprintf(dst, size, "session %p", object);
}

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/linnet-log-%d", (int)getpid());
}

static void teardown(void)
{
	unlink(path);
}

static const char *slurp(const char *name)
{
	FILE *in = fopen(name, "re");
	size_t n = in ? fread(got, 1, sizeof(got) - 1, in) : 0;

	ck_assert_ptr_nonnull(in);
	fclose(in);
	got[n] = '\0';
	return got;
}

/* LINE begins with a time of this form; returns what follows it. */
static const char *after_time(const char *line)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	for (size_t i = 0; form[i]; i++)
		ck_assert_msg(form[i] == 'd' ? line[i] >= '0' && line[i] <= '9' : line[i] == form[i], "no time: %s",
			      line);
	return line + sizeof(form) - 1;
}

START_TEST(text_lines)
{
	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_NOTICE));
	ln_log(&conn, TEST_WORDS, "malformed");
	ck_assert_str_eq(after_time(slurp(path)),
			 " notice TEST_WORDS [w2 c1841 dev-17 10.0.0.9:4711] words: malformed\n");
}
END_TEST

START_TEST(json_lines)
{
	ln_unit_ok(ln_log_open(path, LN_LOG_JSON, LN_LOG_NOTICE));
	ln_log(&conn, TEST_WORDS, "a \"b\" \\ c/\xc3\xa4");
	slurp(path);
	ck_assert_int_eq(strncmp(got, "{\"time\":\"", 9), 0);
	ck_assert_str_eq(after_time(got + 9),
			 "\",\"level\":\"notice\",\"id\":\"TEST_WORDS\",\"subject\":\"w2 c1841 dev-17 10.0.0.9:4711\","
			 "\"text\":\"words: a \\\"b\\\" \\\\ c/\xc3\xa4\"}\n");
}
END_TEST

START_TEST(the_time_is_utc)
{
	time_t before = time(NULL), then;
	struct tm tm = { 0 };

	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_NOTICE));
	ln_log(NULL, TEST_PLAIN);
	ck_assert_ptr_nonnull(strptime(slurp(path), "%Y-%m-%dT%H:%M:%S", &tm));
	then = timegm(&tm);
	ck_assert(then >= before - 1 && then <= time(NULL) + 1);
}
END_TEST

START_TEST(below_the_level_nothing_is_written)
{
	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_INFO));
	ln_log(NULL, TEST_NUMBER, 1, 2u);
	ck_assert_str_eq(slurp(path), "");
	ln_log_level = LN_LOG_DEBUG;
	ln_log(NULL, TEST_NUMBER, 1, 2u);
	ck_assert_str_eq(after_time(slurp(path)), " debug TEST_NUMBER [main] number 1 of 2\n");
}
END_TEST

START_TEST(only_clean_utf8_on_one_line)
{
	static const char evil[] = "line\nforged\x1b[31m \xff\xc3( \xed\xa0\x80 \xe2\x80\xa8 ok \xe2\x82\xac";
	ln_log_format_t formats[] = { LN_LOG_TEXT, LN_LOG_JSON };

	for (int i = 0; i < 2; i++) {
		unlink(path);
		ln_unit_ok(ln_log_open(path, formats[i], LN_LOG_NOTICE));
		conn.words = evil;
		ln_log(&conn, TEST_WORDS, evil);
		slurp(path);
		ck_assert_ptr_eq(strchr(got, '\n'), got + strlen(got) - 1);
		got[strlen(got) - 1] = '\0';
		ck_assert_int_eq(ln_utf8_check(ln_slice_of(got)), LN_UTF8_OK);
		ck_assert_ptr_nonnull(strstr(got, i ? "words: line\\\\x0aforged\\\\x1b[31m \\\\xff"
						    : "words: line\\x0aforged\\x1b[31m \\xff"));
		ck_assert_ptr_nonnull(strstr(got, "\xe2\x82\xac"));
	}
}
END_TEST

/* Every length around the limit, each ending in a character of three bytes. */
START_TEST(long_texts_are_cut_cleanly)
{
	static char words[4096];

	for (size_t len = 1970; len < 2080; len++) {
		memset(words, 'x', len);
		memcpy(words + len, "\xe2\x82\xac\xe2\x82\xac", 7);
		unlink(path);
		ln_unit_ok(ln_log_open(path, LN_LOG_JSON, LN_LOG_NOTICE));
		ln_log(NULL, TEST_WORDS, words);
		slurp(path);
		ck_assert_int_eq(ln_utf8_check(ln_slice(got, strlen(got) - 1)), LN_UTF8_OK);
		ck_assert_str_eq(got + strlen(got) - 3, "\"}\n");
		ck_assert_int_eq(strstr(got, "\xe2\x80\xa6") != NULL, len + 13 >= 2000);
	}
	/* The worst a line can hold still fits: all escapes. */
	memset(words, '"', sizeof(words) - 1);
	conn.words = words;
	ln_log(&conn, TEST_WORDS, words);
}
END_TEST

enum { THREADS = 8, LINES = 500 };

static void *shout(void *unused)
{
	char words[400];

	memset(words, 'y', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (int i = 0; i < LINES; i++)
		ln_log(NULL, TEST_WORDS, words);
	return unused;
}

START_TEST(threads_do_not_mix_lines)
{
	pthread_t thread[THREADS];
	char line[1024];
	FILE *in;
	int count = 0;

	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_NOTICE));
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, shout, NULL), 0);
	for (int i = 0; i < 50; i++)
		ln_unit_ok(ln_log_reopen());
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	in = fopen(path, "re");
	for (; fgets(line, sizeof(line), in); count++) {
		const char *rest = after_time(line);
		ck_assert_uint_eq(strlen(rest), strlen(" notice TEST_WORDS [job] words: ") + 399 + 1);
		ck_assert_int_eq(strncmp(rest, " notice TEST_WORDS [job] words: y", 33), 0);
	}
	fclose(in);
	ck_assert_int_eq(count, THREADS * LINES);
}
END_TEST

START_TEST(reopens_what_was_moved)
{
	char moved[80];

	snprintf(moved, sizeof(moved), "%s.1", path);
	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_NOTICE));
	ln_log(NULL, TEST_WORDS, "one");
	ck_assert_int_eq(rename(path, moved), 0);
	ln_log(NULL, TEST_WORDS, "two");
	ln_unit_ok(ln_log_reopen());
	ln_log(NULL, TEST_WORDS, "three");
	ck_assert_ptr_nonnull(strstr(slurp(moved), "words: two\n"));
	ck_assert_ptr_null(strstr(got, "three"));
	ck_assert_str_eq(after_time(slurp(path)), " notice TEST_WORDS [main] words: three\n");
	unlink(moved);
}
END_TEST

START_TEST(a_bad_path_changes_nothing)
{
	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_NOTICE));
	ck_assert_int_eq(ln_log_open("/nonexistent/log", LN_LOG_JSON, LN_LOG_DEBUG), LN_SYSTEM);
	ck_assert_int_eq(ln_log_level, LN_LOG_NOTICE);
	ln_log(NULL, TEST_WORDS, "here");
	ck_assert_str_eq(after_time(slurp(path)), " notice TEST_WORDS [main] words: here\n");
	ln_unit_ok(ln_log_open(NULL, LN_LOG_TEXT, LN_LOG_NOTICE));
	ln_unit_ok(ln_log_reopen());
}
END_TEST

START_TEST(workers_describe_themselves)
{
	ln_worker_t two = { .index = 2 }, main_loop = { .index = LN_MAIN_INDEX };
	char words[16];

	ln_worker_describe(&two, words, sizeof(words));
	ck_assert_str_eq(words, "w2");
	ln_worker_describe(&main_loop, words, sizeof(words));
	ck_assert_str_eq(words, "main");
	ln_worker_current = &two;
	ln_worker_describe(NULL, words, sizeof(words));
	ck_assert_str_eq(words, "w2");
	ln_worker_current = NULL;
	ln_worker_describe(NULL, words, sizeof(words));
	ck_assert_str_eq(words, "main");
}
END_TEST

static void join_ids(const char *prefix, const ln_logdef_t *def, void *ctx)
{
	strcat(ctx, prefix);
	strcat(ctx, ":");
	strcat(ctx, def->id);
	strcat(ctx, " ");
}

START_TEST(catalogues_can_be_walked)
{
	char words[256] = "";

	ln_log_register("a", table);
	ln_log_register("b", table + 1);
	ln_log_each(join_ids, words);
	ck_assert_str_eq(words, "a:TEST_WORDS a:TEST_NUMBER b:TEST_NUMBER ");
	ln_logs_clear();
	ln_log_each(join_ids, words);
	ck_assert_str_eq(words, "a:TEST_WORDS a:TEST_NUMBER b:TEST_NUMBER ");
}
END_TEST

LN_UNIT_MAIN_WITH("registry/log", setup, teardown, text_lines, json_lines, the_time_is_utc,
		  below_the_level_nothing_is_written, only_clean_utf8_on_one_line, long_texts_are_cut_cleanly,
		  threads_do_not_mix_lines, reopens_what_was_moved, a_bad_path_changes_nothing,
		  workers_describe_themselves, catalogues_can_be_walked)
