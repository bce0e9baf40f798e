/* conn_in.c — a connection's input: from the socket to the protocol.
 *
 * The ordinary way needs no memory: one read into the worker's buffer, behind what was left over last time; the
 * protocol decodes there; what it could not use is kept in a buffer of exactly that size, or nothing is kept at all.
 *
 * The other way is for a unit that the protocol has announced as larger than half the worker's buffer. It is read
 * straight into a buffer of the connection's own, which doubles as bytes arrive and never passes the announced size:
 * announcing 256 MiB costs the peer 256 MiB of sending, and each byte is copied a bounded number of times. The protocol
 * is not asked again before the unit is complete.
 *
 * A connection reads at most once in a turn. The loop is level-triggered and brings it back, after everybody else had a
 * turn.
 */
#include <string.h>
#include "net.h"

#define GROW_FIRST 65536u
#define KEPT_MAX 0x7fffffffu

void ln__in_fini(ln__in_t *in)
{
	ln_give_back(in->data, in->cap, NULL);
	*in = (ln__in_t){ 0 };
}

static bool in_resize(ln__in_t *in, uint32_t cap)
{
	uint8_t *data = in->data ? ln_try_realloc(in->data, in->cap, cap, NULL) : ln_try_alloc(cap, NULL);

	if (!data)
		return false;
	in->data = data;
	in->cap = cap;
	return true;
}

/* Keeps exactly the last REST bytes of BYTES, which may be in->data's own. */
static bool keep_rest(ln__in_t *in, ln_slice_t bytes, size_t rest)
{
	const uint8_t *from = bytes.data + bytes.len - rest;
	uint32_t need = in->need;
	bool own = in->data && bytes.data == in->data;

	if (rest == 0) {
		if (in->data)
			ln__in_fini(in);
		in->need = need;
		return true;
	}
	if (own) {
		memmove(in->data, from, rest);
		in->len = (uint32_t)rest;
		/* A buffer that still grows keeps its room; else, if it cannot be had smaller, it stays large. */
		return (need > rest && in->cap <= need) || in_resize(in, (uint32_t)rest) || true;
	}
	if (in->cap != rest) {
		ln__in_fini(in);
		in->need = need;
		if (!in_resize(in, (uint32_t)rest))
			return false;
	}
	memcpy(in->data, from, rest);
	in->len = (uint32_t)rest;
	return true;
}

/* Room for N more bytes behind what is kept, doubling, but not past NEED when that is known. */
static bool grow(ln__in_t *in, size_t n)
{
	uint64_t cap = (uint64_t)in->cap * 2, least = (uint64_t)in->len + n;

	if (in->cap - in->len >= n)
		return true;
	if (least > KEPT_MAX)
		return false;
	cap = cap < GROW_FIRST ? GROW_FIRST : cap;
	if (in->need > in->len && cap > in->need)
		cap = in->need;
	cap = cap < least ? least : cap;
	return in_resize(in, (uint32_t)(cap < KEPT_MAX ? cap : KEPT_MAX));
}

/* Calls the protocol until it makes no progress. Returns how many bytes it used. */
static size_t offer(ln_conn_t *c, ln_slice_t bytes)
{
	const ln_protocol_t *protocol = c->listener->protocol;
	void *state = ln__conn_protocol_state(c);
	size_t used = 0;

	while (used < bytes.len && !ln__conn_deaf(c)) {
		size_t need = 0, rest = bytes.len - used;
		size_t n = protocol->input(c, state, ln_slice(bytes.data + used, rest), &need);

		ln_require(n <= rest);
		used += n;
		c->in.need = (uint32_t)(need < KEPT_MAX ? need : KEPT_MAX);
		if (n == 0 || need > rest - n)
			break;
	}
	return used;
}

/* Offers BYTES, all there is, and keeps what is not used. */
static void offer_and_keep(ln_conn_t *c, ln_slice_t bytes)
{
	size_t used = offer(c, bytes);

	if (c->state != LN__CONN_OPEN) {
		ln__in_fini(&c->in);
		return;
	}
	if (used == bytes.len)
		c->in.need = 0;
	if (!keep_rest(&c->in, bytes, bytes.len - used))
		ln__conn_fail(c, LN_NO_MEMORY, false);
}

void ln__conn_offer_kept(ln_conn_t *c)
{
	if (c->in.len > 0 && !ln__conn_deaf(c))
		offer_and_keep(c, ln_slice(c->in.data, c->in.len));
}

