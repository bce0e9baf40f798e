/* publish.c — a message meets its sinks: on this worker at once, on others by parcel.
 *
 * A parcel is one letter with the messages of one turn for one worker. It comes back to its sender when it has been routed, which frees it
 * there and tells the sender how much is still under way: above a mark the publisher is asked to wait, so that a fast worker cannot drown a
 * slow one.
 *
 * A publish from inside a delivery (a will, a script) would overwrite the match being walked; it goes by a parcel to the own worker.
 */
#include <linnet/retain.h>
#include <linnet/stat.h>
#include "routes.h"

#define PARCEL_ITEMS 510u
#define UNDER_WAY_MAX 32768u

typedef struct parcel_item {
	ln_msg_t *msg;
	ln_sub_t *sub;
} parcel_item_t;

struct ln__parcel {
	ln_letter_t letter;
	ln_worker_t *from, *to;
	uint32_t count, cap;
	parcel_item_t item[];
};

static inline void count(ln_worker_t *w, uint32_t stat, uint64_t n)
{
	ln_stat_add(w, ln__routes.stat + stat, n);
}

static void on_turn_end(ln_worker_t *w, void *ctx)
{
	(void)w;
	ln__parcels_send(ctx);
}

ln__router_worker_t *ln__router_worker(ln_worker_t *w)
{
	ln__router_worker_t *rw = ln_worker_slot(w, ln__routes.slot);

	if (LN_LIKELY(rw->worker != NULL))
		return rw;
	rw->worker = w;
	rw->cache = ln_alloc(sizeof(rw->cache[0]) * CACHE_SLOTS);
	ln_list_init(&rw->waiters);
	ln_worker_on_turn_end(w, on_turn_end, rw);
	return rw;
}

/* --- parcels --------------------------------------------------------------------------------------------------------------------- */

static void ease(ln__router_worker_t *rw)
{
	ln_node_t *n;

	while (rw->under_way < UNDER_WAY_MAX / 2 && (n = ln_list_take(&rw->waiters)) != NULL) {
		ln_waiter_t *waiter = LN_CONTAINER(n, ln_waiter_t, node);

		waiter->fn(waiter);
	}
}

static void on_returned(ln_letter_t *letter)
{
	ln__parcel_t *p = LN_CONTAINER(letter, ln__parcel_t, letter);
	ln__router_worker_t *rw = ln__router_worker(p->from);

	rw->under_way -= p->count;
	ln_free(p);
	ease(rw);
}

static void on_arrived(ln_letter_t *letter)
{
	ln__parcel_t *p = LN_CONTAINER(letter, ln__parcel_t, letter);
	ln__router_worker_t *rw = ln__router_worker(p->to);

	for (uint32_t i = 0; i < p->count; i++) {
		ln__router_arrived(rw, p->item[i].msg, p->item[i].sub);
		if (p->item[i].sub)
			ln__sub_unref(p->item[i].sub);
		ln_msg_unref(p->item[i].msg);
	}
	p->letter.fn = on_returned;
	ln_post(p->from, &p->letter);
}

static void send_parcel(ln__router_worker_t *rw, uint32_t to)
{
	ln__parcel_t *p = rw->out[to];

	rw->out[to] = NULL;
	rw->under_way += p->count;
	count(rw->worker, STAT_PARCELS, 1);
	ln_post(p->to, &p->letter);
}

void ln__parcels_send(ln__router_worker_t *rw)
{
	uint32_t n = rw->touched_count;

	rw->touched_count = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (rw->out[rw->touched[i]])
			send_parcel(rw, rw->touched[i]);
	}
}

static ln__parcel_t *parcel_begin(ln__router_worker_t *rw, uint32_t to, uint32_t cap)
{
	ln__parcel_t *p = ln_alloc(sizeof(*p) + sizeof(p->item[0]) * cap);

	p->letter.fn = on_arrived;
	p->from = rw->worker;
	p->to = ln_worker_at(to);
	p->cap = cap;
	return p;
}

void ln__parcel_add(ln__router_worker_t *rw, uint32_t to, ln_msg_t *m, ln_sub_t *sub)
{
	ln__parcel_t *p = rw->out[to];

	if (!p) {
		if (rw->touched_count == LN_ARRAY_SIZE(rw->touched))
			ln__parcels_send(rw);
		p = rw->out[to] = parcel_begin(rw, to, 6);
		rw->touched[rw->touched_count++] = (uint16_t)to;
	} else if (p->count == p->cap) {
		p->cap = p->cap * 4 > PARCEL_ITEMS ? PARCEL_ITEMS : p->cap * 4;
		p = rw->out[to] = ln_realloc(p, sizeof(*p) + sizeof(p->item[0]) * p->cap);
	}
	if (sub)
		ln__sub_ref(sub);
	p->item[p->count++] = (parcel_item_t){ ln_msg_hold(m), sub };
	if (p->count == PARCEL_ITEMS)
		send_parcel(rw, to);
}

