/* Tests of core/net/limit.c: who is let in, who is told that there is no room, who makes room, how fast is too fast. */
#include "bench.h"

static ln_protocol_t polite;
static unsigned too_many, too_fast;
static bool stays;
static uint64_t now_ms;

/* Time goes on only where a test says so. */
static uint64_t still_clock(void)
{
	return now_ms + bench_skipped;
}

/* Tells surplus connections why, and others nothing; they show who they are by their first byte. */
static size_t on_input(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	ln_result_t surplus = ln_conn_surplus(c);

	(void)state, (void)need;
	seen.inputs++;
	if (surplus == LN_OK) {
		ln_conn_trust(c);
		return bytes.len;
	}
	too_many += surplus == LN_LIMIT;
	too_fast += surplus == LN_AGAIN;
	ln_unit_ok(ln_conn_write(c, LN_STR("no")));
	if (!stays)
		ln_conn_close(c, LN_REFUSED);
	return bytes.len;
}

/* A listener with this much room, whose clients are strangers at first. */
static void start(uint32_t max, uint32_t rate, uint32_t burst)
{
	ln__listener_conf_t conf = bench_conf();

	bench_strangers = true;
	polite = bench_protocol(on_input);
	polite.surplus = true;
	conf.connections_max = max;
	conf.connection_rate = rate;
	conf.connection_burst = burst;
	bench_start(&polite, &conf);
	now_ms = bench_clock();
	ln_clock_replace(still_clock);
	bench_turn();
	ln_conf_clear(ln__listener_items, &conf);
}

/* A client that has shown who it is. */
static int known(void)
{
	int fd = bench_client();
	unsigned before = seen.inputs;

	bench_send(fd, "x", 1);
	bench_until(seen.inputs == before + 1);
	return fd;
}

static void is_told(int fd)
{
	char word[2];

	bench_send(fd, "x", 1);
	bench_recv(fd, word, 2);
	ck_assert(memcmp(word, "no", 2) == 0);
	ck_assert_int_eq(bench_ending(fd), 0);
	close(fd);
}

START_TEST(tells_who_finds_no_room)
{
	int in, out;

	start(1, 0, 0);
	in = known();
	out = bench_client();
	ck_assert_uint_eq(bench_listener->connections, 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_CONNECTIONS), 1);
	ck_assert_uint_eq(ln__net(ln_worker_at(0))->surplus, 1);
	is_told(out);
	bench_until(ln__net(ln_worker_at(0))->surplus == 0);
	ck_assert_uint_eq(too_many, 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_OVER_MAX), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_REFUSED), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_ACCEPTED), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_CLOSED), 0);
	/* There is room again. */
	close(in);
	bench_until(bench_listener->connections == 0);
	in = known();
	ck_assert_uint_eq(too_many, 1);
	close(in);
	bench_stop();
}
END_TEST

START_TEST(tells_a_bounded_number)
{
	enum { ALL = LN__SURPLUS_MAX + 6 };
	int in, fd[ALL];

	start(1, 0, 0);
	stays = true;
	in = known();
	for (unsigned i = 0; i < ALL; i++)
		fd[i] = bench_dial(0);
	bench_until(bench_stat(LN__STAT_OVER_MAX) == ALL);
	ck_assert_uint_eq(ln__net(ln_worker_at(0))->surplus, LN__SURPLUS_MAX);
	ck_assert_uint_eq(seen.opened, 1 + LN__SURPLUS_MAX);
	ck_assert_uint_eq(bench_stat(LN__STAT_REFUSED), ALL);
	ck_assert_int_eq(bench_ending(fd[ALL - 1]), 0);
	for (unsigned i = 0; i < ALL; i++)
		close(fd[i]);
	bench_until(ln__net(ln_worker_at(0))->surplus == 0);
	close(in);
	bench_stop();
}
END_TEST

START_TEST(a_silent_stranger_makes_room)
{
	int first, second, third;

	start(2, 0, 0);
	first = bench_client();
	bench_pass(1);
	second = bench_client();
	/* Nobody has been silent for long: the third is surplus. */
	third = bench_client();
	is_told(third);
	bench_pass(LN__STRANGER_MS);
	bench_turn();
	third = bench_client();
	bench_until(bench_listener->connections == 2);
	ck_assert_uint_eq(bench_stat(LN__STAT_EVICTED), 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_OVER_MAX), 1);
	ck_assert_uint_eq(too_many, 1);
	/* The oldest it was. */
	ck_assert_int_ne(bench_ending(first), ETIMEDOUT);
	ck_assert_int_eq(recv(second, &(char){ 0 }, 1, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(first);
	close(second);
	close(third);
	bench_stop();
}
END_TEST

START_TEST(who_is_known_stays)
{
	int first, second, other;

	start(2, 0, 0);
	first = known();
	second = known();
	bench_pass(10 * LN__STRANGER_MS);
	bench_turn();
	other = bench_client();
	is_told(other);
	ck_assert_uint_eq(bench_stat(LN__STAT_EVICTED), 0);
	ck_assert_uint_eq(bench_listener->connections, 2);
	close(first);
	close(second);
	bench_stop();
}
END_TEST

START_TEST(has_its_rate)
{
	int fd[8];
	unsigned n = 0;

	start(0, 10, 3);
	for (; n < 3; n++)
		fd[n] = known();
	ck_assert_uint_eq(bench_stat(LN__STAT_OVER_RATE), 0);
	is_told(bench_client());
	ck_assert_uint_eq(too_fast, 1);
	ck_assert_uint_eq(bench_stat(LN__STAT_OVER_RATE), 1);
	ck_assert_uint_eq(bench_listener->connections, 3);
	/* A token comes every tenth of a second, and never more of them than the burst. */
	bench_pass(100);
	bench_turn();
	fd[n++] = known();
	bench_pass(100000);
	bench_turn();
	for (; n < 7; n++)
		fd[n] = known();
	is_told(bench_client());
	ck_assert_uint_eq(too_fast, 2);
	while (n > 0)
		close(fd[--n]);
	bench_stop();
}
END_TEST

START_TEST(a_burst_is_a_second_by_itself)
{
	ln_worker_t *w;
	unsigned in = 0;

	start(0, 1000000, 0);
	w = ln_worker_at(0);
	bench_listener->conf.connection_rate = 50;
	for (unsigned i = 0; i < 200; i++)
		in += ln__limit_ask(w, bench_listener) == LN_OK;
	ck_assert_uint_eq(in, 50);
	bench_stop();
}
END_TEST

START_TEST(without_limits_there_are_none)
{
	start(0, 0, 0);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(ln__limit_ask(ln_worker_at(0), bench_listener), LN_OK);
	bench_stop();
}
END_TEST

LN_UNIT_MAIN("net/limit", tells_who_finds_no_room, tells_a_bounded_number, a_silent_stranger_makes_room, who_is_known_stays,
	     has_its_rate, a_burst_is_a_second_by_itself, without_limits_there_are_none)
