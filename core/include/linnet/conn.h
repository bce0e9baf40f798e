/* conn.h — a connection: a descriptor, a stack of layers, a protocol on top.
 *
 * Bytes come in from the descriptor through the listener's layers (tcp → tls → ws) to the protocol, which decodes in
 * place from the worker's shared read buffer; bytes go out through the connection's chunks, and every connection
 * touched in a turn is flushed once, at the turn's end, in one writev.
 *
 * Memory: one block holds the connection, its layers' and its protocol's state. Buffers exist only while they hold
 * something: an idle connection has neither input nor output. What the protocol does not consume is kept in a buffer of
 * its size; a packet announced as large grows its buffer as bytes arrive, never before.
 *
 * Life: accept → layers open → protocol->open → input … → ln_conn_close (by anybody on its worker) → output flushed,
 * write side shut down, what the peer still sends read away for a short while so that it sees our last words →
 * protocol->closed, once, always at a turn's end, never inside one of the connection's own callbacks → memory freed. A
 * connection may move to another worker once (ln_conn_move), before it has a session.
 *
 * Above a limit of its listener a connection is surplus: accepted, if the protocol knows such, only to be told so. It
 * does not count as a connection, and there are few at a time.
 *
 * Back-pressure: ln_conn_pending tells what waits to be written. Above the listener's out-high the protocol is expected
 * to hold back; when the rest falls below half of it `writable` is called. Above out-max ln_conn_write refuses.
 *
 * Everything here runs on conn's worker.
 */
#ifndef LINNET_CONN_H
#define LINNET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linnet/buf.h>
#include <linnet/result.h>
#include <linnet/str.h>
#include <linnet/worker.h>

typedef struct ln_conn ln_conn_t;
typedef struct ln_listener ln_listener_t;

/* Gives up what kept bytes alive. */
typedef void (*ln_release_fn)(void *owner);

/* A protocol: what stands on top of the stack. STATE is its zeroed slice of the connection's block. */
typedef struct ln_protocol {
	const char *name;
	size_t conn_size;
	/* The connection stands. LN_OK, or anything else to close it at once. */
	ln_result_t (*open)(ln_conn_t *, void *state);
	/* BYTES is all that is unconsumed, contiguous, valid during the call. Returns how many bytes were consumed;
	 * sets *need to the size of the unit that starts at the first unconsumed byte when it is known and allowed (0:
	 * unknown). Is called again with the rest and more when more arrives, or after ln_conn_resume. May close, pause
	 * or move the connection. */
	size_t (*input)(ln_conn_t *, void *state, ln_slice_t bytes, size_t *need);
	/* Output fell below half of out-high. */
	void (*writable)(ln_conn_t *, void *state);
	/* The timer set by ln_conn_timer is due. */
	void (*timer)(ln_conn_t *, void *state);
	/* The broker stops, an operator or a module ends this connection: say goodbye as the protocol can and
	 * ln_conn_close. */
	void (*end)(ln_conn_t *, void *state, ln_result_t why);
	/* It is over: the last call, only after an open that said LN_OK. CLEAN: ln_conn_close was called before
	 * anything else ended it (the peer's end of input, an error of the socket, a want of memory). The output
	 * written before is still tried afterwards. */
	void (*closed)(ln_conn_t *, void *state, bool clean);
	/* What the subject of a log line adds: writes e.g. the client id into DST. May be NULL. */
	void (*describe)(const ln_conn_t *, const void *state, char *dst, size_t size);
	/* It asks ln_conn_surplus, and sends such connections away soon: with an answer to their first packet, or
	 * without one after LN_CONN_SURPLUS_MS. False: they are closed at once. */
	bool surplus;
} ln_protocol_t;

/* A layer between the wire and the protocol; layers do not know each other. Each passes on by the ln_layer_… calls
 * below. */
typedef struct ln_layer {
	const char *name;
	size_t conn_size;
	ln_result_t (*open)(ln_conn_t *, unsigned at, void *state);
	/* Bytes from below. Consumes all of them (keeps what it cannot pass on yet) and calls ln_layer_up(conn, at,
	 * …). */
	ln_result_t (*up)(ln_conn_t *, unsigned at, void *state, ln_slice_t bytes);
	/* Bytes from above, at the latest at the turn's end; takes all of them, writes what the wire must carry with
	 * ln_layer_down(conn, at, …). May be called inside up (a protocol that answers a lot is flushed early); must
	 * not call ln_layer_up. */
	ln_result_t (*down)(ln_conn_t *, unsigned at, void *state, const struct iovec *iov, int count);
	/* The connection is closing: last bytes (close frame, close_notify). May be NULL. */
	void (*shut)(ln_conn_t *, unsigned at, void *state);
	void (*closed)(ln_conn_t *, unsigned at, void *state);
	/* The layer learns who the peer is and calls ln_conn_set_peer before it passes on a byte: until then the accept
	 * hooks are not asked. */
	bool names_peer;
} ln_layer_t;

/* Passes BYTES from the layer AT to the next above (the protocol at last). Returns LN_OK, or LN_CLOSED when the
 * connection is closing. */
ln_result_t LN_MUST_USE ln_layer_up(ln_conn_t *c, unsigned at, ln_slice_t bytes);
ln_result_t LN_MUST_USE ln_layer_down(ln_conn_t *c, unsigned at, const struct iovec *iov, int count);

/* --- output ------------------------------------------------------------------------------------------------------- */

/* Room for N contiguous bytes at the end of the output (N <= 4096 always succeeds below out-max), or NULL above out-max
 * or when the connection is closing. ln_conn_wrote(c, n) adds what was written there; nothing else may be written in
 * between. */
