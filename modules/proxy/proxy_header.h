/* proxy_header.h — the header of the PROXY protocol, versions 1 and 2, read from bytes. Pure: no socket, no broker.
 *
 * Version 1 is a line of text, version 2 is binary and begins with bytes that no other protocol begins with. Both stand
 * once, before the first byte of a connection, and say whose connection the sender passes on. A reader is given all that
 * has come so far and either has the header, needs more, or knows as early as it can that there will be none.
 *
 * Thread: any.
 */
#ifndef PROXY_PROXY_HEADER_H
#define PROXY_PROXY_HEADER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <linnet/result.h>
#include <linnet/str.h>

#define PROXY_V1_MAX 107u      /* with the end of its line */
#define PROXY_V2_MAX 4096u     /* ours: the format could announce 64 KiB */

typedef struct proxy_header {
	unsigned version;                  /* 1 or 2 */
	bool known;                        /* source and destination are; else the sender speaks for itself, or cannot say */
	struct sockaddr_storage source;    /* whom the connection is from: AF_INET, AF_INET6, AF_UNIX */
	struct sockaddr_storage destination;
	ln_slice_t tlvs;                   /* version 2: what follows the addresses, well-formed; points into the bytes read */
} proxy_header_t;

/* One of them. */
typedef struct proxy_tlv {
	uint8_t type;
	ln_slice_t value;
} proxy_tlv_t;

/* Those whose meaning is known. The value of SSL is a byte of flags, four of a verification result, then TLVs of its own
 * (PROXY_TLV_SSL_HEAD tells where). */
enum {
	PROXY_TLV_ALPN = 0x01,
	PROXY_TLV_AUTHORITY = 0x02,
	PROXY_TLV_CRC32C = 0x03,
	PROXY_TLV_NOOP = 0x04,
	PROXY_TLV_UNIQUE_ID = 0x05,
	PROXY_TLV_SSL = 0x20,
	PROXY_TLV_SSL_VERSION = 0x21,
	PROXY_TLV_SSL_CN = 0x22,
	PROXY_TLV_NETNS = 0x30
};
#define PROXY_TLV_SSL_HEAD 5u

/* Reads the header BYTES begin with. Returns
 *   LN_OK         *ret_header and *ret_used, the bytes it takes; the rest belongs to the connection
 *   LN_AGAIN      so far it may be one
 *   LN_NOT_FOUND  they begin otherwise
 *   LN_MALFORMED, LN_LIMIT (longer than the maximum)   see proxy_header_fault */
ln_result_t LN_MUST_USE proxy_header_read(ln_slice_t bytes, proxy_header_t *ret_header, size_t *ret_used);
/* What is wrong with BYTES, of which proxy_header_read thought so; a sentence. */
const char *proxy_header_fault(ln_slice_t bytes);
/* Takes the next TLV off the front of REST. False at its end, or where it is cut off. */
bool proxy_tlv_next(ln_slice_t *rest, proxy_tlv_t *ret_tlv);
/* The value of the first of TYPE among TLVS. False: there is none. */
bool proxy_tlv_find(ln_slice_t tlvs, uint8_t type, ln_slice_t *ret_value);
/* CRC-32C (Castagnoli) of BYTES, where the four at HOLE (within them) count as 0. */
uint32_t proxy_crc32c(ln_slice_t bytes, size_t hole);

#endif
