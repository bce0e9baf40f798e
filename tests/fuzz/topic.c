/* topic.c — libFuzzer's entry to topic names and filters.
 *
 * Input: a byte for the filter's length, the filter, the name. Whether each is valid, how many levels it has and whether they
 * match is asked of the broker and of a slow reading of the standard's section 4.7, one byte at a time; they must agree.
 * Seeds: topic_seeds.c.
 */
#include <stdlib.h>
#include <string.h>
#include <linnet/topic.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond) ((cond) ? (void)0 : abort())

static bool at_edge(ln_slice_t s, size_t i)
{
	return i == s.len || s.data[i] == '/';
}

static bool slow_valid(ln_slice_t s, bool wild)
{
	bool valid = s.len > 0 && ln_utf8_check(s) < LN_UTF8_NUL;

	for (size_t i = 0; i < s.len; i++) {
		bool alone = (i == 0 || s.data[i - 1] == '/') && at_edge(s, i + 1);

		if (s.data[i] == '+')
			valid = valid && wild && alone;
		else if (s.data[i] == '#')
			valid = valid && wild && alone && i + 1 == s.len;
	}
	return valid;
}

/* Does the filter from F on match the name from N on? Both stand at the beginning of a level. */
static bool slow_match(ln_slice_t f, size_t i, ln_slice_t n, size_t k)
{
	for (;;) {
		if (i < f.len && f.data[i] == '#')
			return true;
		if (i < f.len && f.data[i] == '+') {
			i++;
			while (!at_edge(n, k))
				k++;
		}
		while (!at_edge(f, i) && !at_edge(n, k) && f.data[i] == n.data[k])
			i++, k++;
		if (!at_edge(f, i) || !at_edge(n, k))
			return false;
		if (k == n.len)		/* "a/#" matches "a" too */
			return i == f.len || (i + 2 == f.len && f.data[i + 1] == '#');
		if (i == f.len)
			return false;
		i++, k++;
	}
}

static void check_levels(ln_slice_t s)
{
	ln_levels_t levels = ln_levels(s);
	ln_slice_t level;
	unsigned count = 0;
	size_t bytes = 0;

	while (ln_levels_next(&levels, &level)) {
		count++;
		bytes += level.len;
		MUST(level.len == 0 || !memchr(level.data, '/', level.len));
	}
	MUST(count == ln_topic_levels(s) && bytes + count - 1 == s.len);
}

static void check_shared(ln_slice_t spec)
{
	ln_slice_t group, filter;

	if (ln_filter_split_shared(spec, &group, &filter) != LN_OK)
		return;
	MUST(ln_slice_starts(spec, LN_STR("$share/")) && group.len > 0 && filter.len > 0);
	MUST(group.len + filter.len + 8 == spec.len && !memchr(group.data, '/', group.len) && !ln_filter_wild(group));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size ? data[0] : 0;
	uint8_t *copy;
	ln_slice_t filter, name;

	if (size < 1 || len > size - 1)
		return 0;
	copy = malloc(size);
	MUST(copy);
	memcpy(copy, data, size);
	filter = ln_slice(copy + 1, len);
	name = ln_slice(copy + 1 + len, size - 1 - len);
	MUST(ln_filter_valid(filter) == slow_valid(filter, true));
	MUST(ln_topic_valid(name) == (slow_valid(name, false) && name.len <= LN_TOPIC_MAX));
	check_levels(filter);
	check_levels(name);
	check_shared(filter);
	if (ln_filter_valid(filter) && ln_topic_valid(name)) {
		bool hidden = name.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#');

		MUST(ln_filter_matches(filter, name) == (!hidden && slow_match(filter, 0, name, 0)));
	}
	free(copy);
	return 0;
}
