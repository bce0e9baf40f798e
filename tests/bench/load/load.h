/* load.h - publishers and subscribers under load: what their two files and the phases share.
 *
 * A publisher owns a buffer of prebuilt PUBLISH frames. To send N messages it patches N sequence numbers (and topics
 * and packet identifiers where they change) and hands the buffer to one send call. How many it may send is decided in
 * one place, allowance(): the smallest of buffer, window (QoS 1 and 2), room under way, pacing and what --messages
 * leaves.
 *
 *   flood      the socket is eager: a batch whenever it takes one
 *   in flight  a subscriber's receipts make the publisher dirty; at the end of the turn it refills once half of its
 *              room is free, so that batches stay large; the room is kept by count, per publisher
 *   window     acknowledgements refill it
 *   rate       the pacer makes messages due, one publisher after the other; a message's time is when it was due, so
 *              waiting in this program or in front of a slow broker counts as latency
 *
 * Messages lost by the broker would fill the room for ever: after a second without any receipt it is written off (and
 * what comes later than that is still taken, checked and counted).
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "conn.h"
#include "hist.h"
#include "plan.h"
#include "proc.h"
#include "result.h"
#include "track.h"

typedef struct bench_load bench_load_t;

typedef struct bench_publisher {
	bench_conn_t conn;
	bench_load_t *load;
	uint8_t *frames;          /* capacity frames of map.size bytes */
	uint64_t delivered;       /* copies received by all subscribers */
	uint64_t written_off;
	uint64_t due, due_since;  /* paced messages not sent yet; when the first of them was due */
	uint64_t acked;
	uint32_t number;          /* last sequence number used */
	bool dirty;
	uint16_t *free_ids, free_count;
	uint8_t *id_state;        /* per packet identifier: what is awaited */
} bench_publisher_t;

typedef struct bench_subscriber {
	bench_conn_t conn;
	bench_load_t *load;
	uint64_t subscribed;      /* filters acknowledged */
	uint64_t asked;           /* filters in SUBSCRIBE packets sent */
	uint64_t filters;
} bench_subscriber_t;

/* Counters at one moment; a phase is the difference of two. */
typedef struct bench_mark {
	uint64_t time, sent, received, acked, own_cpu;
	bench_proc_t proc;
} bench_mark_t;

struct bench_load {
	bench_loop_t loop;
	const bench_options_t *options;
	bench_publisher_t *publishers;
	bench_subscriber_t *subscribers;
	bench_track_t track;
	bench_hist_t latency;
	bench_publish_map_t map;
	uint32_t capacity;        /* frames per publisher's buffer */
	size_t digits;            /* where the topic's digits are in a frame */
	char (*names)[BENCH_DIGITS];  /* of every topic, pattern random only */
	uint64_t copies;          /* per publish */
	uint64_t sent, received, acked, foreign, stray_acks, refused_filters, refused_publishes;
	bool stamped;             /* payloads carry a bench_stamp_t */
	bool publishing, measuring;
	uint64_t random;
	uint32_t *dirty;
	uint32_t dirty_count;
	uint64_t pace_start, paced;      /* pacing: since when, how many messages became due */
	uint32_t next_publisher;
	uint64_t stall_since, stall_moved, stalls;  /* when and at what sum of counters something last moved */
	uint64_t fault_count;
	bench_stamp_t held;
	uint32_t held_by;
	bool holding;
	bench_mark_t start, end;
	uint64_t unsent;
};

extern const bench_role_t bench_publisher_role, bench_subscriber_role;

/* Builds the frames of all publishers. */
void bench_publishers_init(bench_load_t *load);
void bench_publisher_fini(bench_publisher_t *p);

/* Returns: how many of P's last batch have not been handed to the socket in full. */
uint64_t bench_publisher_unsent(const bench_publisher_t *p);

/* Sends what publisher P may send now. */
void bench_publisher_pump(bench_publisher_t *p);

/* Returns: copies of P's messages that are under way. */
uint64_t bench_publisher_under_way(const bench_publisher_t *p);

/* Counts a message as received and checks it, after the fault the user asked for, if any. */
void bench_subscriber_account(bench_load_t *load, uint32_t subscriber, const bench_stamp_t *stamp);

/* Counts the message that a fault still holds back. */
void bench_subscriber_end(bench_load_t *load);

/* Fills ret_result with what the load found out. */
void bench_load_report(const bench_load_t *load, bench_result_t *ret_result);

#endif
