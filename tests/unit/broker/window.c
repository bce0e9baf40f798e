/* Tests core/broker/window.c: tags and their turn-over, settling out of turn, taking back; and long random runs against a model that
 * knows nothing of rings. */
#include <linnet/mem.h>
#include "broker/window.h"
#include "unit.h"

#define TAGS 65535u

static ln_msg_t *message(void)
{
	ln_msg_t m = ln_msg_borrow(LN_STR("t"), ln_slice(NULL, 0), LN_STR("p"));
	ln_msg_t *held = ln_msg_hold(&m);

	ln_msg_release(&m);
	return held;
}

static ln_entry_t *push(ln__window_t *w)
{
	ln_entry_t e = { .msg = message(), .qos = 1 }, *in = ln__window_push(w, &e);

	if (in)
		ck_assert_ptr_null(e.msg);
	else
		ln_entry_fini(&e);
	return in;
}

static void settle(ln__window_t *w, uint16_t tag)
{
	ln_entry_t *e = ln__window_find(w, tag);

	ck_assert_msg(e != NULL, "tag %u", tag);
	ck_assert_uint_eq(e->tag, tag);
	ln__window_settle(w, e);
	ck_assert_ptr_null(ln__window_find(w, tag));
}

START_TEST(tags_count_from_one)
{
	ln__window_t w = { 0 };

	ck_assert_ptr_null(ln__window_find(&w, 0));
	ck_assert_ptr_null(ln__window_find(&w, 1));
	for (uint16_t tag = 1; tag <= 100; tag++) {
		ck_assert_uint_eq(push(&w)->tag, tag);
		ck_assert_uint_eq(w.open, tag);
		ck_assert_uint_eq(w.resend, w.count);
	}
	ck_assert_ptr_null(ln__window_find(&w, 0));
	ck_assert_ptr_null(ln__window_find(&w, 101));
	ck_assert_ptr_null(ln__window_find(&w, 65535));
	for (uint16_t tag = 1; tag <= 100; tag++)
		settle(&w, tag);
	ck_assert_uint_eq(w.count, 0);
	ck_assert_uint_eq(w.open, 0);
	ck_assert_ptr_null(w.ring);
	ck_assert_uint_eq(push(&w)->tag, 101);
	ln__window_fini(&w);
}
END_TEST

START_TEST(settled_out_of_turn)
{
	ln__window_t w = { 0 };

	for (unsigned i = 0; i < 5; i++)
		push(&w);
	settle(&w, 3);
	settle(&w, 2);
	settle(&w, 5);
	ck_assert_uint_eq(w.count, 5);
	ck_assert_uint_eq(w.open, 2);
	ck_assert_ptr_nonnull(ln__window_find(&w, 4));
	settle(&w, 1);
	ck_assert_uint_eq(w.count, 2);
	ck_assert_uint_eq(push(&w)->tag, 6);
	settle(&w, 4);
	ck_assert_uint_eq(w.count, 1);
	settle(&w, 6);
	ck_assert_uint_eq(w.count, 0);
	ck_assert_ptr_null(w.ring);
}
END_TEST

START_TEST(tags_turn_over)
{
	ln__window_t w = { .next_tag = 65533 };

	ck_assert_uint_eq(push(&w)->tag, 65534);
	ck_assert_uint_eq(push(&w)->tag, 65535);
	ck_assert_uint_eq(push(&w)->tag, 1);
	ck_assert_uint_eq(push(&w)->tag, 2);
	settle(&w, 1);
	settle(&w, 65534);
	settle(&w, 2);
	ck_assert_uint_eq(w.count, 3);
	settle(&w, 65535);
	ck_assert_uint_eq(w.count, 0);
}
END_TEST

START_TEST(all_tags_in_use)
{
	ln__window_t w = { .next_tag = 40000 };

	for (uint32_t i = 0; i < TAGS; i++)
		ck_assert_uint_eq(push(&w)->tag, (40000 + i) % TAGS + 1);
	ck_assert_ptr_null(push(&w));
	for (uint32_t tag = 1; tag <= TAGS; tag += 1111)
		ck_assert_uint_eq(ln__window_find(&w, (uint16_t)tag)->tag, tag);
	settle(&w, 40000);          /* the newest: its tag is not free before the oldest is */
	ck_assert_ptr_null(push(&w));
	settle(&w, 40001);
	ck_assert_uint_eq(push(&w)->tag, 40001);
	ck_assert_ptr_null(push(&w));
	ln__window_fini(&w);
	ck_assert_ptr_null(w.ring);
}
END_TEST

