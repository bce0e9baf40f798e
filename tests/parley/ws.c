/* ws.c — RFC 6455 from the client's side; see ws.h.
 *
 * The nonce is always the one of the RFC's own example (1.3), so its answer is known without SHA-1. A play that wants to
 * see another nonce answered sends the request itself, from a raw actor. Masks are counted, not drawn: a play is the same
 * each time it is performed.
 */
#include "ws.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NONCE "dGhlIHNhbXBsZSBub25jZQ=="
#define ANSWER "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* --- the upgrade -------------------------------------------------------------------------------------------------- */

void ws_request(buf_t *out, const char *host, bytes_t path, bytes_t protocol, bytes_t headers)
{
	buf_addf(out, "GET %.*s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Key: " NONCE "\r\nSec-WebSocket-Version: 13\r\n", BYTES_ARG(path), host);
	if (protocol.len)
		buf_addf(out, "Sec-WebSocket-Protocol: %.*s\r\n", BYTES_ARG(protocol));
	buf_add(out, headers.at, headers.len);
	buf_addf(out, "\r\n");
}

static bytes_t take_line(bytes_t *text)
{
	ptrdiff_t end = bytes_find(*text, bytes_of("\r\n"));
	bytes_t line = { text->at, end < 0 ? text->len : (size_t)end };

	*text = end < 0 ? (bytes_t){ 0 } : bytes_from(*text, (size_t)end + 2);
	return line;
}

/* Returns: the value of the first header NAME in HEAD; .at is NULL when there is none. */
static bytes_t header(bytes_t head, const char *name)
{
	size_t n = strlen(name);

	while (head.len) {
		bytes_t line = take_line(&head);

		if (line.len <= n || line.at[n] != ':' || strncasecmp(line.at, name, n) != 0)
			continue;
		for (line = bytes_from(line, n + 1); line.len && isblank((unsigned char)*line.at);)
			line = bytes_from(line, 1);
		while (line.len && isblank((unsigned char)line.at[line.len - 1]))
			line.len--;
		return line;
	}
	return (bytes_t){ 0 };
}

