/* wire.c - writes and reads MQTT packets; see wire.h. Only what a load generator needs: no will, no properties of its
 * own. */
#include "wire.h"

static void put_u16(bench_buf_t *out, size_t value)
{
	bench_buf_byte(out, (unsigned)(value >> 8 & 255));
	bench_buf_byte(out, (unsigned)(value & 255));
}

static void put_text(bench_buf_t *out, const char *text)
{
	put_u16(out, strlen(text));
	bench_buf_put(out, text, strlen(text));
}

static void put_length(bench_buf_t *out, size_t len)
{
	do {
		bench_buf_byte(out, (unsigned)(len & 127) | (len > 127 ? 128 : 0));
		len >>= 7;
	} while (len > 0);
}

static void put_packet(bench_buf_t *out, unsigned type, unsigned flags, const bench_buf_t *body)
{
	bench_buf_byte(out, type << 4 | flags);
	put_length(out, body->len);
	bench_buf_put(out, body->data, body->len);
}

void bench_wire_connect(bench_buf_t *out, const bench_connect_t *connect)
{
	bench_buf_t body = { 0 };

	put_text(&body, connect->version == 3 ? "MQIsdp" : "MQTT");
	bench_buf_byte(&body, connect->version);
	bench_buf_byte(&body, 2u | (connect->user ? 128u : 0) | (connect->password ? 64u : 0));
	put_u16(&body, connect->keep_alive);
	if (connect->version == 5)
		bench_buf_byte(&body, 0);
	put_text(&body, connect->client_id);
	if (connect->user)
		put_text(&body, connect->user);
	if (connect->password)
		put_text(&body, connect->password);
	put_packet(out, BENCH_CONNECT, 0, &body);
	bench_buf_fini(&body);
}

void bench_wire_subscribe_begin(bench_buf_t *body, unsigned version, unsigned id)
{
	body->len = 0;
	put_u16(body, id);
	if (version == 5)
		bench_buf_byte(body, 0);
}

void bench_wire_subscribe_add(bench_buf_t *body, const char *filter, unsigned qos)
{
	put_text(body, filter);
	bench_buf_byte(body, qos);
}

void bench_wire_subscribe_end(bench_buf_t *out, const bench_buf_t *body)
{
	put_packet(out, BENCH_SUBSCRIBE, 2, body);
}

void bench_wire_publish(bench_buf_t *out, unsigned version, unsigned qos, bool retain, const char *topic,
			const void *payload, size_t payload_len, bench_publish_map_t *ret_map)
{
	size_t start = out->len;

	bench_buf_byte(out, (unsigned)BENCH_PUBLISH << 4 | qos << 1 | (retain ? 1 : 0));
	put_length(out, 2 + strlen(topic) + (qos > 0 ? 2 : 0) + (version == 5 ? 1 : 0) + payload_len);
	ret_map->topic = out->len - start + 2;
	put_text(out, topic);
	ret_map->id = out->len - start;
	if (qos > 0)
		put_u16(out, 1);
	if (version == 5)
		bench_buf_byte(out, 0);
	ret_map->payload = out->len - start;
	bench_buf_put(out, payload, payload_len);
	ret_map->size = out->len - start;
}

void bench_wire_empty(bench_buf_t *out, unsigned type)
{
	bench_buf_byte(out, type << 4);
	bench_buf_byte(out, 0);
}

/* Reads a variable byte integer; returns the bytes it took, 0 when it is cut short or too long. */
static size_t read_length(const uint8_t *p, size_t n, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n && i < 4; i++) {
		value |= (uint32_t)(p[i] & 127) << (7 * i);
		if (p[i] < 128) {
			*ret_value = value;
			return i + 1;
		}
	}
	return 0;
}

bool bench_publish_read(const bench_packet_t *packet, unsigned version, bench_publish_t *ret_publish)
{
	const uint8_t *p = packet->body, *end = p + packet->len;
	uint32_t properties = 0;
	size_t took;

	if (packet->len < 2 || (size_t)(end - p) < 2 + (size_t)bench_u16(p) + (packet->flags & 6 ? 2 : 0))
		return false;
	p += 2 + bench_u16(p);
	ret_publish->id = 0;
	if (packet->flags & 6) {
		ret_publish->id = bench_u16(p);
		p += 2;
	}
	if (version == 5) {
		took = read_length(p, (size_t)(end - p), &properties);
		if (took == 0 || properties > (size_t)(end - p) - took)
			return false;
		p += took + properties;
	}
	ret_publish->payload = p;
	ret_publish->payload_len = (uint32_t)(end - p);
	return true;
}

/* How many bytes the value of property ID takes at P, of the properties a CONNACK may have; 0: unknown or cut short. */
static size_t property_size(unsigned id, const uint8_t *p, size_t n)
{
	size_t size;

	switch (id) {
	case 0x24: case 0x25: case 0x28: case 0x29: case 0x2a: size = 1; break;
	case 0x13: case 0x21: case 0x22: size = 2; break;
	case 0x11: case 0x27: size = 4; break;
	case 0x12: case 0x15: case 0x16: case 0x1a: case 0x1c: case 0x1f:
		size = n < 2 ? n + 1 : 2 + (size_t)bench_u16(p);
		break;
	case 0x26:
		size = n < 2 ? n + 1 : 2 + (size_t)bench_u16(p);
		size = n < size + 2 ? n + 1 : size + 2 + bench_u16(p + size);
		break;
	default: return 0;
	}
	return size <= n ? size : 0;
}

unsigned bench_connack_window(const bench_packet_t *packet, unsigned version)
{
	const uint8_t *p = packet->body + 2, *end = packet->body + packet->len;
	uint32_t len;
	size_t size;

	if (version < 5 || packet->len < 3 || (size = read_length(p, (size_t)(end - p), &len)) == 0)
		return 65535;
	for (p += size; p < end; p += 1 + size) {
		size = property_size(p[0], p + 1, (size_t)(end - p) - 1);
		if (size == 0)
			break;
		if (p[0] == 0x21)
			return bench_u16(p + 1);
	}
	return 65535;
}

const char *bench_connack_text(unsigned version, unsigned code)
{
	static const char *const old[] = {
		"accepted", "protocol version not supported; try --version", "client id rejected", "server unavailable",
		"bad user name or password", "not authorised; try --user and --password",
	};

	if (version < 5)
		return code < 6 ? old[code] : "unknown code";
	switch (code) {
	case 0x84: return "protocol version not supported; try --version";
	case 0x85: return "client id not valid";
	case 0x86: return "bad user name or password";
	case 0x87: return "not authorised; try --user and --password";
	case 0x88: return "server unavailable";
	case 0x89: return "server busy";
	case 0x8a: return "banned";
	case 0x97: return "quota exceeded";
	case 0x9f: return "connection rate exceeded";
	default: return "see the reason codes of MQTT 5.0";
	}
}
