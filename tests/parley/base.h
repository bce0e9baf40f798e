/* base.h — what every other file of parley stands on: slices of bytes, growing buffers, arenas, the clock.
 *
 * parley judges the broker, so it shares no code with it: a fault in a common buffer would hide itself from the tester.
 * What belongs together dies together: a play's tree, a packet and a command's scratch each have one arena. Memory that
 * runs out ends the program; a tester has nothing better to do then.
 *
 * Thread: an arena and a buffer belong to one thread at a time; the rest is callable from any.
 */
#ifndef PARLEY_BASE_H
#define PARLEY_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARLEY_PRINTF(fmt, first) __attribute__((format(printf, fmt, first), nonnull(fmt)))
#define PARLEY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A slice: borrowed bytes, not NUL-terminated, NUL allowed inside. */
typedef struct bytes {
	const char *at;
	size_t len;
} bytes_t;

#define BYTES_ARG(b) (int)(b).len, (b).at ? (b).at : ""

typedef struct buf {
	char *at;
	size_t len, room;
} buf_t;

typedef struct arena {
	struct arena_chunk *chunks;
} arena_t;

/* Returns: N zeroed bytes, to be freed with free(). Never NULL. */
void *mem_new(size_t n);

bytes_t bytes_of(const char *text);
bool bytes_equal(bytes_t a, bytes_t b);
bool bytes_is(bytes_t a, const char *text);
bool bytes_starts(bytes_t a, const char *text);
/* Returns: the part of A from FROM on. Requires: FROM <= a.len. */
bytes_t bytes_from(bytes_t a, size_t from);
/* Returns: the place of the first NEEDLE in HAY, or -1. */
ptrdiff_t bytes_find(bytes_t hay, bytes_t needle);

void buf_add(buf_t *buf, const void *data, size_t len);
void buf_add_byte(buf_t *buf, unsigned byte);
void buf_addf(buf_t *buf, const char *fmt, ...) PARLEY_PRINTF(2, 3);
void buf_vaddf(buf_t *buf, const char *fmt, va_list ap) PARLEY_PRINTF(2, 0);
/* Drops the first N bytes. Requires: n <= buf->len. */
void buf_drop(buf_t *buf, size_t n);
void buf_free(buf_t *buf);
bytes_t buf_bytes(const buf_t *buf);

/* Returns: N zeroed bytes that live until the arena is reset. */
void *arena_alloc(arena_t *arena, size_t n);
bytes_t arena_copy(arena_t *arena, bytes_t text);
/* Returns: TEXT with a NUL behind it. */
char *arena_cstr(arena_t *arena, bytes_t text);
/* Returns: ARRAY of COUNT elements of SIZE bytes, moved if needed, with room for one more. */
void *arena_grow(arena_t *arena, void *array, size_t count, size_t size);
void arena_reset(arena_t *arena);

/* Returns: milliseconds of a clock that never goes back. */
int64_t now_ms(void);
void sleep_ms(int64_t ms);

#endif
