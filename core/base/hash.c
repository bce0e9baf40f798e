/* hash.c — SipHash-1-3 and a table of pointers.
 *
 * One round per eight bytes and three at the end (Aumasson and Bernstein's SipHash with the parameters Rust and
 * Python use) cannot be aimed at without the key and costs about as much as a cache miss for a topic. Short inputs
 * are the usual ones, so the bytes after the last full word are fetched by one overlapping load instead of a switch.
 *
 * The table compares hashes before it asks eq, so a probe that passes over others does not touch their memory.
 * Deletion shifts followers back into the gap; tombstones would slow down every find of a table that lives for
 * months. Robin Hood and SIMD groups were not taken: at 3/4 full with a good hash linear probing looks at two or
 * three neighbours, all in one or two cache lines.
 */
#include <errno.h>
#include <sys/random.h>
#include <linnet/hash.h>
#include "siphash.h"

#define TABLE_SMALLEST 8u
#define TABLE_LARGEST (UINT32_C(1) << 31)

static uint64_t hash_key[2];

void ln_hash_init(void)
{
	ssize_t n;

	do
		n = getrandom(hash_key, sizeof(hash_key), 0);
	while (n < 0 && errno == EINTR);
	ln_insist(n == (ssize_t)sizeof(hash_key));
}

static inline uint64_t load8(const uint8_t *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(w) : w;
}

static inline uint64_t load4(const uint8_t *at)
{
	uint32_t w;

	memcpy(&w, at, sizeof(w));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(w) : w;
}

/* The last LEN % 8 bytes of [DATA, DATA + LEN) as a little-endian number. */
static inline uint64_t load_rest(const uint8_t *data, size_t len)
{
	size_t rest = len & 7;

	if (rest == 0)
		return 0;
	if (len >= 8)
		return load8(data + len - 8) >> (8 * (8 - rest));
	if (rest >= 4)
		return load4(data) | load4(data + rest - 4) << (8 * (rest - 4));
	return data[0] | (uint64_t)data[rest / 2] << (8 * (rest / 2)) | (uint64_t)data[rest - 1] << (8 * (rest - 1));
}

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))
#define ROUND(v)                                                                        \
	do {                                                                            \
		v##0 += v##1, v##1 = ROTL(v##1, 13) ^ v##0, v##0 = ROTL(v##0, 32);       \
		v##2 += v##3, v##3 = ROTL(v##3, 16) ^ v##2;                              \
		v##0 += v##3, v##3 = ROTL(v##3, 21) ^ v##0;                              \
		v##2 += v##1, v##1 = ROTL(v##1, 17) ^ v##2, v##2 = ROTL(v##2, 32);       \
	} while (0)

static inline uint64_t siphash13(const uint64_t key[2], ln_slice_t s)
{
	uint64_t v0 = key[0] ^ UINT64_C(0x736f6d6570736575), v1 = key[1] ^ UINT64_C(0x646f72616e646f6d);
	uint64_t v2 = key[0] ^ UINT64_C(0x6c7967656e657261), v3 = key[1] ^ UINT64_C(0x7465646279746573);
	uint64_t last = (uint64_t)s.len << 56 | load_rest(s.data, s.len);

	for (size_t i = 0; i + 8 <= s.len; i += 8) {
		uint64_t m = load8(s.data + i);
		v3 ^= m;
		ROUND(v);
		v0 ^= m;
	}
	v3 ^= last;
	ROUND(v);
	v0 ^= last;
	v2 ^= 0xff;
	ROUND(v);
	ROUND(v);
	ROUND(v);
	return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t ln__siphash13(const uint64_t key[2], ln_slice_t s)
{
	return siphash13(key, s);
}

uint64_t ln_hash(ln_slice_t s)
{
	return siphash13(hash_key, s);
}

void ln_table_fini(ln_table_t *t)
{
	ln_free(t->slot);
	t->slot = NULL;
	t->count = t->cap = 0;
}

/* The place of the item KEY names; the free place that ends the search when there is none. Requires: cap > 0. */
static uint32_t search(const ln_table_t *t, uint64_t hash, const void *key)
{
	uint32_t mask = t->cap - 1, i = (uint32_t)hash & mask;

	while (t->slot[i].item && !(t->slot[i].hash == hash && t->eq(t->slot[i].item, key)))
		i = (i + 1) & mask;
	return i;
}

/* Requires: a place is free. */
static void put(ln_table_t *t, uint64_t hash, void *item)
{
	uint32_t mask = t->cap - 1, i = (uint32_t)hash & mask;

	while (t->slot[i].item)
		i = (i + 1) & mask;
	t->slot[i].hash = hash;
	t->slot[i].item = item;
}

static void rehash(ln_table_t *t, uint32_t cap)
{
	__typeof__(t->slot) old = t->slot;
	uint32_t old_cap = t->cap;

	t->slot = ln_alloc_n(cap, sizeof(*t->slot));
	t->cap = cap;
	for (uint32_t i = 0; i < old_cap; i++) {
		if (old[i].item)
			put(t, old[i].hash, old[i].item);
	}
	ln_free(old);
}

void *ln_table_find(const ln_table_t *t, uint64_t hash, const void *key)
{
	return t->count ? t->slot[search(t, hash, key)].item : NULL;
}

void ln_table_insert(ln_table_t *t, uint64_t hash, void *item)
{
	ln_require(item && t->eq);
	if ((uint64_t)t->count * 4 >= (uint64_t)t->cap * 3) {
		ln_insist(t->cap < TABLE_LARGEST);
		rehash(t, t->cap ? t->cap * 2 : TABLE_SMALLEST);
	}
	put(t, hash, item);
	t->count++;
}

/* Moves followers of the free place GAP back, as long as that brings them no farther forward than their own place. */
static void close_gap(ln_table_t *t, uint32_t gap)
{
	uint32_t mask = t->cap - 1;

	for (uint32_t i = (gap + 1) & mask; t->slot[i].item; i = (i + 1) & mask) {
		uint32_t from_home = (i - (uint32_t)t->slot[i].hash) & mask;
		if (from_home < ((i - gap) & mask))
			continue;
		t->slot[gap] = t->slot[i];
		gap = i;
	}
	t->slot[gap].item = NULL;
}

void *ln_table_remove(ln_table_t *t, uint64_t hash, const void *key)
{
	uint32_t i = t->count ? search(t, hash, key) : 0;
	void *item = t->count ? t->slot[i].item : NULL;

	if (!item)
		return NULL;
	t->slot[i].item = NULL;
	t->count--;
	close_gap(t, i);
	if (t->cap > TABLE_SMALLEST && t->count <= t->cap / 8)
		rehash(t, t->cap / 2);
	return item;
}

void *ln_table_next(const ln_table_t *t, uint32_t *pos)
{
	while (*pos < t->cap) {
		void *item = t->slot[(*pos)++].item;
		if (item)
			return item;
	}
	return NULL;
}
