/* Frames: what a client's bytes come to, however they are cut, and what is against the rules. */
#include <linnet/buf.h>
#include <linnet/mem.h>
#include "ws/frame.h"
#include "unit.h"

#define FRAME_MAX 100000u

static ws_reader_t *reader;
static ws_message_t message;
static ln_buf_t wire, data;
static unsigned pings, pongs;
static char last_control[WS_CONTROL_MAX + 1];

static void setup(void)
{
	reader = ws_reader_create();
	ck_assert_ptr_nonnull(reader);
}

static void teardown(void)
{
	ws_reader_destroy(reader);
	ln_buf_fini(&wire);
	ln_buf_fini(&data);
}

/* --- a client's frames -------------------------------------------------------------------------------------------- */

#define FIN 0x80u

static void put_header(uint8_t first, uint64_t length, bool masked)
{
	uint8_t *at = ln_buf_reserve(&wire, 14);
	size_t n = ws_header_write(at, WS_BINARY, length);

	at[0] = first;
	at[1] |= masked ? 0x80 : 0;
	ln_buf_commit(&wire, n);
	if (masked)
		ln_buf_append(&wire, "\x9a\x3b\x5c\x0d", 4);
}

static void put(uint8_t first, const void *payload, size_t length)
{
	static const uint8_t mask[] = { 0x9a, 0x3b, 0x5c, 0x0d };
	uint8_t *at;

	put_header(first, length, true);
	at = ln_buf_reserve(&wire, length + 1);
	for (size_t i = 0; i < length; i++)
		at[i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
	ln_buf_commit(&wire, length);
}

static void put_text(uint8_t first, const char *payload)
{
	put(first, payload, strlen(payload));
}

/* Everything WIRE holds, in pieces of at most STEP bytes. Returns what stopped it. */
static ws_event_t run(size_t step)
{
	ws_event_t e = { .what = WS_NOTHING };
	size_t at = 0, size = ln_buf_len(&wire);

	while (at < size && e.what < WS_GOT_CLOSE) {
		size_t n = size - at < step ? size - at : step;
		uint8_t *copy = malloc(n);   /* so that reading past it is seen */
		memcpy(copy, wire.data + wire.start + at, n);
		ws_reader_feed(reader, ln_slice(copy, n));
		while ((e = ws_reader_next(reader, &message, FRAME_MAX)).what != WS_NOTHING && e.what < WS_GOT_CLOSE) {
			if (e.what == WS_GOT_DATA) {
				ck_assert_uint_gt(e.bytes.len, 0);
				ln_buf_append(&data, e.bytes.data, e.bytes.len);
				continue;
			}
			pings += e.what == WS_GOT_PING;
			pongs += e.what == WS_GOT_PONG;
			memcpy(last_control, e.bytes.data, e.bytes.len);
			last_control[e.bytes.len] = 0;
		}
		free(copy);
		at += n;
	}
	return e;
}

static void again(void)
{
	ws_reader_destroy(reader);
	setup();
	message = (ws_message_t){ 0 };
	ln_buf_fini(&data);
	pings = pongs = 0;
}

#define ck_fault(code_, part)                                                                               \
	do {                                                                                                \
		for (size_t step_ = 1; step_ < 20; step_ += 6) {                                            \
			ws_event_t e_ = run(step_);                                                         \
			ck_assert_msg(e_.what == WS_GOT_FAULT, "no fault but %d, step %zu", e_.what, step_); \
			ck_assert_uint_eq(e_.code, (code_));                                                \
			ck_assert_ptr_nonnull(e_.why);                                                      \
			ck_assert_msg(strstr(e_.why, (part)), "%s", e_.why);                                \
			again();                                                                            \
		}                                                                                           \
		ln_buf_fini(&wire);                                                                         \
	} while (0)

/* --- tests -------------------------------------------------------------------------------------------------------- */

START_TEST(one_frame)
{
	put_text(FIN | WS_BINARY, "hello");
	ck_assert(ws_reader_idle(reader));
	ck_assert_int_eq(run(1000).what, WS_NOTHING);
	ln_unit_slice(ln_buf_slice(&data), "hello");
	ck_assert(ws_reader_idle(reader) && !message.open);
}
END_TEST

/* Frames of all three lengths, fragments, empty ones and control frames between, in every cut. */
START_TEST(any_cut)
{
	static uint8_t large[70000];
	ln_buf_t want = { 0 };

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 31 >> 3);
	put_text(FIN | WS_BINARY, "one");
	put(FIN | WS_BINARY, large, 125);
	put(WS_BINARY, large, 126);
	put_text(FIN | WS_PING, "are you there");
	put_text(WS_CONTINUATION, "");
	put(WS_CONTINUATION, large, 65535);
	put_text(FIN | WS_PONG, "");
	put_text(FIN | WS_CONTINUATION, "end");
	put(FIN | WS_BINARY, large, sizeof(large));
	put_text(FIN | WS_BINARY, "");
	put_text(FIN | WS_PING, "");
	ln_buf_append(&want, "one", 3);
	ln_buf_append(&want, large, 125);
	ln_buf_append(&want, large, 126);
	ln_buf_append(&want, large, 65535);
	ln_buf_append(&want, "end", 3);
	ln_buf_append(&want, large, sizeof(large));
	for (size_t step = 1; step < 200000; step = step < 20 ? step + 1 : step * 3) {
		ck_assert_int_eq(run(step).what, WS_NOTHING);
		ck_assert_uint_eq(ln_buf_len(&data), ln_buf_len(&want));
		ck_assert_mem_eq(data.data + data.start, want.data + want.start, ln_buf_len(&want));
		ck_assert(pings == 2 && pongs == 1 && !message.open && ws_reader_idle(reader));
		again();
	}
	ln_buf_fini(&want);
}
END_TEST

