/* limit.c — how many connections a listener may have, and how fast new ones may come.
 *
 * connections-max is counted in the listener, for all workers. Strangers, who have not yet shown who they are, count
 * too, or they would be unlimited; so that a crowd of silent ones cannot keep everybody else out, the one that has been
 * silent longest on this worker is closed when room is needed, but none before its first second is over. What is left
 * to an attacker is to be faster than that; connection-rate and a packet filter are for those.
 *
 * connection-rate is a bucket of tokens, and one for all workers: a moment, kept in the listener, up to which the
 * connections that came are paid for. Each moves it on by its share of a second; one that would move it further than
 * the burst ahead of now is refused. So there is nothing to refill, and workers meet in one compare-and-swap.
 *
 * Not done: a limit per client address (a module's accept hook can do it); looking for strangers on other workers: the
 * system spreads connections evenly, so there are some here if there are many.
 */
#include "net.h"

#define SECOND_NS 1000000000ull

/* Takes a token from L's bucket; false when it is empty. */
static bool take_token(ln_listener_t *l, uint64_t now_ms)
{
	uint64_t rate = l->conf.connection_rate, burst = l->conf.connection_burst;
	uint64_t now = now_ms * 1000000, share, old = __atomic_load_n(&l->paid_until, __ATOMIC_RELAXED), paid;

	if (rate == 0)
		return true;
	share = SECOND_NS / rate;
	do {
		paid = (old > now ? old : now) + share;
		if (paid > now + share * (burst ? burst : rate))
			return false;
	} while (!__atomic_compare_exchange_n(&l->paid_until, &old, paid, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static bool is_full(const ln_listener_t *l)
{
	uint32_t max = l->conf.connections_max;

	return max > 0 && __atomic_load_n(&l->connections, __ATOMIC_RELAXED) >= max;
}

/* In ms. Less than 0 is possible: workers' clocks are not read in the same moment, and connections move. */
static int32_t age(const ln_conn_t *c)
{
	return (int32_t)((uint32_t)c->worker->now - c->since);
}

/* Is C a stranger of L that may have to make room? */
static bool may_go(const ln_conn_t *c, const ln_listener_t *l)
{
	const uint16_t others = LN__F_TRUSTED | LN__F_TOO_MANY | LN__F_TOO_FAST | LN__F_MOVING;

	return c->listener == l && c->state == LN__CONN_OPEN && !(c->flags & others) &&
	       age(c) >= LN__STRANGER_MS;
}

/* Closes the oldest stranger among the connections that came last. */
static bool make_room(ln_worker_t *w, const ln_listener_t *l)
{
	ln_list_t *conns = &ln__net(w)->conns;
	ln_conn_t *oldest = NULL;
	unsigned seen = 0;

	for (ln_node_t *n = conns->prev; n != conns && seen < LN__STRANGERS_SEEN; n = n->prev, seen++) {
		ln_conn_t *c = LN_CONTAINER(n, ln_conn_t, node);
		if (may_go(c, l) && (!oldest || age(c) > age(oldest)))
			oldest = c;
	}
	if (!oldest)
		return false;
	ln__net_count(w, LN__STAT_EVICTED, 1);
	ln_log(oldest, CONN_EVICTED, l->name);
	ln__conn_fail(oldest, LN_LIMIT, true);
	return true;
}

ln_result_t ln__limit_ask(ln_worker_t *w, ln_listener_t *l)
{
	ln__net_t *net = ln__net(w);

	if (LN_UNLIKELY(!take_token(l, w->now))) {
		ln__net_count(w, LN__STAT_OVER_RATE, 1);
		if (ln__complaint_due(&net->said_rate, w->now))
			ln_log(w, LISTENER_RATE, l->name, l->conf.connection_rate);
		return LN_AGAIN;
	}
	if (LN_LIKELY(!is_full(l)))
		return LN_OK;
	if (ln__complaint_due(&net->said_full, w->now))
		ln_log(w, LISTENER_FULL, l->name, l->conf.connections_max);
	if (make_room(w, l))
		return LN_OK;
	ln__net_count(w, LN__STAT_OVER_MAX, 1);
	return LN_LIMIT;
}

ln_result_t ln_conn_surplus(const ln_conn_t *c)
{
	if (LN_LIKELY(!(c->flags & (LN__F_TOO_MANY | LN__F_TOO_FAST))))
		return LN_OK;
	return c->flags & LN__F_TOO_MANY ? LN_LIMIT : LN_AGAIN;
}

void ln__limit_enter(ln_conn_t *c)
{
	if (ln_conn_surplus(c) != LN_OK) {
		ln__net(c->worker)->surplus++;
		return;
	}
	__atomic_fetch_add(&c->listener->connections, 1, __ATOMIC_RELAXED);
	ln__net_count(c->worker, LN__STAT_CONNECTIONS, 1);
}

void ln__limit_leave(ln_conn_t *c)
{
	if (ln_conn_surplus(c) != LN_OK) {
		ln__net(c->worker)->surplus--;
		return;
	}
	ln_stat_sub(c->worker, ln__net_stat_base + LN__STAT_CONNECTIONS, 1);
	ln__net_count(c->worker, LN__STAT_CLOSED, 1);
	__atomic_fetch_sub(&c->listener->connections, 1, __ATOMIC_RELAXED);
}
