/* port.c — listening sockets, as many as workers, and what happens when the system has no descriptor left.
 *
 * Every worker accepts from a socket of its own (SO_REUSEPORT), so the kernel spreads connections and workers share no
 * lock. A worker accepts a bounded number in a turn; the rest waits in the backlog, where it costs nobody anything.
 *
 * A Unix socket there can be but one of, and every worker watches it. A connection wakes all of them that sleep; one
 * gets it, the others find nothing and sleep again: a wake-up and a system call each. That is borne. The kernel's cure
 * (EPOLLEXCLUSIVE) is out of libev's reach; a single worker that accepts for all would do for them what they can do
 * at once. What is done is that a worker takes few connections in a turn from such a socket, so that those it has woken
 * get their share of a burst.
 *
 * Without descriptors a listening socket stays readable, and a loop that keeps asking burns a processor while it serves
 * nobody. So the worker stops watching all of its listening sockets, says so once, and tries again after 100 ms or when
 * one of its connections is gone.
 *
 * Not done: a spare descriptor to accept and close with. The peer would try again at once; in the backlog it waits in
 * silence.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "net.h"

typedef struct acceptor {
	ln_io_t io;
	ln_node_t node;             /* in net->acceptors while accepting */
	ln_worker_t *worker;
	ln_listener_t *listener;    /* a reference */
	int fd;
	unsigned most;              /* connections in a turn */
} acceptor_t;

struct ln__port {
	ln__addr_t bound;
	char *path;                 /* of a Unix socket, and which file it is */
	ln__file_id_t file;
	unsigned count;
	acceptor_t acceptor[];
};

/* --- accepting ---------------------------------------------------------------------------------------------------- */

static void on_acceptable(ln_io_t *io, unsigned events);
static void on_retry(ln_worker_t *w, ln_timer_t *t);

static void watch_all(ln_worker_t *w, unsigned events)
{
	ln_list_t *list = &ln__net(w)->acceptors;

	for (ln_node_t *n = list->next; n != list; n = n->next) {
		acceptor_t *a = LN_CONTAINER(n, acceptor_t, node);
		ln_io_set(w, &a->io, a->fd, events);
	}
}

static unsigned long long descriptor_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static void pause_accepting(ln_worker_t *w, int error)
{
	ln__net_t *net = ln__net(w);

	if (!net->paused_since) {
		net->paused_since = w->now ? w->now : 1;
		ln__net_count(w, LN__STAT_ACCEPT_PAUSED, 1);
	}
	if (ln__complaint_due(&net->said_paused, w->now)) {
		net->paused_said = true;
		ln_log(w, ACCEPT_PAUSED, strerror(error), descriptor_limit());
	}
	watch_all(w, 0);
	ln_timer_set(w, &net->retry, LN__ACCEPT_RETRY_MS, on_retry);
}

/* The system has what it takes. */
static void accepting_works(ln_worker_t *w)
{
	ln__net_t *net = ln__net(w);

	if (LN_LIKELY(!net->paused_since))
		return;
	if (net->paused_said)
		ln_log(w, ACCEPT_RESUMED, (unsigned long long)(w->now - net->paused_since));
	net->paused_since = 0;
	net->paused_said = false;
}

/* A new connection: within the limits, above one and to be told so, or closed at once. */
static void admit(acceptor_t *a, int fd, const ln__addr_t *peer)
{
	ln_result_t surplus = ln__limit_ask(a->worker, a->listener);

	if (surplus != LN_OK &&
	    (!a->listener->protocol->surplus || ln__net(a->worker)->surplus >= LN__SURPLUS_MAX)) {
		ln__net_count(a->worker, LN__STAT_REFUSED, 1);
		close(fd);
		return;
	}
	ln__conn_accept(a->worker, a->listener, fd, peer, surplus);
}

/* These concern one connection, which is gone; accept(2) advises to go on. */
static bool is_peers_fault(int error)
{
	static const int faults[] = { EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
				      EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM, ETIMEDOUT, ECONNRESET };

	for (unsigned i = 0; i < LN_ARRAY_SIZE(faults); i++)
		if (faults[i] == error)
			return true;
	return false;
}

/* False when there is nothing more to accept now. */
static bool accept_one(acceptor_t *a)
{
	ln__addr_t peer;
	int fd = ln__tcp_accept(a->fd, &peer);

	if (fd >= 0) {
		accepting_works(a->worker);
		admit(a, fd, &peer);
		return true;
	}
	if (is_peers_fault(errno))
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		accepting_works(a->worker);
	else
		pause_accepting(a->worker, errno);
	return false;
}

static void on_acceptable(ln_io_t *io, unsigned events)
{
	acceptor_t *a = LN_CONTAINER(io, acceptor_t, io);

	(void)events;
	for (unsigned i = 0; i < a->most; i++)
		if (!accept_one(a))
			break;
}

static void on_retry(ln_worker_t *w, ln_timer_t *t)
{
	ln_node_t *first = ln_list_first(&ln__net(w)->acceptors);

	(void)t;
	watch_all(w, LN_IO_READ);
	if (first)
		accept_one(LN_CONTAINER(first, acceptor_t, node));
}

