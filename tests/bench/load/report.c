/* report.c - what a load found out, as values. Per delivered message means: per message received in the measured
 * phase. */
#include <stdio.h>

#include "clock.h"
#include "load.h"

static void title(const bench_load_t *load, bench_result_t *result)
{
	const bench_options_t *o = load->options;

	snprintf(result->title, sizeof(result->title), "%s: %llu -> %llu, MQTT %s, QoS %llu, %llu B payload, %.2f s",
	         bench_pattern_name(o->pattern), (unsigned long long)o->publishers, (unsigned long long)o->subscribers,
	         bench_version_name(o->version), (unsigned long long)o->qos,
	         (unsigned long long)o->payload, (double)(load->end.time - load->start.time) / (double)BENCH_S);
}

static void report_settings(const bench_load_t *load, bench_result_t *r)
{
	const bench_options_t *o = load->options;

	bench_result_text(r, BENCH_KEY_mode, "load");
	bench_result_text(r, BENCH_KEY_pattern, bench_pattern_name(o->pattern));
	BENCH_PUT(r, version, o->version);
	BENCH_PUT(r, qos, o->qos);
	BENCH_PUT(r, publishers, o->publishers);
	BENCH_PUT(r, subscribers, o->subscribers);
	BENCH_PUT(r, payload_bytes, o->payload);
	BENCH_PUT(r, in_flight, o->in_flight);
	BENCH_PUT(r, window, o->qos > 0 ? (double)o->window : 0);
}

static void report_rates(const bench_load_t *load, bench_result_t *r)
{
	double seconds = (double)(load->end.time - load->start.time) / (double)BENCH_S;

	if (seconds <= 0)
		seconds = 1e-9;
	BENCH_PUT(r, seconds, seconds);
	BENCH_PUT(r, sent_per_s, (double)(load->end.sent - load->start.sent) / seconds);
	BENCH_PUT(r, received_per_s, (double)(load->end.received - load->start.received) / seconds);
	if (load->options->qos > 0)
		BENCH_PUT(r, acked_per_s, (double)(load->end.acked - load->start.acked) / seconds);
	BENCH_PUT(r, sent, load->sent - load->unsent);
	BENCH_PUT(r, received, load->received);
	if (load->paced > load->sent)
		BENCH_PUT(r, behind, load->paced - load->sent);
}

static void report_checks(const bench_load_t *load, bench_result_t *r)
{
	uint64_t expected = (load->sent - load->unsent) * load->copies;
	uint64_t come = load->stamped ? load->track.unique : load->received;
	uint64_t lost = expected > come ? expected - come : 0;

	r->faulty = lost + load->track.duplicates + load->track.reordered + load->stray_acks > 0;
	BENCH_PUT(r, lost, lost);
	if (load->stamped) {
		BENCH_PUT(r, duplicates, load->track.duplicates);
		BENCH_PUT(r, out_of_order, load->track.reordered);
	}
	if (load->stalls > 0)
		BENCH_PUT(r, stalls, load->stalls);
	if (load->foreign > 0)
		BENCH_PUT(r, foreign, load->foreign);
	if (load->stray_acks > 0)
		BENCH_PUT(r, stray_acks, load->stray_acks);
	if (load->options->qos > 0 && load->acked < load->sent - load->unsent)
		BENCH_PUT(r, unacked, load->sent - load->unsent - load->acked);
	if (load->refused_publishes > 0)
		BENCH_PUT(r, refused_publishes, load->refused_publishes);
	if (load->refused_filters > 0)
		BENCH_PUT(r, refused_filters, load->refused_filters);
	if (load->loop.broken > 0)
		BENCH_PUT(r, broken_connections, load->loop.broken);
	r->broken = load->loop.broken > 0;
}

static void report_latency(const bench_load_t *load, bench_result_t *r)
{
	const bench_hist_t *h = &load->latency;

	if (h->count == 0)
		return;
	BENCH_PUT(r, latency_p50_us, (double)bench_hist_quantile(h, 0.5) / 1e3);
	BENCH_PUT(r, latency_p90_us, (double)bench_hist_quantile(h, 0.9) / 1e3);
	BENCH_PUT(r, latency_p99_us, (double)bench_hist_quantile(h, 0.99) / 1e3);
	BENCH_PUT(r, latency_p999_us, (double)bench_hist_quantile(h, 0.999) / 1e3);
	BENCH_PUT(r, latency_max_us, (double)h->max / 1e3);
}

static void report_costs(const bench_load_t *load, bench_result_t *r)
{
	const bench_mark_t *a = &load->start, *b = &load->end;
	uint64_t delivered = load->copies > 0 ? b->received - a->received : b->sent - a->sent, ticks;
	double cpu = (double)(b->proc.cpu - a->proc.cpu) / 1e3, user = 0;

	if (delivered == 0)
		return;
	if (load->options->pid > 0) {
		ticks = b->proc.user + b->proc.system - a->proc.user - a->proc.system;
		user = ticks > 0 ? cpu * (double)(b->proc.user - a->proc.user) / (double)ticks : 0;
		BENCH_PUT(r, cpu_us_per_message, cpu / (double)delivered);
		BENCH_PUT(r, cpu_user_us_per_message, user / (double)delivered);
		BENCH_PUT(r, cpu_system_us_per_message, (cpu - user) / (double)delivered);
		BENCH_PUT(r, cpu_percent, cpu / ((double)(b->time - a->time) / 1e5));
		BENCH_PUT(r, cpu_wait_percent, 1e2 * (double)(b->proc.waited - a->proc.waited) / (double)(b->time - a->time));
		BENCH_PUT(r, resident_bytes, b->proc.resident);
	}
	BENCH_PUT(r, own_cpu_us_per_message, (double)(b->own_cpu - a->own_cpu) / 1e3 / (double)delivered);
}

void bench_load_report(const bench_load_t *load, bench_result_t *ret_result)
{
	title(load, ret_result);
	report_settings(load, ret_result);
	report_rates(load, ret_result);
	report_checks(load, ret_result);
	report_latency(load, ret_result);
	report_costs(load, ret_result);
}
