/* listeners.c — the configuration's `listeners:` as a set of listeners and ports.
 *
 * Three steps, so that a reload happens as a whole or not at all: bind says every error of the file and touches
 * nothing; open takes the ports it needs and can still give them back; serve cannot fail. A listener whose address did
 * not change gets the old port with its backlog of connections; listeners themselves are always new, and the old ones
 * live on behind their connections.
 *
 * A listener that others can reach must say what it means by a stranger: either a loaded module authenticates, or
 * allow-anonymous is written down. Behind a proxy everybody can, wherever the proxy's side listens. A broker open to the world by default is how most of them were found there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linnet/buf.h>
#include "registry/modules.h"
#include "net.h"

#define SOCKET_MODE "0660"

const ln_conf_item_t ln__listener_items[] = {
	LN_CONF(ln__listener_conf_t, address, NULL,
		"Address and port: \"127.0.0.1:1883\", \"[::]:8883\" (IPv6 only), \":9001\" (everywhere), or \"unix:/PATH\".",
		.reload = true),
	LN_CONF(ln__listener_conf_t, stack, "[]",
		"What bytes go through, from the wire up: any number of layers, then one protocol.",
		.reload = true),
	LN_CONF(ln__listener_conf_t, allow_anonymous, "false",
		"Let clients in that no module knows; true by default on loopback and Unix sockets.",
		.reload = true),
	LN_CONF(ln__listener_conf_t, socket_mode, SOCKET_MODE,
		"Who may connect to a Unix socket: the mode of its file.",
		.reload = true),
	LN_CONF(ln__listener_conf_t, socket_user, NULL,
		"Whose a Unix socket's file is; by default that of the user the broker runs as.",
		.reload = true),
	LN_CONF(ln__listener_conf_t, socket_group, NULL,
		"The group of a Unix socket's file; by default that of the group the broker runs as.",
		.reload = true),
	LN_CONF(ln__listener_conf_t, connections_max, "0",
		"Most connections at a time; more take the place of silent ones or are refused; 0: any.",
		.reload = true),
	LN_CONF(ln__listener_conf_t, connection_rate, "0",
		"Most new connections per second, for all workers; more are refused; 0: any number.",
		.max = 1000000, .reload = true),
	LN_CONF(ln__listener_conf_t, connection_burst, "0",
		"How many of them may come at once; 0: those of one second.",
		.max = 1000000, .reload = true),
	LN_CONF(ln__listener_conf_t, backlog, "1024",
		"Connections that may wait to be accepted, per worker.",
		.min = 1, .max = 65535, .reload = true),
	LN_CONF(ln__listener_conf_t, out_high, "256K",
		"Output waiting for a client above which nothing is sent that can wait.",
		.min = 4096, .max = 1u << 30, .reload = true),
	LN_CONF(ln__listener_conf_t, out_max, "16M",
		"Most output that may wait for a client; beyond it messages are dropped or refused.",
		.min = 65536, .max = 1u << 30, .reload = true),
	LN_CONF_END
};

typedef struct item {
	ln_listener_t *listener;      /* NULL: there were errors */
	const ln_conf_node_t *node;   /* until the file is freed */
	ln__port_t *port;
	bool borrowed;                /* the port is still the old set's too */
} item_t;

struct ln__listeners {
	item_t *item;
	unsigned count;
};

/* --- bind --------------------------------------------------------------------------------------------------------- */

static const char *kind_name(ln_provide_kind_t kind)
{
	return kind == LN_PROVIDE_PROTOCOL ? "protocol" : "layer";
}

/* "a, b" of what loaded modules provide as KIND. */
static void list_provided(ln_provide_kind_t kind, char *dst, size_t size)
{
	size_t len = 0;

	snprintf(dst, size, "none");
	for (unsigned i = 0; i < ln_modules_count(); i++) {
		for (const ln_provide_t *p = ln_module_at(i)->provides; p && p->kind != LN_PROVIDE_END; p++) {
			if (p->kind == kind && len < size)
				len += (size_t)snprintf(dst + len, size - len, "%s%s", len ? ", " : "", p->name);
		}
	}
}

