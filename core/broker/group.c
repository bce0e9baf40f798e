/* group.c — the groups of shared subscriptions: who is a member, and which member gets a message.
 *
 * Members are an array in the order they joined, replaced whole under RCU; the publisher's worker reads it and picks. All strategies prefer a
 * member that is ready, and fall back to one that is not when there is no other, so that its queue keeps the message:
 *
 * - round-robin: the next after the last pick, one atomic counter for all workers;
 * - sticky: the favourite as long as it is ready, then the next ready one, which is the favourite from then on;
 * - publisher hash: the place the publisher's number names, so one publisher's messages stay in order while members stay;
 * - least in flight: who has least under way and waiting, among equals in turn. A pick counts at once, so that one turn's messages for
 *   another worker do not all go to one member; the session sets the count right when it handles the message.
 *
 * What was not done: consistent hashing (a member that joins or leaves moves most publishers; one that is only away moves its own alone).
 */
#include "routes.h"

/* The last reference always falls after a grace period, so this frees at once, and may be called from RCU's own thread, which must not
 * hand over more: whoever waits for it (ln_rcu_barrier) would not wait for that. The argument: the filter's reference falls when the last
 * member leaves, while that member still holds its own; a member's falls with its subscription, a grace period after it left at the
 * earliest. So the last of all falls a grace period after the group was unlinked, or later, and no reader has it or its members.
 */
void ln__group_unref(ln__group_t *g)
{
	if (__atomic_sub_fetch(&g->refs, 1, __ATOMIC_ACQ_REL))
		return;
	ln_free(g->members);
	ln_free(g);
}

static ln__group_t *group_find(const ln__filter_t *f, ln_slice_t name)
{
	for (ln__group_t *g = f->groups; g; g = g->next) {
		if (g->name_len == name.len && memcmp(g->name, name.data, name.len) == 0)
			return g;
	}
	return NULL;
}

static ln__group_t *group_get(ln__filter_t *f, ln_slice_t name)
{
	ln__group_t *g = group_find(f, name);

	if (g)
		return g;
	g = ln_alloc(sizeof(*g) + name.len);
	g->refs = 1;
	g->name_len = (uint32_t)name.len;
	memcpy(g->name, name.data, name.len);
	g->next = f->groups;
	ln_rcu_set(&f->groups, g);
	return g;
}

static void free_members(ln_rcu_head_t *head)
{
	ln_free(LN_CONTAINER(head, ln__members_t, rcu));
}

/* The group's members, with IN and without OUT (either may be NULL). */
static void group_replace(ln__group_t *g, ln_sub_t *in, const ln_sub_t *out)
{
	ln__members_t *old = g->members;
	uint32_t count = old ? old->count : 0;
	ln__members_t *m = ln_alloc(sizeof(*m) + sizeof(m->sub[0]) * (count + 1));

	for (uint32_t i = 0; i < count; i++) {
		if (old->sub[i] != out)
			m->sub[m->count++] = old->sub[i];
	}
	if (in)
		m->sub[m->count++] = in;
	ln_rcu_set(&g->members, m);
	if (old)
		ln_rcu_call(&old->rcu, free_members);
}

void ln__group_join(ln__filter_t *f, ln_sub_t *sub, ln_slice_t name)
{
	sub->group = group_get(f, name);
	__atomic_fetch_add(&sub->group->refs, 1, __ATOMIC_RELAXED);
	group_replace(sub->group, sub, NULL);
}

void ln__group_leave(ln__filter_t *f, ln_sub_t *sub)
{
	ln__group_t *g = sub->group, **link = &f->groups;

	group_replace(g, NULL, sub);
	if (g->members->count)
		return;
	while (*link != g)
		link = &(*link)->next;
	ln_rcu_set(link, g->next);
	ln__group_unref(g);
}

/* --- picking --------------------------------------------------------------------------------------------------------------------- */

static bool is_ready(const ln_sub_t *s)
{
	return __atomic_load_n(&s->sink->ready, __ATOMIC_RELAXED);
}

/* The first ready member from place FROM on, around; none is ready: the one at FROM. */
static ln_sub_t *ready_from(const ln__members_t *m, uint32_t from)
{
	for (uint32_t i = 0; i < m->count; i++) {
		ln_sub_t *s = m->sub[(from + i) % m->count];

		if (is_ready(s))
			return s;
	}
	return m->sub[from % m->count];
}

/* The favourite is compared, never followed: it may be gone. */
static ln_sub_t *pick_sticky(ln__group_t *g, const ln__members_t *m)
{
	const ln_sub_t *favourite = __atomic_load_n(&g->favourite, __ATOMIC_RELAXED);
	uint32_t at = 0;
	ln_sub_t *s;

	for (uint32_t i = 0; i < m->count; i++) {
		if (m->sub[i] == favourite)
			at = i;
	}
	s = ready_from(m, at);
	if (s != favourite)
		__atomic_store_n(&g->favourite, s, __ATOMIC_RELAXED);
	return s;
}

static ln_sub_t *pick_least(const ln__members_t *m, uint32_t turn)
{
	ln_sub_t *best = NULL;
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < m->count; i++) {
		ln_sub_t *s = m->sub[(turn + i) % m->count];
		uint32_t load = __atomic_load_n(&s->sink->load, __ATOMIC_RELAXED);

		if (is_ready(s) && (!best || load < least)) {
			best = s;
			least = load;
		}
	}
	if (!best)
		return m->sub[turn % m->count];
	__atomic_fetch_add(&best->sink->load, 1, __ATOMIC_RELAXED);
	return best;
}

ln_sub_t *ln__group_pick(ln__group_t *g, const ln_msg_t *msg)
{
	const ln__members_t *m = ln_rcu_get(&g->members);

	if (!m || m->count == 0)
		return NULL;
	switch (__atomic_load_n(&ln__routes.strategy, __ATOMIC_RELAXED)) {
	case LN_SHARED_STICKY:
		return pick_sticky(g, m);
	case LN_SHARED_PUBLISHER_HASH:
		return ready_from(m, (uint32_t)((msg->publisher >> 32) % m->count));
	case LN_SHARED_LEAST_IN_FLIGHT:
		return pick_least(m, __atomic_fetch_add(&g->turn, 1, __ATOMIC_RELAXED));
	case LN_SHARED_ROUND_ROBIN:
		break;
	}
	return ready_from(m, __atomic_fetch_add(&g->turn, 1, __ATOMIC_RELAXED));
}

bool ln__group_hand_over(ln__router_worker_t *rw, const ln_sub_t *from, ln_msg_t *m)
{
	ln_sub_t *to = ln__group_pick(from->group, m);

	if (!to || to == from || (!from->dead && !is_ready(to)))
		return false;
	ln_msg_share(m);
	ln__parcel_add(rw, to->sink->home, m, to);
	return true;
}

void ln_router_set_shared(ln_shared_t strategy)
{
	__atomic_store_n(&ln__routes.strategy, strategy, __ATOMIC_RELAXED);
}
