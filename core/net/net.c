/* net.c — net's part of each worker: set up, the turn's end, the way out.
 *
 * The list of the touched is settled in rounds, because settling may touch again: a writable protocol writes, a will
 * that is published by a closed connection reaches its neighbours. A few rounds are enough for everything but a loop;
 * that one gets another turn of the worker instead of keeping this one forever.
 */
#include "net.h"

#define ROUNDS_MAX 8u

size_t ln__net_slot;
uint32_t ln__net_stat_base;

static const ln_stat_t stats[] = {
#define LN__NET_STAT(NAME, name, kind, help) { #name, LN_STAT_##kind, help },
#include "stat.def"
#undef LN__NET_STAT
	LN_STAT_END
};

static const ln_logdef_t logs[] = {
#define LN_LOGDEF LN_LOGDEF_ROW
#include "log.def"
#undef LN_LOGDEF
	LN_LOGDEF_END
};

bool ln__complaint_due(ln__complaint_t *c, uint64_t now)
{
	if (c->last && now - c->last < LN__QUIET_MS)
		return false;
	c->last = now ? now : 1;
	return true;
}

void ln__net_init(void)
{
	ln__net_stat_base = ln_stat_register("net", stats);
	ln_log_register("net", logs);
	ln__net_slot = ln_worker_slot_reserve(sizeof(ln__net_t));
}

static void settle_round(ln__net_t *net)
{
	ln_conn_t *c = net->touched, *next;

	net->touched = NULL;
	net->touched_end = &net->touched;
	for (; c; c = next) {
		next = c->touched_next;
		c->flags &= (uint16_t)~LN__F_TOUCHED;
		ln__conn_settle(c);
	}
}

static void on_turn_end(ln_worker_t *w, void *ctx)
{
	ln__net_t *net = ln__net(w);

	(void)ctx;
	for (unsigned i = 0; net->touched && i < ROUNDS_MAX; i++)
		settle_round(net);
	if (net->touched)
		ln_worker_again(w);
	if (LN_UNLIKELY(net->killed))
		ln__pages_fini(&net->pages);
}

static void on_turn_end_last(ln_worker_t *w, void *ctx)
{
	(void)ctx;
	if (ln__net(w)->touched)
		ln_worker_again(w);
}

void ln__net_attach(void)
{
	for (unsigned i = 0; i < ln_worker_count(); i++) {
		ln_worker_t *w = ln_worker_at(i);
		ln__net_t *net = ln__net(w);

		ln_list_init(&net->conns);
		ln_list_init(&net->ending);
		ln_list_init(&net->acceptors);
		net->touched_end = &net->touched;
		ln_worker_on_turn_end(w, on_turn_end, NULL);
	}
}

void ln__net_attach_last(void)
{
	for (unsigned i = 0; i < ln_worker_count(); i++)
		ln_worker_on_turn_end(ln_worker_at(i), on_turn_end_last, NULL);
}

void ln_conn_each(ln_worker_t *w, void (*fn)(ln_conn_t *, void *ctx), void *ctx)
{
	ln_list_t *conns = &ln__net(w)->conns;

	for (ln_node_t *n = conns->next, *next; n != conns; n = next) {
		ln_conn_t *c = LN_CONTAINER(n, ln_conn_t, node);
		next = n->next;
		if (c->state == LN__CONN_OPEN)
			fn(c, ctx);
	}
}

static void end_one(ln_conn_t *c, void *ctx)
{
	(void)ctx;
	if (!(c->flags & LN__F_MOVING))
		ln_conn_end(c, LN_CLOSED);
}

void ln__net_drain(ln_worker_t *w, void *ctx)
{
	(void)ctx;
	ln__net(w)->draining = true;
	ln__accept_stop(w);
	ln_conn_each(w, end_one, NULL);
}

static void abort_all(ln_list_t *list)
{
	for (ln_node_t *n = list->next; n != list; n = n->next)
		ln__conn_fail(LN_CONTAINER(n, ln_conn_t, node), LN_CLOSED, true);
}

void ln__net_kill(ln_worker_t *w, void *ctx)
{
	ln__net_t *net = ln__net(w);

	(void)ctx;
	net->draining = net->killed = true;
	ln__accept_stop(w);
	abort_all(&net->conns);
	abort_all(&net->ending);
	while (net->touched)
		settle_round(net);
	ln__pages_fini(&net->pages);
}

uint64_t ln__net_open_count(void)
{
	return ln_stat_sum(ln__net_stat_base + LN__STAT_CONNECTIONS);
}