static const void *resolve(ln_provide_kind_t kind, const char *name, const ln_conf_node_t *node,
			   ln_conf_errors_t *errors)
{
	const void *what = ln_module_provide(kind, name, NULL);
	char list[256];

	if (what)
		return what;
	list_provided(kind, list, sizeof(list));
	ln_conf_say(errors, node, "stack: \"%s\" is no %s of a loaded module (there is: %s)", name, kind_name(kind),
		    list);
	return NULL;
}

static bool bind_stack(const ln_strings_t *stack, const ln_conf_node_t *node, ln__listener_parts_t *parts,
		       ln_conf_errors_t *errors)
{
	bool good = true;

	if (stack->count == 0) {
		ln_conf_say(errors, node, "the stack is missing: layers from the wire up and a protocol, as in "
					  "[protocol] or [layer, protocol]");
		return false;
	}
	if (stack->count - 1 > LN__LAYERS_MAX) {
		ln_conf_say(errors, node, "stack: more than %u layers", LN__LAYERS_MAX);
		return false;
	}
	parts->layer_count = stack->count - 1;
	for (unsigned i = 0; i < parts->layer_count; i++)
		good &= (parts->layers[i] = resolve(LN_PROVIDE_LAYER, stack->item[i], node, errors)) != NULL;
	parts->protocol = resolve(LN_PROVIDE_PROTOCOL, stack->item[parts->layer_count], node, errors);
	return good && parts->protocol;
}

/* Does a loaded module ask who clients are? */
static bool somebody_authenticates(void)
{
	for (unsigned i = 0; i < ln_modules_count(); i++)
		for (const ln_hook_t *h = ln_module_at(i)->hooks; h && h->fn; h++)
			if (h->point == LN_HOOK_AUTHENTICATE || h->point == LN_HOOK_ENHANCED_AUTH)
				return true;
	return false;
}

static void check_strangers(ln__listener_conf_t *conf, const ln__listener_parts_t *parts, bool said,
			    const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	bool proxied = ln__layers_proxied(parts->layers, parts->layer_count);

	if (said)
		return;
	conf->allow_anonymous = ln__addr_loopback(&parts->addr) && !proxied;
	if (!conf->allow_anonymous && !somebody_authenticates())
		ln_conf_say(errors, node,
			    "%s can be reached by others%s and no loaded module authenticates clients: load one, %s"
			    "or set \"allow-anonymous: true\" on this listener",
			    conf->address, proxied ? " through a proxy" : "",
			    proxied ? "" : "listen on 127.0.0.1, ");
}

static bool bind_address(const char *address, const ln_conf_node_t *node, ln__addr_t *ret_addr,
			 ln_conf_errors_t *errors)
{
	const char *why = address ? ln__addr_parse(address, ret_addr) : "it is missing";

	if (why)
		ln_conf_say(errors, node, "address: %s", why);
	return !why;
}

/* Who may connect to a Unix socket. On another address the defaults may stand, as a dump writes them. */
static void bind_rights(const ln_conf_node_t *node, const ln__listener_conf_t *conf, ln__listener_parts_t *parts,
			ln_conf_errors_t *errors)
{
	const char *option, *why = ln__unix_rights(conf, &option, &parts->rights);

	if (!why && parts->addr.family != LN__ADDR_UNIX) {
		option = conf->socket_user ? "socket-user" : conf->socket_group ? "socket-group" : "socket-mode";
		if (conf->socket_user || conf->socket_group || strcmp(conf->socket_mode, SOCKET_MODE) != 0)
			why = "this is for a \"unix:\" address only";
	}
	if (why)
		ln_conf_say(errors, ln_conf_place(node, option), "%s: %s", option, why);
}

/* Is MODULE part of the stack of PARTS? Its state is there as the layer's or the protocol's. */
static bool in_stack(const ln_module_t *m, const ln__listener_parts_t *parts)
{
	for (const ln_provide_t *p = m->provides; p && p->kind != LN_PROVIDE_END; p++) {
		if (p->what == parts->protocol)
			return true;
		for (unsigned i = 0; i < parts->layer_count; i++)
			if (p->what == parts->layers[i])
				return true;
	}
	return false;
}

static void free_module_conf(uint32_t index, void *conf)
{
	(void)index;
	ln_module_conf_free(conf);
}

