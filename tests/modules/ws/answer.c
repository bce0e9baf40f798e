/* HTTP answers. */
#include <stdio.h>
#include "ws/answer.h"
#include "unit.h"

START_TEST(key_of_the_standard)
{
	char accept[WS_ACCEPT_SIZE + 1];

	/* RFC 6455, 1.3 */
	ck_assert(ws_accept_key(accept, LN_STR("dGhlIHNhbXBsZSBub25jZQ==")));
	ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
END_TEST

START_TEST(opens)
{
	char text[WS_ANSWER_MAX], longest[WS_PROTOCOL_MAX];
	size_t n = ws_answer_open(text, LN_STR("dGhlIHNhbXBsZSBub25jZQ=="), LN_STR("mqtt"));

	ln_unit_slice(ln_slice(text, n), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
					 "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
					 "Sec-WebSocket-Protocol: mqtt\r\n\r\n");
	n = ws_answer_open(text, LN_STR("dGhlIHNhbXBsZSBub25jZQ=="), ln_slice(NULL, 0));
	ln_unit_slice(ln_slice(text, n), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
					 "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
					 "\r\n");
	memset(longest, 'm', sizeof(longest));
	n = ws_answer_open(text, LN_STR("dGhlIHNhbXBsZSBub25jZQ=="), ln_slice(longest, sizeof(longest)));
	ck_assert(n < sizeof(text) && memcmp(text + n - 5, "m\r\n\r\n", 5) == 0);
}
END_TEST

START_TEST(refuses)
{
	static const unsigned all[] = { WS_HTTP_BAD_REQUEST, WS_HTTP_FORBIDDEN, WS_HTTP_NOT_FOUND, WS_HTTP_METHOD,
					WS_HTTP_TIMEOUT, WS_HTTP_UPGRADE, WS_HTTP_HEAD_TOO_LARGE, WS_HTTP_INTERNAL,
					WS_HTTP_VERSION };
	char text[WS_ANSWER_MAX + 1], line[32];

	for (size_t i = 0; i < LN_ARRAY_SIZE(all); i++) {
		text[ws_answer_refuse(text, all[i], "for this reason")] = 0;
		snprintf(line, sizeof(line), "HTTP/1.1 %u ", all[i]);
		ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s", text);
		ck_assert_msg(strstr(text, "\r\nContent-Length: 16\r\n"), "%s", text);
		ck_assert_msg(strcmp(strstr(text, "\r\n\r\n"), "\r\n\r\nfor this reason\n") == 0, "%s", text);
		ck_assert(!strstr(text, "Sec-WebSocket-Version: 13\r\n") == (all[i] != WS_HTTP_UPGRADE));
		ck_assert(!strstr(text, "Allow: GET\r\n") == (all[i] != WS_HTTP_METHOD));
		ck_assert(!strstr(text, "500 ") == (all[i] != WS_HTTP_INTERNAL));
	}
}
END_TEST

LN_UNIT_MAIN("ws/answer", key_of_the_standard, opens, refuses)
