/* house.c — the broker's parts put together as core/main does it, without threads, signals and listeners that others could reach; and clients
 * that speak just enough MQTT to keep it busy. */
#include "house.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <valgrind/callgrind.h>
#include <linnet/clock.h>
#include <linnet/hook.h>
#include <linnet/retain.h>
#include <linnet/router.h>
#include <linnet/session.h>
#include "net/net.h"
#include "registry/modules.h"

#define PAYLOAD 64u

extern const ln_module_t ln_module_mqtt;
const ln_module_t *const ln_static_modules[] = { &ln_module_mqtt, NULL };

static ln__listeners_t *listeners;
static ln_listener_t *listener;
static bool counting;

static void die(const char *what)
{
	fprintf(stderr, "instr: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the broker ------------------------------------------------------------------------------------------------------- */

static uint64_t still(void)
{
	return 1000000;
}

static const char *write_conf(void)
{
	static char path[] = "/tmp/linnet-instr-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		die(path);
	dprintf(fd, "modules: [mqtt]\nlisteners: { bench: { address: \"127.0.0.1:0\", stack: [mqtt], backlog: 4096 } }\n");
	close(fd);
	return path;
}

static void check(const ln_conf_errors_t *errors)
{
	for (unsigned i = 0; i < ln_conf_errors_count(errors); i++)
		fprintf(stderr, "instr: %s\n", ln_conf_errors_at(errors, i));
	if (ln_conf_errors_count(errors))
		exit(1);
}

static void find_listener(const ln_listener_t *l, void *ctx)
{
	(void)ctx;
	listener = ln__listener_ref((ln_listener_t *)(uintptr_t)l);
}

/* Configuration, modules, listener: no worker yet. */
static void configure(void)
{
	ln_conf_errors_t *errors = ln_conf_errors_create();
	const char *path = write_conf();
	ln_conf_file_t *file = ln_conf_read(path, errors);

	check(errors);
	if (ln_modules_open("/nonexistent", file, errors) != LN_OK || ln_modules_bind(file, errors) != LN_OK)
		check(errors);
	listeners = ln__listeners_bind(file, errors);
	check(errors);
	ln__listeners_each(listeners, find_listener, NULL);
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
	unlink(path);
}

void house_open(void)
{
	ln_clock_replace(still);
	ln__net_init();
	ln_router_init();
	ln_retain_init();
	ln_session_init();
	if (ln_log_open("/dev/null", LN_LOG_TEXT, LN_LOG_ERROR) != LN_OK)
		die("/dev/null");
	configure();
	ln_modules_commit();
	ln_hooks_compile();
	ln_workers_create(1, 131072);
	ln__net_attach();
	ln_workers_each(ln_modules_worker_start, NULL);
	ln__net_attach_last();
}

void house_close(void)
{
	ln_workers_each(ln__net_kill, NULL);
	ln__listener_unref(listener);
	ln__listeners_destroy(listeners);
	ln_workers_each(ln_modules_worker_stop, NULL);
	ln_session_fini();
	ln_retain_fini();
	ln_router_fini();
	ln_modules_clear();
	ln_rcu_barrier();
	ln_workers_destroy();
}

/* --- counting ---------------------------------------------------------------------------------------------------------- */

static void count_from_here(void)
{
	if (counting)
		CALLGRIND_TOGGLE_COLLECT;
}

static void count_to_here(void)
{
	if (counting)
		CALLGRIND_TOGGLE_COLLECT;
}

void house_turn(void)
{
	count_from_here();
	ln_worker_turn(ln_worker_at(0), false);
	count_to_here();
}

void house_count(bool on)
{
	counting = on;
}

void house_dump(const char *name)
{
	CALLGRIND_DUMP_STATS_AT(name);
}

/* --- clients ------------------------------------------------------------------------------------------------------------ */

static void put(int fd, const void *data, size_t size)
{
	if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("a client's write");
}

/* Takes turns until SIZE bytes have come. */
static void get(int fd, void *dst, size_t size)
{
	for (unsigned left = 1000; left > 0; left--) {
		if (recv(fd, dst, size, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)size) {
			if (recv(fd, dst, size, 0) != (ssize_t)size)
				die("a client's read");
			return;
		}
		house_turn();
	}
	die("no answer");
}

/* A socket pair: what one end writes the other has at once, which loopback does not promise. The broker gets its end as if it had
 * accepted it. */
static int dial(void)
{
	static const int room = 4 << 20;
	ln_worker_t *before = ln_worker_current;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) || fcntl(fd[1], F_SETFL, O_NONBLOCK) ||
	    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) || setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)))
		die("a client's socket");
	ln_worker_current = ln_worker_at(0);
	count_from_here();
	if (!ln__conn_accept(ln_worker_at(0), listener, fd[1], &listener->addr, LN_OK))
		die("a connection");
	count_to_here();
	ln_worker_current = before;
	return fd[0];
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t n = strlen(text);

	*at++ = (uint8_t)(n >> 8);
	*at++ = (uint8_t)n;
	memcpy(at, text, n);
	return at + n;
}

