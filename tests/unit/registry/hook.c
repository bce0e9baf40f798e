/* Bands, verdicts, waiting and observers. */
#include <stdio.h>
#include <linnet/hook.h>
#include "support/unit.h"

static char trace[256];
static ln_verdict_t answers[8];
static ln_verdict_t last_done;
static int done_count;

static ln_verdict_t step(ln_call_t *call, int number)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%d%s ", number,
		 call->settled == LN_ALLOW  ? "+"
		 : call->settled == LN_DENY ? "-"
					    : "");
	return answers[number];
}

#define STEP(n)                                       \
	static ln_verdict_t step##n(ln_call_t *call)  \
	{                                             \
		return step(call, n);                 \
	}
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)
STEP(6)

static const ln_hook_t first[] = {
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_OBSERVE, step5, "" },
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_POLICY, step3, "" },
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_GUARD, step1, "" },
	{ LN_HOOK_ACCEPT, LN_PRIO_GUARD, step1, "" },
	{ 0, 0, NULL, NULL },
};
static const ln_hook_t second[] = {
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_POLICY, step4, "" },
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_OBSERVE, step6, "" },
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_GUARD, step2, "" },
	{ 0, 0, NULL, NULL },
};

static void on_done(ln_call_t *call, ln_verdict_t verdict)
{
	ck_assert(!call->waiting);
	last_done = verdict;
	done_count++;
}

static void setup(void)
{
	ln_hook_register("first", first);
	ln_hook_register("second", second);
	ln_hooks_compile();
}

/* Asks with ANSWERS as they are; the trace must be WORDS. */
static void ask(ln_hook_point_t point, ln_verdict_t want, const char *words)
{
	ln_call_t call = { .done = on_done };

	trace[0] = '\0';
	ck_assert_int_eq(ln_hook_ask(point, &call), want);
	ck_assert_str_eq(trace, words);
	ck_assert_int_eq(done_count, 0);
}

START_TEST(bands_then_registration)
{
	ask(LN_HOOK_AUTHENTICATE, LN_NEXT, "1 2 3 4 5 6 ");
}
END_TEST

START_TEST(the_first_verdict_settles)
{
	answers[2] = LN_ALLOW;
	ask(LN_HOOK_AUTHENTICATE, LN_ALLOW, "1 2 5+ 6+ ");
	answers[1] = LN_DENY;
	ask(LN_HOOK_AUTHENTICATE, LN_DENY, "1 5- 6- ");
}
END_TEST

START_TEST(observers_decide_nothing)
{
	answers[5] = LN_DENY;
	answers[6] = LN_VERDICT_WAIT;
	ask(LN_HOOK_AUTHENTICATE, LN_NEXT, "1 2 3 4 5 6 ");
	answers[4] = LN_ALLOW;
	ask(LN_HOOK_AUTHENTICATE, LN_ALLOW, "1 2 3 4 5+ 6+ ");
}
END_TEST

START_TEST(points_have_defaults)
{
	ask(LN_HOOK_ACCEPT, LN_ALLOW, "1 ");
	ask(LN_HOOK_PUBLISH, LN_ALLOW, "");
	ck_assert(ln_hook_any(LN_HOOK_ACCEPT));
	ck_assert(!ln_hook_any(LN_HOOK_PUBLISH));
}
END_TEST

START_TEST(a_waiting_call_goes_on_behind)
{
	ln_call_t call = { .done = on_done };

	answers[2] = answers[3] = LN_VERDICT_WAIT;
	ck_assert_int_eq(ln_hook_ask(LN_HOOK_AUTHENTICATE, &call), LN_VERDICT_WAIT);
	ck_assert_str_eq(trace, "1 2 ");
	ck_assert(call.waiting);
	ln_hook_resume(&call, LN_NEXT);
	ck_assert_str_eq(trace, "1 2 3 ");
	ck_assert(call.waiting);
	ck_assert_int_eq(done_count, 0);
	ln_hook_resume(&call, LN_NEXT);
	ck_assert_str_eq(trace, "1 2 3 4 5 6 ");
	ck_assert_int_eq(done_count, 1);
	ck_assert_int_eq(last_done, LN_NEXT);
	ln_unit_aborts(ln_hook_resume(&call, LN_NEXT));
}
END_TEST

START_TEST(a_late_verdict_settles)
{
	ln_call_t calls[2] = { { .done = on_done }, { .done = on_done } };

	answers[2] = LN_VERDICT_WAIT;
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(ln_hook_ask(LN_HOOK_AUTHENTICATE, &calls[i]), LN_VERDICT_WAIT);
	trace[0] = '\0';
	ln_hook_resume(&calls[1], LN_DENY);
	ck_assert_str_eq(trace, "5- 6- ");
	ck_assert_int_eq(last_done, LN_DENY);
	ln_hook_resume(&calls[0], LN_ALLOW);
	ck_assert_int_eq(last_done, LN_ALLOW);
	ck_assert_int_eq(done_count, 2);
}
END_TEST

START_TEST(who_cannot_wait_is_told)
{
	ln_call_t call = { 0 };

	answers[1] = LN_VERDICT_WAIT;
	ln_unit_aborts(ln_hook_ask(LN_HOOK_ACCEPT, &call));
}
END_TEST

START_TEST(clear_forgets)
{
	ln_call_t call = { 0 };

	ln_hooks_clear();
	ck_assert(!ln_hook_any(LN_HOOK_AUTHENTICATE));
	ck_assert_int_eq(ln_hook_ask(LN_HOOK_AUTHENTICATE, &call), LN_NEXT);
	ln_hooks_compile();
	ck_assert(!ln_hook_any(LN_HOOK_AUTHENTICATE));
}
END_TEST

static void count(const char *module, const ln_hook_t *hook, void *ctx)
{
	ck_assert(strcmp(module, "first") == 0 || strcmp(module, "second") == 0);
	ck_assert_ptr_nonnull(hook->fn);
	++*(int *)ctx;
}

START_TEST(tables_can_be_walked)
{
	int n = 0;

	ln_hook_each(count, &n);
	ck_assert_int_eq(n, 7);
	ck_assert_str_eq(ln_hook_point_name(LN_HOOK_PUBLISH), "LN_HOOK_PUBLISH");
	ck_assert_ptr_nonnull(strstr(ln_hook_point_help(LN_HOOK_AUTHENTICATE), "may wait"));
}
END_TEST

LN_UNIT_MAIN_WITH("registry/hook", setup, ln_hooks_clear, bands_then_registration, the_first_verdict_settles,
		  observers_decide_nothing, points_have_defaults, a_waiting_call_goes_on_behind, a_late_verdict_settles,
		  who_cannot_wait_is_told, clear_forgets, tables_can_be_walked)
