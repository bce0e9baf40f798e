/* mail.c — letters without locks.
 *
 * An intrusive stack: a sender links its letter in front by compare-and-swap, the owner takes the whole stack by one
 * exchange and turns it round, so letters of one sender come out in the order they went in. Nothing is ever taken
 * singly, hence no ABA and no retired nodes. A ring buffer was not taken because it can be full; a queue with a tail
 * (liburcu's wfcqueue) was as fast, but ThreadSanitizer does not understand it.
 *
 * Push and take are sequentially consistent on purpose: they are one half of a handshake whose other half is the
 * bell's flag inside libev. A sender pushes, then looks at the flag; the owner clears the flag, then takes. With
 * anything weaker both could miss each other, on x86 too.
 */
#include <stdatomic.h>
#include "mail.h"

bool ln__mail_push(ln__mailbox_t *box, ln_letter_t *letter)
{
	ln_letter_t *top = atomic_load_explicit(&box->top, memory_order_relaxed);

	do
		letter->next = top;
	while (!atomic_compare_exchange_weak_explicit(&box->top, &top, letter, memory_order_seq_cst,
	                                              memory_order_relaxed));
	return top == NULL;
}

ln_letter_t *ln__mail_take(ln__mailbox_t *box)
{
	ln_letter_t *newer = atomic_exchange(&box->top, NULL), *oldest = NULL;

	while (newer) {
		ln_letter_t *older = newer->next;
		newer->next = oldest;
		oldest = newer;
		newer = older;
	}
	return oldest;
}

bool ln__mail_empty(ln__mailbox_t *box)
{
	return atomic_load(&box->top) == NULL;
}
