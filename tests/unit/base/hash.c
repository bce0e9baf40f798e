/* Tests core/base/hash.c: SipHash-1-3 against vectors of another implementation (Rust's core::hash), and the table
 * against a plain array. */
#include <linnet/hash.h>
#include "base/siphash.h"
#include "unit.h"

/* Key 00 01 … 0f; the input of vector n is the n bytes 00 01 … */
static const uint64_t vector[64] = {
	UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93), UINT64_C(0x82cb9b024dc7d44d),
	UINT64_C(0x8bf80ab8e7ddf7fb), UINT64_C(0xcf75576088d38328), UINT64_C(0xdef9d52f49533b67),
	UINT64_C(0xc50d2b50c59f22a7), UINT64_C(0xd3927d989bb11140), UINT64_C(0x369095118d299a8e),
	UINT64_C(0x25a48eb36c063de4), UINT64_C(0x79de85ee92ff097f), UINT64_C(0x70c118c1f94dc352),
	UINT64_C(0x78a384b157b4d9a2), UINT64_C(0x306f760c1229ffa7), UINT64_C(0x605aa111c0f95d34),
	UINT64_C(0xd320d86d2a519956), UINT64_C(0xcc4fdd1a7d908b66), UINT64_C(0x9cf2689063dbd80c),
	UINT64_C(0x8ffc389cb473e63e), UINT64_C(0xf21f9de58d297d1c), UINT64_C(0xc0dc2f46a6cce040),
	UINT64_C(0xb992abfe2b45f844), UINT64_C(0x7ffe7b9ba320872e), UINT64_C(0x525a0e7fdae6c123),
	UINT64_C(0xf464aeb267349c8c), UINT64_C(0x45cd5928705b0979), UINT64_C(0x3a3e35e3ca9913a5),
	UINT64_C(0xa91dc74e4ade3b35), UINT64_C(0xfb0bed02ef6cd00d), UINT64_C(0x88d93cb44ab1e1f4),
	UINT64_C(0x540f11d643c5e663), UINT64_C(0x2370dd1f8c21d1bc), UINT64_C(0x81157b6c16a7b60d),
	UINT64_C(0x4d54b9e57a8ff9bf), UINT64_C(0x759f12781f2a753e), UINT64_C(0xcea1a3bebf186b91),
	UINT64_C(0x2cf508d3ada26206), UINT64_C(0xb6101c2da3c33057), UINT64_C(0xb3f47496ae3a36a1),
	UINT64_C(0x626b57547b108392), UINT64_C(0xc1d2363299e41531), UINT64_C(0x667cc1923f1ad944),
	UINT64_C(0x65704ffec8138825), UINT64_C(0x24f280d1c28949a6), UINT64_C(0xc2ca1cedfaf8876b),
	UINT64_C(0xc2164bfc9f042196), UINT64_C(0xa16e9c9368b1d623), UINT64_C(0x49fb169c8b5114fd),
	UINT64_C(0x9f3143f8df074c46), UINT64_C(0xc6fdaf2412cc86b3), UINT64_C(0x7eaf49d10a52098f),
	UINT64_C(0x1cf313559d292f9a), UINT64_C(0xc44a30dda2f41f12), UINT64_C(0x36fae98943a71ed0),
	UINT64_C(0x318fb34c73f0bce6), UINT64_C(0xa27abf3670a7e980), UINT64_C(0xb4bcc0db243c6d75),
	UINT64_C(0x23f8d852fdb71513), UINT64_C(0x8f035f4da67d8a08), UINT64_C(0xd89cd0e5b7e8f148),
	UINT64_C(0xf6f4e6bcf7a644ee), UINT64_C(0xaec59ad80f1837f2), UINT64_C(0xc3b2f6154b6694e0),
	UINT64_C(0x9d199062b7bbb3a8),
};

START_TEST(siphash_vectors)
{
	static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

	for (size_t len = 0; len < 64; len++) {
		uint8_t *bytes = ln_alloc(len); /* exactly LEN bytes, so that a sanitizer sees a step too far */
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)i;
		ck_assert_msg(ln__siphash13(key, ln_slice(bytes, len)) == vector[len], "length %zu", len);
		ln_free(bytes);
	}
}
END_TEST

START_TEST(hash_under_the_zero_key)
{
	ck_assert_uint_eq(ln_hash(ln_slice(NULL, 0)), UINT64_C(0xd1fba762150c532c));
	ck_assert_uint_eq(ln_hash(LN_STR("a")), UINT64_C(0x407448d2b89b1813));
	ck_assert_uint_eq(ln_hash(LN_STR("a/b")), UINT64_C(0x292c7e7badd84ae1));
	ck_assert_uint_eq(ln_hash(LN_STR("sensors/1/temperature")), UINT64_C(0x1fa9fbbca4c2aaa5));
}
END_TEST

