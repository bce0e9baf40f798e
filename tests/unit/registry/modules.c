/* The set of modules through a whole life: wanted, ordered, bound, loaded, reloaded, unloaded. */
#include <linnet/worker.h>
#include "fakes.h"

/* The beginning of fake_module.c's struct. */
typedef struct fake_conf {
	uint32_t low, high;
	char *name;
	ln_strings_t list;
} fake_conf_t;

static ln_self_t bare_self;
static const ln_module_t bare = {
	.abi_major = LN_ABI_MAJOR, .abi_minor = LN_ABI_MINOR, .size = sizeof(ln_module_t),
	.name = "bare", .version = "1", .summary = "It has nothing.", .self = &bare_self,
};
const ln_module_t *const ln_static_modules[] = { &bare, NULL };

static ln_conf_errors_t *errors;

static void setup(void)
{
	fakes_setup();
	errors = ln_conf_errors_create();
}

static void teardown(void)
{
	ln_modules_clear();
	ln_hooks_clear();
	ln_stats_clear();
	ln_logs_clear();
	ln_conf_errors_destroy(errors);
	conf_teardown();
}

/* The errors since the last time are exactly LINES. */
static void assert_errors(const char *lines)
{
	conf_assert_errors(errors, lines);
	ln_conf_errors_destroy(errors);
	errors = ln_conf_errors_create();
}

static ln_conf_file_t *read_text(const char *text)
{
	return conf_read_text(text, errors);
}

/* Opens what TEXT wants. */
static ln_result_t open_text(const char *text)
{
	ln_conf_file_t *file = read_text(text);
	ln_result_t result = ln_modules_open("modules", file, errors);

	ln_conf_free(file);
	return result;
}

static ln_result_t bind_text(const char *text)
{
	ln_conf_file_t *file = read_text(text);
	ln_result_t result = ln_modules_bind(file, errors);

	ln_conf_free(file);
	return result;
}

static unsigned changed;         /* options, by the last prepare_text */

static ln_result_t prepare_text(const char *text)
{
	ln_conf_file_t *file = read_text(text);
	ln_result_t result;

	changed = 0;
	result = ln_modules_prepare(file, &changed, errors);

	ln_conf_free(file);
	return result;
}

/* A running module "good" with the defaults. */
static const fake_conf_t *run_good(void)
{
	ln_unit_ok(open_text("modules: good\n"));
	ln_unit_ok(bind_text("modules: good\n"));
	ln_modules_commit();
	*(void **)fake_symbol("good", "fake_say") = (void *)ln_conf_say;
	fake_assert_trace("good", "check:1-10 ");
	return ln_module_find("good")->self->conf;
}

static void assert_set(const char *names)
{
	char got[256] = "";

	for (unsigned i = 0; i < ln_modules_count(); i++) {
		ck_assert_uint_eq(ln_module_at(i)->self->index, i);
		strcat(got, ln_module_at(i)->name);
		strcat(got, " ");
	}
	ck_assert_str_eq(got, names);
}

START_TEST(wanted_by_list_and_by_section)
{
	ln_conf_file_t *file = read_text(
		"modules: [small]\nlisteners: { load: { a: b } }\ngood: { load: yes }\nrival: { load: no, x: y }\n");

	ln_unit_ok(ln_modules_open("modules", file, errors));
	assert_set("small good ");
	/* What is switched off is known, and so are the names of those that run. */
	ln_unit_ok(ln_modules_bind(file, errors));
	ln_conf_check_unused(file, NULL, errors);
	assert_errors(
		"linnet.conf:2:1: section \"listeners\" belongs to no loaded module: name the module in \"modules:\", "
		"say \"load: true\" (or \"load: false\") in the section, or remove it\n");
	ln_conf_free(file);
}
END_TEST

START_TEST(needed_ones_come_first)
{
	ln_unit_ok(open_text("modules: [needy, good]\n"));
	assert_set("good needy ");
}
END_TEST

START_TEST(refusals_name_the_place)
{
	ck_assert_int_eq(open_text("modules: [needy, god]\nmajor: { load: on }\nminor: { load: perhaps }\n"),
			 LN_REFUSED);
	assert_errors("linnet.conf:3:16: load in minor: expected yes or no, got \"perhaps\"\n"
		      "linnet.conf:1:18: there is no module \"god\" in modules (did you mean \"good\"?)\n"
		      "linnet.conf:2:16: modules/major.so: built for ABI 2.0, this linnetd has 1.0: rebuild the module "
		      "or install the "
		      "matching version\n"
		      "linnet.conf:1:11: module \"needy\" needs the module \"good\": add it to \"modules:\" or say "
		      "\"load: true\" in its section\n");
	assert_set("");
}
END_TEST

START_TEST(rings_and_rivals)
{
	ck_assert_int_eq(open_text("modules: [ring_a, ring_b]\n"), LN_REFUSED);
	assert_errors(
		"linnet.conf:1:11: module \"ring_a\" needs modules that need it, or could not be loaded themselves\n"
		"linnet.conf:1:19: module \"ring_b\" needs modules that need it, or could not be loaded themselves\n");
	ck_assert_int_eq(open_text("modules: [good, rival]\n"), LN_REFUSED);
	assert_errors(
		"linnet.conf:1:17: module \"rival\" provides \"fake\", and so does module \"good\": load one of them\n"
		"linnet.conf:1:17: module \"rival\" provides \"wrap\", and so does module \"good\": load one of "
		"them\n");
}
END_TEST

