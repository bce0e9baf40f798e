/* storm.c - connections that come and go: what each costs the broker in CPU time.
 *
 * --concurrency connections go round: connect, CONNECT, CONNACK, DISCONNECT, close. A round is restarted at the end of
 * the turn, never inside a callback of the connection that ended.
 */
#include <stdio.h>

#include "clock.h"
#include "conn.h"
#include "hist.h"
#include "modes.h"
#include "open.h"
#include "proc.h"

#define SETTLE (300 * BENCH_MS)  /* for the broker to finish what it has in hand */

typedef struct storm {
	bench_loop_t loop;
	bench_conn_t *conns;
	uint32_t *ended, ended_count;
	uint64_t started, done, failed;
	bench_hist_t connect_time;
} storm_t;

static storm_t the_storm;

static void ignore(bench_conn_t *conn)
{
	(void)conn;
}

static void storm_end(bench_conn_t *conn)
{
	the_storm.ended[the_storm.ended_count++] = (uint32_t)(conn - the_storm.conns);
	the_storm.done++;
}

static void storm_on_open(bench_conn_t *conn)
{
	bench_hist_add(&the_storm.connect_time, bench_now() - conn->started);
	bench_wire_empty(&conn->out, BENCH_DISCONNECT);
	bench_conn_flush(conn);
	if (conn->state != BENCH_CONN_CLOSED) {
		bench_conn_close(conn);
		storm_end(conn);
	}
}

static void storm_on_packet(bench_conn_t *conn, const bench_packet_t *packet)
{
	(void)conn;
	(void)packet;
}

static void storm_on_close(bench_conn_t *conn, const char *why)
{
	if (the_storm.failed++ == 0)
		bench_warn("connection %u failed: %s", conn->index, why);
	storm_end(conn);
}

static const bench_role_t storm_role = {
	.name = "c",
	.on_open = storm_on_open,
	.on_packet = storm_on_packet,
	.on_turn = ignore,
	.on_close = storm_on_close,
};

static bool storm_over(void *arg)
{
	storm_t *s = arg;

	while (s->ended_count > 0 && s->started < s->loop.options->storm)
		bench_conn_start(&s->conns[s->ended[--s->ended_count]], &s->loop, &storm_role, (uint32_t)s->started++);
	return s->done >= s->loop.options->storm;
}

static void storm_report(const storm_t *s, const bench_proc_t *before, const bench_proc_t *after, double seconds,
			 bench_result_t *r)
{
	const bench_options_t *o = s->loop.options;
	double n = s->done > 0 ? (double)s->done : 1,
	       ticks = (double)(after->user + after->system - before->user - before->system);
	double cpu = (double)(after->cpu - before->cpu) / 1e3 / n, user = (double)(after->user - before->user);

	snprintf(r->title, sizeof(r->title), "storm: %llu times connect and disconnect, %llu at once",
		 (unsigned long long)s->done, (unsigned long long)o->concurrency);
	bench_result_text(r, BENCH_KEY_mode, "storm");
	BENCH_PUT(r, connections, s->done);
	BENCH_PUT(r, failed, s->failed);
	BENCH_PUT(r, connects_per_s, (double)s->done / seconds);
	BENCH_PUT(r, connect_p50_us, (double)bench_hist_quantile(&s->connect_time, 0.5) / 1e3);
	BENCH_PUT(r, connect_p99_us, (double)bench_hist_quantile(&s->connect_time, 0.99) / 1e3);
	r->broken = s->failed > 0 || s->done < o->storm;
	if (o->pid == 0)
		return;
	BENCH_PUT(r, cpu_us_per_connection, cpu);
	BENCH_PUT(r, cpu_user_us_per_connection, ticks > 0 ? cpu * user / ticks : 0);
	BENCH_PUT(r, resident_bytes, after->resident);
	BENCH_PUT(r, resident_growth_bytes, (double)after->resident - (double)before->resident);
}

void bench_storm_run(const bench_options_t *options, bench_result_t *ret_result)
{
	storm_t *s = &the_storm;
	bench_proc_t before, after;
	uint64_t begin;

	bench_loop_init(&s->loop, options);
	s->conns = bench_alloc(options->concurrency, sizeof(*s->conns));
	s->ended = bench_alloc(options->concurrency, sizeof(*s->ended));
	bench_open_touch(&s->loop);
	for (uint32_t i = 0; i < options->concurrency; i++)
		s->ended[s->ended_count++] = i;
	bench_proc_read((pid_t)options->pid, &before);
	begin = bench_now();
	bench_loop_until(&s->loop, storm_over, s, options->timeout + options->storm * BENCH_MS);
	begin = bench_now() - begin;
	bench_loop_rest(&s->loop, SETTLE);
	bench_proc_read((pid_t)options->pid, &after);
	storm_report(s, &before, &after, (double)begin / (double)BENCH_S, ret_result);
	for (uint32_t i = 0; i < options->concurrency; i++)
		bench_conn_fini(&s->conns[i]);
	bench_free(s->conns);
	bench_free(s->ended);
	bench_loop_fini(&s->loop);
}
