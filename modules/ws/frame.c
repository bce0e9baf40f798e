/* frame.c — frames by wslay's frame API; see frame.h.
 *
 * wslay reads through a callback into a buffer of its own, takes a frame's header apart there, unmasks in place and
 * hands out what it has of the payload. What a frame means in the order of frames, who may send it, and how a close
 * frame is made, is left to us. Why not wslay's event API, which does that too: doc/decisions/0006-wslay.md.
 *
 * wslay says nothing of a frame before a first byte of its payload is there. Who announces what will be refused should
 * hear so at once, so the header at the end of what came is kept aside and looked at by ourselves when wslay waits.
 *
 * Sent frames need four lines, and no context.
 */
#include <linnet/buf.h>
#include <linnet/mem.h>
#include <wslay/wslay.h>
#include "frame.h"

#define HEAD_MAX 14u    /* header of a masked frame */

struct ws_reader {
	wslay_frame_context_ptr context;
	const uint8_t *at, *end;     /* fed, not yet given to wslay */
	size_t fed;
	size_t ahead;                /* given to wslay, not yet accounted for */
	uint64_t rest;               /* of the payload of the frame that is under way */
	uint8_t opcode;              /* that frame's */
	bool inside;                 /* its header is done, its payload is not */
	uint8_t control_len;
	uint8_t control[WS_CONTROL_MAX];
	uint8_t head[HEAD_MAX];      /* the first bytes of a frame wslay waits for more of */
};

static ssize_t give(uint8_t *dst, size_t size, int flags, void *user)
{
	ws_reader_t *r = user;
	size_t left = (size_t)(r->end - r->at), n = left < size ? left : size;

	(void)flags;
	memcpy(dst, r->at, n);
	r->at += n;
	r->ahead += n;
	return (ssize_t)n;
}

ws_reader_t *ws_reader_create(void)
{
	static const struct wslay_frame_callbacks callbacks = { .recv_callback = give };
	ws_reader_t *r = ln_try_alloc(sizeof(*r), NULL);

	if (!r)
		return NULL;
	*r = (ws_reader_t){ 0 };
	if (wslay_frame_context_init(&r->context, &callbacks, r) == 0)
		return r;
	ln_give_back(r, sizeof(*r), NULL);
	return NULL;
}

void ws_reader_destroy(ws_reader_t *r)
{
	if (!r)
		return;
	wslay_frame_context_free(r->context);
	ln_give_back(r, sizeof(*r), NULL);
}

void ws_reader_feed(ws_reader_t *r, ln_slice_t bytes)
{
	static const uint8_t none[1];

	ln_require(r->at == r->end);
	r->at = bytes.len ? bytes.data : none;
	r->end = r->at + bytes.len;
	r->fed = bytes.len;
}

bool ws_reader_idle(const ws_reader_t *r)
{
	return r->at == r->end && !r->inside && r->ahead == 0;
}

/* --- what a client may send --------------------------------------------------------------------------------------- */

static ws_event_t fault(uint16_t code, const char *why)
{
	return (ws_event_t){ .what = WS_GOT_FAULT, .code = code, .why = why };
}

static ws_event_t nothing(void)
{
	return (ws_event_t){ .what = WS_NOTHING };
}

static ws_event_t judge_header(const struct wslay_frame_iocb *f, const ws_message_t *message, uint64_t frame_max)
{
	if (f->rsv)
		return fault(WS_CODE_PROTOCOL, "a reserved bit is set and no extension was agreed on");
	if (!f->mask)
		return fault(WS_CODE_PROTOCOL, "the frame is not masked");
	switch (f->opcode) {
	case WS_CONTINUATION:
		if (!message->open)
			return fault(WS_CODE_PROTOCOL, "a continuation of no message");
		break;
	case WS_BINARY:
		if (message->open)
			return fault(WS_CODE_PROTOCOL, "a new message before the last fragment of another");
		break;
	case WS_TEXT:
		return fault(WS_CODE_NOT_BINARY, "a text frame; only binary ones are taken");
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		return nothing();
	default:
		return fault(WS_CODE_PROTOCOL, "an opcode that means nothing");
	}
	if (f->payload_length > frame_max)
		return fault(WS_CODE_TOO_LARGE, "the frame is larger than frame-max");
	return nothing();
}

