/* addr.c — addresses as text, as the system wants them, and as we keep them.
 *
 * A connection keeps its peer's address in 20 bytes and makes text of it when somebody asks, because hundreds of
 * thousands of idle connections never log anything. Only numbers are understood: a name may stand for several addresses
 * and changes behind our back, and which of them a broker listens on is not to be left to a resolver.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <linnet/str.h>
#include "addr.h"

static const char *parse_port(const char *text, uint16_t *ret_port)
{
	uint64_t port;

	if (!ln_parse_u64(ln_slice_of(text), 65535, &port))
		return "the port is a number from 0 to 65535";
	*ret_port = (uint16_t)port;
	return NULL;
}

/* HOST is LEN bytes, without brackets. */
static const char *parse_host(const char *host, size_t len, bool bracketed, ln__addr_t *addr)
{
	char copy[LN__ADDR_TEXT];

	if (len >= sizeof(copy))
		return "the address is too long";
	memcpy(copy, host, len);
	copy[len] = '\0';
	if (bracketed) {
		addr->family = LN__ADDR_V6;
		return inet_pton(AF_INET6, copy, addr->ip) == 1 ? NULL : "between [ and ] stands an IPv6 address";
	}
	if (len == 0)
		return NULL;
	addr->family = LN__ADDR_V4;
	if (inet_pton(AF_INET, copy, addr->ip) == 1)
		return NULL;
	if (strchr(copy, ':'))
		return "an IPv6 address stands between [ and ], as in [::1]:1883";
	return "a name is not accepted: write the number, as in 127.0.0.1:1883, [::1]:1883, or :1883 for every address";
}

static const char unix_prefix[] = "unix:";

const char *ln__addr_path(const char *text)
{
	return text + sizeof(unix_prefix) - 1;
}

static const char *parse_path(const char *text, ln__addr_t *ret_addr)
{
	const char *path = ln__addr_path(text);

	if (path[0] != '/')
		return "the path of a Unix socket begins with /, as in unix:/run/linnet/linnet.sock";
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "the path of a Unix socket is longer than the 107 bytes the system allows";
	*ret_addr = (ln__addr_t){ .family = LN__ADDR_UNIX };
	return NULL;
}

const char *ln__addr_parse(const char *text, ln__addr_t *ret_addr)
{
	ln__addr_t addr = { .family = LN__ADDR_ANY };
	const char *colon = strrchr(text, ':'), *why;
	bool bracketed = text[0] == '[';
	size_t len;

	if (strncmp(text, unix_prefix, sizeof(unix_prefix) - 1) == 0)
		return parse_path(text, ret_addr);
	if (text[0] == '/' || strncmp(text, "unix@", 5) == 0)
		return "write a Unix socket as unix:/run/linnet/linnet.sock";
	if (!colon || strchr(colon, ']'))
		return "the port is missing, as in 127.0.0.1:1883";
	len = (size_t)(colon - text);
	if (bracketed && (len < 2 || text[len - 1] != ']'))
		return "the ] before the port is missing";
	why = bracketed ? parse_host(text + 1, len - 2, true, &addr) : parse_host(text, len, false, &addr);
	if (!why)
		why = parse_port(colon + 1, &addr.port);
	if (!why)
		*ret_addr = addr;
	return why;
}

static void print_process(const ln__addr_t *addr, char *dst, size_t size)
{
	uint32_t who[2];

	memcpy(who, addr->ip, sizeof(who));
	if (addr->known)
		snprintf(dst, size, "unix:pid=%u,uid=%u", who[0], who[1]);
	else
		snprintf(dst, size, "unix:");
}

char *ln__addr_print(const ln__addr_t *addr, char *dst, size_t size)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (addr->family == LN__ADDR_UNIX) {
		print_process(addr, dst, size);
		return dst;
	}
	if (addr->family == LN__ADDR_V4)
		inet_ntop(AF_INET, addr->ip, ip, sizeof(ip));
	else if (addr->family == LN__ADDR_V6)
		inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
	snprintf(dst, size, addr->family == LN__ADDR_V6 ? "[%s]:%u" : "%s:%u", ip, addr->port);
	return dst;
}

bool ln__addr_loopback(const ln__addr_t *addr)
{
	static const uint8_t v6[16] = { [15] = 1 };

	if (addr->family == LN__ADDR_V4)
		return addr->ip[0] == 127;
	if (addr->family == LN__ADDR_UNIX)
		return true;
	return addr->family == LN__ADDR_V6 && memcmp(addr->ip, v6, sizeof(v6)) == 0;
}

void ln__addr_set_process(ln__addr_t *addr, uint32_t pid, uint32_t uid)
{
	uint32_t who[2] = { pid, uid };

	memset(addr, 0, sizeof(*addr));
	addr->family = LN__ADDR_UNIX;
	addr->known = true;
	memcpy(addr->ip, who, sizeof(who));
}

bool ln__addr_eq(const ln__addr_t *a, const ln__addr_t *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

socklen_t ln__addr_to_sock(const ln__addr_t *addr, struct sockaddr_storage *ret_sock)
{
	memset(ret_sock, 0, sizeof(*ret_sock));
	if (addr->family == LN__ADDR_V4) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)ret_sock;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(addr->port);
		memcpy(&v4->sin_addr, addr->ip, 4);
		return sizeof(*v4);
	}
	if (addr->family == LN__ADDR_UNIX) {
		ret_sock->ss_family = AF_UNIX;
		return sizeof(sa_family_t);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_sock;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(addr->port);
	memcpy(&v6->sin6_addr, addr->ip, 16);
	return sizeof(*v6);
}

void ln__addr_from_sock(const struct sockaddr_storage *sock, ln__addr_t *ret_addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(ret_addr, 0, sizeof(*ret_addr));
	if (sock->ss_family == AF_UNIX) {
		ret_addr->family = LN__ADDR_UNIX;
	} else if (sock->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)sock;
		ret_addr->family = LN__ADDR_V4;
		ret_addr->port = ntohs(v4->sin_port);
		memcpy(ret_addr->ip, &v4->sin_addr, 4);
	} else if (sock->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sock;
		ret_addr->family = LN__ADDR_V6;
		ret_addr->port = ntohs(v6->sin6_port);
		memcpy(ret_addr->ip, &v6->sin6_addr, 16);
		if (memcmp(ret_addr->ip, mapped, sizeof(mapped)) == 0) {
			ret_addr->family = LN__ADDR_V4;
			memmove(ret_addr->ip, ret_addr->ip + 12, 4);
			memset(ret_addr->ip + 4, 0, 12);
		}
	}
}
