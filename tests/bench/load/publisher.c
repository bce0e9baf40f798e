/* publisher.c - prebuilt frames, patched and sent in batches; see load.h.
 *
 * Buffers are per publisher and not shared, so a batch that the socket takes only in part simply stays where it is.
 * With thousands of publishers they get smaller, so that all of them together stay within 64 MiB.
 */
#include <string.h>

#include "clock.h"
#include "load.h"

#define BUFFERS_MAX (64u << 20)

enum { ID_FREE, ID_PUBLISHED, ID_RELEASED };

static void build_frames(bench_publisher_t *p, uint32_t index)
{
	bench_load_t *load = p->load;
	const bench_options_t *o = load->options;
	bench_buf_t frame = { 0 };
	bench_stamp_t stamp = { .publisher = index };
	uint8_t *payload = bench_alloc(1, o->payload);
	char topic[BENCH_NAME_SIZE];

	for (size_t i = 0; i < o->payload; i++)
		payload[i] = (uint8_t)('a' + i % 26);
	if (load->stamped)
		memcpy(payload, &stamp, sizeof(stamp));
	load->digits = bench_plan_topic(o, index % o->topics, topic);
	bench_wire_publish(&frame, (unsigned)o->version, (unsigned)o->qos, false, topic, payload, o->payload,
			   &load->map);
	load->digits += load->map.topic;
	if (load->capacity == 0) {
		uint64_t room =
			BUFFERS_MAX / o->publishers < o->write_size ? BUFFERS_MAX / o->publishers : o->write_size;

		load->capacity = room > load->map.size ? (uint32_t)(room / load->map.size) : 1;
	}
	p->frames = bench_alloc(load->capacity, load->map.size);
	for (uint32_t i = 0; i < load->capacity; i++)
		memcpy(p->frames + i * load->map.size, frame.data, frame.len);
	bench_buf_fini(&frame);
	bench_free(payload);
}

static void build_ids(bench_publisher_t *p)
{
	uint16_t n = (uint16_t)p->load->options->window;

	p->free_ids = bench_alloc(n, sizeof(*p->free_ids));
	p->id_state = bench_alloc((uint64_t)n + 1, 1);
	for (uint16_t i = 0; i < n; i++)
		p->free_ids[i] = (uint16_t)(n - i);
	p->free_count = n;
}

/* The digits of every topic, so that choosing one at random is a copy of eight bytes. */
static void build_names(bench_load_t *load)
{
	char name[BENCH_NAME_SIZE];

	load->names = bench_alloc(load->options->topics, BENCH_DIGITS);
	for (uint64_t i = 0; i < load->options->topics; i++) {
		size_t digits = bench_plan_topic(load->options, i, name);

		memcpy(load->names[i], name + digits, BENCH_DIGITS);
	}
}

void bench_publishers_init(bench_load_t *load)
{
	if (load->options->pattern == BENCH_RANDOM)
		build_names(load);
	for (uint32_t i = 0; i < load->options->publishers; i++) {
		bench_publisher_t *p = &load->publishers[i];

		p->load = load;
		build_frames(p, i);
		if (load->options->qos > 0)
			build_ids(p);
	}
}

void bench_publisher_fini(bench_publisher_t *p)
{
	bench_conn_fini(&p->conn);
	bench_free(p->frames);
	bench_free(p->free_ids);
	bench_free(p->id_state);
}

uint64_t bench_publisher_under_way(const bench_publisher_t *p)
{
	uint64_t expected = p->number * p->load->copies, gone = p->delivered + p->written_off;

	return expected > gone ? expected - gone : 0;
}

