/* proxy_header.c — the header read.
 *
 * By the letter of the specification ("The PROXY protocol", versions 1 & 2): one space between words and none else, no
 * leading zeros, no unknown commands or families, no address block shorter than its family's. A header is the one thing a
 * broker believes about a client without asking, so nothing in it is guessed.
 *
 * A checksum is compared when there is one. It must be where it is unambiguous: the first TLV of its type counts.
 *
 * Not done: a datagram's header is refused, because no datagram can have come over a stream. What a LOCAL or an
 * unspecified connection carries besides is skipped unread, as the specification says.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include "proxy_header.h"

static const uint8_t v1_begin[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t v2_begin[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

#define V2_HEAD 16u            /* signature, command, family, length */
#define UNIX_PATH 108u

enum { V2_LOCAL, V2_PROXY };                       /* commands */
enum { V2_UNSPEC, V2_INET, V2_INET6, V2_UNIX };    /* families */
enum { V2_STREAM = 1, V2_DATAGRAM };               /* transports */

/* Sets *why and gives RESULT back, so that a reader can end with it. */
static ln_result_t fault(const char **why, ln_result_t result, const char *sentence)
{
	*why = sentence;
	return result;
}

static ln_result_t malformed(const char **why, const char *sentence)
{
	return fault(why, LN_MALFORMED, sentence);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void put_inet(struct sockaddr_storage *dst, const uint8_t *ip, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)dst;

	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, ip, 4);
}

static void put_inet6(struct sockaddr_storage *dst, const uint8_t *ip, uint16_t port)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)dst;

	in->sin6_family = AF_INET6;
	in->sin6_port = htons(port);
	memcpy(&in->sin6_addr, ip, 16);
}

static void put_unix(struct sockaddr_storage *dst, const uint8_t *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)dst;

	_Static_assert(sizeof(un->sun_path) == UNIX_PATH, "as on the wire");
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, UNIX_PATH);
}

static uint16_t number16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* --- version 1 ---------------------------------------------------------------------------------------------------- */

/* Takes the word before the next space, or all that is left. */
static ln_slice_t next_word(ln_slice_t *rest)
{
	const uint8_t *space = rest->len ? memchr(rest->data, ' ', rest->len) : NULL;
	ln_slice_t word = { rest->data, space ? (size_t)(space - rest->data) : rest->len };
	size_t used = word.len + (space != NULL);

	*rest = ln_slice(rest->data + used, rest->len - used);
	return word;
}

static bool read_ip(ln_slice_t word, int family, uint8_t *ret_ip)
{
	char text[INET6_ADDRSTRLEN];

	if (word.len == 0 || word.len >= sizeof(text) || memchr(word.data, 0, word.len))
		return false;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	return inet_pton(family, text, ret_ip) == 1;
}

