/* broker.c — see broker.h. The clock stands still until broker_pass; letters, timers and turn ends run in real loops that do not block. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <linnet/rcu.h>
#include "broker.h"

static uint64_t now_ms = 1000, wall_ms = 1700000000123;

static uint64_t now(void)
{
	return now_ms;
}

static uint64_t wall(void)
{
	return wall_ms;
}

void broker_begin(unsigned count)
{
	ln_clock_replace(now);
	ln_clock_replace_wall(wall);
	ln_router_init();
	ln_retain_init();
	ln_session_init();
	ln_workers_create(count, 4096);
	broker_as(0);
}

void broker_end(void)
{
	broker_settle();
	ln_worker_current = ln_worker_at(LN_MAIN_INDEX);
	ln_workers_stop();
	ln_session_fini();
	ln_router_fini();
	ln_retain_fini();
	ln_workers_destroy();
	ln_stats_clear();
}

ln_worker_t *broker_as(unsigned index)
{
	ln_worker_current = ln_worker_at(index);
	return ln_worker_current;
}

/* A message arrives in the first round, its parcel is back in the second; those that are passed on take longer. */
void broker_settle(void)
{
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < ln_worker_count(); i++)
			ln_worker_turn(ln_worker_at(i), false);
	}
}

void broker_pass(uint64_t ms)
{
	now_ms += ms;
	wall_ms += ms;
	broker_settle();
}

uint64_t broker_wall(void)
{
	return wall_ms;
}

typedef struct stat_query {
	const char *name;
	uint64_t sum;
	bool found;
} stat_query_t;

static void look(const char *name, const ln_stat_t *stat, uint64_t sum, void *ctx)
{
	stat_query_t *q = ctx;

	(void)name;
	if (strcmp(stat->name, q->name) == 0) {
		q->sum = sum;
		q->found = true;
	}
}

uint64_t broker_stat(const char *name)
{
	stat_query_t q = { name, 0, false };

	ln_stat_each(look, &q);
	ck_assert_msg(q.found, "no counter %s", name);
	return q.sum;
}

bool broker_publish_as(const pub_t *p)
{
	ln_msg_t m = ln_msg_borrow(ln_slice_of(p->topic), ln_slice(NULL, 0), ln_slice_of(p->payload));
	ln_routed_t routed;

	m.qos = p->qos;
	m.publisher = p->publisher;
	m.flags |= p->retain ? LN_MSG_RETAIN : 0;
	m.expires = p->expires ? p->expires : LN_NEVER;
	routed = ln_publish(ln_worker_self(), &m);
	ln_msg_release(&m);
	return routed.matched;
}

bool broker_publish(const char *topic, const char *payload, uint8_t qos)
{
	return broker_publish_as(&(pub_t){ .topic = topic, .payload = payload, .qos = qos });
}

void broker_retain(const char *topic, const char *payload, uint8_t qos)
{
	broker_publish_as(&(pub_t){ .topic = topic, .payload = payload, .qos = qos, .retain = true });
}

ln_msg_t *broker_message(const char *topic, const char *payload, uint8_t qos)
{
	ln_msg_t m = ln_msg_borrow(ln_slice_of(topic), ln_slice(NULL, 0), ln_slice_of(payload)), *held;

	m.qos = qos;
	held = ln_msg_hold(&m);
	ln_msg_release(&m);
	return held;
}

/* --- outlets ----------------------------------------------------------------------------------------------------------------------- */

static sent_t *record(outlet_t *o)
{
	if (o->count == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 16;
		o->sent = ln_realloc(o->sent, o->cap * sizeof(*o->sent));
	}
	memset(&o->sent[o->count], 0, sizeof(*o->sent));
	return &o->sent[o->count++];
}

static char *text_of(ln_slice_t s)
{
	return ln_strndup((const char *)s.data, s.len);
}

