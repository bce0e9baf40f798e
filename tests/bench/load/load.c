/* load.c - the phases of a load: connect, subscribe, warm up, measure, drain; and what happens once per turn. See
 * load.h.
 *
 * Loss, repetition and order are checked over the whole run, warm-up and drain included: what was sent must arrive.
 * Rates, latency and the broker's CPU time are of the measured phase only.
 */
#include "load.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "modes.h"
#include "open.h"

static void mark(bench_load_t *load, bench_mark_t *ret_mark)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	ret_mark->time = bench_now();
	ret_mark->sent = load->sent;
	ret_mark->received = load->received;
	ret_mark->acked = load->acked;
	ret_mark->own_cpu = (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * BENCH_S +
	                    (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * BENCH_US;
	bench_proc_read((pid_t)load->options->pid, &ret_mark->proc);
}

/* Makes due what is due by now, one publisher after the other, and says when to be woken. */
static void pace(bench_load_t *load)
{
	double interval = (double)BENCH_S / (double)load->options->rate;
	uint64_t due = (uint64_t)((double)(load->loop.now - load->pace_start) / interval);

	for (; load->paced < due; load->paced++) {
		bench_publisher_t *p = &load->publishers[load->next_publisher];

		if (p->due++ == 0)
			p->due_since = load->pace_start + (uint64_t)((double)load->paced * interval);
		bench_publisher_pump(p);
		load->next_publisher = (load->next_publisher + 1) % (uint32_t)load->options->publishers;
	}
	load->loop.wake = load->pace_start + (uint64_t)((double)(load->paced + 1) * interval) + 1;
}

/* After a second without any receipt, what is under way is taken for lost, or its publishers would wait for ever. */
static void check_stall(bench_load_t *load)
{
	uint64_t silence = load->loop.now - load->stall_since, moved = load->sent + load->received + load->acked;

	if (moved != load->stall_moved) {
		load->stall_moved = moved;
		load->stall_since = load->loop.now;
	} else if (load->publishing && load->options->in_flight > 0 && silence >= BENCH_S) {
		load->stall_since = load->loop.now;
		load->stalls++;
		for (uint32_t i = 0; i < load->options->publishers; i++) {
			bench_publisher_t *p = &load->publishers[i];

			p->written_off += bench_publisher_under_way(p);
			bench_publisher_pump(p);
		}
	}
}

static void refill(bench_load_t *load)
{
	uint32_t n = load->dirty_count;

	load->dirty_count = 0;
	for (uint32_t i = 0; i < n; i++) {
		bench_publisher_t *p = &load->publishers[load->dirty[i]];

		p->dirty = false;
		if (load->options->in_flight > 0)
			bench_publisher_pump(p);
	}
}

static void show_progress(bench_load_t *load)
{
	static uint64_t last, last_received;

	if (load->options->quiet || load->loop.now - last < BENCH_S / 2 || !isatty(STDERR_FILENO))
		return;
	if (last > 0)
		fprintf(stderr, "\r%s  %11.0f msg/s received, %12llu in all\033[K",
			load->measuring ? "measuring" : "warming up",
			(double)(load->received - last_received) * (double)BENCH_S / (double)(load->loop.now - last),
			(unsigned long long)load->received);
	last = load->loop.now;
	last_received = load->received;
}

static void on_tick(void *arg)
{
	bench_load_t *load = arg;

	if (load->publishing) {
		refill(load);
		if (load->options->rate > 0)
			pace(load);
		show_progress(load);
	}
	check_stall(load);
}

static bool broken(void *arg)
{
	bench_load_t *load = arg;

	return load->loop.broken > 0;
}

static bool subscribed(void *arg)
{
	bench_load_t *load = arg;

	for (uint32_t i = 0; i < load->options->subscribers; i++)
		if (load->subscribers[i].subscribed < load->subscribers[i].filters)
			return load->loop.broken > 0;
	return true;
}

/* Every publish has been made, or nothing has moved for --timeout. */
static bool all_sent(void *arg)
{
	bench_load_t *load = arg;

	return load->sent >= load->options->messages || load->loop.broken > 0 ||
	       load->loop.now - load->stall_since > load->options->timeout;
}

/* Everything has arrived and was acknowledged, or there has been silence for --drain. */
static bool drained(void *arg)
{
	bench_load_t *load = arg;
	uint64_t come = load->stamped ? load->track.unique : load->received;
	bool all = come >= load->sent * load->copies && (load->options->qos == 0 || load->acked >= load->sent);

	if (load->loop.now - load->stall_since >= load->options->drain)
		return true;
	for (uint32_t i = 0; all && i < load->options->publishers; i++)
		all = !bench_conn_busy(&load->publishers[i].conn) || load->publishers[i].conn.state != BENCH_CONN_OPEN;
	return all;
}

static void build(bench_load_t *load, const bench_options_t *o)
{
	load->options = o;
	bench_loop_init(&load->loop, o);
	load->stamped = o->payload >= BENCH_STAMP_SIZE;
	load->copies = bench_plan_copies(o);
	load->random = UINT64_C(0x9e3779b97f4a7c15);
	load->publishers = bench_alloc(o->publishers, sizeof(*load->publishers));
	load->subscribers = bench_alloc(o->subscribers, sizeof(*load->subscribers));
	load->dirty = bench_alloc(o->publishers, sizeof(*load->dirty));
	for (uint32_t i = 0; i < o->subscribers; i++)
		load->subscribers[i].load = load;
	bench_track_init(&load->track, (uint32_t)o->publishers, (uint32_t)o->subscribers);
	bench_publishers_init(load);
}

static void tear_down(bench_load_t *load)
{
	for (uint32_t i = 0; i < load->options->publishers; i++)
		bench_publisher_fini(&load->publishers[i]);
	for (uint32_t i = 0; i < load->options->subscribers; i++)
		bench_conn_fini(&load->subscribers[i].conn);
	bench_track_fini(&load->track);
	bench_free(load->publishers);
	bench_free(load->subscribers);
	bench_free(load->names);
	bench_free(load->dirty);
	bench_loop_fini(&load->loop);
}

static void connect_all(bench_load_t *load)
{
	const bench_options_t *o = load->options;

	bench_open_all(&load->loop, load->subscribers, sizeof(*load->subscribers), (uint32_t)o->subscribers,
		       &bench_subscriber_role);
	if (!bench_loop_until(&load->loop, subscribed, load, o->timeout) || load->loop.broken > 0)
		bench_fail("the subscriptions were not all acknowledged within %.1f s (--timeout)",
			   (double)o->timeout / (double)BENCH_S);
	if (load->refused_filters > 0)
		bench_warn("the broker refused %llu subscriptions", (unsigned long long)load->refused_filters);
	bench_open_all(&load->loop, load->publishers, sizeof(*load->publishers), (uint32_t)o->publishers,
		       &bench_publisher_role);
}

static void start_publishing(bench_load_t *load)
{
	const bench_options_t *o = load->options;
	bool flood = o->rate == 0 && o->in_flight == 0 && o->qos == 0;

	load->publishing = true;
	load->pace_start = load->stall_since = load->loop.now = bench_now();
	load->loop.on_tick = on_tick;
	load->loop.tick_arg = load;
	for (uint32_t i = 0; i < o->publishers && o->rate == 0; i++) {
		if (flood)
			bench_conn_set_eager(&load->publishers[i].conn, true);
		else
			bench_publisher_pump(&load->publishers[i]);
	}
	if (o->rate > 0)
		pace(load);
}

static void drain(bench_load_t *load)
{
	load->publishing = false;
	load->loop.finishing = true;
	load->loop.wake = UINT64_MAX;
	load->stall_since = load->loop.now;
	for (uint32_t i = 0; i < load->options->publishers; i++)
		if (load->publishers[i].conn.eager)
			bench_conn_set_eager(&load->publishers[i].conn, false);
	bench_loop_until(&load->loop, drained, load, UINT64_MAX / 2);
	bench_subscriber_end(load);
	for (uint32_t i = 0; i < load->options->publishers; i++)
		load->unsent += bench_publisher_unsent(&load->publishers[i]);
}

static void run_phases(bench_load_t *load)
{
	const bench_options_t *o = load->options;

	mark(load, &load->start);
	load->measuring = o->warmup == 0;
	start_publishing(load);
	if (o->warmup > 0) {
		bench_loop_until(&load->loop, broken, load, o->warmup);
		mark(load, &load->start);
		load->measuring = true;
	}
	if (o->messages > 0) {
		bench_loop_until(&load->loop, all_sent, load, UINT64_MAX / 2);
		drain(load);
		mark(load, &load->end);
		load->end.time = load->stall_since;
	} else {
		bench_loop_until(&load->loop, broken, load, o->duration);
		mark(load, &load->end);
		load->measuring = false;
		drain(load);
	}
}

void bench_load_run(const bench_options_t *options, bench_result_t *ret_result)
{
	static bench_load_t load;

	build(&load, options);
	connect_all(&load);
	run_phases(&load);
	if (isatty(STDERR_FILENO) && !options->quiet)
		fputs("\r\033[K", stderr);
	load.loop.closing = true;
	bench_load_report(&load, ret_result);
	tear_down(&load);
}
