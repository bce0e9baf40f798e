/* retained.c - retained messages: how much memory each takes, and are they there.
 *
 * One connection publishes in batches; with QoS 0 a PINGREQ behind the last one tells when the broker has read all.
 * Then, after the memory is read, up to 1,000 of them spread over all are subscribed to by name and counted when they
 * come, and at last all are cleared by empty ones. Not by one wildcard: the answer would be as large as the store and
 * be cut by the brokers' queue limits.
 */
#include <stdio.h>

#include "clock.h"
#include "conn.h"
#include "modes.h"
#include "open.h"
#include "plan.h"
#include "proc.h"

#define SAMPLES    1000u
#define PER_PACKET 100u
#define BATCH      500u
#define SETTLE     (500 * BENCH_MS)

typedef struct keeper {
	bench_conn_t conn;
	const bench_options_t *options;
	const void *payload;
	size_t payload_len;
	uint64_t sent, acked;        /* publishes of this round */
	bool pinged, ponged;
	uint64_t asked, answered;    /* topics subscribed to, of the sample; SUBACKs' codes */
	uint64_t found;
} keeper_t;

static void on_open(bench_conn_t *conn)
{
	(void)conn;
}

static void on_publish(keeper_t *k, const bench_packet_t *packet)
{
	bench_publish_t publish;

	if (!bench_publish_read(packet, (unsigned)k->options->version, &publish))
		bench_fail("received a malformed PUBLISH");
	if (publish.id)
		bench_wire_ack(&k->conn.out, (packet->flags & 4) ? BENCH_PUBREC : BENCH_PUBACK, publish.id);
	if ((packet->flags & 1) && publish.payload_len == k->options->payload)
		k->found++;
}

static void put_one(keeper_t *k, unsigned id)
{
	const bench_options_t *o = k->options;
	bench_publish_map_t map;
	size_t start = k->conn.out.len;
	char topic[BENCH_NAME_SIZE];

	bench_plan_topic(o, k->sent++, topic);
	bench_wire_publish(&k->conn.out, (unsigned)o->version, (unsigned)o->qos, true, topic, k->payload,
			   k->payload_len, &map);
	if (o->qos > 0) {
		k->conn.out.data[start + map.id] = (uint8_t)(id >> 8);
		k->conn.out.data[start + map.id + 1] = (uint8_t)id;
	}
}

static void on_acked(keeper_t *k, unsigned id)
{
	k->acked++;
	if (k->sent < k->options->retained)
		put_one(k, id);
}

static void on_packet(bench_conn_t *conn, const bench_packet_t *packet)
{
	keeper_t *k = (keeper_t *)conn;

	switch (packet->type) {
	case BENCH_PUBLISH: on_publish(k, packet); break;
	case BENCH_PUBREC: bench_wire_ack(&conn->out, BENCH_PUBREL, bench_packet_id(packet)); break;
	case BENCH_PUBREL: bench_wire_ack(&conn->out, BENCH_PUBCOMP, bench_packet_id(packet)); break;
	case BENCH_PUBACK: case BENCH_PUBCOMP: on_acked(k, bench_packet_id(packet)); break;
	case BENCH_SUBACK: k->answered = k->asked; break;
	case BENCH_PINGRESP: k->ponged = true; break;
	default: break;
	}
}

static void on_turn(bench_conn_t *conn)
{
	if (conn->out.len > 0)
		bench_conn_flush(conn);
}

static const bench_role_t keeper_role = { .name = "r", .on_open = on_open, .on_packet = on_packet, .on_turn = on_turn };

/* QoS 0: sends batches while the socket takes them. Otherwise fills the window; the acknowledgements go on from there.
 */
static void put_more(keeper_t *k)
{
	const bench_options_t *o = k->options;
	uint64_t window = o->window < k->conn.window ? o->window : k->conn.window;

	if (o->qos > 0) {
		for (unsigned id = 1; id <= window && k->sent < o->retained && k->sent < window; id++)
			put_one(k, id);
		bench_conn_flush(&k->conn);
	}
	while (o->qos == 0 && k->conn.out.len == 0 && k->sent < o->retained) {
		for (unsigned i = 0; i < BATCH && k->sent < o->retained; i++)
			put_one(k, 0);
		bench_conn_flush(&k->conn);
	}
}

