/* conn.c — sockets with deadlines; see conn.h. Non-blocking throughout: poll waits for the socket and the stop pipe. */
#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static conn_result_t wait_for(int fd, int stop, short events, int64_t until)
{
	struct pollfd p[2] = { { .fd = fd, .events = events }, { .fd = stop, .events = POLLIN } };
	int64_t left = until - now_ms();
	int n;

	do {
		n = poll(p, 2, left > 0 ? (int)left : 0);
		left = until - now_ms();
	} while (n < 0 && errno == EINTR);
	if (p[0].revents)
		return CONN_OK;
	return n > 0 ? CONN_STOPPED : CONN_LATE;
}

static struct addrinfo *resolve(const char *address, int flags)
{
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV }, *found = NULL;
	char host[128];
	size_t n = colon ? (size_t)(colon - address) : 0;
	const char *from = address;

	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (!colon || n >= sizeof(host))
		return NULL;
	memcpy(host, from, n);
	host[n] = 0;
	return getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static void set_up(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static const char *finish_connect(conn_t *conn, int64_t until)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (wait_for(conn->fd, conn->stop, POLLOUT, until) != CONN_OK)
		return "no connection in time";
	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == ECONNREFUSED ? "connection refused" : error ? "cannot connect" : NULL;
}

const char *conn_open(conn_t *conn, const char *address, int rcvbuf, int64_t until)
{
	struct addrinfo *ai = resolve(address, 0);
	const char *why = NULL;

	if (!ai)
		return "not an address (host:port)";
	conn_close(conn, false);
	conn->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd >= 0) {
		set_up(conn->fd);
		if (rcvbuf)
			setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
		if (connect(conn->fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
			why = errno == ECONNREFUSED ? "connection refused" : "cannot connect";
	} else {
		why = "no socket";
	}
	freeaddrinfo(ai);
	return why ? why : finish_connect(conn, until);
}

const char *conn_accept(conn_t *conn, int listener, int64_t until)
{
	conn_close(conn, false);
	if (wait_for(listener, conn->stop, POLLIN, until) != CONN_OK)
		return "nobody connected in time";
	conn->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (conn->fd < 0)
		return "cannot accept";
	set_up(conn->fd);
	return NULL;
}

static void print_address(int fd, char ret_address[64])
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char host[48] = "", port[8] = "";

	getsockname(fd, (struct sockaddr *)&ss, &len);
	getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(ret_address, 64, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

const char *conn_listen(const char *address, int *ret_fd, char ret_address[64])
{
	struct addrinfo *ai = resolve(address, AI_PASSIVE);
	const char *why = NULL;
	int one = 1, fd;

	if (!ai)
		return "not an address (host:port)";
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 16) < 0)
		why = "cannot listen";
	freeaddrinfo(ai);
	if (why) {
		if (fd >= 0)
			close(fd);
		return why;
	}
	print_address(fd, ret_address);
	*ret_fd = fd;
	return NULL;
}

conn_result_t conn_fill(conn_t *conn, int64_t until)
{
	char piece[65536];
	conn_result_t result;
	ssize_t n;

	if (conn->fd < 0)
		return CONN_CLOSED;
	do {
		result = wait_for(conn->fd, conn->stop, POLLIN, until);
		if (result != CONN_OK)
			return result;
		n = recv(conn->fd, piece, sizeof(piece), 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0)
		conn->reset = true;
	if (n <= 0)
		return CONN_CLOSED;
	buf_add(&conn->in, piece, (size_t)n);
	return CONN_OK;
}

static conn_result_t send_piece(conn_t *conn, bytes_t bytes, int64_t until)
{
	while (bytes.len) {
		ssize_t n = send(conn->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		conn_result_t result;

		if (n >= 0) {
			bytes = bytes_from(bytes, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return CONN_CLOSED;
		result = wait_for(conn->fd, conn->stop, POLLOUT, until);
		if (result != CONN_OK)
			return result;
	}
	return CONN_OK;
}

conn_result_t conn_send(conn_t *conn, bytes_t bytes, int64_t until)
{
	conn_result_t result = CONN_OK;

	if (conn->fd < 0)
		return CONN_CLOSED;
	if (!conn->slow_bytes)
		return send_piece(conn, bytes, until);
	while (bytes.len && result == CONN_OK) {
		size_t n = bytes.len < conn->slow_bytes ? bytes.len : conn->slow_bytes;

		result = send_piece(conn, (bytes_t){ bytes.at, n }, until);
		bytes = bytes_from(bytes, n);
		sleep_ms(conn->slow_ms);
	}
	return result;
}

void conn_shutdown_write(conn_t *conn)
{
	if (conn->fd >= 0)
		shutdown(conn->fd, SHUT_WR);
}

void conn_close(conn_t *conn, bool rst)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	if (conn->fd < 0)
		return;
	if (rst)
		setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(conn->fd);
	conn->fd = -1;
	conn->reset = false;
	buf_free(&conn->in);
}
