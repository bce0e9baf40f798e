/* ws.h — the client's side of RFC 6455: the upgrade's text, frames out of bytes, bytes out of frames.
 *
 * Nothing here touches a socket: conn.c carries the bytes. A client sends its stream in binary messages, cut as the play
 * says: `message` bytes of the stream in each message, `fragment` bytes of a message in each frame. What arrives is
 * judged by what a server may send: whole control frames, no masks, no reserved bits, binary messages only, a close code
 * that may be sent, nothing behind a close frame. Thread: one at a time.
 */
#ifndef PARLEY_WS_H
#define PARLEY_WS_H

#include "base.h"

enum { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* What stands for a code where the close frame has none, and where there was no close frame (RFC 6455, 7.4.1). */
enum { WS_NO_CODE = 1005, WS_NO_CLOSE = 1006 };

typedef struct ws {
	bool on;			/* the upgrade is done: bytes travel in frames */
	size_t message, fragment;	/* 0: no limit */
	uint32_t masks;			/* frames masked so far; the next mask comes of it */
	bool open;			/* inside a message of several frames */
	bool close_sent;
	unsigned close_code;		/* received; 0: none yet */
	bool ponged;			/* a pong came, its payload is in `pong` */
	buf_t wire;			/* arrived, not yet a whole frame */
	buf_t answer;			/* pongs and closes to be sent now */
	buf_t pong;
} ws_t;

typedef struct ws_frame {
	unsigned opcode;
	bool more;			/* FIN is 0 */
	unsigned rsv;			/* the three reserved bits */
	bool unmasked;
	bytes_t payload;
} ws_frame_t;

/* Appends the request for PATH to OUT. PROTOCOL empty: ask for none. HEADERS: whole lines, each ended by CR LF. */
void ws_request(buf_t *out, const char *host, bytes_t path, bytes_t protocol, bytes_t headers);
/* Returns: NULL when HEAD (to the empty line) accepts the request, or what is wrong with it. */
const char *ws_response(bytes_t head, bytes_t protocol);

/* Appends FRAME to OUT. */
void ws_put(ws_t *ws, const ws_frame_t *frame, buf_t *out);
/* Appends the frames that carry BYTES of the stream to OUT. */
void ws_wrap(ws_t *ws, bytes_t bytes, buf_t *out);
/* Takes every whole frame off ws->wire and appends what messages carry to OUT, what must be answered to ws->answer.
 * Returns: NULL, or the rule that was broken. */
const char *ws_unwrap(ws_t *ws, buf_t *out);
void ws_reset(ws_t *ws);

#endif
