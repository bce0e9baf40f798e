/* Tests of core/net/port.c: many workers on one port, and a system that has no descriptor left. */
#include <sys/resource.h>
#include "bench.h"

static ln__addr_t parse(const char *text)
{
	ln__addr_t addr;

	ck_assert(!ln__addr_parse(text, &addr));
	return addr;
}

/* A listener with CONF on ADDRESS and COUNT workers. */
static void start(unsigned count, const char *address, const ln__listener_conf_t *conf)
{
	static ln_protocol_t p;
	ln__listener_parts_t parts = { .name = "port", .conf = conf, .protocol = &p, .addr = parse(address) };

	p = bench_protocol(NULL);
	bench_workers(count);
	bench_serve(&parts);
}

static unsigned conns_on(unsigned worker)
{
	return (unsigned)ln_worker_at(worker)->counters[ln__net_stat_base + LN__STAT_CONNECTIONS];
}

START_TEST(every_worker_accepts)
{
	ln__listener_conf_t conf = bench_conf();
	int fd[64];

	start(2, "127.0.0.1:0", &conf);
	ck_assert_uint_ne(ln__port_addr(bench_port)->port, 0);
	for (unsigned i = 0; i < 64; i++)
		fd[i] = bench_dial(0);
	for (unsigned i = 0; i < 1000 && seen.opened < 64; i++) {
		ln_worker_turn(ln_worker_at(0), false);
		ln_worker_turn(ln_worker_at(1), false);
	}
	ck_assert_uint_eq(seen.opened, 64);
	ck_assert_uint_gt(conns_on(0), 0);
	ck_assert_uint_gt(conns_on(1), 0);
	for (unsigned i = 0; i < 64; i++)
		close(fd[i]);
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

START_TEST(a_port_is_taken_once)
{
	ln__listener_conf_t conf = bench_conf();
	ln__port_t *other = NULL;

	start(2, "127.0.0.1:0", &conf);
	ck_assert_int_eq(ln__port_open(ln__port_addr(bench_port), 64, &other), LN_SYSTEM);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_ptr_null(other);
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

/* ":PORT" serves both families; "[::]:PORT" leaves IPv4 to somebody else. */
START_TEST(any_is_both_families)
{
	ln__listener_conf_t conf = bench_conf();
	ln__addr_t v4 = parse("127.0.0.1:0"), v6;
	ln__port_t *port;
	struct sockaddr_storage sock;
	socklen_t len;
	int fd;

	start(1, ":0", &conf);
	v4.port = ln__port_addr(bench_port)->port;
	len = ln__addr_to_sock(&v4, &sock);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sock, len), 0);
	bench_until(seen.opened == 1);
	ck_assert(strncmp(ln_conn_peer(seen.conn), "127.0.0.1:", 10) == 0);
	close(fd);
	v6 = parse("[::1]:0");
	if (ln__port_open(&v6, 4, &port) == LN_OK) {
		v4.port = ln__port_addr(port)->port;
		ck_assert(ln__tcp_free(&v4));
		ln__port_close(port);
	}
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

START_TEST(has_its_connections_max)
{
	ln__listener_conf_t conf = bench_conf();
	int fd[3];

	conf.connections_max = 2;
	start(1, "127.0.0.1:0", &conf);
	for (unsigned i = 0; i < 3; i++)
		fd[i] = bench_dial(0);
	bench_until(bench_stat(LN__STAT_REFUSED) == 1);
	ck_assert_uint_eq(seen.opened, 2);
	ck_assert_int_eq(bench_ending(fd[2]), 0);
	close(fd[0]);
	bench_until(seen.closed == 1);
	close(fd[2]);
	fd[2] = bench_dial(0);
	bench_until(seen.opened == 3);
	close(fd[1]);
	close(fd[2]);
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

START_TEST(accepts_a_bounded_number_in_a_turn)
{
	ln__listener_conf_t conf = bench_conf();
	int fd[LN__ACCEPTS_PER_TURN + 10];

	conf.backlog = 200;
	start(1, "127.0.0.1:0", &conf);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i++)
		fd[i] = bench_dial(0);
	bench_turn();
	ck_assert_uint_eq(seen.opened, LN__ACCEPTS_PER_TURN);
	bench_until(seen.opened == LN_ARRAY_SIZE(fd));
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i++)
		close(fd[i]);
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

/* --- no descriptor left ------------------------------------------------------------------------------------------- */

static void limit_descriptors(rlim_t n)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The lowest number that is not open: with it as the limit nothing more can be opened. */
static rlim_t first_free(void)
{
	int fd = dup(0);

	close(fd);
	return (rlim_t)fd;
}

/* Lines of the log file at PATH that hold ID. */
static unsigned said(const char *path, const char *id)
{
	FILE *f = fopen(path, "r");
	char line[1024];
	unsigned n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, id) != NULL;
	fclose(f);
	return n;
}

START_TEST(pauses_without_descriptors)
{
	ln__listener_conf_t conf = bench_conf();
	char path[] = "/tmp/linnet-port-XXXXXX";
	int first, second, log;
	unsigned turns;
	uint64_t until;

	start(1, "127.0.0.1:0", &conf);
	log = mkstemp(path);
	ck_assert_int_ge(log, 0);
	close(log);
	ln_unit_ok(ln_log_open(path, LN_LOG_TEXT, LN_LOG_INFO));
	first = bench_dial(0);
	bench_until(seen.opened == 1);
	second = bench_dial(0);
	limit_descriptors(first_free());
	bench_until(bench_stat(LN__STAT_ACCEPT_PAUSED) == 1);
	/* No busy loop: turns that may wait do, but for the retries. */
	until = bench_clock() + 3 * LN__ACCEPT_RETRY_MS;
	for (turns = 0; bench_clock() < until; turns++)
		ln_worker_turn(ln_worker_at(0), true);
	ck_assert_uint_le(turns, 15);
	ck_assert_uint_eq(bench_stat(LN__STAT_ACCEPT_PAUSED), 1);
	ck_assert_uint_eq(seen.opened, 1);
	limit_descriptors(1024);
	bench_pass(LN__ACCEPT_RETRY_MS);
	bench_until(seen.opened == 2);
	ck_assert_uint_eq(said(path, "ACCEPT_PAUSED"), 1);
	ck_assert_uint_eq(said(path, "ACCEPT_RESUMED"), 1);
	close(first);
	close(second);
	ln_conf_clear(ln__listener_items, &conf);
	unlink(path);
	bench_stop();
}
END_TEST

START_TEST(goes_on_when_one_leaves)
{
	ln__listener_conf_t conf = bench_conf();
	int first, second;

	start(1, "127.0.0.1:0", &conf);
	first = bench_dial(0);
	bench_until(seen.opened == 1);
	second = bench_dial(0);
	limit_descriptors(first_free());
	bench_until(bench_stat(LN__STAT_ACCEPT_PAUSED) == 1);
	/* The descriptor of the first is the only one there is: no timer is waited for. */
	shutdown(first, SHUT_RDWR);
	for (unsigned i = 0; i < 10 && seen.opened < 2; i++)
		bench_turn();
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_uint_eq(seen.opened, 2);
	limit_descriptors(1024);
	close(first);
	close(second);
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

LN_UNIT_MAIN("net/port", every_worker_accepts, a_port_is_taken_once, any_is_both_families, has_its_connections_max,
	     accepts_a_bounded_number_in_a_turn, pauses_without_descriptors, goes_on_when_one_leaves)
