/* layer.c — the way through the layers between the wire and the protocol.
 *
 * Layers are numbered from the wire up and know only their own number. Up, each call ends at the protocol's input or in
 * a layer that waits for more. Down, each call ends in the wire's queue. The protocol's output is passed down when the
 * connection is flushed and not when it is written, so a layer sees it in pieces of some size: one TLS record instead
 * of one per message.
 *
 * tcp is not a layer here. It is what is below number 0: two functions in tcp.c.
 */
#include "net.h"

#define WIRE_ENOUGH 65536u

ln_result_t ln_layer_up(ln_conn_t *c, unsigned at, ln_slice_t bytes)
{
	const ln_listener_t *l = c->listener;

	ln_require(at < l->layer_count);
	if (c->state != LN__CONN_OPEN)
		return LN_CLOSED;
	if (at + 1 < l->layer_count)
		return l->layers[at + 1]->up(c, at + 1, ln__conn_layer_state(c, at + 1), bytes);
	ln__conn_feed(c, bytes);
	return c->state == LN__CONN_OPEN ? LN_OK : LN_CLOSED;
}

static ln_result_t to_wire(ln_conn_t *c, const struct iovec *iov, int count)
{
	ln__outq_t *q = &ln__conn_stack(c)->wire;

	if (c->state > LN__CONN_CLOSING || (c->flags & LN__F_ABORT))
		return LN_CLOSED;
	for (int i = 0; i < count; i++) {
		if (!ln__outq_copy(q, &ln__net(c->worker)->pages, iov[i].iov_base, iov[i].iov_len)) {
			ln__conn_fail(c, LN_NO_MEMORY, true);
			return LN_NO_MEMORY;
		}
	}
	ln__conn_touch(c);
	return LN_OK;
}

ln_result_t ln_layer_down(ln_conn_t *c, unsigned at, const struct iovec *iov, int count)
{
	ln_require(at < c->listener->layer_count);
	if (at == 0)
		return to_wire(c, iov, count);
	return c->listener->layers[at - 1]->down(c, at - 1, ln__conn_layer_state(c, at - 1), iov, count);
}

void ln__layers_push(ln_conn_t *c, bool all)
{
	ln__outq_t *wire = &ln__conn_stack(c)->wire;
	unsigned top = c->listener->layer_count - 1u;
	const ln_layer_t *layer = c->listener->layers[top];

	while (c->out.len > 0 && (all || wire->len < WIRE_ENOUGH) && !(c->flags & LN__F_ABORT)) {
		struct iovec iov[64];
		size_t bytes;
		unsigned count = ln__outq_iov(&c->out, iov, LN_ARRAY_SIZE(iov), &bytes);
		ln_result_t r = layer->down(c, top, ln__conn_layer_state(c, top), iov, (int)count);

		if (r != LN_OK) {
			ln__conn_fail(c, r, true);
			return;
		}
		ln__outq_consume(&c->out, &ln__net(c->worker)->pages, bytes);
	}
}

ln_result_t ln__layers_open(ln_conn_t *c)
{
	const ln_listener_t *l = c->listener;

	while (c->layers_open < l->layer_count) {
		unsigned at = c->layers_open;
		ln_result_t r = l->layers[at]->open ? l->layers[at]->open(c, at, ln__conn_layer_state(c, at)) : LN_OK;
		if (r != LN_OK)
			return r;
		c->layers_open++;
	}
	return LN_OK;
}

void ln__layers_shut(ln_conn_t *c)
{
	for (unsigned at = c->layers_open; at-- > 0;)
		if (c->listener->layers[at]->shut)
			c->listener->layers[at]->shut(c, at, ln__conn_layer_state(c, at));
}

void ln__layers_closed(ln_conn_t *c)
{
	while (c->layers_open > 0) {
		unsigned at = --c->layers_open;
		if (c->listener->layers[at]->closed)
			c->listener->layers[at]->closed(c, at, ln__conn_layer_state(c, at));
	}
}
