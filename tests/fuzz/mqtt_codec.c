/* mqtt_codec.c — libFuzzer's entry to MQTT's codec.
 *
 * Input: a byte for the version, two for the quirks, then a stream of packets, read as a broker would. What was read
 * must hold what it promises: a PUBLISH written again from what was read is read as the same; the quick look at a
 * topic agrees with a slow one. Seeds: mqtt_codec_seeds.c.
 */
#include "modules/mqtt/packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond) ((cond) ? (void)0 : abort())

static void check_topic(ln_slice_t topic, mqtt_dialect_t d)
{
	mqtt_fault_t fault;
	bool plain = ln_utf8_check(topic) < LN_UTF8_NUL;

	for (size_t i = 0; i < topic.len; i++)
		plain = plain && topic.data[i] != '+' && topic.data[i] != '#';
	MUST((mqtt_topic_check(topic, d, &fault) == LN_OK) == plain);
}

/* Writes what P says for 5.0, reads it again. */
static void check_again(const mqtt_publish_t *p)
{
	mqtt_publish_head_t head = { .topic = p->topic, .carry = p->carry, .payload_len = (uint32_t)p->payload.len,
	                             .expiry = p->expiry, .packet_id = p->packet_id ? p->packet_id : 1,
	                             .alias = p->alias,
	                             .version = 5, .qos = p->qos, .dup = p->dup && p->qos, .retain = p->retain,
	                             .expires = p->expires };
	size_t size = mqtt_publish_head_size(&head);
	uint8_t *bytes = malloc(size + p->payload.len);
	ln_slice_t body;
	mqtt_publish_t q;
	mqtt_header_t h;
	mqtt_fault_t fault;
	ln_buf_t scratch = { 0 };

	MUST(bytes && mqtt_publish_head_write(bytes, size - 1, &head) == size);
	MUST(mqtt_publish_head_write(bytes, size, &head) == size);
	if (p->payload.len > 0)
		memcpy(bytes + size, p->payload.data, p->payload.len);
	MUST(mqtt_header_read(ln_slice(bytes, size + p->payload.len), &h, &fault) == LN_OK);
	MUST(h.len + h.body == size + p->payload.len);
	MUST(mqtt_flags_check(&h, (mqtt_dialect_t){ 5, 0 }, &fault) == LN_OK);
	body = ln_slice(bytes + h.len, h.body);
	MUST(mqtt_publish_read(h.first, body, (mqtt_dialect_t){ 5, 0 }, &scratch, &q, &fault) == LN_OK);
	MUST(ln_slice_eq(q.topic, p->topic) && ln_slice_eq(q.payload, p->payload) && ln_slice_eq(q.carry, p->carry));
	MUST(q.qos == p->qos && q.retain == p->retain && q.alias == p->alias);
	MUST(q.expires == p->expires && q.expiry == p->expiry);
	ln_buf_fini(&scratch);
	free(bytes);
}

static void check_publish(const mqtt_header_t *h, const uint8_t *at, mqtt_dialect_t d)
{
	ln_slice_t body = ln_slice(at + h->len, h->body);
	ln_buf_t scratch = { 0 };
	mqtt_publish_t p;
	mqtt_fault_t fault;

	if (mqtt_publish_read_unchecked_topic(h->first, body, d, &scratch, &p, &fault) == LN_OK) {
		check_topic(p.topic, d);
		if (mqtt_topic_check(p.topic, d, &fault) == LN_OK && (p.topic.len > 0 || p.alias > 0))
			check_again(&p);
	}
	ln_buf_fini(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mqtt_dialect_t d;
	uint8_t *copy;
	size_t at = 0;

	if (size < 3)
		return 0;
	d = (mqtt_dialect_t){ 3 + data[0] % 3, (uint32_t)(data[1] | data[2] << 8) };
	size -= 3;
	copy = exact_copy(data + 3, size);
	while (at < size) {
		ln_buf_t scratch = { 0 };
		mqtt_header_t h;
		mqtt_fault_t fault = { 0 };
		unsigned sum = 0;
		ln_result_t result = feed(ln_slice(copy + at, size - at), d, &scratch, &fault, &sum);

		ln_buf_fini(&scratch);
		MUST(result == LN_OK || result == LN_AGAIN || (fault.reason >= 0x81 && fault.why));
		if (result == LN_AGAIN || mqtt_header_read(ln_slice(copy + at, size - at), &h, &fault) != LN_OK)
			break;
		if (mqtt_type(h.first) == MQTT_PUBLISH)
			check_publish(&h, copy + at, d);
		at += h.len + h.body;
	}
	free(copy);
	return 0;
}