static bool read_port(ln_slice_t word, uint16_t *ret_port)
{
	uint64_t port;

	if (word.len > 1 && word.data[0] == '0')
		return false;
	if (!ln_parse_u64(word, UINT16_MAX, &port))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* "192.0.2.1 192.0.2.2 1000 1883" */
static ln_result_t read_v1_addresses(ln_slice_t rest, int family, proxy_header_t *h, const char **why)
{
	ln_slice_t from = next_word(&rest), to = next_word(&rest), from_port = next_word(&rest), to_port = rest;
	uint8_t source[16], destination[16];
	uint16_t ports[2];

	if (!read_ip(from, family, source) || !read_ip(to, family, destination))
		return malformed(why, "an address in the line is none of its family");
	if (!read_port(from_port, &ports[0]) || !read_port(to_port, &ports[1]))
		return malformed(why, "a port in the line is no number from 0 to 65535");
	(family == AF_INET ? put_inet : put_inet6)(&h->source, source, ports[0]);
	(family == AF_INET ? put_inet : put_inet6)(&h->destination, destination, ports[1]);
	h->known = true;
	return LN_OK;
}

/* LINE stands between "PROXY " and the end of the line. */
static ln_result_t read_v1_line(ln_slice_t line, proxy_header_t *h, const char **why)
{
	ln_slice_t rest = line, family = next_word(&rest);

	h->version = 1;
	/* What follows UNKNOWN is to be ignored. */
	if (ln_slice_eq(family, LN_STR("UNKNOWN")))
		return LN_OK;
	if (ln_slice_eq(family, LN_STR("TCP4")))
		return read_v1_addresses(rest, AF_INET, h, why);
	if (ln_slice_eq(family, LN_STR("TCP6")))
		return read_v1_addresses(rest, AF_INET6, h, why);
	return malformed(why, "the line names no family: TCP4, TCP6 or UNKNOWN");
}

static ln_result_t read_v1(ln_slice_t bytes, proxy_header_t *h, size_t *ret_used, const char **why)
{
	size_t most = bytes.len < PROXY_V1_MAX ? bytes.len : PROXY_V1_MAX, end = sizeof(v1_begin);

	while (end < most && bytes.data[end] != '\r' && bytes.data[end] != '\n')
		end++;
	if (end + 2 > PROXY_V1_MAX)
		return fault(why, LN_LIMIT, "the line is longer than 107 bytes");
	if (end < most && bytes.data[end] == '\n')
		return malformed(why, "the line ends without a carriage return");
	if (end + 1 >= most)
		return LN_AGAIN;
	if (bytes.data[end + 1] != '\n')
		return malformed(why, "a carriage return stands in the line");
	*ret_used = end + 2;
	return read_v1_line(ln_slice(bytes.data + sizeof(v1_begin), end - sizeof(v1_begin)), h, why);
}

/* --- version 2 ---------------------------------------------------------------------------------------------------- */

/* How many bytes the addresses of each family take. */
static const uint16_t block_size[] = { [V2_UNSPEC] = 0, [V2_INET] = 12, [V2_INET6] = 36, [V2_UNIX] = 2 * UNIX_PATH };

static void read_block(const uint8_t *at, unsigned family, proxy_header_t *h)
{
	if (family == V2_INET) {
		put_inet(&h->source, at, number16(at + 8));
		put_inet(&h->destination, at + 4, number16(at + 10));
	} else if (family == V2_INET6) {
		put_inet6(&h->source, at, number16(at + 32));
		put_inet6(&h->destination, at + 16, number16(at + 34));
	} else {
		put_unix(&h->source, at);
		put_unix(&h->destination, at + UNIX_PATH);
	}
	h->known = true;
}

/* ALL is the header, in which TLVS stand last. */
static ln_result_t check_tlvs(ln_slice_t all, ln_slice_t tlvs, const char **why)
{
	ln_slice_t rest = tlvs, crc;
	proxy_tlv_t tlv;

	while (proxy_tlv_next(&rest, &tlv))
		;
	if (rest.len > 0)
		return malformed(why, "a TLV is longer than the header");
	if (!proxy_tlv_find(tlvs, PROXY_TLV_CRC32C, &crc))
		return LN_OK;
	if (crc.len != 4)
		return malformed(why, "the checksum has not four bytes");
	if (proxy_crc32c(all, (size_t)(crc.data - all.data)) !=
	    ((uint32_t)number16(crc.data) << 16 | number16(crc.data + 2)))
		return malformed(why, "the checksum is wrong");
	return LN_OK;
}

/* ALL is the whole header. */
static ln_result_t read_v2_whole(ln_slice_t all, proxy_header_t *h, const char **why)
{
	unsigned command = all.data[12] & 15, family = all.data[13] >> 4;
	size_t block;

	h->version = 2;
	if (command == V2_LOCAL || family == V2_UNSPEC)
		return LN_OK;
	block = block_size[family];
	if (all.len - V2_HEAD < block)
		return malformed(why, "the addresses are cut off");
	read_block(all.data + V2_HEAD, family, h);
	h->tlvs = ln_slice(all.data + V2_HEAD + block, all.len - V2_HEAD - block);
	return check_tlvs(all, h->tlvs, why);
}

/* The command and the family, as far as they are there. */
static ln_result_t check_v2_head(ln_slice_t bytes, const char **why)
{
	uint8_t command = bytes.len > 12 ? bytes.data[12] : 0x20, family = bytes.len > 13 ? bytes.data[13] : 0;

	if (command >> 4 != 2)
		return malformed(why, "the version is not 2");
	if ((command & 15) > V2_PROXY)
		return malformed(why, "the command is neither LOCAL nor PROXY");
	/* What a LOCAL connection says of its family is ignored. */
	if ((command & 15) == V2_LOCAL)
		return LN_OK;
	if (family >> 4 > V2_UNIX || (family & 15) > V2_DATAGRAM)
		return malformed(why, "the family or the transport is unknown");
	if (family >> 4 != V2_UNSPEC && (family & 15) != V2_STREAM)
		return malformed(why, "the transport is no stream");
	return LN_OK;
}

static ln_result_t read_v2(ln_slice_t bytes, proxy_header_t *h, size_t *ret_used, const char **why)
{
	ln_result_t r = check_v2_head(bytes, why);
	size_t size;

	if (r != LN_OK)
		return r;
	if (bytes.len < V2_HEAD)
		return LN_AGAIN;
	size = V2_HEAD + number16(bytes.data + 14);
	if (size > PROXY_V2_MAX)
		return fault(why, LN_LIMIT, "the header is longer than 4096 bytes");
	if (bytes.len < size)
		return LN_AGAIN;
	*ret_used = size;
	return read_v2_whole(ln_slice(bytes.data, size), h, why);
}

/* --- both --------------------------------------------------------------------------------------------------------- */

/* Do BYTES, as far as they go, begin as BEGIN does? */
static bool begins(ln_slice_t bytes, const uint8_t *begin, size_t size)
{
	return memcmp(bytes.data, begin, bytes.len < size ? bytes.len : size) == 0;
}

static ln_result_t read_any(ln_slice_t bytes, proxy_header_t *h, size_t *ret_used, const char **why)
{
	if (bytes.len == 0)
		return LN_AGAIN;
	if (begins(bytes, v1_begin, sizeof(v1_begin)))
		return bytes.len < sizeof(v1_begin) ? LN_AGAIN : read_v1(bytes, h, ret_used, why);
	if (begins(bytes, v2_begin, sizeof(v2_begin)))
		return bytes.len < sizeof(v2_begin) ? LN_AGAIN : read_v2(bytes, h, ret_used, why);
	return fault(why, LN_NOT_FOUND, "the connection begins without a header");
}

ln_result_t proxy_header_read(ln_slice_t bytes, proxy_header_t *ret_header, size_t *ret_used)
{
	proxy_header_t h = { 0 };
	const char *why;
	size_t used = 0;
	ln_result_t r = read_any(bytes, &h, &used, &why);

	if (r == LN_OK) {
		*ret_header = h;
		*ret_used = used;
	}
	return r;
}

const char *proxy_header_fault(ln_slice_t bytes)
{
	const char *why = "nothing is wrong";
	proxy_header_t h = { 0 };
	size_t used;

	return read_any(bytes, &h, &used, &why) == LN_AGAIN ? "the header is not whole" : why;
}

bool proxy_tlv_next(ln_slice_t *rest, proxy_tlv_t *ret_tlv)
{
	size_t size;

	if (rest->len < 3)
		return false;
	size = number16(rest->data + 1);
	if (rest->len - 3 < size)
		return false;
	*ret_tlv = (proxy_tlv_t){ rest->data[0], ln_slice(rest->data + 3, size) };
	*rest = ln_slice(rest->data + 3 + size, rest->len - 3 - size);
	return true;
}

bool proxy_tlv_find(ln_slice_t tlvs, uint8_t type, ln_slice_t *ret_value)
{
	proxy_tlv_t tlv;

	while (proxy_tlv_next(&tlvs, &tlv)) {
		if (tlv.type != type)
			continue;
		*ret_value = tlv.value;
		return true;
	}
	return false;
}

uint32_t proxy_crc32c(ln_slice_t bytes, size_t hole)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= i >= hole && i < hole + 4 ? 0 : bytes.data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}
