/* map.c — the router's map: readers without a lock, one writer.
 *
 * A reader loads the table, then items with acquire; an item it sees is complete. A deleted slot stays deleted until the part is rebuilt, and
 * the old table lives until every reader has gone through its loop. What a reader may miss is an item put in at the same moment; the
 * router's generations, raised afterwards, make it look again.
 */
#include "routes.h"

#define CAP_MIN 4u

static uint32_t part_of(uint64_t hash)
{
	return (uint32_t)(hash >> 56);
}

void *ln__map_find(const ln__map_t *map, uint64_t hash, ln__map_eq_fn eq, const void *key)
{
	const ln__slots_t *t = ln_rcu_get(&map->part[part_of(hash)]);

	if (!t)
		return NULL;
	for (uint32_t i = (uint32_t)hash & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
		void *item = __atomic_load_n(&t->at[i].item, __ATOMIC_ACQUIRE);

		if (!item)
			return NULL;
		if (item != MAP_DELETED && t->at[i].hash == hash && eq(item, key))
			return item;
	}
}

static void free_slots(ln_rcu_head_t *head)
{
	ln_free(LN_CONTAINER(head, ln__slots_t, rcu));
}

static void put(ln__slots_t *t, uint64_t hash, void *item)
{
	uint32_t i = (uint32_t)hash & (t->cap - 1);

	while (t->at[i].item)
		i = (i + 1) & (t->cap - 1);
	t->at[i].hash = hash;
	__atomic_store_n(&t->at[i].item, item, __ATOMIC_RELEASE);
	t->used++;
}

/* A new table for what lives, at most half full. */
static void rebuild(ln__map_t *map, uint32_t part)
{
	ln__slots_t *old = map->part[part], *t = NULL;
	uint32_t cap = CAP_MIN;

	while (cap < (map->live[part] + 1) * 2)
		cap *= 2;
	t = ln_alloc(sizeof(*t) + cap * sizeof(t->at[0]));
	t->cap = cap;
	for (uint32_t i = 0; old && i < old->cap; i++) {
		if (old->at[i].item && old->at[i].item != MAP_DELETED)
			put(t, old->at[i].hash, old->at[i].item);
	}
	ln_rcu_set(&map->part[part], t);
	if (old)
		ln_rcu_call(&old->rcu, free_slots);
}

void ln__map_insert(ln__map_t *map, uint64_t hash, void *item)
{
	uint32_t part = part_of(hash);

	if (!map->part[part] || (map->part[part]->used + 1) * 4 > map->part[part]->cap * 3)
		rebuild(map, part);
	put(map->part[part], hash, item);
	map->live[part]++;
}

void ln__map_remove(ln__map_t *map, uint64_t hash, const void *item)
{
	uint32_t part = part_of(hash);
	ln__slots_t *t = map->part[part];
	uint32_t i = (uint32_t)hash & (t->cap - 1);

	while (t->at[i].item != item) {
		ln_insist(t->at[i].item != NULL);
		i = (i + 1) & (t->cap - 1);
	}
	__atomic_store_n(&t->at[i].item, MAP_DELETED, __ATOMIC_RELEASE);
	map->live[part]--;
	if (map->live[part] == 0) {
		ln_rcu_set(&map->part[part], NULL);
		ln_rcu_call(&t->rcu, free_slots);
	} else if (t->cap > CAP_MIN * 4 && map->live[part] < t->cap / 8) {
		rebuild(map, part);
	}
}

void ln__map_fini(ln__map_t *map)
{
	for (uint32_t i = 0; i < MAP_PARTS; i++) {
		ln_free(map->part[i]);
		map->part[i] = NULL;
		map->live[i] = 0;
	}
}
