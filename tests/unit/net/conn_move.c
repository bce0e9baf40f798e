/* Tests of core/net/conn_move.c: connections that change their worker, first with both workers' turns in the test's own
 * hands, then with threads. The protocol moves at its first byte, 'M', and echoes what follows. */
#include <stdatomic.h>
#include "bench.h"

static unsigned arrived;
static _Atomic unsigned all_closed, all_opened;
static bool close_too;

static ln_worker_t *other(ln_worker_t *w)
{
	return ln_worker_at(w->index ? 0 : 1);
}

static void on_arrival(ln_conn_t *c, void *state)
{
	ck_assert_uint_eq(((bench_state_t *)state)->mark, BENCH_MARK);
	ck_assert_ptr_eq(ln_conn_worker(c), ln_worker_self());
	((bench_state_t *)state)->count++;
	arrived++;
}

static size_t move_then_echo(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	bench_state_t *s = state;

	ck_assert_ptr_eq(ln_conn_worker(c), ln_worker_self());
	if (s->count == 0) {
		ck_assert_uint_eq(bytes.data[0], 'M');
		ln_conn_move(c, other(ln_conn_worker(c)), on_arrival);
		if (close_too)
			ln_conn_close(c, LN_OK);
		return 1;
	}
	return bench_echo(c, state, bytes, need);
}

static void start(size_t (*input)(ln_conn_t *, void *, ln_slice_t, size_t *))
{
	static ln_protocol_t p;
	ln__listener_conf_t conf = bench_conf();
	ln__listener_parts_t parts = { .name = "move", .conf = &conf, .protocol = &p };

	p = bench_protocol(input);
	ck_assert(!ln__addr_parse("127.0.0.1:0", &parts.addr));
	bench_workers(2);
	bench_serve(&parts);
	ln_conf_clear(ln__listener_items, &conf);
}

static void both(unsigned n)
{
	while (n-- > 0) {
		ln_worker_turn(ln_worker_at(0), false);
		ln_worker_turn(ln_worker_at(1), false);
	}
}

/* A client, and the worker that has it. */
static int dial(ln_worker_t **ret_worker)
{
	int fd = bench_dial(0);

	for (unsigned i = 0; i < 1000 && !seen.conn; i++)
		both(1);
	ck_assert_ptr_nonnull(seen.conn);
	*ret_worker = ln_conn_worker(seen.conn);
	return fd;
}

static void count(ln_conn_t *c, void *ctx)
{
	(void)c;
	++*(unsigned *)ctx;
}

static unsigned conns_on(ln_worker_t *w)
{
	unsigned n = 0;

	ln_conn_each(w, count, &n);
	return n;
}

START_TEST(moves_with_its_input)
{
	ln_worker_t *born;
	char got[6];
	int fd;

	start(move_then_echo);
	fd = dial(&born);
	ln_conn_timer(seen.conn, 1000);
	ck_assert_uint_eq(conns_on(born), 1);
	bench_send(fd, "Mhello", 6);
	both(20);
	ck_assert_uint_eq(arrived, 1);
	ck_assert_ptr_eq(ln_conn_worker(seen.conn), other(born));
	ck_assert_uint_eq(conns_on(born), 0);
	ck_assert_uint_eq(conns_on(other(born)), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_MOVED), 1);
	ck_assert_int_eq(recv(fd, got, 6, 0), 5);
	ck_assert_mem_eq(got, "hello", 5);
	bench_send(fd, "again", 5);
	both(20);
	ck_assert_int_eq(recv(fd, got, 6, 0), 5);
	bench_pass(1001);
	both(5);
	ck_assert_uint_eq(seen.timers, 1);
	close(fd);
	both(20);
	ck_assert_uint_eq(seen.closed, 1);
	bench_stop();
}
END_TEST

