/* broker.h — the broker floor on one thread, for unit tests.
 *
 * broker_begin makes workers without threads under a clock of the test's own; the test's thread plays every worker in turn (broker_as) and
 * lets turns of their loops pass (broker_settle, broker_pass). Connections are outlets that write down what was sent, and that can be full or
 * refuse what is too large. broker_end takes everything apart; a sanitizer then says what leaked.
 */
#ifndef TESTS_SUPPORT_BROKER_H
#define TESTS_SUPPORT_BROKER_H

#include <linnet/clock.h>
#include <linnet/retain.h>
#include <linnet/router.h>
#include <linnet/session.h>
#include <linnet/stat.h>

/* COUNT workers, router, retained messages and sessions. This thread is worker 0 afterwards. */
void broker_begin(unsigned count);
void broker_end(void);
/* This thread is worker INDEX (its ln_worker_self) from now on. */
ln_worker_t *broker_as(unsigned index);
/* Turns of all workers until everything between them has arrived. */
void broker_settle(void);
/* MS go by on both clocks, then everything settles. */
void broker_pass(uint64_t ms);
/* Jumps to a time of the wall, far from zero. */
uint64_t broker_wall(void);
/* The broker's counter NAME ("expired"), summed. */
uint64_t broker_stat(const char *name);

/* Publishes on this thread's worker. */
typedef struct pub {
	const char *topic, *payload;
	uint8_t qos;
	bool retain;
	uint64_t publisher;
	uint64_t expires;           /* wall ms, 0: never */
} pub_t;
bool broker_publish_as(const pub_t *p);
bool broker_publish(const char *topic, const char *payload, uint8_t qos);
void broker_retain(const char *topic, const char *payload, uint8_t qos);
/* A sealed message (a will), counted once. */
ln_msg_t *broker_message(const char *topic, const char *payload, uint8_t qos);

/* --- outlets ----------------------------------------------------------------------------------------------------------------------- */

#define SENT_IDS 40

/* What was sent: a message, or (release) the second half of QoS 2. */
typedef struct sent {
	char *topic, *payload;
	uint16_t tag;
	uint8_t qos;
	bool dup, retain, release;
	uint32_t id_count, ids[SENT_IDS];
} sent_t;

typedef struct outlet {
	ln_outlet_t outlet;             /* first */
	sent_t *sent;
	uint32_t count, cap;
	uint32_t read;                  /* what the test has looked at */
	uint32_t room;                  /* so many more, then it is full */
	bool lies;                      /* says it has room when it is full: send must cope */
	size_t payload_max;             /* larger ones are too large; 0: none */
	unsigned refused;               /* how often that was said */
	unsigned detached;              /* how often it was told to let go, and … */
	ln_result_t why;                /* … why */
} outlet_t;

#define OUTLET_UNLIMITED UINT32_MAX

void outlet_init(outlet_t *o);
/* Forgets what was sent. */
void outlet_fini(outlet_t *o);
/* The next thing sent, NULL when there is none. */
const sent_t *outlet_next(outlet_t *o);
/* Something sent and not looked at? */
bool outlet_idle(const outlet_t *o);

/* The next thing sent is this message; returns it. */
#define outlet_expect(o, want_topic, want_payload)                                                    \
	({                                                                                            \
		const sent_t *sent_ = outlet_next(o);                                                 \
		ck_assert_msg(sent_ != NULL, "nothing sent, wanted %s", want_payload);                \
		ck_assert_msg(!sent_->release, "a release of %u, wanted %s", sent_->tag, want_payload); \
		ck_assert_str_eq(sent_->topic, want_topic);                                           \
		ck_assert_str_eq(sent_->payload, want_payload);                                       \
		sent_;                                                                                \
	})

/* --- clients: a session and its outlet --------------------------------------------------------------------------------------------- */

typedef struct client {
	outlet_t out;
	ln_session_t *session;
	bool present;
	char id[32];
} client_t;

typedef struct client_open {
	bool clean;
	uint32_t expiry, window;
	const ln_session_limits_t *limits;
	bool hold;                      /* do not start yet */
} client_open_t;

/* A client id whose home is worker INDEX; N tells several apart. */
void client_id(char dst[32], unsigned index, unsigned n);
/* Connects: becomes ID's home worker, opens the session and starts it. */
ln_result_t client_open(client_t *c, const char *id, client_open_t how);
/* The connection ends; the outlet keeps what was sent. */
void client_cut(client_t *c, bool clean);
/* Subscribes with QOS and pumps, as a protocol does after its answer. */
void client_subscribe(client_t *c, const char *filter, uint8_t qos);
ln_result_t client_subscribe_with(client_t *c, const char *filter, ln_sub_options_t options, ln_replay_t replay);
/* The peer acknowledges TAG and more is sent. */
void client_ack(client_t *c, uint16_t tag);
/* Forgets the outlet's records; the session must have gone or been cut. */
void client_fini(client_t *c);

#endif
