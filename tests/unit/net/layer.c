/* Tests of core/net/layer.c, with two layers made for it: one turns letters round (rot13), one puts bytes into frames
 * of a length byte and up to 200 bytes. Both say goodbye when the connection closes. */
#include <ctype.h>
#include "bench.h"

typedef struct frame_state {
	uint8_t kept[256];
	unsigned len;
	uint32_t magic;
} frame_state_t;

static unsigned opened, closed, shut;
static ln_result_t open_result, up_result;

/* --- frames ------------------------------------------------------------------------------------------------------- */

static ln_result_t frame_open(ln_conn_t *c, unsigned at, void *state)
{
	(void)c, (void)at;
	((frame_state_t *)state)->magic = 0x6672616d;
	opened++;
	return LN_OK;
}

static ln_result_t frame_up(ln_conn_t *c, unsigned at, void *state, ln_slice_t bytes)
{
	frame_state_t *f = state;

	ck_assert_uint_eq(f->magic, 0x6672616d);
	for (size_t i = 0; i < bytes.len; i++) {
		f->kept[f->len++] = bytes.data[i];
		if (f->len == f->kept[0] + 1u) {
			ln_result_t r = ln_layer_up(c, at, ln_slice(f->kept + 1, f->kept[0]));
			f->len = 0;
			if (r != LN_OK)
				return r;
		}
	}
	return up_result;
}

static ln_result_t frame_down(ln_conn_t *c, unsigned at, void *state, const struct iovec *iov, int count)
{
	(void)state;
	for (int i = 0; i < count; i++) {
		uint8_t *from = iov[i].iov_base;
		for (size_t left = iov[i].iov_len; left > 0;) {
			uint8_t n = left < 200 ? (uint8_t)left : 200;
			struct iovec out[] = { { &n, 1 }, { from, n } };
			ln_result_t r = ln_layer_down(c, at, out, 2);
			if (r != LN_OK)
				return r;
			from += n;
			left -= n;
		}
	}
	return LN_OK;
}

static void frame_shut(ln_conn_t *c, unsigned at, void *state)
{
	struct iovec end = { (void *)(uintptr_t)"\0", 1 };

	(void)state;
	ck_assert_int_eq(ln_layer_down(c, at, &end, 1), LN_OK);
	shut++;
}

static void frame_closed(ln_conn_t *c, unsigned at, void *state)
{
	(void)c, (void)at;
	ck_assert_uint_eq(((frame_state_t *)state)->magic, 0x6672616d);
	closed++;
}

static const ln_layer_t frame = {
	"frame", sizeof(frame_state_t), frame_open, frame_up, frame_down, frame_shut, frame_closed, false
};

/* --- rot13 -------------------------------------------------------------------------------------------------------- */

static void turn(uint8_t *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int low = tolower(from[i]);
		to[i] = (uint8_t)(low < 'a' || low > 'z' ? from[i] : low <= 'm' ? from[i] + 13 : from[i] - 13);
	}
}

static ln_result_t rot_open(ln_conn_t *c, unsigned at, void *state)
{
	(void)c, (void)at, (void)state;
	opened += open_result == LN_OK;
	return open_result;
}

static ln_result_t rot_up(ln_conn_t *c, unsigned at, void *state, ln_slice_t bytes)
{
	uint8_t turned[65536];

	(void)state;
	ck_assert_uint_le(bytes.len, sizeof(turned));
	turn(turned, bytes.data, bytes.len);
	return ln_layer_up(c, at, ln_slice(turned, bytes.len));
}

static ln_result_t rot_down(ln_conn_t *c, unsigned at, void *state, const struct iovec *iov, int count)
{
	ln_result_t r = LN_OK;

	(void)state;
	for (int i = 0; i < count && r == LN_OK; i++) {
		uint8_t *turned = malloc(iov[i].iov_len);
		struct iovec out = { turned, iov[i].iov_len };
		turn(turned, iov[i].iov_base, iov[i].iov_len);
		r = ln_layer_down(c, at, &out, 1);
		free(turned);
	}
	return r;
}

