/* codec_test.c — parley's own codec, judged without a broker: by vectors written from the standard, by going out and
 * back, and by every truncation. Prints TAP. If tester and broker misread the standard alike no play can show it; these can.
 */
#include <stdio.h>
#include <string.h>

#include "packet.h"
#include "value.h"

static int number, failures;

static void check(bool ok, const char *what, const char *detail)
{
	printf("%sok %d - %s %s\n", ok ? "" : "not ", ++number, what, detail);
	failures += !ok;
}

/* --- vectors: bytes, version, what they mean ---------------------------------------------------------------------- */

static const struct {
	uint8_t version;
	const char *hex, *text;
} good[] = {
	{ 4, "10 10 00 04 4d 51 54 54 04 02 00 3c 00 04 64 65 76 31",
	  "CONNECT level=4 id=\"dev1\" clean keep-alive=60" },
	{ 3, "10 12 00 06 4d 51 49 73 64 70 03 02 00 3c 00 04 64 65 76 31",
	  "CONNECT level=3 id=\"dev1\" clean keep-alive=60" },
	{ 5, "10 13 00 04 4d 51 54 54 05 02 00 3c 05 11 00 00 00 0a 00 01 61",
	  "CONNECT level=5 id=\"a\" clean keep-alive=60 {session-expiry-interval=10}" },
	{ 5, "10 1e 00 04 4d 51 54 54 05 f6 00 00 00 00 00 05 18 00 00 00 02 00 01 77 00 01 70 00 01 75 00 00",
	  "CONNECT level=5 id=\"\" clean keep-alive=0 user=\"u\" password=\"\" will-topic=\"w\" will-payload=\"p\" "
	  "will-qos=2 will-retain will-{will-delay-interval=2}" },
	{ 4, "20 02 01 00", "CONNACK 0(success) session-present=1" },
	{ 4, "20 02 00 05", "CONNACK 5(not-authorized) session-present=0" },
	{ 5, "20 06 00 00 03 21 00 14", "CONNACK 0(success) session-present=0 {receive-maximum=20}" },
	{ 4, "30 05 00 01 61 68 69", "PUBLISH topic=\"a\" qos=0 size=2 payload=\"hi\"" },
	{ 4, "3d 05 00 01 61 00 0a", "PUBLISH id=10 topic=\"a\" qos=2 retain dup size=0 payload=\"\"" },
	{ 5, "32 12 00 01 61 00 01 09 26 00 01 6b 00 01 76 01 01 78 79 7a",
	  "PUBLISH id=1 topic=\"a\" qos=1 size=3 payload=\"xyz\" "
	  "{user-property=\"k\":\"v\" payload-format-indicator=1}" },
	{ 5, "30 08 00 00 03 23 00 01 68 69", "PUBLISH topic=\"\" qos=0 size=2 payload=\"hi\" {topic-alias=1}" },
	{ 5, "30 0b 00 01 61 05 0b 80 01 0b 02 68 69",
	  "PUBLISH topic=\"a\" qos=0 size=2 payload=\"hi\" {subscription-identifier=128 subscription-identifier=2}" },
	{ 4, "40 02 00 07", "PUBACK id=7" },
	{ 5, "40 02 00 07", "PUBACK id=7 0(success)" },
	{ 5, "40 03 00 07 10", "PUBACK id=7 0x10(no-matching-subscribers)" },
	{ 5, "50 09 00 07 97 05 1f 00 02 6e 6f", "PUBREC id=7 0x97(quota-exceeded) {reason-string=\"no\"}" },
	{ 5, "62 04 00 07 92 00", "PUBREL id=7 0x92(packet-identifier-not-found)" },
	{ 3, "6a 02 00 07", "PUBREL id=7" },
	{ 4, "70 02 00 07", "PUBCOMP id=7" },
	{ 4, "82 06 00 02 00 01 61 01", "SUBSCRIBE id=2 \"a\":0x01" },
	{ 5, "82 09 00 02 02 0b 05 00 01 61 2c", "SUBSCRIBE id=2 \"a\":0x2c {subscription-identifier=5}" },
	{ 4, "90 04 00 02 01 80", "SUBACK id=2 1(granted-qos-1) 0x80(failure)" },
	{ 5, "90 05 00 02 00 00 87", "SUBACK id=2 0(granted-qos-0) 0x87(not-authorized)" },
	{ 4, "a2 05 00 03 00 01 61", "UNSUBSCRIBE id=3 \"a\"" },
	{ 4, "b0 02 00 03", "UNSUBACK id=3" },
	{ 5, "b0 05 00 03 00 00 11", "UNSUBACK id=3 0(success) 0x11(no-subscription-existed)" },
	{ 4, "c0 00", "PINGREQ" },
	{ 4, "d0 00", "PINGRESP" },
	{ 4, "e0 00", "DISCONNECT" },
	{ 5, "e0 00", "DISCONNECT 0(normal-disconnection)" },
	{ 5, "e0 01 8e", "DISCONNECT 0x8e(session-taken-over)" },
	{ 5, "f0 00", "AUTH 0(success)" },
	{ 5, "f0 0c 18 0a 15 00 01 6d 16 00 03 00 01 02",
	  "AUTH 0x18(continue-authentication) {authentication-method=\"m\" authentication-data=\"\\x00\\x01\\x02\"}" },
};

