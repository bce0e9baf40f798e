/* Tests of core/net/conn_in.c: what the protocol is offered, and what is kept meanwhile. The protocol here has units:
 * four bytes of length, then as many bytes, each the low byte of its place. */
#include "bench.h"

static unsigned units, pauses_wanted, wrong;
static size_t need_said, largest_kept;
static bool silent;          /* does not announce */
static bool one_by_one;      /* consumes one unit per call */

static size_t take_unit(ln_slice_t bytes, size_t *need)
{
	ln_reader_t r = ln_reader(bytes);
	uint32_t n = ln_read_u32(&r);

	if (!r.bad && ln_reader_left(&r) >= n) {
		ln_slice_t body = ln_read_bytes(&r, n);
		for (size_t i = 0; i < n; i++)
			wrong += body.data[i] != (uint8_t)i;
		ck_assert_uint_eq(wrong, 0);
		units++;
		return n + 4u;
	}
	*need = r.bad || silent ? 0 : n + 4u;
	need_said = *need > need_said ? *need : need_said;
	return 0;
}

static size_t take_units(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	size_t used = 0, n;

	(void)state;
	seen.inputs++;
	while ((n = take_unit(ln_slice(bytes.data + used, bytes.len - used), need)) > 0) {
		used += n;
		if (pauses_wanted) {
			pauses_wanted--;
			ln_conn_pause(c);
			break;
		}
		if (one_by_one)
			break;
	}
	seen.bytes += used;
	return used;
}

static void start(void)
{
	static ln_protocol_t p;

	p = bench_protocol(take_units);
	bench_start(&p, NULL);
}

/* COUNT units of N bytes; the caller frees. */
static uint8_t *make_units(unsigned count, uint32_t n, size_t *ret_len)
{
	uint8_t *all = malloc((size_t)count * (n + 4u)), *at = all;

	for (unsigned i = 0; i < count; i++) {
		ln_put_u32(at, n);
		at += 4;
		for (uint32_t j = 0; j < n; j++)
			*at++ = (uint8_t)j;
	}
	*ret_len = (size_t)(at - all);
	return all;
}

