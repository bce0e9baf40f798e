/* bench.h — a bench for net's unit tests: workers, a listener with a protocol made of functions the test gives, and
 * clients on loopback.
 *
 * Everything runs on the test's own thread: worker 0's turns are taken by hand (bench_turn, bench_until), so a test
 * sees each step. Time is the bench's: bench_pass makes it go on without waiting.
 */
#ifndef TESTS_UNIT_NET_BENCH_H
#define TESTS_UNIT_NET_BENCH_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <linnet/buf.h>
#include <linnet/clock.h>
#include "net/net.h"
#include "unit.h"

#define BENCH_READ_SIZE 16384u

/* What the last connections did. */
typedef struct bench_seen {
	unsigned opened, closed, clean, writable, timers, ends, inputs;
	size_t bytes;               /* consumed */
	ln_conn_t *conn;            /* the last opened; NULL once closed */
} bench_seen_t;

/* A protocol's state: set by open, checked ever after. */
typedef struct bench_state {
	uint64_t mark;
	uint32_t count;
} bench_state_t;

#define BENCH_MARK 0x62656e6368u

static bench_seen_t seen;
static bool bench_strangers;   /* clients are not trusted */
static uint64_t bench_skipped;
static ln_listener_t *bench_listener;
static ln__port_t *bench_port;

static inline uint64_t bench_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + bench_skipped;
}

static inline void bench_pass(uint64_t ms)
{
	bench_skipped += ms;
}

/* --- the echo protocol: the parts tests put their own in the place of --------------------------------------------- */

static inline ln_result_t bench_open(ln_conn_t *c, void *state)
{
	((bench_state_t *)state)->mark = BENCH_MARK;
	seen.opened++;
	seen.conn = c;
	if (!bench_strangers)
		ln_conn_trust(c);
	return LN_OK;
}

static inline size_t bench_echo(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	(void)need;
	ck_assert_uint_eq(((bench_state_t *)state)->mark, BENCH_MARK);
	seen.inputs++;
	seen.bytes += bytes.len;
	ln_unit_ok(ln_conn_write(c, bytes));
	return bytes.len;
}

static inline void bench_writable(ln_conn_t *c, void *state)
{
	(void)c, (void)state;
	seen.writable++;
}

static inline void bench_timer(ln_conn_t *c, void *state)
{
	(void)c, (void)state;
	seen.timers++;
}

static inline void bench_end(ln_conn_t *c, void *state, ln_result_t why)
{
	(void)state;
	seen.ends++;
	ln_unit_ok(ln_conn_write(c, LN_STR("bye")));
	ln_conn_close(c, why);
}

static inline void bench_closed(ln_conn_t *c, void *state, bool clean)
{
	ck_assert_uint_eq(((bench_state_t *)state)->mark, BENCH_MARK);
	ck_assert(ln_conn_closing(c));
	((bench_state_t *)state)->mark = 0;
	seen.closed++;
	seen.clean += clean;
	if (seen.conn == c)
		seen.conn = NULL;
}

static inline void bench_describe(const ln_conn_t *c, const void *state, char *dst, size_t size)
{
	(void)c, (void)state;
	snprintf(dst, size, "dev-17");
}

/* A protocol that echoes; INPUT (NULL: bench_echo) instead of its own. */
static inline ln_protocol_t bench_protocol(size_t (*input)(ln_conn_t *, void *, ln_slice_t, size_t *))
{
	return (ln_protocol_t){
		.name = "echo", .conn_size = sizeof(bench_state_t), .open = bench_open,
		.input = input ? input : bench_echo, .writable = bench_writable, .timer = bench_timer,
		.end = bench_end, .closed = bench_closed, .describe = bench_describe,
	};
}

/* --- set-up ------------------------------------------------------------------------------------------------------- */

static inline ln__listener_conf_t bench_conf(void)
{
	ln__listener_conf_t conf;

	ln_conf_defaults(ln__listener_items, &conf);
	return conf;
}

