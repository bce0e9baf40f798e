/* retain.h — the last retained message of every topic.
 *
 * An ordered map from topic to message under one short lock, with '/' sorting before every other byte so that a subtree is a range. A subscriber's
 * filter is answered by a cursor that remembers the last topic only: each batch takes the lock, seeks, collects a few, and lets go, so
 * a '#' over half a million topics holds up nobody and is paced by its reader.
 */
#ifndef LINNET_RETAIN_H
#define LINNET_RETAIN_H

#include <linnet/msg.h>
#include <linnet/worker.h>

typedef struct ln_retain_limits {
	uint64_t count, bytes;      /* 0: none */
	uint64_t age_ms;            /* 0: none */
} ln_retain_limits_t;

void ln_retain_init(void);
void ln_retain_fini(void);
void ln_retain_set_limits(ln_retain_limits_t limits);

/* Keeps M for its topic, or forgets the topic when M has no payload. LN_OK, or LN_LIMIT (nothing changed). Thread: a worker's. */
ln_result_t LN_MUST_USE ln_retain_store(ln_worker_t *w, ln_msg_t *m);
/* Count of topics, bytes. Thread: any. */
void ln_retain_count(uint64_t *ret_count, uint64_t *ret_bytes);

/* Walks the retained messages that match FILTER, in order. Zeroed but for the filter. Owned by who walks; ln_retain_cursor_fini. */
typedef struct ln_retain_cursor {
	char *filter, *last;
	uint32_t filter_len, last_len;
	bool done;
} ln_retain_cursor_t;
void ln_retain_cursor_init(ln_retain_cursor_t *c, ln_slice_t filter);
void ln_retain_cursor_fini(ln_retain_cursor_t *c);
/* Goes back so that the message of TOPIC, which was returned last, comes next again. */
void ln_retain_cursor_back(ln_retain_cursor_t *c, ln_slice_t topic);
/* Fills RET with up to MAX references (the caller unrefs). Returns how many; 0 when done. Expired ones are dropped. Thread: a worker's. */
unsigned ln_retain_next(ln_retain_cursor_t *c, ln_msg_t **ret, unsigned max, uint64_t wall);

#endif
