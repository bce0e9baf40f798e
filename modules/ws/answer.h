/* answer.h — what is answered to an HTTP request: the WebSocket is open, or why not. Pure, but for OpenSSL's digest.
 * Thread: any. */
#ifndef WS_ANSWER_H
#define WS_ANSWER_H

#include <linnet/str.h>
#include "request.h"

#define WS_ANSWER_MAX 512u
#define WS_PROTOCOL_MAX 200u     /* longest name of a sub-protocol */
#define WS_ACCEPT_SIZE 28u       /* twenty bytes in base64 */

/* Writes what Sec-WebSocket-Accept must say to KEY, with a NUL. False: the library cannot (SHA-1 may be switched off in
 * it). Requires: KEY is WS_KEY_SIZE bytes. */
bool ws_accept_key(char dst[WS_ACCEPT_SIZE + 1], ln_slice_t key);
/* Writes the answer that opens; PROTOCOL empty: none was offered. Returns its length, 0: as above.
 * Requires: PROTOCOL is not longer than WS_PROTOCOL_MAX. */
size_t ws_answer_open(char dst[WS_ANSWER_MAX], ln_slice_t key, ln_slice_t protocol);
/* Writes the answer STATUS that refuses, for a person to read WHY. Returns its length. */
size_t ws_answer_refuse(char dst[WS_ANSWER_MAX], unsigned status, const char *why);

#endif
