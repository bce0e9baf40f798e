/* Tests core/broker/auth.c: who may come in and what it may do, with hooks that know, do not know, and wait. */
#include <linnet/identity.h>
#include <linnet/mem.h>
#include "unit.h"

static ln_verdict_t verdict;
static unsigned asked;
static const ln_auth_t *seen_auth;
static ln_access_t seen_access;

static ln_verdict_t on_authenticate(ln_call_t *call)
{
	asked++;
	seen_auth = call->about;
	return verdict;
}

static ln_verdict_t on_authorize(ln_call_t *call)
{
	asked++;
	seen_access = *(const ln_access_t *)call->about;
	return verdict;
}

static ln_verdict_t on_observe(ln_call_t *call)
{
	(void)call;
	asked++;
	return LN_DENY;
}

static const ln_hook_t hooks[] = {
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_IDENTIFY, on_authenticate, "the test's own" },
	{ LN_HOOK_AUTHORIZE, LN_PRIO_POLICY, on_authorize, "the test's own" },
	{ 0 }
};

static const ln_hook_t observers[] = {
	{ LN_HOOK_AUTHORIZE, LN_PRIO_OBSERVE, on_observe, "looks only" },
	{ 0 }
};

static void with(const ln_hook_t *table)
{
	ln_hooks_clear();
	if (table)
		ln_hook_register("test", table);
	ln_hooks_compile();
	asked = 0;
}

static bool settled;
static ln_verdict_t settled_as;

static void on_done(ln_call_t *call, ln_verdict_t v)
{
	const ln_auth_t *auth = call->about;

	settled = true;
	settled_as = ln_auth_settle(auth, v, false);
}

START_TEST(strangers)
{
	ln_identity_t id = { .user = NULL };
	ln_auth_t auth = { .identity = &id };

	with(NULL);
	ck_assert_int_eq(ln_auth_ask(&auth, true), LN_ALLOW);
	ck_assert_int_eq(ln_auth_ask(&auth, false), LN_DENY);
	with(hooks);
	verdict = LN_NEXT;
	ck_assert_int_eq(ln_auth_ask(&auth, true), LN_ALLOW);
	ck_assert_int_eq(ln_auth_ask(&auth, false), LN_DENY);
	ck_assert_uint_eq(asked, 2);
	ck_assert_ptr_eq(seen_auth, &auth);
	ln_hooks_clear();
}
END_TEST

START_TEST(a_hook_decides)
{
	ln_identity_t id = { .user = ln_strdup("u"), .client_id = ln_strdup("c") };
	ln_auth_t auth = { .identity = &id };

	with(hooks);
	for (int anonymous = 0; anonymous < 2; anonymous++) {
		verdict = LN_ALLOW;
		ck_assert_int_eq(ln_auth_ask(&auth, anonymous), LN_ALLOW);
		verdict = LN_DENY;
		ck_assert_int_eq(ln_auth_ask(&auth, anonymous), LN_DENY);
	}
	ln_identity_fini(&id);
	ck_assert_ptr_null(id.user);
	ck_assert_ptr_null(id.client_id);
	ln_identity_fini(&id);
	ln_hooks_clear();
}
END_TEST

START_TEST(a_hook_waits)
{
	static const struct { ln_verdict_t says, comes; } rows[] = { { LN_ALLOW, LN_ALLOW }, { LN_DENY, LN_DENY }, { LN_NEXT, LN_DENY } };
	ln_identity_t id = { .user = NULL };

	with(hooks);
	for (size_t i = 0; i < LN_ARRAY_SIZE(rows); i++) {
		ln_auth_t auth = { .identity = &id, .call = { .done = on_done } };

		verdict = LN_VERDICT_WAIT;
		settled = false;
		ck_assert_int_eq(ln_auth_ask(&auth, true), LN_VERDICT_WAIT);
		ck_assert(!settled);
		ln_hook_resume(&auth.call, rows[i].says);
		ck_assert(settled);
		ck_assert_int_eq(settled_as, rows[i].comes);
	}
	ln_hooks_clear();
}
END_TEST

START_TEST(what_it_may_do)
{
	ln_identity_t id = { .user = NULL };
	ln_access_t want = { .identity = &id, .act = LN_ACT_SUBSCRIBE, .topic = LN_STR("a/#"), .qos = 1 };

	with(NULL);
	ck_assert(ln_authorize(&want));
	with(hooks);
	verdict = LN_DENY;
	ck_assert(!ln_authorize(&want));
	ck_assert_ptr_eq(seen_access.identity, &id);
	ck_assert_int_eq(seen_access.act, LN_ACT_SUBSCRIBE);
	ln_unit_slice(seen_access.topic, "a/#");
	verdict = LN_ALLOW;
	ck_assert(ln_authorize(&want));
	verdict = LN_NEXT;
	ck_assert(ln_authorize(&want));
	ck_assert_uint_eq(asked, 3);
	with(observers);
	ck_assert(ln_authorize(&want));
	ck_assert_uint_eq(asked, 1);
	ln_hooks_clear();
}
END_TEST

LN_UNIT_MAIN("broker/auth", strangers, a_hook_decides, a_hook_waits, what_it_may_do)
