/* ws_test.c — parley's frames, judged without a broker: the RFC's own examples (RFC 6455, 1.3 and 5.7), what a server must
 * not send, and every frame cut into single bytes. Prints TAP.
 */
#include <stdio.h>
#include <string.h>

#include "value.h"
#include "ws.h"

static int number, failures;

static void check(bool ok, const char *what, const char *detail)
{
	printf("%sok %d - %s %s\n", ok ? "" : "not ", ++number, what, detail);
	failures += !ok;
}

/* What arrives, and what it carries (or the rule it breaks). */
static const struct {
	const char *hex, *carries, *why;
} arriving[] = {
	{ "82 05 48 65 6c 6c 6f", "Hello", NULL },
	{ "02 03 48 65 6c 80 02 6c 6f", "Hello", NULL },
	{ "02 03 48 65 6c 89 00 80 02 6c 6f", "Hello", NULL },
	{ "82 00", "", NULL },
	{ "8a 02 01 02", "", NULL },
	{ "88 02 03 e8", "", NULL },
	{ "88 00", "", NULL },
	{ "82 05 48 65", "", NULL },
	{ "81 05 48 65 6c 6c 6f", "", "a text frame" },
	{ "c2 00", "", "reserved bits" },
	{ "82 85 37 fa 21 3d 7f 9f 4d 51 58", "", "a masked frame" },
	{ "82 7e 00 05 48 65 6c 6c 6f", "", "not the shortest" },
	{ "82 7f 00 00 00 00 00 00 ff ff", "", "not the shortest" },
	{ "82 7f 80 00 00 00 00 01 00 00", "", "not the shortest" },
	{ "80 00", "", "a continuation of nothing" },
	{ "02 01 61 82 01 62", "a", "a new message inside" },
	{ "83 00", "", "an unknown opcode" },
	{ "8b 00", "", "an unknown opcode" },
	{ "09 00", "", "a control frame in fragments" },
	{ "89 7e 00 7e", "", "a control frame over 125 bytes" },
	{ "88 01 03", "", "half a close code" },
	{ "88 02 03 ed", "", "a close code that is never sent" },
	{ "88 02 03 e7", "", "a close code that is never sent" },
	{ "88 00 82 00", "", "a frame behind a close frame" },
};

/* Feeds WIRE in pieces of STEP bytes. */
static const char *feed(ws_t *ws, bytes_t wire, size_t step, buf_t *out)
{
	const char *why = NULL;

	while (wire.len && !why) {
		size_t n = step < wire.len ? step : wire.len;

		buf_add(&ws->wire, wire.at, n);
		wire = bytes_from(wire, n);
		why = ws_unwrap(ws, out);
	}
	return why;
}

static void check_arriving(size_t i, size_t step)
{
	buf_t wire = { 0 }, out = { 0 };
	ws_t ws = { .on = true };
	const char *why, *want = arriving[i].why;

	value_hex(bytes_of(arriving[i].hex), &wire, NULL);
	why = feed(&ws, buf_bytes(&wire), step, &out);
	check(!why == !want && (!why || strstr(why, want)), "judged:", arriving[i].hex);
	check(bytes_is(buf_bytes(&out), arriving[i].carries), "carries:", arriving[i].carries);
	ws_reset(&ws);
	buf_free(&wire);
	buf_free(&out);
}

/* Opens the mask of every frame of a client in WIRE and puts the bytes together. Returns: the number of frames. */
static int unmask(bytes_t wire, buf_t *out)
{
	int frames = 0;

	while (wire.len) {
		const unsigned char *p = (const unsigned char *)wire.at;
		size_t head = (p[1] & 127) == 127 ? 10 : (p[1] & 127) == 126 ? 4 : 2, n = p[1] & 127;

		if (head == 4)
			n = (size_t)p[2] << 8 | p[3];
		if (head == 10)
			n = (size_t)p[7] << 16 | (size_t)p[8] << 8 | p[9];
		if (!(p[1] & 0x80) || wire.len < head + 4 + n)
			return -1;
		for (size_t i = 0; i < n; i++)
			buf_add_byte(out, p[head + 4 + i] ^ p[head + i % 4]);
		wire = bytes_from(wire, head + 4 + n);
		frames++;
	}
	return frames;
}

static void check_leaving(size_t size, size_t message, size_t fragment, int frames)
{
	ws_t ws = { .on = true, .message = message, .fragment = fragment };
	buf_t sent = { 0 }, wire = { 0 }, back = { 0 };
	char detail[64];

	for (size_t i = 0; i < size; i++)
		buf_add_byte(&sent, (unsigned)(i * 7 + i / 256));
	ws_wrap(&ws, buf_bytes(&sent), &wire);
	snprintf(detail, sizeof(detail), "%zu bytes, %zu in a message, %zu in a frame", size, message, fragment);
	check(unmask(buf_bytes(&wire), &back) == frames, "so many frames:", detail);
	check(bytes_equal(buf_bytes(&sent), buf_bytes(&back)), "the bytes come back:", detail);
	buf_free(&sent);
	buf_free(&wire);
	buf_free(&back);
}

static void check_answers(void)
{
	buf_t out = { 0 }, back = { 0 };
	ws_t ws = { .on = true };

	check(!feed(&ws, (bytes_t){ "\x89\x05Hello", 7 }, 7, &out) && ws.answer.at[0] == (char)0x8a, "a ping has", "a pong");
	check(unmask(buf_bytes(&ws.answer), &back) == 1 && bytes_is(buf_bytes(&back), "Hello"), "a pong carries", "Hello");
	ws.answer.len = 0;
	check(!feed(&ws, (bytes_t){ "\x88\x02\x03\xea", 4 }, 4, &out) && ws.close_code == 1002, "a close code is", "1002");
	check(ws.answer.len == 8 && ws.answer.at[0] == (char)0x88, "a close frame is", "answered");
	ws_reset(&ws);
	buf_free(&out);
	buf_free(&back);
}

#define GOOD "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void check_response(const char *head, const char *protocol, const char *want)
{
	const char *why = ws_response(bytes_of(head), bytes_of(protocol));

	check(want ? why && strstr(why, want) : !why, "the upgrade's answer:", want ? want : "good");
}

int main(void)
{
	for (size_t i = 0; i < PARLEY_COUNT(arriving); i++) {
		check_arriving(i, 1000);
		check_arriving(i, 1);
	}
	check_leaving(5, 0, 0, 1);
	check_leaving(5, 1, 0, 5);
	check_leaving(5, 0, 2, 3);
	check_leaving(6, 3, 2, 4);
	check_leaving(125, 0, 0, 1);
	check_leaving(126, 0, 0, 1);
	check_leaving(65535, 0, 0, 1);
	check_leaving(65536, 0, 0, 1);
	check_answers();
	check_response(GOOD KEY, "", NULL);
	check_response(GOOD KEY "sec-websocket-protocol:mqtt\r\n", "mqtt, mqttv3.1", NULL);
	check_response(GOOD KEY "Sec-WebSocket-Protocol: mqtt\r\n", "", "nobody asked for");
	check_response(GOOD KEY "Sec-WebSocket-Protocol: amqp\r\n", "mqtt", "not one of");
	check_response(GOOD KEY, "mqtt", "not one of");
	check_response(GOOD, "", "does not answer the key");
	check_response("HTTP/1.1 403 Forbidden\r\n" KEY, "", "refused");
	check_response(GOOD KEY "Sec-WebSocket-Extensions: permessage-deflate\r\n", "", "an extension");
	printf("1..%d\n", number);
	return failures != 0;
}
