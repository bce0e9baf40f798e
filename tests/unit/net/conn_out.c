/* Tests of core/net/conn_out.c: what waits, what is refused, and when the socket sees it. */
#include <linnet/msg.h>
#include "bench.h"

static size_t swallow(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	(void)c, (void)state, (void)need;
	return bytes.len;
}

/* A client with a small window and a connection whose output will not fit. */
static int start(const ln__listener_conf_t *conf)
{
	static ln_protocol_t p;
	int fd;

	p = bench_protocol(swallow);
	bench_start(&p, conf);
	fd = bench_dial(4096);
	bench_until(seen.opened == 1);
	return fd;
}

/* The byte at place I of everything this test sends. */
static uint8_t at(size_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static size_t written, read_back;

static bool put(size_t n)
{
	uint8_t *room = ln_conn_room(seen.conn, n);

	if (!room)
		return false;
	for (size_t i = 0; i < n; i++)
		room[i] = at(written + i);
	ln_conn_wrote(seen.conn, n);
	written += n;
	return true;
}

static void read_some(int fd, size_t n)
{
	uint8_t got[5000];
	unsigned wrong = 0;

	bench_recv(fd, got, n);
	for (size_t i = 0; i < n; i++)
		wrong += got[i] != at(read_back + i);
	ck_assert_uint_eq(wrong, 0);
	read_back += n;
}

static void read_all(int fd)
{
	while (read_back < written)
		read_some(fd, written - read_back < 5000 ? written - read_back : 5000);
}

START_TEST(writes_once_a_turn)
{
	int fd = start(NULL);

	for (int i = 0; i < 100; i++)
		ck_assert(put(11));
	ck_assert_uint_eq(ln_conn_pending(seen.conn), 1100);
	ck_assert_uint_eq(bench_stat(LN__STAT_WRITES), 0);
	bench_turn();
	ck_assert_uint_eq(bench_stat(LN__STAT_WRITES), 1);
	ck_assert_uint_eq(ln_conn_pending(seen.conn), 0);
	read_all(fd);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(writes_much_early)
{
	int fd = start(NULL);

	for (int i = 0; i < 1000; i++) {
		ck_assert(put(100));
		ck_assert_uint_lt(ln_conn_pending(seen.conn), LN__FLUSH_EARLY + 100);
	}
	ck_assert_uint_gt(bench_stat(LN__STAT_WRITES), 0);
	read_all(fd);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(holds_back_and_goes_on)
{
	ln__listener_conf_t conf = bench_conf();
	int fd;

	conf.out_high.n = 100000;
	fd = start(&conf);
	while (!ln_conn_congested(seen.conn)) {
		ck_assert(put(1000));
		if (written % 8000 == 0)
			bench_turn();
	}
	ck_assert_uint_gt(ln_conn_pending(seen.conn), 100000);
	ck_assert_uint_ge(bench_stat(LN__STAT_BLOCKED), 1);
	bench_turns(10);
	ck_assert_uint_eq(seen.writable, 0);
	read_all(fd);
	bench_until(seen.writable == 1);
	ck_assert_uint_eq(ln_conn_pending(seen.conn), 0);
	bench_turns(10);
	ck_assert_uint_eq(seen.writable, 1);
	ln_conf_clear(ln__listener_items, &conf);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(never_grows_without_bound)
{
	ln__listener_conf_t conf = bench_conf();
	size_t pending;
	int fd;

	conf.out_high.n = 4096;
	conf.out_max.n = 200000;
	fd = start(&conf);
	for (unsigned i = 0; put(1000); i++)
		ck_assert_uint_lt(i, 100000);
	pending = ln_conn_pending(seen.conn);
	ck_assert_uint_le(pending, 200000);
	ck_assert_uint_gt(pending, 199000);
	ck_assert_int_eq(ln_conn_write(seen.conn, ln_slice(conf.address, 0)), LN_OK);
	ck_assert_int_eq(ln_conn_write(seen.conn, ln_slice(&written, 1001)), LN_LIMIT);
	ck_assert_uint_eq(ln_conn_pending(seen.conn), pending);
	ck_assert_uint_eq(bench_stat(LN__STAT_OUT_REFUSED), 2);
	read_all(fd);
	bench_until(seen.writable == 1);
	ck_assert(put(1000));
	read_all(fd);
	ln_conf_clear(ln__listener_items, &conf);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(waits_in_little_memory)
{
	int fd = start(NULL);

	while (ln_conn_pending(seen.conn) == 0) {
		ck_assert(put(1000));
		bench_turn();
	}
	while (ln_conn_pending(seen.conn) > 800) {
		read_some(fd, 100);
		bench_turn();
	}
	if (seen.conn->out.head)
		ck_assert_uint_lt(seen.conn->out.head->cap, LN__PAGE_SMALL / 2);
	read_all(fd);
	close(fd);
	bench_stop();
}
END_TEST

static void unref(void *msg)
{
	ln_msg_unref(msg);
}

START_TEST(refers_to_messages)
{
	uint8_t body[5000];
	ln_msg_t borrowed, *held;
	ln_slice_t payload;
	int fd = start(NULL);

	for (unsigned round = 0; round < 40; round++) {
		ck_assert(put(20));
		for (size_t i = 0; i < sizeof(body); i++)
			body[i] = at(written + i);
		borrowed = ln_msg_borrow(LN_STR("a/b"), LN_STR("props"), ln_slice(body, sizeof(body)));
		/* In two pieces, the second from the middle of the payload; each keeps the message. */
		held = ln_msg_hold(&borrowed);
		payload = ln_msg_payload(held);
		ln_unit_ok(ln_conn_write_ref(seen.conn, ln_slice(payload.data, 1999), held, unref));
		held = ln_msg_hold(&borrowed);
		ln_unit_ok(ln_conn_write_ref(seen.conn, ln_slice(payload.data + 1999, payload.len - 1999), held, unref));
		ln_msg_release(&borrowed);
		memset(body, 0xee, sizeof(body));
		written += sizeof(body);
	}
	read_all(fd);
	bench_until(ln_conn_pending(seen.conn) == 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(cuts_who_never_reads)
{
	int fd = start(NULL);

	while (ln_conn_pending(seen.conn) < 50000) {
		ck_assert(put(1000));
		bench_turn();
	}
	ln_conn_close(seen.conn, LN_OK);
	bench_until(seen.closed == 1);
	bench_pass(LN__FLUSH_MS - 500);
	bench_turns(5);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 1);
	bench_pass(501);
	bench_until(bench_stat(LN__STAT_CONNECTIONS) == 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_CUT), 1);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(delivers_all_before_the_end)
{
	int fd = start(NULL);

	while (ln_conn_pending(seen.conn) < 200000) {
		ck_assert(put(1000));
		bench_turn();
	}
	ln_conn_close(seen.conn, LN_OK);
	bench_until(seen.closed == 1);
	read_all(fd);
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_CUT), 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(survives_refusal_of_memory)
{
	int fd = start(NULL);

	ln_mem_fail_after(1);
	ck_assert_int_eq(ln_conn_write(seen.conn, LN_STR("x")), LN_NO_MEMORY);
	ck_assert(put(1));
	read_all(fd);
	close(fd);
	bench_stop();
}
END_TEST

/* A protocol that writes again whenever it may: more turns, not one endless turn. */
static void write_again(ln_conn_t *c, void *state)
{
	static uint8_t bytes[5000];

	(void)state;
	seen.writable++;
	ln_unit_ok(ln_conn_write(c, ln_slice(bytes, sizeof(bytes))));
}

START_TEST(bounds_a_turn)
{
	ln__listener_conf_t conf = bench_conf();
	ln_protocol_t p = bench_protocol(swallow);
	static uint8_t waste[1 << 20];
	unsigned before;
	int fd;

	conf.out_high.n = 4096;
	p.writable = write_again;
	bench_start(&p, &conf);
	fd = bench_client();
	ln_unit_ok(ln_conn_write(seen.conn, ln_slice(waste, 5000)));
	for (unsigned i = 0; i < 20; i++) {
		before = seen.writable;
		bench_turn();
		ck_assert_uint_le(seen.writable - before, 20);
		while (recv(fd, waste, sizeof(waste), 0) > 0)
			;
	}
	ck_assert_uint_gt(seen.writable, 20);
	ln_conf_clear(ln__listener_items, &conf);
	close(fd);
	bench_stop();
}
END_TEST

LN_UNIT_MAIN("net/conn_out", writes_once_a_turn, writes_much_early, holds_back_and_goes_on, never_grows_without_bound,
	     waits_in_little_memory, refers_to_messages, cuts_who_never_reads, delivers_all_before_the_end,
	     survives_refusal_of_memory, bounds_a_turn)
