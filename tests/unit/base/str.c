/* Tests core/base/str.c: UTF-8 against a slow, separate judge; printing; numbers. */
#include <string.h>
#include <linnet/mem.h>
#include <linnet/str.h>
#include "unit.h"

/* Judges by building every character from its bytes the other way round: encodes each candidate and compares. */
static unsigned encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80)
		return out[0] = (uint8_t)c, 1;
	if (c < 0x800)
		return out[0] = (uint8_t)(0xc0 | c >> 6), out[1] = (uint8_t)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return out[0] = (uint8_t)(0xe0 | c >> 12), out[1] = (uint8_t)(0x80 | (c >> 6 & 63)),
		       out[2] = (uint8_t)(0x80 | (c & 63)), 3;
	return out[0] = (uint8_t)(0xf0 | c >> 18), out[1] = (uint8_t)(0x80 | (c >> 12 & 63)),
	       out[2] = (uint8_t)(0x80 | (c >> 6 & 63)), out[3] = (uint8_t)(0x80 | (c & 63)), 4;
}

/* A copy of exactly its size, so that a sanitizer sees a step too far. */
static ln_utf8_t check_copy(const void *data, size_t len)
{
	uint8_t *copy = ln_alloc(len ? len : 1);
	ln_utf8_t found;

	if (len > 0)
		memcpy(copy, data, len);
	found = ln_utf8_check(ln_slice(copy, len));
	ln_free(copy);
	return found;
}

static ln_utf8_t expected(uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return LN_UTF8_BAD;
	if (c == 0)
		return LN_UTF8_NUL;
	if (c <= 0x1f || (c >= 0x7f && c <= 0x9f) || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xffff) >= 0xfffe)
		return LN_UTF8_CONTROL;
	return LN_UTF8_OK;
}

START_TEST(every_code_point)
{
	uint8_t bytes[4];

	for (uint32_t c = 0; c < 0x120000; c++) {
		unsigned len = encode(c, bytes);
		ck_assert_msg(ln_utf8_check(ln_slice(bytes, len)) == expected(c), "U+%04X", c);
	}
}
END_TEST

START_TEST(every_pair_of_bytes)
{
	for (unsigned i = 0; i < 0x10000; i++) {
		uint8_t bytes[2] = { (uint8_t)(i >> 8), (uint8_t)i };
		ln_utf8_t want = LN_UTF8_BAD;

		if (bytes[0] < 0x80 && bytes[1] < 0x80)
			want = expected(bytes[0]) > expected(bytes[1]) ? expected(bytes[0]) : expected(bytes[1]);
		else if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf && (bytes[1] & 0xc0) == 0x80)
			want = expected((uint32_t)(bytes[0] & 0x1f) << 6 | (bytes[1] & 0x3f));
		ck_assert_msg(ln_utf8_check(ln_slice(bytes, 2)) == want, "%04x", i);
	}
}
END_TEST

