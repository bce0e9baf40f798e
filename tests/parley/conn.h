/* conn.h — one connection of an actor (TCP or Unix, perhaps with WebSocket frames on it), with deadlines and an ear for
 * the end of the play.
 *
 * Every wait ends at its deadline or when the stop pipe becomes readable. What the peer sent stays in `in` until its
 * reader drops it. Thread: one at a time.
 */
#ifndef PARLEY_CONN_H
#define PARLEY_CONN_H

#include "base.h"
#include "ws.h"

typedef enum { CONN_OK, CONN_LATE, CONN_CLOSED, CONN_STOPPED, CONN_BAD_FRAME } conn_result_t;

typedef struct conn {
	int fd;			/* -1: closed by us, or never opened */
	int stop;		/* readable when the play is over */
	buf_t in;
	bool reset;		/* the peer closed with an error */
	ws_t ws;		/* when on, `in` is what its frames carried */
	const char *bad_frame;	/* the rule a frame broke: nothing can be received any more */
	size_t slow_bytes;	/* send in pieces of so many bytes, 0: at once */
	int64_t slow_ms;	/* pause after each piece */
} conn_t;

/* Each returns NULL, or what went wrong (constant text). ADDRESS is "host:port", "[v6]:port" or "unix:PATH". */
const char *conn_open(conn_t *conn, const char *address, int rcvbuf, int64_t until);
const char *conn_accept(conn_t *conn, int listener, int64_t until);
/* Listens on ADDRESS (port 0: any) and gives the true address. Returns: NULL or what went wrong. */
const char *conn_listen(const char *address, int *ret_fd, char ret_address[128]);

/* Returns: CONN_OK when more bytes have come, CONN_CLOSED when the peer closed. Answers pings and close frames. */
conn_result_t conn_fill(conn_t *conn, int64_t until);
/* The same, but returns also when only control frames, or parts of frames, have come. */
conn_result_t conn_fill_any(conn_t *conn, int64_t until);
/* Sends BYTES; in frames, when there was an upgrade. */
conn_result_t conn_send(conn_t *conn, bytes_t bytes, int64_t until);
/* Sends BYTES as they are. */
conn_result_t conn_send_wire(conn_t *conn, bytes_t bytes, int64_t until);
/* Asks for the upgrade of PATH and waits for the answer. Returns: NULL; or what went wrong, `in` holds the answer. */
const char *conn_upgrade(conn_t *conn, const char *host, bytes_t path, bytes_t protocol, bytes_t headers, int64_t until);
void conn_shutdown_write(conn_t *conn);
/* Closes at once, with a reset if RST; drops what was not read. Closing twice is allowed. */
void conn_close(conn_t *conn, bool rst);

#endif
