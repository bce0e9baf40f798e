/* router.c — subscriptions come and go: the writer's side of the router, and publishing.
 *
 * Every filter, literal or not, stands once in a map by its text; filters with wildcards hang in a tree of levels besides. All changes take one
 * lock, publish with release stores, and raise a generation last, so that a match made from the older state is thrown away by its
 * cache. Nothing is freed before a grace period.
 *
 * What was not done: a tree per worker (every publish would ask every worker) and a list of sinks in the letter between workers (sinks die
 * while letters travel). A message travels with its topic alone, and its receiver looks it up in its own cache.
 */
#include <stdio.h>
#include <linnet/hash.h>
#include <linnet/retain.h>
#include <linnet/stat.h>
#include <linnet/topic.h>
#include "routes.h"

ln__routes_t ln__routes = { .lock = PTHREAD_MUTEX_INITIALIZER };
ln__place_t ln__root;

static const ln_stat_t stats[] = {
	{ "messages_in", LN_STAT_COUNTER, "Messages published, wills and messages of the broker itself included." },
	{ "messages_out", LN_STAT_COUNTER, "Messages handed to a connection." },
	{ "messages_unmatched", LN_STAT_COUNTER, "Messages published that nobody subscribed to." },
	{ "parcels", LN_STAT_COUNTER, "Letters with messages sent from one worker to another." },
	{ "dropped_qos0", LN_STAT_COUNTER, "QoS 0 messages dropped because the connection's output was full." },
	{ "dropped_full", LN_STAT_COUNTER, "QoS 1 and 2 messages dropped because a session's queue was full." },
	{ "dropped_large", LN_STAT_COUNTER, "Messages not sent because they are larger than the client accepts." },
	{ "expired", LN_STAT_COUNTER, "Messages dropped because they expired or grew too old in a queue." },
	{ "sessions", LN_STAT_GAUGE, "Sessions, with a connection or waiting for one." },
	{ "sessions_attached", LN_STAT_GAUGE, "Sessions with a connection." },
	{ "subscriptions", LN_STAT_GAUGE, "Subscriptions." },
	{ "takeovers", LN_STAT_COUNTER, "Connections ended because another came with the same client identifier." },
	{ "retained_stored", LN_STAT_COUNTER, "Retained messages stored or cleared." },
	{ "retained_refused", LN_STAT_COUNTER, "Retained messages not stored because of a limit." },
	{ "wills_published", LN_STAT_COUNTER, "Wills published." },
	{ "queued", LN_STAT_GAUGE, "Messages waiting in the queues of sessions." },
	{ "overruns", LN_STAT_COUNTER, "Connections ended because their queue was full and queue-full is disconnect." },
	LN_STAT_END
};

void ln_router_init(void)
{
	ln__routes.slot = ln_worker_slot_reserve(sizeof(ln__router_worker_t));
	ln__routes.stat = ln_stat_register("broker", stats);
	ln__root.salt = 0x9e3779b97f4a7c15u;
}

static void worker_fini(uint32_t index)
{
	ln__router_worker_t *rw = ln_worker_slot(ln_worker_at(index), ln__routes.slot);

	if (!rw->worker)
		return;
	ln__match_cache_fini(rw);
	rw->worker = NULL;
}

void ln_router_fini(void)
{
	for (uint32_t i = 0; i < ln_worker_count(); i++)
		worker_fini(i);
	worker_fini(LN_MAIN_INDEX);
	ln_insist(ln__routes.filter_count == 0);
	ln__map_fini(&ln__routes.filters);
	ln__map_fini(&ln__routes.places);
}

/* --- filters --------------------------------------------------------------------------------------------------------------------- */

static bool filter_is(const void *item, const void *key)
{
	const ln__filter_t *f = item;
	const ln_slice_t *text = key;

	return f->len == text->len && memcmp(f->text, text->data, f->len) == 0;
}

ln__filter_t *ln__filter_find(ln_slice_t text, uint64_t hash)
{
	return ln__map_find(&ln__routes.filters, hash, filter_is, &text);
}

static uint64_t place_hash(const ln__place_t *parent, uint64_t level_hash)
{
	uint64_t h = (level_hash ^ parent->salt) * 0xff51afd7ed558ccdu;

	return h ^ h >> 32;
}

static bool place_is(const void *item, const void *key)
{
	const ln__place_t *p = item;
	const ln__level_key_t *k = key;

	return p->parent == k->parent && p->len == k->level.len && memcmp(p->level, k->level.data, p->len) == 0;
}