/* COUNT workers, not started. */
static inline void bench_workers(unsigned count)
{
	ln__net_init();
	ln_clock_replace(bench_clock);
	ck_assert_int_eq(ln_log_open("/dev/null", LN_LOG_TEXT, LN_LOG_DEBUG), LN_OK);
	ln_workers_create(count, BENCH_READ_SIZE);
	ln__net_attach();
	ln__net_attach_last();
}

static inline void bench_serve(const ln__listener_parts_t *parts)
{
	bench_listener = ln__listener_new(parts);
	ln_unit_ok(ln__port_open(&parts->addr, 64, &bench_port));
	ln__port_serve(bench_port, bench_listener);
}

/* One worker and a listener with PROTOCOL (must stay; NULL: the echo) and CONF (NULL: defaults) on a free port of
 * 127.0.0.1. */
static inline void bench_start(const ln_protocol_t *protocol, const ln__listener_conf_t *conf)
{
	static ln_protocol_t echo;
	ln__listener_conf_t defaults = bench_conf();
	ln__listener_parts_t parts = { .name = "bench", .conf = conf ? conf : &defaults,
				       .protocol = protocol ? protocol : &echo };

	echo = bench_protocol(NULL);
	ck_assert(!ln__addr_parse("127.0.0.1:0", &parts.addr));
	bench_workers(1);
	bench_serve(&parts);
	ln_conf_clear(ln__listener_items, &defaults);
}

static inline void bench_stop(void)
{
	ln__port_close(bench_port);
	ln_workers_each(ln__net_kill, NULL);
	ck_assert_uint_eq(ln__net_open_count(), 0);
	ck_assert_uint_eq(seen.opened, seen.closed);
	if (bench_listener) {
		ck_assert_uint_eq(bench_listener->refs, 1);
		ck_assert_uint_eq(bench_listener->connections, 0);
	}
	ln__listener_unref(bench_listener);
	ln_workers_destroy();
}

static inline uint64_t bench_stat(unsigned stat)
{
	return ln_stat_sum(ln__net_stat_base + stat);
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static inline void bench_turn(void)
{
	ln_worker_turn(ln_worker_at(0), false);
}

static inline void bench_turns(unsigned n)
{
	while (n-- > 0)
		bench_turn();
}

/* Turns until COND holds; fails after some seconds. */
#define bench_until(cond) \
	do { \
		unsigned left_ = 20000; \
		while (!(cond) && left_-- > 0) { \
			bench_turn(); \
			if (left_ % 8 == 0) \
				usleep(200); \
		} \
		ck_assert_msg(cond, "waited in vain for %s", #cond); \
	} while (0)

/* --- clients ------------------------------------------------------------------------------------------------------ */

/* A connected, non-blocking socket. RCVBUF: its receive buffer, 0: the system's. */
static inline int bench_dial(int rcvbuf)
{
	struct sockaddr_storage sock;
	socklen_t len = ln__addr_to_sock(ln__port_addr(bench_port), &sock);
	int fd = socket(sock.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (rcvbuf)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sock, len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Connected and open on the other side. */
static inline int bench_client(void)
{
	unsigned before = seen.opened;
	int fd = bench_dial(0);

	bench_until(seen.opened == before + 1);
	return fd;
}

static inline void bench_send(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		} else {
			ck_assert_int_eq(errno, EAGAIN);
			bench_turn();
		}
	}
}

/* Reads exactly N bytes, turning meanwhile. */
static inline void bench_recv(int fd, void *dst, size_t n)
{
	char *at = dst;
	unsigned left = 20000;

	while (n > 0 && left-- > 0) {
		ssize_t got = recv(fd, at, n, 0);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
			continue;
		}
		ck_assert_msg(got < 0 && errno == EAGAIN, "recv: %zd %s", got, got < 0 ? strerror(errno) : "end");
		bench_turn();
	}
	ck_assert_uint_eq(n, 0);
}

/* How the connection ends for the client: 0 orderly, or errno. Input before the end is skipped. */
static inline int bench_ending(int fd)
{
	char waste[4096];

	for (unsigned left = 20000; left > 0; left--) {
		ssize_t got = recv(fd, waste, sizeof(waste), 0);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EAGAIN)
			return errno;
		bench_turn();
	}
	return ETIMEDOUT;
}

#endif
