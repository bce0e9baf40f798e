/* addr.h — an address and port in 20 bytes, and its text. Pure. Thread: any. */
#ifndef LN_NET_ADDR_H
#define LN_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef enum ln__family { LN__ADDR_ANY, LN__ADDR_V4, LN__ADDR_V6 } ln__family_t;

/* LN__ADDR_ANY: every address of either family (":9001"). A peer that came by IPv4 to such a socket is LN__ADDR_V4. */
typedef struct ln__addr {
	uint8_t family;
	uint8_t reserved;
	uint16_t port;
	uint8_t ip[16];       /* network order; V4: the first four */
} ln__addr_t;

#define LN__ADDR_TEXT 64

/* Parses "127.0.0.1:1883", "[::1]:1883", ":1883". Returns NULL and *ret_addr, or a sentence about what is wrong. */
const char *ln__addr_parse(const char *text, ln__addr_t *ret_addr);
/* Writes the same form into DST (LN__ADDR_TEXT bytes are enough); returns DST. */
char *ln__addr_print(const ln__addr_t *addr, char *dst, size_t size);
bool ln__addr_loopback(const ln__addr_t *addr);
bool ln__addr_eq(const ln__addr_t *a, const ln__addr_t *b);
/* ANY becomes the IPv6 wildcard. Returns the length. */
socklen_t ln__addr_to_sock(const ln__addr_t *addr, struct sockaddr_storage *ret_sock);
/* An IPv4 address inside IPv6 becomes IPv4 again. */
void ln__addr_from_sock(const struct sockaddr_storage *sock, ln__addr_t *ret_addr);

#endif