uint8_t *ln_conn_room(ln_conn_t *c, size_t n);
void ln_conn_wrote(ln_conn_t *c, size_t n);
/* Copies BYTES to the output. LN_OK, LN_LIMIT (above out-max), LN_NO_MEMORY or LN_CLOSED; unless LN_OK nothing was
 * written. */
ln_result_t LN_MUST_USE ln_conn_write(ln_conn_t *c, ln_slice_t bytes);
/* Gathers BYTES, which stay as long as OWNER is kept, without copying. Takes OWNER on LN_OK: RELEASE(OWNER) is called
 * when they are written or the connection is over (for a message: a counted reference and ln_msg_unref). Use above
 * LN_CONN_COPY_MAX bytes. Returns as ln_conn_write. */
ln_result_t LN_MUST_USE ln_conn_write_ref(ln_conn_t *c, ln_slice_t bytes, void *owner, ln_release_fn release);
#define LN_CONN_COPY_MAX 1024
/* Would N more bytes be taken? False above out-max (then `writable` is called as after a refused write) and when the
 * connection is closing. */
bool ln_conn_fits(ln_conn_t *c, size_t n);
/* Bytes that wait to be written. */
size_t ln_conn_pending(const ln_conn_t *c);
/* ln_conn_pending is above out-high. */
bool ln_conn_congested(const ln_conn_t *c);

/* --- control ------------------------------------------------------------------------------------------------------ */

/* The peer has shown who it is. Until then no more of its bytes are held than LN_CONN_STRANGER_MAX, or the unit the protocol announced. */
#define LN_CONN_STRANGER_MAX 4096u
void ln_conn_trust(ln_conn_t *c);
/* Stops reading from the peer until resumed as often as paused; unconsumed input stays. */
void ln_conn_pause(ln_conn_t *c);
void ln_conn_resume(ln_conn_t *c);
/* protocol->timer in DELAY ms (one per connection; 0 cancels). Setting it later than it stands costs nothing. */
void ln_conn_timer(ln_conn_t *c, uint64_t delay_ms);
/* Closes: what waits in the output is still tried; input stops at once. Idempotent. WHY is for log and counters: LN_OK
 * the protocol's ordinary end, LN_MALFORMED, LN_PROTOCOL, LN_LIMIT, LN_REFUSED, LN_CLOSED (peer), LN_SYSTEM … */
void ln_conn_close(ln_conn_t *c, ln_result_t why);
bool ln_conn_closing(const ln_conn_t *c);
/* Is this connection above a limit of its listener? LN_OK: no; LN_LIMIT: connections-max; LN_AGAIN: connection-rate. A
 * surplus connection must not be moved. */
#define LN_CONN_SURPLUS_MS 2000u
ln_result_t ln_conn_surplus(const ln_conn_t *c);
/* Why it closes. Requires: ln_conn_closing. */
ln_result_t ln_conn_why(const ln_conn_t *c);
/* Asks the protocol to end this connection in its own way (protocol->end; without one: ln_conn_close). */
void ln_conn_end(ln_conn_t *c, ln_result_t why);
/* Moves the connection with its unconsumed input to worker TO, where FN(conn, state) runs before input is offered
 * again. Requires: inside protocol->input or a resumed call; the protocol has written nothing yet (what layers wrote goes
 * along). TO may be the own worker (then FN runs at once). */
void ln_conn_move(ln_conn_t *c, ln_worker_t *to, void (*fn)(ln_conn_t *, void *state));

/* --- facts -------------------------------------------------------------------------------------------------------- */

ln_worker_t *ln_conn_worker(const ln_conn_t *c);
void *ln_conn_state(const ln_conn_t *c);                 /* the protocol's slice */
/* The slice of loaded module INDEX that is neither layer nor protocol of this stack (ln_module_t.conn_size), NULL when
 * it has none. */
void *ln_conn_module_state(const ln_conn_t *c, uint32_t index);
const ln_listener_t *ln_conn_listener(const ln_conn_t *c);
uint64_t ln_conn_id(const ln_conn_t *c);                 /* unique in this process */
const char *ln_conn_peer(const ln_conn_t *c);            /* "10.0.0.9:4711"; borrowed until this thread asks again */
/* The same as the system knows it; of a peer on a Unix socket the family is all there is. */
void ln_conn_address(const ln_conn_t *c, struct sockaddr_storage *ret_address);
/* For a layer that names_peer, inside open or up: PEER is who stands behind the wire (NULL: nobody else); from now on
 * ln_conn_peer and the log say so. Asks the accept hooks, once per connection and with the true address. Returns LN_OK,
 * or LN_REFUSED when one said no: the layer returns that at once, and the connection is closed. */
ln_result_t LN_MUST_USE ln_conn_set_peer(ln_conn_t *c, const struct sockaddr_storage *peer);
uint64_t ln_conn_last_input(const ln_conn_t *c);         /* worker->now of the last bytes for the protocol */

const char *ln_listener_name(const ln_listener_t *l);
bool ln_listener_allow_anonymous(const ln_listener_t *l);
/* MODULE's configuration for this listener: its own section with the listener's laid over it. Never NULL for a module
 * of the stack. (index: ln_self_t.index) Borrowed until the return to the loop. */
const void *ln_listener_conf(const ln_listener_t *l, uint32_t module_index);

/* Calls FN for every connection of worker W. Nothing may be opened meanwhile; closing is fine. Thread: W's. */
void ln_conn_each(ln_worker_t *w, void (*fn)(ln_conn_t *, void *ctx), void *ctx);

#endif
