/* topic.h — topic names and filters: levels split by '/', '+' one level, '#' the rest.
 *
 * A topic name is 1 to 65535 bytes of UTF-8 without U+0000, '+' and '#'. In a filter '+' and '#' stand alone in their level, '#' in the last
 * one. A filter that begins with a wildcard does not match names that begin with '$'. "$share/GROUP/FILTER" names a shared
 * subscription. Thread: any.
 */
#ifndef LINNET_TOPIC_H
#define LINNET_TOPIC_H

#include <linnet/result.h>
#include <linnet/str.h>

#define LN_TOPIC_MAX 65535

/* Is NAME a topic name to publish to? */
bool ln_topic_valid(ln_slice_t name);
/* Is FILTER a filter to subscribe to (without $share/)? */
bool ln_filter_valid(ln_slice_t filter);
/* Does FILTER hold a wildcard? Requires: valid. */
bool ln_filter_wild(ln_slice_t filter);
/* Does FILTER match NAME? Requires: both valid. */
bool ln_filter_matches(ln_slice_t filter, ln_slice_t name);
/* Number of levels. */
unsigned ln_topic_levels(ln_slice_t s);
/* Takes the first level off *REST; returns false when there is none left. Start with *rest = the whole, and *first = true. */
typedef struct ln_levels {
	ln_slice_t rest;
	bool more;
} ln_levels_t;
static inline ln_levels_t ln_levels(ln_slice_t s)
{
	return (ln_levels_t){ s, true };
}
bool ln_levels_next(ln_levels_t *l, ln_slice_t *ret_level);

/* Splits "$share/GROUP/FILTER". Returns LN_NOT_FOUND when SPEC is no shared subscription, LN_MALFORMED when it is a broken one (group
 * empty or with wildcards, no filter), LN_OK and both parts otherwise. The filter's own validity is not checked. */
ln_result_t LN_MUST_USE ln_filter_split_shared(ln_slice_t spec, ln_slice_t *ret_group, ln_slice_t *ret_filter);

#endif
