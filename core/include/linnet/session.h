/* session.h — what outlives a connection.
 *
 * A session belongs to one client id and lives on its home worker, the one a keyed hash of the id names (ln_session_home); every call here runs
 * there. It holds subscriptions, the in-flight window, the queue of what waits, QoS 2 identifiers of what came in, and the will. A
 * connection is attached to it through an outlet; at most one at a time, a second one takes over.
 *
 * Delivery: a message with QoS 0 for an attached session goes out at once (dropped when the outlet is full; without an outlet it is not
 * kept). QoS 1 and 2 go into the window when it has room, the outlet takes more and nothing waits before them; else into the queue. The window is a ring
 * in the order of sending, tags count upward, so an acknowledgement finds its entry by subtraction. A tag is not used again while it is in the window.
 * Retained messages for a new subscription come from a cursor, paced by the outlet.
 *
 * End: a session whose expiry is 0 goes with its connection; else it waits for its expiry time and ends then. The will leaves when its delay is
 * over or the session ends, whichever comes first, unless the connection ended cleanly or a new one came in time.
 */
#ifndef LINNET_SESSION_H
#define LINNET_SESSION_H

#include <linnet/identity.h>
#include <linnet/queue.h>
#include <linnet/router.h>

typedef struct ln_session ln_session_t;
typedef struct ln_outlet ln_outlet_t;

#define LN_EXPIRY_NEVER UINT32_MAX

/* One message as it must be sent. */
typedef struct ln_delivery {
	uint16_t tag;               /* packet identifier, 0 for QoS 0 */
	uint8_t qos;
	bool dup, retain;
	uint32_t id_count;          /* subscription identifiers */
	const uint32_t *ids;
} ln_delivery_t;

/* What a session asks of its connection. A session calls these in the middle of its own work: they must not detach or end it, nor subscribe;
 * whoever finds there that the connection is lost says so after the return to the loop. */
typedef struct ln_outlet_ops {
	/* Sends M now. LN_OK; LN_LIMIT when the message can never be sent to this peer (too large: it counts as delivered); LN_AGAIN when the outlet is full. */
	ln_result_t (*send)(ln_outlet_t *, ln_msg_t *m, const ln_delivery_t *d);
	/* QoS 2, second half: the peer has the message, release it (PUBREL). */
	void (*release)(ln_outlet_t *, uint16_t tag);
	/* Is there room for more? */
	bool (*ready)(ln_outlet_t *);
	/* The session let go of this outlet: why is LN_EXISTS another connection took over, LN_CLOSED the session was ended,
	 * LN_LIMIT its queue was full and LN_FULL_DISCONNECT says so. The outlet must not
	 * use the session again. */
	void (*detached)(ln_outlet_t *, ln_result_t why);
} ln_outlet_ops_t;

struct ln_outlet {
	const ln_outlet_ops_t *ops;
};

/* Limits of sessions: the broker's own are set from the configuration; whoever opens a session may bring others. */
typedef struct ln_session_limits {
	ln_queue_limits_t queue;
	uint32_t expiry_max;            /* seconds, LN_EXPIRY_NEVER: none */
	uint32_t window_max;            /* 1 … 65535: unacknowledged messages on the way to a client */
	uint32_t subscriptions_max;     /* 0: none */
	uint32_t inbound_max;           /* QoS 2 messages on the way in */
	uint32_t sessions_max;          /* 0: none; per broker */
} ln_session_limits_t;

typedef struct ln_session_open {
	ln_slice_t id;
	bool clean;                     /* begin anew */
	uint32_t expiry;                /* seconds after the connection, LN_EXPIRY_NEVER */
	uint32_t window;                /* the peer's receive maximum, 0: 65535 */
	uint32_t subscriptions_max;     /* until the next connection, within the limits'; 0: those alone */
	const ln_session_limits_t *limits; /* NULL: the broker's; else must outlive the session */
	ln_outlet_t *outlet;            /* attached */
} ln_session_open_t;

/* Before workers are created; after they are stopped. */
void ln_session_init(void);
void ln_session_fini(void);

/* The broker's limits, replaced under RCU by a reload. set: thread main; get: borrowed until the return to the loop. */
void ln_session_set_limits(const ln_session_limits_t *limits);
const ln_session_limits_t *ln_session_limits(void);

/* The home of the session of client ID. Thread: any. */
ln_worker_t *ln_session_home(ln_slice_t id);

