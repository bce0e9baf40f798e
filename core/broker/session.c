/* session.c — a session's life: opened, taken over, left alone, ended; its will; its identifiers on the way in.
 *
 * Everything runs on the session's home, so a takeover is an ordinary call: the old outlet is told, the new one attached, nothing can come
 * between. Memory is freed after a grace period, because the router's readers on other workers look at sink.home.
 */
#include <stdio.h>
#include <linnet/log.h>
#include "sessions.h"

typedef struct sessions {
	ln_table_t by_id;
	bool begun;
} sessions_t;

static size_t slot;
static uint64_t session_count;          /* atomic: of all workers */
static ln_session_limits_t *limits_now;

static const ln_session_limits_t limits_default = {
	.queue = { .count = 1000, .bytes = 16 << 20, .full = LN_FULL_DROP_NEWEST },
	.expiry_max = LN_EXPIRY_NEVER,
	.window_max = 65535,
	.inbound_max = 65535,
};

static bool id_is(const void *item, const void *key)
{
	const ln_session_t *s = item;
	const ln_slice_t *id = key;

	return s->id_len == id->len && (id->len == 0 || memcmp(s->id, id->data, id->len) == 0);
}

void ln_session_init(void)
{
	slot = ln_worker_slot_reserve(sizeof(sessions_t));
	session_count = 0;
}

typedef struct old_limits {
	ln_session_limits_t limits;
	ln_rcu_head_t rcu;
} old_limits_t;

static void free_limits(ln_rcu_head_t *head)
{
	ln_free(LN_CONTAINER(head, old_limits_t, rcu));
}

void ln_session_set_limits(const ln_session_limits_t *limits)
{
	old_limits_t *fresh = ln_new(old_limits_t), *old = (old_limits_t *)(void *)limits_now;

	fresh->limits = *limits;
	ln_rcu_set(&limits_now, &fresh->limits);
	if (old)
		ln_rcu_call(&old->rcu, free_limits);
}

const ln_session_limits_t *ln_session_limits(void)
{
	const ln_session_limits_t *l = ln_rcu_get(&limits_now);

	return l ? l : &limits_default;
}

static sessions_t *sessions_of(ln_worker_t *w)
{
	sessions_t *all = ln_worker_slot(w, slot);

	if (!all->begun) {
		all->begun = true;
		all->by_id.eq = id_is;
	}
	return all;
}

ln_worker_t *ln_session_home(ln_slice_t id)
{
	return ln_worker_at((unsigned)((ln_hash(id) >> 32) % ln_worker_count()));
}

ln_session_t *ln_session_find(ln_slice_t id)
{
	return ln_table_find(&sessions_of(ln_worker_self())->by_id, ln_hash(id), &id);
}

/* --- the will ----------------------------------------------------------------------------------------------------------------------- */

void ln_session_set_will(ln_session_t *s, ln_msg_t *will, uint32_t delay)
{
	ln_msg_unref(s->will);
	s->will = will;
	s->will_delay = delay;
	s->will_lifetime = UINT32_MAX;
}

void ln_session_set_will_lifetime(ln_session_t *s, uint32_t seconds)
{
	s->will_lifetime = seconds;
}

static void publish_will(ln_session_t *s)
{
	ln_msg_t *will = s->will;

	s->will = NULL;
	s->will_at = LN_NEVER;
	if (!will)
		return;
	if (s->will_lifetime != UINT32_MAX)
		will->expires = ln__session_worker(s)->wall + (uint64_t)s->will_lifetime * 1000;
	ln__session_count(s, STAT_WILLS, 1);
	(void)ln_publish(ln__session_worker(s), will);
	ln_msg_unref(will);
}

/* --- end ---------------------------------------------------------------------------------------------------------------------------- */

static void free_session(ln_rcu_head_t *head)
{
	ln_session_t *s = LN_CONTAINER(head, ln_session_t, rcu);

	s->sink.magic = 0;
	ln_free(s);
}

/* Everything but the struct itself. */
static void clear(ln_session_t *s)
{
	ln__session_drop_subs(s);
	ln__window_fini(&s->window);
	ln_stat_sub(ln__session_worker(s), ln__routes.stat + STAT_QUEUED, s->queue.count);
	ln_queue_fini(&s->queue);
	ln__tags_fini(&s->inbound);
}

