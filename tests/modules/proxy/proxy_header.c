/* Tests of modules/proxy/proxy_header.c: what is a header, what is none, and that it makes no difference how it comes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include "proxy/proxy_header.h"
#include "unit.h"

#define V2 "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"

/* "192.0.2.1:1000", "[2001:db8::1]:1000", "unix:/path" */
static const char *text_of(const struct sockaddr_storage *address)
{
	static char text[160];
	char ip[INET6_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		snprintf(text, sizeof(text), "%s:%u", inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip)), ntohs(v4->sin_port));
	else if (address->ss_family == AF_INET6)
		snprintf(text, sizeof(text), "[%s]:%u", inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip)),
			 ntohs(v6->sin6_port));
	else if (address->ss_family == AF_UNIX)
		snprintf(text, sizeof(text), "unix:%.108s", ((const struct sockaddr_un *)address)->sun_path);
	else
		snprintf(text, sizeof(text), "none");
	return text;
}

/* Reads BYTES and what follows; each shorter piece of the header must ask for more. */
static proxy_header_t good(ln_slice_t bytes, size_t size)
{
	proxy_header_t h;
	size_t used = 4711;

	for (size_t n = 0; n < size; n++) {
		/* A copy of just so many bytes, for the sanitizer. */
		uint8_t *piece = malloc(n ? n : 1);
		memcpy(piece, bytes.data, n);
		ck_assert_msg(proxy_header_read(ln_slice(piece, n), &h, &used) == LN_AGAIN, "decided at %zu of %zu", n, size);
		ck_assert_uint_eq(used, 4711);
		free(piece);
	}
	ln_unit_ok(proxy_header_read(bytes, &h, &used));
	ck_assert_uint_eq(used, size);
	return h;
}

/* Where, byte by byte, TEXT turns out to be none; and what is said of it. */
static size_t bad(ln_slice_t bytes, ln_result_t result, const char *why)
{
	proxy_header_t h;
	size_t used;

	for (size_t n = 0; n <= bytes.len; n++) {
		ln_result_t r = proxy_header_read(ln_slice(bytes.data, n), &h, &used);
		if (r == LN_AGAIN)
			continue;
		ck_assert_msg(r == result, "at %zu: %s", n, ln_result_text(r));
		ck_assert_msg(strstr(proxy_header_fault(ln_slice(bytes.data, n)), why) != NULL, "%s",
			      proxy_header_fault(ln_slice(bytes.data, n)));
		/* What comes after does not heal it. */
		ck_assert_int_eq(proxy_header_read(bytes, &h, &used), result);
		return n;
	}
	ck_abort_msg("it asks for more");
	return 0;
}

/* --- version 1 ---------------------------------------------------------------------------------------------------- */

