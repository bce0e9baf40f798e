/* Tests core/loop/mail.c: the order of each sender, and that exactly one letter finds the box empty. */
#include <pthread.h>
#include <sched.h>
#include <linnet/mem.h>
#include "loop/mail.h"
#include "unit.h"

#define SENDERS 4u
#define LETTERS 20000u

typedef struct note {
	ln_letter_t letter;
	unsigned sender, number;
} note_t;

typedef struct sender {
	pthread_t thread;
	ln__mailbox_t *box;
	unsigned index, bells;
	note_t *notes;
} sender_t;

static void never(ln_letter_t *letter)
{
	(void)letter;
	ck_abort_msg("nobody calls letters here");
}

START_TEST(comes_out_as_it_went_in)
{
	ln__mailbox_t box = { NULL };
	ln_letter_t l[3] = { { .fn = never }, { .fn = never }, { .fn = never } };

	ck_assert(ln__mail_empty(&box));
	ck_assert_ptr_null(ln__mail_take(&box));
	ck_assert(ln__mail_push(&box, &l[0]));
	ck_assert(!ln__mail_push(&box, &l[1]));
	ck_assert(!ln__mail_push(&box, &l[2]));
	ck_assert(!ln__mail_empty(&box));
	ck_assert_ptr_eq(ln__mail_take(&box), &l[0]);
	ck_assert_ptr_eq(l[0].next, &l[1]);
	ck_assert_ptr_eq(l[1].next, &l[2]);
	ck_assert_ptr_null(l[2].next);
	ck_assert(ln__mail_empty(&box));
	ck_assert(ln__mail_push(&box, &l[1]));
	ck_assert_ptr_eq(ln__mail_take(&box), &l[1]);
}
END_TEST

static void *send_all(void *arg)
{
	sender_t *s = arg;

	for (unsigned i = 0; i < LETTERS; i++) {
		s->notes[i] = (note_t){ { NULL, never }, s->index, i };
		s->bells += ln__mail_push(s->box, &s->notes[i].letter);
	}
	return NULL;
}

START_TEST(each_senders_order_is_kept)
{
	ln__mailbox_t box = { NULL };
	sender_t sender[SENDERS] = { 0 };
	unsigned next[SENDERS] = { 0 }, got = 0, full_takes = 0, bells = 0;

	for (unsigned i = 0; i < SENDERS; i++) {
		sender[i] = (sender_t){ .box = &box, .index = i, .notes = ln_new_n(note_t, LETTERS) };
		ck_assert_int_eq(pthread_create(&sender[i].thread, NULL, send_all, &sender[i]), 0);
	}
	while (got < SENDERS * LETTERS) {
		ln_letter_t *l = ln__mail_take(&box);
		full_takes += l != NULL;
		if (!l)
			sched_yield();
		for (; l; l = l->next, got++) {
			const note_t *n = LN_CONTAINER(l, note_t, letter);
			ck_assert_uint_eq(n->number, next[n->sender]);
			next[n->sender]++;
		}
	}
	for (unsigned i = 0; i < SENDERS; i++) {
		pthread_join(sender[i].thread, NULL);
		bells += sender[i].bells;
		ck_assert_uint_eq(next[i], LETTERS);
		ln_free(sender[i].notes);
	}
	ck_assert_uint_eq(bells, full_takes);
}
END_TEST

LN_UNIT_MAIN("loop/mail", comes_out_as_it_went_in, each_senders_order_is_kept)
