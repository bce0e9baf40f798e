/* layer.c — a connection's way through the module: the request is collected and answered, then frames are taken off what
 * comes and put on what goes, then there is a close frame.
 *
 * Nothing here closes. A layer that has had enough keeps the code it wants to close with and returns an error; the core
 * then passes on what the protocol still had to say, and `shut` puts the close frame behind it. So an MQTT DISCONNECT
 * always stands before the close frame, whoever began.
 *
 * The reader, with wslay's buffer in it, is borrowed from the worker while bytes are being read, and kept only by a
 * connection whose frame has not come to its end. An idle connection has none.
 *
 * Output: what the protocol wrote since the last time becomes one message of one frame. Its bytes are not touched, so
 * they are gathered as they are, behind a header of at most ten bytes.
 *
 * Not done: pings of our own. MQTT has a keep-alive, with which a dead client is found as well.
 */
#include <linnet/self.h>
#include "answer.h"
#include "ws.h"

#define PIECES 64

static ws_conn_t *of(void *state)
{
	ws_conn_t *s = state;

	ln_require(LN_MAGIC_OK(s, WS_CONN_MAGIC));
	return s;
}

static const ws_conf_t *conf_of(const ln_conn_t *c)
{
	return ln_listener_conf(ln_conn_listener(c), ws_self.index);
}

