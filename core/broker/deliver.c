/* deliver.c — messages on their way to a session's connection.
 *
 * One path decides (message), one drains (pump): what cannot go at once waits in the queue, in order; retained messages come from cursors when
 * nothing else waits. A round of pumping is bounded; the rest follows in the next turn of the loop.
 */
#include "sessions.h"

#define PUMP_ROUND 2048u
#define REPLAY_BATCH 16u
#define IDS_ON_STACK 32u

static inline void count(const ln_session_t *s, uint32_t stat, uint64_t n)
{
	ln__session_count(s, stat, n);
}

/* What groups see of S. Stored when it changed: others read that line. */
static void tell_load(ln_session_t *s)
{
	uint32_t load = s->window.count + s->queue.count;

	if (load != __atomic_load_n(&s->sink.load, __ATOMIC_RELAXED))
		__atomic_store_n(&s->sink.load, load, __ATOMIC_RELAXED);
}

static uint32_t window_size(const ln_session_t *s)
{
	uint32_t own = ln__session_limits(s)->window_max;

	return own && own < s->peer_window ? own : s->peer_window;
}

static bool window_open(const ln_session_t *s)
{
	return s->window.open < window_size(s) && s->window.count < 65535 && s->window.resend == s->window.count;
}

/* --- sending ------------------------------------------------------------------------------------------------------------------------ */

static const uint32_t *entry_ids(const ln_entry_t *e, uint32_t *ret_count)
{
	if (e->flags & LN_ENTRY_MANY) {
		*ret_count = e->ids.many[0];
		return e->ids.many + 1;
	}
	if (e->flags & LN_ENTRY_GROUP) {
		*ret_count = e->ids.member->id ? 1 : 0;
		return &e->ids.member->id;
	}
	*ret_count = e->ids.one ? 1 : 0;
	return &e->ids.one;
}

static ln_result_t send_entry(ln_session_t *s, const ln_entry_t *e)
{
	ln_delivery_t d = {
		.tag = e->tag, .qos = e->qos, .dup = (e->flags & LN_ENTRY_SENT) != 0, .retain = (e->flags & LN_ENTRY_RETAIN) != 0
	};

	d.ids = entry_ids(e, &d.id_count);
	return s->outlet->ops->send(s->outlet, e->msg, &d);
}

/* Sends *E (taken) through the window. LN_AGAIN: the outlet is full and *E is the caller's again. */
static ln_result_t send_counted(ln_session_t *s, ln_entry_t *e)
{
	ln_entry_t *in = ln__window_push(&s->window, e);
	ln_result_t result = send_entry(s, in);

	if (result == LN_AGAIN) {
		ln__window_pop_last(&s->window, e);
		return LN_AGAIN;
	}
	if (result == LN_OK) {
		in->flags |= LN_ENTRY_SENT;
		count(s, STAT_MESSAGES_OUT, 1);
	} else {
		ln__window_pop_last(&s->window, e);
		ln_entry_fini(e);
		count(s, STAT_DROPPED_LARGE, 1);
	}
	return LN_OK;
}

/* Sends *E (taken) with QoS 0. */
static ln_result_t send_plain(ln_session_t *s, ln_entry_t *e)
{
	ln_result_t result = send_entry(s, e);

	if (result == LN_AGAIN)
		return LN_AGAIN;
	count(s, result == LN_OK ? STAT_MESSAGES_OUT : STAT_DROPPED_LARGE, 1);
	ln_entry_fini(e);
	return LN_OK;
}

static void enqueue(ln_session_t *s, ln_entry_t *e)
{
	const ln_queue_limits_t *limits = &ln__session_limits(s)->queue;
	uint32_t before = s->queue.count, dropped = 0;

	if (ln_queue_put(&s->queue, limits, e, ln__session_worker(s)->wall, &dropped) != LN_OK) {
		count(s, STAT_DROPPED_FULL, dropped);
		if (limits->full == LN_FULL_DISCONNECT && s->outlet && !s->overrun) {
			/* Not in the middle of a delivery. */
			s->overrun = true;
			ln_timer_set(ln__session_worker(s), &s->timer, 0, ln__session_on_pump);
		}
	}
	ln_stat_add(ln__session_worker(s), ln__routes.stat + STAT_QUEUED, (uint64_t)s->queue.count - before);
}

