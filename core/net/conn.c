/* conn.c — a connection: made, touched, asked to end, asked about.
 *
 * The states are in net.h, and what changes them is in conn_turn.c: nothing here does more than leave a flag and put
 * the connection on the list of the touched. That is what makes ln_conn_close safe to call from anywhere, and `closed`
 * a call that no other callback is waiting behind.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "net.h"

void ln__conn_touch(ln_conn_t *c)
{
	ln__net_t *net = ln__net(c->worker);

	if (c->flags & LN__F_TOUCHED)
		return;
	c->flags |= LN__F_TOUCHED;
	c->touched_next = NULL;
	*net->touched_end = c;
	net->touched_end = &c->touched_next;
}

/* --- birth -------------------------------------------------------------------------------------------------------- */

static ln_conn_t *create(ln_worker_t *w, ln_listener_t *l, int fd, const ln__addr_t *peer, ln_result_t surplus)
{
	ln__net_t *net = ln__net(w);
	ln_conn_t *c = ln_try_alloc(l->block_size, NULL);

	if (!c)
		return NULL;
	memset(c, 0, l->block_size);
	c->magic = LN__CONN_MAGIC;
	c->fd = fd;
	c->worker = w;
	c->listener = ln__listener_ref(l);
	c->id = net->ids++ * ln_worker_count() + w->index + 1;
	ln__conn_use_io(c);
	c->due = LN__NEVER;
	c->last_input = w->now;
	c->since = (uint32_t)w->now;
	c->peer = *peer;
	if (surplus != LN_OK)
		c->flags = surplus == LN_LIMIT ? LN__F_TOO_MANY : LN__F_TOO_FAST;
	ln_list_append(&net->conns, &c->node);
	ln__limit_enter(c);
	return c;
}

/* Asks the accept hooks; counts and says a no. */
static bool welcome(ln_conn_t *c)
{
	ln_call_t call = { .about = c };

	if (!ln_hook_any(LN_HOOK_ACCEPT) || ln_hook_ask(LN_HOOK_ACCEPT, &call) != LN_DENY)
		return true;
	ln_log(c, CONN_REFUSED, call.why ? call.why : "a module said no");
	ln__net_count(c->worker, LN__STAT_REFUSED, 1);
	return false;
}

ln_result_t ln_conn_set_peer(ln_conn_t *c, const struct sockaddr_storage *peer)
{
	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC) && ln__listener_proxied(c->listener));
	if (peer)
		ln__addr_from_sock(peer, &c->peer);
	return welcome(c) ? LN_OK : LN_REFUSED;
}

static ln_result_t open_all(ln_conn_t *c)
{
	const ln_protocol_t *p = c->listener->protocol;
	ln_result_t r = ln__layers_open(c);

	if (r == LN_OK && p->open)
		r = p->open(c, ln__conn_protocol_state(c));
	if (r == LN_OK)
		c->flags |= LN__F_OPENED;
	return r;
}

ln_conn_t *ln__conn_accept(ln_worker_t *w, ln_listener_t *l, int fd, const ln__addr_t *peer, ln_result_t surplus)
{
	ln_conn_t *c = create(w, l, fd, peer, surplus);
	ln_result_t r;

	if (!c) {
		close(fd);
		ln__net_count(w, LN__STAT_REFUSED, 1);
		return NULL;
	}
	ln__conn_touch(c);
	if (!ln__listener_proxied(l) && !welcome(c)) {
		c->state = LN__CONN_DEAD;
		return NULL;
	}
	ln__net_count(w, surplus == LN_OK ? LN__STAT_ACCEPTED : LN__STAT_REFUSED, 1);
	ln_log(c, CONN_OPEN, l->name);
	r = open_all(c);
	if (r != LN_OK)
		ln_conn_close(c, r);
	return c;
}

/* --- the end is asked for ----------------------------------------------------------------------------------------- */

static void begin_close(ln_conn_t *c, ln_result_t why)
{
	c->state = LN__CONN_CLOSING;
	c->why = (uint8_t)why;
	ln__conn_touch(c);
}

