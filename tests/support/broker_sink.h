/* broker_sink.h — sinks that count, for tests of the router alone. */
#ifndef TESTS_SUPPORT_BROKER_SINK_H
#define TESTS_SUPPORT_BROKER_SINK_H

#include "broker.h"

typedef struct sink {
	ln_sink_t sink;                                          /* first */
	unsigned got;                                            /* messages */
	unsigned last;                                           /* number in the last payload, if it was one */
	bool in_order;                                           /* every number was larger than the one before */
	uint8_t qos, flags;                                      /* of the last target */
	uint32_t subs;                                           /* that matched last */
	void (*also)(struct sink *, ln_msg_t *);                 /* NULL; called inside the delivery */
} sink_t;

void sink_init(sink_t *s, unsigned home);
/* Becomes S's home worker and subscribes. GROUP may be NULL. */
ln_sub_t *sink_subscribe(sink_t *s, const char *filter, const char *group, uint8_t qos);
void sink_unsubscribe(sink_t *s, ln_sub_t *sub);
/* Got exactly so many since the last question? */
bool sink_got(sink_t *s, unsigned n);

#endif
