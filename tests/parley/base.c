/* base.c — slices, buffers, arenas and the clock; see base.h for who may hold what. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, room;
	max_align_t data[];
};

void *mem_new(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p) {
		fputs("parley: out of memory\n", stderr);
		abort();
	}
	return p;
}

bytes_t bytes_of(const char *text)
{
	return (bytes_t){ text, strlen(text) };
}

bool bytes_equal(bytes_t a, bytes_t b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_is(bytes_t a, const char *text)
{
	return bytes_equal(a, bytes_of(text));
}

bool bytes_starts(bytes_t a, const char *text)
{
	size_t n = strlen(text);

	return a.len >= n && memcmp(a.at, text, n) == 0;
}

bytes_t bytes_from(bytes_t a, size_t from)
{
	return from ? (bytes_t){ a.at + from, a.len - from } : a;	/* nothing may be added to NULL */
}

ptrdiff_t bytes_find(bytes_t hay, bytes_t needle)
{
	const char *hit;

	if (needle.len == 0)
		return 0;
	if (hay.len < needle.len)
		return -1;
	hit = memmem(hay.at, hay.len, needle.at, needle.len);
	return hit ? hit - hay.at : -1;
}

static void buf_reserve(buf_t *buf, size_t more)
{
	size_t room = buf->room ? buf->room : 64;

	if (buf->at && buf->len + more <= buf->room)
		return;
	while (room < buf->len + more)
		room *= 2;
	buf->at = realloc(buf->at, room);
	if (!buf->at)
		abort();
	buf->room = room;
}

void buf_add(buf_t *buf, const void *data, size_t len)
{
	buf_reserve(buf, len);
	if (len)
		memcpy(buf->at + buf->len, data, len);
	buf->len += len;
}

void buf_add_byte(buf_t *buf, unsigned byte)
{
	char c = (char)byte;

	buf_add(buf, &c, 1);
}

void buf_vaddf(buf_t *buf, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	buf_reserve(buf, (size_t)n + 1);
	vsnprintf(buf->at + buf->len, (size_t)n + 1, fmt, again);
	va_end(again);
	buf->len += (size_t)n;
}

void buf_addf(buf_t *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void buf_drop(buf_t *buf, size_t n)
{
	buf->len -= n;
	if (buf->len)
		memmove(buf->at, buf->at + n, buf->len);
}

void buf_free(buf_t *buf)
{
	free(buf->at);
	*buf = (buf_t){ 0 };
}

bytes_t buf_bytes(const buf_t *buf)
{
	return (bytes_t){ buf->at, buf->len };
}

void *arena_alloc(arena_t *arena, size_t n)
{
	struct arena_chunk *c = arena->chunks;
	void *p;

	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!c || c->room - c->used < n) {
		size_t room = n > 2048 ? n : 2048;

		c = mem_new(sizeof(*c) + room);
		c->room = room;
		c->next = arena->chunks;
		arena->chunks = c;
	}
	p = (char *)c->data + c->used;
	c->used += n;
	return p;
}

char *arena_cstr(arena_t *arena, bytes_t text)
{
	char *p = arena_alloc(arena, text.len + 1);

	if (text.len)
		memcpy(p, text.at, text.len);
	return p;
}

bytes_t arena_copy(arena_t *arena, bytes_t text)
{
	return (bytes_t){ arena_cstr(arena, text), text.len };
}

void *arena_grow(arena_t *arena, void *array, size_t count, size_t size)
{
	void *bigger;

	if (count & (count - 1))	/* room is always the next power of two */
		return array;
	bigger = arena_alloc(arena, (count ? 2 * count : 1) * size);
	if (count)
		memcpy(bigger, array, count * size);
	return bigger;
}

void arena_reset(arena_t *arena)
{
	struct arena_chunk *c;

	while ((c = arena->chunks)) {
		arena->chunks = c->next;
		free(c);
	}
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void sleep_ms(int64_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	if (ms > 0)
		nanosleep(&ts, NULL);
}
