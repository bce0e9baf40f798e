/* Tests core/base/result.c: every result has a text, and a broken contract ends the process. */
#include <string.h>
#include <linnet/result.h>
#include "unit.h"

START_TEST(every_result_has_its_own_text)
{
	for (unsigned i = 0; i < LN_RESULT_COUNT; i++) {
		const char *text = ln_result_text((ln_result_t)i);
		ck_assert_ptr_nonnull(text);
		ck_assert_uint_gt(strlen(text), 0);
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(text, ln_result_text((ln_result_t)j));
	}
	ck_assert_str_eq(ln_result_text(LN_OK), "ok");
}
END_TEST

START_TEST(unknown_result_has_a_text_too)
{
	ck_assert_str_eq(ln_result_text((ln_result_t)LN_RESULT_COUNT), "unknown result");
	ck_assert_str_eq(ln_result_text((ln_result_t)-1), "unknown result");
}
END_TEST

START_TEST(broken_contract_stops_the_process)
{
	volatile int zero = 0;

	ln_require(zero == 0);
	ln_insist(zero == 0);
	ln_unit_aborts(ln_require(zero == 1));
	ln_unit_aborts(ln_insist(zero == 1));
}
END_TEST

START_TEST(broken_contract_says_where)
{
	char line[512];
	int ends[2];
	ssize_t n;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		ln_contract_broken("require", "sky == blue", "house.c", 42);
	}
	ck_assert(ln_unit_aborted(child));
	n = read(ends[0], line, sizeof(line) - 1);
	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	ck_assert_str_eq(line, "linnet: house.c:42: broken contract: require(sky == blue)\n");
	close(ends[0]);
	close(ends[1]);
}
END_TEST

LN_UNIT_MAIN("base/result", every_result_has_its_own_text, unknown_result_has_a_text_too,
             broken_contract_stops_the_process, broken_contract_says_where)