START_TEST(reads_version_1)
{
	static const struct { const char *line, *source, *destination; } lines[] = {
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\r\n", "192.0.2.1:1000", "192.0.2.2:1883" },
		{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535",
		  "255.255.255.255:65535" },
		{ "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0", "0.0.0.0:0" },
		{ "PROXY TCP6 2001:db8::1 ::1 1000 1883\r\n", "[2001:db8::1]:1000", "[::1]:1883" },
		{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
		{ "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "[::ffff:192.0.2.1]:1", "[::1]:2" },
		{ "PROXY UNKNOWN\r\n", "none", "none" },
		{ "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		  "none", "none" },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(lines); i++) {
		char text[160];
		proxy_header_t h;

		snprintf(text, sizeof(text), "%s\x10\x0c", lines[i].line);
		h = good(ln_slice_of(text), strlen(lines[i].line));
		ck_assert_uint_eq(h.version, 1);
		ck_assert_uint_eq(h.known, strcmp(lines[i].source, "none") != 0);
		ck_assert_str_eq(text_of(&h.source), lines[i].source);
		ck_assert_str_eq(text_of(&h.destination), lines[i].destination);
		ck_assert_uint_eq(h.tlvs.len, 0);
	}
}
END_TEST

START_TEST(refuses_version_1)
{
	static const struct { const char *line, *why; } lines[] = {
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\n", "without a carriage return" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883\rx", "carriage return stands in" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000\r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 65536\r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 01000 1883\r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883 \r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 1883 1\r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2  1000 1883\r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 +1 1883\r\n", "a port" },
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1000 \r\n", "a port" },
		{ "PROXY TCP4  192.0.2.1 192.0.2.2 1000 1883\r\n", "an address" },
		{ "PROXY TCP4 192.0.2.256 192.0.2.2 1000 1883\r\n", "an address" },
		{ "PROXY TCP4 ::1 192.0.2.2 1000 1883\r\n", "an address" },
		{ "PROXY TCP4 192.0.2.1\r\n", "an address" },
		{ "PROXY TCP4\r\n", "an address" },
		{ "PROXY TCP6 192.0.2.1 ::1 1000 1883\r\n", "an address" },
		{ "PROXY TCP6 2001:db8::1%eth0 ::1 1000 1883\r\n", "an address" },
		{ "PROXY UDP4 192.0.2.1 192.0.2.2 1000 1883\r\n", "no family" },
		{ "PROXY tcp4 192.0.2.1 192.0.2.2 1000 1883\r\n", "no family" },
		{ "PROXY \r\n", "no family" },
		{ "PROXY  TCP4 192.0.2.1 192.0.2.2 1000 1883\r\n", "no family" },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(lines); i++)
		bad(ln_slice_of(lines[i].line), LN_MALFORMED, lines[i].why);
}
END_TEST

START_TEST(a_line_has_107_bytes)
{
	char line[200] = "PROXY UNKNOWN ";
	proxy_header_t h;

	memset(line + 14, 'x', 150);
	memcpy(line + 105, "\r\n", 2);
	h = good(ln_slice(line, 110), 107);
	ck_assert(!h.known);
	memset(line + 14, 'x', 150);
	memcpy(line + 106, "\r\n", 2);
	/* Known as soon as the line cannot end in time. */
	ck_assert_uint_eq(bad(ln_slice(line, 160), LN_LIMIT, "107"), 106);
}
END_TEST

START_TEST(nul_in_an_address)
{
	static const char line[] = "PROXY TCP4 192.0.2.1\0x 192.0.2.2 1000 1883\r\n";

	bad(ln_slice(line, sizeof(line) - 1), LN_MALFORMED, "an address");
}
END_TEST

/* --- neither ------------------------------------------------------------------------------------------------------ */

START_TEST(knows_early_that_there_is_none)
{
	ck_assert_uint_eq(bad(LN_STR("\x10\x0c\0\4MQTT\4\2\0\0\0\0"), LN_NOT_FOUND, "without a header"), 1);
	ck_assert_uint_eq(bad(LN_STR("GET / HTTP/1.1\r\n\r\n"), LN_NOT_FOUND, "without a header"), 1);
	ck_assert_uint_eq(bad(LN_STR("\x16\3\1\2\0"), LN_NOT_FOUND, "without a header"), 1);
	ck_assert_uint_eq(bad(LN_STR("PROXZ"), LN_NOT_FOUND, "without a header"), 5);
	ck_assert_uint_eq(bad(LN_STR("PROXY\tTCP4"), LN_NOT_FOUND, "without a header"), 6);
	ck_assert_uint_eq(bad(LN_STR("proxy TCP4"), LN_NOT_FOUND, "without a header"), 1);
	ck_assert_uint_eq(bad(LN_STR("\r\n\r\n\0\r\nQUIT\r"), LN_NOT_FOUND, "without a header"), 12);
}
END_TEST

/* --- version 2 ---------------------------------------------------------------------------------------------------- */

/* A header of version 2 in BUF: command and family, then BODY. Returns its size. */
static size_t v2(uint8_t *buf, unsigned command, unsigned family, const void *body, size_t size)
{
	memcpy(buf, V2, 12);
	buf[12] = (uint8_t)command;
	buf[13] = (uint8_t)family;
	buf[14] = (uint8_t)(size >> 8);
	buf[15] = (uint8_t)size;
	memcpy(buf + 16, body, size);
	return 16 + size;
}

#define INET_BLOCK "\xc0\0\2\1\xc0\0\2\2\x03\xe8\x07\x5b"

START_TEST(reads_version_2)
{
	uint8_t buf[400], block[216] = { 0 };
	proxy_header_t h;
	size_t n;

	n = v2(buf, 0x21, 0x11, INET_BLOCK, 12);
	buf[n] = 0x10;
	h = good(ln_slice(buf, n + 1), n);
	ck_assert_uint_eq(h.version, 2);
	ck_assert(h.known);
	ck_assert_str_eq(text_of(&h.source), "192.0.2.1:1000");
	ck_assert_str_eq(text_of(&h.destination), "192.0.2.2:1883");
	ck_assert_uint_eq(h.tlvs.len, 0);

	inet_pton(AF_INET6, "2001:db8::1", block);
	inet_pton(AF_INET6, "2001:db8::2", block + 16);
	memcpy(block + 32, "\x03\xe8\x07\x5b", 4);
	n = v2(buf, 0x21, 0x21, block, 36);
	h = good(ln_slice(buf, n), n);
	ck_assert_str_eq(text_of(&h.source), "[2001:db8::1]:1000");
	ck_assert_str_eq(text_of(&h.destination), "[2001:db8::2]:1883");

	memset(block, 'p', 216);
	strcpy((char *)block, "/run/client");
	n = v2(buf, 0x21, 0x31, block, 216);
	h = good(ln_slice(buf, n), n);
	ck_assert_str_eq(text_of(&h.source), "unix:/run/client");
	/* A path may fill all its bytes. */
	ck_assert_uint_eq(strlen(text_of(&h.destination)), 5 + 108);
}
END_TEST

START_TEST(some_speak_for_themselves)
{
	static const struct { unsigned command, family; size_t size; } heads[] = {
		{ 0x20, 0x00, 0 }, { 0x20, 0x00, 12 }, { 0x20, 0x11, 12 }, { 0x20, 0xff, 5 }, { 0x20, 0x11, 3 },
		{ 0x21, 0x00, 0 }, { 0x21, 0x00, 7 }, { 0x21, 0x01, 12 }, { 0x21, 0x02, 12 },
	};
	uint8_t buf[64];

	for (size_t i = 0; i < LN_ARRAY_SIZE(heads); i++) {
		size_t n = v2(buf, heads[i].command, heads[i].family, INET_BLOCK, heads[i].size);
		proxy_header_t h = good(ln_slice(buf, n), n);
		ck_assert(!h.known);
		ck_assert_uint_eq(h.source.ss_family, 0);
		ck_assert_uint_eq(h.tlvs.len, 0);
	}
}
END_TEST

START_TEST(refuses_version_2)
{
	static const struct { unsigned command, family; size_t size, at; const char *why; } heads[] = {
		{ 0x11, 0x11, 12, 13, "version is not 2" }, { 0x31, 0x11, 12, 13, "version is not 2" },
		{ 0x22, 0x11, 12, 13, "neither LOCAL nor PROXY" }, { 0x2f, 0x11, 12, 13, "neither LOCAL nor PROXY" },
		{ 0x21, 0x41, 12, 14, "unknown" }, { 0x21, 0xf1, 12, 14, "unknown" }, { 0x21, 0x13, 12, 14, "unknown" },
		{ 0x21, 0x0f, 12, 14, "unknown" }, { 0x21, 0x12, 12, 14, "no stream" }, { 0x21, 0x10, 12, 14, "no stream" },
		{ 0x21, 0x22, 12, 14, "no stream" }, { 0x21, 0x11, 11, 27, "cut off" }, { 0x21, 0x11, 0, 16, "cut off" },
		{ 0x21, 0x21, 12, 28, "cut off" }, { 0x21, 0x31, 12, 28, "cut off" },
	};
	uint8_t buf[64];

	for (size_t i = 0; i < LN_ARRAY_SIZE(heads); i++) {
		size_t n = v2(buf, heads[i].command, heads[i].family, INET_BLOCK, heads[i].size);
		ck_assert_uint_eq(bad(ln_slice(buf, n), LN_MALFORMED, heads[i].why), heads[i].at);
	}
}
END_TEST

START_TEST(a_header_has_4096_bytes)
{
	static uint8_t buf[5000], body[5000] = INET_BLOCK "\4";
	size_t size = PROXY_V2_MAX - 16;
	proxy_header_t h;

	/* One TLV of padding fills it. */
	body[13] = (uint8_t)((size - 15) >> 8);
	body[14] = (uint8_t)(size - 15);
	v2(buf, 0x21, 0x11, body, size);
	h = good(ln_slice(buf, PROXY_V2_MAX), PROXY_V2_MAX);
	ck_assert_uint_eq(h.tlvs.len, size - 12);
	v2(buf, 0x21, 0x11, body, size + 1);
	ck_assert_uint_eq(bad(ln_slice(buf, 4999), LN_LIMIT, "4096"), 16);
	v2(buf, 0x20, 0x00, body, size + 1);
	ck_assert_uint_eq(bad(ln_slice(buf, 4999), LN_LIMIT, "4096"), 16);
}
END_TEST

/* --- TLVs --------------------------------------------------------------------------------------------------------- */

START_TEST(keeps_tlvs)
{
	static const char body[] = INET_BLOCK "\2\0\7a.local\5\0\2id\4\0\0\x20\0\x0f\1\0\0\0\0\x22\0\7example\5\0\3two";
	uint8_t buf[128];
	size_t n = v2(buf, 0x21, 0x11, body, sizeof(body) - 1);
	proxy_header_t h = good(ln_slice(buf, n), n);
	ln_slice_t value, rest = h.tlvs;
	proxy_tlv_t tlv;
	unsigned count = 0;

	while (proxy_tlv_next(&rest, &tlv))
		count++;
	ck_assert_uint_eq(count, 5);
	ck_assert(proxy_tlv_find(h.tlvs, PROXY_TLV_AUTHORITY, &value) && ln_slice_eq(value, LN_STR("a.local")));
	ck_assert(proxy_tlv_find(h.tlvs, PROXY_TLV_UNIQUE_ID, &value) && ln_slice_eq(value, LN_STR("id")));
	ck_assert(proxy_tlv_find(h.tlvs, PROXY_TLV_NOOP, &value) && value.len == 0);
	ck_assert(!proxy_tlv_find(h.tlvs, PROXY_TLV_NETNS, &value));
	ck_assert(proxy_tlv_find(h.tlvs, PROXY_TLV_SSL, &value));
	value = ln_slice(value.data + PROXY_TLV_SSL_HEAD, value.len - PROXY_TLV_SSL_HEAD);
	ck_assert(proxy_tlv_find(value, PROXY_TLV_SSL_CN, &value) && ln_slice_eq(value, LN_STR("example")));
}
END_TEST

START_TEST(refuses_torn_tlvs)
{
	static const struct { const char *body; size_t size; } bodies[] = {
		{ INET_BLOCK "\4", 13 }, { INET_BLOCK "\4\0", 14 }, { INET_BLOCK "\4\0\1", 15 },
		{ INET_BLOCK "\4\0\0\4\xff\xffxxxx", 22 },
	};
	uint8_t buf[64];

	for (size_t i = 0; i < LN_ARRAY_SIZE(bodies); i++) {
		size_t n = v2(buf, 0x21, 0x11, bodies[i].body, bodies[i].size);
		bad(ln_slice(buf, n), LN_MALFORMED, "longer than the header");
	}
}
END_TEST

START_TEST(knows_the_checksum)
{
	/* RFC 3720, B.4: 32 bytes of zeros; and the classical check value. */
	static const uint8_t zeros[32];

	ck_assert_uint_eq(proxy_crc32c(ln_slice(zeros, 32), SIZE_MAX), 0x8a9136aa);
	ck_assert_uint_eq(proxy_crc32c(LN_STR("123456789"), SIZE_MAX - 4), 0xe3069283);
	ck_assert_uint_eq(proxy_crc32c(LN_STR("123456789"), 2), proxy_crc32c(LN_STR("12\0\0\0\0" "789"), SIZE_MAX - 4));
}
END_TEST

START_TEST(compares_the_checksum)
{
	static const char body[] = INET_BLOCK "\5\0\2id\3\0\4\0\0\0\0\4\0\1x";
	uint8_t buf[128], *crc = buf + 16 + 12 + 5 + 3;
	size_t n = v2(buf, 0x21, 0x11, body, sizeof(body) - 1);
	uint32_t sum = proxy_crc32c(ln_slice(buf, n), SIZE_MAX - 4);

	for (unsigned i = 0; i < 4; i++)
		crc[i] = (uint8_t)(sum >> (24 - 8 * i));
	good(ln_slice(buf, n), n);
	/* Any bit that is turned is seen; those of the head and the lengths may be judged for what they say. */
	for (size_t bit = 8 * 16; bit < 8 * n; bit++) {
		proxy_header_t h;
		size_t used;
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* A TLV that is no longer the checksum's cannot be missed: it need not be there. */
		if (bit / 8 < 16 + 12 + 5 || bit / 8 >= 16 + 12 + 8)
			ck_assert_msg(proxy_header_read(ln_slice(buf, n), &h, &used) == LN_MALFORMED, "bit %zu", bit);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	crc[-1] = 3;
	bad(ln_slice(buf, n), LN_MALFORMED, "");
}
END_TEST

LN_UNIT_MAIN("proxy/proxy_header", reads_version_1, refuses_version_1, a_line_has_107_bytes, nul_in_an_address,
	     knows_early_that_there_is_none, reads_version_2, some_speak_for_themselves, refuses_version_2,
	     a_header_has_4096_bytes, keeps_tlvs, refuses_torn_tlvs, knows_the_checksum, compares_the_checksum)
