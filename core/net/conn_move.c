/* conn_move.c — a connection moves to the worker of its session.
 *
 * The descriptor is taken out of this worker's loop at once; the rest follows as a letter at the turn's end, when
 * nothing of the connection is on the stack. While it is under way it belongs to the letter alone and no worker lists
 * it: a worker that is told to drain meanwhile remembers it, and ends what arrives later. The watcher's room in the
 * connection is the letter's until then, because neither is needed with the other.
 */
#include <string.h>
#include "net.h"

/* The room that ln_conn_move uses for its letter is the watcher's again. */
void ln__conn_use_io(ln_conn_t *c)
{
	memset(&c->u, 0, sizeof(c->u));
	c->u.io.fn = ln__conn_on_io;
}

static void on_arrival(ln_letter_t *letter)
{
	ln_conn_t *c = LN_CONTAINER(letter, ln_conn_t, u.move.letter);
	void (*fn)(ln_conn_t *, void *) = c->u.move.fn;
	ln_worker_t *w = c->u.move.to;
	ln__net_t *net = ln__net(w);

	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	ln__conn_use_io(c);
	c->worker = w;
	c->flags &= (uint16_t)~LN__F_MOVING;
	ln_list_append(&net->conns, &c->node);
	ln__conn_touch(c);
	if (c->due != LN__NEVER)
		ln_timer_set(w, &c->timer, c->due > w->now ? c->due - w->now : 0, ln__conn_on_timer);
	if (net->killed) {
		ln__conn_fail(c, LN_CLOSED, true);
		return;
	}
	fn(c, ln__conn_protocol_state(c));
	if (net->draining && c->state == LN__CONN_OPEN)
		ln_conn_end(c, LN_CLOSED);
	ln__conn_offer_kept(c);
}

void ln__conn_send_off(ln_conn_t *c)
{
	ln_worker_t *w = c->worker;

	ln_timer_cancel(w, &c->timer);
	ln_list_remove(&c->node);
	/* The gauge is not touched: only its sum over the workers means something, and it must not dip while the letter
	 * is under way. */
	ln__net_count(w, LN__STAT_MOVED, 1);
	c->watched = 0;
	ln_post(c->u.move.to, &c->u.move.letter);
}

void ln_conn_move(ln_conn_t *c, ln_worker_t *to, void (*fn)(ln_conn_t *, void *state))
{
	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC) && !(c->flags & LN__F_MOVING) && ln_conn_surplus(c) == LN_OK);
	if (c->state != LN__CONN_OPEN)
		return;
	if (to == c->worker) {
		fn(c, ln__conn_protocol_state(c));
		return;
	}
	/* What layers have said meanwhile goes along: its pages are any worker's. */
	ln_require(c->out.len == 0);
	ln_io_release(c->worker, &c->u.io);
	memset(&c->u, 0, sizeof(c->u));
	c->watched = 0;
	c->u.move.letter.fn = on_arrival;
	c->u.move.to = to;
	c->u.move.fn = fn;
	c->flags |= LN__F_MOVING;
	ln__conn_touch(c);
}
