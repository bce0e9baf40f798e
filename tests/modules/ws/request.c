/* Requests for a WebSocket: what is read out of a head, and what is answered. */
#include "ws/request.h"
#include "unit.h"

static char *spoken[] = { (char[]){ "mqtt" }, (char[]){ "mqttv3.1" } };
static char *some_paths[] = { (char[]){ "/mqtt" }, (char[]){ "/a/b" } };
static char *some_origins[] = { (char[]){ "https://a.example" }, (char[]){ "http://b.example:8080" }, (char[]){ "null" } };

static ws_terms_t terms;
static ws_request_t request;
static const char *why;

static void setup(void)
{
	terms = (ws_terms_t){ .protocols = { 2, spoken }, .protocol_required = true };
	request = (ws_request_t){ 0 };
	why = NULL;
}

static unsigned judge(const char *head)
{
	why = NULL;
	return ws_request_judge(ln_slice_of(head), &terms, &request, &why);
}

#define FIRST "GET /mqtt HTTP/1.1\r\n"
#define HOST "Host: localhost:9001\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define MQTT "Sec-WebSocket-Protocol: mqtt\r\n"
#define END "\r\n"

#define ck_answer(head, status)                                                                     \
	do {                                                                                        \
		unsigned got_ = judge(head);                                                        \
		ck_assert_msg(got_ == (status), "%u (%s) to %s", got_, why ? why : "", head);       \
		ck_assert_msg((got_ == 101) == !why, "%u, and a reason: %s", got_, why ? why : ""); \
	} while (0)

START_TEST(reads)
{
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: http://x\r\n" END, 101);
	ln_unit_slice(request.path, "/mqtt");
	ln_unit_slice(request.key, "dGhlIHNhbXBsZSBub25jZQ==");
	ln_unit_slice(request.origin, "http://x");
	ln_unit_slice(request.protocol, "mqtt");
}
END_TEST

START_TEST(case_blanks_and_lists)
{
	ck_answer("GET / HTTP/1.1\r\nHOST:h\r\nuPGRADE: \t WebSocket \r\ncONNECTION:keep-alive,\t UPGRADE ,x\r\n"
		  "sec-websocket-KEY:dGhlIHNhbXBsZSBub25jZQ==\r\nSec-websocket-version: 13\t\r\n"
		  "sec-websocket-protocol:mqtt\r\n\r\n",
		  101);
	ck_answer("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nUpgrade: x, websocket\r\nConnection: keep-alive\r\n"
		  "Connection: upgrade\r\n" KEY V13 MQTT END,
		  101);
	ck_answer("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websockets\r\nConnection: upgrade\r\n" KEY V13 MQTT END, 426);
	ck_answer("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgraded\r\n" KEY V13 MQTT END, 400);
	/* What nobody asked about, ASCII or not, is not in the way. */
	ck_answer(FIRST HOST UP KEY V13 MQTT "Cookie: \xc3\xa4\xff=1; Upgrade\r\nX:\r\nContent-Length: 0\r\n" END, 101);
}
END_TEST

START_TEST(protocols_offered)
{
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: x, mqttv3.1, mqtt\r\n" END, 101);
	ln_unit_slice(request.protocol, "mqttv3.1");
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: ,mqtt , mqttv3.1\r\n" END, 101);
	ln_unit_slice(request.protocol, "mqtt");
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: mqtt\r\n" END, 101);
	ln_unit_slice(request.protocol, "mqtt");
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: chat\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: MQTT\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: mq\xfftt, mqtt\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: mqtt v3\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 END, 400);
	terms.protocol_required = false;
	ck_answer(FIRST HOST UP KEY V13 END, 101);
	ck_assert_uint_eq(request.protocol.len, 0);
	ck_answer(FIRST HOST UP KEY V13 "Sec-WebSocket-Protocol: chat\r\n" END, 400);
}
END_TEST

