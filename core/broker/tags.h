/* tags.h — a set of packet identifiers: QoS 2 messages on the way in. An empty one, zeroed, has no memory. Single-threaded. */
#ifndef LN_BROKER_TAGS_H
#define LN_BROKER_TAGS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ln__tags {
	void *room;               /* uint16_t[cap], or the bitmap when cap is 65536 */
	uint32_t count, cap;
} ln__tags_t;

void ln__tags_fini(ln__tags_t *t);
bool ln__tags_has(const ln__tags_t *t, uint16_t tag);
/* False: it is there already, or was not there. */
bool ln__tags_add(ln__tags_t *t, uint16_t tag);
bool ln__tags_remove(ln__tags_t *t, uint16_t tag);

#endif