START_TEST(the_list_is_a_list)
{
	ck_assert_int_eq(open_text("modules: { a: b }\n"), LN_REFUSED);
	assert_errors("linnet.conf:1:15: modules: expected the name of a module or a list of names\n");
	ck_assert_int_eq(open_text("modules: [[a]]\n"), LN_REFUSED);
	assert_errors("linnet.conf:1:12: modules: expected the name of a module or a list of names\n");
}
END_TEST

static void count_row(const char *prefix, const ln_logdef_t *row, void *ctx)
{
	ck_assert_str_eq(prefix, "good");
	ck_assert_str_eq(row->id, "FAKE_SPEAKS");
	++*(int *)ctx;
}

START_TEST(tables_are_registered)
{
	static const ln_stat_t core[] = { { "turns", LN_STAT_COUNTER, "Turns." }, LN_STAT_END };
	const ln_module_t *provider = NULL;
	ln_call_t call = { 0 };
	int rows = 0;

	ln_stat_register("core", core);
	ln_unit_ok(open_text("modules: good\n"));
	ck_assert_uint_eq(ln_module_find("good")->self->stat_base, 1);
	ck_assert_uint_eq(ln_stat_count(), 3);
	ln_log_each(count_row, &rows);
	ck_assert_int_eq(rows, 1);
	ln_hooks_compile();
	ck_assert_int_eq(ln_hook_ask(LN_HOOK_ACCEPT, &call), LN_ALLOW);
	fake_assert_trace("good", "accept ");
	ck_assert_int_eq(*(const int *)ln_module_provide(LN_PROVIDE_PROTOCOL, "fake", &provider), 42);
	ck_assert_ptr_eq(provider, ln_module_find("good"));
	ck_assert_ptr_null(ln_module_provide(LN_PROVIDE_STORE, "fake", NULL));
	ck_assert_ptr_null(ln_module_find("goo"));
	ck_assert_uint_eq(ln_modules_session_size(), 32);
}
END_TEST

START_TEST(a_life)
{
	ln_unit_ok(open_text("modules: [good, needy]\n"));
	ln_unit_ok(bind_text("modules: [good, needy]\nneedy: { low: 5 }\n"));
	ln_modules_commit();
	ln_unit_ok(ln_modules_load(errors));
	ln_workers_create(2, 4096);
	ln_workers_each(ln_modules_worker_start, NULL);
	ln_workers_each(ln_modules_worker_stop, NULL);
	ln_modules_unload();
	fake_assert_trace("good", "check:1-10 load:1 start:0 start:1 stop:0 stop:1 unload ");
	fake_assert_trace("needy", "check:5-10 load:5 start:0 start:1 stop:0 stop:1 unload ");
	ln_workers_destroy();
}
END_TEST

START_TEST(who_did_not_load_is_not_unloaded)
{
	ln_unit_ok(open_text("modules: [good, needy]\n"));
	ln_unit_ok(bind_text(""));
	ln_modules_commit();
	fake_answer("needy", LN_SYSTEM);
	ck_assert_int_eq(ln_modules_load(errors), LN_SYSTEM);
	assert_errors("module \"needy\" does not start: the system refused (see errno)\n");
	ln_modules_unload();
	fake_assert_trace("good", "check:1-10 load:1 unload ");
	fake_assert_trace("needy", "check:1-10 load:1 ");
	fake_answer("needy", LN_OK);
}
END_TEST

START_TEST(a_bad_section_leaves_nothing_pending)
{
	const fake_conf_t *conf = run_good();

	ck_assert_int_eq(bind_text("good: { low: 50 }\n"), LN_INVALID);
	assert_errors("linnet.conf:1:1: low is above high\n");
	fake_assert_trace("good", "check:50-10 ");
	/* check() is not asked about what is wrong by itself. */
	ck_assert_int_eq(bind_text("good: { low: 101, hihg: 1 }\n"), LN_INVALID);
	assert_errors("linnet.conf:1:14: low in good: expected a whole number from 0 to 100, got \"101\"\n"
		      "linnet.conf:1:19: unknown option \"hihg\" in good (did you mean \"high\"?)\n");
	fake_assert_trace("good", "");
	ln_modules_commit();
	ck_assert_ptr_eq(ln_module_find("good")->self->conf, conf);
}
END_TEST

