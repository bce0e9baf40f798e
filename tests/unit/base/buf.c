/* Tests core/base/buf.c: buffers against a plain model, readers at every truncation. */
#include <string.h>
#include <linnet/buf.h>
#include "unit.h"

START_TEST(empty_has_no_memory)
{
	ln_buf_t b = { 0 };

	ck_assert_uint_eq(ln_buf_len(&b), 0);
	ck_assert_uint_eq(ln_buf_slice(&b).len, 0);
	ln_buf_append(&b, NULL, 0);
	ck_assert_ptr_null(b.data);
	ln_buf_append(&b, "abc", 3);
	ln_buf_consume(&b, 2);
	ck_assert_ptr_nonnull(b.data);
	ln_buf_consume(&b, 1);
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.cap, 0);
	ln_buf_fini(&b);
}
END_TEST

START_TEST(exact_is_exact)
{
	ln_buf_t b = { 0 };

	ln_buf_reserve_exact(&b, 1000);
	ck_assert_uint_eq(b.cap, 1000);
	memset(ln_buf_reserve_exact(&b, 1000), 'x', 1000);
	ln_buf_commit(&b, 1000);
	ck_assert_uint_eq(b.cap, 1000);
	ln_buf_consume(&b, 400);
	ln_buf_reserve_exact(&b, 400);
	ck_assert_uint_eq(b.cap, 1000);
	ln_buf_reserve_exact(&b, 401);
	ck_assert_uint_eq(b.cap, 1001);
	ln_buf_fini(&b);
}
END_TEST

START_TEST(growing_is_amortised)
{
	ln_buf_t b = { 0 };
	unsigned moves = 0;
	uint32_t cap = 0;

	for (int i = 0; i < 100000; i++) {
		ln_buf_append(&b, "x", 1);
		moves += b.cap != cap;
		cap = b.cap;
	}
	ck_assert_uint_lt(moves, 25);
	ln_buf_fini(&b);
}
END_TEST

START_TEST(slow_consumer_does_not_move_everything)
{
	ln_buf_t b = { 0 };
	unsigned moves = 0;
	uint32_t start = 0;

	for (int i = 0; i < 1000; i++)
		ln_buf_append(&b, "0123456789", 10);
	for (int i = 0; i < 10000; i++) {
		ln_buf_append(&b, "y", 1);
		ln_buf_consume(&b, 1);
		moves += b.start < start;
		start = b.start;
	}
	ck_assert_uint_lt(moves, 5);
	ck_assert_uint_eq(ln_buf_len(&b), 10000);
	ck_assert_uint_lt(b.cap, 40000);
	ln_buf_fini(&b);
}
END_TEST

/* A stream of numbered bytes goes through; what comes out must be numbered the same. */
START_TEST(behaves_like_a_queue)
{
	ln_buf_t b = { 0 };
	uint32_t in = 0, out = 0, seed = 1;

	for (int round = 0; round < 20000; round++) {
		uint32_t n;
		seed = seed * 1103515245 + 12345;
		n = (seed >> 16) % 50;
		if (seed & 0x4000) {
			uint8_t *at = seed & 0x2000 ? ln_buf_reserve(&b, n) : ln_buf_reserve_exact(&b, n);
			for (uint32_t i = 0; i < n; i++)
				at[i] = (uint8_t)(in++ * 7);
			ln_buf_commit(&b, n);
			continue;
		}
		n = n < ln_buf_len(&b) ? n : ln_buf_len(&b);
		for (uint32_t i = 0; i < n; i++)
			ck_assert_uint_eq(ln_buf_slice(&b).data[i], (uint8_t)(out++ * 7));
		ln_buf_consume(&b, n);
		ck_assert_uint_eq(ln_buf_len(&b), in - out);
	}
	ck_assert_uint_gt(out, 1000);
	ln_buf_fini(&b);
}
END_TEST

START_TEST(printf_appends)
{
	ln_buf_t b = { 0 };

	ln_buf_append(&b, "<", 1);
	for (int i = 0; i < 50; i++)
		ln_buf_printf(&b, "%d,", i % 10);
	ln_buf_printf(&b, "%s", "");
	ck_assert_uint_eq(ln_buf_len(&b), 101);
	ck_assert(ln_slice_starts(ln_buf_slice(&b), LN_STR("<0,1,2,3,4,5,6,7,8,9,0,")));
	ln_buf_fini(&b);
}
END_TEST

START_TEST(too_much_is_a_broken_contract)
{
	ln_buf_t b = { 0 };

	ln_unit_aborts(ln_buf_consume(&b, 1));
	ln_unit_aborts(ln_buf_reserve(&b, (size_t)1 << 31));
	ln_unit_aborts(ln_buf_reserve_exact(&b, SIZE_MAX));
}
END_TEST

START_TEST(reader_reads_big_endian)
{
	static const uint8_t bytes[] = { 1, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 'a', 'b' };
	ln_reader_t r = ln_reader(ln_slice(bytes, sizeof(bytes)));

	ck_assert_uint_eq(ln_read_u8(&r), 1);
	ck_assert_uint_eq(ln_read_u16(&r), 0x1234);
	ck_assert_uint_eq(ln_read_u32(&r), 0xdeadbeef);
	ln_unit_slice(ln_read_bytes(&r, 2), "ab");
	ck_assert(!r.bad);
	ck_assert_uint_eq(ln_read_bytes(&r, 0).len, 0);
	ck_assert(!r.bad);
	ck_assert_uint_eq(ln_read_u8(&r), 0);
	ck_assert(r.bad);
}
END_TEST

START_TEST(reader_is_bad_at_every_truncation)
{
	uint8_t *bytes;

	for (size_t len = 0; len < 9; len++) {
		ln_reader_t r;
		bytes = ln_alloc(len); /* exactly LEN bytes, so that a sanitizer sees a step too far */
		r = ln_reader(ln_slice(bytes, len));
		ln_read_u8(&r);
		ln_read_u16(&r);
		ln_read_u32(&r);
		ln_read_bytes(&r, 2);
		ck_assert(r.bad);
		ck_assert_uint_eq(ln_reader_left(&r), 0);
		ck_assert_uint_eq(ln_read_u32(&r), 0);
		ln_free(bytes);
	}
}
END_TEST

START_TEST(reader_of_nothing)
{
	ln_reader_t r = ln_reader(ln_slice(NULL, 0));

	ck_assert_uint_eq(ln_read_bytes(&r, 0).len, 0);
	ck_assert(!r.bad);
	ck_assert_uint_eq(ln_read_u16(&r), 0);
	ck_assert(r.bad);
	r = ln_reader(LN_STR("x"));
	ck_assert_ptr_null(ln_read_bytes(&r, SIZE_MAX).data);
	ck_assert(r.bad);
}
END_TEST

START_TEST(put_is_what_read_reads)
{
	uint8_t bytes[6];
	ln_reader_t r = ln_reader(ln_slice(bytes, sizeof(bytes)));

	ln_put_u16(bytes, 0xfedc);
	ln_put_u32(bytes + 2, 0x80000001);
	ck_assert_uint_eq(ln_read_u16(&r), 0xfedc);
	ck_assert_uint_eq(ln_read_u32(&r), 0x80000001);
}
END_TEST

LN_UNIT_MAIN("base/buf", empty_has_no_memory, exact_is_exact, growing_is_amortised,
             slow_consumer_does_not_move_everything, behaves_like_a_queue, printf_appends,
             too_much_is_a_broken_contract, reader_reads_big_endian, reader_is_bad_at_every_truncation,
             reader_of_nothing, put_is_what_read_reads)
