/* request.c — reads and judges the request; see request.h.
 *
 * One pass over the lines collects what matters into a struct, and a second function says what is missing, in the order
 * in which it helps most: first what makes it no request at all, then what makes it none for us, then who is not let
 * in. Extensions are not looked at: none is ever agreed on (permessage-deflate would keep some hundred KiB per
 * connection and saves little on short binary messages).
 */
#include "request.h"

typedef struct head {
	ln_slice_t method, target, http;
	ln_slice_t host, key, version, origin;
	unsigned hosts, keys, versions, origins, offers;
	bool upgrade, connection, body;
	ln_slice_t protocol;
} head_t;

/* --- characters --------------------------------------------------------------------------------------------------- */

static bool is_token_char(uint8_t c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != 0 && strchr(others, c));
}

bool ws_is_token(ln_slice_t s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char(s.data[i]))
			return false;
	return s.len > 0;
}

/* Visible, blank or tab, or no ASCII at all (RFC 7230, 3.2). */
static bool is_value(ln_slice_t s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
			return false;
	return true;
}

static bool is_target(ln_slice_t s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] >= 0x7f || s.data[i] == '#')
			return false;
	return s.len > 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool same(ln_slice_t a, ln_slice_t b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

static ln_slice_t trim(ln_slice_t s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = ln_slice(s.data + 1, s.len - 1);
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Takes what stands before the next C off *S, C too. False when there is no C; then all is taken. */
static bool cut(ln_slice_t *s, uint8_t c, ln_slice_t *ret_before)
{
	const uint8_t *at = s->len ? memchr(s->data, c, s->len) : NULL;
	size_t n = at ? (size_t)(at - s->data) : s->len;

	*ret_before = ln_slice(s->data, n);
	*s = at ? ln_slice(at + 1, s->len - n - 1) : ln_slice(NULL, 0);
	return at != NULL;
}

/* --- where the head begins and ends ------------------------------------------------------------------------------- */

bool ws_head_begins(ln_slice_t bytes)
{
	return bytes.len == 0 || is_token_char(bytes.data[0]);
}

size_t ws_head_end(ln_slice_t bytes, size_t seen)
{
	size_t from = seen > 3 ? seen - 3 : 0;
	const uint8_t *at;

	if (bytes.len < from + 4)
		return 0;
	at = memmem(bytes.data + from, bytes.len - from, "\r\n\r\n", 4);
	return at ? (size_t)(at - bytes.data) + 4 : 0;
}

bool ws_head_broken(ln_slice_t bytes, size_t seen)
{
	for (size_t i = seen; i < bytes.len; i++)
		if (bytes.data[i] == '\n' && (i == 0 || bytes.data[i - 1] != '\r'))
			return true;
	return false;
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

static bool lists(ln_slice_t value, ln_slice_t what)
{
	ln_slice_t item;
	bool more = true;

	while (more) {
		more = cut(&value, ',', &item);
		if (same(trim(item), what))
			return true;
	}
	return false;
}

/* The first of the offered protocols that is spoken here; names are compared as they stand. False: not a list. */
static bool choose(ln_slice_t offered, const ws_names_t *ours, head_t *h)
{
	ln_slice_t item;
	bool more = true;

	while (more) {
		more = cut(&offered, ',', &item);
		item = trim(item);
		if (item.len == 0)
			continue;
		if (!ws_is_token(item))
			return false;
		h->offers++;
		for (uint32_t i = 0; i < ours->count && h->protocol.len == 0; i++)
			if (ln_slice_eq(item, ln_slice_of(ours->item[i])))
				h->protocol = ln_slice_of(ours->item[i]);
	}
	return true;
}

static const char *take_header(head_t *h, ln_slice_t name, ln_slice_t value, const ws_terms_t *terms)
{
	if (same(name, LN_STR("Host"))) {
		h->host = value;
		h->hosts++;
	} else if (same(name, LN_STR("Upgrade"))) {
		h->upgrade |= lists(value, LN_STR("websocket"));
	} else if (same(name, LN_STR("Connection"))) {
		h->connection |= lists(value, LN_STR("upgrade"));
	} else if (same(name, LN_STR("Sec-WebSocket-Key"))) {
		h->key = value;
		h->keys++;
	} else if (same(name, LN_STR("Sec-WebSocket-Version"))) {
		h->version = value;
		h->versions++;
	} else if (same(name, LN_STR("Origin"))) {
		h->origin = value;
		h->origins++;
	} else if (same(name, LN_STR("Sec-WebSocket-Protocol"))) {
		if (!choose(value, &terms->protocols, h))
			return "Sec-WebSocket-Protocol is not a list of names";
	} else if (same(name, LN_STR("Transfer-Encoding")) ||
		   (same(name, LN_STR("Content-Length")) && !ln_slice_eq(value, LN_STR("0")))) {
		h->body = true;
	}
	return NULL;
}

/* Takes the next line off *REST. False when it does not end in CR LF. */
static bool take_line(ln_slice_t *rest, ln_slice_t *ret_line)
{
	if (!cut(rest, '\n', ret_line) || ret_line->len == 0 || ret_line->data[ret_line->len - 1] != '\r')
		return false;
	ret_line->len--;
	return true;
}

static const char *read_first_line(ln_slice_t line, head_t *h)
{
	static const char no_request[] = "this is no HTTP request";

	if (!cut(&line, ' ', &h->method) || !cut(&line, ' ', &h->target) || !ws_is_token(h->method))
		return no_request;
	h->http = line;
	if (h->http.len != 8 || !ln_slice_starts(h->http, LN_STR("HTTP/")) || h->http.data[6] != '.' ||
	    h->http.data[5] < '0' || h->http.data[5] > '9' || h->http.data[7] < '0' || h->http.data[7] > '9')
		return no_request;
	return is_target(h->target) ? NULL : "the request's target holds what it must not";
}

static const char *read_headers(ln_slice_t rest, const ws_terms_t *terms, head_t *h)
{
	ln_slice_t line, name;
	const char *why = NULL;

	while (!why) {
		if (!take_line(&rest, &line))
			return "a line does not end in CR LF";
		if (line.len == 0)
			return NULL;
		if (!cut(&line, ':', &name) || !ws_is_token(name))
			return "a line is no header";
		if (!is_value(line))
			return "a header holds control characters";
		why = take_header(h, name, trim(line), terms);
	}
	return why;
}

/* --- whether it may come in --------------------------------------------------------------------------------------- */

/* "/mqtt" of "/mqtt?a=b" and of "http://host/mqtt"; empty: there is none. */
static ln_slice_t path_of(ln_slice_t target)
{
	ln_slice_t path, scheme, host;
	const uint8_t *slash;

	cut(&target, '?', &path);
	if (ln_slice_starts(path, LN_STR("/")))
		return path;
	if (!cut(&path, ':', &scheme) || !ln_slice_starts(path, LN_STR("//")) ||
	    !(same(scheme, LN_STR("http")) || same(scheme, LN_STR("https")) || same(scheme, LN_STR("ws")) ||
	      same(scheme, LN_STR("wss"))))
		return ln_slice(NULL, 0);
	host = ln_slice(path.data + 2, path.len - 2);
	slash = host.len ? memchr(host.data, '/', host.len) : NULL;
	return slash ? ln_slice(slash, (size_t)(host.data + host.len - slash)) : LN_STR("/");
}

static bool is_listed(ln_slice_t what, const ws_names_t *list, bool (*equal)(ln_slice_t, ln_slice_t))
{
	for (uint32_t i = 0; i < list->count; i++)
		if (equal(what, ln_slice_of(list->item[i])))
			return true;
	return list->count == 0;
}

/* Sixteen bytes in base64: 22 digits, of which the last has four empty bits, and "==". */
static bool is_key(ln_slice_t key)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (key.len != WS_KEY_SIZE || key.data[22] != '=' || key.data[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++)
		if (key.data[i] == 0 || !strchr(digits, key.data[i]))
			return false;
	return strchr("AQgw", key.data[21]) != NULL;
}

/* Is it a request for a WebSocket, and one we understand? */
static unsigned judge_form(const head_t *h, const char **why)
{
	if (h->http.data[5] != '1' || h->http.data[7] == '0')
		return *why = "only HTTP/1.1 is spoken here", WS_HTTP_VERSION;
	if (!ln_slice_eq(h->method, LN_STR("GET")))
		return *why = "a WebSocket is opened with GET", WS_HTTP_METHOD;
	if (h->hosts != 1 || h->host.len == 0)
		return *why = "there must be one Host", WS_HTTP_BAD_REQUEST;
	if (h->body)
		return *why = "a request for a WebSocket has no body", WS_HTTP_BAD_REQUEST;
	if (!h->upgrade)
		return *why = "only WebSocket is spoken here", WS_HTTP_UPGRADE;
	if (!h->connection)
		return *why = "Connection does not name Upgrade", WS_HTTP_BAD_REQUEST;
	if (h->versions != 1 || !ln_slice_eq(h->version, LN_STR("13")))
		return *why = "only version 13 of WebSocket is spoken here", WS_HTTP_UPGRADE;
	if (h->keys != 1 || !is_key(h->key))
		return *why = "Sec-WebSocket-Key is not sixteen bytes in base64", WS_HTTP_BAD_REQUEST;
	return WS_HTTP_SWITCHING;
}

static unsigned judge_terms(const head_t *h, const ws_terms_t *terms, ln_slice_t path, const char **why)
{
	if (path.len == 0)
		return *why = "the request names no path", WS_HTTP_BAD_REQUEST;
	if (!is_listed(path, &terms->paths, ln_slice_eq))
		return *why = "there is nothing at this path", WS_HTTP_NOT_FOUND;
	if (h->origins > 1)
		return *why = "there is more than one Origin", WS_HTTP_BAD_REQUEST;
	if (h->origins && !is_listed(h->origin, &terms->origins, same))
		return *why = "pages of this origin may not connect", WS_HTTP_FORBIDDEN;
	if (h->protocol.len == 0 && (h->offers > 0 || terms->protocol_required))
		return *why = h->offers ? "none of the offered sub-protocols is spoken here" :
					  "no sub-protocol is offered",
		       WS_HTTP_BAD_REQUEST;
	return WS_HTTP_SWITCHING;
}

unsigned ws_request_judge(ln_slice_t head, const ws_terms_t *terms, ws_request_t *ret_request, const char **ret_why)
{
	head_t h = { 0 };
	ln_slice_t line, path;
	unsigned answer;

	*ret_why = take_line(&head, &line) ? read_first_line(line, &h) : "a line does not end in CR LF";
	if (!*ret_why)
		*ret_why = read_headers(head, terms, &h);
	if (*ret_why)
		return WS_HTTP_BAD_REQUEST;
	path = path_of(h.target);
	answer = judge_form(&h, ret_why);
	if (answer == WS_HTTP_SWITCHING)
		answer = judge_terms(&h, terms, path, ret_why);
	if (answer == WS_HTTP_SWITCHING)
		*ret_request = (ws_request_t){ path, h.key, h.origin, h.protocol };
	return answer;
}
