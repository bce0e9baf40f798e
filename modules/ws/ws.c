/* ws.c — the module's descriptor: options, counters, log messages, the layer it offers. Behaviour is in the files beside
 * it (see ws.h). */
#include <linnet/module.h>
#include "answer.h"
#include "ws.h"

ln_self_t ws_self;

static const ln_conf_item_t conf_items[] = {
	LN_CONF(ws_conf_t, protocols, "[mqtt, mqttv3.1]",
		"Sub-protocols that are spoken; the first of them that a client names is chosen.",
		.reload = true, .listener = true),
	LN_CONF(ws_conf_t, protocol_required, "yes", "Refuse clients that name no sub-protocol at all.",
		.reload = true, .listener = true),
	LN_CONF(ws_conf_t, paths, "[]", "Paths that may be asked for, as in [/mqtt]; []: any.",
		.reload = true, .listener = true),
	LN_CONF(ws_conf_t, origins, "[]",
		"Web sites whose pages may connect, as in [\"https://a.example\"]; []: any.",
		.reload = true, .listener = true),
	LN_CONF(ws_conf_t, head_max, "4K", "Largest head of an HTTP request; what a stranger may make the broker hold.",
		.min = 256, .max = 65536, .reload = true, .listener = true),
	LN_CONF(ws_conf_t, frame_max, "16M", "Largest frame a client may send; it is passed on as it comes, not held.",
		.min = 125, .max = 1u << 30, .reload = true, .listener = true),
	LN_CONF(ws_conf_t, pings_max, "20", "Pings and pongs one client may send in a second; 0: any number.",
		.max = 65000, .reload = true, .listener = true),
	LN_CONF_END
};

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

static const ln_provide_t provide_items[] = { { LN_PROVIDE_LAYER, "ws", &ws_layer }, { LN_PROVIDE_END, NULL, NULL } };

static void check_protocols(const ws_conf_t *c, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	for (uint32_t i = 0; i < c->protocols.count; i++) {
		ln_slice_t name = ln_slice_of(c->protocols.item[i]);
		if (name.len > WS_PROTOCOL_MAX || !ws_is_token(name))
			ln_conf_say(errors, ln_conf_place(node, "protocols"),
				    "protocols: \"%s\" is no name of a sub-protocol", c->protocols.item[i]);
	}
	if (c->protocols.count == 0 && c->protocol_required)
		ln_conf_say(errors, ln_conf_place(node, "protocols"),
			    "protocols is empty and protocol-required is yes: nobody could connect");
}

static void check_paths(const ws_conf_t *c, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	for (uint32_t i = 0; i < c->paths.count; i++)
		if (c->paths.item[i][0] != '/' || strpbrk(c->paths.item[i], "?# "))
			ln_conf_say(errors, ln_conf_place(node, "paths"),
				    "paths: \"%s\" is no path: begin it with /, leave out what follows a ? or #",
				    c->paths.item[i]);
}

static void check_origins(const ws_conf_t *c, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	for (uint32_t i = 0; i < c->origins.count; i++) {
		const char *origin = c->origins.item[i], *host = strstr(origin, "://");
		if (strcmp(origin, "null") != 0 && (!host || host == origin || !host[3] || strpbrk(host + 3, "/ ?#*")))
			ln_conf_say(errors, ln_conf_place(node, "origins"),
				    "origins: \"%s\" is no origin: write \"https://host\" or \"http://host:port\", "
				    "without a path",
				    origin);
	}
}

static void check(const void *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	check_protocols(conf, node, errors);
	check_paths(conf, node, errors);
	check_origins(conf, node, errors);
}

LN_MODULE(ws,
	.summary = "WebSocket (RFC 6455) as a layer of a listener's stack",
	.conf = conf_items, .conf_size = sizeof(ws_conf_t), .check = check,
	.stats = stat_items, .logs = log_items, .provides = provide_items,
	.worker_size = sizeof(ws_worker_t), .worker_stop = ws_worker_stop,
);
