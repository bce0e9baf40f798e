/* broker_sink.c — see broker_sink.h. */
#include <check.h>
#include "broker_sink.h"

#define SINK_MAGIC 0x51d51d01u

static void on_message(ln_sink_t *sink, ln_msg_t *m, const ln_target_t *target, ln_sub_t *const *subs)
{
	sink_t *s = (sink_t *)sink;
	uint64_t n;

	ck_assert_uint_eq(sink->magic, SINK_MAGIC);
	ck_assert_uint_eq(sink->home, ln_worker_self()->index);
	ck_assert_ptr_eq(target->sink, sink);
	ck_assert_ptr_eq(target->sub, subs[0]);
	if (ln_parse_u64(ln_msg_payload(m), UINT32_MAX, &n)) {
		s->in_order &= s->got == 0 || n > s->last;
		s->last = (unsigned)n;
	}
	s->got++;
	s->qos = target->qos;
	s->flags = target->flags;
	s->subs = target->count;
	if (s->also)
		s->also(s, m);
}

static const ln_sink_ops_t ops = { "test", on_message };

void sink_init(sink_t *s, unsigned home)
{
	*s = (sink_t){ .sink = { .magic = SINK_MAGIC, .home = (uint16_t)home, .ready = true, .ops = &ops }, .in_order = true };
}

ln_sub_t *sink_subscribe(sink_t *s, const char *filter, const char *group, uint8_t qos)
{
	ln_sub_t *sub = NULL;

	broker_as(s->sink.home);
	ck_assert_int_eq(ln_router_subscribe(&s->sink, ln_slice_of(filter), ln_slice_of(group), (ln_sub_options_t){ .qos = qos }, &sub),
	                 LN_OK);
	return sub;
}

void sink_unsubscribe(sink_t *s, ln_sub_t *sub)
{
	broker_as(s->sink.home);
	ln_router_unsubscribe(sub);
}

bool sink_got(sink_t *s, unsigned n)
{
	bool right = s->got == n;

	s->got = 0;
	return right;
}
