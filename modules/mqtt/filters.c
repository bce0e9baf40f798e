/* filters.c — SUBSCRIBE and UNSUBSCRIBE read.
 *
 * Both are walked twice: first to judge all of the packet, then by the caller to act. So a broken packet has no
 * effect at all, and acting cannot fail half-way. A list made in the first walk would need memory; the second walk is
 * a length and a step.
 *
 * Whether a filter is one (wildcards in their places, $share/ complete) is not asked here: 5.0 answers that filter by
 * filter in SUBACK. The one exception is No Local on a shared subscription, which the text makes the packet's fault.
 */
#include "wire.h"

enum {
	OPTION_QOS = 0x03, OPTION_NO_LOCAL = 0x04, OPTION_AS_PUBLISHED = 0x08, OPTION_HANDLING = 0x30,
	OPTION_RESERVED = 0xc0
};

static ln_result_t check_options_5(uint8_t options, ln_slice_t filter, mqtt_fault_t *fault)
{
	if (options & OPTION_RESERVED)
		return mqtt_malformed(fault, "MQTT-3.8.3-5", "a reserved subscription option is set");
	if ((options & OPTION_QOS) == 3)
		return mqtt_forbidden(fault, NULL, "a subscription asks for QoS 3");
	if ((options & OPTION_HANDLING) == OPTION_HANDLING)
		return mqtt_forbidden(fault, NULL, "a subscription's retain handling is 3");
	if ((options & OPTION_NO_LOCAL) && ln_slice_starts(filter, LN_STR("$share/")))
		return mqtt_forbidden(fault, "MQTT-3.8.3-4", "a shared subscription has No Local");
	return LN_OK;
}

static ln_result_t check_options(uint8_t options, ln_slice_t filter, mqtt_dialect_t dialect, mqtt_fault_t *fault)
{
	if (dialect.version == 5)
		return check_options_5(options, filter, fault);
	if ((options & OPTION_QOS) == 3)
		return mqtt_malformed(fault, mqtt_statement(dialect.version, NULL, "MQTT-3.8.3-4"),
		                   "a subscription asks for QoS 3");
	if ((options & ~OPTION_QOS) && !(dialect.quirks & MQTT_QUIRK_UNUSED_BITS))
		return mqtt_malformed(fault, mqtt_statement(dialect.version, NULL, "MQTT-3.8.3-4"),
		                   "a reserved bit beside a subscription's QoS is set");
	return LN_OK;
}

/* One filter and, for SUBSCRIBE, its options. */
static ln_result_t check_filter(ln_reader_t *r, mqtt_type_t type, mqtt_dialect_t dialect, mqtt_fault_t *fault)
{
	ln_slice_t filter;
	uint8_t options;
	ln_result_t result = mqtt_string_read(r, dialect.version, &filter, fault);

	if (result != LN_OK || type == MQTT_UNSUBSCRIBE)
		return result;
	options = ln_read_u8(r);
	if (r->bad)
		return mqtt_malformed(fault, NULL, "the packet ends before a filter's options");
	return check_options(options, filter, dialect, fault);
}

static ln_result_t check_filters(mqtt_filters_t *f, mqtt_type_t type, mqtt_dialect_t dialect, mqtt_fault_t *fault)
{
	ln_reader_t r = f->rest;

	while (r.at < r.end) {
		ln_result_t result = check_filter(&r, type, dialect, fault);
		if (result != LN_OK)
			return result;
		f->count++;
	}
	if (f->count > 0 || (dialect.quirks & MQTT_QUIRK_NO_FILTERS))
		return LN_OK;
	if (type == MQTT_SUBSCRIBE)
		return mqtt_forbidden(fault, mqtt_statement(dialect.version, "MQTT-3.8.3-2", "MQTT-3.8.3-3"),
		                   "there is no filter to subscribe to");
	return mqtt_forbidden(fault, mqtt_either(dialect.version, "MQTT-3.10.3-2"),
	                   "there is no filter to unsubscribe from");
}

/* Packet identifier and properties. */
static ln_result_t read_head(ln_reader_t *r, mqtt_type_t type, mqtt_dialect_t dialect, mqtt_filters_t *f,
                             mqtt_fault_t *fault)
{
	mqtt_props_t props;
	ln_result_t result;

	f->packet_id = ln_read_u16(r);
	if (r->bad)
		return mqtt_malformed(fault, NULL, "the packet ends before its identifier");
	if (f->packet_id == 0 && !(dialect.quirks & MQTT_QUIRK_PACKET_ID_0))
		return mqtt_forbidden(fault, mqtt_statement(dialect.version, "MQTT-2.2.1-3", "MQTT-2.3.1-1"),
		                   "the packet identifier is 0");
	if (dialect.version < 5)
		return LN_OK;
	result = mqtt_props_read(r, type, NULL, NULL, &props, fault);
	if (result != LN_OK)
		return result;
	f->subscription_id = props.subscription_id;
	f->user = props.user;
	return LN_OK;
}

static ln_result_t open_filters(ln_slice_t body, mqtt_type_t type, mqtt_dialect_t dialect, mqtt_filters_t *ret,
                                mqtt_fault_t *fault)
{
	ln_reader_t r = ln_reader(body);
	ln_result_t result;

	*ret = (mqtt_filters_t){ .option_bits = dialect.version == 5 ? (uint8_t)~OPTION_RESERVED : OPTION_QOS };
	result = read_head(&r, type, dialect, ret, fault);
	ret->rest = r;
	return result == LN_OK ? check_filters(ret, type, dialect, fault) : result;
}

ln_result_t mqtt_subscribe_open(ln_slice_t body, mqtt_dialect_t dialect, mqtt_filters_t *ret, mqtt_fault_t *fault)
{
	return open_filters(body, MQTT_SUBSCRIBE, dialect, ret, fault);
}

ln_result_t mqtt_unsubscribe_open(ln_slice_t body, mqtt_dialect_t dialect, mqtt_filters_t *ret, mqtt_fault_t *fault)
{
	return open_filters(body, MQTT_UNSUBSCRIBE, dialect, ret, fault);
}

bool mqtt_unsubscribe_next(mqtt_filters_t *filters, ln_slice_t *ret_filter)
{
	ln_reader_t *r = &filters->rest;

	if (r->at == r->end)
		return false;
	*ret_filter = ln_read_bytes(r, ln_read_u16(r));
	return true;
}

bool mqtt_subscribe_next(mqtt_filters_t *filters, mqtt_subscription_t *ret)
{
	uint8_t options;

	if (!mqtt_unsubscribe_next(filters, &ret->filter))
		return false;
	options = ln_read_u8(&filters->rest) & filters->option_bits;
	ret->qos = options & OPTION_QOS;
	ret->no_local = (options & OPTION_NO_LOCAL) != 0;
	ret->retain_as_published = (options & OPTION_AS_PUBLISHED) != 0;
	ret->retain_handling = (options & OPTION_HANDLING) >> 4;
	return true;
}
