/* outq.h — bytes that wait to be written: pages of copied bytes with marks where a message's own bytes belong.
 *
 * A page holds copied bytes from its front and marks from its back. A mark says: here stand LEN bytes at DATA, which
 * belong to MSG. So a large payload costs 24 bytes beside its copied header, and no allocation of its own. A queue's
 * first page is small, because most turns write little to a connection; when it is full large ones follow.
 *
 * Pages come from a worker's pool (ln__pages_t). Single-threaded. Pure: no descriptor, no connection.
 */
#ifndef LN_NET_OUTQ_H
#define LN_NET_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <linnet/conn.h>

#define LN__PAGE_SMALL 2048u       /* with its header */
#define LN__PAGE_LARGE 16384u
#define LN__PAGES_SMALL_KEPT 1024u /* free ones a worker keeps */
#define LN__PAGES_LARGE_KEPT 128u

typedef struct ln__page ln__page_t;
struct ln__page {
	ln__page_t *next;
	uint32_t cap;              /* bytes of room */
	uint32_t start, end;       /* copied bytes not yet written */
	uint16_t mark_first, mark_end;
	uint32_t mark_done;        /* bytes of the first mark already written */
	uint32_t reserved;
	uint8_t room[];
};

typedef struct ln__mark {
	const uint8_t *data;
	void *owner;               /* kept until the bytes are written */
	ln_release_fn release;
	uint32_t len;
	uint32_t at;               /* stands before room[at] */
} ln__mark_t;

typedef struct ln__pages {
	ln__page_t *small, *large;
	uint32_t small_count, large_count;
} ln__pages_t;

/* Zeroed is empty. */
typedef struct ln__outq {
	ln__page_t *head, *tail;
	size_t len;                /* bytes that wait, those behind marks included */
} ln__outq_t;

static inline size_t ln__page_free(const ln__page_t *p)
{
	return p->cap - p->end - (size_t)p->mark_end * sizeof(ln__mark_t);
}

/* Room for N contiguous bytes, or NULL when memory is refused. ln__outq_wrote adds what was written there. */
uint8_t *ln__outq_grow(ln__outq_t *q, ln__pages_t *pages, size_t n);
static inline uint8_t *ln__outq_room(ln__outq_t *q, ln__pages_t *pages, size_t n)
{
	ln__page_t *p = q->tail;

	if (LN_LIKELY(p && ln__page_free(p) >= n))
		return p->room + p->end;
	return ln__outq_grow(q, pages, n);
}
static inline void ln__outq_wrote(ln__outq_t *q, size_t n)
{
	q->tail->end += (uint32_t)n;
	q->len += n;
}
/* Copies N bytes. False when memory is refused; then nothing was added. */
bool ln__outq_copy(ln__outq_t *q, ln__pages_t *pages, const uint8_t *data, size_t n);
/* Takes OWNER, which keeps DATA. False when memory is refused (OWNER stays the caller's). */
bool ln__outq_ref(ln__outq_t *q, ln__pages_t *pages, ln_slice_t bytes, void *owner, ln_release_fn release);
/* Describes the first bytes that wait in at most MAX pieces; returns how many pieces. */
unsigned ln__outq_iov(const ln__outq_t *q, struct iovec *iov, unsigned max, size_t *ret_bytes);
/* N bytes from the front are written. Requires: n <= q->len. */
void ln__outq_consume(ln__outq_t *q, ln__pages_t *pages, size_t n);
void ln__outq_clear(ln__outq_t *q, ln__pages_t *pages);
/* Moves what is left into a page of its size when it fills less than half of its page. For output that will wait. */
void ln__outq_fit(ln__outq_t *q, ln__pages_t *pages);
/* Frees the pages kept. */
void ln__pages_fini(ln__pages_t *pages);

#endif
