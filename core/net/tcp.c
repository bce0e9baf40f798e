/* tcp.c — the bottom of every stack: listening, accepting, reading and writing TCP sockets.
 * Accepting, reading and writing is the same for the sockets of unix.c.
 *
 * TCP_NODELAY is set on the listening socket, from which Linux hands it to every accepted one: one system call less per
 * connection. It is wanted because output leaves once per turn anyway, and Nagle's delay would only be added to that.
 *
 * ":PORT" is an IPv6 socket that takes IPv4 too, or an IPv4 socket on a system without IPv6. "[::]:PORT" is IPv6 only,
 * so that it can stand beside "0.0.0.0:PORT".
 *
 * SO_REUSEPORT lets a second broker of the same user take the same port without a word, and half of the connections
 * with it. So before the shared sockets are opened, one without the option is bound, which fails when anybody listens
 * there.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include "net.h"

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool prepare(int fd, const ln__addr_t *addr, bool shared)
{
	if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || (shared && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)))
		return false;
	if (addr->family != LN__ADDR_V4 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, addr->family == LN__ADDR_V6))
		return false;
	return set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* A bound socket; BACKLOG 0: not listening, and not to be shared. */
static int open_as(const ln__addr_t *addr, int family, uint32_t backlog)
{
	struct sockaddr_storage sock;
	socklen_t len = ln__addr_to_sock(addr, &sock);
	int saved, fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -1;
	if (prepare(fd, addr, backlog > 0) && bind(fd, (const struct sockaddr *)&sock, len) == 0 &&
	    (backlog == 0 || listen(fd, (int)backlog) == 0))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int open_any(const ln__addr_t *addr, uint32_t backlog)
{
	int fd = open_as(addr, addr->family == LN__ADDR_V4 ? AF_INET : AF_INET6, backlog);

	if (fd < 0 && addr->family == LN__ADDR_ANY && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		ln__addr_t v4 = { .family = LN__ADDR_V4, .port = addr->port };
		fd = open_as(&v4, AF_INET, backlog);
	}
	return fd;
}

int ln__tcp_listen(const ln__addr_t *addr, uint32_t backlog)
{
	ln_require(backlog > 0 && backlog <= INT32_MAX);
	return open_any(addr, backlog);
}

bool ln__tcp_free(const ln__addr_t *addr)
{
	int fd = open_any(addr, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool ln__tcp_local(int fd, ln__addr_t *ret_addr)
{
	struct sockaddr_storage sock;
	socklen_t len = sizeof(sock);

	if (getsockname(fd, (struct sockaddr *)&sock, &len) < 0)
		return false;
	ln__addr_from_sock(&sock, ret_addr);
	return true;
}

int ln__tcp_accept(int fd, ln__addr_t *ret_peer)
{
	struct sockaddr_storage sock;
	socklen_t len = sizeof(sock);
	int peer = accept4(fd, (struct sockaddr *)&sock, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (peer >= 0)
		ln__addr_from_sock(&sock, ret_peer);
	if (peer >= 0 && ret_peer->family == LN__ADDR_UNIX)
		ln__unix_peer(peer, ret_peer);
	return peer;
}

static bool not_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

ssize_t ln__tcp_read(int fd, void *dst, size_t size)
{
	ssize_t n = recv(fd, dst, size, 0);

	if (n > 0)
		return n;
	if (n == 0)
		return LN__TCP_END;
	return not_now(errno) ? 0 : LN__TCP_ERROR;
}

ssize_t ln__tcp_write(int fd, struct iovec *iov, unsigned count)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = count };
	ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return not_now(errno) ? 0 : LN__TCP_ERROR;
}
