/* outq.c — pages of output.
 *
 * The alternatives were a list of chunks, where each referenced payload is a chunk and splits the copied bytes around
 * it into two more, and a ring of pieces beside the bytes. The first wastes a chunk per message, the second is a second
 * allocation for every connection that writes. Marks growing towards the bytes in the same page need neither.
 *
 * Pages beyond what the pool keeps go back to malloc. A page whose bytes are all written is given back at once, so
 * nothing here outlives its content.
 */
#include <string.h>
#include "outq.h"

#define HEADER offsetof(ln__page_t, room)

_Static_assert(HEADER % _Alignof(ln__mark_t) == 0, "marks stand aligned at a page's end");

static ln__mark_t *mark_at(const ln__page_t *p, unsigned i)
{
	return (ln__mark_t *)((uintptr_t)p + HEADER + p->cap) - (i + 1);
}

static ln__page_t *page_take(ln__pages_t *pages, size_t size)
{
	ln__page_t **kept = size == LN__PAGE_SMALL ? &pages->small : size == LN__PAGE_LARGE ? &pages->large : NULL;
	ln__page_t *p = kept ? *kept : NULL;

	if (p) {
		*kept = p->next;
		--*(size == LN__PAGE_SMALL ? &pages->small_count : &pages->large_count);
	} else {
		p = ln_try_alloc(size, NULL);
		if (!p)
			return NULL;
	}
	memset(p, 0, HEADER);
	p->cap = (uint32_t)(size - HEADER);
	return p;
}

static void page_give(ln__pages_t *pages, ln__page_t *p)
{
	size_t size = HEADER + p->cap;

	for (unsigned i = p->mark_first; i < p->mark_end; i++)
		mark_at(p, i)->release(mark_at(p, i)->owner);
	if (size == LN__PAGE_SMALL && pages->small_count < LN__PAGES_SMALL_KEPT) {
		p->next = pages->small;
		pages->small = p;
		pages->small_count++;
	} else if (size == LN__PAGE_LARGE && pages->large_count < LN__PAGES_LARGE_KEPT) {
		p->next = pages->large;
		pages->large = p;
		pages->large_count++;
	} else {
		ln_give_back(p, size, NULL);
	}
}

static void free_all(ln__page_t *p)
{
	while (p) {
		ln__page_t *next = p->next;
		ln_give_back(p, HEADER + p->cap, NULL);
		p = next;
	}
}

void ln__pages_fini(ln__pages_t *pages)
{
	free_all(pages->small);
	free_all(pages->large);
	*pages = (ln__pages_t){ 0 };
}

static void append_page(ln__outq_t *q, ln__page_t *p)
{
	if (q->tail)
		q->tail->next = p;
	else
		q->head = p;
	q->tail = p;
}

/* The size of a page for N bytes that follows the queue's last. */
static size_t page_size(const ln__outq_t *q, size_t n)
{
	if (!q->tail && n <= LN__PAGE_SMALL - HEADER)
		return LN__PAGE_SMALL;
	if (n <= LN__PAGE_LARGE - HEADER)
		return LN__PAGE_LARGE;
	return HEADER + ((n + 15) & ~(size_t)15);
}

uint8_t *ln__outq_grow(ln__outq_t *q, ln__pages_t *pages, size_t n)
{
	ln__page_t *p = page_take(pages, page_size(q, n));

	if (!p)
		return NULL;
	append_page(q, p);
	return p->room;
}

bool ln__outq_copy(ln__outq_t *q, ln__pages_t *pages, const uint8_t *data, size_t n)
{
	size_t here = q->tail ? ln__page_free(q->tail) : 0;
	uint8_t *at;

	if (n == 0)
		return true;
	here = here < n ? here : n;
	/* What does not fit goes into one new page, taken before anything is written: all or nothing. */
	if (here < n) {
		ln__page_t *old = q->tail;
		at = ln__outq_grow(q, pages, n - here);
		if (!at)
			return false;
		memcpy(at, data + here, n - here);
		ln__outq_wrote(q, n - here);
		if (!old)
			return true;
		memcpy(old->room + old->end, data, here);
		old->end += (uint32_t)here;
		q->len += here;
		return true;
	}
	memcpy(q->tail->room + q->tail->end, data, n);
	ln__outq_wrote(q, n);
	return true;
}

