/* request.h — the HTTP request that opens a WebSocket (RFC 6455, 4.2.1): where its head ends, what it says, whether it
 * may come in.
 *
 * The head is read strictly, because somebody else may have read it differently before us: lines end in CR LF, names
 * are tokens with their colon right behind, nothing is folded, no header that must be there once is there twice. Names
 * and the values that RFC 7230 says so of are compared without case.
 *
 * Pure: knows slices, no broker. Single-threaded.
 */
#ifndef WS_REQUEST_H
#define WS_REQUEST_H

#include <linnet/str.h>

/* What HTTP answers. */
enum {
	WS_HTTP_SWITCHING = 101,
	WS_HTTP_BAD_REQUEST = 400,
	WS_HTTP_FORBIDDEN = 403,
	WS_HTTP_NOT_FOUND = 404,
	WS_HTTP_METHOD = 405,
	WS_HTTP_TIMEOUT = 408,
	WS_HTTP_UPGRADE = 426,
	WS_HTTP_HEAD_TOO_LARGE = 431,
	WS_HTTP_INTERNAL = 500,
	WS_HTTP_VERSION = 505
};

#define WS_KEY_SIZE 24u    /* sixteen bytes in base64 */

typedef struct ws_names {
	uint32_t count;
	char *const *item;
} ws_names_t;

/* On what terms a request is let in; an empty list of paths or origins: any. */
typedef struct ws_terms {
	ws_names_t protocols, paths, origins;
	bool protocol_required;
} ws_terms_t;

/* Is S a token of HTTP (RFC 7230, 3.2.6)? Thread: any. */
bool ws_is_token(ln_slice_t s);

/* What a good request says. The slices are the head's, or of the terms. */
typedef struct ws_request {
	ln_slice_t path;           /* without the query */
	ln_slice_t key;
	ln_slice_t origin;         /* empty: none */
	ln_slice_t protocol;       /* what was chosen of the offered ones; empty: nothing was offered */
} ws_request_t;

/* Is the head in BYTES, of which the first SEEN bytes held no end of it? Returns its length with the empty line, 0: not
 * yet. */
size_t ws_head_end(ln_slice_t bytes, size_t seen);
/* Does a line in BYTES end otherwise than in CR LF, so that the head's end would never be found? SEEN as above. */
bool ws_head_broken(ln_slice_t bytes, size_t seen);
/* Could BYTES, the first that came, be the beginning of a request? */
bool ws_head_begins(ln_slice_t bytes);
/* Judges HEAD. Returns WS_HTTP_SWITCHING and *ret_request, or another answer and *ret_why. */
unsigned ws_request_judge(ln_slice_t head, const ws_terms_t *terms, ws_request_t *ret_request, const char **ret_why);

#endif
