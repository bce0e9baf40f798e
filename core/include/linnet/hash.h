/* hash.h — a keyed hash nobody outside can aim at, and a table of pointers.
 *
 * ln_hash is SipHash-1-3 under a key drawn at start (ln_hash_init), so topics and client ids cannot be chosen to
 * collide. ln_table_t is open addressing with linear probing and backward-shift deletion: one array of {hash, item},
 * no tombstones, at most 3/4 full. Items are borrowed. Zeroed with `eq` set is an empty table without memory.
 * Single-threaded.
 */
#ifndef LINNET_HASH_H
#define LINNET_HASH_H

#include <linnet/mem.h>
#include <linnet/str.h>

/* Draws the key from the system (getrandom). Call once before any other thread runs; without it the key is zero
 * (tests). */
void ln_hash_init(void);
/* Thread: any. */
uint64_t ln_hash(ln_slice_t s);

/* Is ITEM the one KEY names? */
typedef bool (*ln_table_eq_fn)(const void *item, const void *key);

typedef struct ln_table {
	ln_table_eq_fn eq;
	uint32_t count, cap;                         /* cap: 0 or a power of two */
	struct { uint64_t hash; void *item; } *slot; /* item NULL: free */
} ln_table_t;

void ln_table_fini(ln_table_t *t);
/* The item whose hash is HASH and which eq says is KEY, or NULL. */
void *ln_table_find(const ln_table_t *t, uint64_t hash, const void *key);
/* Requires: no equal item is there; item != NULL. Never fails. */
void ln_table_insert(ln_table_t *t, uint64_t hash, void *item);
/* Takes the item out and returns it, NULL when it is not there. Shrinks at 1/8. */
void *ln_table_remove(ln_table_t *t, uint64_t hash, const void *key);
/* Iterates: start with *pos = 0; returns the next item or NULL. Nothing may be inserted or removed meanwhile. */
void *ln_table_next(const ln_table_t *t, uint32_t *pos);

#endif