static bool same_word(bytes_t text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

const char *ws_response(bytes_t head, bytes_t protocol)
{
	bytes_t chosen = header(head, "Sec-WebSocket-Protocol");

	if (!bytes_starts(head, "HTTP/1.1 101 "))
		return "the upgrade is refused";
	if (!same_word(header(head, "Upgrade"), "websocket"))
		return "no `Upgrade: websocket`";
	if (!same_word(header(head, "Connection"), "upgrade"))
		return "no `Connection: Upgrade`";
	if (!bytes_is(header(head, "Sec-WebSocket-Accept"), ANSWER))
		return "Sec-WebSocket-Accept does not answer the key";
	if (header(head, "Sec-WebSocket-Extensions").at)
		return "an extension nobody asked for";
	if (!protocol.len && chosen.at)
		return "a sub-protocol nobody asked for";
	if (protocol.len && (!chosen.len || memchr(chosen.at, ',', chosen.len) || bytes_find(protocol, chosen) < 0))
		return "not one of the sub-protocols asked for";
	return NULL;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void put_length(buf_t *out, unsigned mask_bit, uint64_t n)
{
	int more = n < 126 ? 0 : n < 65536 ? 2 : 8;

	buf_add_byte(out, mask_bit | (more == 0 ? (unsigned)n : more == 2 ? 126 : 127));
	for (int i = more - 1; i >= 0; i--)
		buf_add_byte(out, (unsigned)(n >> (8 * i)) & 255);
}

void ws_put(ws_t *ws, const ws_frame_t *frame, buf_t *out)
{
	uint32_t mask = ++ws->masks * 2654435761u;
	char key[4] = { (char)(mask >> 24), (char)(mask >> 16), (char)(mask >> 8), (char)mask };
	size_t start;

	buf_add_byte(out, (frame->more ? 0 : 0x80) | (frame->rsv & 7) << 4 | (frame->opcode & 15));
	put_length(out, frame->unmasked ? 0 : 0x80, frame->payload.len);
	if (!frame->unmasked)
		buf_add(out, key, 4);
	start = out->len;
	buf_add(out, frame->payload.at, frame->payload.len);
	for (size_t i = 0; !frame->unmasked && i < frame->payload.len; i++)
		out->at[start + i] = (char)(out->at[start + i] ^ key[i % 4]);
	ws->close_sent |= frame->opcode == WS_CLOSE;
}

static void wrap_message(ws_t *ws, bytes_t message, buf_t *out)
{
	unsigned opcode = WS_BINARY;

	for (;;) {
		size_t n = ws->fragment && ws->fragment < message.len ? ws->fragment : message.len;
		ws_frame_t frame = { .opcode = opcode, .more = n < message.len, .payload = { message.at, n } };

		ws_put(ws, &frame, out);
		if (!frame.more)
			return;
		message = bytes_from(message, n);
		opcode = WS_CONTINUATION;
	}
}

void ws_wrap(ws_t *ws, bytes_t bytes, buf_t *out)
{
	while (bytes.len) {
		size_t n = ws->message && ws->message < bytes.len ? ws->message : bytes.len;

		wrap_message(ws, (bytes_t){ bytes.at, n }, out);
		bytes = bytes_from(bytes, n);
	}
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* Reads the head of the frame in IN. Returns: its size with the payload, SIZE_MAX when not all of the head is there. */
static size_t frame_size(bytes_t in, size_t *ret_head)
{
	const unsigned char *p = (const unsigned char *)in.at;
	size_t more = in.len < 2 ? 0 : (p[1] & 127) == 126 ? 2 : (p[1] & 127) == 127 ? 8 : 0;
	uint64_t n = 0;

	if (in.len < 2 + more)
		return SIZE_MAX;
	for (size_t i = 0; i < more; i++)
		n = n << 8 | p[2 + i];
	*ret_head = 2 + more;
	return *ret_head + (more ? (size_t)(n & INT64_MAX) : p[1] & 127u);
}

/* Returns: the rule that the head P of a frame from a server breaks, or NULL. */
static const char *judge_head(const ws_t *ws, const unsigned char *p, size_t head, size_t size)
{
	unsigned opcode = p[0] & 15;
	size_t n = size - head;

	if (ws->close_code)
		return "a frame behind a close frame";
	if (p[0] & 0x70)
		return "reserved bits in a frame";
	if (p[1] & 0x80)
		return "a masked frame from a server";
	if ((head == 4 && n < 126) || (head == 10 && (n < 65536 || p[2] & 0x80)))
		return "a frame's length is not the shortest";
	if (opcode >= WS_CLOSE)
		return opcode > WS_PONG ? "an unknown opcode" : !(p[0] & 0x80) ? "a control frame in fragments" :
		       n > 125 ? "a control frame over 125 bytes" : NULL;
	if (opcode == WS_CONTINUATION)
		return ws->open ? NULL : "a continuation of nothing";
	if (ws->open)
		return "a new message inside a fragmented one";
	return opcode == WS_BINARY ? NULL : opcode == WS_TEXT ? "a text frame" : "an unknown opcode";
}

/* Returns: whether a server may send CODE (7.4). */
static bool code_allowed(unsigned code)
{
	return (code >= 1000 && code <= 1011 && code != 1004 && code != WS_NO_CODE && code != WS_NO_CLOSE) ||
	       (code >= 3000 && code <= 4999);
}

static const char *take_close(ws_t *ws, bytes_t payload)
{
	const unsigned char *p = (const unsigned char *)payload.at;
	ws_frame_t echo = { .opcode = WS_CLOSE, .payload = payload };

	if (payload.len == 1)
		return "half a close code";
	ws->close_code = payload.len ? (unsigned)p[0] << 8 | p[1] : WS_NO_CODE;
	if (payload.len && !code_allowed(ws->close_code))
		return "a close code that is never sent";
	if (!ws->close_sent)
		ws_put(ws, &echo, &ws->answer);
	return NULL;
}

static const char *take_frame(ws_t *ws, unsigned first, bytes_t payload, buf_t *out)
{
	ws_frame_t pong = { .opcode = WS_PONG, .payload = payload };

	switch (first & 15) {
	case WS_CLOSE: return take_close(ws, payload);
	case WS_PING:
		ws_put(ws, &pong, &ws->answer);
		return NULL;
	case WS_PONG:
		ws->ponged = true;
		ws->pong.len = 0;
		buf_add(&ws->pong, payload.at, payload.len);
		return NULL;
	default:
		ws->open = !(first & 0x80);
		buf_add(out, payload.at, payload.len);
		return NULL;
	}
}

const char *ws_unwrap(ws_t *ws, buf_t *out)
{
	for (;;) {
		bytes_t in = buf_bytes(&ws->wire);
		size_t head, size = frame_size(in, &head);
		const char *why;

		if (size == SIZE_MAX)
			return NULL;
		why = judge_head(ws, (const unsigned char *)in.at, head, size);
		if (why || in.len < size)
			return why;
		why = take_frame(ws, (unsigned char)in.at[0], (bytes_t){ in.at + head, size - head }, out);
		if (why)
			return why;
		buf_drop(&ws->wire, size);
	}
}

void ws_reset(ws_t *ws)
{
	buf_free(&ws->wire);
	buf_free(&ws->answer);
	buf_free(&ws->pong);
	*ws = (ws_t){ .message = ws->message, .fragment = ws->fragment };
}
