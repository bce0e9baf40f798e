/* proxy.c — descriptor and glue of the module proxy: the layer that takes a proxy's header off a connection.
 *
 * A header decides who the client is said to be, so it is taken from trusted addresses only. Another's connection is
 * closed before a byte of it is read: neither believed nor served without a header, because a listener for proxies that
 * also served others would let each client choose.
 *
 * Until the header is whole its bytes are kept here, at most as many as a header may have; then the buffer is gone and the
 * layer costs a call in each direction. The time a header may take is the protocol's: its first packet cannot come before.
 *
 * Not done: sending headers. A broker that connects to others would do that in its own module.
 */
#include <stdio.h>
#include <linnet/conn.h>
#include <linnet/mem.h>
#include <linnet/module.h>
#include "proxy_header.h"
#include "trust.h"

#define LN_LOGDEF LN_LOGDEF_DECLARE
#include "log.def"
#undef LN_LOGDEF

#define PROXY_MAGIC 0x50524f58u
#define QUIET_MS 10000u        /* between two log lines of the same complaint */
#define KEEP_FIRST 128u        /* most headers fit */

enum {
#define STAT(name, kind, help) STAT_##name,
#include "stat.def"
#undef STAT
	STAT_COUNT
};

typedef struct proxy_conf {
	ln_strings_t trusted;
} proxy_conf_t;

/* A layer's state. */
typedef struct proxy {
	uint32_t magic;
	bool done;                 /* the header was read */
	uint32_t len, cap;
	uint8_t *data;             /* what came of a header that is not whole */
} proxy_t;

/* When each complaint was last said on this worker. */
typedef struct proxy_worker {
	uint64_t untrusted, missing, bad;
} proxy_worker_t;

ln_self_t proxy_self;

/* --- complaints --------------------------------------------------------------------------------------------------- */

static void count(const ln_conn_t *c, unsigned stat)
{
	ln_stat_add(ln_conn_worker(c), proxy_self.stat_base + stat, 1);
}

static proxy_worker_t *worker_of(const ln_conn_t *c)
{
	return ln_worker_slot(ln_conn_worker(c), proxy_self.worker_slot);
}

/* May what was said at *LAST be said again? */
static bool due(const ln_conn_t *c, uint64_t *last)
{
	uint64_t now = ln_conn_worker(c)->now;

	if (*last && now - *last < QUIET_MS)
		return false;
	*last = now ? now : 1;
	return true;
}

static ln_result_t complain(ln_conn_t *c, ln_slice_t bytes, ln_result_t result)
{
	bool missing = result == LN_NOT_FOUND;
	char came[100];

	count(c, missing ? STAT_missing : STAT_bad_headers);
	if (!due(c, missing ? &worker_of(c)->missing : &worker_of(c)->bad))
		return LN_MALFORMED;
	ln_slice_print(ln_slice(bytes.data, bytes.len < 24 ? bytes.len : 24), came, sizeof(came));
	if (missing)
		ln_log(c, PROXY_MISSING, came);
	else
		ln_log(c, PROXY_BAD_HEADER, proxy_header_fault(bytes), came);
	return LN_MALFORMED;
}

/* --- the header --------------------------------------------------------------------------------------------------- */

static void forget(proxy_t *p)
{
	ln_give_back(p->data, p->cap, NULL);
	p->data = NULL;
	p->len = p->cap = 0;
}

/* Adds BYTES to what is kept. */
static bool keep(proxy_t *p, ln_slice_t bytes)
{
	size_t cap = p->cap ? p->cap : KEEP_FIRST;
	uint8_t *data;

	while (cap < p->len + bytes.len)
		cap *= 2;
	if (cap != p->cap) {
		data = p->data ? ln_try_realloc(p->data, p->cap, cap, NULL) : ln_try_alloc(cap, NULL);
		if (!data)
			return false;
		p->data = data;
		p->cap = (uint32_t)cap;
	}
	memcpy(p->data + p->len, bytes.data, bytes.len);
	p->len += (uint32_t)bytes.len;
	return true;
}

static void say(ln_conn_t *c, const proxy_header_t *h, const char *through)
{
	ln_slice_t id;
	char text[160] = "";

	if (!h->known) {
		ln_log(c, PROXY_ITSELF, h->version);
		return;
	}
	if (proxy_tlv_find(h->tlvs, PROXY_TLV_UNIQUE_ID, &id))
		ln_slice_print(id, text, sizeof(text));
	ln_log(c, PROXY_FOR, through, h->version, text[0] ? ", unique id " : "", text);
}

/* H came in whole: the connection is its client's from now on. */
static ln_result_t take_over(ln_conn_t *c, proxy_t *p, const proxy_header_t *h)
{
	char through[64];

	p->done = true;
	count(c, h->version == 1 ? STAT_version_1 : STAT_version_2);
	if (!h->known)
		count(c, STAT_itself);
	snprintf(through, sizeof(through), "%s", ln_conn_peer(c));
	if (ln_conn_set_peer(c, h->known ? &h->source : NULL) != LN_OK)
		return LN_REFUSED;
	say(c, h, through);
	return LN_OK;
}