static void count(unsigned stat)
{
	ln_stat_add(ln_worker_self(), ws_self.stat_base + stat, 1);
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

static ws_worker_t *mine(ln_worker_t *w)
{
	return ln_worker_slot(w, ws_self.worker_slot);
}

static bool borrow_reader(ln_conn_t *c, ws_conn_t *s)
{
	ws_worker_t *w = mine(ln_conn_worker(c));

	if (!s->u.reader)
		s->u.reader = w->count ? w->spare[--w->count] : ws_reader_create();
	return s->u.reader;
}

static void give_back_reader(ln_conn_t *c, ws_conn_t *s)
{
	ws_worker_t *w = mine(ln_conn_worker(c));

	if (s->u.reader && ws_reader_idle(s->u.reader) && w->count < LN_ARRAY_SIZE(w->spare))
		w->spare[w->count++] = s->u.reader;
	else
		ws_reader_destroy(s->u.reader);
	s->u.reader = NULL;
}

void ws_worker_stop(ln_worker_t *worker, void *state)
{
	ws_worker_t *w = state;

	(void)worker;
	while (w->count)
		ws_reader_destroy(w->spare[--w->count]);
}

/* --- the request -------------------------------------------------------------------------------------------------- */

static ln_result_t send_text(ln_conn_t *c, unsigned at, char *text, size_t size)
{
	struct iovec iov = { text, size };

	return ln_layer_down(c, at, &iov, 1);
}

static ln_result_t refuse(ln_conn_t *c, unsigned at, ws_conn_t *s, unsigned status, const char *why)
{
	char text[WS_ANSWER_MAX];
	ln_result_t r = send_text(c, at, text, ws_answer_refuse(text, status, why));

	ln_log(c, WS_REFUSED, status, why);
	count(WS_STAT_refused);
	ln_buf_fini(&s->u.head);
	s->u.reader = NULL;
	s->phase = WS_DONE;
	return r == LN_OK ? LN_REFUSED : r;
}

static void say_open(ln_conn_t *c, const ws_request_t *request)
{
	char path[128], origin[128], protocol[64];

	ln_log(c, WS_OPEN, ln_slice_print(request->path, path, sizeof(path)),
	       request->origin.len ? ln_slice_print(request->origin, origin, sizeof(origin)) : "none",
	       request->protocol.len ? ln_slice_print(request->protocol, protocol, sizeof(protocol)) : "none");
}

static ln_result_t accept_request(ln_conn_t *c, unsigned at, ws_conn_t *s, const ws_request_t *request)
{
	char text[WS_ANSWER_MAX];
	size_t size = ws_answer_open(text, request->key, request->protocol);

	if (!size) {
		ln_log(c, WS_NO_DIGEST);
		return refuse(c, at, s, WS_HTTP_INTERNAL, "WebSocket does not work here now");
	}
	say_open(c, request);
	count(WS_STAT_opened);
	count(WS_STAT_connections);
	ln_buf_fini(&s->u.head);
	s->u.reader = NULL;
	s->opened = true;
	s->phase = WS_FRAMES;
	return send_text(c, at, text, size);
}

static ws_names_t names(const ln_strings_t *list)
{
	return (ws_names_t){ list->count, list->item };
}

static ln_result_t judge(ln_conn_t *c, unsigned at, ws_conn_t *s, ln_slice_t head)
{
	const ws_conf_t *conf = conf_of(c);
	ws_terms_t terms = { names(&conf->protocols), names(&conf->paths), names(&conf->origins),
			     conf->protocol_required };
	ws_request_t request;
	const char *why;
	unsigned status = ws_request_judge(head, &terms, &request, &why);

	if (status != WS_HTTP_SWITCHING)
		return refuse(c, at, s, status, why);
	return accept_request(c, at, s, &request);
}

/* Takes what belongs to the request off *BYTES. */
static ln_result_t take_head(ln_conn_t *c, unsigned at, ws_conn_t *s, ln_slice_t *bytes)
{
	size_t seen = ln_buf_len(&s->u.head), room = conf_of(c)->head_max.n - seen;
	size_t n = bytes->len < room ? bytes->len : room, end;
	ln_slice_t all = ln_slice(bytes->data, n);

	if (seen == 0 && !ws_head_begins(*bytes))
		return refuse(c, at, s, WS_HTTP_BAD_REQUEST, "this is no HTTP request");
	if (seen) {
		ln_buf_append(&s->u.head, bytes->data, n);
		all = ln_buf_slice(&s->u.head);
	}
	end = ws_head_end(all, seen);
	if (end) {
		*bytes = ln_slice(bytes->data + (end - seen), bytes->len - (end - seen));
		return judge(c, at, s, ln_slice(all.data, end));
	}
	if (ws_head_broken(all, seen))
		return refuse(c, at, s, WS_HTTP_BAD_REQUEST, "a line does not end in CR LF");
	if (n == room)
		return refuse(c, at, s, WS_HTTP_HEAD_TOO_LARGE, "the request is too large");
	if (!seen)
		ln_buf_append(&s->u.head, all.data, all.len);
	*bytes = ln_slice(NULL, 0);
	return LN_OK;
}

/* --- frames that come --------------------------------------------------------------------------------------------- */

static ln_result_t leave(ln_conn_t *c, ws_conn_t *s, uint16_t code, const char *why)
{
	ln_log(c, WS_BAD_FRAME, code, why);
	count(WS_STAT_bad_frames);
	s->code = code;
	s->why = why;
	return code == WS_CODE_TOO_LARGE || code == WS_CODE_POLICY ? LN_LIMIT : LN_PROTOCOL;
}

static bool too_many_pings(ln_conn_t *c, ws_conn_t *s)
{
	uint32_t second = (uint32_t)(ln_conn_worker(c)->now / 1000), max = conf_of(c)->pings_max;

	if (s->ping_second != second)
		s->pings = 0;
	s->ping_second = second;
	return max && ++s->pings > max;
}

static ln_result_t send_control(ln_conn_t *c, unsigned at, ws_opcode_t opcode, ln_slice_t payload)
{
	uint8_t frame[WS_HEADER_MAX + WS_CONTROL_MAX];
	struct iovec iov = { frame, ws_header_write(frame, opcode, payload.len) };

	ln_require(payload.len <= WS_CONTROL_MAX);
	if (payload.len)
		memcpy(frame + iov.iov_len, payload.data, payload.len);
	iov.iov_len += payload.len;
	return ln_layer_down(c, at, &iov, 1);
}

static ln_result_t on_ping(ln_conn_t *c, unsigned at, ws_conn_t *s, const ws_event_t *e)
{
	if (too_many_pings(c, s))
		return leave(c, s, WS_CODE_POLICY, "more pings in a second than pings-max");
	if (e->what == WS_GOT_PONG)
		return LN_OK;
	count(WS_STAT_pings);
	if (!ln_conn_congested(c))
		return send_control(c, at, WS_PONG, e->bytes);
	count(WS_STAT_pings_unanswered);
	return LN_OK;
}

static ln_result_t on_event(ln_conn_t *c, unsigned at, ws_conn_t *s, const ws_event_t *e)
{
	switch (e->what) {
	case WS_GOT_DATA:
		return ln_layer_up(c, at, e->bytes);
	case WS_GOT_PING:
	case WS_GOT_PONG:
		return on_ping(c, at, s, e);
	case WS_GOT_CLOSE:
		ln_log(c, WS_LEFT, e->code);
		s->code = e->code;
		return LN_CLOSED;
	case WS_GOT_FAULT:
		return leave(c, s, e->code, e->why);
	case WS_NOTHING:
		break;
	}
	return LN_AGAIN;
}

static ln_result_t take_frames(ln_conn_t *c, unsigned at, ws_conn_t *s, ln_slice_t bytes)
{
	uint64_t frame_max = conf_of(c)->frame_max.n;
	ln_result_t r = LN_OK;

	if (!borrow_reader(c, s))
		return LN_NO_MEMORY;
	ws_reader_feed(s->u.reader, bytes);
	while (r == LN_OK) {
		ws_event_t e = ws_reader_next(s->u.reader, &s->message, frame_max);
		r = on_event(c, at, s, &e);
	}
	if (r != LN_AGAIN)
		return r;
	if (ws_reader_idle(s->u.reader))
		give_back_reader(c, s);
	return LN_OK;
}

/* --- what the core calls ------------------------------------------------------------------------------------------ */

static ln_result_t on_open(ln_conn_t *c, unsigned at, void *state)
{
	(void)c, (void)at;
	((ws_conn_t *)state)->magic = WS_CONN_MAGIC;
	return LN_OK;
}

static ln_result_t on_up(ln_conn_t *c, unsigned at, void *state, ln_slice_t bytes)
{
	ws_conn_t *s = of(state);

	if (s->phase == WS_ASKED) {
		ln_result_t r = take_head(c, at, s, &bytes);
		if (r != LN_OK)
			return r;
	}
	if (bytes.len == 0)
		return LN_OK;
	return s->phase == WS_FRAMES ? take_frames(c, at, s, bytes) : LN_CLOSED;
}

/* One message of at most PIECES pieces. */
static ln_result_t send_message(ln_conn_t *c, unsigned at, const struct iovec *iov, int n)
{
	uint8_t header[WS_HEADER_MAX];
	struct iovec out[PIECES + 1];
	size_t size = 0;

	for (int i = 0; i < n; i++) {
		out[i + 1] = iov[i];
		size += iov[i].iov_len;
	}
	out[0] = (struct iovec){ header, ws_header_write(header, WS_BINARY, size) };
	count(WS_STAT_messages_out);
	return ln_layer_down(c, at, out, n + 1);
}

static ln_result_t on_down(ln_conn_t *c, unsigned at, void *state, const struct iovec *iov, int n)
{
	ln_result_t r = LN_OK;

	/* A protocol that speaks before the client's request cannot be heard. */
	if (of(state)->phase != WS_FRAMES)
		return LN_PROTOCOL;
	for (int i = 0; i < n && r == LN_OK; i += PIECES)
		r = send_message(c, at, iov + i, n - i < PIECES ? n - i : PIECES);
	return r;
}

/* What the close frame says of the way the connection ends. */
static uint16_t code_of(ln_result_t why)
{
	switch (why) {
	case LN_OK: return WS_CODE_NORMAL;
	case LN_CLOSED: return WS_CODE_GOING_AWAY;
	case LN_MALFORMED:
	case LN_PROTOCOL: return WS_CODE_PROTOCOL;
	case LN_NO_MEMORY:
	case LN_SYSTEM: return WS_CODE_INTERNAL;
	default: return WS_CODE_POLICY;
	}
}

static void send_close(ln_conn_t *c, unsigned at, ws_conn_t *s)
{
	ln_slice_t why = ln_slice_of(s->why);
	uint8_t body[WS_CONTROL_MAX];

	if (!s->code)
		s->code = code_of(ln_conn_why(c));
	if (why.len > sizeof(body) - 2)
		why.len = sizeof(body) - 2;
	ln_put_u16(body, s->code);
	if (why.len)
		memcpy(body + 2, why.data, why.len);
	/* Whether it can still be sent changes nothing. */
	(void)!send_control(c, at, WS_CLOSE, ln_slice(body, s->code == WS_CODE_NONE ? 0 : 2 + why.len));
}

static void on_shut(ln_conn_t *c, unsigned at, void *state)
{
	ws_conn_t *s = of(state);

	if (s->phase == WS_FRAMES)
		send_close(c, at, s);
	else if (s->phase == WS_ASKED && ln_buf_len(&s->u.head) && ln_conn_why(c) != LN_CLOSED)
		(void)!refuse(c, at, s, WS_HTTP_TIMEOUT, "the request did not come to its end in time");
	if (s->phase == WS_FRAMES)
		s->phase = WS_DONE;
}

static void on_closed(ln_conn_t *c, unsigned at, void *state)
{
	ws_conn_t *s = of(state);

	(void)at;
	if (s->phase == WS_ASKED)
		ln_buf_fini(&s->u.head);
	else
		give_back_reader(c, s);
	if (s->opened)
		ln_stat_sub(ln_worker_self(), ws_self.stat_base + WS_STAT_connections, 1);
	s->magic = 0;
}

const ln_layer_t ws_layer = {
	.name = "ws", .conn_size = sizeof(ws_conn_t), .open = on_open, .up = on_up, .down = on_down, .shut = on_shut,
	.closed = on_closed,
};
