/* Tests of core/net/conn.c and conn_turn.c: a connection's life, against real sockets. */
#include "bench.h"

START_TEST(echoes)
{
	char got[5];
	int fd;

	bench_start(NULL, NULL);
	fd = bench_client();
	bench_send(fd, "hello", 5);
	bench_recv(fd, got, 5);
	ck_assert_mem_eq(got, "hello", 5);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_ACCEPTED), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_BYTES_IN), 5);
	ck_assert_uint_eq(bench_stat(LN__STAT_BYTES_OUT), 5);
	close(fd);
	bench_until(seen.closed == 1);
	ck_assert_uint_eq(seen.clean, 0);
	bench_until(bench_stat(LN__STAT_CONNECTIONS) == 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_CLOSED), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_CUT), 0);
	bench_stop();
}
END_TEST

START_TEST(is_idle_without_memory)
{
	char got[3000], sent[3000] = { 1 };
	int fd;

	bench_start(NULL, NULL);
	fd = bench_client();
	bench_send(fd, sent, sizeof(sent));
	bench_recv(fd, got, sizeof(got));
	bench_turn();
	ck_assert_ptr_null(seen.conn->in.data);
	ck_assert_ptr_null(seen.conn->out.head);
	ck_assert_uint_le(bench_listener->block_size, sizeof(ln_conn_t) + sizeof(bench_state_t));
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(serves_many)
{
	int fd[100];

	bench_start(NULL, NULL);
	for (int i = 0; i < 100; i++)
		fd[i] = bench_dial(0);
	bench_until(seen.opened == 100);
	for (int i = 0; i < 100; i++)
		bench_send(fd[i], &i, sizeof(i));
	for (int i = 0; i < 100; i++) {
		int got;
		bench_recv(fd[i], &got, sizeof(got));
		ck_assert_int_eq(got, i);
		close(fd[i]);
	}
	bench_until(seen.closed == 100 && bench_stat(LN__STAT_CONNECTIONS) == 0);
	bench_stop();
}
END_TEST

START_TEST(knows_itself)
{
	struct sockaddr_in self;
	socklen_t len = sizeof(self);
	char want[64], line[128];
	int fd;

	bench_start(NULL, NULL);
	fd = bench_client();
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&self, &len), 0);
	snprintf(want, sizeof(want), "127.0.0.1:%u", ntohs(self.sin_port));
	ck_assert_str_eq(ln_conn_peer(seen.conn), want);
	ln_conn_describe(seen.conn, line, sizeof(line));
	ck_assert(strncmp(line, "w0 c1 dev-17 127.0.0.1:", 23) == 0);
	ck_assert_str_eq(line + 13, want);
	ck_assert_uint_eq(ln_conn_id(seen.conn), 1);
	ck_assert_ptr_eq(ln_conn_worker(seen.conn), ln_worker_at(0));
	ck_assert_str_eq(ln_listener_name(ln_conn_listener(seen.conn)), "bench");
	ck_assert_uint_eq((uintptr_t)ln_conn_state(seen.conn) % 16, (uintptr_t)seen.conn % 16);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(inherits_nodelay)
{
	int fd, on = 0;
	socklen_t len = sizeof(on);

	bench_start(NULL, NULL);
	fd = bench_client();
	ck_assert_int_eq(getsockopt(seen.conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
	ck_assert_int_ne(on, 0);
	ck_assert_int_ne(fcntl(seen.conn->fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(seen.conn->fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	bench_stop();
}
END_TEST

/* --- closing ------------------------------------------------------------------------------------------------------ */

static size_t last_words(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	(void)state, (void)bytes, (void)need;
	ln_unit_ok(ln_conn_write(c, LN_STR("last words")));
	ln_conn_close(c, LN_PROTOCOL);
	ln_conn_close(c, LN_OK);
	ck_assert_uint_eq(seen.closed, 0);
	ck_assert_int_eq(ln_conn_write(c, LN_STR("more")), LN_CLOSED);
	ck_assert_ptr_null(ln_conn_room(c, 1));
	return 1;
}

START_TEST(says_last_words)
{
	const ln_protocol_t p = bench_protocol(last_words);
	char got[10];
	int fd;

	bench_start(&p, NULL);
	fd = bench_client();
	/* More than one read takes: closing with this unread would make a reset of our last words. */
	for (int i = 0; i < 10; i++)
		bench_send(fd, (char[10000]){ 0 }, 10000);
	bench_recv(fd, got, 10);
	ck_assert_mem_eq(got, "last words", 10);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_uint_eq(seen.clean, 1);
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 1);
	close(fd);
	bench_until(bench_stat(LN__STAT_CONNECTIONS) == 0);
	bench_stop();
}
END_TEST

START_TEST(lingers_a_second_only)
{
	const ln_protocol_t p = bench_protocol(last_words);
	int fd;

	bench_start(&p, NULL);
	fd = bench_client();
	bench_send(fd, "x", 1);
	bench_until(seen.closed == 1);
	bench_pass(LN__LINGER_MS - 500);
	bench_turns(10);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 1);
	bench_pass(500);
	bench_until(bench_stat(LN__STAT_CONNECTIONS) == 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(lingers_so_many_bytes_only)
{
	const ln_protocol_t p = bench_protocol(last_words);
	static char waste[65536];
	size_t sent = 0;
	int fd;

	bench_start(&p, NULL);
	fd = bench_client();
	bench_send(fd, "x", 1);
	bench_until(seen.closed == 1);
	while (bench_stat(LN__STAT_CONNECTIONS) > 0 && sent < 8 * LN__LINGER_BYTES) {
		ssize_t n = send(fd, waste, sizeof(waste), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		bench_turn();
	}
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(does_not_linger_for_who_is_gone)
{
	const ln_protocol_t p = bench_protocol(last_words);
	int fd;

	bench_start(&p, NULL);
	fd = bench_client();
	bench_send(fd, "x", 1);
	close(fd);
	bench_until(seen.closed == 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 0);
	bench_stop();
}
END_TEST

START_TEST(answers_who_only_shut_its_side)
{
	char got[5];
	int fd;

	bench_start(NULL, NULL);
	fd = bench_client();
	bench_send(fd, "hello", 5);
	shutdown(fd, SHUT_WR);
	bench_recv(fd, got, 5);
	ck_assert_mem_eq(got, "hello", 5);
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(seen.closed, 1);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(dies_of_a_reset)
{
	struct linger hard = { .l_onoff = 1 };
	int fd;

	bench_start(NULL, NULL);
	fd = bench_client();
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(fd);
	bench_until(seen.closed == 1 && bench_stat(LN__STAT_CONNECTIONS) == 0);
	ck_assert_uint_eq(seen.clean, 0);
	bench_stop();
}
END_TEST

static ln_result_t refuse(ln_conn_t *c, void *state)
{
	(void)c, (void)state;
	return LN_REFUSED;
}

START_TEST(closes_what_does_not_open)
{
	ln_protocol_t p = bench_protocol(NULL);
	int fd;

	p.open = refuse;
	bench_start(&p, NULL);
	fd = bench_dial(0);
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(seen.closed, 0);
	close(fd);
	bench_stop();
}
END_TEST

static ln_verdict_t nobody(ln_call_t *call)
{
	ck_assert_str_ne(ln_conn_peer(call->about), "");
	call->why = "not today";
	return LN_DENY;
}

START_TEST(asks_the_accept_hook)
{
	static const ln_hook_t hooks[] = { { LN_HOOK_ACCEPT, LN_PRIO_GUARD, nobody, "no" }, { 0 } };
	int fd;

	ln_hook_register("test", hooks);
	ln_hooks_compile();
	bench_start(NULL, NULL);
	fd = bench_dial(0);
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(seen.opened, 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_REFUSED), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 0);
	close(fd);
	bench_stop();
	ln_hooks_clear();
}
END_TEST

START_TEST(does_without_memory)
{
	int fd;

	bench_start(NULL, NULL);
	fd = bench_dial(0);
	ln_mem_fail_after(1);
	ck_assert_int_eq(bench_ending(fd), 0);
	ln_mem_fail_after(0);
	ck_assert_uint_eq(seen.opened, 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_REFUSED), 1);
	close(fd);
	bench_stop();
}
END_TEST

/* --- everyone ----------------------------------------------------------------------------------------------------- */

static void count(ln_conn_t *c, void *ctx)
{
	(void)c;
	++*(unsigned *)ctx;
}

START_TEST(drains)
{
	unsigned n = 0;
	char got[3];
	int fd[3];

	bench_start(NULL, NULL);
	for (int i = 0; i < 3; i++)
		fd[i] = bench_client();
	ln_conn_each(ln_worker_at(0), count, &n);
	ck_assert_uint_eq(n, 3);
	ln_workers_each(ln__net_drain, NULL);
	for (int i = 0; i < 3; i++) {
		bench_recv(fd[i], got, 3);
		ck_assert_mem_eq(got, "bye", 3);
		ck_assert_int_eq(bench_ending(fd[i]), 0);
		close(fd[i]);
	}
	ck_assert_uint_eq(seen.ends, 3);
	bench_until(ln__net_open_count() == 0);
	bench_stop();
}
END_TEST

START_TEST(kills)
{
	int fd[3];

	bench_start(NULL, NULL);
	for (int i = 0; i < 3; i++)
		fd[i] = bench_client();
	ln_workers_each(ln__net_kill, NULL);
	ck_assert_uint_eq(seen.closed, 3);
	ck_assert_uint_eq(ln__net_open_count(), 0);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	bench_stop();
}
END_TEST

/* --- the timer ---------------------------------------------------------------------------------------------------- */

START_TEST(has_a_timer)
{
	int fd;

	bench_start(NULL, NULL);
	fd = bench_client();
	ln_conn_timer(seen.conn, 1000);
	bench_pass(900);
	bench_turns(3);
	ck_assert_uint_eq(seen.timers, 0);
	ln_conn_timer(seen.conn, 1000); /* later: only remembered */
	bench_pass(900);
	bench_turns(3);
	ck_assert_uint_eq(seen.timers, 0);
	bench_pass(150);
	bench_turns(3);
	ck_assert_uint_eq(seen.timers, 1);
	bench_pass(5000);
	bench_turns(3);
	ck_assert_uint_eq(seen.timers, 1);
	ln_conn_timer(seen.conn, 5000);
	ln_conn_timer(seen.conn, 100); /* earlier */
	bench_pass(150);
	bench_turns(3);
	ck_assert_uint_eq(seen.timers, 2);
	ln_conn_timer(seen.conn, 100);
	ln_conn_timer(seen.conn, 0);
	bench_pass(5000);
	bench_turns(3);
	ck_assert_uint_eq(seen.timers, 2);
	close(fd);
	bench_stop();
}
END_TEST

LN_UNIT_MAIN("net/conn", echoes, is_idle_without_memory, serves_many, knows_itself, inherits_nodelay, says_last_words,
	     lingers_a_second_only, lingers_so_many_bytes_only, does_not_linger_for_who_is_gone,
	     answers_who_only_shut_its_side, dies_of_a_reset, closes_what_does_not_open, asks_the_accept_hook,
	     does_without_memory, drains, kills, has_a_timer)
