/* Files that include files. */
#include "conf_file.h"

static void make_dir(const char *name)
{
	ck_assert_int_eq(mkdir(name, 0700), 0);
}

/* Reads linnet.conf: with exactly these errors, and a tree or none. */
static ln_conf_file_t *read_with(const char *lines, bool tree)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file = ln_conf_read("linnet.conf", errors);

	conf_assert_errors(errors, lines);
	ck_assert_int_eq(file != NULL, tree);
	ln_conf_errors_destroy(errors);
	return file;
}

static void assert_top(const ln_conf_file_t *file, const char *names)
{
	char got[256] = "";
	const char *name;
	void *pos = NULL;

	while (ln_conf_next(file, NULL, &pos, &name)) {
		strcat(got, name);
		strcat(got, " ");
	}
	ck_assert_str_eq(got, names);
}

START_TEST(joins_sorted_files)
{
	ln_conf_file_t *file;

	make_dir("conf.d");
	make_dir("conf.d/more");
	conf_write("linnet.conf", "include: [conf.d/*.conf, none.d/*.conf, single.conf]\na: 1\n");
	conf_write("conf.d/20.conf", "c: 1\n");
	conf_write("conf.d/10.conf", "b: 1\ninclude: more/*\n");
	conf_write("conf.d/more/x", "m: 1\n");
	conf_write("conf.d/30.conf~", "never: 1\n");
	conf_write("single.conf", "# nothing here\n");
	file = read_with("", true);
	assert_top(file, "a b m c ");
	ln_conf_free(file);
}
END_TEST

START_TEST(names_both_places_of_a_double)
{
	make_dir("conf.d");
	conf_write("linnet.conf", "include: conf.d/*.conf\n");
	conf_write("conf.d/a.conf", "# first\nmqtt: { load: yes }\n");
	conf_write("conf.d/b.conf", "mqtt: { load: no }\n");
	ln_conf_free(read_with("conf.d/b.conf:1:1: \"mqtt\" stands already at conf.d/a.conf:2:1\n", true));
}
END_TEST

START_TEST(wants_what_is_named_plainly)
{
	conf_write("linnet.conf", "include: [gone.conf, gone.d/*.conf]\n");
	read_with("linnet.conf:1:11: cannot read \"gone.conf\": No such file or directory\n", false);
	make_dir("sub");
	conf_write("linnet.conf", "x: 1\ninclude: sub\n");
	read_with("linnet.conf:2:10: cannot read \"sub\": Is a directory\n", false);
	conf_write("linnet.conf", "include: { a: b }\n");
	ln_conf_free(read_with("linnet.conf:1:1: include: expected a file name, a pattern or a list of them\n", true));
	ck_assert_int_eq(unlink("linnet.conf"), 0);
	read_with("linnet.conf: cannot read: No such file or directory\n", false);
}
END_TEST

START_TEST(refuses_circles)
{
	conf_write("linnet.conf", "include: b.conf\n");
	conf_write("b.conf", "include: ./linnet.conf\n");
	read_with("b.conf:1:10: cannot read \"./linnet.conf\": it includes itself\n", false);
}
END_TEST

START_TEST(refuses_depth)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();

	for (int i = 0; i < 10; i++) {
		char name[32], text[64];
		snprintf(name, sizeof(name), "d%d.conf", i);
		snprintf(text, sizeof(text), "n%d: 1\n%s d%d.conf\n", i, i < 9 ? "include:" : "# end", i + 1);
		conf_write(name, text);
	}
	ck_assert_ptr_null(ln_conf_read("d0.conf", errors));
	conf_assert_errors(errors, "d8.conf:2:10: cannot read \"d9.conf\": included more than eight files deep\n");
	ln_conf_errors_destroy(errors);
	errors = ln_conf_errors_create();
	ln_conf_file_t *file = ln_conf_read("d1.conf", errors);
	conf_assert_errors(errors, "");
	assert_top(file, "n1 n2 n3 n4 n5 n6 n7 n8 n9 ");
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(errors_of_all_files_come_at_once)
{
	conf_write("linnet.conf", "include: [a.conf, b.conf]\n");
	conf_write("a.conf", "x: [\n");
	conf_write("b.conf", "y: @\n");
	read_with(
		"a.conf:2:1: flow sequence without a closing bracket\nb.conf:1:4: plain scalar cannot start with '@'\n",
		false);
}
END_TEST

START_TEST(wildcards_in_the_directory_are_letters)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file;

	make_dir("od[d]*");
	conf_write("od[d]*/linnet.conf", "include: '*.inc'\n");
	conf_write("od[d]*/x.inc", "x: 1\n");
	file = ln_conf_read("od[d]*/linnet.conf", errors);
	conf_assert_errors(errors, "");
	assert_top(file, "x ");
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

LN_UNIT_MAIN_WITH("registry/conf_read", conf_setup, conf_teardown, joins_sorted_files, names_both_places_of_a_double,
		  wants_what_is_named_plainly, refuses_circles, refuses_depth, errors_of_all_files_come_at_once,
		  wildcards_in_the_directory_are_letters)
