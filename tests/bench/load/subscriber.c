/* subscriber.c - subscribes, receives, acknowledges, checks; see load.h.
 *
 * Per message: find the payload, add to the histogram, note the stream, count for the publisher's room. No clock is
 * read: all messages of one recv were received when it returned.
 */
#include <string.h>

#include "load.h"

#define FILTERS_PER_PACKET 100

/* Sends the next SUBSCRIBE; the one after it waits for SUBACK. */
static void subscribe_more(bench_subscriber_t *s)
{
	const bench_options_t *o = s->load->options;
	bench_buf_t body = { 0 };
	char filter[BENCH_NAME_SIZE];

	if (s->asked == s->filters)
		return;
	bench_wire_subscribe_begin(&body, (unsigned)o->version, 1);
	for (unsigned n = 0; n < FILTERS_PER_PACKET && s->asked < s->filters; n++) {
		bench_plan_filter(o, s->conn.index, s->asked++, filter);
		bench_wire_subscribe_add(&body, filter, (unsigned)o->qos);
	}
	bench_wire_subscribe_end(&s->conn.out, &body);
	bench_buf_fini(&body);
}

static void on_open(bench_conn_t *conn)
{
	bench_subscriber_t *s = (bench_subscriber_t *)conn;

	s->filters = bench_plan_filters(s->load->options, conn->index);
	subscribe_more(s);
}

static void on_suback(bench_subscriber_t *s, const bench_packet_t *packet)
{
	size_t codes = 2;

	if (s->load->options->version == 5 && packet->len > 2)
		codes = 3 + packet->body[2];  /* a property length beyond 127 would mean kilobytes of reason */
	for (size_t i = codes; i < packet->len; i++)
		if (packet->body[i] > 2)
			s->load->refused_filters++;
	s->subscribed = s->asked;
	subscribe_more(s);
}

static void account(bench_load_t *load, uint32_t subscriber, const bench_stamp_t *stamp)
{
	bench_publisher_t *p;

	if (stamp->publisher >= load->options->publishers) {
		load->foreign++;
		return;
	}
	load->received++;
	if (load->measuring)
		bench_hist_add(&load->latency, load->loop.now > stamp->time ? load->loop.now - stamp->time : 0);
	bench_track_note(&load->track, subscriber, stamp->publisher, stamp->number);
	p = &load->publishers[stamp->publisher];
	p->delivered++;
	if (!p->dirty) {
		p->dirty = true;
		load->dirty[load->dirty_count++] = stamp->publisher;
	}
}

/* Spoils every n-th message the way the user asked for: the checks must say so, or they check nothing. */
static void spoil(bench_load_t *load, uint32_t subscriber, const bench_stamp_t *stamp)
{
	bool hit = ++load->fault_count % load->options->fault_every == 0;

	if (hit && load->options->fault == BENCH_FAULT_LOSE)
		return;
	if (hit && load->options->fault == BENCH_FAULT_SWAP && !load->holding) {
		load->held = *stamp;
		load->held_by = subscriber;
		load->holding = true;
		return;
	}
	account(load, subscriber, stamp);
	if (hit && load->options->fault == BENCH_FAULT_REPEAT)
		account(load, subscriber, stamp);
	if (load->holding && load->held_by == subscriber) {
		load->holding = false;
		account(load, subscriber, &load->held);
	}
}

void bench_subscriber_account(bench_load_t *load, uint32_t subscriber, const bench_stamp_t *stamp)
{
	if (load->options->fault == BENCH_FAULT_NONE)
		account(load, subscriber, stamp);
	else
		spoil(load, subscriber, stamp);
}

void bench_subscriber_end(bench_load_t *load)
{
	if (load->holding)
		account(load, load->held_by, &load->held);
	load->holding = false;
}

static void on_publish(bench_subscriber_t *s, const bench_packet_t *packet)
{
	bench_load_t *load = s->load;
	bench_publish_t publish;
	bench_stamp_t stamp;

	if (!bench_publish_read(packet, (unsigned)load->options->version, &publish))
		bench_fail("subscriber %u received a malformed PUBLISH", s->conn.index);
	if (publish.id)
		bench_wire_ack(&s->conn.out, (packet->flags & 4) ? BENCH_PUBREC : BENCH_PUBACK, publish.id);
	if (publish.payload_len != load->options->payload) {
		load->foreign++;
	} else if (!load->stamped) {
		load->received++;
	} else {
		memcpy(&stamp, publish.payload, sizeof(stamp));
		bench_subscriber_account(load, s->conn.index, &stamp);
	}
}

static void on_packet(bench_conn_t *conn, const bench_packet_t *packet)
{
	bench_subscriber_t *s = (bench_subscriber_t *)conn;

	if (packet->type == BENCH_PUBLISH)
		on_publish(s, packet);
	else if (packet->type == BENCH_PUBREL)
		bench_wire_ack(&conn->out, BENCH_PUBCOMP, bench_packet_id(packet));
	else if (packet->type == BENCH_SUBACK)
		on_suback(s, packet);
}

static void on_turn(bench_conn_t *conn)
{
	if (conn->out.len > 0)
		bench_conn_flush(conn);
}

const bench_role_t bench_subscriber_role = {
	.name = "s", .on_open = on_open, .on_packet = on_packet, .on_turn = on_turn
};
