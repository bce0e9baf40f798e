/* queue.h — ordered messages waiting on one home, with limits and a policy for when it is full.
 *
 * Entries are 24 bytes in one ring that grows and shrinks by doubling; messages are references. Expired messages are dropped when
 * met. An empty queue has no memory. Single-threaded.
 */
#ifndef LINNET_QUEUE_H
#define LINNET_QUEUE_H

#include <linnet/msg.h>

/* DISCONNECT: the newest goes, and whoever the queue is for is disconnected by the queue's owner. */
typedef enum ln_full { LN_FULL_DROP_NEWEST, LN_FULL_DROP_OLDEST, LN_FULL_DISCONNECT } ln_full_t;

typedef struct ln_queue_limits {
	uint32_t count;         /* messages, 0: none */
	uint64_t bytes;         /* of messages' memory, 0: none */
	uint64_t age_ms;        /* 0: none */
	ln_full_t full;
} ln_queue_limits_t;

/* One message on its way to one subscriber. */
typedef struct ln_entry {
	ln_msg_t *msg;                      /* NULL once the flag LN_ENTRY_RECEIVED stands */
	union {
		uint32_t one;               /* subscription identifier, 0: none */
		uint32_t *many;             /* [0] = count, then identifiers; owned; flag LN_ENTRY_MANY */
		struct ln_sub *member;      /* counted; its identifier is meant; flag LN_ENTRY_GROUP */
	} ids;
	uint16_t tag;                       /* in the in-flight window: the packet identifier */
	uint8_t qos;
	uint8_t flags;                      /* LN_ENTRY_… */
	uint32_t since;                     /* seconds of the wall clock, when it was queued */
} ln_entry_t;

enum {
	LN_ENTRY_MANY = 1,
	LN_ENTRY_RETAIN = 2,        /* to be sent with the retain flag */
	LN_ENTRY_SENT = 4,          /* was sent before: DUP */
	LN_ENTRY_RECEIVED = 8,      /* QoS 2: the peer has it (PUBREC), waits for the end */
	LN_ENTRY_DONE = 16,         /* settled out of turn; leaves with the head */
	LN_ENTRY_GROUP = 64         /* came by a shared subscription; 32 is the window's own */
};

typedef struct ln_queue {
	ln_entry_t *ring;
	uint32_t head, count, cap;
	uint64_t bytes;
} ln_queue_t;

void ln_entry_fini(ln_entry_t *e);
void ln_queue_fini(ln_queue_t *q);
/* Puts *E (taken, in every case) at the end. Returns LN_OK, or LN_LIMIT when a message had to be dropped: the newest is E itself, the oldest
 * the head; *ret_dropped (may be NULL) is how many. */
ln_result_t LN_MUST_USE ln_queue_put(ln_queue_t *q, const ln_queue_limits_t *limits, ln_entry_t *e, uint64_t wall, uint32_t *ret_dropped);
/* Puts *E (taken), which was just taken from the front, there again. */
void ln_queue_put_back(ln_queue_t *q, ln_entry_t *e);
/* Takes the first that is neither expired nor over age into *ret; LN_AGAIN when there is none. *ret_expired: how many were dropped. */
ln_result_t LN_MUST_USE ln_queue_take(ln_queue_t *q, const ln_queue_limits_t *limits, uint64_t wall, ln_entry_t *ret, uint32_t *ret_expired);
/* Drops every entry that GONE says is, in order. */
void ln_queue_sift(ln_queue_t *q, bool (*gone)(const ln_entry_t *, void *ctx), void *ctx);
static inline bool ln_queue_empty(const ln_queue_t *q)
{
	return q->count == 0;
}

#endif