bool ln__outq_ref(ln__outq_t *q, ln__pages_t *pages, ln_slice_t bytes, void *owner, ln_release_fn release)
{
	if (!ln__outq_room(q, pages, sizeof(ln__mark_t)) || q->tail->mark_end == UINT16_MAX)
		return false;
	*mark_at(q->tail, q->tail->mark_end) = (ln__mark_t){ .data = bytes.data, .owner = owner, .release = release,
							      .len = (uint32_t)bytes.len, .at = q->tail->end };
	q->tail->mark_end++;
	q->len += bytes.len;
	return true;
}

/* Where somebody stands in a page: before copied byte AT and, when AT is the first mark's place, behind DONE bytes of
 * it. */
typedef struct spot {
	uint32_t at, done;
	uint16_t mark;
} spot_t;

/* The next piece of P from *SPOT on, which moves behind it; false at the page's end. */
static bool next_piece(const ln__page_t *p, spot_t *spot, struct iovec *ret_piece)
{
	const ln__mark_t *m = spot->mark < p->mark_end ? mark_at(p, spot->mark) : NULL;
	uint32_t to = m ? m->at : p->end;

	if (spot->at < to) {
		ret_piece->iov_base = (void *)(uintptr_t)(p->room + spot->at);
		ret_piece->iov_len = to - spot->at;
		spot->at = to;
		return true;
	}
	if (!m)
		return false;
	ret_piece->iov_base = (void *)(uintptr_t)(m->data + spot->done);
	ret_piece->iov_len = m->len - spot->done;
	spot->mark++;
	spot->done = 0;
	return true;
}

unsigned ln__outq_iov(const ln__outq_t *q, struct iovec *iov, unsigned max, size_t *ret_bytes)
{
	size_t bytes = 0;
	unsigned n = 0;

	for (const ln__page_t *p = q->head; p && n < max; p = p->next) {
		spot_t spot = { p->start, p->mark_done, p->mark_first };
		while (n < max && next_piece(p, &spot, &iov[n]))
			bytes += iov[n++].iov_len;
	}
	*ret_bytes = bytes;
	return n;
}

/* Takes up to N bytes off the front of P; returns how many it had. */
static size_t consume_page(ln__page_t *p, size_t n)
{
	size_t done = 0;

	for (;;) {
		ln__mark_t *m = p->mark_first < p->mark_end ? mark_at(p, p->mark_first) : NULL;
		size_t copied = (m ? m->at : p->end) - p->start, take = copied < n - done ? copied : n - done;

		p->start += (uint32_t)take;
		done += take;
		if (!m || take < copied)
			return done;
		copied = m->len - p->mark_done;
		take = copied < n - done ? copied : n - done;
		p->mark_done += (uint32_t)take;
		done += take;
		if (take < copied)
			return done;
		m->release(m->owner);
		p->mark_first++;
		p->mark_done = 0;
	}
}

static bool page_empty(const ln__page_t *p)
{
	return p->start == p->end && p->mark_first == p->mark_end;
}

void ln__outq_consume(ln__outq_t *q, ln__pages_t *pages, size_t n)
{
	ln_require(n <= q->len);
	q->len -= n;
	while (q->head) {
		ln__page_t *p = q->head;
		n -= consume_page(p, n);
		if (!page_empty(p))
			break;
		q->head = p->next;
		if (!q->head)
			q->tail = NULL;
		page_give(pages, p);
	}
	ln_insist(n == 0);
}

void ln__outq_clear(ln__outq_t *q, ln__pages_t *pages)
{
	ln__page_t *p = q->head;

	while (p) {
		ln__page_t *next = p->next;
		page_give(pages, p);
		p = next;
	}
	*q = (ln__outq_t){ 0 };
}

void ln__outq_fit(ln__outq_t *q, ln__pages_t *pages)
{
	ln__page_t *old = q->head, *p;
	size_t bytes, marks, cap;

	if (!old || old->next)
		return;
	bytes = old->end - old->start;
	marks = (size_t)(old->mark_end - old->mark_first);
	cap = (bytes + marks * sizeof(ln__mark_t) + 15) & ~(size_t)15;
	if (cap > old->cap / 2)
		return;
	p = page_take(pages, HEADER + cap);
	if (!p)
		return;
	memcpy(p->room, old->room + old->start, bytes);
	p->end = (uint32_t)bytes;
	p->mark_done = old->mark_done;
	for (unsigned i = 0; i < marks; i++) {
		ln__mark_t *m = mark_at(p, i);
		*m = *mark_at(old, old->mark_first + i);
		m->at -= old->start;
	}
	p->mark_end = (uint16_t)marks;
	old->mark_first = old->mark_end;
	page_give(pages, old);
	q->head = q->tail = p;
}
