/* window.c — see window.h. The ring grows by doubling and goes when it is empty, so a session without traffic has none. */
#include "window.h"

#define RING_MIN 4u
#define TAGS 65535u

void ln__window_fini(ln__window_t *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		ln_entry_fini(ln__window_at(w, i));
	ln_free(w->ring);
	*w = (ln__window_t){ 0 };
}

ln_entry_t *ln__window_at(const ln__window_t *w, uint32_t i)
{
	return &w->ring[(w->head + i) & (w->cap - 1)];
}

static void resize(ln__window_t *w, uint32_t cap)
{
	ln_entry_t *ring = cap ? ln_alloc(sizeof(*ring) * cap) : NULL;

	for (uint32_t i = 0; i < w->count; i++)
		ring[i] = *ln__window_at(w, i);
	ln_free(w->ring);
	w->ring = ring;
	w->cap = cap;
	w->head = 0;
}

ln_entry_t *ln__window_push(ln__window_t *w, ln_entry_t *e)
{
	ln_entry_t *slot;

	if (w->count == TAGS)
		return NULL;
	if (w->count == w->cap)
		resize(w, w->cap ? w->cap * 2 : RING_MIN);
	w->next_tag = (uint16_t)(w->next_tag % TAGS + 1);
	slot = ln__window_at(w, w->count);
	*slot = *e;
	*e = (ln_entry_t){ 0 };
	slot->tag = w->next_tag;
	slot->flags |= ENTRY_COUNTED;
	w->count++;
	w->resend = w->count;
	w->open++;
	return slot;
}

void ln__window_pop_last(ln__window_t *w, ln_entry_t *ret)
{
	ln_entry_t *slot = ln__window_at(w, w->count - 1);

	*ret = *slot;
	*slot = (ln_entry_t){ 0 };
	ret->flags &= (uint8_t)~ENTRY_COUNTED;
	ret->tag = 0;
	w->count--;
	w->resend = w->count;
	w->open--;
	w->next_tag = (uint16_t)(w->next_tag == 1 ? TAGS : w->next_tag - 1u);
	if (w->count == 0)
		resize(w, 0);
}

ln_entry_t *ln__window_find(const ln__window_t *w, uint16_t tag)
{
	uint32_t i;
	ln_entry_t *e;

	if (w->count == 0 || tag == 0)
		return NULL;
	i = (uint32_t)(tag + TAGS - ln__window_at(w, 0)->tag) % TAGS;
	if (i >= w->count)
		return NULL;
	e = ln__window_at(w, i);
	return e->flags & LN_ENTRY_DONE ? NULL : e;
}

void ln__window_received(ln_entry_t *e)
{
	ln_entry_t kept = { .tag = e->tag, .qos = e->qos, .flags = LN_ENTRY_RECEIVED | (e->flags & (LN_ENTRY_SENT | ENTRY_COUNTED)) };

	ln_entry_fini(e);
	*e = kept;
}

void ln__window_settle(ln__window_t *w, ln_entry_t *e)
{
	uint16_t tag = e->tag;

	if (e->flags & ENTRY_COUNTED)
		w->open--;
	ln_entry_fini(e);
	e->tag = tag;
	e->flags = LN_ENTRY_DONE;
	while (w->count && ln__window_at(w, 0)->flags & LN_ENTRY_DONE) {
		w->head = (w->head + 1) & (w->cap - 1);
		w->count--;
		if (w->resend)
			w->resend--;
	}
	if (w->count == 0)
		resize(w, 0);
}
