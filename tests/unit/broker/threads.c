/* Tests the broker floor with real worker threads for a few seconds; made for ThreadSanitizer (with RCU built in) and AddressSanitizer.
 *
 * Every worker publishes, subscribes and unsubscribes sinks of its own, walks retained messages, and asks by letter for sessions that live
 * elsewhere: opened, taken over, acknowledged, cut, ended. The main thread changes limits and reads counters. Two things are exact, because
 * nothing may get lost between workers: a subscriber that stays gets every message of every publisher once and in order; and a
 * group with a member that stays takes every message once, however its other members come and go.
 *
 * What a worker writes is its own (struct part, and the clients whose ids have their home there); it is read after the threads have ended.
 */
#include <stdio.h>
#include <linnet/clock.h>
#include <linnet/rcu.h>
#include <linnet/retain.h>
#include <linnet/session.h>
#include <linnet/stat.h>
#include "unit.h"

#define WORKERS 3u
#define GUESTS 6u             /* sinks of a worker that come and go */
#define CLIENTS 24u
#define RUN_MS 2500u

/* --- sinks ------------------------------------------------------------------------------------------------------------------------- */

typedef struct guest {
	ln_sink_t sink;                         /* first */
	ln_sub_t *sub;
	uint32_t got, last[WORKERS], from[WORKERS];
	bool disorder;
} guest_t;

typedef struct note {
	uint32_t worker, number;
} note_t;

static void on_message(ln_sink_t *sink, ln_msg_t *m, const ln_target_t *target, ln_sub_t *const *subs)
{
	guest_t *g = (guest_t *)sink;
	note_t note;

	(void)subs;
	ln_insist(sink->home == ln_worker_self()->index && target->count > 0);
	g->got++;
	if (m->payload_len != sizeof(note))
		return;
	memcpy(&note, ln_msg_payload(m).data, sizeof(note));
	g->from[note.worker]++;
	g->disorder |= note.number <= g->last[note.worker];
	g->last[note.worker] = note.number;
}

static const ln_sink_ops_t guest_ops = { "guest", on_message };

/* --- what one worker owns ------------------------------------------------------------------------------------------------------------ */

typedef struct part {
	_Alignas(64) uint32_t seed;
	bool stopping, waiting;
	ln_timer_t timer;
	ln_waiter_t waiter;
	uint32_t steady_sent, shared_sent;      /* how many went to "steady/…", "shared/…" */
	guest_t steady, member, guests[GUESTS], members[GUESTS];
} part_t;

static part_t parts[WORKERS];

static part_t *part_of(const ln_worker_t *w)
{
	return &parts[w->index];
}

static uint32_t draw(part_t *p, uint32_t below)
{
	p->seed = p->seed * 1664525 + 1013904223;
	return (p->seed >> 8) % below;
}

static void guest_init(guest_t *g, uint16_t home)
{
	g->sink = (ln_sink_t){ .home = home, .ready = true, .ops = &guest_ops };
}

static void subscribe(guest_t *g, const char *filter, const char *group)
{
	ln_result_t result = ln_router_subscribe(&g->sink, ln_slice_of(filter), ln_slice_of(group), (ln_sub_options_t){ .qos = 1 }, &g->sub);

	ln_insist(result == LN_OK);
}

static void come_or_go(guest_t *g, const char *filter, const char *group)
{
	if (!g->sub) {
		subscribe(g, filter, group);
		return;
	}
	ln_router_unsubscribe(g->sub);
	g->sub = NULL;
}

static void publish(ln_worker_t *w, const char *topic, const void *payload, size_t len, uint32_t how)
{
	ln_msg_t m = ln_msg_borrow(ln_slice_of(topic), ln_slice(NULL, 0), ln_slice(payload, len));

	m.qos = (uint8_t)(how % 3);
	m.flags |= how / 3 % 8 == 0 ? LN_MSG_RETAIN : 0;
	if (how / 24 % 8 == 0)
		m.expires = w->wall + 20;
	(void)ln_publish(w, &m);
	ln_msg_release(&m);
}

static void publish_steady(part_t *p, ln_worker_t *w)
{
	note_t note = { w->index, ++p->steady_sent };

	publish(w, draw(p, 2) ? "steady/a" : "steady/b", &note, sizeof(note), 3 + draw(p, 3));
}

