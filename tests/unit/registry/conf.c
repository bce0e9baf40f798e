/* What YAML a configuration may be, and the exact words about everything else. */
#include "conf_file.h"

static const struct {
	const char *text, *errors;
} broken[] = {
	{ "a: [1\nb: 2\n", "linnet.conf:3:1: flow sequence without a closing bracket\n" },
	{ "a: 1\n b: 2\n", "linnet.conf:1:4: invalid multiline plain key\n" },
	{ "a: 'x\n", "linnet.conf:1:5: single-quoted scalar without closing quote\n" },
	{ "a: @x\n", "linnet.conf:1:4: plain scalar cannot start with '@'\n" },
	{ "- a\n", "linnet.conf:1:3: expected \"name: value\" here\n" },
	{ "just words\n", "linnet.conf:1:1: expected \"name: value\" here\n" },
	{ "a: 1\n---\nb: 2\n", "linnet.conf:3:1: a second document (\"---\") in one file\n" },
	{ "a: 1\nb: 2\na: 3\n", "linnet.conf:3:1: \"a\" stands already at linnet.conf:1:1\n" },
	{ "s:\n  x: 1\n  y: 2\n  x: 3\n", "linnet.conf:4:3: \"x\" stands already at linnet.conf:2:3\n" },
	{ "a: !!str 1\n", "linnet.conf:1:10: tags (\"!\") are not understood here\n" },
	{ "a: *nowhere\n", "linnet.conf:1:4: this alias names no anchor, or what it stands in\n" },
	{ "a: 1\nb: */a\n", "linnet.conf:2:4: this alias names no anchor, or what it stands in\n" },
	{ "? [a]\n: b\n", "linnet.conf:1:4: a name must be a plain text\n" },
	{ "a: \"x\\0y\"\n", "linnet.conf:1:4: a text with a zero byte in it\n" },
	{ "a: 1\nb: \xc3(\n", "linnet.conf:2:1: this line is not valid UTF-8 text\n" },
	{ "a: &x { b: *x }\n", "linnet.conf:1:12: this alias names no anchor, or what it stands in\n" },
};

START_TEST(names_every_defect)
{
	for (size_t i = 0; i < LN_ARRAY_SIZE(broken); i++) {
		ln_conf_errors_t *errors = ln_conf_errors_create();
		conf_write("linnet.conf", broken[i].text);
		ln_conf_free(ln_conf_read("linnet.conf", errors));
		conf_assert_errors(errors, broken[i].errors);
		ln_conf_errors_destroy(errors);
	}
}
END_TEST

START_TEST(nothing_is_a_configuration)
{
	static const char *const texts[] = { "", "# nothing\n", "---\n", "~\n", "\n\n" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(texts); i++) {
		ln_conf_errors_t *errors = ln_conf_errors_create();
		ln_conf_file_t *file = conf_read_text(texts[i], errors);
		void *pos = NULL;
		ck_assert_ptr_null(ln_conf_next(file, NULL, &pos, NULL));
		ln_conf_free(file);
		ln_conf_errors_destroy(errors);
	}
}
END_TEST

