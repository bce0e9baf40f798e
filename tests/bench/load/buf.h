/* buf.h - bytes that grow at the end. Kept allocated by its connection, so that sending an acknowledgement allocates
 * nothing. */
#ifndef BENCH_BUF_H
#define BENCH_BUF_H

#include <stdint.h>
#include <string.h>

#include "fail.h"

typedef struct bench_buf {
	uint8_t *data;
	size_t len, cap;
} bench_buf_t;

/* Returns: where N more bytes can be written; they count as written. */
static inline uint8_t *bench_buf_more(bench_buf_t *buf, size_t n)
{
	if (buf->len + n > buf->cap) {
		buf->cap = (buf->len + n) * 2;
		buf->data = bench_realloc(buf->data, buf->cap);
	}
	buf->len += n;
	return buf->data + buf->len - n;
}

static inline void bench_buf_put(bench_buf_t *buf, const void *data, size_t n)
{
	if (n > 0)
		memcpy(bench_buf_more(buf, n), data, n);
}

static inline void bench_buf_byte(bench_buf_t *buf, unsigned byte)
{
	*bench_buf_more(buf, 1) = (uint8_t)byte;
}

static inline void bench_buf_fini(bench_buf_t *buf)
{
	bench_free(buf->data);
	*buf = (bench_buf_t){ 0 };
}

#endif
