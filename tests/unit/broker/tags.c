/* Tests core/broker/tags.c: few, many, and everything in between against a plain array of booleans. */
#include <string.h>
#include "broker/tags.h"
#include "unit.h"

static bool model[65536];

/* Adds or removes TAG in both; both must say the same before and after. */
static void both(ln__tags_t *t, uint16_t tag, bool add)
{
	ck_assert_int_eq(ln__tags_has(t, tag), model[tag]);
	if (add)
		ck_assert_int_eq(ln__tags_add(t, tag), !model[tag]);
	else
		ck_assert_int_eq(ln__tags_remove(t, tag), model[tag]);
	model[tag] = add;
	ck_assert_int_eq(ln__tags_has(t, tag), add);
}

static void same(const ln__tags_t *t)
{
	uint32_t count = 0;

	for (uint32_t tag = 0; tag < 65536; tag++) {
		ck_assert_int_eq(ln__tags_has(t, (uint16_t)tag), model[tag]);
		count += model[tag];
	}
	ck_assert_uint_eq(t->count, count);
}

START_TEST(few)
{
	ln__tags_t t = { 0 };

	ck_assert(!ln__tags_has(&t, 7) && !ln__tags_remove(&t, 7));
	ck_assert(ln__tags_add(&t, 7) && !ln__tags_add(&t, 7));
	ck_assert(ln__tags_add(&t, 65535) && ln__tags_add(&t, 1));
	ck_assert(ln__tags_remove(&t, 7) && !ln__tags_has(&t, 7));
	ck_assert(ln__tags_has(&t, 65535) && ln__tags_has(&t, 1));
	ck_assert_uint_eq(t.count, 2);
	ck_assert(ln__tags_remove(&t, 65535) && ln__tags_remove(&t, 1));
	ck_assert_ptr_null(t.room);
	ck_assert_uint_eq(t.cap, 0);
}
END_TEST

/* Across every border, upward and downward, and empty in the end. */
START_TEST(up_and_down)
{
	static const uint32_t tops[] = { 1, 8, 9, 63, 64, 65, 66, 1000, 65535 };

	for (size_t i = 0; i < LN_ARRAY_SIZE(tops); i++) {
		ln__tags_t t = { 0 };

		for (uint32_t tag = 1; tag <= tops[i]; tag++)
			both(&t, (uint16_t)tag, true);
		same(&t);
		for (uint32_t tag = tops[i]; tag >= 1; tag--)
			both(&t, (uint16_t)(tag % 2 ? tag : tops[i] / 2 * 2 + 2 - tag), false);
		same(&t);
		ck_assert_uint_eq(t.count, 0);
		ck_assert_ptr_null(t.room);
	}
}
END_TEST

START_TEST(memory_stays_small)
{
	ln__tags_t t = { 0 };

	for (uint16_t tag = 1; tag <= 64; tag++)
		ck_assert(ln__tags_add(&t, (uint16_t)(tag * 1000)));
	ck_assert_uint_le(t.cap, 64);
	for (unsigned times = 0; times < 200; times++)
		ck_assert(ln__tags_remove(&t, 1000) && ln__tags_add(&t, 1000));
	ck_assert_uint_le(t.cap, 64);
	ln__tags_fini(&t);
	ck_assert_ptr_null(t.room);
}
END_TEST

START_TEST(like_a_model)
{
	uint64_t random = 1;
	ln__tags_t t = { 0 };

	for (unsigned step = 0; step < 400000; step++) {
		bool grows = step / 20000 % 2 == 0;
		uint16_t tag;

		random = random * 6364136223846793005u + 1442695040888963407u;
		tag = (uint16_t)((random >> 40) % (step < 100000 ? 150 : 65536));
		both(&t, tag, (random >> 33) % 100 < (grows ? 60 : 20));
	}
	same(&t);
	ln__tags_fini(&t);
}
END_TEST

LN_UNIT_MAIN("broker/tags", few, up_and_down, memory_stays_small, like_a_model)
