/* Tables as text; and text as it is read back. */
#include <linnet/mem.h>
#include "registry/describe.h"
#include "fakes.h"

static const char *const colours[] = { "red", "blue", NULL };

typedef struct sample {
	bool on;
	ln_choice_t colour;
	ln_bytes_t room;
	uint32_t workers;
	ln_span_t pause;
	char *file;
} sample_t;

static const ln_conf_item_t items[] = {
	LN_CONF(sample_t, workers, "auto", "Threads that serve.", .max = 256, .zero = "auto"),
	LN_CONF(sample_t, pause, "90s", ".Starts with a dot and has a \\.", .reload = true),
	LN_CONF(sample_t, file, NULL, "A file.", .path = true),
	LN_CONF_END,
};

/* What PRINT wrote; the caller frees. */
#define PRINTED(out, call)                                   \
	({                                                   \
		char *text_ = NULL;                          \
		size_t size_;                                \
		FILE *out = open_memstream(&text_, &size_);  \
		call;                                        \
		fclose(out);                                 \
		text_;                                       \
	})

#define assert_printed(out, call, words)            \
	do {                                        \
		char *printed_ = PRINTED(out, call); \
		ck_assert_str_eq(printed_, words);  \
		free(printed_);                     \
	} while (0)

static const ln_module_t *open_good(ln_conf_errors_t *errors)
{
	const ln_module_t *m = ln_module_open("modules", "good", NULL, errors);

	conf_assert_errors(errors, "");
	return m;
}

START_TEST(a_module)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	const ln_module_t *m = open_good(errors);

	assert_printed(out, ln_describe_module(out, m),
		       "good: A module for tests.\n"
		       "  version 1.2.3, ABI 1.0, modules/good.so\n"
		       "  provides\n    protocol fake\n    layer wrap\n"
		       "  options\n"
		       "    low: 1\n      The least.\n      a whole number from 0 to 100; may change while the broker "
		       "runs; a listener may have its own\n"
		       "    high: 10\n      The most.\n      a whole number from 0 to 100; may change while the broker "
		       "runs; a listener may have its own\n"
		       "    name: fake\n      A fixed name.\n      a text; changes with a restart\n"
		       "    list: [a, b]\n      Some texts.\n      a text or a list of texts; may change while the "
		       "broker runs\n"
		       "  counters\n"
		       "    good.asked (counter)\n      How often it was asked.\n"
		       "    good.here (gauge)\n      How many are here.\n"
		       "  log messages\n"
		       "    FAKE_SPEAKS (notice): the fake says \"%s\"\n      Nothing to worry about.\n"
		       "  hooks\n"
		       "    LN_HOOK_ACCEPT at 100\n      looks at the address\n");
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(the_core)
{
	ln_describe_section(NULL, "What stands at the top.", items);
	ln_describe_section("log", "The log.", items + 2);
	assert_printed(out, ln_describe_core(out),
		       "top level: What stands at the top.\n"
		       "  options\n"
		       "    workers: auto\n      Threads that serve.\n      a whole number from 0 to 256 or \"auto\"; "
		       "changes with a restart\n"
		       "    pause: 90s\n      .Starts with a dot and has a \\.\n      a time (such as 500ms, 10s or "
		       "5m); may change while the broker runs\n"
		       "    file: (not set)\n      A file.\n      a text; changes with a restart; relative to the file "
		       "it stands in\n"
		       "log: The log.\n"
		       "  options\n"
		       "    file: (not set)\n      A file.\n      a text; changes with a restart; relative to the file "
		       "it stands in\n");
	ln_describe_clear();
	assert_printed(out, ln_describe_core(out), "");
}
END_TEST

/* A module's shipped file is read without an error and changes nothing. */
START_TEST(the_shipped_file_is_the_defaults)
{
	static const char head[] =
		"# good: A module for tests.\ngood:\n  # Load this module.\n  load: yes\n\n  # The least.\n"
		"  # (a whole number from 0 to 100; may change while the broker runs; a listener may have its own)\n  "
		"low: 1\n";
	ln_conf_errors_t *errors = ln_conf_errors_create();
	const ln_module_t *m = open_good(errors);
	char *text = PRINTED(out, ln_describe_conf_file(out, m, true));
	char *defaults = ln_alloc(m->conf_size);
	ln_conf_file_t *file;

	ck_assert_int_eq(strncmp(text, head, strlen(head)), 0);
	file = conf_read_text(text, errors);
	ln_unit_ok(ln_modules_open("modules", file, errors));
	ck_assert_uint_eq(ln_modules_count(), 1);
	ln_conf_defaults(m->conf, defaults);
	ck_assert_ptr_nonnull(ln_conf_get(file, ln_conf_get(file, NULL, "good"), "high"));
	ln_unit_ok(ln_modules_bind(file, errors));
	ln_modules_commit();
	ck_assert_uint_eq(ln_conf_diff(m->conf, defaults, m->self->conf, "good", errors), 0);
	conf_assert_errors(errors, "");
	ln_conf_clear(m->conf, defaults);
	ln_free(defaults);
	ln_modules_clear();
	ln_conf_free(file);
	free(text);
	ln_conf_errors_destroy(errors);
}
END_TEST