ln__place_t *ln__place_child(const ln__place_t *parent, ln_slice_t level, uint64_t level_hash)
{
	ln__level_key_t key = { parent, level };

	return ln__map_find(&ln__routes.places, place_hash(parent, level_hash), place_is, &key);
}

static ln__place_t *place_make(ln__place_t *parent, ln_slice_t level)
{
	static uint64_t serial;
	ln__place_t *p = ln_alloc(sizeof(*p) + level.len);

	p->parent = parent;
	p->salt = ++serial * 0x9e3779b97f4a7c15u;
	p->len = (uint32_t)level.len;
	memcpy(p->level, level.data, level.len);
	return p;
}

static bool level_is(ln_slice_t level, char c)
{
	return level.len == 1 && level.data[0] == (uint8_t)c;
}

static ln__place_t *place_step(ln__place_t *at, ln_slice_t level)
{
	uint64_t level_hash;
	ln__place_t *child;

	if (level_is(level, '+')) {
		if (!at->plus)
			ln_rcu_set(&at->plus, place_make(at, level));
		return at->plus;
	}
	level_hash = ln_hash(level);
	child = ln__place_child(at, level, level_hash);
	if (!child) {
		child = place_make(at, level);
		child->hash = place_hash(at, level_hash);
		ln__map_insert(&ln__routes.places, child->hash, child);
		at->children++;
	}
	return child;
}

/* Hangs F into the tree. */
static void plant(ln__filter_t *f)
{
	ln_levels_t levels = ln_levels(ln_slice(f->text, f->len));
	ln__place_t *at = &ln__root;
	ln_slice_t level;

	while (ln_levels_next(&levels, &level)) {
		if (level_is(level, '#')) {
			f->place = at;
			ln_rcu_set(&at->rest, f);
			return;
		}
		at = place_step(at, level);
	}
	f->place = at;
	ln_rcu_set(&at->here, f);
}

static void free_place(ln_rcu_head_t *head)
{
	ln_free(LN_CONTAINER(head, ln__place_t, rcu));
}

/* Takes places away from AT upwards as long as nothing hangs there. */
static void prune(ln__place_t *at)
{
	while (at != &ln__root && !at->here && !at->rest && !at->plus && !at->children) {
		ln__place_t *parent = at->parent;

		if (parent->plus == at) {
			ln_rcu_set(&parent->plus, NULL);
		} else {
			ln__map_remove(&ln__routes.places, at->hash, at);
			parent->children--;
		}
		ln_rcu_call(&at->rcu, free_place);
		at = parent;
	}
}

static ln__filter_t *filter_make(ln_slice_t text, uint64_t hash)
{
	ln__filter_t *f = ln_alloc(sizeof(*f) + text.len);

	f->hash = hash;
	f->len = (uint32_t)text.len;
	memcpy(f->text, text.data, text.len);
	ln__map_insert(&ln__routes.filters, hash, f);
	if (ln_filter_wild(text))
		plant(f);
	ln__routes.filter_count++;
	return f;
}

static void free_filter(ln_rcu_head_t *head)
{
	ln_free(LN_CONTAINER(head, ln__filter_t, rcu));
}

static void filter_drop_if_empty(ln__filter_t *f)
{
	if (f->subs || f->groups)
		return;
	ln__map_remove(&ln__routes.filters, f->hash, f);
	if (f->place) {
		if (f->place->here == f)
			ln_rcu_set(&f->place->here, NULL);
		else
			ln_rcu_set(&f->place->rest, NULL);
		prune(f->place);
	}
	ln__routes.filter_count--;
	ln_rcu_call(&f->rcu, free_filter);
}

/* Whoever made a match before now must look again. The last step of every change. */
static void changed(const ln__filter_t *f)
{
	uint64_t *generation = f->place ? &ln__routes.wild_generation : &ln__routes.exact_generation[f->hash % EXACT_GENERATIONS];

	__atomic_store_n(generation, *generation + 1, __ATOMIC_RELEASE);
}

/* --- subscriptions --------------------------------------------------------------------------------------------------------------- */

void ln__sub_ref(ln_sub_t *sub)
{
	__atomic_fetch_add(&sub->refs, 1, __ATOMIC_RELAXED);
}