START_TEST(idle_between_frames_only)
{
	put_text(WS_BINARY, "ab");
	for (size_t i = 0; i < 8; i++) {
		ck_assert(ws_reader_idle(reader) == (i == 0));
		ws_reader_feed(reader, ln_slice(wire.data + wire.start + i, 1));
		ck_assert(!ws_reader_idle(reader));
		while (ws_reader_next(reader, &message, FRAME_MAX).what != WS_NOTHING)
			;
	}
	ck_assert(ws_reader_idle(reader) && message.open);
}
END_TEST

/* A message may go on with another reader: only the message's own state is the connection's. */
START_TEST(another_reader)
{
	put_text(WS_BINARY, "ab");
	run(100);
	ws_reader_destroy(reader);
	setup();
	ln_buf_fini(&wire);
	put_text(FIN | WS_CONTINUATION, "cd");
	ck_assert_int_eq(run(100).what, WS_NOTHING);
	ln_unit_slice(ln_buf_slice(&data), "abcd");
}
END_TEST

START_TEST(ping_payload)
{
	char text[WS_CONTROL_MAX];

	memset(text, 'p', sizeof(text));
	put(FIN | WS_PING, text, sizeof(text));
	run(50);
	ck_assert_uint_eq(pings, 1);
	ck_assert_uint_eq(strlen(last_control), WS_CONTROL_MAX);
}
END_TEST

START_TEST(wrong_frames)
{
	put_text(FIN | WS_TEXT, "text");
	ck_fault(WS_CODE_NOT_BINARY, "text");
	put_text(WS_TEXT, "\xff\xfe");
	ck_fault(WS_CODE_NOT_BINARY, "text");
	put_header(FIN | WS_BINARY, 3, false);
	ln_buf_append(&wire, "abc", 3);
	ck_fault(WS_CODE_PROTOCOL, "not masked");
	for (uint8_t bit = 0x10; bit < 0x80; bit = (uint8_t)(bit << 1)) {
		put_text((uint8_t)(FIN | bit | WS_BINARY), "x");
		ck_fault(WS_CODE_PROTOCOL, "reserved bit");
	}
	for (uint8_t opcode = 3; opcode < 16; opcode++) {
		put_text(FIN | opcode, "x");
		if (opcode < 8 || opcode > 10)
			ck_fault(WS_CODE_PROTOCOL, "opcode");
		else
			ln_buf_fini(&wire);
	}
	put_text(FIN | WS_CONTINUATION, "x");
	ck_fault(WS_CODE_PROTOCOL, "continuation of no message");
	put_text(WS_BINARY, "x");
	put_text(FIN | WS_BINARY, "x");
	ck_fault(WS_CODE_PROTOCOL, "before the last fragment");
	put_text(WS_BINARY, "x");
	put_text(FIN | WS_CONTINUATION, "x");
	put_text(FIN | WS_CONTINUATION, "x");
	ck_fault(WS_CODE_PROTOCOL, "continuation of no message");
}
END_TEST

START_TEST(wrong_control_frames)
{
	char text[126] = { 0 };

	put(FIN | WS_PING, text, sizeof(text));
	ck_fault(WS_CODE_PROTOCOL, "long or fragmented");
	put_text(WS_PING, "x");
	ck_fault(WS_CODE_PROTOCOL, "long or fragmented");
	put_text(WS_CLOSE, "\x03\xe8");
	ck_fault(WS_CODE_PROTOCOL, "long or fragmented");
	/* 3 in 16 bits, 300 in 64, and more than 63 bits */
	ln_buf_append(&wire, "\x82\xfe\0\3....abc", 11);
	ck_fault(WS_CODE_PROTOCOL, "shortest");
	ln_buf_append(&wire, "\x82\xff\0\0\0\0\0\0\1\x2c....abc", 17);
	ck_fault(WS_CODE_PROTOCOL, "shortest");
	ln_buf_append(&wire, "\x82\xff\x80\0\0\0\0\0\0\1....abc", 17);
	ck_fault(WS_CODE_PROTOCOL, "shortest");
}
END_TEST