/* Opens the session of o->id, or makes one, and attaches o->outlet. An outlet attached before is detached (LN_EXISTS) first. Returns LN_OK,
 * *ret_session and *ret_present (an existing session goes on); LN_LIMIT when there are too many. Nothing is delivered until ln_session_start.
 * Thread: home of o->id. */
ln_result_t LN_MUST_USE ln_session_open(const ln_session_open_t *o, ln_session_t **ret_session, bool *ret_present);
/* The greeting is out: resend what is in flight, in order, then what waits. */
void ln_session_start(ln_session_t *s);
/* The connection is gone. CLEAN: the will is not to be published. After this the caller may not use S. */
void ln_session_detach(ln_session_t *s, ln_outlet_t *outlet, bool clean);
/* Changes the expiry (seconds). */
void ln_session_set_expiry(ln_session_t *s, uint32_t expiry);
uint32_t ln_session_expiry(const ln_session_t *s);
/* The will: TAKES a sealed, counted message (NULL: none); DELAY in seconds. */
void ln_session_set_will(ln_session_t *s, ln_msg_t *will, uint32_t delay);
/* The will expires SECONDS after it was published. */
void ln_session_set_will_lifetime(ln_session_t *s, uint32_t seconds);
/* Ends the session now: outlet detached (LN_CLOSED), everything freed. */
void ln_session_end(ln_session_t *s);

/* What a new or repeated subscription means for retained messages. */
typedef enum ln_replay { LN_REPLAY_ALWAYS, LN_REPLAY_NEW, LN_REPLAY_NEVER } ln_replay_t;

/* Subscribes (SPEC may be $share/…). LN_OK; LN_MALFORMED a bad filter; LN_LIMIT too many. The retained messages follow after the caller's turn
 * (so that its answer goes first): see ln_session_pump. */
ln_result_t LN_MUST_USE ln_session_subscribe(ln_session_t *s, ln_slice_t spec, ln_sub_options_t options, ln_replay_t replay);
/* LN_OK, LN_NOT_FOUND. */
ln_result_t LN_MUST_USE ln_session_unsubscribe(ln_session_t *s, ln_slice_t spec);
/* Sends what waits as far as window and outlet allow: after acknowledgements, when the outlet has room again, after SUBACK. */
void ln_session_pump(ln_session_t *s);

/* The peer acknowledged TAG: QoS 1 done. LN_OK; LN_NOT_FOUND no such tag; LN_PROTOCOL it is not a QoS 1 message. */
ln_result_t LN_MUST_USE ln_session_acked(ln_session_t *s, uint16_t tag);
/* QoS 2: the peer has it (PUBREC). OK false: it refused it, the tag is free. LN_OK (answer with release); LN_NOT_FOUND; LN_PROTOCOL. */
ln_result_t LN_MUST_USE ln_session_received(ln_session_t *s, uint16_t tag, bool ok);
/* QoS 2: it is done (PUBCOMP). */
ln_result_t LN_MUST_USE ln_session_completed(ln_session_t *s, uint16_t tag);
/* Unacknowledged messages on the way to the peer. */
uint32_t ln_session_in_flight(const ln_session_t *s);

/* QoS 2 on the way in: remembers TAG. LN_OK new; LN_EXISTS seen before (do not route again); LN_LIMIT too many. */
ln_result_t LN_MUST_USE ln_session_inbound_add(ln_session_t *s, uint16_t tag);
/* Forgets TAG (PUBREL). LN_OK, LN_NOT_FOUND. */
ln_result_t LN_MUST_USE ln_session_inbound_remove(ln_session_t *s, uint16_t tag);
bool ln_session_inbound_has(const ln_session_t *s, uint16_t tag);
/* Forgets TAG, known or not: the message was refused after all. */
void ln_session_inbound_forget(ln_session_t *s, uint16_t tag);
uint32_t ln_session_inbound_count(const ln_session_t *s);

/* A number of the client id, never 0: msg->publisher. The client's next session has it too, so that no local holds for
 * what the client had retained before. */
uint64_t ln_session_number(const ln_session_t *s);
ln_slice_t ln_session_id(const ln_session_t *s);
/* The session of ID, or NULL. Thread: home of ID. */
ln_session_t *ln_session_find(ln_slice_t id);
void ln_session_each(ln_worker_t *w, void (*fn)(ln_session_t *, void *ctx), void *ctx);

#endif