static void rot_closed(ln_conn_t *c, unsigned at, void *state)
{
	(void)c, (void)at, (void)state;
	closed++;
}

static const ln_layer_t rot = { "rot13", 0, rot_open, rot_up, rot_down, NULL, rot_closed, false };

/* --- a layer that says who the peer is: by its first byte, '4', 'u' for a Unix socket, or another for nobody else ---- */

static unsigned asked;
static char asked_about[64];
static ln_verdict_t accept_verdict;

static ln_verdict_t on_accept(ln_call_t *call)
{
	asked++;
	snprintf(asked_about, sizeof(asked_about), "%s", ln_conn_peer(call->about));
	return accept_verdict;
}

static const ln_hook_t accept_hooks[] = { { LN_HOOK_ACCEPT, LN_PRIO_GUARD, on_accept, "counts" }, { 0 } };

static ln_result_t name_up(ln_conn_t *c, unsigned at, void *state, ln_slice_t bytes)
{
	struct sockaddr_storage peer = { 0 };
	bool *named = state;
	char kind = (char)bytes.data[0];

	if (*named)
		return ln_layer_up(c, at, bytes);
	*named = true;
	peer.ss_family = kind == 'u' ? AF_UNIX : AF_INET;
	if (kind == '4') {
		((struct sockaddr_in *)&peer)->sin_port = htons(4711);
		inet_pton(AF_INET, "203.0.113.9", &((struct sockaddr_in *)&peer)->sin_addr);
	}
	if (ln_conn_set_peer(c, kind == '-' ? NULL : &peer) != LN_OK)
		return LN_REFUSED;
	return ln_layer_up(c, at, ln_slice(bytes.data + 1, bytes.len - 1));
}

static ln_result_t name_down(ln_conn_t *c, unsigned at, void *state, const struct iovec *iov, int count)
{
	(void)state;
	return ln_layer_down(c, at, iov, count);
}

static const ln_layer_t naming = { .name = "name", .conn_size = 1, .up = name_up, .down = name_down, .names_peer = true };

/* --- the bench with layers ---------------------------------------------------------------------------------------- */

static void start(size_t (*input)(ln_conn_t *, void *, ln_slice_t, size_t *), const ln_layer_t *low,
		  const ln_layer_t *high)
{
	static ln_protocol_t p;
	ln__listener_conf_t conf = bench_conf();
	ln__listener_parts_t parts = { .name = "layers", .conf = &conf, .protocol = &p, .layers = { low, high },
				       .layer_count = high ? 2 : 1 };

	p = bench_protocol(input);
	ck_assert(!ln__addr_parse("127.0.0.1:0", &parts.addr));
	bench_workers(1);
	bench_serve(&parts);
	ln_conf_clear(ln__listener_items, &conf);
}

START_TEST(passes_one_layer)
{
	char got[5];
	int fd;

	start(NULL, &rot, NULL);
	fd = bench_client();
	bench_send(fd, "uryyb", 5);
	bench_recv(fd, got, 5);
	ck_assert_mem_eq(got, "uryyb", 5);
	ck_assert_uint_eq(seen.bytes, 5);
	close(fd);
	bench_until(seen.closed == 1);
	bench_stop();
	ck_assert_uint_eq(opened, 1);
	ck_assert_uint_eq(closed, 1);
}
END_TEST

static size_t greet(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	(void)state, (void)need;
	if (bytes.len < 5)
		return 0;
	ck_assert_mem_eq(bytes.data, "hello", 5);
	ln_unit_ok(ln_conn_write(c, LN_STR("good ")));
	ln_unit_ok(ln_conn_write(c, LN_STR("day")));
	ck_assert_uint_eq(ln_conn_pending(c), 8);
	seen.inputs++;
	return 5;
}