/* What --dump-config prints, read again, is the same configuration. */
START_TEST(a_dump_can_be_read_back)
{
	static const char *const files[] = {
		NULL, "", "plain/file.pem", "with space", "quote\" back\\slash", "tab\tend",
		"null", "~", "yes", "- x", "a: b", "#", "\xc3\xa4",
	};
	static const ln_conf_item_t no_path[] = {
		LN_CONF(sample_t, on, "yes", ""),
		LN_CONF(sample_t, colour, "red", "", .choices = colours),
		LN_CONF(sample_t, room, "1K", ""),
		LN_CONF(sample_t, workers, "auto", "", .zero = "auto"),
		LN_CONF(sample_t, pause, "90s", ""),
		LN_CONF(sample_t, file, NULL, ""),
		LN_CONF_END,
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(files); i++) {
		ln_conf_errors_t *errors = ln_conf_errors_create();
		sample_t before = {
			.on = i % 2,
			.colour.value = i % 3 == 0,
			.room.n = (uint64_t)i << (4 * i),
			.workers = (uint32_t)i,
			.pause.ms = i * 500,
			.file = files[i] ? ln_strdup(files[i]) : NULL,
		};
		sample_t after;
		char *text = PRINTED(out, ln_describe_dump(out, "s", no_path, &before));
		ln_conf_file_t *file = conf_read_text(text, errors);
		ln_conf_defaults(no_path, &after);
		ln_conf_bind(file, no_path, &after, ln_conf_get(file, NULL, "s"), false, errors);
		ck_assert_uint_eq(ln_conf_diff(no_path, &before, &after, text, errors), 0);
		conf_assert_errors(errors, "");
		ln_conf_clear(no_path, &before);
		ln_conf_clear(no_path, &after);
		free(text);
		ln_conf_free(file);
		ln_conf_errors_destroy(errors);
	}
}
END_TEST

START_TEST(dumps_what_is_in_force)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	ln_conf_file_t *file = conf_read_text("good: { load: true, low: 9, list: [] }\n", errors);
	sample_t s = { .workers = 0, .pause.ms = 1500 };

	ln_unit_ok(ln_modules_open("modules", file, errors));
	ln_unit_ok(ln_modules_bind(file, errors));
	ln_modules_commit();
	assert_printed(out, ln_describe_dump_modules(out),
		       "good:\n  load: yes\n  low: 9\n  high: 10\n  name: fake\n  list: []\n");
	assert_printed(out, ln_describe_dump(out, NULL, items, &s), "workers: auto\npause: 1500ms\nfile: ~\n");
	ln_modules_clear();
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(words_of_ranges)
{
	static const ln_conf_item_t ranges[] = {
		LN_CONF(sample_t, on, "no", "A switch."),
		LN_CONF(sample_t, colour, "blue", "A colour.", .choices = colours),
		LN_CONF(sample_t, room, "1536", "Room.", .min = 1024),
		LN_CONF_END,
	};

	ln_describe_section("x", "Ranges.", ranges);
	assert_printed(out, ln_describe_core(out),
		       "x: Ranges.\n  options\n"
		       "    on: no\n      A switch.\n      yes or no; changes with a restart\n"
		       "    colour: blue\n      A colour.\n      one of red, blue; changes with a restart\n"
		       "    room: 1536\n      Room.\n"
		       "      a size (such as 64K or 1M) of at least 1K; changes with a restart\n");
	ln_describe_clear();
}
END_TEST

START_TEST(manual_pages)
{
	static const ln_logdef_t logs[] = {
		LN_LOGDEF_ROW(FAKE_SPEAKS, NOTICE, "the \\ %s", "'quoted'. 'well-known'.")
		LN_LOGDEF_END
	};
	ln_conf_errors_t *errors = ln_conf_errors_create();
	const ln_module_t *m;
	char *printed;

	ln_describe_section("core", "Everything.", items);
	assert_printed(out, ln_describe_man_core(out),
		       ".Ss core\nEverything.\n.Bl -tag -width Ds\n"
		       ".It Cm workers : Ar value\nThreads that serve.\n.br\na whole number from 0 to 256 or \"auto\"; "
		       "changes with a restart\n"
		       ".br\nDefault:\nauto\n"
		       ".It Cm pause : Ar value\n\\&.Starts with a dot and has a \\e.\n.br\n"
		       "a time (such as 500ms, 10s or 5m); may change while the broker runs\n.br\nDefault:\n90s\n"
		       ".It Cm file : Ar value\nA file.\n.br\na text; changes with a restart; relative to the file it "
		       "stands in\n.El\n");
	ln_describe_clear();
	m = open_good(errors);
	printed = PRINTED(out, ln_describe_man(out, m));
	ck_assert_ptr_eq(strstr(printed, ".Ss good\nA module for tests.\n.Bl -tag -width Ds\n.It Cm low : Ar value\n"),
			 printed);
	free(printed);
	ln_conf_errors_destroy(errors);
	assert_printed(out, ln_describe_man_logs(out, logs),
		       ".It Sy FAKE_SPEAKS Pq notice\nthe \\e %s\n.br\n\\&'quoted'.\n\\&'well\\-known'.\n");
	ln_log_register("one", logs);
	ln_log_register("two", logs);
	printed = PRINTED(out, ln_describe_man_catalogues(out));
	ck_assert_ptr_nonnull(strstr(printed, ".Ss one\n.Bl -tag -width Ds\n.It Sy FAKE_SPEAKS Pq notice\n"));
	ck_assert_ptr_nonnull(strstr(printed, "\n.El\n.Ss two\n.Bl -tag -width Ds\n.It Sy FAKE_SPEAKS Pq notice\n"));
	ck_assert_str_eq(printed + strlen(printed) - 5, "\n.El\n");
	free(printed);
	ln_logs_clear();
}
END_TEST

LN_UNIT_MAIN_WITH("registry/describe", fakes_setup, conf_teardown, a_module, the_core, the_shipped_file_is_the_defaults,
		  a_dump_can_be_read_back, dumps_what_is_in_force, words_of_ranges, manual_pages)