START_TEST(stays_when_closed_as_well)
{
	ln_worker_t *born;
	int fd;

	close_too = true;
	start(move_then_echo);
	fd = dial(&born);
	bench_send(fd, "Mhello", 6);
	both(20);
	ck_assert_uint_eq(arrived, 0);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_MOVED), 0);
	close(fd);
	both(20);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 0);
	bench_stop();
}
END_TEST

START_TEST(moves_while_paused)
{
	ln_worker_t *born;
	char got[6];
	int fd;

	start(move_then_echo);
	fd = dial(&born);
	bench_send(fd, "M", 1);
	ln_worker_turn(born, false);
	while (!(seen.conn->flags & LN__F_MOVING) && ln_conn_worker(seen.conn) == born)
		both(1);
	both(5);
	ln_conn_pause(seen.conn);
	bench_send(fd, "hello", 5);
	both(10);
	ck_assert_uint_eq(seen.bytes, 0);
	ln_conn_resume(seen.conn);
	both(10);
	ck_assert_int_eq(recv(fd, got, 6, 0), 5);
	close(fd);
	both(20);
	bench_stop();
}
END_TEST

/* What is under way when everything drains is told when it arrives. */
START_TEST(arrives_in_a_draining_house)
{
	ln_worker_t *born;
	int fd;

	start(move_then_echo);
	fd = dial(&born);
	bench_send(fd, "Mhello", 6);
	for (unsigned i = 0; i < 100 && conns_on(born); i++)
		ln_worker_turn(born, false);
	ck_assert_uint_eq(conns_on(born), 0);
	ck_assert_uint_eq(ln__net_open_count(), 1);
	ln_workers_each(ln__net_drain, NULL);
	ck_assert_uint_eq(seen.ends, 0);
	both(20);
	ck_assert_uint_eq(seen.ends, 1);
	ck_assert_uint_eq(seen.closed, 1);
	close(fd);
	both(20);
	bench_stop();
}
END_TEST

static size_t move_home(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	if (((bench_state_t *)state)->count == 0) {
		ln_conn_move(c, ln_conn_worker(c), on_arrival);
		ck_assert_uint_eq(arrived, 1);
	}
	return bench_echo(c, state, bytes, need);
}

START_TEST(is_home_already)
{
	ln_worker_t *born;
	char got[5];
	int fd;

	start(move_home);
	fd = dial(&born);
	bench_send(fd, "hello", 5);
	both(10);
	ck_assert_int_eq(recv(fd, got, 5, 0), 5);
	ck_assert_uint_eq(bench_stat(LN__STAT_MOVED), 0);
	close(fd);
	both(20);
	bench_stop();
}
END_TEST

/* --- with threads ------------------------------------------------------------------------------------------------- */

static ln_result_t thread_open(ln_conn_t *c, void *state)
{
	((bench_state_t *)state)->mark = BENCH_MARK;
	ln_conn_trust(c);
	ln_conn_timer(c, 60000);
	all_opened++;
	return LN_OK;
}

static void thread_arrival(ln_conn_t *c, void *state)
{
	(void)c;
	((bench_state_t *)state)->count++;
}

static size_t thread_input(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	bench_state_t *s = state;

	(void)need;
	ln_insist(s->mark == BENCH_MARK && ln_conn_worker(c) == ln_worker_self());
	if (s->count == 0 && bytes.data[0] == 'M') {
		ln_conn_move(c, other(ln_conn_worker(c)), thread_arrival);
		return 1;
	}
	if (ln_conn_write(c, bytes) != LN_OK)
		return 0;
	return bytes.len;
}

static void thread_closed(ln_conn_t *c, void *state, bool clean)
{
	(void)c, (void)clean;
	ln_insist(((bench_state_t *)state)->mark == BENCH_MARK);
	all_closed++;
}