START_TEST(a_module_may_have_nothing)
{
	ln_conf_file_t *file;

	ln_unit_ok(open_text("modules: bare\n"));
	ln_unit_ok(bind_text("bare: { load: no }\n"));
	ln_modules_commit();
	ck_assert_ptr_null(ln_module_find("bare")->self->conf);
	ln_unit_ok(ln_modules_load(errors));
	ck_assert_int_eq(bind_text("bare: { colour: red }\n"), LN_INVALID);
	assert_errors("linnet.conf:1:9: unknown option \"colour\" in bare\n");
	file = read_text("modules: bare\nl: { bare: { x: y } }\n");
	ln_unit_ok(ln_modules_prepare(file, &changed, errors));
	ln_unit_ok(ln_modules_reload(errors));
	ck_assert_ptr_null(ln_module_bind_listener(file, ln_module_find("bare"),
						   ln_conf_get(file, ln_conf_get(file, NULL, "l"), "bare"), errors));
	assert_errors("linnet.conf:2:14: unknown option \"x\" in l.bare\n");
	ln_conf_free(file);
	ln_modules_unload();
}
END_TEST

START_TEST(a_reload_swaps)
{
	const fake_conf_t *before, *after;

	before = run_good();
	ln_workers_create(1, 4096);
	ck_assert_uint_eq(before->low, 1);
	ln_unit_ok(prepare_text("good: { load: true, low: 2, list: [x] }\n"));
	ck_assert_uint_eq(changed, 2);
	ln_unit_ok(ln_modules_reload(errors));
	ck_assert_ptr_eq(ln_module_find("good")->self->conf, before);
	ln_modules_commit();
	after = ln_module_find("good")->self->conf;
	ck_assert_ptr_ne(after, before);
	ck_assert_uint_eq(after->low, 2);
	ck_assert_str_eq(after->list.item[0], "x");
	fake_assert_trace("good", "check:2-10 reload:1>2 ");
	assert_errors("");
	/* The old one is freed (the sanitizer watches) once nobody reads. */
	ln_rcu_barrier();
	ln_workers_destroy();
}
END_TEST

START_TEST(a_reload_happens_as_a_whole_or_not_at_all)
{
	const fake_conf_t *conf = run_good();

	ck_assert_int_eq(prepare_text("modules: [good, needy]\ngood: { name: other }\n"), LN_INVALID);
	assert_errors(
		"linnet.conf:1:17: module \"needy\" is not loaded: a module comes with a restart only\n"
		"good: name: cannot change from fake to other while the broker runs: restart it, or set it back\n");
	ck_assert_int_eq(prepare_text("good: { load: false }\n"), LN_INVALID);
	assert_errors("module \"good\" is loaded and no longer wanted: a module goes with a restart only\n");
	fake_assert_trace("good", "check:1-10 check:1-10 ");

	ln_unit_ok(prepare_text("good: { load: true, low: 3 }\n"));
	fake_answer("good", LN_REFUSED);
	ck_assert_int_eq(ln_modules_reload(errors), LN_REFUSED);
	fake_answer("good", LN_OK);
	assert_errors("module \"good\" does not take its new configuration: refused\n");
	ln_modules_discard();
	ln_modules_commit();
	ck_assert_ptr_eq(ln_module_find("good")->self->conf, conf);
	ck_assert_uint_eq(conf->low, 1);
}
END_TEST

START_TEST(listeners_lay_theirs_over)
{
	ln_conf_file_t *file;
	const ln_module_t *good;
	fake_conf_t *mine;

	run_good();
	good = ln_module_find("good");
	file = read_text("good: { load: yes, high: 20 }\nl:\n  a: { good: { low: 7 } }\n  b: { good: { low: 70, name: "
			 "x } }\n  c: { good: { low: 30 } }\n");
	ln_unit_ok(ln_modules_prepare(file, &changed, errors));
	/* Over the pending one: the listener belongs to the same file. */
	mine = ln_module_bind_listener(
		file, good, ln_conf_get(file, ln_conf_get(file, ln_conf_get(file, NULL, "l"), "a"), "good"), errors);
	ck_assert_uint_eq(mine->low, 7);
	ck_assert_uint_eq(mine->high, 20);
	ck_assert_str_eq(mine->name, "fake");
	assert_errors("");
	ln_module_conf_free(mine);
	mine = ln_module_bind_listener(
		file, good, ln_conf_get(file, ln_conf_get(file, ln_conf_get(file, NULL, "l"), "b"), "good"), errors);
	assert_errors("linnet.conf:4:25: \"name\" cannot differ between listeners: set it in the section \"good\" of "
		      "its own\n");
	ln_module_conf_free(mine);
	mine = ln_module_bind_listener(
		file, good, ln_conf_get(file, ln_conf_get(file, ln_conf_get(file, NULL, "l"), "c"), "good"), errors);
	assert_errors("linnet.conf:5:8: low is above high\n");
	ln_module_conf_free(mine);
	mine = ln_module_bind_listener(file, good, NULL, errors);
	ck_assert_uint_eq(mine->high, 20);
	ln_module_conf_free(mine);
	ln_conf_free(file);
}
END_TEST

LN_UNIT_MAIN_WITH("registry/modules", setup, teardown, wanted_by_list_and_by_section, needed_ones_come_first,
		  refusals_name_the_place, rings_and_rivals, the_list_is_a_list, tables_are_registered, a_life,
		  who_did_not_load_is_not_unloaded, a_bad_section_leaves_nothing_pending, a_module_may_have_nothing,
		  a_reload_swaps, a_reload_happens_as_a_whole_or_not_at_all, listeners_lay_theirs_over)
