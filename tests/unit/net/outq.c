/* Tests of core/net/outq.c: against a flat copy of everything that was written. */
#include <linnet/msg.h>
#include "net/outq.h"
#include "unit.h"

static ln__pages_t pages;
static ln__outq_t q;
static uint8_t model[1 << 20];
static size_t model_start, model_end;

static void unref(void *msg)
{
	ln_msg_unref(msg);
}

static ln_msg_t *message(size_t n, uint8_t first)
{
	uint8_t bytes[8192];
	ln_msg_t borrowed, *held;

	ck_assert_uint_le(n, sizeof(bytes));
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(first + i);
	borrowed = ln_msg_borrow(LN_STR("t"), ln_slice(NULL, 0), ln_slice(bytes, n));
	held = ln_msg_hold(&borrowed);
	ck_assert_ptr_nonnull(held);
	ln_msg_release(&borrowed);
	return held;
}

/* Everything that waits, piece by piece, is what the model says. */
static void check_content(unsigned pieces)
{
	struct iovec iov[64];
	size_t bytes, at = model_start;
	unsigned count = ln__outq_iov(&q, iov, pieces, &bytes);

	ck_assert_uint_eq(q.len, model_end - model_start);
	for (unsigned i = 0; i < count; i++) {
		ck_assert_uint_gt(iov[i].iov_len, 0);
		ck_assert_uint_le(at + iov[i].iov_len, model_end);
		ck_assert_mem_eq(iov[i].iov_base, model + at, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	ck_assert_uint_eq(bytes, at - model_start);
	ck_assert(count == pieces || at == model_end);
}

static void write_random(void)
{
	size_t n = (size_t)(random() % 3 ? random() % 100 : random() % 8000) + 1;
	uint8_t first = (uint8_t)random();

	for (size_t i = 0; i < n; i++)
		model[model_end + i] = (uint8_t)(first + i);
	switch (random() % 3) {
	case 0:
		ck_assert(ln__outq_copy(&q, &pages, model + model_end, n));
		break;
	case 1:
		memcpy(ln__outq_room(&q, &pages, n + (size_t)(random() % 50)), model + model_end, n);
		ln__outq_wrote(&q, n);
		break;
	default: {
		ln_msg_t *m = message(n, first);
		ck_assert(ln__outq_ref(&q, &pages, ln_msg_payload(m), m, unref));
	}
	}
	model_end += n;
}

START_TEST(keeps_every_byte_in_order)
{
	srandom(17);
	for (unsigned round = 0; round < 40; round++) {
		model_start = model_end = 0;
		for (unsigned i = 0; i < 60; i++) {
			write_random();
			check_content((unsigned)(random() % 64) + 1);
			if (random() % 2) {
				size_t n = (size_t)random() % (model_end - model_start + 1);
				ln__outq_consume(&q, &pages, n);
				model_start += n;
			}
			if (random() % 8 == 0)
				ln__outq_fit(&q, &pages);
			check_content(64);
		}
		if (round % 2) {
			ln__outq_consume(&q, &pages, q.len);
			ck_assert_ptr_null(q.head);
		}
		ln__outq_clear(&q, &pages);
	}
	ln__pages_fini(&pages);
}
END_TEST

START_TEST(begins_small_and_keeps_pages)
{
	ck_assert(ln__outq_copy(&q, &pages, (const uint8_t *)"x", 1));
	ck_assert_uint_eq(q.head->cap + sizeof(ln__page_t), LN__PAGE_SMALL);
	ck_assert_ptr_nonnull(ln__outq_room(&q, &pages, 4096));
	ck_assert_uint_eq(q.tail->cap + sizeof(ln__page_t), LN__PAGE_LARGE);
	ln__outq_clear(&q, &pages);
	ck_assert_uint_eq(pages.small_count, 1);
	ck_assert_uint_eq(pages.large_count, 1);
	ck_assert(ln__outq_copy(&q, &pages, (const uint8_t *)"x", 1));
	ck_assert_uint_eq(pages.small_count, 0);
	ln__outq_clear(&q, &pages);
	ln__pages_fini(&pages);
}
END_TEST

START_TEST(fits_what_waits)
{
	ck_assert(ln__outq_copy(&q, &pages, (const uint8_t *)"hello", 5));
	ln__outq_fit(&q, &pages);
	ck_assert_uint_eq(q.head->cap, 16);
	ck_assert_uint_eq(pages.small_count, 1);
	ln__outq_consume(&q, &pages, 5);
	ck_assert_ptr_null(q.head);
	ln__pages_fini(&pages);
}
END_TEST

START_TEST(holds_messages_until_written)
{
	ln_msg_t *m = message(2000, 1);

	ck_assert_ptr_eq(ln_msg_hold(m), m);
	ck_assert(ln__outq_ref(&q, &pages, ln_msg_payload(m), m, unref));
	ln__outq_consume(&q, &pages, 1999);
	ck_assert_uint_eq(m->refs, 2);
	ln__outq_consume(&q, &pages, 1);
	ck_assert_uint_eq(m->refs, 1);
	ck_assert(ln__outq_ref(&q, &pages, ln_msg_payload(m), m, unref));
	ln__outq_clear(&q, &pages); /* the last reference */
	ln__pages_fini(&pages);
}
END_TEST

START_TEST(refuses_whole)
{
	uint8_t bytes[5000] = { 0 };
	ln_msg_t *m = message(100, 1);

	ln_mem_fail_after(1);
	ck_assert(!ln__outq_copy(&q, &pages, bytes, 10));
	ln_mem_fail_after(1);
	ck_assert(!ln__outq_ref(&q, &pages, ln_msg_payload(m), m, unref));
	ck_assert_uint_eq(m->refs, 1);
	ck_assert(ln__outq_copy(&q, &pages, bytes, 10));
	ln_mem_fail_after(1);
	ck_assert(!ln__outq_copy(&q, &pages, bytes, 5000));
	ck_assert_uint_eq(q.len, 10);
	ln_mem_fail_after(0);
	ln_msg_unref(m);
	ln__outq_clear(&q, &pages);
	ln__pages_fini(&pages);
}
END_TEST

LN_UNIT_MAIN("net/outq", keeps_every_byte_in_order, begins_small_and_keeps_pages, fits_what_waits,
	     holds_messages_until_written, refuses_whole)