/* The listener, or NULL after saying errors. */
static ln_listener_t *build(const char *name, const ln__listener_conf_t *conf, ln__listener_parts_t *parts,
			    void **module_conf, bool good)
{
	uint32_t count = parts->module_count;
	size_t *sizes = ln_new_n(size_t, count);
	ln_listener_t *l = NULL;

	for (uint32_t i = 0; i < count; i++)
		sizes[i] = in_stack(ln_module_at(i), parts) ? 0 : ln_module_at(i)->conn_size;
	parts->name = name;
	parts->conf = conf;
	parts->module_conn_size = sizes;
	parts->module_conf = module_conf;
	parts->module_conf_free = free_module_conf;
	if (good)
		l = ln__listener_new(parts);
	for (uint32_t i = 0; i < count && !l; i++)
		ln_module_conf_free(module_conf[i]);
	ln_free(sizes);
	return l;
}

static ln_listener_t *bind_one(const ln_conf_file_t *file, const char *name, const ln_conf_node_t *node,
			       ln_conf_errors_t *errors)
{
	unsigned before = ln_conf_errors_count(errors);
	ln__listener_parts_t parts = { .module_count = ln_modules_count() };
	ln__listener_conf_t conf;
	void **module_conf = ln_new_n(void *, parts.module_count);
	const ln_conf_node_t *at;
	ln_listener_t *l;

	for (uint32_t i = 0; i < parts.module_count; i++) {
		const ln_module_t *m = ln_module_at(i);
		module_conf[i] = ln_module_bind_listener(file, m, ln_conf_get(file, node, m->name), errors);
	}
	ln_conf_defaults(ln__listener_items, &conf);
	at = ln_conf_get(file, node, "stack");
	ln_conf_bind(file, ln__listener_items, &conf, node, false, errors);
	bind_stack(&conf.stack, at ? at : node, &parts, errors);
	at = ln_conf_get(file, node, "address");
	at = at ? at : node;
	if (bind_address(conf.address, at, &parts.addr, errors)) {
		check_strangers(&conf, &parts, ln_conf_get(file, node, "allow-anonymous"), at, errors);
		bind_rights(node, &conf, &parts, errors);
	}
	if (conf.out_max.n < conf.out_high.n)
		ln_conf_say(errors, node, "out-max must not be less than out-high");
	l = build(name, &conf, &parts, module_conf, ln_conf_errors_count(errors) == before);
	ln_free(module_conf);
	ln_conf_clear(ln__listener_items, &conf);
	return l;
}

static void check_twice(const ln__listeners_t *set, ln_conf_errors_t *errors)
{
	const item_t *last = &set->item[set->count - 1];

	for (unsigned i = 0; i + 1 < set->count && last->listener; i++) {
		const ln_listener_t *other = set->item[i].listener;
		if (other && (other->addr.port || ln__listener_path(other)) &&
		    ln__listener_clash(other, last->listener))
			ln_conf_say(errors, last->node, "listener \"%s\" has the same address as \"%s\"",
				    last->listener->name, other->name);
	}
}

ln__listeners_t *ln__listeners_bind(const ln_conf_file_t *file, ln_conf_errors_t *errors)
{
	ln__listeners_t *set = ln_new(ln__listeners_t);
	const ln_conf_node_t *all = ln_conf_get(file, NULL, "listeners"), *node;
	const char *name;
	void *pos = NULL;

	if (all && !ln_conf_is_mapping(all)) {
		ln_conf_say(errors, all, "listeners: expected \"name: { address: ..., stack: [...] }\" lines");
		return set;
	}
	while (all && (node = ln_conf_next(file, all, &pos, &name))) {
		ln_conf_get(file, all, name);
		set->item = ln_realloc(set->item, (set->count + 1) * sizeof(item_t));
		set->item[set->count++] = (item_t){ .listener = bind_one(file, name, node, errors), .node = node };
		check_twice(set, errors);
	}
	if (set->count == 0)
		ln_conf_say(errors, all ? all : ln_conf_top(file), "there is no listener: nobody could connect");
	return set;
}

/* --- open --------------------------------------------------------------------------------------------------------- */

static bool taken(const ln__listeners_t *set, const ln__port_t *port)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->item[i].port == port)
			return true;
	return false;
}

