/* sink.h — anything that takes messages, with a home: a session, later a queue, a bridge, a script.
 *
 * The router knows nothing else. `message` runs on the sink's home.
 */
#ifndef LINNET_SINK_H
#define LINNET_SINK_H

#include <linnet/list.h>
#include <linnet/msg.h>
#include <linnet/rcu.h>
#include <linnet/worker.h>

typedef struct ln_sink ln_sink_t;
typedef struct ln_sub ln_sub_t;

/* How a subscription wants its messages. */
enum {
	LN_SUB_NO_LOCAL = 1,        /* not what the subscriber itself published */
	LN_SUB_KEEP_RETAIN = 2,     /* pass the publisher's retain flag on */
	LN_SUB_MULTI = 4            /* a target only: more than one subscription matched */
};

/* A match: one sink, what its subscriptions to this topic come to. */
typedef struct ln_target {
	ln_sink_t *sink;
	ln_sub_t *sub;              /* the first of them */
	uint32_t first, count;      /* their range in the match's array of subscriptions (see ln_target_subs) */
	uint8_t qos;                /* the highest granted */
	uint8_t flags;
} ln_target_t;

typedef struct ln_sink_ops {
	const char *name;
	/* Takes M for TARGET. Borrows both. SUBS: target->count subscriptions that matched. */
	void (*message)(ln_sink_t *, ln_msg_t *m, const ln_target_t *target, ln_sub_t *const *subs);
} ln_sink_ops_t;

struct ln_sink {
	uint32_t magic;
	uint16_t home;              /* worker index */
	bool ready;                 /* atomic: takes messages now; groups prefer those */
	const ln_sink_ops_t *ops;
	uint32_t load;              /* atomic: messages under way and waiting; groups that ask for it prefer the least */
};

#endif