void ln__sub_unref(ln_sub_t *sub)
{
	if (__atomic_sub_fetch(&sub->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (sub->group)
		ln__group_unref(sub->group);
	sub->magic = 0;
	ln_free(sub);
}

static void sub_after_grace(ln_rcu_head_t *head)
{
	ln__sub_unref(LN_CONTAINER(head, ln_sub_t, rcu));
}

static void link_sub(ln__filter_t *f, ln_sub_t *sub, ln_slice_t group)
{
	sub->filter = f;
	if (group.len) {
		ln__group_join(f, sub, group);
		return;
	}
	sub->next = f->subs;
	if (f->subs)
		f->subs->prev = sub;
	ln_rcu_set(&f->subs, sub);
}

ln_result_t ln_router_subscribe(ln_sink_t *sink, ln_slice_t filter, ln_slice_t group, ln_sub_options_t options, ln_sub_t **ret_sub)
{
	uint64_t hash = ln_hash(filter);
	ln_sub_t *sub = ln_try_alloc(sizeof(*sub), NULL);
	ln__filter_t *f;

	if (!sub)
		return LN_NO_MEMORY;
	*sub = (ln_sub_t){ .magic = SUB_MAGIC, .refs = 1, .id = options.id, .qos = options.qos, .flags = options.flags, .sink = sink };
	pthread_mutex_lock(&ln__routes.lock);
	f = ln__filter_find(filter, hash);
	if (!f)
		f = filter_make(filter, hash);
	link_sub(f, sub, group);
	ln__routes.sub_count++;
	changed(f);
	pthread_mutex_unlock(&ln__routes.lock);
	*ret_sub = sub;
	return LN_OK;
}

void ln_router_change(ln_sub_t *sub, ln_sub_options_t options)
{
	ln_require(LN_MAGIC_OK(sub, SUB_MAGIC));
	pthread_mutex_lock(&ln__routes.lock);
	sub->id = options.id;
	sub->qos = options.qos;
	sub->flags = options.flags;
	changed(sub->filter);
	pthread_mutex_unlock(&ln__routes.lock);
}

static void unlink_sub(ln__filter_t *f, ln_sub_t *sub)
{
	if (sub->group) {
		ln__group_leave(f, sub);
		return;
	}
	if (sub->next)
		sub->next->prev = sub->prev;
	if (sub->prev)
		ln_rcu_set(&sub->prev->next, sub->next);
	else
		ln_rcu_set(&f->subs, sub->next);
}

void ln_router_unsubscribe(ln_sub_t *sub)
{
	ln__filter_t *f = sub->filter;

	ln_require(LN_MAGIC_OK(sub, SUB_MAGIC) && !sub->dead);
	pthread_mutex_lock(&ln__routes.lock);
	unlink_sub(f, sub);
	ln__routes.sub_count--;
	changed(f);
	filter_drop_if_empty(f);
	pthread_mutex_unlock(&ln__routes.lock);
	sub->dead = true;
	ln_rcu_call(&sub->rcu, sub_after_grace);
}

ln_sub_options_t ln_sub_options(const ln_sub_t *sub)
{
	return (ln_sub_options_t){ .qos = sub->qos, .flags = sub->flags, .id = sub->id };
}

size_t ln_sub_filter(const ln_sub_t *sub, char *dst, size_t size)
{
	const ln__filter_t *f = sub->filter;
	int n;

	if (sub->group)
		n = snprintf(dst, size, "$share/%.*s/%.*s", (int)sub->group->name_len, sub->group->name, (int)f->len, f->text);
	else
		n = snprintf(dst, size, "%.*s", (int)f->len, f->text);
	return (size_t)n;
}

bool ln_sub_is(const ln_sub_t *sub, ln_slice_t filter, ln_slice_t group)
{
	if (!ln_slice_eq(ln_slice(sub->filter->text, sub->filter->len), filter))
		return false;
	if (!sub->group)
		return group.len == 0;
	return ln_slice_eq(ln_slice(sub->group->name, sub->group->name_len), group);
}

uint64_t ln_sub_hash(ln_slice_t filter, ln_slice_t group)
{
	return ln_hash(filter) ^ (group.len ? ln_hash(group) * 3 : 0);
}

void ln_router_count(uint64_t *ret_filters, uint64_t *ret_subs)
{
	pthread_mutex_lock(&ln__routes.lock);
	*ret_filters = ln__routes.filter_count;
	*ret_subs = ln__routes.sub_count;
	pthread_mutex_unlock(&ln__routes.lock);
}
