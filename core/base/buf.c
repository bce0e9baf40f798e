/* buf.c — bytes that grow.
 *
 * One block, a start and an end. Room at the end is found in this order: it is there; the bytes move to the front;
 * the block grows by half. Moving is done only when what was consumed is at least half of what is left, otherwise a
 * slow consumer of a long buffer would pay for all its bytes again and again. A block that is empty is freed at
 * once: a thousand idle connections hold no buffers. A chain of blocks was not chosen: decoders want one piece, and
 * large payloads are not copied into buffers at all.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linnet/buf.h>

#define BUF_SMALLEST 64u
#define BUF_LARGEST (UINT32_C(1) << 31)

void ln_buf_fini(ln_buf_t *b)
{
	ln_free(b->data);
	*b = (ln_buf_t){ 0 };
}

static void move_to_front(ln_buf_t *b)
{
	uint32_t len = ln_buf_len(b);

	if (b->start > 0 && len > 0)
		memmove(b->data, b->data + b->start, len);
	b->start = 0;
	b->end = len;
}

static uint8_t *resize(ln_buf_t *b, size_t cap)
{
	move_to_front(b);
	if (b->cap < cap) {
		b->data = ln_realloc(b->data, cap);
		b->cap = (uint32_t)cap;
	}
	return b->data + b->end;
}

static size_t needed(const ln_buf_t *b, size_t n)
{
	ln_require(n < BUF_LARGEST && ln_buf_len(b) + n < BUF_LARGEST);
	return ln_buf_len(b) + n;
}

uint8_t *ln_buf_reserve(ln_buf_t *b, size_t n)
{
	size_t want = needed(b, n), grown;

	if (b->cap - b->end >= n && b->data)
		return b->data + b->end;
	if (want <= b->cap && b->start >= ln_buf_len(b) / 2)
		return resize(b, b->cap);
	grown = b->cap + b->cap / 2;
	if (grown < BUF_SMALLEST)
		grown = BUF_SMALLEST;
	if (grown > BUF_LARGEST)
		grown = BUF_LARGEST;
	return resize(b, want > grown ? want : grown);
}

uint8_t *ln_buf_reserve_exact(ln_buf_t *b, size_t n)
{
	size_t want = needed(b, n);

	if (b->cap - b->end >= n && b->data)
		return b->data + b->end;
	return resize(b, want ? want : 1);
}

void ln_buf_append(ln_buf_t *b, const void *data, size_t n)
{
	if (n == 0)
		return;
	memcpy(ln_buf_reserve(b, n), data, n);
	ln_buf_commit(b, n);
}

void ln_buf_consume(ln_buf_t *b, size_t n)
{
	ln_require(n <= ln_buf_len(b));
	b->start += (uint32_t)n;
	if (b->start == b->end)
		ln_buf_fini(b);
}

void ln_buf_printf(ln_buf_t *b, const char *format, ...)
{
	va_list args, again;
	int n;

	ln_require(format);
	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	ln_insist(n >= 0);
	vsnprintf((char *)ln_buf_reserve(b, (size_t)n + 1), (size_t)n + 1, format, again);
	ln_buf_commit(b, (size_t)n);
	va_end(again);
	va_end(args);
}