START_TEST(taken_back)
{
	ln__window_t w = { 0 };
	ln_entry_t e;

	push(&w);
	ln__window_pop_last(&w, &e);
	ck_assert_uint_eq(e.tag, 0);
	ck_assert_ptr_nonnull(e.msg);
	ck_assert_ptr_null(w.ring);
	ck_assert_uint_eq(w.open, 0);
	ck_assert_uint_eq(ln__window_push(&w, &e)->tag, 1);
	push(&w);
	ln__window_pop_last(&w, &e);
	ln_entry_fini(&e);
	ck_assert_uint_eq(w.count, 1);
	ck_assert_uint_eq(w.resend, 1);
	ck_assert_uint_eq(push(&w)->tag, 2);
	w.next_tag = 1;
	ln__window_fini(&w);
	w.next_tag = TAGS;
	ck_assert_uint_eq(push(&w)->tag, 1);
	ln__window_pop_last(&w, &e);
	ln_entry_fini(&e);
	ck_assert_uint_eq(push(&w)->tag, 1);
	ln__window_fini(&w);
}
END_TEST

/* In a new connection nothing is on its way until it was sent again; what is settled before that does not count twice. */
START_TEST(sent_again)
{
	ln__window_t w = { 0 };

	for (unsigned i = 0; i < 6; i++)
		push(&w);
	w.resend = w.open = 0;
	for (uint32_t i = 0; i < 6; i++)
		ln__window_at(&w, i)->flags &= (uint8_t)~ENTRY_COUNTED;
	settle(&w, 1);                          /* not sent again yet */
	ck_assert_uint_eq(w.open, 0);
	ck_assert_uint_eq(w.resend, 0);
	for (; w.resend < 3; w.resend++, w.open++)
		ln__window_at(&w, w.resend)->flags |= ENTRY_COUNTED;     /* tags 2, 3, 4 */
	settle(&w, 3);
	settle(&w, 5);
	ck_assert_uint_eq(w.open, 2);
	ck_assert_uint_eq(w.resend, 3);
	settle(&w, 2);                          /* with it goes 3 */
	ck_assert_uint_eq(w.open, 1);
	ck_assert_uint_eq(w.resend, 1);
	ck_assert_uint_eq(ln__window_at(&w, w.resend)->tag, 5);
	settle(&w, 4);                          /* with it goes 5 */
	ck_assert_uint_eq(w.open, 0);
	ck_assert_uint_eq(w.resend, 0);
	ck_assert_uint_eq(ln__window_at(&w, 0)->tag, 6);
	ln__window_fini(&w);
}
END_TEST

/* --- against a model: who is unsettled, in the order of sending ------------------------------------------------------------------ */

typedef struct model {
	uint16_t order[TAGS];     /* all from the oldest unsettled one on */
	bool settled[TAGS + 1];
	uint32_t count, open;
	uint16_t last;
} model_t;

static uint32_t seed = 3;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void model_settle(model_t *m, uint16_t tag)
{
	uint32_t gone = 0;

	m->settled[tag] = true;
	m->open--;
	while (gone < m->count && m->settled[m->order[gone]])
		gone++;
	memmove(m->order, m->order + gone, (m->count - gone) * sizeof(m->order[0]));
	m->count -= gone;
}

static void model_push(model_t *m)
{
	m->last = (uint16_t)(m->last == TAGS ? 1 : m->last + 1);
	m->order[m->count++] = m->last;
	m->settled[m->last] = false;
	m->open++;
}

static void compare(const ln__window_t *w, const model_t *m)
{
	ck_assert_uint_eq(w->count, m->count);
	ck_assert_uint_eq(w->open, m->open);
	for (uint32_t i = 0; i < m->count; i++) {
		uint16_t tag = m->order[i];

		ck_assert_uint_eq(ln__window_at(w, i)->tag, tag);
		ck_assert_ptr_eq(ln__window_find(w, tag), m->settled[tag] ? NULL : ln__window_at(w, i));
	}
}

static void step(ln__window_t *w, model_t *m, uint32_t limit)
{
	if (draw(2) && m->count < limit) {
		ln_entry_t *in = push(w);
		ln_entry_t back;

		model_push(m);
		ck_assert_uint_eq(in->tag, m->last);
		if (draw(5) == 0) {
			ln__window_pop_last(w, &back);
			ln_entry_fini(&back);
			m->count--;
			m->open--;
			m->last = (uint16_t)(m->last == 1 ? TAGS : m->last - 1u);
		}
	} else if (m->count) {
		uint16_t tag = m->order[draw(m->count)];

		if (m->settled[tag])
			return;
		settle(w, tag);
		model_settle(m, tag);
	}
}

START_TEST(like_a_model)
{
	static model_t m;
	ln__window_t w = { 0 };

	for (uint32_t i = 0; i < 400000; i++) {
		step(&w, &m, 1 + i / 1000 % 60);
		if (i % 61 == 0)
			compare(&w, &m);
	}
	ln__window_fini(&w);
}
END_TEST

LN_UNIT_MAIN("broker/window", tags_count_from_one, settled_out_of_turn, tags_turn_over, all_tags_in_use, taken_back, sent_again,
             like_a_model)