static void publish_shared(part_t *p, ln_worker_t *w)
{
	p->shared_sent++;
	publish(w, draw(p, 2) ? "shared/a" : "shared/b", "x", 1, 3 + draw(p, 3));
}

static void publish_any(part_t *p, ln_worker_t *w)
{
	char topic[16];

	snprintf(topic, sizeof(topic), "any/%u/%u", draw(p, 4), draw(p, 4));
	publish(w, topic, "any", draw(p, 5) ? 3 : 0, draw(p, 1000));
}

static void change_guest(part_t *p)
{
	static const char *const filters[] = { "any/+/1", "any/#", "#", "any/1/2", "+/+/3", "any/2/2", "steady/a", "none" };
	guest_t *g = &p->guests[draw(p, GUESTS)];

	if (g->sub && draw(p, 3) == 0)
		ln_router_change(g->sub, (ln_sub_options_t){ .qos = (uint8_t)draw(p, 3), .id = draw(p, 9) });
	else
		come_or_go(g, filters[draw(p, LN_ARRAY_SIZE(filters))], NULL);
}

static void change_member(part_t *p)
{
	guest_t *g = &p->members[draw(p, GUESTS)];

	if (draw(p, 3))
		__atomic_store_n(&g->sink.ready, draw(p, 2), __ATOMIC_RELAXED);
	else
		come_or_go(g, "shared/#", "g");
}

static void walk_retained(part_t *p, ln_worker_t *w)
{
	static const char *const filters[] = { "any/#", "+/+/1", "any/2/+", "#" };
	ln_retain_cursor_t c;
	ln_msg_t *m[4];
	unsigned n;

	ln_retain_cursor_init(&c, ln_slice_of(filters[draw(p, LN_ARRAY_SIZE(filters))]));
	while ((n = ln_retain_next(&c, m, 4, w->wall)) > 0) {
		for (unsigned i = 0; i < n; i++)
			ln_msg_unref(m[i]);
	}
	ln_retain_cursor_fini(&c);
}

/* --- sessions, asked for by letter ----------------------------------------------------------------------------------------------------- */

typedef struct plug {
	ln_outlet_t outlet;                     /* first */
	struct client *client;
	uint32_t tag_count;
	struct { uint16_t tag; uint8_t qos; } tags[64];
} plug_t;

typedef struct client {
	_Alignas(64) char id[16];
	ln_session_t *session;                  /* NULL: no connection */
	plug_t *plug, plugs[2];                 /* a takeover needs another one */
	uint32_t opened, taken_over;
} client_t;

static client_t clients[CLIENTS];

static ln_result_t on_send(ln_outlet_t *outlet, ln_msg_t *m, const ln_delivery_t *d)
{
	plug_t *plug = (plug_t *)outlet;

	(void)m;
	if (d->qos == 0)
		return LN_OK;
	if (plug->tag_count == LN_ARRAY_SIZE(plug->tags))
		return LN_AGAIN;
	plug->tags[plug->tag_count].tag = d->tag;
	plug->tags[plug->tag_count++].qos = d->qos;
	return LN_OK;
}

static void on_release(ln_outlet_t *outlet, uint16_t tag)
{
	(void)outlet, (void)tag;
}

static bool on_ready(ln_outlet_t *outlet)
{
	return ((plug_t *)outlet)->tag_count < LN_ARRAY_SIZE(((plug_t *)outlet)->tags);
}

static void on_detached(ln_outlet_t *outlet, ln_result_t why)
{
	client_t *c = ((plug_t *)outlet)->client;

	c->taken_over += why == LN_EXISTS;
	c->session = NULL;
}

static const ln_outlet_ops_t plug_ops = { on_send, on_release, on_ready, on_detached };

static void open_client(part_t *p, client_t *c)
{
	plug_t *plug = &c->plugs[c->plug == &c->plugs[0]];
	ln_session_open_t o = { .id = ln_slice_of(c->id), .clean = draw(p, 4) == 0, .expiry = draw(p, 3), .outlet = &plug->outlet };
	ln_session_t *s;
	bool present;

	*plug = (plug_t){ .outlet = { &plug_ops }, .client = c };
	if (ln_session_open(&o, &s, &present) != LN_OK)
		return;
	c->session = s;
	c->plug = plug;
	c->opened++;
	ln_session_start(s);
}

