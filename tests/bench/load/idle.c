/* idle.c - connections that only exist: what each costs the broker in resident memory.
 *
 * One connection comes and goes first, so that what the broker allocates once is not counted; then memory is read, all
 * are opened, memory is read again, and once more after they were held. The keep-alive outlasts the run, so there are
 * no pings: a connection that does nothing is what is measured.
 */
#include <stdio.h>

#include "clock.h"
#include "conn.h"
#include "modes.h"
#include "open.h"
#include "plan.h"
#include "proc.h"

#define SETTLE (300 * BENCH_MS)  /* for the broker to finish what it has in hand */

static uint64_t ready_count;

static void ignore(bench_conn_t *conn)
{
	(void)conn;
}

static void idle_on_open(bench_conn_t *conn)
{
	const bench_options_t *o = conn->loop->options;
	bench_buf_t body = { 0 };
	char topic[BENCH_NAME_SIZE];

	if (!o->idle_subscribe) {
		ready_count++;
		return;
	}
	bench_plan_topic(o, conn->index, topic);
	bench_wire_subscribe_begin(&body, (unsigned)o->version, 1);
	bench_wire_subscribe_add(&body, topic, (unsigned)o->qos);
	bench_wire_subscribe_end(&conn->out, &body);
	bench_buf_fini(&body);
}

static void idle_on_packet(bench_conn_t *conn, const bench_packet_t *packet)
{
	if (packet->type != BENCH_SUBACK)
		return;
	if (packet->len > 0 && packet->body[packet->len - 1] > 2)
		bench_fail("the broker refused the subscription of idle connection %u with code %u", conn->index,
			   packet->body[packet->len - 1]);
	ready_count++;
}

static const bench_role_t idle_role = {
	.name = "i", .on_open = idle_on_open, .on_packet = idle_on_packet, .on_turn = ignore
};

static bool all_ready(void *arg)
{
	const bench_loop_t *loop = arg;

	return ready_count >= loop->options->idle || loop->broken > 0;
}

static void idle_report(const bench_loop_t *loop, const bench_proc_t *before, const bench_proc_t *after,
			const bench_proc_t *last, double seconds, bench_result_t *r)
{
	const bench_options_t *o = loop->options;
	double n = (double)o->idle, hold = (double)o->duration / (double)BENCH_S;

	snprintf(r->title, sizeof(r->title), "idle: %llu connections%s, held for %.1f s", (unsigned long long)o->idle,
	         o->idle_subscribe ? ", each with a subscription" : "", hold);
	bench_result_text(r, BENCH_KEY_mode, "idle");
	BENCH_PUT(r, connections, n);
	BENCH_PUT(r, connects_per_s, n / seconds);
	BENCH_PUT(r, broken_connections, loop->broken);
	r->broken = loop->broken > 0;
	if (o->pid == 0)
		return;
	BENCH_PUT(r, bytes_per_connection, ((double)after->resident - (double)before->resident) / n);
	BENCH_PUT(r, bytes_per_connection_end, ((double)last->resident - (double)before->resident) / n);
	BENCH_PUT(r, resident_bytes, last->resident);
	BENCH_PUT(r, cpu_us_per_connection, (double)(after->cpu - before->cpu) / 1e3 / n);
	BENCH_PUT(r, cpu_percent_idle, (double)(last->cpu - after->cpu) / 1e7 / hold);
}

void bench_idle_run(const bench_options_t *options, bench_result_t *ret_result)
{
	static bench_loop_t loop;
	bench_proc_t before, after, last;
	bench_conn_t *idlers = bench_alloc(options->idle, sizeof(*idlers));
	uint64_t begin;

	bench_loop_init(&loop, options);
	bench_open_touch(&loop);
	bench_proc_read((pid_t)options->pid, &before);
	begin = bench_now();
	bench_open_all(&loop, idlers, sizeof(*idlers), (uint32_t)options->idle, &idle_role);
	if (!bench_loop_until(&loop, all_ready, &loop, options->timeout))
		bench_fail("only %llu of the subscriptions were acknowledged", (unsigned long long)ready_count);
	begin = bench_now() - begin;
	bench_loop_rest(&loop, SETTLE);
	bench_proc_read((pid_t)options->pid, &after);
	bench_loop_rest(&loop, options->duration);
	bench_proc_read((pid_t)options->pid, &last);
	loop.closing = true;
	idle_report(&loop, &before, &after, &last, (double)begin / (double)BENCH_S, ret_result);
	for (uint64_t i = 0; i < options->idle; i++)
		bench_conn_fini(&idlers[i]);
	bench_free(idlers);
	bench_loop_fini(&loop);
}