START_TEST(key_is_drawn)
{
	uint64_t plain = ln_hash(LN_STR("topic")), first;

	ln_hash_init();
	first = ln_hash(LN_STR("topic"));
	ck_assert_uint_ne(first, plain);
	ck_assert_uint_eq(ln_hash(LN_STR("topic")), first);
	ln_hash_init();
	ck_assert_uint_ne(ln_hash(LN_STR("topic")), first);
}
END_TEST

typedef struct number {
	uint32_t value;
	bool in;
} number_t;

static bool number_is(const void *item, const void *key)
{
	return ((const number_t *)item)->value == *(const uint32_t *)key;
}

/* A hash of few values, so that items collide in full, wrap around the end and fill long runs. */
static uint64_t poor_hash(uint32_t value)
{
	return value % 13 + (value % 5 == 0 ? UINT64_MAX - 20 : 0);
}

static uint64_t good_hash(uint32_t value)
{
	return ln_hash(ln_slice(&value, sizeof(value)));
}

static void compare(const ln_table_t *t, number_t *all, uint32_t count, uint64_t (*hash)(uint32_t))
{
	uint32_t in = 0, seen = 0, pos = 0;
	const number_t *n;

	for (uint32_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(ln_table_find(t, hash(i), &i), all[i].in ? &all[i] : NULL);
		in += all[i].in;
	}
	while ((n = ln_table_next(t, &pos)) != NULL) {
		ck_assert(n->in);
		seen++;
	}
	ck_assert_uint_eq(seen, in);
	ck_assert_uint_eq(t->count, in);
	ck_assert_uint_le((uint64_t)t->count * 4, (uint64_t)t->cap * 3);
}

static void churn(uint32_t count, int rounds, uint64_t (*hash)(uint32_t))
{
	ln_table_t t = { .eq = number_is };
	number_t *all = ln_new_n(number_t, count);
	uint32_t seed = 7;

	for (uint32_t i = 0; i < count; i++)
		all[i].value = i;
	for (int round = 0; round < rounds; round++) {
		uint32_t i;
		seed = seed * 1664525 + 1013904223;
		i = (seed >> 8) % count;
		if (all[i].in)
			ck_assert_ptr_eq(ln_table_remove(&t, hash(i), &i), &all[i]);
		else
			ln_table_insert(&t, hash(i), &all[i]);
		all[i].in = !all[i].in;
		if (round % 97 == 0)
			compare(&t, all, count, hash);
	}
	for (uint32_t i = 0; i < count; i++)
		ck_assert_ptr_eq(ln_table_remove(&t, hash(i), &i), all[i].in ? &all[i] : NULL);
	ck_assert_uint_eq(t.count, 0);
	ck_assert_uint_le(t.cap, 8);
	ln_table_fini(&t);
	ln_free(all);
}

START_TEST(table_like_an_array)
{
	churn(300, 20000, good_hash);
}
END_TEST

START_TEST(table_with_colliding_hashes)
{
	churn(60, 20000, poor_hash);
}
END_TEST

START_TEST(table_grows_and_shrinks)
{
	static number_t all[10000];
	ln_table_t t = { .eq = number_is };

	for (uint32_t i = 0; i < 10000; i++) {
		all[i] = (number_t){ i, true };
		ln_table_insert(&t, good_hash(i), &all[i]);
	}
	ck_assert_uint_eq(t.cap, 16384);
	for (uint32_t i = 0; i < 10000; i++)
		ck_assert_ptr_eq(ln_table_find(&t, good_hash(i), &i), &all[i]);
	for (uint32_t i = 0; i < 9990; i++)
		ck_assert_ptr_nonnull(ln_table_remove(&t, good_hash(i), &i));
	ck_assert_uint_le(t.cap, 128);
	for (uint32_t i = 9990; i < 10000; i++)
		ck_assert_ptr_eq(ln_table_find(&t, good_hash(i), &i), &all[i]);
	ln_table_fini(&t);
	ck_assert_ptr_null(t.slot);
}
END_TEST

START_TEST(empty_table)
{
	ln_table_t t = { .eq = number_is };
	uint32_t key = 1, pos = 0;

	ck_assert_ptr_null(ln_table_find(&t, 1, &key));
	ck_assert_ptr_null(ln_table_remove(&t, 1, &key));
	ck_assert_ptr_null(ln_table_next(&t, &pos));
	ln_unit_aborts(ln_table_insert(&t, 1, NULL));
	ln_table_fini(&t);
}
END_TEST

LN_UNIT_MAIN("base/hash", siphash_vectors, hash_under_the_zero_key, key_is_drawn, table_like_an_array,
             table_with_colliding_hashes, table_grows_and_shrinks, empty_table)
