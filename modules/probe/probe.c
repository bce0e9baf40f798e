/* probe.c — the module to read first, and the one tests use to make a broker misbehave.
 *
 * It does in small what modules do in earnest: it answers hooks (deny a client or a topic, accept one user, let a
 * login wait), it counts, it keeps state per worker, and it provides a protocol (echo.c). Read it from the end:
 * LN_MODULE at the bottom is the module, and all above it is what that constant points to.
 *
 * Everything here runs on the worker that asks, so there is no lock in it. What a module may call is in <linnet/…>;
 * nothing else of the broker can be seen from here, and of this file nobody sees anything but the constant.
 *
 * Not done: passwords are compared as they stand in the configuration, byte by byte. That is good enough for a test
 * double and for nothing else.
 */
#include <linnet/identity.h>
#include <linnet/mem.h>
#include <linnet/module.h>
#include "echo.h"

/* --- configuration ---------------------------------------------------------------------------------------------- */

/* The options land in this struct. It is never changed: a reload makes a new one and frees this one when no worker
 * can still look at it. That is why conf_now() is called where it is needed and its answer never kept. */
typedef struct probe_conf {
	ln_strings_t deny_clients;
	ln_strings_t deny_topics;
	char *user;
	char *password;
	ln_span_t delay;
	ln_choice_t delay_answer;
} probe_conf_t;

enum { SAME, ALLOW, DENY };
static const char *const answer_names[] = { [SAME] = "same", [ALLOW] = "allow", [DENY] = "deny", NULL };

/* One line per option: its type and place come from the field, its name from the field's name (deny_clients:
 * "deny-clients"), the default is what a user would write. The loader knows `load` itself. */
static const ln_conf_item_t conf_items[] = {
	LN_CONF(probe_conf_t, deny_clients, "[]", "Clients whose identifier begins with one of these are not let in.",
		.reload = true),
	LN_CONF(probe_conf_t, deny_topics, "[]", "Topics and filters that begin with one of these are refused.",
		.reload = true),
	LN_CONF(probe_conf_t, user, NULL, "The one user name that is let in; not set: names are not judged.",
		.reload = true),
	LN_CONF(probe_conf_t, password, NULL, "The password of that user; not set: any.", .reload = true),
	LN_CONF(probe_conf_t, delay, "0s", "How long each login waits for its answer.", .reload = true),
	LN_CONF(probe_conf_t, delay_answer, "same", "What a login that waited is told; same: what it would be without.",
		.choices = answer_names, .reload = true),
	LN_CONF_END
};

/* The core writes here where our configuration, counters and slots are. LN_MODULE expects the name. */
ln_self_t probe_self;

static const probe_conf_t *conf_now(void)
{
	return ln_rcu_get(&probe_self.conf);
}

/* What spans several options is judged here; each by itself has been judged by its line in the table. */
static void check(const void *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	const probe_conf_t *c = conf;

	if (c->password && !c->user)
		ln_conf_say(errors, node, "password without user: say whose it is with \"user:\", or leave it out");
}

/* --- counters --------------------------------------------------------------------------------------------------- */

/* The first seven in the order of the hook points, so that a point is its own index. Seen from outside as
 * probe.accept … */
enum { STAT_DENIED = LN_HOOK_POINT_COUNT, STAT_DELAYED };

static const ln_stat_t stat_items[] = {
	[LN_HOOK_ACCEPT] = { "accept", LN_STAT_COUNTER, "Connections asked about." },
	[LN_HOOK_AUTHENTICATE] = { "authenticate", LN_STAT_COUNTER, "Logins settled." },
	[LN_HOOK_ENHANCED_AUTH] = { "enhanced_auth", LN_STAT_COUNTER, "Rounds of enhanced authentication settled." },
	[LN_HOOK_AUTHORIZE] = { "authorize", LN_STAT_COUNTER, "Uses of a topic settled." },
	[LN_HOOK_PUBLISH] = { "publish", LN_STAT_COUNTER, "Messages settled." },
	[LN_HOOK_CONNECTED] = { "connected", LN_STAT_COUNTER, "Clients let in." },
	[LN_HOOK_DISCONNECTED] = { "disconnected", LN_STAT_COUNTER, "Clients gone." },
	[STAT_DENIED] = { "denied", LN_STAT_COUNTER, "Questions this module answered with no." },
	[STAT_DELAYED] = { "delayed", LN_STAT_COUNTER, "Logins that were made to wait." },
	LN_STAT_END
};

