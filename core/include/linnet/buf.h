/* buf.h — bytes that grow (ln_buf_t) and bytes that are read (ln_reader_t).
 *
 * ln_buf_t owns memory: zeroed is empty and valid, ln_buf_fini releases. Space is [start, end) inside [0, cap). It
 * exists only while it holds something: ln_buf_consume of the last byte frees the memory. Its appends never fail
 * (our memory); whoever appends what a peer sends asks ln_buf_len against a limit first.
 *
 * ln_reader_t borrows a slice and reads big-endian integers; the first read past the end sets `bad` and everything
 * after returns zero: a decoder checks once, at its end.
 */
#ifndef LINNET_BUF_H
#define LINNET_BUF_H

#include <linnet/mem.h>
#include <linnet/str.h>

typedef struct ln_buf {
	uint8_t *data;
	uint32_t start, end, cap;
} ln_buf_t;

static inline uint32_t ln_buf_len(const ln_buf_t *b)
{
	return b->end - b->start;
}

static inline ln_slice_t ln_buf_slice(const ln_buf_t *b)
{
	return ln_slice(b->data ? b->data + b->start : NULL, b->end - b->start);
}

void ln_buf_fini(ln_buf_t *b);
/* Room for N more bytes at the end; returns where to write. Grows by half at least, moves bytes to the front first.
 * The caller adds what it wrote with ln_buf_commit. Requires: the result stays under 2³¹ bytes. */
uint8_t *ln_buf_reserve(ln_buf_t *b, size_t n);
/* The same, but grows to exactly what is needed (a partial packet of known size). */
uint8_t *ln_buf_reserve_exact(ln_buf_t *b, size_t n);
static inline void ln_buf_commit(ln_buf_t *b, size_t n)
{
	b->end += (uint32_t)n;
}
void ln_buf_append(ln_buf_t *b, const void *data, size_t n);
/* Drops N bytes from the front; an emptied buffer frees its memory. Requires: n <= ln_buf_len(b). */
void ln_buf_consume(ln_buf_t *b, size_t n);
/* printf at the end. */
void ln_buf_printf(ln_buf_t *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void ln_put_u16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void ln_put_u32(uint8_t *at, uint32_t v)
{
	ln_put_u16(at, (uint16_t)(v >> 16));
	ln_put_u16(at + 2, (uint16_t)v);
}

typedef struct ln_reader {
	const uint8_t *at, *end;
	bool bad;
} ln_reader_t;

static inline ln_reader_t ln_reader(ln_slice_t s)
{
	const uint8_t *at = s.data ? s.data : (const uint8_t *)"";

	return (ln_reader_t){ at, at + s.len, false };
}

static inline size_t ln_reader_left(const ln_reader_t *r)
{
	return (size_t)(r->end - r->at);
}

static inline bool ln_reader_has(ln_reader_t *r, size_t n)
{
	if (LN_UNLIKELY(ln_reader_left(r) < n)) {
		r->bad = true;
		r->at = r->end;
		return false;
	}
	return true;
}

static inline uint8_t ln_read_u8(ln_reader_t *r)
{
	return ln_reader_has(r, 1) ? *r->at++ : 0;
}

static inline uint16_t ln_read_u16(ln_reader_t *r)
{
	if (!ln_reader_has(r, 2))
		return 0;
	r->at += 2;
	return (uint16_t)(r->at[-2] << 8 | r->at[-1]);
}

static inline uint32_t ln_read_u32(ln_reader_t *r)
{
	uint32_t high = ln_read_u16(r);
	return high << 16 | ln_read_u16(r);
}

static inline ln_slice_t ln_read_bytes(ln_reader_t *r, size_t n)
{
	if (!ln_reader_has(r, n))
		return (ln_slice_t){ NULL, 0 };
	r->at += n;
	return ln_slice(r->at - n, n);
}

#endif