/* What a broker must not send, and a word of the reason parley gives. */
static const struct {
	uint8_t version;
	const char *hex, *why;
} bad[] = {
	{ 4, "00 00", "type 0" },
	{ 4, "f0 00", "type 15" },
	{ 4, "21 02 00 00", "reserved flags" },
	{ 4, "20 02 02 00", "reserved bits" },
	{ 4, "20 02 01 05", "session present in a refusal" },
	{ 3, "20 02 01 00", "3.1 is not 0" },
	{ 4, "20 02 00 06", "reason code" },
	{ 4, "20 03 00 00 00", "left after" },
	{ 5, "20 03 00 02 00", "reason code" },
	{ 4, "20 01 00", "ends inside" },
	{ 5, "20 05 00 00 02 25 02", "neither 0 nor 1" },
	{ 5, "20 06 00 00 03 21 00 00", "must not be 0" },
	{ 5, "20 09 00 00 06 21 00 01 21 00 01", "twice" },
	{ 5, "20 06 00 00 03 23 00 01", "not defined for" },
	{ 5, "20 04 00 00 01 7f", "unknown property" },
	{ 5, "20 05 00 00 03 21 00", "ends inside" },
	{ 4, "36 05 00 01 61 00 01", "QoS 3" },
	{ 4, "38 03 00 01 61", "DUP with QoS 0" },
	{ 4, "32 05 00 01 61 00 00", "identifier 0" },
	{ 4, "30 03 00 01 23", "wildcard" },
	{ 4, "30 02 00 00", "empty topic" },
	{ 4, "30 03 00 01 ff", "UTF-8" },
	{ 4, "30 03 00 01 00", "UTF-8" },
	{ 4, "30 05 00 03 ed a0 80", "UTF-8" },
	{ 4, "30 04 00 02 c0 80", "UTF-8" },
	{ 4, "30 06 00 04 f4 90 80 80", "UTF-8" },
	{ 4, "30 83 00 00 01 61", "longer than it needs" },
	{ 5, "30 05 00 01 61 80 00", "longer than it needs" },
	{ 4, "60 02 00 01", "reserved flags" },
	{ 4, "40 03 00 01 00", "left after" },
	{ 5, "40 03 00 01 92", "reason code" },
	{ 4, "82 02 00 01", "no topic filter" },
	{ 4, "82 06 00 01 00 01 61 03", "subscription options" },
	{ 5, "82 07 00 01 00 00 01 61 30", "subscription options" },
	{ 4, "90 03 00 01 03", "reason code" },
	{ 4, "10 10 00 04 4d 51 54 54 04 03 00 3c 00 04 64 65 76 31", "reserved connect flag" },
	{ 4, "10 10 00 04 4d 51 54 54 04 0a 00 3c 00 04 64 65 76 31", "without a will" },
	{ 4, "10 10 00 04 4d 51 54 54 03 02 00 3c 00 04 64 65 76 31", "do not fit" },
};

static packet_t *decode_hex(const char *hex, uint8_t version, buf_t *wire, const char **ret_why)
{
	value_hex(bytes_of(hex), wire, NULL);
	if (packet_frame(buf_bytes(wire)) != (int64_t)wire->len) {
		*ret_why = "the length does not fit: the vector is wrong";
		return NULL;
	}
	return packet_decode(buf_bytes(wire), version, ret_why);
}

static void test_good(size_t i)
{
	buf_t wire = { 0 }, text = { 0 }, again = { 0 };
	const char *why = "";
	packet_t *p = decode_hex(good[i].hex, good[i].version, &wire, &why);

	if (p) {
		packet_show(p, &text);
		p->level = p->level ? p->level : p->version;
		packet_encode(p, &again);
	}
	check(p && bytes_is(buf_bytes(&text), good[i].text), "decodes", good[i].hex);
	if (!p || !bytes_is(buf_bytes(&text), good[i].text))
		printf("# %s%.*s\n# %s\n", why, BYTES_ARG(buf_bytes(&text)), good[i].text);
	/* the two-byte form of an empty property list is not the shortest, and DUP on PUBREL is not kept */
	if (strcmp(good[i].hex, "62 04 00 07 92 00") && strcmp(good[i].hex, "6a 02 00 07"))
		check(bytes_equal(buf_bytes(&wire), buf_bytes(&again)), "encodes back", good[i].hex);
	packet_destroy(p);
	buf_free(&wire);
	buf_free(&text);
	buf_free(&again);
}

static void test_bad(size_t i)
{
	buf_t wire = { 0 };
	const char *why = "";
	packet_t *p = decode_hex(bad[i].hex, bad[i].version, &wire, &why);

	check(!p && strstr(why, bad[i].why), "refuses", bad[i].hex);
	if (!p && !strstr(why, bad[i].why))
		printf("# %s\n", why);
	packet_destroy(p);
	buf_free(&wire);
}

/* --- properties: each in each packet ------------------------------------------------------------------------------ */