/* A plain add in this worker's own memory: cheap enough for every message. */
static void count(unsigned stat)
{
	ln_stat_add(ln_worker_self(), probe_self.stat_base + stat, 1);
}

/* WHY goes to the log and, where the protocol can, to the client. */
static ln_verdict_t deny(ln_call_t *call, const char *why)
{
	count(STAT_DENIED);
	call->why = why;
	return LN_DENY;
}

/* --- answers that come later ------------------------------------------------------------------------------------ */

/* A login that waits. The call stays where its asker put it; we keep a pointer, a timer, and what to say. */
typedef struct pause {
	uint32_t magic;            /* every struct that comes back to us by a bare pointer starts with one */
	ln_verdict_t answer;
	ln_timer_t timer;
	ln_node_t node;            /* in the worker's list */
	ln_call_t *call;
} pause_t;

#define PAUSE_MAGIC 0x9a05e001u

/* Our slice of each worker's memory: zeroed, and touched by that worker alone. */
typedef struct probe_worker {
	ln_list_t waiting;
} probe_worker_t;

static void finish(pause_t *p, ln_verdict_t answer)
{
	ln_call_t *call = p->call;

	ln_require(LN_MAGIC_OK(p, PAUSE_MAGIC));
	ln_list_remove(&p->node);
	ln_give_back(p, sizeof(*p), NULL);
	ln_hook_resume(call, answer);   /* last: the call may be gone when this returns */
}

static void on_timer(ln_worker_t *w, ln_timer_t *timer)
{
	pause_t *p = LN_CONTAINER(timer, pause_t, timer);

	(void)w;
	finish(p, p->answer);
}

/* A peer makes us keep this, so its memory may be refused, and a refusal is an answer like another. */
static ln_verdict_t wait_for(ln_call_t *call, uint64_t delay, ln_verdict_t answer)
{
	ln_worker_t *w = ln_worker_self();
	probe_worker_t *mine = ln_worker_slot(w, probe_self.worker_slot);
	pause_t *p = ln_try_alloc(sizeof(*p), NULL);

	if (!p)
		return deny(call, "probe: no memory to wait with");
	*p = (pause_t){ .magic = PAUSE_MAGIC, .answer = answer, .call = call };
	ln_list_append(&mine->waiting, &p->node);
	ln_timer_set(w, &p->timer, delay, on_timer);
	count(STAT_DELAYED);
	return LN_VERDICT_WAIT;
}

static void worker_start(ln_worker_t *w, void *state)
{
	(void)w;
	ln_list_init(&((probe_worker_t *)state)->waiting);
}

/* Nothing may wait for ever: who stands here when the broker stops is told no. */
static void worker_stop(ln_worker_t *w, void *state)
{
	probe_worker_t *mine = state;

	while (!ln_list_empty(&mine->waiting)) {
		pause_t *p = LN_CONTAINER(mine->waiting.next, pause_t, node);
		ln_timer_cancel(w, &p->timer);
		finish(p, LN_DENY);
	}
}

/* --- hooks ------------------------------------------------------------------------------------------------------ */

/* Does TEXT begin with one of LIST? */
static bool begins(ln_slice_t text, const ln_strings_t *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (ln_slice_starts(text, ln_slice_of(list->item[i])))
			return true;
	return false;
}

/* What is to be said of this login at once. LN_NEXT is "no opinion": another module, or the listener's
 * allow-anonymous, decides. */