static ln_result_t on_send(ln_outlet_t *outlet, ln_msg_t *m, const ln_delivery_t *d)
{
	outlet_t *o = (outlet_t *)outlet;
	sent_t *s;

	ck_assert_uint_eq(o->detached, 0);
	if (o->payload_max && m->payload_len > o->payload_max) {
		o->refused++;
		return LN_LIMIT;
	}
	if (o->room == 0)
		return LN_AGAIN;
	if (o->room != OUTLET_UNLIMITED)
		o->room--;
	ck_assert_uint_le(d->id_count, SENT_IDS);
	ck_assert_int_eq(d->qos > 0, d->tag > 0);
	s = record(o);
	s->topic = text_of(ln_msg_topic(m));
	s->payload = text_of(ln_msg_payload(m));
	s->tag = d->tag;
	s->qos = d->qos;
	s->dup = d->dup;
	s->retain = d->retain;
	s->id_count = d->id_count;
	if (d->id_count)
		memcpy(s->ids, d->ids, d->id_count * sizeof(s->ids[0]));
	return LN_OK;
}

static void on_release(ln_outlet_t *outlet, uint16_t tag)
{
	outlet_t *o = (outlet_t *)outlet;
	sent_t *s = record(o);

	ck_assert_uint_eq(o->detached, 0);
	s->release = true;
	s->tag = tag;
}

static bool on_ready(ln_outlet_t *outlet)
{
	const outlet_t *o = (const outlet_t *)outlet;

	return o->lies || o->room > 0;
}

static void on_detached(ln_outlet_t *outlet, ln_result_t why)
{
	outlet_t *o = (outlet_t *)outlet;

	o->detached++;
	o->why = why;
}

static const ln_outlet_ops_t ops = { on_send, on_release, on_ready, on_detached };

void outlet_init(outlet_t *o)
{
	*o = (outlet_t){ .outlet = { &ops }, .room = OUTLET_UNLIMITED };
}

void outlet_fini(outlet_t *o)
{
	for (uint32_t i = 0; i < o->count; i++) {
		ln_free(o->sent[i].topic);
		ln_free(o->sent[i].payload);
	}
	ln_free(o->sent);
	o->sent = NULL;
	o->count = o->cap = o->read = 0;
}

const sent_t *outlet_next(outlet_t *o)
{
	return o->read < o->count ? &o->sent[o->read++] : NULL;
}

bool outlet_idle(const outlet_t *o)
{
	return o->read == o->count;
}

/* --- clients ----------------------------------------------------------------------------------------------------------------------- */

void client_id(char dst[32], unsigned index, unsigned n)
{
	for (unsigned i = 0;; i++) {
		snprintf(dst, 32, "c%u-%u", n, i);
		if (ln_session_home(ln_slice_of(dst)) == ln_worker_at(index))
			return;
	}
}

ln_result_t client_open(client_t *c, const char *id, client_open_t how)
{
	ln_session_open_t o = { .clean = how.clean, .expiry = how.expiry, .window = how.window, .limits = how.limits };
	client_t fresh = { .session = NULL };
	ln_result_t result;

	snprintf(fresh.id, sizeof(fresh.id), "%s", id);     /* may be C's own */
	*c = fresh;
	outlet_init(&c->out);
	o.id = ln_slice_of(c->id);
	o.outlet = &c->out.outlet;
	ln_worker_current = ln_session_home(o.id);
	result = ln_session_open(&o, &c->session, &c->present);
	if (result == LN_OK && !how.hold)
		ln_session_start(c->session);
	return result;
}

void client_cut(client_t *c, bool clean)
{
	ln_worker_current = ln_session_home(ln_slice_of(c->id));
	ln_session_detach(c->session, &c->out.outlet, clean);
}

ln_result_t client_subscribe_with(client_t *c, const char *filter, ln_sub_options_t options, ln_replay_t replay)
{
	ln_result_t result;

	ln_worker_current = ln_session_home(ln_slice_of(c->id));
	result = ln_session_subscribe(c->session, ln_slice_of(filter), options, replay);
	ln_session_pump(c->session);
	return result;
}

void client_subscribe(client_t *c, const char *filter, uint8_t qos)
{
	ck_assert_int_eq(client_subscribe_with(c, filter, (ln_sub_options_t){ .qos = qos }, LN_REPLAY_ALWAYS), LN_OK);
}

void client_ack(client_t *c, uint16_t tag)
{
	ln_worker_current = ln_session_home(ln_slice_of(c->id));
	ck_assert_int_eq(ln_session_acked(c->session, tag), LN_OK);
	ln_session_pump(c->session);
}

void client_fini(client_t *c)
{
	outlet_fini(&c->out);
}
