/* mail.h — a worker's mailbox: many threads push, one takes all. */
#ifndef LN_LOOP_MAIL_H
#define LN_LOOP_MAIL_H

#include <stdbool.h>
#include <linnet/worker.h>

typedef struct ln__mailbox {
	_Atomic(ln_letter_t *) top;      /* newest first */
} ln__mailbox_t;

/* Puts LETTER in. Returns whether the box was empty: then, and only then, the owner must be rung. Thread: any. */
bool ln__mail_push(ln__mailbox_t *box, ln_letter_t *letter);
/* Takes all letters out. Returns the oldest, linked to newer ones by next, or NULL. Thread: the owner's. */
ln_letter_t *ln__mail_take(ln__mailbox_t *box);
/* Thread: any; the answer may be old when it arrives. */
bool ln__mail_empty(ln__mailbox_t *box);

#endif
