/* conn_out.c — a connection's output: from the protocol's bytes to the socket.
 *
 * Writing only adds to a queue of pages; the socket sees it once, at the turn's end, so that a hundred small messages
 * cost one system call. There are two exceptions. Output that reached 64 KiB is written at once, because gathering more
 * gains nothing and a fan-out flood would fill memory for one turn. And a socket that took less than it was given is
 * not tried again until the loop says it takes more.
 *
 * With layers there are two queues: the protocol's plain bytes, and what the layers made of them. Plain bytes are
 * passed down only while the wire's queue is short, so that a slow peer's backlog is kept once, in its plain form,
 * where it can be counted against out-max.
 *
 * Not done: MSG_ZEROCOPY (its notifications cost more than copying messages of the sizes seen here) and a write at the
 * moment the queue becomes non-empty (a lower latency by microseconds, for one system call per message).
 */
#include "net.h"

size_t ln__conn_unsent(const ln_conn_t *c)
{
	size_t n = c->out.len;

	if (LN_UNLIKELY(ln__conn_layered(c)))
		n += ((const ln__stack_t *)(const void *)(c + 1))->wire.len;
	return n;
}

size_t ln_conn_pending(const ln_conn_t *c)
{
	return ln__conn_unsent(c);
}

bool ln_conn_congested(const ln_conn_t *c)
{
	return ln__conn_unsent(c) > c->listener->out_high;
}

/* One write. */
static void write_once(ln_conn_t *c, ln__outq_t *q, size_t *budget)
{
	struct iovec iov[64];
	size_t bytes;
	unsigned count = ln__outq_iov(q, iov, LN_ARRAY_SIZE(iov), &bytes);
	ssize_t n = ln__tcp_write(c->fd, iov, count);

	if (n < 0) {
		ln__conn_fail(c, LN_CLOSED, true);
		return;
	}
	if (n > 0) {
		ln__outq_consume(q, &ln__net(c->worker)->pages, (size_t)n);
		ln__net_count(c->worker, LN__STAT_WRITES, 1);
		ln__net_count(c->worker, LN__STAT_BYTES_OUT, (uint64_t)n);
	}
	if ((size_t)n < bytes) {
		c->flags |= LN__F_BLOCKED;
		ln__net_count(c->worker, LN__STAT_BLOCKED, 1);
	}
	*budget -= (size_t)n < *budget ? (size_t)n : *budget;
}

void ln__conn_flush(ln_conn_t *c)
{
	bool layered = ln__conn_layered(c);
	ln__outq_t *q = ln__conn_wire(c);
	size_t budget = LN__FLUSH_BUDGET;

	if (layered)
		ln__layers_push(c, c->state != LN__CONN_OPEN);
	while (q->len > 0 && !(c->flags & (LN__F_BLOCKED | LN__F_ABORT))) {
		if (budget == 0) {
			/* The rest in another turn: the loop finds the socket writable at once. */
			c->flags |= LN__F_BLOCKED;
			break;
		}
		write_once(c, q, &budget);
		if (layered && q->len == 0)
			ln__layers_push(c, false);
	}
	if (q->len == 0 && q->head)
		ln__outq_clear(q, &ln__net(c->worker)->pages);
}

void ln__conn_drop_output(ln_conn_t *c)
{
	ln__pages_t *pages = &ln__net(c->worker)->pages;

	ln__outq_clear(&c->out, pages);
	if (ln__conn_layered(c))
		ln__outq_clear(&ln__conn_stack(c)->wire, pages);
}

static inline void after_write(ln_conn_t *c)
{
	if (!(c->flags & LN__F_TOUCHED))
		ln__conn_touch(c);
	if (LN_UNLIKELY(c->out.len >= LN__FLUSH_EARLY) && !(c->flags & LN__F_BLOCKED))
		ln__conn_flush(c);
	if (LN_UNLIKELY(ln_conn_congested(c)))
		c->flags |= LN__F_HIGH;
}

/* May N more bytes be written? The connection is not touched when not: what waits has been, or the socket takes nothing
 * now. To be settled would be to say `writable`, to be asked for the same bytes, to be touched: for ever. */
static inline ln_result_t may_write(ln_conn_t *c, size_t n)
{
	if (LN_UNLIKELY(c->state != LN__CONN_OPEN || (c->flags & LN__F_MOVING)))
		return LN_CLOSED;
	if (LN_UNLIKELY(ln__conn_unsent(c) + n > c->listener->out_max)) {
		c->flags |= LN__F_HIGH;
		ln__net_count(c->worker, LN__STAT_OUT_REFUSED, 1);
		return LN_LIMIT;
	}
	return LN_OK;
}

bool ln_conn_fits(ln_conn_t *c, size_t n)
{
	return may_write(c, n) == LN_OK;
}

uint8_t *ln_conn_room(ln_conn_t *c, size_t n)
{
	if (LN_UNLIKELY(may_write(c, n) != LN_OK))
		return NULL;
	return ln__outq_room(&c->out, &ln__net(c->worker)->pages, n);
}

void ln_conn_wrote(ln_conn_t *c, size_t n)
{
	ln__outq_wrote(&c->out, n);
	after_write(c);
}

ln_result_t ln_conn_write(ln_conn_t *c, ln_slice_t bytes)
{
	ln_result_t r = may_write(c, bytes.len);

	if (LN_UNLIKELY(r != LN_OK))
		return r;
	if (LN_UNLIKELY(!ln__outq_copy(&c->out, &ln__net(c->worker)->pages, bytes.data, bytes.len)))
		return LN_NO_MEMORY;
	after_write(c);
	return LN_OK;
}

ln_result_t ln_conn_write_ref(ln_conn_t *c, ln_slice_t bytes, void *owner, ln_release_fn release)
{
	ln_result_t r = may_write(c, bytes.len);

	if (r != LN_OK)
		return r;
	if (bytes.len == 0) {
		release(owner);
		return LN_OK;
	}
	if (!ln__outq_ref(&c->out, &ln__net(c->worker)->pages, bytes, owner, release))
		return LN_NO_MEMORY;
	after_write(c);
	return LN_OK;
}