/* A blocking client: moves, then expects each of ROUNDS echoes. */
static void talk(int fd, unsigned rounds)
{
	char text[200], got[200];

	ck_assert_int_eq(send(fd, "M", 1, MSG_NOSIGNAL), 1);
	for (unsigned i = 0; i < rounds; i++) {
		memset(text, (int)('a' + i % 26), sizeof(text));
		ck_assert_int_eq(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
		ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
		ck_assert_mem_eq(got, text, sizeof(text));
	}
}

START_TEST(moves_between_threads)
{
	static ln_protocol_t p;
	ln__listener_conf_t conf = bench_conf();
	ln__listener_parts_t parts = { .name = "threads", .conf = &conf, .protocol = &p };
	int fd[40];

	p = (ln_protocol_t){ .name = "threads", .conn_size = sizeof(bench_state_t), .open = thread_open,
			     .input = thread_input, .closed = thread_closed };
	ck_assert(!ln__addr_parse("127.0.0.1:0", &parts.addr));
	ln__net_init();
	ck_assert_int_eq(ln_log_open("/dev/null", LN_LOG_TEXT, LN_LOG_DEBUG), LN_OK);
	ln_workers_create(2, BENCH_READ_SIZE);
	ln__net_attach();
	ln__net_attach_last();
	ln_unit_ok(ln_workers_start());
	bench_serve(&parts);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i++) {
		fd[i] = bench_dial(0);
		fcntl(fd[i], F_SETFL, 0);
	}
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i++)
		talk(fd[i], 20);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i += 2)
		close(fd[i]);
	ln_unit_until(all_closed == LN_ARRAY_SIZE(fd) / 2);
	ln_workers_each(ln__net_drain, NULL);
	for (unsigned i = 1; i < LN_ARRAY_SIZE(fd); i += 2) {
		char end;
		ck_assert_int_eq(recv(fd[i], &end, 1, 0), 0);
		close(fd[i]);
	}
	ln_unit_until(ln__net_open_count() == 0);
	ck_assert_uint_eq(all_opened, LN_ARRAY_SIZE(fd));
	ck_assert_uint_eq(all_closed, LN_ARRAY_SIZE(fd));
	ck_assert_uint_eq(bench_stat(LN__STAT_MOVED), LN_ARRAY_SIZE(fd));
	ln_workers_each(ln__net_kill, NULL);
	ln_workers_stop();
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

/* The end comes while connections are everywhere: in backlogs, under way, in lists. */
START_TEST(ends_in_the_middle)
{
	static ln_protocol_t p;
	ln__listener_conf_t conf = bench_conf();
	ln__listener_parts_t parts = { .name = "threads", .conf = &conf, .protocol = &p };
	int fd[60];

	p = (ln_protocol_t){ .name = "threads", .conn_size = sizeof(bench_state_t), .open = thread_open,
			     .input = thread_input, .closed = thread_closed };
	ck_assert(!ln__addr_parse("127.0.0.1:0", &parts.addr));
	ln__net_init();
	ck_assert_int_eq(ln_log_open("/dev/null", LN_LOG_TEXT, LN_LOG_INFO), LN_OK);
	ln_workers_create(2, BENCH_READ_SIZE);
	ln__net_attach();
	ln__net_attach_last();
	ln_unit_ok(ln_workers_start());
	bench_serve(&parts);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i++) {
		fd[i] = bench_dial(0);
		ck_assert_int_eq(send(fd[i], "Mhello", 6, MSG_NOSIGNAL), 6);
	}
	ln_workers_each(ln__net_kill, NULL);
	ln_workers_stop();
	ck_assert_uint_eq(ln__net_open_count(), 0);
	ck_assert_uint_eq(all_opened, all_closed);
	for (unsigned i = 0; i < LN_ARRAY_SIZE(fd); i++)
		close(fd[i]);
	ln_conf_clear(ln__listener_items, &conf);
	bench_stop();
}
END_TEST

LN_UNIT_MAIN("net/conn_move", moves_with_its_input, stays_when_closed_as_well, moves_while_paused,
	     arrives_in_a_draining_house, is_home_already, moves_between_threads, ends_in_the_middle)
