/* Modules that are opened and modules that are refused, in these words. */
#include "fakes.h"

static ln_self_t builtin_self, odd_self;
static const ln_module_t builtin = {
	.abi_major = LN_ABI_MAJOR, .abi_minor = LN_ABI_MINOR, .size = sizeof(ln_module_t),
	.name = "builtin", .version = "1", .summary = "Linked in.", .self = &builtin_self,
};
static const ln_module_t odd = {
	.abi_major = LN_ABI_MAJOR + 3, .abi_minor = 4, .size = sizeof(ln_module_t),
	.name = "odd", .version = "1", .summary = "Linked in by mistake.", .self = &odd_self,
};
const ln_module_t *const ln_static_modules[] = { &builtin, &odd, NULL };

#define DESCRIPTOR                                                                                               \
	"its descriptor of %d bytes cannot be of ABI 1.0 (%zu to %zu bytes), this linnetd has 1.0: rebuild the " \
	"module\n"

static const ln_module_t *open_with(const char *dir, const char *name, const char *lines)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	const ln_module_t *m = ln_module_open(dir, name, NULL, errors);

	conf_assert_errors(errors, lines);
	ln_conf_errors_destroy(errors);
	return m;
}

START_TEST(opens_a_good_one_once)
{
	const ln_module_t *m = open_with("modules", "good", "");

	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->name, "good");
	ck_assert_str_eq(m->summary, "A module for tests.");
	ck_assert_ptr_nonnull(m->unload);
	ck_assert_str_eq(ln_module_path(m), "modules/good.so");
	ck_assert_ptr_eq(open_with("elsewhere", "good", ""), m);
	/* Nothing of it ran. */
	fake_assert_trace("good", "");
	ck_assert_uint_eq(ln_modules_count(), 0);
}
END_TEST

START_TEST(an_older_one_has_zeroes_at_its_end)
{
	const ln_module_t *m = open_with("modules", "small", "");

	ck_assert_ptr_nonnull(m);
	ck_assert_ptr_nonnull(m->check);
	ck_assert(!m->load && !m->worker_start && !m->reload && !m->unload);
}
END_TEST

START_TEST(refuses_with_reasons)
{
	static const struct { const char *name, *errors;
	} cases[] = {
		{ "major", "modules/major.so: built for ABI 2.0, this linnetd has 1.0: rebuild the module or install "
			   "the matching version\n" },
		{ "minor", "modules/minor.so: built for ABI 1.1, this linnetd has 1.0: rebuild the module or install "
			   "the matching version\n" },
		{ "nosymbol", "modules/nosymbol.so: not a module of Linnet: it has no symbol ln_module\n" },
		{ "misnamed", "modules/misnamed.so: the module inside calls itself \"other\": the file's name must be "
			      "the module's\n" },
		{ "noself", "modules/noself.so: it has no place for what the core tells it (self): this is a defect of "
			    "the module\n" },
		{ "strange", "modules/strange.so: one of its hooks names a point that does not exist: this is a defect "
			     "of the module\n" },
		{ "god", "there is no module \"god\" in modules (did you mean \"good\"?)\n" },
		{ "nothing_like_it", "there is no module \"nothing_like_it\" in modules\n" },
		{ "../good", "\"../good\" cannot be the name of a module\n" },
		{ "", "\"\" cannot be the name of a module\n" },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(cases); i++)
		ck_assert_ptr_null(open_with("modules", cases[i].name, cases[i].errors));
}
END_TEST

START_TEST(refuses_impossible_sizes)
{
	char words[512];

	snprintf(words, sizeof(words), "modules/tiny.so: " DESCRIPTOR, 16, offsetof(ln_module_t, conf),
		 sizeof(ln_module_t));
	ck_assert_ptr_null(open_with("modules", "tiny", words));
	snprintf(words, sizeof(words), "modules/large.so: " DESCRIPTOR, (int)sizeof(ln_module_t) + 64,
		 offsetof(ln_module_t, conf), sizeof(ln_module_t));
	ck_assert_ptr_null(open_with("modules", "large", words));
}
END_TEST

START_TEST(refuses_what_is_no_library)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();

	ck_assert_int_eq(mkdir("mine", 0700), 0);
	conf_write("mine/text.so", "not a library\n");
	ck_assert_ptr_null(ln_module_open("mine", "text", NULL, errors));
	ck_assert_uint_eq(ln_conf_errors_count(errors), 1);
	ck_assert_ptr_nonnull(strstr(ln_conf_errors_at(errors, 0), "cannot open the module \"text\": mine/text.so: "));
	ln_conf_errors_destroy(errors);
}
END_TEST

START_TEST(linked_in_ones_come_first)
{
	const ln_module_t *m = open_with("modules", "builtin", "");

	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(ln_module_path(m), "linked in");
	ck_assert_ptr_null(open_with("modules", "odd",
				     "linked in: built for ABI 4.4, this linnetd has 1.0: rebuild the module or "
				     "install the matching version\n"));
}
END_TEST

static void join(const char *name, void *ctx)
{
	strcat(ctx, name);
	strcat(ctx, " ");
}

START_TEST(lists_names)
{
	char words[1024] = "";

	ln_module_each_name("modules", join, words);
	ck_assert_int_eq(strncmp(words, "builtin odd good large major ", 29), 0);
	words[0] = '\0';
	ln_module_each_name("nowhere", join, words);
	ck_assert_str_eq(words, "builtin odd ");
}
END_TEST

LN_UNIT_MAIN_WITH("registry/module", fakes_setup, conf_teardown, opens_a_good_one_once,
		  an_older_one_has_zeroes_at_its_end, refuses_with_reasons, refuses_impossible_sizes,
		  refuses_what_is_no_library, linked_in_ones_come_first, lists_names)
