/* rcu.h — read without a lock what another thread replaces (QSBR).
 *
 * Workers are readers as long as they are inside a turn: the loop goes offline around the poll and nowhere else, so
 * a pointer read with ln_rcu_get is good until the return to the loop, without any read-side call. Writers publish
 * with ln_rcu_set under their own lock and hand the old object to ln_rcu_call, which runs its function when every
 * reader has gone through its loop. That function runs on a thread of RCU's own: it may only free memory and drop
 * atomic references.
 *
 * The same header stands over liburcu and over a small QSBR of our own in C11 atomics (--enable-builtin-rcu), which
 * ThreadSanitizer understands.
 */
#ifndef LINNET_RCU_H
#define LINNET_RCU_H

typedef struct ln_rcu_head ln_rcu_head_t;
typedef void (*ln_rcu_fn)(ln_rcu_head_t *);
struct ln_rcu_head {
	_Alignas(void *) char room[16];  /* the library's, or our list link */
	ln_rcu_fn fn;
};

#define ln_rcu_get(pp) __atomic_load_n((pp), __ATOMIC_CONSUME)
#define ln_rcu_set(pp, v) __atomic_store_n((pp), (v), __ATOMIC_RELEASE)

/* Runs FN(HEAD) after a grace period. Thread: any registered one, job threads included. */
void ln_rcu_call(ln_rcu_head_t *head, ln_rcu_fn fn);
/* Waits until every callback handed over so far has run. Thread: main, offline from the readers' view. */
void ln_rcu_barrier(void);
/* Threads that read: workers, main and job threads do this themselves. */
void ln_rcu_register(void);
void ln_rcu_unregister(void);
void ln_rcu_offline(void);
void ln_rcu_online(void);

#endif
