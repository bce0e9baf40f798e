/* trust.h — whom a proxy's header is believed. Pure. Thread: any. */
#ifndef PROXY_TRUST_H
#define PROXY_TRUST_H

#include <stdbool.h>
#include <sys/socket.h>
#include <linnet/result.h>

/* "10.0.0.7", "10.0.0.0/8", "::1", "fd00::/8", or "unix": whoever may connect to a Unix socket. */
typedef struct proxy_net {
	int family;                /* AF_INET, AF_INET6, AF_UNIX */
	unsigned bits;             /* how many of the address count */
	unsigned char ip[16];
} proxy_net_t;

/* Reads TEXT. NULL and *ret_net, or a sentence about what is wrong. */
const char *proxy_net_read(const char *text, proxy_net_t *ret_net);
/* Is ADDRESS in NET? An IPv4 address inside IPv6 is taken for what it is. */
bool proxy_net_has(const proxy_net_t *net, const struct sockaddr_storage *address);

#endif