/* The port of OLD that LISTENER goes on with: that of the same name if it may be, else any on the same address. */
static ln__port_t *find_port(const ln__listeners_t *set, const ln__listeners_t *old, const ln_listener_t *l)
{
	ln__port_t *found = NULL;

	for (unsigned i = 0; old && i < old->count; i++) {
		const item_t *o = &old->item[i];
		if (!o->port || !ln__listener_clash(o->listener, l) || taken(set, o->port))
			continue;
		if (strcmp(o->listener->name, l->name) == 0)
			return o->port;
		found = found ? found : o->port;
	}
	return found;
}

static bool open_port(item_t *item, ln_conf_errors_t *errors)
{
	const ln_listener_t *l = item->listener;

	const char *path = ln__listener_path(l);
	ln_result_t r = path ? ln__port_open_unix(path, &l->rights, l->conf.backlog, &item->port)
			     : ln__port_open(&l->addr, l->conf.backlog, &item->port);

	if (r == LN_OK)
		return true;
	ln_conf_say(errors, ln_conf_place(item->node, "address"), "listener \"%s\" cannot listen on %s: %s", l->name,
		    l->conf.address, errno == ENOTSOCK ? "there is a file that is no socket" : strerror(errno));
	return false;
}

bool ln__listeners_open(ln__listeners_t *set, const ln__listeners_t *old, ln_conf_errors_t *errors)
{
	bool good = true;

	for (unsigned i = 0; i < set->count; i++) {
		item_t *item = &set->item[i];
		ln_require(item->listener);
		item->port = find_port(set, old, item->listener);
		item->borrowed = item->port != NULL;
		if (item->port || open_port(item, errors))
			continue;
		good = false;
	}
	return good;
}

/* --- serve -------------------------------------------------------------------------------------------------------- */

/* Where it really listens: with the port the system gave. */
static const char *place_of(const item_t *item, char *dst, size_t size)
{
	if (ln__listener_path(item->listener))
		return item->listener->conf.address;
	return ln__addr_print(ln__port_addr(item->port), dst, size);
}

static void say_open(const item_t *item)
{
	const ln_listener_t *l = item->listener;
	char buf[LN__ADDR_TEXT];
	const char *text = place_of(item, buf, sizeof(buf));

	if (!item->borrowed)
		ln_log((void *)NULL, LISTENING, l->name, text);
	if (!l->conf.allow_anonymous || somebody_authenticates())
		return;
	if (!ln__addr_loopback(&l->addr) || ln__listener_proxied(l))
		ln_log((void *)NULL, LISTENER_OPEN, l->name, text);
	else if (!item->borrowed)
		ln_log((void *)NULL, LISTENER_LOCAL, l->name, text);
}

/* A socket of the old set gets the mode and owner of the new. Its file may be gone; then it has none to get. */
static void dress_again(const item_t *item)
{
	const char *path = ln__listener_path(item->listener);

	if (path && item->borrowed && !ln__unix_dress(path, &item->listener->rights))
		ln_log((void *)NULL, SOCKET_RIGHTS, path, strerror(errno));
}

void ln__listeners_serve(ln__listeners_t *set, ln__listeners_t *old)
{
	for (unsigned i = 0; i < set->count; i++) {
		ln__port_serve(set->item[i].port, set->item[i].listener);
		say_open(&set->item[i]);
		dress_again(&set->item[i]);
		set->item[i].borrowed = false;
		set->item[i].node = NULL;
	}
	for (unsigned i = 0; old && i < old->count; i++) {
		char text[LN__ADDR_TEXT];
		if (taken(set, old->item[i].port))
			old->item[i].borrowed = true;
		else
			ln_log((void *)NULL, LISTENER_GONE, old->item[i].listener->name,
			       place_of(&old->item[i], text, sizeof(text)));
	}
	ln__listeners_destroy(old);
}

void ln__listeners_destroy(ln__listeners_t *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < set->count; i++) {
		if (!set->item[i].borrowed)
			ln__port_close(set->item[i].port);
		ln__listener_unref(set->item[i].listener);
	}
	ln_free(set->item);
	ln_free(set);
}

void ln__listeners_each(const ln__listeners_t *set, void (*fn)(const ln_listener_t *, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->item[i].listener)
			fn(set->item[i].listener, ctx);
}
