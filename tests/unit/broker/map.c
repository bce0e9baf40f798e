/* Tests core/broker/map.c against a plain array: good hashes, hashes that collide in full, and memory that goes with the last item. Readers on
 * other threads are in threads.c. */
#include "broker/routes.h"
#include "unit.h"

#define ITEMS 2000u

typedef struct number {
	uint32_t value;
	bool in;
} number_t;

static number_t all[ITEMS];
static uint32_t seed = 41;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static bool number_is(const void *item, const void *key)
{
	return ((const number_t *)item)->value == *(const uint32_t *)key;
}

static uint64_t good_hash(uint32_t v)
{
	uint64_t h = (v + 1) * UINT64_C(0x9e3779b97f4a7c15);

	return h ^ h >> 29;
}

/* Two parts only, few places in them. */
static uint64_t poor_hash(uint32_t v)
{
	return (uint64_t)(v % 2) << 56 | v % 7;
}

static void compare(const ln__map_t *map, uint32_t count, uint64_t (*hash)(uint32_t))
{
	uint32_t in = 0, live = 0;

	for (uint32_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(ln__map_find(map, hash(i), number_is, &i), all[i].in ? &all[i] : NULL);
		in += all[i].in;
	}
	for (uint32_t part = 0; part < MAP_PARTS; part++) {
		const ln__slots_t *t = map->part[part];

		live += map->live[part];
		ck_assert_int_eq(t != NULL, map->live[part] > 0);
		ck_assert(!t || t->used < t->cap);          /* a free place ends every search */
	}
	ck_assert_uint_eq(live, in);
}

static void churn(uint32_t count, unsigned rounds, uint64_t (*hash)(uint32_t))
{
	ln__map_t map = { .live = { 0 } };

	for (uint32_t i = 0; i < count; i++)
		all[i] = (number_t){ i, false };
	for (unsigned round = 0; round < rounds; round++) {
		uint32_t i = draw(count);
		bool grow = round / (rounds / 4) % 2 == 0;

		if (all[i].in == grow && draw(4))
			continue;
		if (all[i].in)
			ln__map_remove(&map, hash(i), &all[i]);
		else
			ln__map_insert(&map, hash(i), &all[i]);
		all[i].in = !all[i].in;
		if (round % 499 == 0)
			compare(&map, count, hash);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (all[i].in)
			ln__map_remove(&map, hash(i), &all[i]);
		all[i].in = false;
	}
	compare(&map, count, hash);
	ln__map_insert(&map, hash(0), &all[0]);
	ln__map_fini(&map);
	compare(&map, 0, hash);
}

static void begin(void)
{
	ln_rcu_register();
}

static void end(void)
{
	ln_rcu_barrier();
	ln_rcu_unregister();
}

START_TEST(like_an_array)
{
	churn(ITEMS, 60000, good_hash);
}
END_TEST

START_TEST(with_colliding_hashes)
{
	churn(100, 30000, poor_hash);
}
END_TEST

START_TEST(removing_a_stranger)
{
	static ln__map_t map;

	all[0] = (number_t){ 0, true };
	ln__map_insert(&map, 5, &all[0]);
	ln_unit_aborts(ln__map_remove(&map, 5, &all[1]));
	ln__map_remove(&map, 5, &all[0]);
}
END_TEST

LN_UNIT_MAIN_WITH("broker/map", begin, end, like_an_array, with_colliding_hashes, removing_a_stranger)