START_TEST(passes_two_layers_in_order)
{
	char got[9];
	int fd;

	/* From the wire: frames, in them turned letters. The unit comes in three frames, which come in pieces. */
	start(greet, &frame, &rot);
	fd = bench_client();
	bench_send(fd, "\2u", 2);
	bench_turns(3);
	bench_send(fd, "r\1y\2y", 5);
	bench_turns(3);
	ck_assert_uint_eq(seen.inputs, 0);
	ck_assert_uint_eq(seen.conn->in.len, 3);
	bench_send(fd, "b", 1);
	bench_recv(fd, got, 9);
	ck_assert_mem_eq(got, "\10tbbq qnl", 9);
	ck_assert_uint_eq(seen.inputs, 1);
	ck_assert_ptr_null(seen.conn->in.data);
	ck_assert_uint_eq(ln_conn_pending(seen.conn), 0);
	close(fd);
	bench_until(seen.closed == 1);
	bench_stop();
	ck_assert_uint_eq(closed, 2);
}
END_TEST

START_TEST(says_goodbye_through_layers)
{
	char got[5];
	int fd;

	start(NULL, &frame, &rot);
	fd = bench_client();
	ln_conn_end(seen.conn, LN_CLOSED);
	bench_recv(fd, got, 5);
	ck_assert_mem_eq(got, "\3olr\0", 5);
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(shut, 1);
	close(fd);
	bench_until(closed == 2);
	bench_stop();
}
END_TEST

