/* What the codec makes of packets that are cut, lengthened or hit by a wrong byte: every cut, every byte, every
 * value. */
#include "packets.h"
#include "unit.h"

static ln_result_t feed_copy(const void *bytes, size_t len, mqtt_dialect_t d, mqtt_fault_t *fault)
{
	uint8_t *copy = exact_copy(bytes, len);
	ln_buf_t scratch = { 0 };
	unsigned sum = 0;
	ln_result_t result;

	*fault = (mqtt_fault_t){ 0 };
	result = feed(ln_slice(copy, len), d, &scratch, fault, &sum);
	ln_buf_fini(&scratch);
	free(copy);
	return result;
}

static void ck_refusal(ln_result_t result, const mqtt_fault_t *fault, const char *name)
{
	bool refused = result == LN_MALFORMED || result == LN_PROTOCOL || result == LN_UNSUPPORTED;

	ck_assert_msg(refused, "%s: result %d is no refusal", name, (int)result);
	ck_assert_msg(fault->reason >= 0x81 && fault->why, "%s: the refusal says nothing", name);
}

START_TEST(samples_are_read)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		const sample_t *s = &samples[i];
		mqtt_fault_t fault;
		ln_result_t result = feed_copy(s->bytes, s->len, (mqtt_dialect_t){ s->version, 0 }, &fault);

		ck_assert_msg(result == LN_OK, "%s: %s (0x%02x)", s->name, fault.why ? fault.why : "incomplete",
		              fault.reason);
	}
}
END_TEST

/* What has come in of a packet is not enough, whatever its length. */
START_TEST(beginnings_are_incomplete)
{
	for (size_t i = 0; i < SAMPLES; i++)
		for (size_t len = 0; len < samples[i].len; len++) {
			mqtt_fault_t fault;
			ln_result_t result = feed_copy(samples[i].bytes, len, (mqtt_dialect_t){ samples[i].version,
			                               0 }, &fault);

			ck_assert_msg(result == LN_AGAIN, "%s at %zu: %d", samples[i].name, len, (int)result);
		}
}
END_TEST

/* Shortens SAMPLE's body to LEN bytes and says so in its header (all samples have a length of one byte). */
static ln_result_t feed_shortened(const sample_t *s, size_t len, mqtt_dialect_t d, mqtt_fault_t *fault)
{
	uint8_t bytes[128];

	memcpy(bytes, s->bytes, 2 + len);
	bytes[1] = (uint8_t)len;
	return feed_copy(bytes, 2 + len, d, fault);
}

/* Where a packet may end earlier and still be one: PUBLISH in its payload, filters between two of them, a reason
 * without properties. */
static bool may_end(const sample_t *s, size_t len)
{
	const uint8_t *body = (const uint8_t *)s->bytes + 2;
	mqtt_type_t type = mqtt_type((uint8_t)s->bytes[0]);

	if (type == MQTT_PUBLISH && s->version < 5)
		return len >= 2u + body[1] + ((s->bytes[0] & 6) ? 2u : 0u);
	if (type == MQTT_PUBLISH) {
		size_t at = 2u + body[1] + ((s->bytes[0] & 6) ? 2u : 0u);
		return len >= at + 1 + body[at];
	}
	if (type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE) {
		size_t at = 2 + (s->version == 5 ? 1u + body[2] : 0), more = type == MQTT_SUBSCRIBE ? 3 : 2;
		for (at += more + body[at + 1]; at < len; at += more + body[at + 1])
			;
		return at == len;
	}
	if (type >= MQTT_PUBACK && type <= MQTT_PUBCOMP)
		return len == 2 || (len == 3 && s->version == 5);
	if (type == MQTT_DISCONNECT)
		return len == 0 || len == 1;
	return type == MQTT_AUTH && len == 0;
}

START_TEST(shortened_packets_are_refused)
{
	for (size_t i = 0; i < SAMPLES; i++)
		for (size_t len = 0; len + 2 < samples[i].len; len++) {
			mqtt_fault_t fault;
			ln_result_t result = feed_shortened(&samples[i], len, (mqtt_dialect_t){ samples[i].version,
			                                    0 }, &fault);

			if (may_end(&samples[i], len))
				ck_assert_msg(result == LN_OK, "%s to %zu: %s", samples[i].name, len, fault.why);
			else
				ck_refusal(result, &fault, samples[i].name);
		}
}
END_TEST

/* A byte more is a first reason, or an empty section. */
static bool may_grow(const sample_t *s, mqtt_type_t type)
{
	bool ack = type >= MQTT_PUBACK && type <= MQTT_PUBCOMP;

	return s->version == 5 && type != MQTT_PINGREQ &&
	       (s->len == 2 || (ack && s->len < 6) || (type == MQTT_DISCONNECT && s->len == 3));
}

START_TEST(lengthened_packets_are_refused)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		const sample_t *s = &samples[i];
		mqtt_type_t type = mqtt_type((uint8_t)s->bytes[0]);
		uint8_t bytes[128] = { 0 };
		mqtt_fault_t fault;
		ln_result_t result;

		memcpy(bytes, s->bytes, s->len);
		bytes[1]++;
		result = feed_copy(bytes, s->len + 1, (mqtt_dialect_t){ s->version, 0 }, &fault);
		if (type == MQTT_PUBLISH)
			ck_assert_int_eq(result, LN_OK);
		else if (may_grow(s, type))
			ck_assert_msg(result == LN_OK || type == MQTT_AUTH, "%s", s->name);
		else
			ck_refusal(result, &fault, s->name);
	}
}
END_TEST

/* Any answer will do, as long as it is one, for every version and with and without all quirks. */
START_TEST(wrong_bytes_are_survived)
{
	for (size_t i = 0; i < SAMPLES; i++)
		for (size_t at = 0; at < samples[i].len; at++)
			for (unsigned value = 0; value < 256; value++) {
				uint8_t bytes[128];
				mqtt_dialect_t d = { samples[i].version, value & 1 ? UINT32_MAX : 0 };
				mqtt_fault_t fault;
				ln_result_t result;

				memcpy(bytes, samples[i].bytes, samples[i].len);
				bytes[at] = (uint8_t)value;
				result = feed_copy(bytes, samples[i].len, d, &fault);
				if (result != LN_OK && result != LN_AGAIN)
					ck_refusal(result, &fault, samples[i].name);
			}
}
END_TEST

/* A packet of one version read as another's. */
START_TEST(wrong_versions_are_survived)
{
	for (size_t i = 0; i < SAMPLES; i++)
		for (unsigned version = 3; version <= 5; version++) {
			mqtt_fault_t fault;
			ln_result_t result = feed_copy(samples[i].bytes, samples[i].len, (mqtt_dialect_t){ version,
			                               0 }, &fault);

			if (result != LN_OK)
				ck_refusal(result, &fault, samples[i].name);
		}
}
END_TEST

LN_UNIT_MAIN("mqtt/survive", samples_are_read, beginnings_are_incomplete, shortened_packets_are_refused,
             lengthened_packets_are_refused, wrong_bytes_are_survived, wrong_versions_are_survived)