/* BYTES is all that came, and not whole before. */
static ln_result_t read_header(ln_conn_t *c, unsigned at, proxy_t *p, ln_slice_t bytes)
{
	proxy_header_t header;
	size_t used;
	ln_result_t r = proxy_header_read(bytes, &header, &used);

	if (r == LN_AGAIN)
		return p->data || keep(p, bytes) ? LN_OK : LN_NO_MEMORY;
	if (r != LN_OK)
		return complain(c, bytes, r);
	r = take_over(c, p, &header);
	if (r == LN_OK && used < bytes.len)
		r = ln_layer_up(c, at, ln_slice(bytes.data + used, bytes.len - used));
	forget(p);
	return r;
}

/* --- the layer ---------------------------------------------------------------------------------------------------- */

static bool is_trusted(const ln_conn_t *c)
{
	const proxy_conf_t *conf = ln_listener_conf(ln_conn_listener(c), proxy_self.index);
	struct sockaddr_storage address;
	proxy_net_t net;

	ln_conn_address(c, &address);
	for (uint32_t i = 0; i < conf->trusted.count; i++)
		if (!proxy_net_read(conf->trusted.item[i], &net) && proxy_net_has(&net, &address))
			return true;
	return false;
}

static ln_result_t on_open(ln_conn_t *c, unsigned at, void *state)
{
	proxy_t *p = state;

	(void)at;
	p->magic = PROXY_MAGIC;
	if (is_trusted(c))
		return LN_OK;
	count(c, STAT_untrusted);
	if (due(c, &worker_of(c)->untrusted))
		ln_log(c, PROXY_UNTRUSTED);
	return LN_REFUSED;
}

static ln_result_t on_up(ln_conn_t *c, unsigned at, void *state, ln_slice_t bytes)
{
	proxy_t *p = state;

	ln_require(LN_MAGIC_OK(p, PROXY_MAGIC));
	if (LN_LIKELY(p->done))
		return ln_layer_up(c, at, bytes);
	if (!p->data)
		return read_header(c, at, p, bytes);
	if (!keep(p, bytes))
		return LN_NO_MEMORY;
	return read_header(c, at, p, ln_slice(p->data, p->len));
}

static ln_result_t on_down(ln_conn_t *c, unsigned at, void *state, const struct iovec *iov, int iov_count)
{
	(void)state;
	return ln_layer_down(c, at, iov, iov_count);
}

static void on_closed(ln_conn_t *c, unsigned at, void *state)
{
	(void)c, (void)at;
	forget(state);
}

static const ln_layer_t proxy_layer = {
	.name = "proxy", .conn_size = sizeof(proxy_t), .open = on_open, .up = on_up, .down = on_down, .closed = on_closed,
	.names_peer = true,
};

/* --- the module --------------------------------------------------------------------------------------------------- */

static const ln_conf_item_t conf_items[] = {
	LN_CONF(proxy_conf_t, trusted, "[127.0.0.0/8, ::1, unix]",
		"Who is believed: addresses, networks, and unix (whoever may connect to a Unix socket); others are closed.",
		.reload = true, .listener = true),
	LN_CONF_END
};

static void check(const void *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	const proxy_conf_t *c = conf;
	proxy_net_t net;

	for (uint32_t i = 0; i < c->trusted.count; i++) {
		const char *why = proxy_net_read(c->trusted.item[i], &net);
		if (why)
			ln_conf_say(errors, ln_conf_place(node, "trusted"), "trusted: \"%s\": %s", c->trusted.item[i], why);
	}
	if (c->trusted.count == 0)
		ln_conf_say(errors, ln_conf_place(node, "trusted"), "trusted: nobody: no proxy could connect");
}

static const ln_stat_t stat_items[] = {
#define STAT(name, kind, help) { #name, LN_STAT_##kind, help },
#include "stat.def"
#undef STAT
	LN_STAT_END
};

static const ln_logdef_t log_items[] = {
#define LN_LOGDEF LN_LOGDEF_ROW
#include "log.def"
#undef LN_LOGDEF
	LN_LOGDEF_END
};

static const ln_provide_t provide_items[] = { { LN_PROVIDE_LAYER, "proxy", &proxy_layer }, { 0 } };

LN_MODULE(proxy,
	.summary = "the PROXY protocol, versions 1 and 2: clients behind a proxy keep their addresses",
	.conf = conf_items, .conf_size = sizeof(proxy_conf_t), .check = check,
	.stats = stat_items, .logs = log_items,
	.provides = provide_items,
	.worker_size = sizeof(proxy_worker_t),
);
