/* open.c - opens many connections; see open.h. */
#include "open.h"

#include "clock.h"

#define SETTLE (300 * BENCH_MS)

typedef struct opening {
	bench_loop_t *loop;
	char *first;
	size_t stride;
	const bench_role_t *role;
	uint32_t total, started, before;
} opening_t;

static uint32_t opened(const opening_t *o)
{
	return o->loop->open - o->before;
}

/* Starts as many as may be on their way. Returns: whether all are open. */
static bool open_more(void *arg)
{
	opening_t *o = arg;

	while (o->started < o->total && o->started - opened(o) < o->loop->options->concurrency) {
		bench_conn_t *conn = (bench_conn_t *)(void *)(o->first + o->started * o->stride);

		bench_conn_start(conn, o->loop, o->role, o->started++);
	}
	return opened(o) >= o->total || o->loop->broken > 0;
}

void bench_open_all(bench_loop_t *loop, void *first, size_t stride, uint32_t n, const bench_role_t *role)
{
	opening_t o = { loop, first, stride, role, n, 0, loop->open };
	uint64_t timeout = loop->options->timeout;

	if (bench_loop_until(loop, open_more, &o, timeout) && opened(&o) >= n)
		return;
	if (bench_interrupted())
		bench_fail("interrupted while connecting");
	bench_fail("only %u of %u connections were opened within %.1f s (--timeout); the others got no CONNACK",
		   opened(&o), n, (double)timeout / (double)BENCH_S);
}

static void ignore(bench_conn_t *conn)
{
	(void)conn;
}

static void ignore_packet(bench_conn_t *conn, const bench_packet_t *packet)
{
	(void)conn;
	(void)packet;
}

static const bench_role_t touch_role = {
	.name = "t", .on_open = ignore, .on_packet = ignore_packet, .on_turn = ignore
};

void bench_open_touch(bench_loop_t *loop)
{
	bench_conn_t one = { 0 };

	bench_open_all(loop, &one, sizeof(one), 1, &touch_role);
	bench_loop_rest(loop, SETTLE);
	bench_wire_empty(&one.out, BENCH_DISCONNECT);
	bench_conn_flush(&one);
	bench_conn_fini(&one);
	bench_loop_rest(loop, SETTLE);
}