/* A slow reader's backlog waits above the layers, and arrives whole. */
START_TEST(holds_back_above_the_layers)
{
	static uint8_t bytes[1000];
	size_t written = 0, read_back = 0;
	unsigned wrong = 0;
	int fd;

	start(NULL, &rot, NULL);
	fd = bench_dial(4096);
	bench_until(seen.opened == 1);
	while (ln_conn_pending(seen.conn) < 300000) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)('0' + (written + i) % 10);
		ln_unit_ok(ln_conn_write(seen.conn, ln_slice(bytes, sizeof(bytes))));
		written += sizeof(bytes);
		if (written % 50000 == 0)
			bench_turn();
	}
	bench_turn();
	ck_assert_uint_lt(ln__conn_stack(seen.conn)->wire.len, 200000);
	ck_assert(ln_conn_congested(seen.conn));
	while (read_back < written) {
		uint8_t got[1000];
		bench_recv(fd, got, sizeof(got));
		for (size_t i = 0; i < sizeof(got); i++)
			wrong += got[i] != '0' + (read_back + i) % 10;
		read_back += sizeof(got);
	}
	ck_assert_uint_eq(wrong, 0);
	bench_until(seen.writable == 1);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(pauses_above_the_layers)
{
	char got[5];
	int fd;

	start(NULL, &rot, NULL);
	fd = bench_client();
	bench_send(fd, "uryyb", 5);
	ln_conn_pause(seen.conn);
	bench_turns(5);
	ck_assert_uint_eq(seen.bytes, 0);
	ln_conn_resume(seen.conn);
	bench_recv(fd, got, 5);
	ck_assert_uint_eq(seen.bytes, 5);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(closes_when_a_layer_does_not_open)
{
	int fd;

	open_result = LN_REFUSED;
	start(NULL, &frame, &rot);
	fd = bench_dial(0);
	bench_until(closed == 1);
	ck_assert_uint_eq(opened, 1);
	ck_assert_uint_eq(seen.opened, 0);
	close(fd);
	bench_stop();
}
END_TEST

START_TEST(closes_when_a_layer_fails)
{
	int fd;

	up_result = LN_MALFORMED;
	start(NULL, &frame, NULL);
	fd = bench_client();
	bench_send(fd, "\1", 1);
	bench_until(seen.closed == 1);
	ck_assert_uint_eq(seen.clean, 0);
	ck_assert_int_eq(bench_ending(fd), 0);
	close(fd);
	bench_stop();
}
END_TEST

/* Only what reaches the protocol is input to it. */
START_TEST(tells_of_the_last_input)
{
	uint64_t before;
	int fd;

	start(NULL, &frame, NULL);
	fd = bench_client();
	before = ln_conn_last_input(seen.conn);
	bench_pass(5000);
	bench_send(fd, "\2a", 2);
	bench_turns(5);
	ck_assert_uint_eq(ln_conn_last_input(seen.conn), before);
	bench_send(fd, "b", 1);
	bench_until(seen.bytes == 2);
	ck_assert_uint_ge(ln_conn_last_input(seen.conn), before + 5000);
	close(fd);
	bench_stop();
}
END_TEST

static ln_result_t why_seen = LN_OK;

static void why_shut(ln_conn_t *c, unsigned at, void *state)
{
	(void)at, (void)state;
	why_seen = ln_conn_why(c);
}

START_TEST(knows_why_it_closes)
{
	static const ln_layer_t why = { "why", 0, rot_open, rot_up, rot_down, why_shut, rot_closed, false };
	int fd;

	start(NULL, &why, NULL);
	fd = bench_client();
	ln_unit_aborts((void)ln_conn_why(seen.conn));
	ln_conn_close(seen.conn, LN_LIMIT);
	bench_until(closed == 1);
	ck_assert_int_eq(why_seen, LN_LIMIT);
	close(fd);
	bench_stop();
}
END_TEST

/* --- moving to another worker ------------------------------------------------------------------------------------- */

static unsigned arrived;

static void on_arrival(ln_conn_t *c, void *state)
{
	(void)state;
	ck_assert_ptr_eq(ln_conn_worker(c), ln_worker_self());
	arrived++;
}

static size_t move_then_echo(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	if (arrived || ln_conn_worker(c)->index)
		return bench_echo(c, state, bytes, need);
	ln_conn_move(c, ln_worker_at(1), on_arrival);
	return 1;
}

/* Answers "!" to each "?" itself, at once; what else comes goes up. */
static ln_result_t ask_up(ln_conn_t *c, unsigned at, void *state, ln_slice_t bytes)
{
	struct iovec answer = { (void *)(uintptr_t)"!", 1 };
	ln_result_t r = LN_OK;

	(void)state;
	for (size_t i = 0; i < bytes.len && r == LN_OK; i++) {
		if (bytes.data[i] == '?')
			r = ln_layer_down(c, at, &answer, 1);
		else
			r = ln_layer_up(c, at, ln_slice(bytes.data + i, 1));
	}
	return r;
}

static ln_result_t ask_down(ln_conn_t *c, unsigned at, void *state, const struct iovec *iov, int count)
{
	(void)state;
	return ln_layer_down(c, at, iov, count);
}

/* A layer's answers wait before the move and are given while it is under way: all go along, in order. */
START_TEST(moves_with_what_layers_said)
{
	static const ln_layer_t ask = { "ask", 0, rot_open, ask_up, ask_down, NULL, rot_closed, false };
	static ln_protocol_t p;
	ln__listener_conf_t conf = bench_conf();
	ln__listener_parts_t parts = { .name = "layers", .conf = &conf, .protocol = &p, .layers = { &ask },
				       .layer_count = 1 };
	char got[8] = { 0 };
	ln_conn_t *conn;
	int fd;

	p = bench_protocol(move_then_echo);
	ck_assert(!ln__addr_parse("127.0.0.1:0", &parts.addr));
	bench_workers(2);
	bench_serve(&parts);
	ln_conf_clear(ln__listener_items, &conf);
	do {
		fd = bench_dial(0);
		for (unsigned i = 0; i < 50 && !seen.conn; i++)
			bench_turn();
		if (!seen.conn)
			close(fd);   /* the other worker's */
	} while (!seen.conn);
	conn = seen.conn;
	bench_send(fd, "?Ma?b", 5);
	for (unsigned i = 0; i < 50; i++) {
		bench_turn();
		ln_worker_turn(ln_worker_at(1), false);
	}
	ck_assert_uint_eq(arrived, 1);
	ck_assert_ptr_eq(ln_conn_worker(conn), ln_worker_at(1));
	ck_assert_int_eq(recv(fd, got, sizeof(got), 0), 4);
	ck_assert_str_eq(got, "!!ab");
	close(fd);
	bench_stop();
}
END_TEST

static size_t nothing(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	(void)c, (void)state, (void)bytes, (void)need;
	return 0;
}

START_TEST(holds_little_of_a_stranger)
{
	static char much[1000];
	int fd;

	bench_strangers = true;
	start(nothing, &rot, NULL);
	fd = bench_client();
	for (unsigned i = 0; i < 100 && seen.closed == 0; i++) {
		send(fd, much, sizeof(much), MSG_NOSIGNAL);
		bench_turn();
		ck_assert(!seen.conn || seen.conn->in.len <= 2 * LN_CONN_STRANGER_MAX);
	}
	bench_until(seen.closed == 1);
	close(fd);
	bench_stop();
}
END_TEST

/* An echo behind the naming layer and rot13; says KIND, then a word. Returns the client's descriptor. */
static int named(char kind)
{
	char word[] = { kind, 'h', 'e', 'l', 'l', 'o' };
	int fd;

	ln_hook_register("test", accept_hooks);
	ln_hooks_compile();
	start(NULL, &naming, &rot);
	fd = bench_client();
	ck_assert_uint_eq(asked, 0);
	ck_assert(strncmp(ln_conn_peer(seen.conn), "127.0.0.1:", 10) == 0);
	bench_send(fd, word, sizeof(word));
	return fd;
}

static void is_named(char kind, const char *peer, int family)
{
	struct sockaddr_storage address;
	char word[6] = "", line[200];
	int fd = named(kind);

	bench_recv(fd, word, 5);
	ck_assert_str_eq(word, "hello");
	ck_assert_uint_eq(asked, 1);
	ck_assert(strncmp(asked_about, peer, strlen(peer)) == 0);
	ck_assert_str_eq(ln_conn_peer(seen.conn), asked_about);
	ln_conn_address(seen.conn, &address);
	ck_assert_int_eq(address.ss_family, family);
	ln_conn_describe(seen.conn, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, asked_about));
	bench_send(fd, "again", 5);
	bench_recv(fd, word, 5);
	ck_assert_uint_eq(asked, 1);
	close(fd);
	bench_stop();
	ln_hooks_clear();
}