/* --- one message from the router ---------------------------------------------------------------------------------------------------- */

/* What the subscriptions that take part in one delivery come to. */
typedef struct wish {
	uint8_t qos;
	bool any, keep_retain;
	uint32_t id_count;
	ln_sub_t *member;               /* of a group, which is alone then; else NULL */
	uint32_t *ids;                  /* few, or owned when there may be more */
	uint32_t few[IDS_ON_STACK];
} wish_t;

static bool is_own(const ln_session_t *s, const ln_msg_t *m)
{
	return m->publisher && m->publisher == s->number;
}

/* A dead one: unsubscribed, or its session ended, by an earlier sink of the same message. */
static void read_wish(const ln_session_t *s, const ln_msg_t *m, const ln_target_t *t, ln_sub_t *const *subs, wish_t *wish)
{
	bool own = is_own(s, m);

	wish->qos = 0;
	wish->any = wish->keep_retain = false;
	wish->id_count = 0;
	wish->member = subs[0]->group ? subs[0] : NULL;
	wish->ids = t->count <= IDS_ON_STACK ? wish->few : ln_new_n(uint32_t, t->count);
	for (uint32_t i = 0; i < t->count; i++) {
		const ln_sub_t *sub = subs[i];

		if (sub->dead || (own && sub->flags & LN_SUB_NO_LOCAL))
			continue;
		wish->any = true;
		wish->qos = sub->qos > wish->qos ? sub->qos : wish->qos;
		wish->keep_retain |= (sub->flags & LN_SUB_KEEP_RETAIN) != 0;
		if (sub->id)
			wish->ids[wish->id_count++] = sub->id;
	}
	wish->qos = m->qos < wish->qos ? m->qos : wish->qos;
}

/* An entry that keeps M. */
static bool make_entry(ln_msg_t *m, const wish_t *wish, bool retain, ln_entry_t *ret)
{
	ln_msg_t *held = ln_msg_hold(m);

	if (!held)
		return false;
	*ret = (ln_entry_t){ .msg = held, .qos = wish->qos, .flags = retain ? LN_ENTRY_RETAIN : 0 };
	if (wish->member) {
		ln__sub_ref(wish->member);
		ret->ids.member = wish->member;
		ret->flags |= LN_ENTRY_GROUP;
	} else if (wish->id_count == 1) {
		ret->ids.one = wish->ids[0];
	} else if (wish->id_count > 1) {
		ret->ids.many = ln_new_n(uint32_t, wish->id_count + 1);
		ret->ids.many[0] = wish->id_count;
		memcpy(ret->ids.many + 1, wish->ids, wish->id_count * sizeof(uint32_t));
		ret->flags |= LN_ENTRY_MANY;
	}
	return true;
}

static void pass_on(ln_session_t *s, ln_msg_t *m, const wish_t *wish, bool retain)
{
	ln_delivery_t d = { .qos = 0, .retain = retain, .id_count = wish->id_count, .ids = wish->ids };
	ln_result_t result;

	if (!s->started)
		return;
	result = s->outlet->ops->send(s->outlet, m, &d);
	count(s, result == LN_OK ? STAT_MESSAGES_OUT : result == LN_AGAIN ? STAT_DROPPED_QOS0 : STAT_DROPPED_LARGE, 1);
}

static void keep(ln_session_t *s, ln_msg_t *m, const wish_t *wish, bool retain)
{
	ln_entry_t e;

	if (!make_entry(m, wish, retain, &e)) {
		count(s, STAT_DROPPED_FULL, 1);
		return;
	}
	if (s->started && ln_queue_empty(&s->queue) && window_open(s) && s->outlet->ops->ready(s->outlet) && send_counted(s, &e) == LN_OK)
		return;
	enqueue(s, &e);
}

