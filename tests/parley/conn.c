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
#include <sys/un.h>
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

/* Where to connect or listen: what connect() and bind() take. */
typedef struct place {
	struct sockaddr_storage address;
	socklen_t len;
} place_t;

static bool unix_place(const char *path, place_t *ret)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(un.sun_path))
		return false;
	memcpy(un.sun_path, path, strlen(path));
	memcpy(&ret->address, &un, sizeof(un));
	ret->len = sizeof(un);
	return true;
}

static bool resolve(const char *address, int flags, place_t *ret)
{
	const char *colon = strrchr(address, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV }, *found = NULL;
	char host[128];
	size_t n = colon ? (size_t)(colon - address) : 0;
	const char *from = address;

	*ret = (place_t){ 0 };
	if (strncmp(address, "unix:", 5) == 0)
		return unix_place(address + 5, ret);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (!colon || n >= sizeof(host))
		return false;
	memcpy(host, from, n);
	host[n] = 0;
	if (getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) != 0)
		return false;
	memcpy(&ret->address, found->ai_addr, found->ai_addrlen);
	ret->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
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
	const char *why = NULL;
	place_t place;

	if (!resolve(address, 0, &place))
		return "not an address (host:port or unix:path)";
	conn_close(conn, false);
	conn->fd = socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd >= 0) {
		set_up(conn->fd);
		if (rcvbuf)
			setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
		if (connect(conn->fd, (struct sockaddr *)&place.address, place.len) < 0 && errno != EINPROGRESS)
			why = errno == ECONNREFUSED ? "connection refused" : "cannot connect";
	} else {
		why = "no socket";
	}
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

static void print_address(int fd, char ret_address[128])
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char host[48] = "", port[8] = "";

	getsockname(fd, (struct sockaddr *)&ss, &len);
	if (ss.ss_family == AF_UNIX) {
		snprintf(ret_address, 128, "unix:%.108s", ((struct sockaddr_un *)&ss)->sun_path);
		return;
	}
	getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(ret_address, 128, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

const char *conn_listen(const char *address, int *ret_fd, char ret_address[128])
{
	const char *why = NULL;
	int one = 1, fd;
	place_t place;

	if (!resolve(address, AI_PASSIVE, &place))
		return "not an address (host:port or unix:path)";
	fd = socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&place.address, place.len) < 0 || listen(fd, 16) < 0)
		why = "cannot listen";
	if (why) {
		if (fd >= 0)
			close(fd);
		return why;
	}
	print_address(fd, ret_address);
	*ret_fd = fd;
	return NULL;
}

static conn_result_t send_piece(conn_t *conn, bytes_t bytes, int64_t until);

/* Keeps what arrived; frames are opened and answered first. */
static conn_result_t take_piece(conn_t *conn, bytes_t piece, int64_t until)
{
	if (!conn->ws.on) {
		buf_add(&conn->in, piece.at, piece.len);
		return CONN_OK;
	}
	buf_add(&conn->ws.wire, piece.at, piece.len);
	conn->bad_frame = ws_unwrap(&conn->ws, &conn->in);
	if (conn->ws.answer.len)
		send_piece(conn, buf_bytes(&conn->ws.answer), until);
	conn->ws.answer.len = 0;
	return conn->bad_frame ? CONN_BAD_FRAME : CONN_OK;
}

conn_result_t conn_fill_any(conn_t *conn, int64_t until)
{
	char piece[65536];
	conn_result_t result;
	ssize_t n;

	if (conn->fd < 0)
		return CONN_CLOSED;
	if (conn->bad_frame)
		return CONN_BAD_FRAME;
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
	return take_piece(conn, (bytes_t){ piece, (size_t)n }, until);
}

conn_result_t conn_fill(conn_t *conn, int64_t until)
{
	conn_result_t result;
	size_t before = conn->in.len;

	do
		result = conn_fill_any(conn, until);
	while (result == CONN_OK && conn->in.len == before);
	return result == CONN_BAD_FRAME && conn->in.len > before ? CONN_OK : result;
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

conn_result_t conn_send_wire(conn_t *conn, bytes_t bytes, int64_t until)
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

conn_result_t conn_send(conn_t *conn, bytes_t bytes, int64_t until)
{
	conn_result_t result;
	buf_t frames = { 0 };

	if (!conn->ws.on)
		return conn_send_wire(conn, bytes, until);
	ws_wrap(&conn->ws, bytes, &frames);
	result = conn_send_wire(conn, buf_bytes(&frames), until);
	buf_free(&frames);
	return result;
}

const char *conn_upgrade(conn_t *conn, const char *host, bytes_t path, bytes_t protocol, bytes_t headers, int64_t until)
{
	buf_t request = { 0 }, early = { 0 };
	const char *why;
	ptrdiff_t end;

	ws_request(&request, host, path, protocol, headers);
	conn_send_wire(conn, buf_bytes(&request), until);
	buf_free(&request);
	while ((end = bytes_find(buf_bytes(&conn->in), bytes_of("\r\n\r\n"))) < 0)
		if (conn_fill(conn, until) != CONN_OK)
			return "no answer to the upgrade";
	why = ws_response((bytes_t){ conn->in.at, (size_t)end + 2 }, protocol);
	if (why)
		return why;
	buf_drop(&conn->in, (size_t)end + 4);
	conn->ws.on = true;
	early = conn->in;
	conn->in = (buf_t){ 0 };
	take_piece(conn, buf_bytes(&early), until);
	buf_free(&early);
	return NULL;
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
	conn->bad_frame = NULL;
	buf_free(&conn->in);
	ws_reset(&conn->ws);
}