START_TEST(paths_allowed)
{
	terms.paths = (ws_names_t){ 2, some_paths };
	ck_answer("GET /mqtt?token=1 HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 101);
	ln_unit_slice(request.path, "/mqtt");
	ck_answer("GET /a/b HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 101);
	ck_answer("GET http://localhost:9001/mqtt HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 101);
	ln_unit_slice(request.path, "/mqtt");
	ck_answer("GET / HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 404);
	ck_answer("GET http://localhost HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 404);
	ck_answer("GET /mqtt/ HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 404);
	ck_answer("GET /MQTT HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 404);
	ck_answer("GET * HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("GET mqtt HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("GET /mqtt#a HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("GET /m\xc3\xa4 HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
}
END_TEST

START_TEST(origins_allowed)
{
	terms.origins = (ws_names_t){ 3, some_origins };
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: https://a.example\r\n" END, 101);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: HTTPS://A.Example\r\n" END, 101);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: http://b.example:8080\r\n" END, 101);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: null\r\n" END, 101);
	ck_answer(FIRST HOST UP KEY V13 MQTT END, 101);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: http://a.example\r\n" END, 403);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: https://a.example.evil\r\n" END, 403);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: http://b.example\r\n" END, 403);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin:\r\n" END, 403);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Origin: https://a.example\r\nOrigin: https://a.example\r\n" END, 400);
}
END_TEST

START_TEST(something_missing)
{
	ck_answer(FIRST UP KEY V13 MQTT END, 400);
	ck_answer(FIRST "Host:\r\n" UP KEY V13 MQTT END, 400);
	ck_answer(FIRST HOST HOST UP KEY V13 MQTT END, 400);
	ck_answer(FIRST HOST END, 426);
	ck_answer(FIRST HOST "Upgrade: websocket\r\n" KEY V13 MQTT END, 400);
	ck_answer(FIRST HOST UP KEY MQTT END, 426);
	ck_answer(FIRST HOST UP KEY MQTT "Sec-WebSocket-Version: 8\r\n" END, 426);
	ck_answer(FIRST HOST UP KEY MQTT "Sec-WebSocket-Version: 13, 8\r\n" END, 426);
	ck_answer(FIRST HOST UP V13 MQTT END, 400);
	ck_answer(FIRST HOST UP KEY KEY V13 MQTT END, 400);
	ck_answer(FIRST HOST UP V13 MQTT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" END, 400);
	ck_answer(FIRST HOST UP V13 MQTT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" END, 400);
	ck_answer(FIRST HOST UP V13 MQTT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n" END, 400);
	ck_answer(FIRST HOST UP V13 MQTT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Content-Length: 5\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "Transfer-Encoding: chunked\r\n" END, 400);
}
END_TEST

START_TEST(no_request)
{
	ck_answer("POST /mqtt HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 405);
	ck_answer("get /mqtt HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 405);
	ck_answer("GET /mqtt HTTP/1.0\r\n" HOST UP KEY V13 MQTT END, 505);
	ck_answer("PRI * HTTP/2.0\r\n\r\n", 505);
	ck_answer("GET /mqtt http/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("GET /mqtt HTTP/1.1 \r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("GET  /mqtt HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("GET /mqtt\r\n\r\n", 400);
	ck_answer("G(T /mqtt HTTP/1.1\r\n" HOST UP KEY V13 MQTT END, 400);
	ck_answer("\r\n\r\n", 400);
	ck_answer("", 400);
}
END_TEST

START_TEST(no_headers)
{
	ck_answer(FIRST HOST UP KEY V13 MQTT "X : y\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT " folded\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "no colon\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT ": no name\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "N\xc3\xa4me: x\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "X: a\x01z\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "X: a\rb\r\n" END, 400);
	ck_answer(FIRST HOST UP KEY V13 MQTT "X: y\n" END, 400);
	ck_assert_uint_eq(ws_request_judge(LN_STR(FIRST HOST UP KEY V13 MQTT "X: a\0z\r\n" END), &terms, &request, &why), 400);
}
END_TEST

/* Every beginning of a head is told from the whole of it, however it is cut. */
START_TEST(where_it_ends)
{
	static const char text[] = FIRST HOST END "\x82\x80";
	size_t whole = sizeof(text) - 3;

	for (size_t n = 0; n <= sizeof(text) - 1; n++)
		for (size_t seen = 0; seen <= n && seen < whole; seen++)
			ck_assert_uint_eq(ws_head_end(ln_slice(text, n), seen), n < whole ? 0 : whole);
	for (size_t n = 0; n < whole; n++)
		ck_assert(!ws_head_broken(ln_slice(text, n), 0));
	ck_assert(ws_head_broken(LN_STR("GET / HTTP/1.1\n"), 0));
	ck_assert(ws_head_broken(LN_STR("GET / HTTP/1.1\n"), 14));
	ck_assert(!ws_head_broken(LN_STR("GET / HTTP/1.1\r\n"), 15));
	ck_assert(ws_head_broken(LN_STR("\n"), 0));
	ck_assert(ws_head_begins(LN_STR("G")) && !ws_head_begins(LN_STR("\x10\x0c")) && !ws_head_begins(LN_STR("\x16\x03")));
}
END_TEST

LN_UNIT_MAIN_WITH("ws/request", setup, NULL, reads, case_blanks_and_lists, protocols_offered, paths_allowed, origins_allowed,
		  something_missing, no_request, no_headers, where_it_ends)
