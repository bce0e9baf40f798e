/* conn.c - sockets; see conn.h.
 *
 * The hot path is on_readable: one recv of up to 256 KiB, headers parsed in place, one indirect call per packet.
 * Writing is one send per batch. EPOLLOUT is armed only while something is left over or the role is eager, so that a
 * turn costs one epoll_wait, one recv and one send per active connection.
 */
#include "conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"

/* Loopback addresses that connections come from, 127.0.0.2 on: each has 28,000 ports towards one broker. */
#define SOURCES 200

static const char *connect_hint(int error)
{
	switch (error) {
	case ECONNREFUSED: return "; is the broker running, and listening there?";
	case EMFILE: case ENFILE: return "; raise the limit of open files (ulimit -Hn)";
	case EADDRNOTAVAIL: return "; no free local port is left";
	case ETIMEDOUT: case EHOSTUNREACH: case ENETUNREACH: return "; is the address right, is a firewall in between?";
	default: return "";
	}
}

static _Noreturn void fail_connect(const bench_conn_t *conn, int error)
{
	bench_fail("cannot connect to %s: %s (errno %d)%s", conn->loop->address_text, strerror(error), error,
		   connect_hint(error));
}

void bench_conn_close(bench_conn_t *conn)
{
	if (conn->state == BENCH_CONN_CLOSED)
		return;
	if (conn->state == BENCH_CONN_OPEN)
		conn->loop->open--;
	close(conn->fd);
	conn->state = BENCH_CONN_CLOSED;
	conn->bulk_len = conn->bulk_sent = 0;
	conn->out.len = conn->out_sent = 0;
	conn->rest.len = 0;
}

void bench_conn_fini(bench_conn_t *conn)
{
	bench_conn_close(conn);
	bench_buf_fini(&conn->rest);
	bench_buf_fini(&conn->out);
}

static void broke(bench_conn_t *conn, const char *why)
{
	bench_loop_t *loop = conn->loop;

	if (conn->role->on_close) {
		conn->role->on_close(conn, why);
	} else if (conn->state == BENCH_CONN_SHAKING) {
		bench_fail("the broker at %s did not answer CONNECT: %s; has it reached its limit of open files?",
		           loop->address_text, why);
	} else if (!loop->closing) {
		if (loop->broken++ == 0)
			bench_warn("connection of %s %u broke: %s", conn->role->name, conn->index, why);
	}
	bench_conn_close(conn);
}

static void arm(bench_conn_t *conn, bool out)
{
	struct epoll_event event = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = conn };

	if (conn->armed == out)
		return;
	conn->armed = out;
	if (epoll_ctl(conn->loop->epoll, EPOLL_CTL_MOD, conn->fd, &event) != 0)
		bench_fail("epoll_ctl: %s", strerror(errno));
}

void bench_conn_set_eager(bench_conn_t *conn, bool eager)
{
	conn->eager = eager;
	if (conn->state == BENCH_CONN_OPEN)
		arm(conn, eager || bench_conn_busy(conn) || conn->out.len > 0);
}

/* On loopback every connection takes one of many source addresses, or the ports would end at 28,000. */
static void bind_source(const bench_conn_t *conn)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	const struct sockaddr_in *to = (const struct sockaddr_in *)&conn->loop->address;
	int one = 1;

	if (to->sin_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != 127)
		return;
	from.sin_addr.s_addr = htonl(0x7f000002u + conn->index % SOURCES);
	setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(conn->fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
		bench_fail("cannot bind source address 127.0.0.%u: %s", 2 + conn->index % SOURCES, strerror(errno));
}

void bench_conn_start(bench_conn_t *conn, bench_loop_t *loop, const bench_role_t *role, uint32_t index)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = conn };
	int one = 1;

	conn->loop = loop;
	conn->role = role;
	conn->index = index;
	conn->window = 65535;
	conn->started = bench_now();
	conn->fd = socket(loop->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		bench_fail("cannot open socket %u: %s%s", loop->open + 1, strerror(errno), connect_hint(errno));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	bind_source(conn);
	if (connect(conn->fd, (const struct sockaddr *)&loop->address, loop->address_len) != 0 && errno != EINPROGRESS)
		fail_connect(conn, errno);
	conn->state = BENCH_CONN_CONNECTING;
	conn->armed = true;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
		bench_fail("epoll_ctl: %s", strerror(errno));
}

/* Sends [*sent, len) of DATA. Returns: whether all of it has gone; on an error the connection is closed. */
static bool send_some(bench_conn_t *conn, const uint8_t *data, size_t len, size_t *sent)
{
	ssize_t n = send(conn->fd, data + *sent, len - *sent, MSG_NOSIGNAL);

	if (n >= 0)
		*sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		broke(conn, strerror(errno));
	return conn->state != BENCH_CONN_CLOSED && *sent == len;
}