static ln_verdict_t judge(ln_call_t *call, const probe_conf_t *conf, const ln_auth_t *auth)
{
	if (begins(ln_slice_of(auth->identity->client_id), &conf->deny_clients))
		return deny(call, "probe: deny-clients");
	if (!conf->user || !auth->has_user)
		return LN_NEXT;
	if (!ln_slice_eq(auth->user, ln_slice_of(conf->user)))
		return deny(call, "probe: not the user");
	if (conf->password && !(auth->has_password && ln_slice_eq(auth->password, ln_slice_of(conf->password))))
		return deny(call, "probe: not the password");
	if (!auth->identity->user)
		auth->identity->user = ln_strdup(conf->user);
	return LN_ALLOW;
}

static ln_verdict_t on_authenticate(ln_call_t *call)
{
	const probe_conf_t *conf = conf_now();
	ln_verdict_t answer;

	if (conf->delay.ms == 0 || conf->delay_answer.value == SAME)
		answer = judge(call, conf, call->about);
	else
		answer = conf->delay_answer.value == ALLOW ? LN_ALLOW : deny(call, "probe: delay-answer");
	/* When we wait, only CALL is ours to keep: what it is about is borrowed until we return. */
	return conf->delay.ms ? wait_for(call, conf->delay.ms, answer) : answer;
}

/* The method "probe-echo": the peer is let in when it sends back what it was sent. The good news waits for `delay`. */
static ln_verdict_t on_enhanced_auth(ln_call_t *call)
{
	ln_exchange_t *x = call->about;

	if (!ln_slice_eq(x->method, LN_STR("probe-echo")))
		return LN_NEXT;
	if (!x->state) {
		x->state = ln_strdup("say it again");
		x->free_state = ln_free;
		ln_buf_append(&x->out, x->state, strlen(x->state));
		x->more = true;
		return LN_ALLOW;
	}
	if (!ln_slice_eq(x->data, ln_slice_of(x->state)))
		return deny(call, "probe: not an echo");
	x->user = ln_strdup("echo");
	ln_buf_append(&x->out, "well said", 9);
	return conf_now()->delay.ms ? wait_for(call, conf_now()->delay.ms, LN_ALLOW) : LN_ALLOW;
}

static ln_verdict_t on_authorize(ln_call_t *call)
{
	const ln_access_t *access = call->about;

	return begins(access->topic, &conf_now()->deny_topics) ? deny(call, "probe: deny-topics") : LN_NEXT;
}

/* An observer runs when the question is settled; what it returns is ignored. */
static ln_verdict_t on_settled(ln_call_t *call)
{
	count(call->point);
	return LN_NEXT;
}

/* Point, band, function, what it does. Bands are asked in order: GUARD, IDENTIFY, POLICY, REWRITE, OBSERVE. */
static const ln_hook_t hook_items[] = {
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_IDENTIFY, on_authenticate, "is this client denied, or the one user?" },
	{ LN_HOOK_ENHANCED_AUTH, LN_PRIO_IDENTIFY, on_enhanced_auth, "an echo proves who one is: method probe-echo" },
	{ LN_HOOK_AUTHORIZE, LN_PRIO_POLICY, on_authorize, "does this topic begin with a denied prefix?" },
	{ LN_HOOK_ACCEPT, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ LN_HOOK_AUTHENTICATE, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ LN_HOOK_ENHANCED_AUTH, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ LN_HOOK_AUTHORIZE, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ LN_HOOK_PUBLISH, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ LN_HOOK_CONNECTED, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ LN_HOOK_DISCONNECTED, LN_PRIO_OBSERVE, on_settled, "counts" },
	{ 0 }
};

/* --- the module ------------------------------------------------------------------------------------------------- */

/* A listener may say `stack: [echo]`. */
static const ln_provide_t provide_items[] = { { LN_PROVIDE_PROTOCOL, "echo", &probe_echo }, { 0 } };

LN_MODULE(probe,
	.summary = "a module to learn from and to test with: denies, delays, counts, echoes",
	.conf = conf_items, .conf_size = sizeof(probe_conf_t), .check = check,
	.stats = stat_items, .hooks = hook_items, .provides = provide_items,
	.worker_size = sizeof(probe_worker_t), .worker_start = worker_start, .worker_stop = worker_stop,
);
