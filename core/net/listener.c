/* listener.c — a listener: what connections accepted on it are made of.
 *
 * It is immutable and counted: every connection holds a reference, so a reload puts a new listener in front of the port
 * and the old one goes with its last connection. The sockets are not here (see port.c); they may outlive the listener.
 *
 * The layout of a connection's one block is computed once, here: header, the part for layers, each layer's state, the
 * protocol's, and the slices of other modules, in that order, each aligned for any type.
 */
#include <string.h>
#include "net.h"

static uint32_t place(size_t *at, size_t size)
{
	size_t here = *at;

	*at = (here + size + 15) & ~(size_t)15;
	ln_require(*at < UINT32_MAX);
	return (uint32_t)here;
}

static void lay_out(ln_listener_t *l, const ln__listener_parts_t *parts)
{
	size_t at = 0;

	place(&at, sizeof(ln_conn_t) + (l->layer_count ? sizeof(ln__stack_t) : 0));
	for (unsigned i = 0; i < l->layer_count; i++)
		l->layer_at[i] = place(&at, l->layers[i]->conn_size);
	l->protocol_at = place(&at, l->protocol->conn_size);
	for (uint32_t i = 0; i < l->module_count; i++) {
		size_t size = parts->module_conn_size ? parts->module_conn_size[i] : 0;
		l->module_at[i] = size ? place(&at, size) : LN__NO_STATE;
	}
	l->block_size = (uint32_t)at;
}

ln_listener_t *ln__listener_new(const ln__listener_parts_t *parts)
{
	ln_listener_t *l = ln_new(ln_listener_t);

	ln_require(parts->protocol && parts->protocol->input && parts->layer_count <= LN__LAYERS_MAX);
	l->magic = LN__LISTENER_MAGIC;
	l->refs = 1;
	l->name = ln_strdup(parts->name);
	l->addr = parts->addr;
	l->rights = parts->rights;
	ln_conf_copy(ln__listener_items, &l->conf, parts->conf, sizeof(l->conf));
	l->out_high = l->conf.out_high.n;
	l->out_max = l->conf.out_max.n;
	l->protocol = parts->protocol;
	l->layer_count = (uint8_t)parts->layer_count;
	memcpy(l->layers, parts->layers, sizeof(l->layers));
	l->module_count = parts->module_count;
	l->module_at = ln_new_n(uint32_t, parts->module_count);
	l->module_conf = ln_new_n(void *, parts->module_count);
	if (parts->module_conf)
		memcpy(l->module_conf, parts->module_conf, sizeof(void *) * parts->module_count);
	l->module_conf_free = parts->module_conf_free;
	lay_out(l, parts);
	return l;
}

ln_listener_t *ln__listener_ref(ln_listener_t *l)
{
	__atomic_fetch_add(&l->refs, 1, __ATOMIC_RELAXED);
	return l;
}

static void destroy(ln_listener_t *l)
{
	for (uint32_t i = 0; i < l->module_count; i++)
		if (l->module_conf[i])
			l->module_conf_free(i, l->module_conf[i]);
	ln_conf_clear(ln__listener_items, &l->conf);
	ln_free(l->module_conf);
	ln_free(l->module_at);
	ln_free(l->name);
	l->magic = 0;
	ln_free(l);
}

void ln__listener_unref(ln_listener_t *l)
{
	if (!l)
		return;
	ln_require(LN_MAGIC_OK(l, LN__LISTENER_MAGIC));
	if (__atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) == 0)
		destroy(l);
}

bool ln__layers_proxied(const ln_layer_t *const *layers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (layers[i] && layers[i]->names_peer)
			return true;
	return false;
}

const char *ln__listener_path(const ln_listener_t *l)
{
	return l->addr.family == LN__ADDR_UNIX ? ln__addr_path(l->conf.address) : NULL;
}

bool ln__listener_clash(const ln_listener_t *a, const ln_listener_t *b)
{
	if (!ln__addr_eq(&a->addr, &b->addr))
		return false;
	return a->addr.family != LN__ADDR_UNIX || strcmp(a->conf.address, b->conf.address) == 0;
}

const char *ln_listener_name(const ln_listener_t *l)
{
	return l->name;
}

bool ln_listener_allow_anonymous(const ln_listener_t *l)
{
	return l->conf.allow_anonymous;
}

const void *ln_listener_conf(const ln_listener_t *l, uint32_t module_index)
{
	return module_index < l->module_count ? l->module_conf[module_index] : NULL;
}