static void acknowledge(client_t *c)
{
	plug_t *plug = c->plug;
	uint32_t n = plug->tag_count;

	plug->tag_count = 0;
	for (uint32_t i = 0; i < n; i++) {
		ln_result_t result;

		if (plug->tags[i].qos == 1) {
			result = ln_session_acked(c->session, plug->tags[i].tag);
		} else {
			result = ln_session_received(c->session, plug->tags[i].tag, true);
			if (result == LN_OK)
				result = ln_session_completed(c->session, plug->tags[i].tag);
		}
		ln_insist(result == LN_OK);
	}
	ln_session_pump(c->session);
}

static void set_will(client_t *c)
{
	ln_msg_t m = ln_msg_borrow(LN_STR("any/1/1"), ln_slice(NULL, 0), LN_STR("gone"));

	m.qos = 1;
	ln_session_set_will(c->session, ln_msg_hold(&m), 0);
	ln_msg_release(&m);
}

static void use_client(part_t *p, client_t *c)
{
	static const char *const filters[] = { "any/+/+", "any/1/1", "$share/s/any/#", "#", "steady/#" };
	ln_slice_t filter = ln_slice_of(filters[draw(p, LN_ARRAY_SIZE(filters))]);
	ln_sub_options_t options = { .qos = (uint8_t)draw(p, 3) };
	ln_result_t ignored;

	switch (draw(p, 9)) {
	case 0:
		open_client(p, c);
		break;
	case 1:
		ln_session_detach(c->session, &c->plug->outlet, draw(p, 2));
		c->session = NULL;
		break;
	case 2:
		if (draw(p, 4) == 0)
			ln_session_end(c->session);
		break;
	case 3:
		ignored = ln_session_unsubscribe(c->session, filter);
		(void)ignored;
		break;
	case 4:
	case 5:
		ignored = ln_session_subscribe(c->session, filter, options, LN_REPLAY_ALWAYS);
		ln_session_pump(c->session);
		break;
	case 6:
		set_will(c);
		break;
	default:
		acknowledge(c);
	}
}

typedef struct ask {
	ln_letter_t letter;
	client_t *client;
} ask_t;

static void on_ask(ln_letter_t *letter)
{
	ask_t *ask = LN_CONTAINER(letter, ask_t, letter);
	client_t *c = ask->client;
	part_t *p = part_of(ln_worker_self());

	ln_free(ask);
	if (c->session)
		use_client(p, c);
	else
		open_client(p, c);
}

static void ask(part_t *p)
{
	ask_t *a = ln_new(ask_t);

	a->client = &clients[draw(p, CLIENTS)];
	a->letter.fn = on_ask;
	ln_post(ln_session_home(ln_slice_of(a->client->id)), &a->letter);
}

/* --- the load ---------------------------------------------------------------------------------------------------------------------------- */

static void on_eased(ln_waiter_t *waiter)
{
	LN_CONTAINER(waiter, part_t, waiter)->waiting = false;
}

static void step(part_t *p, ln_worker_t *w)
{
	switch (draw(p, 16)) {
	case 0:
	case 1:
		change_guest(p);
		break;
	case 2:
		change_member(p);
		break;
	case 3:
		if (draw(p, 10) == 0)
			walk_retained(p, w);
		break;
	case 4:
	case 5:
		ask(p);
		break;
	case 6:
	case 7:
	case 8:
		publish_shared(p, w);
		break;
	case 9:
	case 10:
	case 11:
		publish_any(p, w);
		break;
	default:
		publish_steady(p, w);
	}
}

static void on_timer(ln_worker_t *w, ln_timer_t *t)
{
	part_t *p = part_of(w);

	for (unsigned i = 0; i < 50 && !p->waiting; i++)
		step(p, w);
	if (!p->waiting && ln_router_congested(w)) {
		p->waiting = true;
		p->waiter.fn = on_eased;
		ln_router_wait(w, &p->waiter);
	}
	if (!p->stopping)
		ln_timer_set(w, t, draw(p, 8) == 0, on_timer);
}

