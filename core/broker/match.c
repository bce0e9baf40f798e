/* match.c — what a topic comes to on one worker, found once and kept while it is true.
 *
 * Literal filters are one look-up by the whole topic; the tree of wildcards is walked level by level with a front of places, without recursion,
 * so a topic of 65535 levels costs what it is long. A cache slot first only remembers a topic's hash; a topic seen a second time gets an entry.
 * Topics that never come again therefore allocate nothing.
 */
#include <stdlib.h>
#include <linnet/hash.h>
#include <linnet/topic.h>
#include "routes.h"

static void take_filter(ln__router_worker_t *rw, ln__filter_t *const *where)
{
	ln__filter_t *f = ln_rcu_get(where);

	if (f)
		ln__vector_push(&rw->filters, f);
}

static void enter(ln__router_worker_t *rw, ln__place_t *p)
{
	if (!p)
		return;
	take_filter(rw, &p->rest);
	ln__vector_push(&rw->next, p);
}

/* One level further: from every place in front to its children. */
static void advance(ln__router_worker_t *rw, ln_slice_t level, bool wild)
{
	uint64_t level_hash = ln_hash(level);
	ln__vector_t swap;

	rw->next.count = 0;
	for (uint32_t i = 0; i < rw->front.count; i++) {
		ln__place_t *p = rw->front.at[i];

		enter(rw, ln__place_child(p, level, level_hash));
		if (wild)
			enter(rw, ln_rcu_get(&p->plus));
	}
	swap = rw->front;
	rw->front = rw->next;
	rw->next = swap;
}

static void walk_tree(ln__router_worker_t *rw, ln_slice_t topic)
{
	ln_levels_t levels = ln_levels(topic);
	bool wild = topic.len == 0 || topic.data[0] != '$';
	ln_slice_t level;

	rw->front.count = 0;
	if (wild)
		take_filter(rw, &ln__root.rest);
	ln__vector_push(&rw->front, &ln__root);
	while (rw->front.count && ln_levels_next(&levels, &level)) {
		advance(rw, level, wild);
		wild = true;
	}
	for (uint32_t i = 0; i < rw->front.count && !levels.more; i++)
		take_filter(rw, &((ln__place_t *)rw->front.at[i])->here);
}

static void take_subs(ln__router_worker_t *rw, ln__match_t *m, ln__filter_t *f)
{
	for (ln_sub_t *s = ln_rcu_get(&f->subs); s; s = ln_rcu_get(&s->next)) {
		uint32_t home = s->sink->home;

		if (home == rw->worker->index) {
			ln__vector_push(&rw->subs, s);
		} else {
			m->remote[home / 64] |= (uint64_t)1 << home % 64;
			m->any_remote = true;
		}
	}
	for (ln__group_t *g = ln_rcu_get(&f->groups); g; g = ln_rcu_get(&g->next))
		ln__vector_push(&rw->groups, g);
}

static int by_sink(const void *a, const void *b)
{
	const ln_sub_t *x = *(ln_sub_t *const *)a, *y = *(ln_sub_t *const *)b;

	if (x->sink != y->sink)
		return (uintptr_t)x->sink < (uintptr_t)y->sink ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* One target per sink; subscriptions of one sink stand together. */
static uint32_t make_targets(ln_sub_t *const *subs, uint32_t count, ln_target_t *targets)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		ln_sub_t *s = subs[i];
		ln_target_t *t = n ? &targets[n - 1] : NULL;

		if (t && t->sink == s->sink) {
			t->count++;
			t->qos = s->qos > t->qos ? s->qos : t->qos;
			t->flags |= (uint8_t)(s->flags | LN_SUB_MULTI);
		} else {
			targets[n++] = (ln_target_t){ s->sink, s, i, 1, s->qos, s->flags };
		}
	}
	return n;
}