house_client_t *house_connect(const char *id, uint8_t version)
{
	house_client_t *c = calloc(1, sizeof(*c));
	uint8_t packet[128] = { 0x10 }, answer[5], *at = put_text(packet + 2, "MQTT");

	if (!c)
		die("memory");
	c->fd = dial();
	c->version = version;
	*at++ = version;
	*at++ = 2;
	*at++ = 0;
	*at++ = 0;
	if (version == 5)
		*at++ = 0;
	at = put_text(at, id);
	packet[1] = (uint8_t)(at - packet - 2);
	put(c->fd, packet, (size_t)(at - packet));
	get(c->fd, answer, 2);
	get(c->fd, c->in, answer[1]);
	if (answer[0] != 0x20 || c->in[1] != 0)
		die("CONNACK");
	return c;
}

void house_leave(house_client_t *c)
{
	static const uint8_t goodbye[] = { 0xe0, 0 };
	unsigned left = 1000;

	put(c->fd, goodbye, sizeof(goodbye));
	while (recv(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT) != 0 && left-- > 0)
		house_turn();
	close(c->fd);
	free(c);
	house_turn();
	house_turn();
}

void house_subscribe(house_client_t *c, const char *filter, uint8_t qos)
{
	uint8_t packet[256] = { 0x82 }, *at = packet + 2;

	*at++ = 0;
	*at++ = 1;
	if (c->version == 5)
		*at++ = 0;
	at = put_text(at, filter);
	*at++ = qos;
	packet[1] = (uint8_t)(at - packet - 2);
	put(c->fd, packet, (size_t)(at - packet));
	get(c->fd, c->in, c->version == 5 ? 6 : 5);
	if (c->in[0] != 0x90)
		die("SUBACK");
}

void house_publish(house_client_t *c, const char *topic, uint8_t qos, unsigned count)
{
	static uint8_t out[131072];
	uint8_t *at = out;

	while (count-- > 0) {
		uint8_t *head = at;

		*at++ = (uint8_t)(0x30 | qos << 1);
		at = put_text(at + 1, topic);
		if (qos) {
			c->id = (uint16_t)(c->id % 60000 + 1);
			*at++ = (uint8_t)(c->id >> 8);
			*at++ = (uint8_t)c->id;
		}
		if (c->version == 5)
			*at++ = 0;
		memset(at, 'x', PAYLOAD);
		at += PAYLOAD;
		head[1] = (uint8_t)(at - head - 2);
		if (at - head > 129)
			die("a topic that is too long");
	}
	put(c->fd, out, (size_t)(at - out));
}

/* Answers the packet at P. */
static uint8_t *answer(house_client_t *c, const uint8_t *p, uint8_t *out)
{
	static const uint8_t next[16] = { [5] = 0x62, [6] = 0x70 };
	const uint8_t *id = p + 2;
	uint8_t type = p[0] >> 4, code = next[type];

	if (type == 3) {
		c->publishes++;
		id = p + 4 + (p[2] << 8 | p[3]);
		code = (p[0] & 6) == 0 ? 0 : (p[0] & 6) == 2 ? 0x40 : 0x50;
	}
	if (!code)
		return out;
	*out++ = code;
	*out++ = 2;
	*out++ = id[0];
	*out++ = id[1];
	return out;
}

void house_take(house_client_t *c)
{
	static uint8_t out[65536];
	uint8_t *to = out;
	size_t at = 0;
	ssize_t n;

	while ((n = recv(c->fd, c->in + c->have, sizeof(c->in) - c->have, MSG_DONTWAIT)) > 0) {
		c->have += (size_t)n;
		for (at = 0; c->have - at >= 2 && c->have - at >= 2u + c->in[at + 1]; at += 2u + c->in[at + 1])
			to = answer(c, c->in + at, to);
		memmove(c->in, c->in + at, c->have - at);
		c->have -= at;
	}
	if (to > out)
		put(c->fd, out, (size_t)(to - out));
}