bool ln_router_congested(ln_worker_t *w)
{
	return ln__router_worker(w)->under_way >= UNDER_WAY_MAX;
}

void ln_router_wait(ln_worker_t *w, ln_waiter_t *waiter)
{
	ln_list_append(&ln__router_worker(w)->waiters, &waiter->node);
}

/* --- routing --------------------------------------------------------------------------------------------------------------------- */

static void deliver_one(ln_sub_t *sub, ln_msg_t *m)
{
	ln_target_t t = { sub->sink, sub, 0, 1, sub->qos, sub->flags };

	sub->sink->ops->message(sub->sink, m, &t, &sub);
}

static void to_group(ln__router_worker_t *rw, ln__group_t *g, ln_msg_t *m)
{
	ln_sub_t *s = ln__group_pick(g, m);
	ln_msg_t *held;

	if (!s)
		return;
	if (s->sink->home == rw->worker->index && !s->dead) {
		deliver_one(s, m);
		return;
	}
	held = ln_msg_hold(m);
	if (!held)
		return;
	ln_msg_share(held);
	ln__parcel_add(rw, s->sink->home, held, s);
	ln_msg_unref(held);
}

static void to_remote(ln__router_worker_t *rw, const ln__match_t *match, ln_msg_t *m)
{
	ln_msg_t *held = ln_msg_hold(m);

	if (!held)
		return;
	ln_msg_share(held);
	for (uint32_t part = 0; part < LN_ARRAY_SIZE(match->remote); part++) {
		for (uint64_t bits = match->remote[part]; bits; bits &= bits - 1)
			ln__parcel_add(rw, part * 64 + (uint32_t)__builtin_ctzll(bits), held, NULL);
	}
	ln_msg_unref(held);
}

static void to_own(const ln__match_t *match, ln_msg_t *m)
{
	for (uint32_t i = 0; i < match->target_count; i++) {
		const ln_target_t *t = &match->targets[i];

		t->sink->ops->message(t->sink, m, t, match->subs + t->first);
	}
}

void ln__router_arrived(ln__router_worker_t *rw, ln_msg_t *m, ln_sub_t *sub)
{
	rw->routing = true;
	if (!sub)
		to_own(ln__match(rw, ln_msg_topic(m)), m);
	else if (!sub->dead)
		deliver_one(sub, m);
	else
		to_group(rw, sub->group, m);
	rw->routing = false;
}

/* A publish from inside a delivery: the whole message goes to the own worker, once, as if it came from outside. */
static ln_routed_t publish_later(ln__router_worker_t *rw, ln_msg_t *m);

ln_routed_t ln_router_publish(ln_worker_t *w, ln_msg_t *m)
{
	ln__router_worker_t *rw = ln__router_worker(w);
	const ln__match_t *match;
	ln_routed_t routed;

	if (LN_UNLIKELY(rw->routing))
		return publish_later(rw, m);
	rw->routing = true;
	match = ln__match(rw, ln_msg_topic(m));
	routed.matched = match->target_count || match->any_remote || match->group_count;
	if (match->any_remote)
		to_remote(rw, match, m);
	to_own(match, m);
	for (uint32_t i = 0; i < match->group_count; i++)
		to_group(rw, match->groups[i], m);
	rw->routing = false;
	count(w, STAT_MESSAGES_IN, 1);
	if (!routed.matched)
		count(w, STAT_UNMATCHED, 1);
	return routed;
}

typedef struct later {
	ln_letter_t letter;
	ln_worker_t *worker;
	ln_msg_t *msg;
} later_t;

static void on_later(ln_letter_t *letter)
{
	later_t *l = LN_CONTAINER(letter, later_t, letter);

	(void)ln_router_publish(l->worker, l->msg);
	ln_msg_unref(l->msg);
	ln_free(l);
}

static ln_routed_t publish_later(ln__router_worker_t *rw, ln_msg_t *m)
{
	later_t *l = ln_new(later_t);

	l->letter.fn = on_later;
	l->worker = rw->worker;
	l->msg = ln_msg_hold(m);
	if (!l->msg) {
		ln_free(l);
		return (ln_routed_t){ false };
	}
	ln_post(rw->worker, &l->letter);
	return (ln_routed_t){ true };
}

ln_routed_t ln_publish(ln_worker_t *w, ln_msg_t *m)
{
	if (m->flags & LN_MSG_RETAIN) {
		ln_result_t stored = ln_retain_store(w, m);

		count(w, stored == LN_OK ? STAT_RETAINED : STAT_RETAIN_REFUSED, 1);
	}
	return ln_router_publish(w, m);
}
