/* frame.h — WebSocket frames (RFC 6455, section 5), a server's side: bytes in, what they carry out, and the headers of
 * what is sent.
 *
 * A reader takes a client's frames apart as they come: a binary message is handed on in pieces, as much of it as is
 * there, unmasked, and never collected; a control frame is handed on whole. It judges what a client may send: frames
 * that are masked, no reserved bits, no text, fragments in order, control frames whole and short, close frames with a
 * code that may be sent and a reason in UTF-8. What is wrong is an event too, with the code to close with.
 *
 * A reader is some 4.5 KiB, and is worth having only while a frame is under way: ws_reader_idle tells when it may be
 * lent to another connection. The one thing that must be remembered between frames, that a message of several frames
 * is not at its end, stands in the connection (ws_message_t).
 *
 * Pure: knows slices, no broker. Single-threaded.
 */
#ifndef WS_FRAME_H
#define WS_FRAME_H

#include <linnet/str.h>
#include <linnet/result.h>

/* RFC 6455, 5.2 */
typedef enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
} ws_opcode_t;

/* RFC 6455, 7.4.1 */
enum {
	WS_CODE_NORMAL = 1000,
	WS_CODE_GOING_AWAY = 1001,
	WS_CODE_PROTOCOL = 1002,
	WS_CODE_NOT_BINARY = 1003,
	WS_CODE_NONE = 1005,         /* stands for a close frame without a code; never sent */
	WS_CODE_BAD_TEXT = 1007,
	WS_CODE_POLICY = 1008,
	WS_CODE_TOO_LARGE = 1009,
	WS_CODE_INTERNAL = 1011
};

#define WS_CONTROL_MAX 125u          /* largest payload of a control frame */
#define WS_HEADER_MAX 10u            /* largest header of a frame that is not masked */

typedef enum ws_what {
	WS_NOTHING,                  /* all bytes are used; more are wanted */
	WS_GOT_DATA,                 /* BYTES of a binary message; never none */
	WS_GOT_PING,                 /* BYTES is the payload */
	WS_GOT_PONG,
	WS_GOT_CLOSE,                /* CODE, or WS_CODE_NONE; BYTES is the reason. The reader is done. */
	WS_GOT_FAULT                 /* WHY it is against the rules, CODE to close with. The reader is done. */
} ws_what_t;

typedef struct ws_event {
	ws_what_t what;
	uint16_t code;
	ln_slice_t bytes;            /* valid until the reader is asked again */
	const char *why;
} ws_event_t;

/* Where a connection's messages stand between two frames. Zeroed: no message has begun. */
typedef struct ws_message {
	bool open;
} ws_message_t;

typedef struct ws_reader ws_reader_t;

/* NULL when memory is refused. */
ws_reader_t *ws_reader_create(void);
/* Accepts NULL. */
void ws_reader_destroy(ws_reader_t *r);
/* BYTES are what ws_reader_next takes from now on. Requires: the reader has used all it was given before. Borrows
 * BYTES until it has used them. */
void ws_reader_feed(ws_reader_t *r, ln_slice_t bytes);
/* What comes next. FRAME_MAX: larger frames are a fault. */
ws_event_t ws_reader_next(ws_reader_t *r, ws_message_t *message, uint64_t frame_max);
/* It stands between two frames and holds nothing: whoever feeds it next begins anew. */
bool ws_reader_idle(const ws_reader_t *r);

/* Writes the header of a whole message or control frame of LENGTH bytes; returns its size. */
size_t ws_header_write(uint8_t dst[WS_HEADER_MAX], ws_opcode_t opcode, uint64_t length);

#endif
