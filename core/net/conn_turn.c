/* conn_turn.c — what the loop and the turn's end make of a connection, up to its death.
 *
 * Every change of state happens in ln__conn_settle, at the turn's end, when nothing of the connection is on the stack.
 *
 * The end: the protocol is told first, because its session should be free at once; what it wrote is still tried, for
 * some seconds; then the write side is shut, and what the peer still sends is read away for a second. Closing a socket
 * with unread input makes the kernel send a reset, which may destroy our last words in the peer's buffer. A peer that
 * has closed already needs none of this.
 */
#include <unistd.h>
#include "net.h"

#define READS_AWAY 4u   /* in one turn */

/* --- death -------------------------------------------------------------------------------------------------------- */

static void destroy(ln_conn_t *c)
{
	ln_worker_t *w = c->worker;
	ln_listener_t *l = c->listener;

	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	ln_io_stop(w, &c->u.io);
	ln_timer_cancel(w, &c->timer);
	close(c->fd);
	ln_list_remove(&c->node);
	if (ln__conn_unsent(c) > 0)
		ln__net_count(w, LN__STAT_CUT, 1);
	ln__conn_drop_output(c);
	ln__in_fini(&c->in);
	ln__limit_leave(c);
	c->magic = 0;
	ln_give_back(c, l->block_size, NULL);
	ln__listener_unref(l);
	ln__accept_retry(w);
}

/* CLOSING → FLUSHING: the protocol hears of it and is done. */
static void tell_protocol(ln_conn_t *c)
{
	const ln_protocol_t *p = c->listener->protocol;

	ln_log(c, CONN_CLOSED, ln_result_text((ln_result_t)c->why));
	ln__in_fini(&c->in);
	if (ln__conn_layered(c) && !(c->flags & LN__F_ABORT)) {
		ln__layers_push(c, true);
		ln__layers_shut(c);
	}
	if ((c->flags & LN__F_OPENED) && p->closed)
		p->closed(c, ln__conn_protocol_state(c), c->flags & LN__F_CLEAN);
	/* What they had to say is in the wire's queue; a lingering connection needs no keys. */
	ln__layers_closed(c);
	c->state = LN__CONN_FLUSHING;
	if (c->flags & LN__F_MOVING)
		ln__conn_use_io(c);
	c->flags &= (uint16_t)~(LN__F_OPENED | LN__F_MOVING | LN__F_RESUMED);
	ln_list_remove(&c->node);
	ln_list_append(&ln__net(c->worker)->ending, &c->node);
	ln_timer_set(c->worker, &c->timer, LN__FLUSH_MS, ln__conn_on_timer);
}

/* Reads what the peer still sends, and forgets it. False when there is nothing more to wait for. */
static bool read_away(ln_conn_t *c)
{
	ln_worker_t *w = c->worker;

	for (unsigned i = 0; i < READS_AWAY && c->in.need > 0; i++) {
		ssize_t n = ln__tcp_read(c->fd, w->read_buf, w->read_size);
		if (n <= 0)
			return n == 0;
		c->in.need -= (uint64_t)n < c->in.need ? (uint32_t)n : c->in.need;
	}
	return c->in.need > 0;
}

/* FLUSHING → LINGERING → DEAD, as far as it goes now. */
static void settle_end(ln_conn_t *c)
{
	if (c->flags & LN__F_ABORT) {
		c->state = LN__CONN_DEAD;
		return;
	}
	if (ln__conn_unsent(c) > 0 || c->state != LN__CONN_FLUSHING)
		return;
	c->in.need = LN__LINGER_BYTES;
	if ((c->flags & LN__F_EOF) || !read_away(c)) {
		c->state = LN__CONN_DEAD;
		return;
	}
	shutdown(c->fd, SHUT_WR);
	c->state = LN__CONN_LINGERING;
	ln_timer_set(c->worker, &c->timer, LN__LINGER_MS, ln__conn_on_timer);
}

/* --- the turn's end ----------------------------------------------------------------------------------------------- */

static void watch(ln_conn_t *c)
{
	unsigned events = 0;

	if (c->state == LN__CONN_LINGERING || (c->state == LN__CONN_OPEN && !c->pauses))
		events = LN_IO_READ;
	if (c->flags & LN__F_BLOCKED) {
		events |= LN_IO_WRITE;
		ln__outq_fit(ln__conn_wire(c), &ln__net(c->worker)->pages);
	}
	if (events == c->watched)
		return;
	c->watched = (uint8_t)events;
	ln_io_set(c->worker, &c->u.io, c->fd, events);
}

static void say_writable(ln_conn_t *c)
{
	const ln_protocol_t *p = c->listener->protocol;

	if (!(c->flags & LN__F_HIGH) || ln__conn_unsent(c) >= c->listener->out_high / 2)
		return;
	c->flags &= (uint16_t)~LN__F_HIGH;
	if (p->writable)
		p->writable(c, ln__conn_protocol_state(c));
}

void ln__conn_settle(ln_conn_t *c)
{
	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	if (c->state == LN__CONN_CLOSING)
		tell_protocol(c);
	if (c->state == LN__CONN_OPEN && (c->flags & LN__F_MOVING)) {
		ln__conn_send_off(c);
		return;
	}
	if (c->state != LN__CONN_LINGERING && !(c->flags & LN__F_ABORT))
		ln__conn_flush(c);
	if (c->state > LN__CONN_CLOSING)
		settle_end(c);
	if (c->state == LN__CONN_OPEN)
		say_writable(c);
	if (c->state != LN__CONN_DEAD)
		watch(c);
	else if (!(c->flags & LN__F_TOUCHED))
		destroy(c);
}

/* --- what the loop calls ------------------------------------------------------------------------------------------ */

void ln__conn_on_io(ln_io_t *io, unsigned events)
{
	ln_conn_t *c = LN_CONTAINER(io, ln_conn_t, u.io);

	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	if (events & LN_IO_WRITE) {
		c->flags &= (uint16_t)~LN__F_BLOCKED;
		ln__conn_touch(c);
	}
	if (!(events & LN_IO_READ))
		return;
	if (!ln__conn_deaf(c)) {
		ln__conn_read(c);
	} else if (c->state == LN__CONN_LINGERING && !read_away(c)) {
		c->state = LN__CONN_DEAD;
		ln__conn_touch(c);
	}
}

static void protocol_timer(ln_conn_t *c)
{
	uint64_t now = c->worker->now;

	if (c->due > now) {
		if (c->due != LN__NEVER)
			ln_timer_set(c->worker, &c->timer, c->due - now, ln__conn_on_timer);
		return;
	}
	c->due = LN__NEVER;
	if (c->listener->protocol->timer)
		c->listener->protocol->timer(c, ln__conn_protocol_state(c));
}

void ln__conn_on_timer(ln_worker_t *w, ln_timer_t *t)
{
	ln_conn_t *c = LN_CONTAINER(t, ln_conn_t, timer);

	(void)w;
	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	if (c->state > LN__CONN_CLOSING) {
		ln__conn_fail(c, LN_CLOSED, true);
		return;
	}
	if (c->flags & LN__F_RESUMED) {
		c->flags &= (uint16_t)~LN__F_RESUMED;
		ln__conn_offer_kept(c);
	}
	if (c->state == LN__CONN_OPEN && !(c->flags & LN__F_MOVING))
		protocol_timer(c);
}
