/* router.h — from a topic to the sinks that want it.
 *
 * One structure for the whole broker: a table of literal filters and a tree of those with wildcards, read under RCU, changed by one writer at a
 * time. Each worker keeps a cache topic → match of its own sinks, good as long as no subscription that could matter was added or
 * removed: wildcard filters count one generation, literal filters one of many generations chosen by the topic's hash.
 *
 * Publishing: the worker's own targets get the message at once; other workers that have targets get it in a parcel, one letter per worker
 * and turn with all messages of that turn, and match it there in their own cache: no sink is ever touched from outside its home. The order
 * of one publisher is kept on every worker.
 *
 * A group of a shared subscription has no home: the publisher's worker takes one member (as the strategy says, one with a connection where there is
 * one) and delivers there, by parcel when the member lives elsewhere. A member that has gone meanwhile passes the message on.
 */
#ifndef LINNET_ROUTER_H
#define LINNET_ROUTER_H

#include <linnet/sink.h>

/* Before workers are created; after they are stopped and before they are destroyed (their caches are freed here), when no subscription is
 * left. Thread: main. */
void ln_router_init(void);
void ln_router_fini(void);

typedef struct ln_sub_options {
	uint8_t qos;            /* highest wanted */
	uint8_t flags;          /* LN_SUB_… */
	uint32_t id;            /* subscription identifier, 0: none */
} ln_sub_options_t;

/* Which member of a shared subscription gets a message. */
typedef enum ln_shared {
	LN_SHARED_ROUND_ROBIN, LN_SHARED_STICKY, LN_SHARED_PUBLISHER_HASH, LN_SHARED_LEAST_IN_FLIGHT
} ln_shared_t;

/* For every group, from the next message on. Thread: any. */
void ln_router_set_shared(ln_shared_t strategy);

/* Adds a subscription of SINK to FILTER (valid; GROUP empty: not shared). Options of a subscription are fixed: to change them use
 * ln_sub_change. Returns LN_OK and *ret_sub, owned by the caller until ln_router_unsubscribe. Thread: SINK's home. */
ln_result_t LN_MUST_USE ln_router_subscribe(ln_sink_t *sink, ln_slice_t filter, ln_slice_t group, ln_sub_options_t options, ln_sub_t **ret_sub);
/* Changes the options of SUB. Thread: SINK's home. */
void ln_router_change(ln_sub_t *sub, ln_sub_options_t options);
/* Takes SUB out; it is freed after a grace period, its sink must live as long (see ln_sub_…). Thread: SINK's home. */
void ln_router_unsubscribe(ln_sub_t *sub);

ln_sub_options_t ln_sub_options(const ln_sub_t *sub);
/* "a/+/b" or "$share/g/a/+/b" into DST (LN_TOPIC_MAX + 1 at most); returns its length. */
size_t ln_sub_filter(const ln_sub_t *sub, char *dst, size_t size);
bool ln_sub_is(const ln_sub_t *sub, ln_slice_t filter, ln_slice_t group);
uint64_t ln_sub_hash(ln_slice_t filter, ln_slice_t group);

/* What became of a publish, as far as it is known at once. */
typedef struct ln_routed {
	bool matched;           /* some sink somewhere wanted it */
} ln_routed_t;

/* Routes M (borrowed or sealed; topic valid). Thread: a worker's. */
ln_routed_t ln_router_publish(ln_worker_t *w, ln_msg_t *m);
/* The same, and keeps M as its topic's retained message when it asks for that. What everybody calls. Thread: a worker's. */
ln_routed_t ln_publish(ln_worker_t *w, ln_msg_t *m);

/* Too much is on its way from W to other workers: whoever reads from a publisher should stop, and be called back by a waiter (one
 * shot; ln_list_remove(&waiter->node) to leave earlier). Thread: W's. */
typedef struct ln_waiter ln_waiter_t;
struct ln_waiter {
	ln_node_t node;
	void (*fn)(ln_waiter_t *);
};
bool ln_router_congested(ln_worker_t *w);
void ln_router_wait(ln_worker_t *w, ln_waiter_t *waiter);

/* Number of filters and subscriptions. Thread: any. */
void ln_router_count(uint64_t *ret_filters, uint64_t *ret_subs);

#endif
