/* act.h — what runs each command of an actor's block.
 *
 * Every function performs one command for its actor and returns whether the actor goes on; on false the failure is
 * already written down. Thread: the actor's.
 */
#ifndef PARLEY_ACT_H
#define PARLEY_ACT_H

#include "actor.h"

typedef bool act_fn(actor_t *actor, const command_t *command);

/* act_send.c: packets */
act_fn act_connect, act_connack, act_publish, act_ack, act_subscribe, act_simple;
/* act_expect.c: packets */
act_fn act_expect, act_expect_any_order, act_ignore;
/* act_bytes.c: bytes and the connection itself */
act_fn act_send, act_send_hex, act_expect_hex, act_expect_text, act_skip_until, act_expect_close, act_quiet;
act_fn act_cut, act_reconnect, act_shutdown_write, act_slow;
/* act_ws.c: frames */
act_fn act_ws_split, act_ws_frame, act_send_wire_hex, act_expect_pong;
/* act_scram.c: proofs */
act_fn act_scram_answer, act_scram_verify;
/* actor.c: the order of things */
act_fn act_timeout, act_delay, act_barrier, act_repeat;

#endif