uint64_t bench_publisher_unsent(const bench_publisher_t *p)
{
	return (p->conn.bulk_len - p->conn.bulk_sent + p->load->map.size - 1) / p->load->map.size;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Room for new messages by receipt; none before half of it is free, so that batches stay large. */
static uint64_t room(const bench_publisher_t *p)
{
	uint64_t under_way = bench_publisher_under_way(p) / p->load->copies, limit = p->load->options->in_flight;

	return under_way > limit / 2 ? 0 : limit - under_way;
}

static uint64_t allowance(const bench_publisher_t *p)
{
	const bench_load_t *load = p->load;
	const bench_options_t *o = load->options;
	uint64_t n = load->capacity;

	if (o->rate > 0)
		n = least(n, p->due);
	if (o->in_flight > 0)
		n = least(n, room(p));
	if (o->messages > 0)
		n = least(n, o->messages - load->sent);
	if (o->qos > 0) {
		uint64_t busy = o->window - p->free_count;

		n = least(n, p->free_count);
		n = least(n, p->conn.window > busy ? p->conn.window - busy : 0);
	}
	return n;
}

/* xorshift64*: the topics are as random as they need be, at 1 ns each. */
static uint64_t next_random(bench_load_t *load)
{
	load->random ^= load->random >> 12;
	load->random ^= load->random << 25;
	load->random ^= load->random >> 27;
	return (load->random * UINT64_C(0x2545f4914f6cdd1d)) >> 32;
}

static void patch_id(bench_publisher_t *p, uint8_t *frame)
{
	uint16_t id = p->free_ids[--p->free_count];

	p->id_state[id] = ID_PUBLISHED;
	frame[p->load->map.id] = (uint8_t)(id >> 8);
	frame[p->load->map.id + 1] = (uint8_t)id;
}

/* Makes the first N frames new messages, sent at TIME. */
static void patch(bench_publisher_t *p, uint32_t n, uint64_t time)
{
	bench_load_t *load = p->load;
	const bench_publish_map_t *map = &load->map;
	uint8_t *frame = p->frames;
	bool ids = load->options->qos > 0;

	for (uint32_t i = 0; i < n; i++, frame += map->size) {
		if (load->stamped) {
			uint32_t number = p->number + i + 1;

			memcpy(frame + map->payload + offsetof(bench_stamp_t, time), &time, sizeof(time));
			memcpy(frame + map->payload + offsetof(bench_stamp_t, number), &number, sizeof(number));
		}
		if (load->names)
			memcpy(frame + load->digits, load->names[next_random(load) * load->options->topics >> 32],
			       BENCH_DIGITS);
		if (ids)
			patch_id(p, frame);
	}
}

void bench_publisher_pump(bench_publisher_t *p)
{
	bench_load_t *load = p->load;
	uint64_t time;
	uint32_t n;

	if (!load->publishing || p->conn.state != BENCH_CONN_OPEN || bench_conn_busy(&p->conn))
		return;
	n = (uint32_t)allowance(p);
	if (n == 0)
		return;
	time = bench_now();
	if (load->options->rate > 0) {
		time = p->due_since;
		p->due -= n;
		p->due_since = load->loop.now;
	}
	patch(p, n, time);
	p->number += n;
	load->sent += n;
	bench_conn_bulk(&p->conn, p->frames, n * load->map.size);
}

static void on_open(bench_conn_t *conn)
{
	(void)conn;  /* waits for the phase to begin */
}

static void free_id(bench_publisher_t *p, unsigned id, uint8_t awaited)
{
	if (id == 0 || id > p->load->options->window || p->id_state[id] != awaited) {
		p->load->stray_acks++;
		return;
	}
	p->id_state[id] = ID_FREE;
	p->free_ids[p->free_count++] = (uint16_t)id;
	p->acked++;
	p->load->acked++;
}

static bool refused(bench_publisher_t *p, const bench_packet_t *packet)
{
	if (packet->len < 3 || packet->body[2] < 0x80)
		return false;
	p->load->refused_publishes++;
	return true;
}

static void on_packet(bench_conn_t *conn, const bench_packet_t *packet)
{
	bench_publisher_t *p = (bench_publisher_t *)conn;
	unsigned id = bench_packet_id(packet);

	switch (packet->type) {
	case BENCH_PUBACK:
		refused(p, packet);
		free_id(p, id, ID_PUBLISHED);
		break;
	case BENCH_PUBREC:
		if (refused(p, packet)) {
			free_id(p, id, ID_PUBLISHED);
		} else if (id == 0 || id > p->load->options->window || p->id_state[id] != ID_PUBLISHED) {
			p->load->stray_acks++;
		} else {
			p->id_state[id] = ID_RELEASED;
			bench_wire_ack(&conn->out, BENCH_PUBREL, id);
		}
		break;
	case BENCH_PUBCOMP:
		free_id(p, id, ID_RELEASED);
		break;
	default:
		break;
	}
}

static void on_turn(bench_conn_t *conn)
{
	bench_publisher_t *p = (bench_publisher_t *)conn;

	if (p->load->options->qos > 0 || conn->eager)
		bench_publisher_pump(p);
	if (conn->out.len > 0)
		bench_conn_flush(conn);
}

const bench_role_t bench_publisher_role = {
	.name = "p", .on_open = on_open, .on_packet = on_packet, .on_turn = on_turn
};