/* Returns: whether the broker has taken all. */
static bool published(void *arg)
{
	keeper_t *k = arg;

	if (k->conn.loop->broken > 0)
		return true;
	if (k->sent < k->options->retained || k->conn.out.len > 0 || (k->options->qos > 0 && k->acked < k->sent)) {
		put_more(k);
		return false;
	}
	if (!k->pinged) {
		bench_wire_empty(&k->conn.out, BENCH_PINGREQ);
		k->pinged = true;
		bench_conn_flush(&k->conn);
	}
	return k->ponged;
}

static void publish_all(keeper_t *k, const void *payload, size_t len)
{
	const bench_options_t *o = k->options;

	k->payload = payload;
	k->payload_len = len;
	k->sent = k->acked = 0;
	k->pinged = k->ponged = false;
	if (!bench_loop_until(k->conn.loop, published, k, o->timeout + o->retained * BENCH_MS) ||
	    k->conn.loop->broken > 0)
		bench_fail("only %llu of %llu retained messages were taken", (unsigned long long)k->sent,
			   (unsigned long long)o->retained);
}

static uint64_t samples(const bench_options_t *o)
{
	return o->retained < SAMPLES ? o->retained : SAMPLES;
}

static bool read_back(void *arg)
{
	keeper_t *k = arg;
	const bench_options_t *o = k->options;
	uint64_t total = samples(o);
	bench_buf_t body = { 0 };
	char topic[BENCH_NAME_SIZE];

	if (k->answered == k->asked && k->found >= k->asked && k->asked < total) {
		bench_wire_subscribe_begin(&body, (unsigned)o->version, 1);
		for (unsigned i = 0; i < PER_PACKET && k->asked < total; i++) {
			bench_plan_topic(o, k->asked++ * o->retained / total, topic);
			bench_wire_subscribe_add(&body, topic, 0);
		}
		bench_wire_subscribe_end(&k->conn.out, &body);
		bench_buf_fini(&body);
		bench_conn_flush(&k->conn);
	}
	return k->found >= total || k->conn.loop->broken > 0;
}

static void report(const keeper_t *k, const bench_proc_t *before, const bench_proc_t *after, double seconds,
		   bench_result_t *r)
{
	const bench_options_t *o = k->options;
	double n = (double)o->retained;

	snprintf(r->title, sizeof(r->title), "retained: %llu messages, QoS %llu, %llu B payload",
		 (unsigned long long)o->retained, (unsigned long long)o->qos, (unsigned long long)o->payload);
	bench_result_text(r, BENCH_KEY_mode, "retained");
	BENCH_PUT(r, messages, n);
	BENCH_PUT(r, sent_per_s, n / seconds);
	BENCH_PUT(r, sampled, (double)samples(o));
	BENCH_PUT(r, lost, (double)(samples(o) - k->found));
	r->faulty = k->found < samples(o);
	r->broken = k->conn.loop->broken > 0;
	if (o->pid == 0)
		return;
	BENCH_PUT(r, bytes_per_message, ((double)after->resident - (double)before->resident) / n);
	BENCH_PUT(r, cpu_us_per_message, (double)(after->cpu - before->cpu) / 1e3 / n);
	BENCH_PUT(r, resident_bytes, after->resident);
}

void bench_retained_run(const bench_options_t *options, bench_result_t *ret_result)
{
	static bench_loop_t loop;
	static keeper_t k;
	bench_proc_t before, after;
	uint8_t *payload = bench_alloc(1, options->payload);
	uint64_t begin;

	memset(payload, 'r', options->payload);
	k.options = options;
	bench_loop_init(&loop, options);
	bench_open_touch(&loop);
	bench_open_all(&loop, &k, sizeof(k), 1, &keeper_role);
	bench_loop_rest(&loop, SETTLE);
	bench_proc_read((pid_t)options->pid, &before);
	begin = bench_now();
	publish_all(&k, payload, options->payload);
	begin = bench_now() - begin;
	bench_loop_rest(&loop, SETTLE);
	bench_proc_read((pid_t)options->pid, &after);
	bench_loop_until(&loop, read_back, &k, options->drain + 5 * BENCH_S);
	report(&k, &before, &after, (double)begin / (double)BENCH_S, ret_result);
	if (!options->keep)
		publish_all(&k, "", 0);
	loop.closing = true;
	bench_conn_fini(&k.conn);
	bench_free(payload);
	bench_loop_fini(&loop);
}