/* Reads up to SIZE bytes to DST and does what an end or an error asks for; returns the number of bytes. */
static size_t take(ln_conn_t *c, void *dst, size_t size)
{
	ssize_t n = ln__tcp_read(c->fd, dst, size);

	if (n > 0) {
		/* What a layer keeps to itself, or answers, is no sign of life to the protocol. */
		if (!ln__conn_layered(c))
			c->last_input = c->worker->now;
		ln__net_count(c->worker, LN__STAT_READS, 1);
		ln__net_count(c->worker, LN__STAT_BYTES_IN, (uint64_t)n);
		return (size_t)n;
	}
	if (n == LN__TCP_END)
		c->flags |= LN__F_EOF;
	if (n < 0)
		ln__conn_fail(c, LN_CLOSED, n == LN__TCP_ERROR);
	return 0;
}

/* The announced unit goes straight into its own buffer. */
static void read_own(ln_conn_t *c)
{
	ln__in_t *in = &c->in;
	size_t room;

	if (in->cap == in->len && !grow(in, 1)) {
		ln__conn_fail(c, LN_NO_MEMORY, false);
		return;
	}
	room = in->cap - in->len;
	if (in->need > in->len && room > in->need - in->len)
		room = in->need - in->len;
	in->len += (uint32_t)take(c, in->data + in->len, room < c->worker->read_size ? room : c->worker->read_size);
	if (in->len >= in->need)
		ln__conn_offer_kept(c);
}

void ln_conn_trust(ln_conn_t *c)
{
	c->flags |= LN__F_TRUSTED;
}

/* How much input of the peer may be held. */
static size_t hold_max(const ln_conn_t *c)
{
	if (c->flags & LN__F_TRUSTED)
		return KEPT_MAX;
	return c->in.need > LN_CONN_STRANGER_MAX ? c->in.need : LN_CONN_STRANGER_MAX;
}

/* How much may be read behind KEPT bytes: a stranger is not read further ahead than it was allowed to announce. */
static size_t read_room(const ln_conn_t *c, size_t kept)
{
	size_t most = hold_max(c);

	most = most < c->worker->read_size ? most : c->worker->read_size;
	return most > kept ? most - kept : 0;
}

/* Everything else goes through the worker's buffer, behind what was left over. */
static void read_shared(ln_conn_t *c)
{
	uint8_t *buf = c->worker->read_buf;
	size_t kept = c->in.len, room = read_room(c, kept), n;

	if (room == 0) {
		ln__conn_fail(c, LN_LIMIT, false);
		return;
	}
	n = take(c, buf + kept, room);
	if (n == 0)
		return;
	if (kept)
		memcpy(buf, c->in.data, kept);
	if (kept + n < c->in.need) {
		/* Not complete: no need to ask. */
		if (!keep_rest(&c->in, ln_slice(buf, kept + n), kept + n))
			ln__conn_fail(c, LN_NO_MEMORY, false);
		return;
	}
	offer_and_keep(c, ln_slice(buf, kept + n));
}

static void read_layered(ln_conn_t *c)
{
	ln_worker_t *w = c->worker;
	const ln_layer_t *first = c->listener->layers[0];
	size_t n = take(c, w->read_buf, read_room(c, 0));
	ln_result_t r;

	if (n == 0)
		return;
	r = first->up(c, 0, ln__conn_layer_state(c, 0), ln_slice(w->read_buf, n));
	if (r != LN_OK && c->state == LN__CONN_OPEN)
		ln__conn_fail(c, r, false);
}

void ln__conn_read(ln_conn_t *c)
{
	size_t half = c->worker->read_size / 2;

	if (ln__conn_layered(c))
		read_layered(c);
	else if (c->in.need > half || c->in.len > half)
		read_own(c);
	else
		read_shared(c);
}

void ln__conn_feed(ln_conn_t *c, ln_slice_t bytes)
{
	ln__in_t *in = &c->in;

	if (bytes.len == 0 || c->state != LN__CONN_OPEN)
		return;
	c->last_input = c->worker->now;
	if (in->len == 0 && !ln__conn_deaf(c)) {
		offer_and_keep(c, bytes);
		return;
	}
	if (!grow(in, bytes.len)) {
		ln__conn_fail(c, LN_NO_MEMORY, false);
		return;
	}
	memcpy(in->data + in->len, bytes.data, bytes.len);
	in->len += (uint32_t)bytes.len;
	if (in->len >= in->need)
		ln__conn_offer_kept(c);
	if (in->len > hold_max(c) && !ln__conn_deaf(c))
		ln__conn_fail(c, LN_LIMIT, false);
}
