/* What probe answers, at once and late, and what it counts: its real table of hooks on a real worker, without a
 * broker. */
#include <linnet/clock.h>
#include <linnet/identity.h>
#include <linnet/mem.h>
#include <linnet/module.h>
#include "unit.h"

extern const ln_module_t ln_module_probe;

static ln_worker_t *worker;
static ln_verdict_t late;
static int late_answers;

/* The options, by the table's own offsets. */
static char conf[256];

static void *option(const char *field)
{
	for (const ln_conf_item_t *i = ln_module_probe.conf; i->field; i++)
		if (strcmp(i->field, field) == 0)
			return conf + i->offset;
	ck_abort_msg("no option %s", field);
	return NULL;
}

static void setup(void)
{
	const ln_module_t *m = &ln_module_probe;

	ck_assert_uint_le(m->conf_size, sizeof(conf));
	ln_conf_defaults(m->conf, conf);
	m->self->stat_base = ln_stat_register(m->name, m->stats);
	m->self->worker_slot = ln_worker_slot_reserve(m->worker_size);
	m->self->conf = conf;
	ln_hook_register(m->name, m->hooks);
	ln_hooks_compile();
	ln_workers_create(1, 4096);
	worker = ln_worker_at(0);
	ln_worker_current = worker;
	m->worker_start(worker, ln_worker_slot(worker, m->self->worker_slot));
}

static void stop(void)
{
	ln_module_probe.worker_stop(worker, ln_worker_slot(worker, ln_module_probe.self->worker_slot));
}

static void teardown(void)
{
	stop();
	ln_conf_clear(ln_module_probe.conf, conf);
	ln_hooks_clear();
	ln_workers_stop();
	ln_workers_destroy();
	ln_stats_clear();
}

static void set_text(const char *field, const char *text)
{
	*(char **)option(field) = ln_strdup(text);
}

static void set_list(const char *field, const char *text)
{
	ln_strings_t *list = option(field);

	*list = (ln_strings_t){ 1, ln_new(char *) };
	list->item[0] = ln_strdup(text);
}

static void on_done(ln_call_t *call, ln_verdict_t verdict)
{
	(void)call;
	late = verdict;
	late_answers++;
}

static ln_identity_t identity;
static ln_auth_t auth;

/* Asks about a login; PASSWORD and USER may be NULL. */
static ln_verdict_t login(const char *client, const char *user, const char *password)
{
	ln_identity_fini(&identity);
	identity.client_id = ln_strdup(client);
	auth = (ln_auth_t){ .identity = &identity, .has_user = user, .has_password = password,
	                    .user = ln_slice_of(user), .password = ln_slice_of(password) };
	auth.call.about = &auth;
	auth.call.done = on_done;
	return ln_hook_ask(LN_HOOK_AUTHENTICATE, &auth.call);
}

static bool may(const char *topic)
{
	ln_access_t access = { .identity = &identity, .topic = ln_slice_of(topic) };

	return ln_authorize(&access);
}

static uint64_t counted(unsigned stat)
{
	return ln_stat_sum(ln_module_probe.self->stat_base + stat);
}

enum { DENIED = LN_HOOK_POINT_COUNT, DELAYED };

START_TEST(has_no_opinion_by_default)
{
	ck_assert_int_eq(login("dev", NULL, NULL), LN_NEXT);
	ck_assert_int_eq(login("dev", "joe", "pw"), LN_NEXT);
	ck_assert(may("a/b"));
	ck_assert_uint_eq(counted(DENIED), 0);
	ck_assert_uint_eq(counted(LN_HOOK_AUTHENTICATE), 2);
	ck_assert_uint_eq(counted(LN_HOOK_AUTHORIZE), 1);
}
END_TEST

START_TEST(denies_by_beginning)
{
	set_list("deny_clients", "bad-");
	set_list("deny_topics", "secret/");
	ck_assert_int_eq(login("bad-1", NULL, NULL), LN_DENY);
	ck_assert_str_eq(auth.call.why, "probe: deny-clients");
	ck_assert_int_eq(login("bad", NULL, NULL), LN_NEXT);
	ck_assert(!may("secret/a") && may("secret") && may("a/secret/"));
	ck_assert_uint_eq(counted(DENIED), 2);
}
END_TEST

START_TEST(knows_one_user)
{
	set_text("user", "joe");
	set_text("password", "pw");
	ck_assert_int_eq(login("dev", "joe", "pw"), LN_ALLOW);
	ck_assert_str_eq(identity.user, "joe");
	ck_assert_int_eq(login("dev", "joe", "p"), LN_DENY);
	ck_assert_int_eq(login("dev", "joe", NULL), LN_DENY);
	ck_assert_int_eq(login("dev", "jo", "pw"), LN_DENY);
	ck_assert_ptr_null(identity.user);
	ck_assert_int_eq(login("dev", NULL, NULL), LN_NEXT);
}
END_TEST

/* Asks with a delay; the answer must not come before it. */
static ln_verdict_t answer_after(uint64_t delay, const char *client)
{
	uint64_t asked = ln_clock_now();

	((ln_span_t *)option("delay"))->ms = delay;
	late_answers = 0;
	ln_worker_turn(worker, false);
	ck_assert_int_eq(login(client, NULL, NULL), LN_VERDICT_WAIT);
	for (int i = 0; late_answers == 0 && i < 1000; i++)
		ln_worker_turn(worker, true);
	ck_assert_int_eq(late_answers, 1);
	ck_assert_uint_ge(ln_clock_now() - asked + 2, delay);
	return late;
}

START_TEST(answers_late)
{
	ln_choice_t *answer = option("delay_answer");

	set_list("deny_clients", "bad-");
	ck_assert_int_eq(answer_after(30, "bad-1"), LN_DENY);
	ck_assert_int_eq(answer_after(30, "dev"), LN_NEXT);
	answer->value = 1;
	ck_assert_int_eq(answer_after(30, "bad-1"), LN_ALLOW);
	answer->value = 2;
	ck_assert_int_eq(answer_after(30, "dev"), LN_DENY);
	ck_assert_uint_eq(counted(DELAYED), 4);
	ck_assert_uint_eq(counted(LN_HOOK_AUTHENTICATE), 4);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	((ln_span_t *)option("delay"))->ms = 3600000;
	late_answers = 0;
	ck_assert_int_eq(login("dev", NULL, NULL), LN_VERDICT_WAIT);
	stop();
	ck_assert_int_eq(late_answers, 1);
	ck_assert_int_eq(late, LN_DENY);
}
END_TEST

START_TEST(no_memory_to_wait_is_no)
{
	((ln_span_t *)option("delay"))->ms = 1;
	ln_mem_fail_after(1);
	ck_assert_int_eq(login("dev", NULL, NULL), LN_DENY);
	ln_mem_fail_after(0);
	ck_assert_uint_eq(counted(DELAYED), 0);
}
END_TEST

LN_UNIT_MAIN_WITH("probe/probe", setup, teardown, has_no_opinion_by_default, denies_by_beginning, knows_one_user,
                  answers_late, nobody_waits_for_ever, no_memory_to_wait_is_no)