START_TEST(large)
{
	put_header(FIN | WS_BINARY, FRAME_MAX, true);
	ck_assert_int_eq(run(1).what, WS_NOTHING);
	again();
	ln_buf_fini(&wire);
	/* Refused as soon as the length is there, no byte of the payload is. */
	put_header(FIN | WS_BINARY, FRAME_MAX + 1, true);
	ck_fault(WS_CODE_TOO_LARGE, "frame-max");
	put_header(FIN | WS_BINARY, (uint64_t)1 << 62, true);
	ck_fault(WS_CODE_TOO_LARGE, "frame-max");
	put_text(WS_BINARY, "x");
	put_header(WS_CONTINUATION, FRAME_MAX + 1, true);
	ck_fault(WS_CODE_TOO_LARGE, "frame-max");
}
END_TEST

/* What is wrong with the first two bytes is said when they are there. */
START_TEST(early)
{
	static const char *const heads[] = { "\x81\x85", "\x82\x05", "\xc2\x85", "\x83\x85", "\x80\x85", "\x89\xfe", "\x09\x85" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(heads); i++) {
		ln_buf_append(&wire, heads[i], 2);
		ck_fault(i == 0 ? WS_CODE_NOT_BINARY : WS_CODE_PROTOCOL, "");
	}
}
END_TEST

START_TEST(closes)
{
	static const uint16_t good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1014, 3000, 4999 };
	static const uint16_t bad[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535 };
	uint8_t body[4] = { 0, 0, 'o', 'k' };
	ws_event_t e;

	put_text(FIN | WS_CLOSE, "");
	put_text(FIN | WS_BINARY, "never seen");
	e = run(1000);
	ck_assert(e.what == WS_GOT_CLOSE && e.code == WS_CODE_NONE && e.bytes.len == 0 && ln_buf_len(&data) == 0);
	for (size_t i = 0; i < LN_ARRAY_SIZE(good); i++) {
		again();
		ln_buf_fini(&wire);
		ln_put_u16(body, good[i]);
		put(FIN | WS_CLOSE, body, sizeof(body));
		e = run(1);
		ck_assert(e.what == WS_GOT_CLOSE && e.code == good[i]);
		ln_unit_slice(e.bytes, "ok");
	}
	again();
	ln_buf_fini(&wire);
	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++) {
		ln_put_u16(body, bad[i]);
		put(FIN | WS_CLOSE, body, sizeof(body));
		ck_fault(WS_CODE_PROTOCOL, "may not be sent");
	}
	put(FIN | WS_CLOSE, body, 1);
	ck_fault(WS_CODE_PROTOCOL, "half a code");
	put_text(FIN | WS_CLOSE, "\x03\xe8" "caf\xc3");
	ck_fault(WS_CODE_BAD_TEXT, "UTF-8");
}
END_TEST

START_TEST(headers)
{
	static const struct {
		uint64_t length;
		size_t size;
		const char *bytes;
	} rows[] = {
		{ 0, 2, "\x82\0" }, { 125, 2, "\x82\x7d" }, { 126, 4, "\x82\x7e\0\x7e" }, { 65535, 4, "\x82\x7e\xff\xff" },
		{ 65536, 10, "\x82\x7f\0\0\0\0\0\1\0\0" }, { (uint64_t)1 << 33, 10, "\x82\x7f\0\0\0\2\0\0\0\0" },
	};
	uint8_t header[WS_HEADER_MAX];

	for (size_t i = 0; i < LN_ARRAY_SIZE(rows); i++) {
		ck_assert_uint_eq(ws_header_write(header, WS_BINARY, rows[i].length), rows[i].size);
		ck_assert_mem_eq(header, rows[i].bytes, rows[i].size);
	}
	ck_assert_uint_eq(ws_header_write(header, WS_CLOSE, 2), 2);
	ck_assert_uint_eq(header[0], 0x88);
}
END_TEST

START_TEST(no_memory)
{
	ln_mem_fail_after(1);
	ck_assert_ptr_null(ws_reader_create());
	ln_mem_fail_after(0);
	ws_reader_destroy(NULL);
}
END_TEST

LN_UNIT_MAIN_WITH("ws/frame", setup, teardown, one_frame, any_cut, idle_between_frames_only, another_reader, ping_payload,
		  wrong_frames, wrong_control_frames, large, early, closes, headers, no_memory)