START_TEST(puts_pieces_together)
{
	size_t len;
	uint8_t *all = make_units(3, 20, &len);
	int fd;

	start();
	fd = bench_client();
	for (size_t i = 0; i < len; i++) {
		bench_send(fd, all + i, 1);
		bench_until(seen.conn->in.len == (i + 1) % 24);
		ck_assert_uint_eq(seen.conn->in.cap, seen.conn->in.len);
		ck_assert_uint_eq(units, (i + 1) / 24);
	}
	/* Once for each of the first four bytes of a unit, then only when it is complete. */
	ck_assert_uint_eq(seen.inputs, 3 * 5);
	free(all);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(goes_on_until_no_progress)
{
	size_t len;
	uint8_t *all = make_units(500, 10, &len);
	int fd;

	one_by_one = true;
	start();
	fd = bench_client();
	bench_send(fd, all, len - 1);
	bench_until(units == 499);
	ck_assert_uint_eq(seen.conn->in.len, 13);
	bench_send(fd, all + len - 1, 1);
	bench_until(units == 500);
	ck_assert_ptr_null(seen.conn->in.data);
	free(all);
	close(fd);
	bench_stop();
}
END_TEST

/* One unit of N bytes between small ones arrives, and never more was allocated than twice what had arrived. */
static void big_unit(uint32_t n)
{
	size_t len, small_len, sent = 0;
	uint8_t *all = make_units(1, n, &len), *small = make_units(2, 5, &small_len);
	int fd;

	start();
	fd = bench_client();
	bench_send(fd, small, small_len);
	while (sent < len) {
		ssize_t put = send(fd, all + sent, len - sent, MSG_NOSIGNAL);
		sent += put > 0 ? (size_t)put : 0;
		bench_turn();
		ck_assert_uint_le(seen.conn->in.cap, seen.conn->in.len < 65536 ? 65536 : 2 * seen.conn->in.len);
		ck_assert_uint_le(seen.conn->in.cap, len);
		largest_kept = seen.conn->in.cap > largest_kept ? seen.conn->in.cap : largest_kept;
	}
	bench_send(fd, small, small_len);
	bench_until(units == 5);
	ck_assert_ptr_null(seen.conn->in.data);
	ck_assert_uint_eq(seen.bytes, len + 2 * small_len);
	free(all);
	free(small);
	close(fd);
	bench_stop();
}

START_TEST(grows_for_a_big_unit)
{
	big_unit(10u << 20);
	ck_assert_uint_eq(need_said, (10u << 20) + 4);
	ck_assert_uint_ge(largest_kept, 8u << 20);
	/* One call for the small units, one that announced, one with the whole, and what the other small ones took. */
	ck_assert_uint_le(seen.inputs, 6);
}
END_TEST

START_TEST(takes_every_size_around_the_buffer)
{
	static const uint32_t sizes[] = { 10, BENCH_READ_SIZE / 2, BENCH_READ_SIZE, BENCH_READ_SIZE + 1,
					  65535, 65536, 131072 };

	big_unit(sizes[_i % 7] + (uint32_t)_i / 7 - 5);
}
END_TEST

START_TEST(grows_without_announcement)
{
	silent = true;
	/* The bound of memory is the same but for the unknown size. */
	size_t len;
	uint8_t *all = make_units(1, 1u << 20, &len);
	int fd;

	start();
	fd = bench_client();
	bench_send(fd, all, len);
	bench_until(units == 1);
	free(all);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(announcing_costs_nothing)
{
	uint8_t head[4];
	int fd;

	start();
	fd = bench_client();
	ln_put_u32(head, 200u << 20);
	bench_send(fd, head, 4);
	bench_until(seen.conn->in.len == 4);
	ck_assert_uint_eq(seen.conn->in.cap, 4);
	bench_send(fd, (uint8_t[]){ 0 }, 1);
	bench_until(seen.conn->in.len == 5);
	ck_assert_uint_le(seen.conn->in.cap, 65536);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(pauses_and_resumes)
{
	size_t len;
	uint8_t *all = make_units(10, 100, &len);
	int fd;

	pauses_wanted = 1;
	start();
	fd = bench_client();
	bench_send(fd, all, len);
	bench_until(units == 1);
	bench_send(fd, all, len);
	bench_turns(20);
	ck_assert_uint_eq(units, 1);
	ck_assert_uint_eq(seen.conn->in.len, len - 104);
	ln_conn_pause(seen.conn);
	ln_conn_resume(seen.conn);
	bench_turns(20);
	ck_assert_uint_eq(units, 1);
	ln_conn_resume(seen.conn);
	ck_assert_uint_eq(units, 1); /* not from inside */
	bench_until(units == 20);
	ck_assert_ptr_null(seen.conn->in.data);
	free(all);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(keeps_a_timer_through_a_pause)
{
	int fd;

	start();
	fd = bench_client();
	ln_conn_timer(seen.conn, 1000);
	ln_conn_pause(seen.conn);
	ln_conn_resume(seen.conn);
	bench_turns(5);
	ck_assert_uint_eq(seen.timers, 0);
	bench_pass(1001);
	bench_turns(5);
	ck_assert_uint_eq(seen.timers, 1);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(closes_when_memory_is_refused)
{
	uint8_t head[4] = { 0, 0, 0, 200 };
	int fd;

	start();
	fd = bench_client();
	ln_mem_fail_after(1);
	bench_send(fd, head, 4);
	bench_until(seen.closed == 1);
	ln_mem_fail_after(0);
	ck_assert_uint_eq(seen.clean, 0);
	ck_assert_int_eq(bench_ending(fd), 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(hears_no_stranger_out)
{
	static uint8_t much[100000];
	int fd;

	bench_strangers = silent = true;
	start();
	fd = bench_client();
	ln_put_u32(much, sizeof(much));
	for (size_t sent = 0; sent < sizeof(much) && seen.closed == 0; sent += 1000) {
		send(fd, much + sent, 1000, MSG_NOSIGNAL);
		bench_turn();
		ck_assert(!seen.conn || seen.conn->in.cap <= LN_CONN_STRANGER_MAX);
	}
	bench_until(seen.closed == 1);
	ck_assert_uint_eq(seen.clean, 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(hears_a_stranger_s_announced_unit)
{
	size_t len;
	uint8_t *all = make_units(1, 9000, &len);
	int fd;

	bench_strangers = true;
	start();
	fd = bench_client();
	bench_send(fd, all, len);
	bench_until(units == 1);
	free(all);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(notes_when_input_came)
{
	int fd;

	start();
	fd = bench_client();
	uint64_t before = ln_conn_last_input(seen.conn);
	bench_pass(5000);
	bench_send(fd, "\0", 1);
	bench_until(seen.inputs == 1);
	ck_assert_uint_ge(ln_conn_last_input(seen.conn), before + 5000);
	close(fd);
	bench_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/conn_in");
	TCase *tests = tcase_create("net/conn_in");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, LN_UNIT_SECONDS);
	tcase_add_test(tests, puts_pieces_together);
	tcase_add_test(tests, goes_on_until_no_progress);
	tcase_add_test(tests, grows_for_a_big_unit);
	tcase_add_loop_test(tests, takes_every_size_around_the_buffer, 7, 77);
	tcase_add_test(tests, grows_without_announcement);
	tcase_add_test(tests, announcing_costs_nothing);
	tcase_add_test(tests, pauses_and_resumes);
	tcase_add_test(tests, keeps_a_timer_through_a_pause);
	tcase_add_test(tests, closes_when_memory_is_refused);
	tcase_add_test(tests, hears_no_stranger_out);
	tcase_add_test(tests, hears_a_stranger_s_announced_unit);
	tcase_add_test(tests, notes_when_input_came);
	suite_add_tcase(suite, tests);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