START_TEST(a_layer_names_ipv4)
{
	is_named('4', "203.0.113.9:4711", AF_INET);
}
END_TEST

START_TEST(a_layer_names_unix)
{
	is_named('u', "unix:", AF_UNIX);
}
END_TEST

START_TEST(a_layer_names_nobody)
{
	is_named('-', "127.0.0.1:", AF_INET);
}
END_TEST

START_TEST(a_named_peer_may_be_refused)
{
	int fd;

	accept_verdict = LN_DENY;
	fd = named('4');
	ck_assert_int_eq(bench_ending(fd), 0);
	ck_assert_uint_eq(asked, 1);
	ck_assert_uint_eq(seen.inputs, 0);
	ck_assert_uint_eq(bench_stat(LN__STAT_REFUSED), 1);
	close(fd);
	bench_stop();
	ln_hooks_clear();
}
END_TEST

LN_UNIT_MAIN("net/layer", passes_one_layer, passes_two_layers_in_order, says_goodbye_through_layers,
	     holds_back_above_the_layers, pauses_above_the_layers, closes_when_a_layer_does_not_open,
	     closes_when_a_layer_fails, tells_of_the_last_input, knows_why_it_closes, moves_with_what_layers_said,
	     holds_little_of_a_stranger, a_layer_names_ipv4, a_layer_names_unix, a_layer_names_nobody,
	     a_named_peer_may_be_refused)