START_TEST(malformed_is_bad)
{
	static const char *const bad[] = {
		"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\x80", "\xbf",
		"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2(\xa1", "\xf8\x88\x80\x80\x80", "ascii\xe2\x82",
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(check_copy(bad[i], strlen(bad[i])) == LN_UTF8_BAD, "sample %zu", i);
}
END_TEST

/* One odd character at every place of texts of every length around the eight-byte path. */
START_TEST(odd_bytes_are_found_everywhere)
{
	static const struct {
		const char *bytes;
		size_t len;
		ln_utf8_t want;
	} odd[] = {
		{ "\0", 1, LN_UTF8_NUL },
		{ "\x01", 1, LN_UTF8_CONTROL },
		{ "\x1f", 1, LN_UTF8_CONTROL },
		{ "\x7f", 1, LN_UTF8_CONTROL },
		{ " ", 1, LN_UTF8_OK },
		{ "~", 1, LN_UTF8_OK },
		{ "\xc2\x85", 2, LN_UTF8_CONTROL },
		{ "\x80", 1, LN_UTF8_BAD },
		{ "\xe2\x82\xac", 3, LN_UTF8_OK },
		{ "\xc3", 1, LN_UTF8_BAD },
	};

	for (size_t len = 0; len < 40; len++) {
		for (size_t at = 0; at <= len; at++) {
			for (size_t k = 0; k < LN_ARRAY_SIZE(odd); k++) {
				char text[64];
				memset(text, 'a', sizeof(text));
				memcpy(text + at, odd[k].bytes, odd[k].len);
				ck_assert_msg(check_copy(text, len + odd[k].len) == odd[k].want, "%zu at %zu of %zu", k,
				              at, len);
			}
		}
	}
	ck_assert_int_eq(ln_utf8_check(ln_slice(NULL, 0)), LN_UTF8_OK);
}
END_TEST

START_TEST(worst_finding_wins)
{
	ck_assert_int_eq(ln_utf8_check(ln_slice("\x01\0aaaaaaaaaaaa", 14)), LN_UTF8_NUL);
	ck_assert_int_eq(ln_utf8_check(ln_slice("\0aaaaaaaaaaaaa\x01", 15)), LN_UTF8_NUL);
	ck_assert_int_eq(ln_utf8_check(ln_slice("\0aaaaaaaaaaaaa\xff", 15)), LN_UTF8_BAD);
	ck_assert_int_eq(ln_utf8_check(ln_slice("\x02" "aaaaaaaaaaaaaa", 15)), LN_UTF8_CONTROL);
}
END_TEST

START_TEST(prints_for_humans)
{
	char out[64];

	ck_assert_str_eq(ln_slice_print(LN_STR("a/b"), out, sizeof(out)), "a/b");
	ck_assert_str_eq(ln_slice_print(LN_STR("a\n\0b"), out, sizeof(out)), "a\\x0a\\x00b");
	ck_assert_str_eq(ln_slice_print(LN_STR("gr\xc3\xbc\xc3"), out, sizeof(out)), "gr\xc3\xbc\\xc3");
	ck_assert_str_eq(ln_slice_print(LN_STR("\xc2\x85"), out, sizeof(out)), "\\xc2\\x85");
	ck_assert_str_eq(ln_slice_print(ln_slice(NULL, 0), out, sizeof(out)), "");
}
END_TEST

START_TEST(print_is_cut_at_every_size)
{
	ln_slice_t s = LN_STR("ab\x01gr\xc3\xbcn \xf0\x9f\x90\xa6 end");
	char whole[64];
	size_t full = strlen(ln_slice_print(s, whole, sizeof(whole)));

	for (size_t size = 1; size <= full + 1; size++) {
		char *out = ln_alloc(size);
		size_t len = strlen(ln_slice_print(s, out, size));

		ck_assert_uint_lt(len, size);
		ck_assert_int_eq(ln_utf8_check(ln_slice(out, len)), LN_UTF8_OK);
		if (size == full + 1)
			ck_assert_str_eq(out, whole);
		else if (size >= 4)
			ck_assert_str_eq(out + len - 3, "…");
		else
			ck_assert_uint_eq(len, 0);
		if (size >= 4 && size <= full)
			ck_assert_mem_eq(out, whole, len - 3);
		ln_free(out);
	}
	ln_slice_print(s, NULL, 0);
}
END_TEST

START_TEST(numbers)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616",
		                           "99999999999999999999" };
	uint64_t n = 77;

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(!ln_parse_u64(ln_slice_of(bad[i]), UINT64_MAX, &n), "%s", bad[i]);
	ck_assert(!ln_parse_u64(LN_STR("101"), 100, &n));
	ck_assert_uint_eq(n, 77);
	ck_assert(ln_parse_u64(LN_STR("100"), 100, &n) && n == 100);
	ck_assert(ln_parse_u64(LN_STR("0"), 0, &n) && n == 0);
	ck_assert(ln_parse_u64(LN_STR("18446744073709551615"), UINT64_MAX, &n) && n == UINT64_MAX);
	ck_assert(ln_parse_u64(LN_STR("007"), 10, &n) && n == 7);
}
END_TEST

START_TEST(slices_compare)
{
	ck_assert(ln_slice_eq(ln_slice(NULL, 0), LN_STR("")));
	ck_assert(ln_slice_eq(LN_STR("a"), ln_slice_of("a")));
	ck_assert(!ln_slice_eq(LN_STR("a"), LN_STR("b")));
	ck_assert(!ln_slice_eq(LN_STR("a"), LN_STR("aa")));
	ck_assert(ln_slice_starts(LN_STR("abc"), LN_STR("ab")));
	ck_assert(ln_slice_starts(LN_STR("abc"), ln_slice(NULL, 0)));
	ck_assert(!ln_slice_starts(LN_STR("ab"), LN_STR("abc")));
	ck_assert_uint_eq(ln_slice_of(NULL).len, 0);
}
END_TEST

LN_UNIT_MAIN("base/str", every_code_point, every_pair_of_bytes, malformed_is_bad, odd_bytes_are_found_everywhere,
             worst_finding_wins, prints_for_humans, print_is_cut_at_every_size, numbers, slices_compare)
