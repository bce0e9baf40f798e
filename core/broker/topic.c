/* topic.c — names and filters as bytes: valid, matching, split into levels.
 *
 * Everything is one pass over the bytes without allocation. The router does not use ln_filter_matches (it walks its tree); it serves
 * the retained store, rules and tests.
 */
#include <linnet/topic.h>

bool ln_topic_valid(ln_slice_t name)
{
	if (name.len == 0 || name.len > LN_TOPIC_MAX)
		return false;
	if (memchr(name.data, '+', name.len) || memchr(name.data, '#', name.len))
		return false;
	return ln_utf8_check(name) < LN_UTF8_NUL;
}

bool ln_filter_valid(ln_slice_t filter)
{
	ln_levels_t levels = ln_levels(filter);
	ln_slice_t level;

	if (filter.len == 0 || filter.len > LN_TOPIC_MAX || ln_utf8_check(filter) >= LN_UTF8_NUL)
		return false;
	while (ln_levels_next(&levels, &level)) {
		if (level.len == 0)
			continue;
		if (memchr(level.data, '#', level.len) && (level.len > 1 || levels.more))
			return false;
		if (memchr(level.data, '+', level.len) && level.len > 1)
			return false;
	}
	return true;
}

bool ln_filter_wild(ln_slice_t filter)
{
	return memchr(filter.data, '+', filter.len) || memchr(filter.data, '#', filter.len);
}

bool ln_levels_next(ln_levels_t *l, ln_slice_t *ret_level)
{
	const uint8_t *slash;

	if (!l->more)
		return false;
	slash = l->rest.len ? memchr(l->rest.data, '/', l->rest.len) : NULL;
	if (!slash) {
		*ret_level = l->rest;
		l->more = false;
		return true;
	}
	*ret_level = ln_slice(l->rest.data, (size_t)(slash - l->rest.data));
	l->rest = ln_slice(slash + 1, l->rest.len - ret_level->len - 1);
	return true;
}

unsigned ln_topic_levels(ln_slice_t s)
{
	unsigned n = 1;

	for (size_t i = 0; i < s.len; i++)
		n += s.data[i] == '/';
	return n;
}

static bool is_char(ln_slice_t level, char c)
{
	return level.len == 1 && level.data[0] == (uint8_t)c;
}

bool ln_filter_matches(ln_slice_t filter, ln_slice_t name)
{
	ln_levels_t f = ln_levels(filter), n = ln_levels(name);
	ln_slice_t want, have;

	if (name.len && name.data[0] == '$' && filter.len && (filter.data[0] == '+' || filter.data[0] == '#'))
		return false;
	while (ln_levels_next(&f, &want)) {
		if (is_char(want, '#'))
			return true;
		if (!ln_levels_next(&n, &have))
			return false;
		if (!is_char(want, '+') && !ln_slice_eq(want, have))
			return false;
	}
	return !n.more;
}

ln_result_t ln_filter_split_shared(ln_slice_t spec, ln_slice_t *ret_group, ln_slice_t *ret_filter)
{
	const ln_slice_t head = LN_STR("$share/");
	ln_slice_t rest, group;
	const uint8_t *slash;

	if (!ln_slice_starts(spec, head)) {
		if (ln_slice_eq(spec, LN_STR("$share")))
			return LN_MALFORMED;
		return LN_NOT_FOUND;
	}
	rest = ln_slice(spec.data + head.len, spec.len - head.len);
	slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
	if (!slash)
		return LN_MALFORMED;
	group = ln_slice(rest.data, (size_t)(slash - rest.data));
	if (group.len == 0 || ln_filter_wild(group) || group.len + 1 == rest.len)
		return LN_MALFORMED;
	*ret_group = group;
	*ret_filter = ln_slice(slash + 1, rest.len - group.len - 1);
	return LN_OK;
}