START_TEST(keeps_order_and_places)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file =
		conf_read_text("first: 1\nsecond:\n  list: [x, \"y z\"]\n  none:\n  map: { e: f }\nthird: ~\n", errors);
	const ln_conf_node_t *second = ln_conf_get(file, NULL, "second"), *list = ln_conf_get(file, second, "list"),
			     *node;
	const char *name;
	void *pos = NULL;

	ck_assert_str_eq(ln_conf_text(ln_conf_next(file, NULL, &pos, &name)), "1");
	ck_assert_str_eq(name, "first");
	ck_assert_ptr_eq(ln_conf_next(file, NULL, &pos, &name), second);
	node = ln_conf_next(file, NULL, &pos, &name);
	ck_assert_str_eq(name, "third");
	ck_assert_ptr_null(ln_conf_text(node));
	ck_assert_ptr_null(ln_conf_next(file, NULL, &pos, &name));

	pos = NULL;
	ck_assert_str_eq(ln_conf_text(ln_conf_next(file, list, &pos, &name)), "x");
	ck_assert_ptr_null(name);
	node = ln_conf_next(file, list, &pos, NULL);
	ck_assert_str_eq(ln_conf_text(node), "y z");
	ln_conf_say(errors, node, "here");
	ln_conf_say(errors, ln_conf_get(file, second, "none"), "here");
	ln_conf_say(errors, ln_conf_get(file, second, "map"), "here");
	ln_conf_say(errors, ln_conf_get(file, ln_conf_get(file, second, "map"), "e"), "here");
	ln_conf_say(errors, NULL, "nowhere");
	conf_assert_errors(errors, "linnet.conf:3:13: here\nlinnet.conf:4:3: here\nlinnet.conf:5:3: "
				   "here\nlinnet.conf:5:13: here\nnowhere\n");
	ck_assert_ptr_null(ln_conf_get(file, list, "list"));
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(follows_aliases)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file = conf_read_text("a: &tls { key: k.pem }\nb: { tls: *tls }\nc: &tls 1\nd: *tls\n", errors);
	const ln_conf_node_t *tls = ln_conf_get(file, ln_conf_get(file, NULL, "b"), "tls");

	ck_assert_str_eq(ln_conf_text(ln_conf_get(file, tls, "key")), "k.pem");
	ck_assert_str_eq(ln_conf_text(ln_conf_get(file, NULL, "d")), "1");
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

/* Nine levels of nine aliases are 9⁹ nodes. */
START_TEST(refuses_a_billion_laughs)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	FILE *out = fopen("linnet.conf", "we");

	fprintf(out, "l0: &l0 lol\n");
	for (int i = 1; i < 10; i++)
		fprintf(out, "l%d: &l%d [*l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d]\n", i, i, i - 1, i - 1,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	fclose(out);
	ln_conf_free(ln_conf_read("linnet.conf", errors));
	ck_assert_uint_eq(ln_conf_errors_count(errors), 1);
	ck_assert_ptr_nonnull(strstr(ln_conf_errors_at(errors, 0), "too much configuration"));
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(reports_what_nobody_asked_for)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file = conf_read_text(
		"wrkers: 4\nmqtt: { x: 1 }\nmqqt: {}\nacl: { file: a }\nlisteners:\n  one: { adress: x }\n", errors);
	const ln_conf_node_t *one;

	ln_conf_get(file, NULL, "workers");
	ln_conf_get(file, NULL, "mqtt");
	one = ln_conf_get(file, ln_conf_get(file, NULL, "listeners"), "one");
	ln_conf_get(file, one, "address");
	ln_conf_check_unused(file, NULL, errors);
	ln_conf_check_unused(file, one, errors);
	ln_conf_check_unused(file, NULL, errors);
	conf_assert_errors(
		errors,
		"linnet.conf:1:1: unknown option \"wrkers\" (did you mean \"workers\"?)\n"
		"linnet.conf:3:1: unknown option \"mqqt\" (did you mean \"mqtt\"?)\n"
		"linnet.conf:4:1: section \"acl\" belongs to no loaded module: name the module in \"modules:\", "
		"say \"load: true\" (or \"load: false\") in the section, or remove it\n"
		"linnet.conf:6:10: unknown option \"adress\" in listeners.one (did you mean \"address\"?)\n");
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(refuses_depth)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	char text[256] = "a: ";

	memset(text + 3, '[', 62);
	memset(text + 65, ']', 62);
	ln_conf_free(conf_read_text(text, errors));
	memset(text + 3, '[', 66);
	memset(text + 69, ']', 66);
	conf_write("linnet.conf", text);
	ln_conf_free(ln_conf_read("linnet.conf", errors));
	ck_assert_uint_eq(ln_conf_errors_count(errors), 1);
	ln_conf_errors_destroy(errors);
}
END_TEST

LN_UNIT_MAIN_WITH("registry/conf", conf_setup, conf_teardown, names_every_defect, nothing_is_a_configuration,
		  keeps_order_and_places, follows_aliases, refuses_depth,
		  refuses_a_billion_laughs, reports_what_nobody_asked_for)
