/* show.c — packets and bytes in a form people read: for -v and for reports of failures. */
#include "packet.h"

#include <ctype.h>
#include <string.h>

void show_text(buf_t *out, bytes_t text, size_t limit)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < text.len && i < limit; i++) {
		uint8_t c = (uint8_t)text.at[i];

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c == '\n')
			buf_addf(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_add_byte(out, c);
	}
	buf_add_byte(out, '"');
	if (text.len > limit)
		buf_addf(out, "... (%zu bytes)", text.len);
}

void show_hex(buf_t *out, bytes_t bytes, size_t limit)
{
	for (size_t i = 0; i < bytes.len && i < limit; i++)
		buf_addf(out, "%s%02x", i ? " " : "", (uint8_t)bytes.at[i]);
	if (bytes.len > limit)
		buf_addf(out, " ... (%zu bytes)", bytes.len);
}

static void show_field(buf_t *out, const char *name, bytes_t text)
{
	buf_addf(out, " %s=", name);
	show_text(out, text, 80);
}

static void show_props(buf_t *out, const char *label, const props_t *props)
{
	if (!props->count)
		return;
	buf_addf(out, " %s{", label);
	for (size_t i = 0; i < props->count; i++) {
		const prop_t *p = &props->at[i];

		buf_addf(out, "%s%s=", i ? " " : "", p->rule->name);
		if (p->rule->kind < STRING)
			buf_addf(out, "%u", p->number);
		else
			show_text(out, p->text, 80);
		if (p->rule->kind == PAIR) {
			buf_add_byte(out, ':');
			show_text(out, p->value, 80);
		}
	}
	buf_add_byte(out, '}');
}

static void show_connect(buf_t *out, const packet_t *p)
{
	buf_addf(out, " level=%u", p->level);
	show_field(out, "id", p->client_id);
	buf_addf(out, "%s keep-alive=%u", p->clean ? " clean" : "", p->keep_alive);
	if (p->has_user)
		show_field(out, "user", p->user);
	if (p->has_password)
		show_field(out, "password", p->password);
	if (!p->has_will)
		return;
	show_field(out, "will-topic", p->will_topic);
	show_field(out, "will-payload", p->will_payload);
	buf_addf(out, " will-qos=%u%s", p->will_qos, p->will_retain ? " will-retain" : "");
	show_props(out, "will-", &p->will_props);
}

static void show_publish(buf_t *out, const packet_t *p)
{
	show_field(out, "topic", p->topic);
	buf_addf(out, " qos=%u%s%s size=%zu", p->qos, p->retain ? " retain" : "", p->dup ? " dup" : "", p->payload.len);
	show_field(out, "payload", p->payload);
}

static void show_reason(buf_t *out, const packet_t *p, uint8_t code)
{
	const char *name = reason_name(p->version, p->type, code);

	buf_addf(out, code < 10 ? " %u" : " 0x%02x", code);
	if (name)
		buf_addf(out, "(%s)", name);
}

static void show_filters(buf_t *out, const packet_t *p)
{
	for (size_t i = 0; i < p->filter_count; i++) {
		buf_add_byte(out, ' ');
		show_text(out, p->filters[i].topic, 80);
		if (p->type == SUBSCRIBE)
			buf_addf(out, ":0x%02x", p->filters[i].options);
	}
}

static void show_body(buf_t *out, const packet_t *p)
{
	switch (p->type) {
	case CONNECT: show_connect(out, p); break;
	case CONNACK:
		show_reason(out, p, p->reason);
		buf_addf(out, " session-present=%d", p->session_present);
		break;
	case PUBLISH: show_publish(out, p); break;
	case PUBACK:
	case PUBREC:
	case PUBREL:
	case PUBCOMP:
	case DISCONNECT:
	case AUTH:
		if (p->version == 5)
			show_reason(out, p, p->reason);
		break;
	case SUBSCRIBE:
	case UNSUBSCRIBE: show_filters(out, p); break;
	case SUBACK:
	case UNSUBACK:
		for (size_t i = 0; i < p->codes.len; i++)
			show_reason(out, p, (uint8_t)p->codes.at[i]);
		break;
	}
}

void packet_show(const packet_t *packet, buf_t *out)
{
	for (const char *c = packet_name(packet->type); *c; c++)
		buf_add_byte(out, (unsigned)toupper(*c));
	if (packet->id)
		buf_addf(out, " id=%u", packet->id);
	show_body(out, packet);
	show_props(out, "", &packet->props);
}
