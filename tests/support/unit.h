/* unit.h — how a unit test program looks.
 *
 * One program per file under test, of the same name: tests/unit/base/hash.c tests core/base/hash.c. It holds Check
 * tests and ends with one line that lists them:
 *
 *	START_TEST(grows)
 *	{
 *		…
 *	}
 *	END_TEST
 *
 *	LN_UNIT_MAIN("base/buf", grows, shrinks)
 *
 * The report is TAP on standard output, which automake's driver reads; the exit status is 1 when a test failed. Each
 * test runs in a process of its own (CK_FORK=no in the environment: all in one, for a debugger) and at most
 * LN_UNIT_SECONDS long.
 */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linnet/result.h>
#include <linnet/str.h>

#ifndef LN_UNIT_SECONDS
#define LN_UNIT_SECONDS 30
#endif

/* Runs the COUNT tests of LIST, each between SETUP and TEARDOWN (may be NULL), as the suite NAME. Returns main's
 * status. */
static inline int ln_unit_run(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *list,
                              size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, LN_UNIT_SECONDS);
	if (setup || teardown)
		tcase_add_checked_fixture(tests, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tests, list[i]);
	suite_add_tcase(suite, tests);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The program's main: runs the tests named after NAME. */
#define LN_UNIT_MAIN(name, ...) LN_UNIT_MAIN_WITH(name, NULL, NULL, __VA_ARGS__)

/* The same with a fixture: SETUP and TEARDOWN run in the test's process, around each test. */
#define LN_UNIT_MAIN_WITH(name, setup, teardown, ...)                                          \
	int main(void)                                                                         \
	{                                                                                      \
		const TTest *const list[] = { __VA_ARGS__ };                                   \
		return ln_unit_run((name), (setup), (teardown), list, LN_ARRAY_SIZE(list));    \
	}

/* SLICE holds exactly the text LITERAL. */
#define ln_unit_slice(slice, literal)                                                          \
	do {                                                                                   \
		ln_slice_t slice_ = (slice), want_ = LN_STR(literal);                          \
		ck_assert_uint_eq(slice_.len, want_.len);                                      \
		ck_assert_mem_eq(slice_.data ? (const void *)slice_.data : "", want_.data, want_.len); \
	} while (0)

/* RESULT is LN_OK. */
#define ln_unit_ok(result)                                                                     \
	do {                                                                                   \
		ln_result_t result_ = (result);                                                \
		ck_assert_msg(result_ == LN_OK, "%s: %s", #result, ln_result_text(result_));   \
	} while (0)

/* The statement stops the process by ln_require or ln_insist: fails the test unless a child of it dies by SIGABRT. */
#define ln_unit_aborts(statement)                                                              \
	do {                                                                                   \
		pid_t child_ = ln_unit_fork_quiet();                                           \
		if (child_ == 0) {                                                             \
			statement;                                                             \
			_exit(0);                                                              \
		}                                                                              \
		ck_assert_msg(ln_unit_aborted(child_), "%s went through", #statement);         \
	} while (0)

/* Forks a child that writes nothing and whose SIGABRT ends it in the ordinary way. */
static inline pid_t ln_unit_fork_quiet(void)
{
	pid_t child = fork();

	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
	}
	return child;
}

static inline bool ln_unit_aborted(pid_t child)
{
	int status = 0;

	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static inline void ln_unit_sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* Waits, for other threads, until COND holds; fails the test after ten seconds. */
#define ln_unit_until(cond)                                                                    \
	do {                                                                                   \
		unsigned left_ = 10000;                                                        \
		while (!(cond) && left_-- > 0)                                                 \
			ln_unit_sleep_ms(1);                                                   \
		ck_assert_msg(cond, "waited in vain for %s", #cond);                           \
	} while (0)

#endif
