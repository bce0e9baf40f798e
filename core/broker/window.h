/* window.h — the in-flight window: messages sent and not yet acknowledged, in the order of sending.
 *
 * A ring of entries whose tags count upward (1 … 65535, then 1 again), so the entry of a tag is found by subtraction. An entry settled out of
 * turn is marked and leaves when it comes to the head; its tag is not used again before. Single-threaded.
 */
#ifndef LN_BROKER_WINDOW_H
#define LN_BROKER_WINDOW_H

#include <linnet/queue.h>

typedef struct ln__window {
	ln_entry_t *ring;
	uint32_t head, count, cap;
	uint32_t resend;          /* entries before it are sent in this connection, those after it must be sent again */
	uint32_t open;            /* sent in this connection and not settled: what the peer's receive maximum limits */
	uint16_t next_tag;        /* 0: never used, begins at 1 */
} ln__window_t;

void ln__window_fini(ln__window_t *w);
/* Takes *E to the end, gives it the next tag, counts it as sent. NULL when all tags are in use. Borrowed until the next change. */
ln_entry_t *ln__window_push(ln__window_t *w, ln_entry_t *e);
/* Takes back the entry pushed last, which could not be sent. */
void ln__window_pop_last(ln__window_t *w, ln_entry_t *ret);
/* The unsettled entry of TAG, or NULL. */
ln_entry_t *ln__window_find(const ln__window_t *w, uint16_t tag);
ln_entry_t *ln__window_at(const ln__window_t *w, uint32_t i);
/* The peer has the message of E (PUBREC): it is released, its tag stays in use until E is settled. May be called again. */
void ln__window_received(ln_entry_t *e);
/* Settles E: its message is released, the head moves over settled ones. */
void ln__window_settle(ln__window_t *w, ln_entry_t *e);

#define ENTRY_COUNTED 32u     /* counts in `open` */

#endif