void ln__accept_retry(ln_worker_t *w)
{
	ln__net_t *net = ln__net(w);

	if (LN_UNLIKELY(net->paused_since) && !ln_list_empty(&net->acceptors))
		ln_timer_set(w, &net->retry, 0, on_retry);
}

static void stop_one(acceptor_t *a)
{
	ln_io_stop(a->worker, &a->io);
	ln_list_remove(&a->node);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	ln__listener_unref(a->listener);
	a->listener = NULL;
}

void ln__accept_stop(ln_worker_t *w)
{
	ln__net_t *net = ln__net(w);
	ln_node_t *n;

	ln_timer_cancel(w, &net->retry);
	while ((n = ln_list_first(&net->acceptors)))
		stop_one(LN_CONTAINER(n, acceptor_t, node));
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

static void destroy(ln__port_t *port)
{
	for (unsigned i = 0; i < port->count; i++)
		if (port->acceptor[i].fd >= 0)
			close(port->acceptor[i].fd);
	if (port->path)
		ln__unix_remove(port->path, &port->file);
	ln_free(port->path);
	ln_free(port);
}

static ln__port_t *create(unsigned most)
{
	unsigned count = ln_worker_count();
	ln__port_t *port;

	ln_require(count > 0);
	port = ln_alloc(sizeof(*port) + count * sizeof(acceptor_t));
	port->count = count;
	for (unsigned i = 0; i < count; i++) {
		acceptor_t *a = &port->acceptor[i];
		a->io.fn = on_acceptable;
		a->worker = ln_worker_at(i);
		a->fd = -1;
		a->most = most;
	}
	return port;
}

/* Gives PORT out if it is GOOD, else destroys it. */
static ln_result_t opened(ln__port_t *port, bool good, ln__port_t **ret_port)
{
	int saved = errno;

	if (good) {
		*ret_port = port;
		return LN_OK;
	}
	destroy(port);
	errno = saved;
	return LN_SYSTEM;
}

static bool open_sockets(ln__port_t *port, const ln__addr_t *addr, uint32_t backlog)
{
	port->bound = *addr;
	for (unsigned i = 0; i < port->count; i++) {
		acceptor_t *a = &port->acceptor[i];
		ln__addr_t local;

		a->fd = ln__tcp_listen(&port->bound, backlog);
		if (a->fd < 0 || !ln__tcp_local(a->fd, &local))
			return false;
		port->bound.port = local.port;
	}
	return true;
}

ln_result_t ln__port_open(const ln__addr_t *addr, uint32_t backlog, ln__port_t **ret_port)
{
	ln__port_t *port;

	if (addr->port != 0 && !ln__tcp_free(addr))
		return LN_SYSTEM;
	port = create(LN__ACCEPTS_PER_TURN);
	return opened(port, open_sockets(port, addr, backlog), ret_port);
}

static bool open_shared(ln__port_t *port, const char *path, const ln__rights_t *rights, uint32_t backlog)
{
	int fd = ln__unix_listen(path, rights, backlog, &port->file);

	if (fd < 0)
		return false;
	port->bound = (ln__addr_t){ .family = LN__ADDR_UNIX };
	port->path = ln_strdup(path);
	port->acceptor[0].fd = fd;
	for (unsigned i = 1; i < port->count; i++) {
		port->acceptor[i].fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (port->acceptor[i].fd < 0)
			return false;
	}
	return true;
}

ln_result_t ln__port_open_unix(const char *path, const ln__rights_t *rights, uint32_t backlog, ln__port_t **ret_port)
{
	ln__port_t *port = create(LN__ACCEPTS_SHARED);

	return opened(port, open_shared(port, path, rights, backlog), ret_port);
}

typedef struct serve {
	ln__port_t *port;
	ln_listener_t *listener;
} serve_t;

static void serve_on(ln_worker_t *w, void *ctx)
{
	const serve_t *s = ctx;
	ln__net_t *net = ln__net(w);
	acceptor_t *a;
	ln_listener_t *old;

	if (w->index >= s->port->count || net->draining)
		return;
	a = &s->port->acceptor[w->index];
	old = a->listener;
	a->listener = ln__listener_ref(s->listener);
	ln__listener_unref(old);
	listen(a->fd, (int)s->listener->conf.backlog);
	if (ln_node_linked(&a->node))
		return;
	ln_list_append(&net->acceptors, &a->node);
	ln_io_set(w, &a->io, a->fd, net->paused_since ? 0 : LN_IO_READ);
}

void ln__port_serve(ln__port_t *port, ln_listener_t *l)
{
	serve_t s = { port, l };

	ln_workers_each(serve_on, &s);
}

static void stop_on(ln_worker_t *w, void *ctx)
{
	ln__port_t *port = ctx;

	if (w->index < port->count && ln_node_linked(&port->acceptor[w->index].node))
		stop_one(&port->acceptor[w->index]);
}

void ln__port_close(ln__port_t *port)
{
	if (!port)
		return;
	ln_workers_each(stop_on, port);
	destroy(port);
}

const ln__addr_t *ln__port_addr(const ln__port_t *port)
{
	return &port->bound;
}
