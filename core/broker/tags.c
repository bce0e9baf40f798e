/* tags.c — see tags.h. A client has a handful of them open: they stand in a small array, in no order, and are searched one after the
 * other. A client may have 65,535 open, and searching those for each packet would be work for us by the square of what it sends: the
 * array never has more than 64, then a bitmap of 8 KiB takes its place until the set is empty.
 *
 * What was not done: a sorted array (moving 64 KiB for a packet at worst), and going back from the bitmap earlier (a set that goes up and
 * down around the border would be copied again and again).
 */
#include <string.h>
#include <linnet/mem.h>
#include "tags.h"

#define FEW_MIN 8u
#define FEW_MAX 64u
#define ALL 65536u

static uint16_t *find(const ln__tags_t *t, uint16_t tag)
{
	uint16_t *few = t->room;

	for (uint32_t i = 0; i < t->count; i++) {
		if (few[i] == tag)
			return &few[i];
	}
	return NULL;
}

static uint64_t *word_of(const ln__tags_t *t, uint16_t tag)
{
	return (uint64_t *)t->room + tag / 64;
}

static uint64_t bit_of(uint16_t tag)
{
	return UINT64_C(1) << tag % 64;
}

void ln__tags_fini(ln__tags_t *t)
{
	ln_free(t->room);
	*t = (ln__tags_t){ 0 };
}

bool ln__tags_has(const ln__tags_t *t, uint16_t tag)
{
	if (t->cap == ALL)
		return *word_of(t, tag) & bit_of(tag);
	return find(t, tag) != NULL;
}

static void become_bitmap(ln__tags_t *t)
{
	uint16_t *few = t->room;

	t->room = ln_alloc(ALL / 8);
	t->cap = ALL;
	for (uint32_t i = 0; i < t->count; i++)
		*word_of(t, few[i]) |= bit_of(few[i]);
	ln_free(few);
}

/* Makes room for one more. */
static void grow(ln__tags_t *t)
{
	if (t->cap == FEW_MAX) {
		become_bitmap(t);
		return;
	}
	t->cap = t->cap ? t->cap * 2 : FEW_MIN;
	t->room = ln_realloc(t->room, t->cap * sizeof(uint16_t));
}

bool ln__tags_add(ln__tags_t *t, uint16_t tag)
{
	if (ln__tags_has(t, tag))
		return false;
	if (t->count == t->cap)
		grow(t);
	if (t->cap == ALL)
		*word_of(t, tag) |= bit_of(tag);
	else
		((uint16_t *)t->room)[t->count] = tag;
	t->count++;
	return true;
}

bool ln__tags_remove(ln__tags_t *t, uint16_t tag)
{
	if (!ln__tags_has(t, tag))
		return false;
	if (t->cap == ALL)
		*word_of(t, tag) &= ~bit_of(tag);
	else
		*find(t, tag) = ((uint16_t *)t->room)[t->count - 1];
	if (--t->count == 0)
		ln__tags_fini(t);
	return true;
}