void ln__conn_fail(ln_conn_t *c, ln_result_t why, bool abort)
{
	if (abort)
		c->flags |= LN__F_ABORT;
	if (c->state == LN__CONN_OPEN)
		begin_close(c, why);
	else
		ln__conn_touch(c);
}

void ln_conn_close(ln_conn_t *c, ln_result_t why)
{
	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	if (c->state != LN__CONN_OPEN)
		return;
	c->flags |= LN__F_CLEAN;
	begin_close(c, why);
}

void ln_conn_end(ln_conn_t *c, ln_result_t why)
{
	const ln_protocol_t *p = c->listener->protocol;

	if (c->state != LN__CONN_OPEN)
		return;
	if (p->end)
		p->end(c, ln__conn_protocol_state(c), why);
	else
		ln_conn_close(c, why);
}

bool ln_conn_closing(const ln_conn_t *c)
{
	return c->state != LN__CONN_OPEN;
}

ln_result_t ln_conn_why(const ln_conn_t *c)
{
	ln_require(c->state != LN__CONN_OPEN);
	return (ln_result_t)c->why;
}

/* --- control and facts -------------------------------------------------------------------------------------------- */

void ln_conn_pause(ln_conn_t *c)
{
	ln_require(c->pauses < UINT16_MAX);
	c->pauses++;
	ln__conn_touch(c);
}

void ln_conn_resume(ln_conn_t *c)
{
	ln_require(c->pauses > 0);
	if (--c->pauses > 0 || c->state != LN__CONN_OPEN)
		return;
	ln__conn_touch(c);
	if (c->flags & LN__F_MOVING)
		return;
	/* Kept input is offered from the loop: the caller may stand inside anything. */
	c->flags |= LN__F_RESUMED;
	ln_timer_set(c->worker, &c->timer, 0, ln__conn_on_timer);
}

void ln_conn_timer(ln_conn_t *c, uint64_t delay_ms)
{
	if (c->state != LN__CONN_OPEN)
		return;
	c->due = delay_ms ? c->worker->now + delay_ms : LN__NEVER;
	if (!delay_ms || (c->flags & LN__F_MOVING) || (ln_timer_pending(&c->timer) && c->timer.due <= c->due))
		return;
	ln_timer_set(c->worker, &c->timer, delay_ms, ln__conn_on_timer);
}

ln_worker_t *ln_conn_worker(const ln_conn_t *c)
{
	return c->worker;
}

void *ln_conn_state(const ln_conn_t *c)
{
	return (char *)(uintptr_t)c + c->listener->protocol_at;
}

void *ln_conn_module_state(const ln_conn_t *c, uint32_t index)
{
	const ln_listener_t *l = c->listener;

	if (index >= l->module_count || l->module_at[index] == LN__NO_STATE)
		return NULL;
	return (char *)(uintptr_t)c + l->module_at[index];
}

const ln_listener_t *ln_conn_listener(const ln_conn_t *c)
{
	return c->listener;
}

uint64_t ln_conn_id(const ln_conn_t *c)
{
	return c->id;
}

const char *ln_conn_peer(const ln_conn_t *c)
{
	static __thread char text[LN__ADDR_TEXT];

	return ln__addr_print(&c->peer, text, sizeof(text));
}

void ln_conn_address(const ln_conn_t *c, struct sockaddr_storage *ret_address)
{
	ln__addr_to_sock(&c->peer, ret_address);
}

uint64_t ln_conn_last_input(const ln_conn_t *c)
{
	return c->last_input;
}

void ln_conn_describe(const void *conn, char *dst, size_t size)
{
	const ln_conn_t *c = conn;
	const ln_protocol_t *p = c->listener->protocol;
	char who[128] = "";

	ln_require(LN_MAGIC_OK(c, LN__CONN_MAGIC));
	if (p->describe && (c->flags & LN__F_OPENED))
		p->describe(c, ln_conn_state(c), who, sizeof(who));
	snprintf(dst, size, "w%u c%llu %s%s%s", c->worker->index, (unsigned long long)c->id, who, who[0] ? " " : "",
		 ln_conn_peer(c));
}