static packet_t *packet_with(packet_type_t place, const prop_rule_t *rule)
{
	packet_t *p = packet_new(place == WILL ? CONNECT : place, 5);
	prop_t prop = { rule, 1, rule->kind < STRING ? (bytes_t){ 0 } : bytes_of("x"), { 0 } };

	if (rule->kind == PAIR)
		prop.value = bytes_of("y");
	p->id = 1;
	p->topic = p->client_id = p->will_topic = bytes_of("t");
	p->protocol_name = bytes_of("MQTT");
	p->level = 5;
	p->has_will = place == WILL;
	p->filters = arena_alloc(&p->arena, sizeof(filter_t));
	p->filters[0].topic = bytes_of("f");
	p->filter_count = 1;
	p->codes = (bytes_t){ "", 1 };
	packet_add_prop(p, place == WILL ? &p->will_props : &p->props, prop);
	return p;
}

/* Returns: whether what goes out comes back if it is allowed, and is refused if it is not. */
static bool prop_survives(packet_type_t place, const prop_rule_t *rule)
{
	packet_t *out = packet_with(place, rule), *back;
	bool allowed = rule->packets & IN(place), ok;
	const char *why = "";
	buf_t wire = { 0 };
	props_t *props;

	packet_encode(out, &wire);
	back = packet_decode(buf_bytes(&wire), 5, &why);
	ok = allowed == (back != NULL);
	if (back) {
		props = place == WILL ? &back->will_props : &back->props;
		ok = ok && props->count == 1 && props->at[0].rule == rule &&
		     (rule->kind < STRING ? props->at[0].number == 1 : bytes_is(props->at[0].text, "x")) &&
		     (rule->kind != PAIR || bytes_is(props->at[0].value, "y"));
	}
	packet_destroy(out);
	packet_destroy(back);
	buf_free(&wire);
	return ok;
}

static void test_props(void)
{
	size_t known = 0;

	for (int code = 0; code < 256; code++) {
		const prop_rule_t *rule = prop_by_code((uint8_t)code);
		bool ok = true;

		if (!rule)
			continue;
		known++;
		for (int place = WILL; place <= AUTH; place++)
			if (place != PINGREQ && place != PINGRESP)
				ok &= prop_survives((packet_type_t)place, rule);
		check(ok, "where it may stand and nowhere else:", rule->name);
	}
	check(known == 27, "knows all 27 properties", "");
}

/* --- truncations -------------------------------------------------------------------------------------------------- */

/* Every prefix of every body, with a Remaining Length that fits it, is decoded or refused; the sanitizers judge. */
static void test_truncations(void)
{
	size_t tried = 0;

	for (size_t i = 0; i < PARLEY_COUNT(good); i++) {
		buf_t wire = { 0 };

		value_hex(bytes_of(good[i].hex), &wire, NULL);
		for (size_t n = 2; n < wire.len; n++) {
			buf_t part = { 0 };
			const char *why = NULL;
			packet_t *p;

			buf_add_byte(&part, (uint8_t)wire.at[0]);
			buf_add_byte(&part, (unsigned)n - 2);
			buf_add(&part, wire.at + 2, n - 2);
			p = packet_decode(buf_bytes(&part), good[i].version, &why);
			tried += p || why;
			packet_destroy(p);
			buf_free(&part);
		}
		buf_free(&wire);
	}
	check(tried > 200, "truncations are decoded or refused", "");
}

static void test_frames(void)
{
	check(packet_frame((bytes_t){ "\x30", 1 }) == 0, "a lone byte is not yet a packet", "");
	check(packet_frame((bytes_t){ "\x30\x80", 2 }) == 0, "an unfinished length is not yet a packet", "");
	check(packet_frame((bytes_t){ "\x30\x02\x00", 3 }) == 0, "an unfinished body is not yet a packet", "");
	check(packet_frame((bytes_t){ "\xc0\x00\xc0", 3 }) == 2, "a packet ends where it says", "");
	check(packet_frame((bytes_t){ "\x30\xff\xff\xff\xff\x01", 6 }) == -1, "five bytes of length are malformed", "");
}

static void test_large(void)
{
	packet_t *out = packet_new(PUBLISH, 5), *back;
	const char *why = NULL;
	buf_t wire = { 0 };

	out->topic = bytes_of("big");
	out->payload = (bytes_t){ arena_alloc(&out->arena, 300000), 300000 };
	packet_encode(out, &wire);
	check(packet_frame(buf_bytes(&wire)) == (int64_t)wire.len, "a three-byte length", "");
	back = packet_decode(buf_bytes(&wire), 5, &why);
	check(back && back->payload.len == 300000 && back->length == wire.len - 4, "a large payload comes back", "");
	packet_destroy(out);
	packet_destroy(back);
	buf_free(&wire);
}

int main(void)
{
	for (size_t i = 0; i < PARLEY_COUNT(good); i++)
		test_good(i);
	for (size_t i = 0; i < PARLEY_COUNT(bad); i++)
		test_bad(i);
	test_props();
	test_truncations();
	test_frames();
	test_large();
	printf("1..%d\n", number);
	return failures != 0;
}
