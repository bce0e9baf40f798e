/* answer.c — HTTP answers; see answer.h.
 *
 * The key's answer is base64 of a SHA-1. It keeps nothing secret, it only shows that a WebSocket server read the
 * request; both come from OpenSSL's libcrypto, which every installation of this broker has for TLS anyway.
 */
#include <stdio.h>
#include <linnet/result.h>
#include <openssl/evp.h>
#include "answer.h"

bool ws_accept_key(char dst[WS_ACCEPT_SIZE + 1], ln_slice_t key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t text[WS_KEY_SIZE + sizeof(guid) - 1], digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	ln_require(key.len == WS_KEY_SIZE);
	memcpy(text, key.data, WS_KEY_SIZE);
	memcpy(text + WS_KEY_SIZE, guid, sizeof(guid) - 1);
	if (EVP_Digest(text, sizeof(text), digest, &size, EVP_sha1(), NULL) != 1 || size != 20)
		return false;
	return EVP_EncodeBlock((unsigned char *)dst, digest, (int)size) == (int)WS_ACCEPT_SIZE;
}

size_t ws_answer_open(char dst[WS_ANSWER_MAX], ln_slice_t key, ln_slice_t protocol)
{
	char accept[WS_ACCEPT_SIZE + 1];

	ln_require(protocol.len <= WS_PROTOCOL_MAX);
	if (!ws_accept_key(accept, key))
		return 0;
	return (size_t)snprintf(dst, WS_ANSWER_MAX,
				"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				"Sec-WebSocket-Accept: %s\r\n%s%.*s%s\r\n",
				accept, protocol.len ? "Sec-WebSocket-Protocol: " : "", (int)protocol.len,
				(const char *)protocol.data, protocol.len ? "\r\n" : "");
}

static const char *status_text(unsigned status)
{
	switch (status) {
	case WS_HTTP_BAD_REQUEST: return "Bad Request";
	case WS_HTTP_FORBIDDEN: return "Forbidden";
	case WS_HTTP_NOT_FOUND: return "Not Found";
	case WS_HTTP_METHOD: return "Method Not Allowed";
	case WS_HTTP_TIMEOUT: return "Request Timeout";
	case WS_HTTP_UPGRADE: return "Upgrade Required";
	case WS_HTTP_HEAD_TOO_LARGE: return "Request Header Fields Too Large";
	case WS_HTTP_VERSION: return "HTTP Version Not Supported";
	default: return "Internal Server Error";
	}
}

/* Header lines this status comes with. */
static const char *status_lines(unsigned status)
{
	if (status == WS_HTTP_METHOD)
		return "Allow: GET\r\n";
	if (status == WS_HTTP_UPGRADE)
		return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
	return "";
}

size_t ws_answer_refuse(char dst[WS_ANSWER_MAX], unsigned status, const char *why)
{
	int n = snprintf(dst, WS_ANSWER_MAX,
			 "HTTP/1.1 %u %s\r\nConnection: %s\r\n%sContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			 "\r\n%s\n",
			 status, status_text(status), status == WS_HTTP_UPGRADE ? "Upgrade, close" : "close",
			 status_lines(status), strlen(why) + 1, why);

	ln_insist(n > 0 && (unsigned)n < WS_ANSWER_MAX);
	return (size_t)n;
}