/* Everything of S but its place among those that are counted. */
static void destroy_in_place(ln_session_t *s)
{
	ln_worker_t *w = ln__session_worker(s);
	ln_slice_t id = ln_session_id(s);

	publish_will(s);
	ln_timer_cancel(w, &s->timer);
	ln__session_drop_subs(s);
	ln__session_hand_over(s, true);
	clear(s);
	ln_table_remove(&sessions_of(w)->by_id, ln_hash(id), &id);
	ln_stat_sub(w, ln__routes.stat + STAT_SESSIONS, 1);
	ln_rcu_call(&s->rcu, free_session);
}

/* Workers ask for places at the same time: looking and taking are one step. */
static bool take_place(const ln_session_limits_t *limits)
{
	uint64_t n = __atomic_load_n(&session_count, __ATOMIC_RELAXED);

	do {
		if (limits->sessions_max && n >= limits->sessions_max)
			return false;
	} while (!__atomic_compare_exchange_n(&session_count, &n, n + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static void give_place_back(void)
{
	__atomic_fetch_sub(&session_count, 1, __ATOMIC_RELAXED);
}

static void destroy(ln_session_t *s)
{
	destroy_in_place(s);
	give_place_back();
}

static void let_go(ln_session_t *s, ln_result_t why)
{
	ln_outlet_t *outlet = s->outlet;

	s->outlet = NULL;
	s->started = s->overrun = false;
	__atomic_store_n(&s->sink.ready, false, __ATOMIC_RELAXED);
	ln_timer_cancel(ln__session_worker(s), &s->timer);
	ln_stat_sub(ln__session_worker(s), ln__routes.stat + STAT_SESSIONS_ATTACHED, 1);
	if (why != LN_OK)
		outlet->ops->detached(outlet, why);
}

void ln_session_end(ln_session_t *s)
{
	if (s->outlet)
		let_go(s, LN_CLOSED);
	destroy(s);
}

static void set_timer(ln_session_t *s);

static void on_due(ln_worker_t *w, ln_timer_t *t)
{
	ln_session_t *s = LN_CONTAINER(t, ln_session_t, timer);

	ln_require(LN_MAGIC_OK(&s->sink, SESSION_MAGIC));
	if (s->end_at <= w->now) {
		destroy(s);
		return;
	}
	if (s->will_at <= w->now)
		publish_will(s);
	set_timer(s);
}

static void set_timer(ln_session_t *s)
{
	ln_worker_t *w = ln__session_worker(s);
	uint64_t due = s->will_at < s->end_at ? s->will_at : s->end_at;

	if (due != LN_NEVER)
		ln_timer_set(w, &s->timer, due > w->now ? due - w->now : 0, on_due);
}

void ln_session_detach(ln_session_t *s, ln_outlet_t *outlet, bool clean)
{
	uint64_t now = ln__session_worker(s)->now;

	if (s->outlet != outlet)
		return;
	let_go(s, LN_OK);
	if (clean)
		ln_session_set_will(s, NULL, 0);
	if (s->expiry == 0) {
		destroy(s);
		return;
	}
	ln__session_hand_over(s, false);
	s->end_at = s->expiry == LN_EXPIRY_NEVER ? LN_NEVER : now + (uint64_t)s->expiry * 1000;
	s->will_at = LN_NEVER;
	if (s->will && s->will_delay == 0)
		publish_will(s);
	else if (s->will)
		s->will_at = now + (uint64_t)s->will_delay * 1000;
	set_timer(s);
}

/* --- opening ------------------------------------------------------------------------------------------------------------------------ */

static ln_session_t *make(const ln_session_open_t *o, ln_worker_t *w)
{
	sessions_t *all = sessions_of(w);
	ln_session_t *s = ln_try_alloc(sizeof(*s) + o->id.len, NULL);

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->sink = (ln_sink_t){ .magic = SESSION_MAGIC, .home = (uint16_t)w->index, .ops = &ln__session_sink_ops };
	s->number = ln_hash(o->id) | 1;
	ln_list_init(&s->replays);
	s->will_at = s->end_at = LN_NEVER;
	s->id_len = (uint32_t)o->id.len;
	if (o->id.len)
		memcpy(s->id, o->id.data, o->id.len);
	ln_table_insert(&all->by_id, ln_hash(o->id), s);
	ln_stat_add(w, ln__routes.stat + STAT_SESSIONS, 1);
	return s;
}

/* Another connection comes for S: the old one goes. Its will leaves now unless the new one continues the session before the delay is over. */
static void take_over(ln_session_t *s, bool ends)
{
	if (s->outlet) {
		ln__session_count(s, STAT_TAKEOVERS, 1);
		let_go(s, LN_EXISTS);
	}
	ln_timer_cancel(ln__session_worker(s), &s->timer);
	if (s->will && !ends && s->will_delay)
		ln_session_set_will(s, NULL, 0);
	publish_will(s);
}

static void attach(ln_session_t *s, const ln_session_open_t *o)
{
	s->own_limits = o->limits;
	s->sub_max = o->subscriptions_max;
	s->peer_window = (uint16_t)(o->window ? o->window : 65535);
	s->outlet = o->outlet;
	s->will_at = s->end_at = LN_NEVER;
	ln_session_set_expiry(s, o->expiry);
	ln_stat_add(ln__session_worker(s), ln__routes.stat + STAT_SESSIONS_ATTACHED, 1);
}

ln_result_t ln_session_open(const ln_session_open_t *o, ln_session_t **ret_session, bool *ret_present)
{
	ln_worker_t *w = ln_worker_self();
	ln_session_t *s = ln_session_find(o->id);
	bool present = s && !o->clean && s->expiry;

	ln_require(ln_session_home(o->id) == w && o->outlet);
	if (s)
		take_over(s, !present);
	if (s && !present)
		destroy_in_place(s);
	else if (!s && !take_place(o->limits ? o->limits : ln_session_limits()))
		return LN_LIMIT;
	if (!present)
		s = make(o, w);
	if (!s) {
		give_place_back();
		return LN_NO_MEMORY;
	}
	attach(s, o);
	*ret_session = s;
	*ret_present = present;
	return LN_OK;
}

void ln_session_set_expiry(ln_session_t *s, uint32_t expiry)
{
	uint32_t max = ln__session_limits(s)->expiry_max;

	s->expiry = expiry > max ? max : expiry;
}

uint32_t ln_session_expiry(const ln_session_t *s)
{
	return s->expiry;
}

/* --- QoS 2 on the way in ------------------------------------------------------------------------------------------------------------ */

ln_result_t ln_session_inbound_add(ln_session_t *s, uint16_t tag)
{
	if (ln__tags_has(&s->inbound, tag))
		return LN_EXISTS;
	if (s->inbound.count >= ln__session_limits(s)->inbound_max)
		return LN_LIMIT;
	(void)ln__tags_add(&s->inbound, tag);
	return LN_OK;
}

ln_result_t ln_session_inbound_remove(ln_session_t *s, uint16_t tag)
{
	return ln__tags_remove(&s->inbound, tag) ? LN_OK : LN_NOT_FOUND;
}

bool ln_session_inbound_has(const ln_session_t *s, uint16_t tag)
{
	return ln__tags_has(&s->inbound, tag);
}

void ln_session_inbound_forget(ln_session_t *s, uint16_t tag)
{
	(void)ln__tags_remove(&s->inbound, tag);
}

uint32_t ln_session_inbound_count(const ln_session_t *s)
{
	return s->inbound.count;
}

/* --- facts -------------------------------------------------------------------------------------------------------------------------- */

uint64_t ln_session_number(const ln_session_t *s)
{
	return s->number;
}

ln_slice_t ln_session_id(const ln_session_t *s)
{
	return ln_slice(s->id, s->id_len);
}

void ln_session_each(ln_worker_t *w, void (*fn)(ln_session_t *, void *ctx), void *ctx)
{
	uint32_t pos = 0;
	ln_session_t *s;

	while ((s = ln_table_next(&sessions_of(w)->by_id, &pos)) != NULL)
		fn(s, ctx);
}

void ln_session_describe(const void *session, char *dst, size_t size)
{
	const ln_session_t *s = session;
	char id[64];

	snprintf(dst, size, "w%u %s", s->sink.home, ln_slice_print(ln_session_id(s), id, sizeof(id)));
}

/* Frees what is left of worker W's sessions, silently: the broker has stopped. */
static void worker_fini(ln_worker_t *w)
{
	sessions_t *all = sessions_of(w);
	ln_worker_t *self = ln_worker_current;
	uint32_t pos = 0;
	ln_session_t *s;

	ln_worker_current = w;
	while ((s = ln_table_next(&all->by_id, &pos)) != NULL) {
		ln_session_set_will(s, NULL, 0);
		clear(s);
		ln_timer_cancel(w, &s->timer);
		ln_rcu_call(&s->rcu, free_session);
	}
	ln_table_fini(&all->by_id);
	all->begun = false;
	ln_worker_current = self;
}

void ln_session_fini(void)
{
	for (unsigned i = 0; i < ln_worker_count(); i++)
		worker_fini(ln_worker_at(i));
	ln_free(limits_now);
	limits_now = NULL;
}