static void prepare(ln_worker_t *w, void *ctx)
{
	part_t *p = part_of(w);
	uint16_t home = (uint16_t)w->index;

	(void)ctx;
	p->seed = w->index + 1;
	guest_init(&p->steady, home);
	guest_init(&p->member, home);
	for (unsigned i = 0; i < GUESTS; i++) {
		guest_init(&p->guests[i], home);
		guest_init(&p->members[i], home);
	}
	subscribe(&p->steady, "steady/#", NULL);
	if (home == 0)
		subscribe(&p->member, "shared/#", "g");
}

static void start(ln_worker_t *w, void *ctx)
{
	(void)ctx;
	ln_timer_set(w, &part_of(w)->timer, 0, on_timer);
}

static void stop(ln_worker_t *w, void *ctx)
{
	(void)ctx;
	part_of(w)->stopping = true;
	ln_timer_cancel(w, &part_of(w)->timer);
	ln_list_remove(&part_of(w)->waiter.node);
}

static void look_at(const char *name, const ln_stat_t *stat, uint64_t sum, void *ctx)
{
	(void)name, (void)stat;
	*(uint64_t *)ctx += sum;
}

/* The main thread's share: reads what may be read from anywhere, replaces limits. */
static void meddle(void)
{
	uint64_t until = ln_clock_now() + RUN_MS, sum = 0, filters, subs;
	ln_session_limits_t limits = *ln_session_limits();

	for (unsigned i = 0; ln_clock_now() < until; i++) {
		limits.window_max = 1 + i % 100;
		limits.queue.count = 10 + i % 50;
		limits.queue.full = i % 2 ? LN_FULL_DROP_OLDEST : LN_FULL_DROP_NEWEST;
		ln_session_set_limits(&limits);
		ln_retain_set_limits((ln_retain_limits_t){ .count = 5 + i % 20 });
		ln_router_count(&filters, &subs);
		ln_retain_count(&filters, &subs);
		ln_stat_each(look_at, &sum);
		ln_rcu_offline();
		ln_unit_sleep_ms(5);
		ln_rcu_online();
	}
}

/* --- the outcome --------------------------------------------------------------------------------------------------------------------- */

static void check_steady(void)
{
	uint32_t sent = 0;

	for (unsigned from = 0; from < WORKERS; from++)
		sent += parts[from].steady_sent;
	ck_assert_uint_gt(sent, 300);
	for (unsigned to = 0; to < WORKERS; to++) {
		const guest_t *g = &parts[to].steady;

		ck_assert_msg(!g->disorder, "worker %u: out of order", to);
		for (unsigned from = 0; from < WORKERS; from++)
			ck_assert_uint_eq(g->from[from], parts[from].steady_sent);
	}
}

static void check_shared(void)
{
	uint32_t sent = 0, got = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		sent += parts[i].shared_sent;
		got += parts[i].member.got;
		for (unsigned k = 0; k < GUESTS; k++)
			got += parts[i].members[k].got;
	}
	ck_assert_uint_gt(sent, 300);
	ck_assert_uint_eq(got, sent);
}

static void check_clients(void)
{
	uint32_t opened = 0, taken_over = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		opened += clients[i].opened;
		taken_over += clients[i].taken_over;
	}
	ck_assert_uint_gt(taken_over, 0);
	ck_assert_uint_gt(opened, taken_over);
}

static void leave(guest_t *g)
{
	if (g->sub)
		ln_router_unsubscribe(g->sub);
	g->sub = NULL;
}

static void clear(void)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		leave(&parts[i].steady);
		leave(&parts[i].member);
		for (unsigned k = 0; k < GUESTS; k++) {
			leave(&parts[i].guests[k]);
			leave(&parts[i].members[k]);
		}
	}
	ln_session_fini();
	ln_router_fini();
	ln_retain_fini();
	ln_rcu_barrier();
	ln_workers_destroy();
	ln_stats_clear();
}

START_TEST(storm)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		snprintf(clients[i].id, sizeof(clients[i].id), "client-%u", i);
	ln_router_init();
	ln_retain_init();
	ln_session_init();
	ln_workers_create(WORKERS, 4096);
	ln_unit_ok(ln_workers_start());
	ln_workers_each(prepare, NULL);
	ln_workers_each(start, NULL);
	meddle();
	ln_workers_each(stop, NULL);
	ln_workers_stop();
	check_steady();
	check_shared();
	check_clients();
	clear();
}
END_TEST

LN_UNIT_MAIN("broker/threads", storm)