/* May a peer send CODE? (RFC 6455, 7.4; 1012 to 1014 were registered later.) */
static bool may_send(uint16_t code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static ws_event_t judge_close(ln_slice_t body)
{
	ws_event_t e = { .what = WS_GOT_CLOSE, .code = WS_CODE_NONE };

	if (body.len == 0)
		return e;
	if (body.len == 1)
		return fault(WS_CODE_PROTOCOL, "a close frame with half a code");
	e.code = (uint16_t)(body.data[0] << 8 | body.data[1]);
	e.bytes = ln_slice(body.data + 2, body.len - 2);
	if (!may_send(e.code))
		return fault(WS_CODE_PROTOCOL, "a close frame with a code that may not be sent");
	if (ln_utf8_check(e.bytes) == LN_UTF8_BAD)
		return fault(WS_CODE_BAD_TEXT, "a close frame whose reason is not UTF-8");
	return e;
}

/* --- frames out of bytes ------------------------------------------------------------------------------------------ */

static size_t length_size(unsigned code)
{
	return code == 126 ? 2 : code == 127 ? 8 : 0;
}

static size_t header_size(const struct wslay_frame_iocb *f)
{
	unsigned code = f->payload_length < 126 ? 0 : f->payload_length < 65536 ? 126 : 127;

	return 2 + length_size(code) + (f->mask ? 4u : 0);
}

/* The header of a frame whose payload has not come: as far as it is there, it is judged. */
static ws_event_t judge_early(ws_reader_t *r, const ws_message_t *message, uint64_t frame_max)
{
	size_t fresh = r->ahead < r->fed ? r->ahead : r->fed, size;
	struct wslay_frame_iocb f = { 0 };

	ln_insist(r->ahead <= HEAD_MAX);
	memcpy(r->head + r->ahead - fresh, r->end - fresh, fresh);
	r->fed = 0;
	if (r->ahead < 2)
		return nothing();
	f.rsv = r->head[0] >> 4 & 7;
	f.opcode = r->head[0] & 15;
	f.mask = r->head[1] >> 7;
	f.payload_length = r->head[1] & 127;
	size = length_size((unsigned)f.payload_length);
	if (size > 0 && r->ahead >= 2 + size) {
		f.payload_length = 0;
		for (size_t i = 0; i < size; i++)
			f.payload_length = f.payload_length << 8 | r->head[2 + i];
	}
	return judge_header(&f, message, frame_max);
}

static ws_event_t begin_frame(ws_reader_t *r, const struct wslay_frame_iocb *f, ws_message_t *message,
			      uint64_t frame_max)
{
	ws_event_t e = judge_header(f, message, frame_max);

	r->inside = true;
	r->opcode = f->opcode;
	r->rest = f->payload_length;
	r->ahead -= header_size(f);
	r->control_len = 0;
	if (f->opcode < WS_CLOSE)
		message->open = !f->fin;
	return e;
}

/* The whole control frame, or nothing yet. */
static ws_event_t take_control(ws_reader_t *r, const struct wslay_frame_iocb *f)
{
	ln_slice_t body;

	ln_insist(r->control_len + f->data_length <= WS_CONTROL_MAX);
	if (f->data_length)
		memcpy(r->control + r->control_len, f->data, f->data_length);
	r->control_len = (uint8_t)(r->control_len + f->data_length);
	body = ln_slice(r->control, r->control_len);
	if (r->inside)
		return nothing();
	if (r->opcode == WS_CLOSE)
		return judge_close(body);
	return (ws_event_t){ .what = r->opcode == WS_PING ? WS_GOT_PING : WS_GOT_PONG, .bytes = body };
}

ws_event_t ws_reader_next(ws_reader_t *r, ws_message_t *message, uint64_t frame_max)
{
	struct wslay_frame_iocb f;
	ws_event_t e = nothing();
	ssize_t n = 0;

	while (e.what == WS_NOTHING && (n = wslay_frame_recv(r->context, &f)) >= 0) {
		if (!r->inside)
			e = begin_frame(r, &f, message, frame_max);
		r->ahead -= f.data_length;
		r->rest -= f.data_length;
		r->inside = r->rest > 0;
		if (e.what == WS_NOTHING && r->opcode >= WS_CLOSE)
			e = take_control(r, &f);
		else if (e.what == WS_NOTHING && f.data_length > 0)
			e = (ws_event_t){ .what = WS_GOT_DATA, .bytes = ln_slice(f.data, f.data_length) };
	}
	if (e.what != WS_NOTHING)
		return e;
	if (n != WSLAY_ERR_WANT_READ)
		return fault(WS_CODE_PROTOCOL, "a control frame that is long or fragmented, or a length that is not in its shortest form");
	return r->inside ? e : judge_early(r, message, frame_max);
}

/* --- bytes out of frames ------------------------------------------------------------------------------------------ */

size_t ws_header_write(uint8_t dst[WS_HEADER_MAX], ws_opcode_t opcode, uint64_t length)
{
	dst[0] = (uint8_t)(0x80 | opcode);
	if (length < 126) {
		dst[1] = (uint8_t)length;
		return 2;
	}
	dst[1] = length < 65536 ? 126 : 127;
	if (length < 65536) {
		ln_put_u16(dst + 2, (uint16_t)length);
		return 4;
	}
	ln_put_u32(dst + 2, (uint32_t)(length >> 32));
	ln_put_u32(dst + 6, (uint32_t)length);
	return 10;
}