static void on_message(ln_sink_t *sink, ln_msg_t *m, const ln_target_t *target, ln_sub_t *const *subs)
{
	ln_session_t *s = ln__session_of(sink);
	bool retain;
	wish_t wish;

	ln_require(LN_MAGIC_OK(sink, SESSION_MAGIC));
	read_wish(s, m, target, subs, &wish);
	retain = wish.keep_retain && m->flags & LN_MSG_RETAIN;
	if (wish.any && wish.qos == 0)
		pass_on(s, m, &wish, retain);
	else if (wish.any)
		keep(s, m, &wish, retain);
	if (wish.ids != wish.few)
		ln_free(wish.ids);
	tell_load(s);
}

const ln_sink_ops_t ln__session_sink_ops = { "session", on_message };

/* --- pumping ------------------------------------------------------------------------------------------------------------------------ */

/* Sends again what was in flight when the last connection ended. */
static void resend(ln_session_t *s, uint32_t *budget)
{
	ln__window_t *w = &s->window;

	while (w->resend < w->count && w->open < window_size(s) && *budget && s->outlet->ops->ready(s->outlet)) {
		ln_entry_t *e = ln__window_at(w, w->resend);

		--*budget;
		if (e->flags & LN_ENTRY_RECEIVED) {
			s->outlet->ops->release(s->outlet, e->tag);
			w->resend++;
			continue;
		}
		if (!(e->flags & LN_ENTRY_DONE)) {
			ln_result_t result = send_entry(s, e);

			if (result == LN_AGAIN)
				return;
			if (result == LN_OK) {
				e->flags |= LN_ENTRY_SENT | ENTRY_COUNTED;
				w->open++;
				count(s, STAT_MESSAGES_OUT, 1);
			} else {
				count(s, STAT_DROPPED_LARGE, 1);
				w->resend++;
				ln__window_settle(w, e);
				continue;
			}
		}
		w->resend++;
	}
}

static void drain_queue(ln_session_t *s, uint32_t *budget)
{
	const ln_queue_limits_t *limits = &ln__session_limits(s)->queue;
	uint32_t before = s->queue.count, expired;
	ln_entry_t e;

	while (*budget && window_open(s) && s->outlet->ops->ready(s->outlet)) {
		if (ln_queue_take(&s->queue, limits, ln__session_worker(s)->wall, &e, &expired) != LN_OK) {
			count(s, STAT_EXPIRED, expired);
			break;
		}
		count(s, STAT_EXPIRED, expired);
		--*budget;
		if (send_counted(s, &e) == LN_AGAIN) {
			ln_queue_put_back(&s->queue, &e);
			break;
		}
	}
	ln_stat_sub(ln__session_worker(s), ln__routes.stat + STAT_QUEUED, (uint64_t)before - s->queue.count);
}

/* One retained message. LN_AGAIN: it could not go now. */
static ln_result_t replay_one(ln_session_t *s, const ln__replay_t *r, ln_msg_t *m)
{
	wish_t wish = { .qos = m->qos < r->options.qos ? m->qos : r->options.qos, .id_count = r->options.id ? 1 : 0, .few = { r->options.id } };
	ln_result_t result;
	ln_entry_t e;

	if (r->options.flags & LN_SUB_NO_LOCAL && is_own(s, m))
		return LN_OK;
	wish.ids = wish.few;
	if (wish.qos && !window_open(s))
		return LN_AGAIN;
	if (!make_entry(m, &wish, true, &e))
		return LN_OK;
	result = wish.qos ? send_counted(s, &e) : send_plain(s, &e);
	if (result == LN_AGAIN)
		ln_entry_fini(&e);
	return result;
}

/* A batch of one cursor; false when it cannot go on now. */
static bool replay_batch(ln_session_t *s, ln__replay_t *r, uint32_t *budget)
{
	ln_msg_t *batch[REPLAY_BATCH];
	unsigned n = ln_retain_next(&r->cursor, batch, REPLAY_BATCH, ln__session_worker(s)->wall), i = 0;
	bool go_on = true;

	for (; i < n; i++) {
		if (replay_one(s, r, batch[i]) == LN_AGAIN) {
			ln_retain_cursor_back(&r->cursor, ln_msg_topic(batch[i]));
			go_on = false;
			break;
		}
	}
	*budget -= *budget < i ? *budget : i;
	for (i = 0; i < n; i++)
		ln_msg_unref(batch[i]);
	return go_on;
}

