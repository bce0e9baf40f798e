/* queue.c — a ring of references that grows and shrinks by doubling.
 *
 * What was not done: a linked list (16 bytes and a cache miss more per message) and chunks (a second index). A ring moves its entries when
 * it grows, which the doubling makes rare.
 */
#include <linnet/queue.h>
#include "routes.h"

#define RING_MIN 8u

void ln_entry_fini(ln_entry_t *e)
{
	ln_msg_unref(e->msg);
	if (e->flags & LN_ENTRY_MANY)
		ln_free(e->ids.many);
	else if (e->flags & LN_ENTRY_GROUP)
		ln__sub_unref(e->ids.member);
	*e = (ln_entry_t){ 0 };
}

static ln_entry_t *at(const ln_queue_t *q, uint32_t i)
{
	return &q->ring[(q->head + i) & (q->cap - 1)];
}

static void resize(ln_queue_t *q, uint32_t cap)
{
	ln_entry_t *ring = cap ? ln_alloc(sizeof(*ring) * cap) : NULL;

	for (uint32_t i = 0; i < q->count; i++)
		ring[i] = *at(q, i);
	ln_free(q->ring);
	q->ring = ring;
	q->cap = cap;
	q->head = 0;
}

static void pop(ln_queue_t *q, ln_entry_t *ret)
{
	*ret = *at(q, 0);
	q->bytes -= ln_msg_size(ret->msg);
	q->head = (q->head + 1) & (q->cap - 1);
	q->count--;
	if (q->count == 0)
		resize(q, 0);
	else if (q->cap > RING_MIN && q->count <= q->cap / 8)
		resize(q, q->cap / 2);
}

void ln_queue_fini(ln_queue_t *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		ln_entry_fini(at(q, i));
	ln_free(q->ring);
	*q = (ln_queue_t){ 0 };
}

static bool over(const ln_queue_t *q, const ln_queue_limits_t *limits, size_t size)
{
	return (limits->count && q->count >= limits->count) || (limits->bytes && q->bytes + size > limits->bytes);
}

/* Larger than all there may be: dropping others would not help. */
static bool never_fits(const ln_queue_limits_t *limits, size_t size)
{
	return limits->bytes && size > limits->bytes;
}

ln_result_t ln_queue_put(ln_queue_t *q, const ln_queue_limits_t *limits, ln_entry_t *e, uint64_t wall, uint32_t *ret_dropped)
{
	size_t size = ln_msg_size(e->msg);
	uint32_t dropped = 0;
	ln_entry_t old;

	while (q->count && limits->full == LN_FULL_DROP_OLDEST && over(q, limits, size) && !never_fits(limits, size)) {
		pop(q, &old);
		ln_entry_fini(&old);
		dropped++;
	}
	if (over(q, limits, size)) {
		ln_entry_fini(e);
		dropped++;
	} else {
		if (q->count == q->cap)
			resize(q, q->cap ? q->cap * 2 : RING_MIN);
		e->since = (uint32_t)((wall + 999) / 1000);
		*at(q, q->count) = *e;
		q->count++;
		q->bytes += size;
		*e = (ln_entry_t){ 0 };
	}
	if (ret_dropped)
		*ret_dropped = dropped;
	return dropped ? LN_LIMIT : LN_OK;
}

void ln_queue_put_back(ln_queue_t *q, ln_entry_t *e)
{
	if (q->count == q->cap)
		resize(q, q->cap ? q->cap * 2 : RING_MIN);
	q->head = (q->head + q->cap - 1) & (q->cap - 1);
	*at(q, 0) = *e;
	q->count++;
	q->bytes += ln_msg_size(e->msg);
	*e = (ln_entry_t){ 0 };
}

/* `since` was rounded up: nothing goes before its time. */
static bool stale(const ln_entry_t *e, const ln_queue_limits_t *limits, uint64_t wall)
{
	if (ln_msg_expired(e->msg, wall))
		return true;
	return limits->age_ms && wall >= (uint64_t)e->since * 1000 + limits->age_ms;
}

ln_result_t ln_queue_take(ln_queue_t *q, const ln_queue_limits_t *limits, uint64_t wall, ln_entry_t *ret, uint32_t *ret_expired)
{
	ln_entry_t e;

	*ret_expired = 0;
	while (q->count) {
		pop(q, &e);
		if (!stale(&e, limits, wall)) {
			*ret = e;
			return LN_OK;
		}
		ln_entry_fini(&e);
		(*ret_expired)++;
	}
	return LN_AGAIN;
}

void ln_queue_sift(ln_queue_t *q, bool (*gone)(const ln_entry_t *, void *ctx), void *ctx)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < q->count; i++) {
		ln_entry_t e = *at(q, i);

		if (gone(&e, ctx)) {
			q->bytes -= ln_msg_size(e.msg);
			ln_entry_fini(&e);
		} else {
			*at(q, kept++) = e;
		}
	}
	q->count = kept;
	if (kept == 0)
		resize(q, 0);
}