void bench_conn_flush(bench_conn_t *conn)
{
	bool clear = conn->state >= BENCH_CONN_SHAKING;

	if (clear && bench_conn_busy(conn) && conn->bulk_sent > 0)  /* begun: finish it first */
		clear = send_some(conn, conn->bulk, conn->bulk_len, &conn->bulk_sent);
	if (clear && conn->out.len > 0) {
		clear = send_some(conn, conn->out.data, conn->out.len, &conn->out_sent);
		if (clear)
			conn->out.len = conn->out_sent = 0;
	}
	if (clear && bench_conn_busy(conn))
		clear = send_some(conn, conn->bulk, conn->bulk_len, &conn->bulk_sent);
	if (conn->state >= BENCH_CONN_SHAKING)
		arm(conn, !clear || conn->eager);
}

void bench_conn_bulk(bench_conn_t *conn, const uint8_t *data, size_t len)
{
	conn->bulk = data;
	conn->bulk_len = len;
	conn->bulk_sent = 0;
	bench_conn_flush(conn);
}

static void say_hello(bench_conn_t *conn)
{
	const bench_options_t *o = conn->loop->options;
	uint64_t hold = (o->duration + o->warmup) / BENCH_S + o->timeout / BENCH_S;
	char id[1100];
	bench_connect_t hello = { (unsigned)o->version, hold < 20000 ? (unsigned)(2 * hold + 60) : 0, id, o->user,
				  o->password };

	snprintf(id, sizeof(id), "%s%s%u", o->client_prefix, conn->role->name, conn->index);
	conn->state = BENCH_CONN_SHAKING;
	bench_wire_connect(&conn->out, &hello);
	bench_conn_flush(conn);
}

static void on_connected(bench_conn_t *conn)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error)
		fail_connect(conn, error);
	say_hello(conn);
}

static void on_connack(bench_conn_t *conn, const bench_packet_t *packet)
{
	unsigned version = (unsigned)conn->loop->options->version, code;

	if (packet->type != BENCH_CONNACK || packet->len < 2)
		bench_fail("%s answered CONNECT with packet type %u; is it an MQTT broker?", conn->loop->address_text,
			   packet->type);
	code = packet->body[1];
	if (code != 0)
		bench_fail("the broker at %s refused CONNECT of MQTT %s with code %u: %s", conn->loop->address_text,
		           bench_version_name(version), code, bench_connack_text(version, code));
	conn->window = bench_connack_window(packet, version);
	conn->state = BENCH_CONN_OPEN;
	conn->loop->open++;
	conn->role->on_open(conn);
}

/* Serves the packets in the loop's buffer. Returns: how many bytes they took. */
static size_t parse(bench_conn_t *conn, size_t n)
{
	const bench_role_t *role = conn->role;
	const uint8_t *data = conn->loop->in;
	bench_packet_t packet;
	size_t at = 0;
	int64_t size = 0;

	while (at < n && (size = bench_packet_read(data + at, n - at, &packet)) > 0) {
		at += (size_t)size;
		if (conn->state == BENCH_CONN_OPEN)
			role->on_packet(conn, &packet);
		else if (conn->state == BENCH_CONN_SHAKING)
			on_connack(conn, &packet);
		else
			return n;  /* closed by its role */
	}
	if (at < n && (size < 0 || (at == 0 && n == conn->loop->in_size)))
		bench_fail("%s %u received a packet %s", conn->role->name, conn->index,
			   size < 0 ? "of malformed length" : "that is too large");
	return at;
}

static void on_readable(bench_conn_t *conn)
{
	bench_loop_t *loop = conn->loop;
	size_t have = conn->rest.len, took;
	ssize_t n;

	n = recv(conn->fd, loop->in + have, loop->in_size - have, 0);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			broke(conn, n == 0 ? "the broker closed it" : strerror(errno));
		return;
	}
	loop->now = bench_now();
	if (have > 0)
		memcpy(loop->in, conn->rest.data, have);
	conn->rest.len = 0;
	have += (size_t)n;
	took = parse(conn, have);
	if (took < have && conn->state != BENCH_CONN_CLOSED)
		bench_buf_put(&conn->rest, loop->in + took, have - took);
}

void bench_conn_serve(bench_conn_t *conn, uint32_t events)
{
	if (conn->state == BENCH_CONN_CONNECTING)
		on_connected(conn);
	else if (conn->state != BENCH_CONN_CLOSED && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		on_readable(conn);
	if (conn->state >= BENCH_CONN_SHAKING && ((events & EPOLLOUT) || conn->out.len > 0))
		bench_conn_flush(conn);
	if (conn->state == BENCH_CONN_OPEN)
		conn->role->on_turn(conn);
}