static void replay(ln_session_t *s, uint32_t *budget)
{
	ln_node_t *n;

	while ((n = ln_list_first(&s->replays)) != NULL && *budget && s->outlet->ops->ready(s->outlet)) {
		ln__replay_t *r = LN_CONTAINER(n, ln__replay_t, node);

		if (!r->cursor.done) {
			if (!replay_batch(s, r, budget))
				return;
			continue;
		}
		ln__replay_end(r);
	}
}

void ln__session_on_pump(ln_worker_t *w, ln_timer_t *t)
{
	ln_session_t *s = LN_CONTAINER(t, ln_session_t, timer);
	ln_outlet_t *outlet = s->outlet;

	(void)w;
	if (!s->overrun) {
		ln_session_pump(s);
		return;
	}
	count(s, STAT_OVERRUN, 1);
	ln_session_detach(s, outlet, false);
	outlet->ops->detached(outlet, LN_LIMIT);
}

void ln_session_pump(ln_session_t *s)
{
	uint32_t budget = PUMP_ROUND;

	if (!s->started || s->pumping)
		return;
	s->pumping = true;
	resend(s, &budget);
	drain_queue(s, &budget);
	if (ln_queue_empty(&s->queue))
		replay(s, &budget);
	s->pumping = false;
	tell_load(s);
	if (budget == 0)
		ln_timer_set(ln__session_worker(s), &s->timer, 0, ln__session_on_pump);
}

void ln_session_start(ln_session_t *s)
{
	ln_require(s->outlet);
	s->started = true;
	s->window.resend = 0;
	s->window.open = 0;
	for (uint32_t i = 0; i < s->window.count; i++)
		ln__window_at(&s->window, i)->flags &= (uint8_t)~ENTRY_COUNTED;
	__atomic_store_n(&s->sink.ready, true, __ATOMIC_RELAXED);
	ln_session_pump(s);
}

/* --- groups -------------------------------------------------------------------------------------------------------------------------- */

static bool hand_over(const ln_entry_t *e, void *ctx)
{
	return e->flags & LN_ENTRY_GROUP && ln__group_hand_over(ctx, e->ids.member, e->msg);
}

void ln__session_hand_over(ln_session_t *s, bool ended)
{
	ln__router_worker_t *rw = ln__router_worker(ln__session_worker(s));
	uint32_t before = s->queue.count;

	for (uint32_t i = 0; ended && i < s->window.count; i++) {
		const ln_entry_t *e = ln__window_at(&s->window, i);

		if (e->qos == 1 && !(e->flags & LN_ENTRY_DONE))
			(void)hand_over(e, rw);
	}
	ln_queue_sift(&s->queue, hand_over, rw);
	ln_stat_sub(ln__session_worker(s), ln__routes.stat + STAT_QUEUED, (uint64_t)before - s->queue.count);
	tell_load(s);
}

/* --- what the peer answers ---------------------------------------------------------------------------------------------------------- */

ln_result_t ln_session_acked(ln_session_t *s, uint16_t tag)
{
	ln_entry_t *e = ln__window_find(&s->window, tag);

	if (!e)
		return LN_NOT_FOUND;
	if (e->qos != 1)
		return LN_PROTOCOL;
	ln__window_settle(&s->window, e);
	tell_load(s);
	return LN_OK;
}

ln_result_t ln_session_received(ln_session_t *s, uint16_t tag, bool ok)
{
	ln_entry_t *e = ln__window_find(&s->window, tag);

	if (!e)
		return LN_NOT_FOUND;
	if (e->qos != 2)
		return LN_PROTOCOL;
	if (ok)
		ln__window_received(e);
	else
		ln__window_settle(&s->window, e);
	tell_load(s);
	return LN_OK;
}

ln_result_t ln_session_completed(ln_session_t *s, uint16_t tag)
{
	ln_entry_t *e = ln__window_find(&s->window, tag);

	if (!e)
		return LN_NOT_FOUND;
	if (e->qos != 2 || !(e->flags & LN_ENTRY_RECEIVED))
		return LN_PROTOCOL;
	ln__window_settle(&s->window, e);
	tell_load(s);
	return LN_OK;
}

uint32_t ln_session_in_flight(const ln_session_t *s)
{
	return s->window.count;
}
