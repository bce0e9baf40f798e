/* actor.h — somebody with a connection: an MQTT client (or server), or a speaker of plain bytes.
 *
 * Declared by a statement, performed in a thread of its own from -start until its block ends; the socket is opened (or
 * accepted) first and closed last. It may be declared again and started again after it ended. What stands below "its
 * thread's" belongs to that thread while it runs.
 */
#ifndef PARLEY_ACTOR_H
#define PARLEY_ACTOR_H

#include "conn.h"
#include "scram.h"
#include "stage.h"

typedef struct actor {
	struct actor *next;
	stage_t *stage;
	bytes_t name;
	bool mqtt;			/* speaks packets, not only bytes */
	const word_t *connect;		/* -connect, its macros not yet expanded */
	const command_t *connect_command;
	int listener;			/* -listen: the socket, or -1 */
	char address[128];		/* -listen: where */
	const word_t *ws;		/* -ws: the path to be upgraded, or NULL */
	const word_t *ws_protocol;	/* -ws-protocol, or NULL: mqtt */
	const word_t *ws_header;	/* -ws-header, or NULL */
	const word_t *proxy;		/* -proxy, -proxy-hex: sent first, or NULL */
	bool proxy_hex;
	const block_t *block;
	bool auto_ack;
	int rcvbuf;
	pthread_t thread;
	bool started;			/* main: the thread is not yet joined */
	bool done;			/* guarded by the stage's lock */
	/* its thread's */
	conn_t conn;
	uint8_t version;		/* 3, 4, 5: as the last CONNECT sent or received said */
	uint16_t next_id;
	uint32_t ignored;		/* bits IN(type): dropped on arrival */
	packet_t *last[16];		/* of each type, the last received */
	packet_t *current;		/* the one `expect` examines; one of `last`, or NULL */
	const condition_t **checked;	/* what has been asked of it */
	size_t checked_count;
	scram_t scram;			/* the exchange begun last */
	uint64_t seq;
	int64_t timeout;
	arena_t scratch;		/* until the command is done */
} actor_t;

/* What came instead of a packet. */
typedef struct arrival {
	packet_t *packet;		/* NULL: nothing, see result; lives until the next of its type */
	conn_result_t result;
	const char *malformed;		/* the rule a packet broke, or NULL */
} arrival_t;

/* Performs BLOCK's commands. Returns: false at the first failure. Thread: the actor's. */
bool actor_perform(actor_t *actor, const block_t *block);

/* Opens the actor's connection, or accepts one. Fails the play when there is none. Thread: the actor's. */
bool actor_open(actor_t *actor, const command_t *command);

/* Waits for the next packet that is not ignored or acknowledged for it. Thread: the actor's. */
arrival_t actor_receive(actor_t *actor, int64_t until);

/* Sends PACKET and prints it under -v. Fails the play when the peer is gone. Thread: the actor's. */
bool actor_send(actor_t *actor, const command_t *command, const packet_t *packet);

/* Appends what arrived, packet or not, in words to OUT: "PUBLISH topic=…\n    30 0a …". */
void arrival_show(const actor_t *actor, const arrival_t *arrival, buf_t *out);

/* Expands a word's macros into the scratch. Thread: the actor's. */
bool actor_text(actor_t *actor, const command_t *command, const word_t *word, bytes_t *ret_text);
bool actor_number(actor_t *actor, const command_t *command, const word_t *word, uint64_t *ret_number);
bool actor_duration(actor_t *actor, const command_t *command, const word_t *word, int64_t *ret_ms);

/* Appends the value of ${NAME} or ${NAME.port}, the address a -listen actor listens on. Returns: false: none such. */
bool actor_address(stage_t *stage, bytes_t name, bytes_t rest, buf_t *out);

/* Waits for all actors that were started. Returns: false when one is not done at the deadline. Thread: main. */
bool actors_wait(stage_t *stage);
/* Joins what still runs and frees every actor. Requires: the play has failed or nothing runs. Thread: main. */
void actors_free(stage_t *stage);

#endif
