/* addr.h — an address and port in 20 bytes, and its text. Pure. Thread: any.
 *
 * A Unix socket's path does not fit: a listener keeps it as its configuration's text. Of a peer on such a socket there
 * is no path anyway, but a process and a user. */
#ifndef LN_NET_ADDR_H
#define LN_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef enum ln__family { LN__ADDR_ANY, LN__ADDR_V4, LN__ADDR_V6, LN__ADDR_UNIX } ln__family_t;

/* LN__ADDR_ANY: every address of either family (":9001"). A peer that came by IPv4 to such a socket is LN__ADDR_V4. */
typedef struct ln__addr {
	uint8_t family;
	uint8_t known;        /* UNIX: ip holds the peer's process and user, four bytes each */
	uint16_t port;
	uint8_t ip[16];       /* network order; V4: the first four */
} ln__addr_t;

#define LN__ADDR_TEXT 64

/* Parses "127.0.0.1:1883", "[::1]:1883", ":1883", "unix:/run/x.sock" (ln__addr_path finds the path again). Returns NULL
 * and *ret_addr, or a sentence about what is wrong. */
const char *ln__addr_parse(const char *text, ln__addr_t *ret_addr);
/* Where the path begins in the text of a Unix address. */
const char *ln__addr_path(const char *text);
/* Writes the same form into DST (LN__ADDR_TEXT bytes are enough); returns DST. A peer on a Unix socket is
 * "unix:pid=4711,uid=1000", "unix:" when that is not known. */
char *ln__addr_print(const ln__addr_t *addr, char *dst, size_t size);
/* Can only this machine reach it? True of a Unix socket. */
bool ln__addr_loopback(const ln__addr_t *addr);
/* A peer on a Unix socket. */
void ln__addr_set_process(ln__addr_t *addr, uint32_t pid, uint32_t uid);
bool ln__addr_eq(const ln__addr_t *a, const ln__addr_t *b);
/* ANY becomes the IPv6 wildcard, a Unix address has no path. Returns the length. */
socklen_t ln__addr_to_sock(const ln__addr_t *addr, struct sockaddr_storage *ret_sock);
/* An IPv4 address inside IPv6 becomes IPv4 again. */
void ln__addr_from_sock(const struct sockaddr_storage *sock, ln__addr_t *ret_addr);

#endif