static void compute(ln__router_worker_t *rw, ln__match_t *m, ln_slice_t topic, uint64_t hash)
{
	ln__filter_t *literal;
	ln__vector_t *t = &rw->targets;

	*m = (ln__match_t){ .hash = hash };
	m->wild_generation = __atomic_load_n(&ln__routes.wild_generation, __ATOMIC_ACQUIRE);
	m->exact_generation = __atomic_load_n(&ln__routes.exact_generation[hash % EXACT_GENERATIONS], __ATOMIC_ACQUIRE);
	rw->filters.count = rw->subs.count = rw->groups.count = 0;
	literal = ln__filter_find(topic, hash);
	if (literal)
		ln__vector_push(&rw->filters, literal);
	walk_tree(rw, topic);
	for (uint32_t i = 0; i < rw->filters.count; i++)
		take_subs(rw, m, rw->filters.at[i]);
	if (rw->filters.count > 1 && rw->subs.count > 1)
		qsort(rw->subs.at, rw->subs.count, sizeof(void *), by_sink);
	if (t->cap < rw->subs.count) {
		t->at = ln_realloc(t->at, sizeof(ln_target_t) * rw->subs.count * 2);
		t->cap = rw->subs.count * 2;
	}
	m->targets = (ln_target_t *)(void *)t->at;
	m->subs = (ln_sub_t **)(void *)rw->subs.at;
	m->groups = (ln__group_t **)(void *)rw->groups.at;
	m->sub_count = rw->subs.count;
	m->group_count = rw->groups.count;
	m->target_count = make_targets(m->subs, m->sub_count, m->targets);
}

/* A copy of M in one allocation, for the cache. */
static ln__match_t *keep(const ln__match_t *m, ln_slice_t topic)
{
	size_t targets = m->target_count * sizeof(ln_target_t), subs = m->sub_count * sizeof(void *);
	size_t groups = m->group_count * sizeof(void *);
	ln__match_t *k = ln_alloc(sizeof(*k) + targets + subs + groups + topic.len);
	uint8_t *at = (uint8_t *)(k + 1);

	*k = *m;
	k->cached = true;
	k->targets = (ln_target_t *)(void *)at;
	k->subs = (ln_sub_t **)(void *)(at + targets);
	k->groups = (ln__group_t **)(void *)(at + targets + subs);
	k->topic = at + targets + subs + groups;
	k->topic_len = (uint32_t)topic.len;
	if (targets)
		memcpy(k->targets, m->targets, targets);
	if (subs)
		memcpy(k->subs, m->subs, subs);
	if (groups)
		memcpy(k->groups, m->groups, groups);
	memcpy(k->topic, topic.data, topic.len);
	return k;
}

static bool is_good(const ln__match_t *m, ln_slice_t topic)
{
	return m->topic_len == topic.len && memcmp(m->topic, topic.data, topic.len) == 0 &&
	       m->wild_generation == __atomic_load_n(&ln__routes.wild_generation, __ATOMIC_ACQUIRE) &&
	       m->exact_generation == __atomic_load_n(&ln__routes.exact_generation[m->hash % EXACT_GENERATIONS], __ATOMIC_ACQUIRE);
}

static void forget(ln__router_worker_t *rw, uint32_t slot)
{
	if (rw->last == rw->cache[slot].match)
		rw->last = NULL;
	ln_free(rw->cache[slot].match);
	rw->cache[slot].match = NULL;
}

const ln__match_t *ln__match(ln__router_worker_t *rw, ln_slice_t topic)
{
	ln__match_t *m = rw->last;
	uint64_t hash;
	uint32_t slot;

	if (LN_LIKELY(m && is_good(m, topic)))
		return m;
	hash = ln_hash(topic);
	slot = (uint32_t)hash % CACHE_SLOTS;
	m = rw->cache[slot].match;
	if (LN_LIKELY(m && m->hash == hash && is_good(m, topic))) {
		rw->last = m;
		return m;
	}
	compute(rw, &rw->scratch, topic, hash);
	if (rw->cache[slot].seen != hash) {
		rw->cache[slot].seen = hash;
		return &rw->scratch;
	}
	if (m)
		forget(rw, slot);
	m = rw->cache[slot].match = keep(&rw->scratch, topic);
	rw->last = m;
	return m;
}

void ln__match_cache_fini(ln__router_worker_t *rw)
{
	ln__vector_t *v[] = { &rw->front, &rw->next, &rw->filters, &rw->subs, &rw->groups, &rw->targets };

	for (uint32_t i = 0; rw->cache && i < CACHE_SLOTS; i++)
		ln_free(rw->cache[i].match);
	ln_free(rw->cache);
	rw->cache = NULL;
	for (unsigned i = 0; i < LN_ARRAY_SIZE(v); i++) {
		ln_free(v[i]->at);
		*v[i] = (ln__vector_t){ 0 };
	}
}
