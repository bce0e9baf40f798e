/* sessions.h — the session's own structure, shared by session.c (life), deliver.c (messages out) and subscribe.c. */
#ifndef LN_BROKER_SESSIONS_H
#define LN_BROKER_SESSIONS_H

#include <linnet/hash.h>
#include <linnet/retain.h>
#include <linnet/session.h>
#include <linnet/stat.h>
#include "routes.h"
#include "tags.h"
#include "window.h"

#define SESSION_MAGIC 0x5e551010u

/* Retained messages on their way for one subscription. */
typedef struct ln__replay {
	ln_node_t node;
	ln_retain_cursor_t cursor;
	ln_sub_options_t options;
	ln_sub_t *sub;                        /* points back while this is in the list */
} ln__replay_t;

void ln__replay_end(ln__replay_t *r);

struct ln_session {
	ln_sink_t sink;                       /* first: the router's handle; magic is there */
	uint64_t number;
	ln_outlet_t *outlet;                  /* NULL: no connection */
	const ln_session_limits_t *own_limits;
	uint32_t expiry;                      /* seconds */
	uint16_t peer_window;
	bool started;                         /* the greeting is out */
	bool pumping;
	bool overrun;                         /* its queue was full: to be disconnected in the next turn */
	ln__window_t window;
	ln_queue_t queue;
	ln_list_t replays;
	ln_sub_t **subs;
	uint32_t sub_count, sub_cap, sub_max;
	ln_table_t *sub_index;                /* by filter, when there are many */
	ln__tags_t inbound;                   /* QoS 2 on the way in */
	uint32_t will_delay, will_lifetime;   /* seconds; lifetime UINT32_MAX: does not expire */
	ln_msg_t *will;
	uint64_t will_at, end_at;             /* worker->now, LN_NEVER; while detached */
	ln_timer_t timer;                     /* attached: another round of pumping; detached: will_at or end_at */
	ln_rcu_head_t rcu;
	uint32_t id_len;
	uint8_t id[];
};

static inline ln_session_t *ln__session_of(ln_sink_t *sink)
{
	return LN_CONTAINER(sink, ln_session_t, sink);
}

static inline ln_worker_t *ln__session_worker(const ln_session_t *s)
{
	(void)s;
	return ln_worker_self();
}

static inline void ln__session_count(const ln_session_t *s, uint32_t stat, uint64_t n)
{
	ln_stat_add(ln__session_worker(s), ln__routes.stat + stat, n);
}

static inline const ln_session_limits_t *ln__session_limits(const ln_session_t *s)
{
	return s->own_limits ? s->own_limits : ln_session_limits();
}

/* The sink's face: deliver.c. */
extern const ln_sink_ops_t ln__session_sink_ops;
/* Everything subscribed goes: subscribe.c. */
void ln__session_drop_subs(ln_session_t *s);
/* What came by a group goes to other members: all that waits, and, when S has ENDED (it subscribes to nothing any more), what is under way with
 * QoS 1. QoS 2 that was sent once is never sent to another (5.0, 4.8.2): deliver.c. */
void ln__session_hand_over(ln_session_t *s, bool ended);
void ln__session_on_pump(ln_worker_t *w, ln_timer_t *t);

#endif
