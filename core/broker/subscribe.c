/* subscribe.c — what a session subscribes to, and the retained messages that follow.
 *
 * Subscriptions stand in an array; a session with many of them has an index by filter as well, so a gateway with 100,000 filters
 * subscribes as quickly as a lamp with one.
 */
#include <linnet/topic.h>
#include "sessions.h"

#define INDEX_FROM 16u

typedef struct sub_key {
	ln_slice_t filter, group;
} sub_key_t;

static bool sub_is(const void *item, const void *key)
{
	const sub_key_t *k = key;

	return ln_sub_is(item, k->filter, k->group);
}

static uint64_t hash_of(const ln_sub_t *sub)
{
	ln_slice_t group = sub->group ? ln_slice(sub->group->name, sub->group->name_len) : LN_STR("");

	return ln_sub_hash(ln_slice(sub->filter->text, sub->filter->len), group);
}

static ln_sub_t *find(const ln_session_t *s, const sub_key_t *key)
{
	if (s->sub_index)
		return ln_table_find(s->sub_index, ln_sub_hash(key->filter, key->group), key);
	for (uint32_t i = 0; i < s->sub_count; i++) {
		if (sub_is(s->subs[i], key))
			return s->subs[i];
	}
	return NULL;
}

static void make_index(ln_session_t *s)
{
	s->sub_index = ln_new(ln_table_t);
	s->sub_index->eq = sub_is;
	for (uint32_t i = 0; i < s->sub_count; i++)
		ln_table_insert(s->sub_index, hash_of(s->subs[i]), s->subs[i]);
}

static void add(ln_session_t *s, ln_sub_t *sub)
{
	if (s->sub_count == s->sub_cap) {
		s->sub_cap = s->sub_cap ? s->sub_cap * 2 : 1;
		s->subs = ln_realloc(s->subs, sizeof(*s->subs) * s->sub_cap);
	}
	sub->slot = s->sub_count;
	s->subs[s->sub_count++] = sub;
	if (s->sub_index)
		ln_table_insert(s->sub_index, hash_of(sub), sub);
	else if (s->sub_count > INDEX_FROM)
		make_index(s);
	ln__session_count(s, STAT_SUBSCRIPTIONS, 1);
}

void ln__replay_end(ln__replay_t *r)
{
	r->sub->replay = NULL;
	ln_list_remove(&r->node);
	ln_retain_cursor_fini(&r->cursor);
	ln_free(r);
}

static void drop(ln_session_t *s, ln_sub_t *sub)
{
	if (sub->replay)
		ln__replay_end(sub->replay);
	if (s->sub_index) {
		sub_key_t key = { ln_slice(sub->filter->text, sub->filter->len), LN_STR("") };

		if (sub->group)
			key.group = ln_slice(sub->group->name, sub->group->name_len);
		ln_table_remove(s->sub_index, hash_of(sub), &key);
	}
	s->subs[sub->slot] = s->subs[--s->sub_count];
	s->subs[sub->slot]->slot = sub->slot;
	ln_router_unsubscribe(sub);
	ln_stat_sub(ln__session_worker(s), ln__routes.stat + STAT_SUBSCRIPTIONS, 1);
	if (s->sub_count)
		return;
	ln_free(s->subs);
	s->subs = NULL;
	s->sub_cap = 0;
}

void ln__session_drop_subs(ln_session_t *s)
{
	while (s->sub_count)
		drop(s, s->subs[s->sub_count - 1]);
	if (s->sub_index) {
		ln_table_fini(s->sub_index);
		ln_free(s->sub_index);
		s->sub_index = NULL;
	}
}

/* SUB has OPTIONS now. ANEW: its retained messages come from the beginning, in place of those still to come of an earlier replay; else one
 * that is under way goes on. */
static void set_replay(ln_session_t *s, ln_sub_t *sub, ln_slice_t filter, ln_sub_options_t options, bool anew)
{
	ln__replay_t *r = sub->replay;

	if (r && anew)
		ln__replay_end(r);
	if (anew) {
		r = ln_new(ln__replay_t);
		r->sub = sub;
		sub->replay = r;
		ln_retain_cursor_init(&r->cursor, filter);
		ln_list_append(&s->replays, &r->node);
	}
	if (r)
		r->options = options;
}

/* Splits and checks SPEC. */
static ln_result_t read_spec(ln_slice_t spec, sub_key_t *ret_key)
{
	sub_key_t key = { spec, LN_STR("") };

	if (ln_filter_split_shared(spec, &key.group, &key.filter) == LN_MALFORMED || !ln_filter_valid(key.filter))
		return LN_MALFORMED;
	*ret_key = key;
	return LN_OK;
}

static bool full(const ln_session_t *s)
{
	uint32_t max = ln__session_limits(s)->subscriptions_max;

	return (max && s->sub_count >= max) || (s->sub_max && s->sub_count >= s->sub_max);
}

ln_result_t ln_session_subscribe(ln_session_t *s, ln_slice_t spec, ln_sub_options_t options, ln_replay_t replay)
{
	sub_key_t key;
	ln_sub_t *sub;
	bool again;

	if (read_spec(spec, &key) != LN_OK)
		return LN_MALFORMED;
	sub = find(s, &key);
	again = sub != NULL;
	if (again) {
		ln_router_change(sub, options);
	} else {
		if (full(s))
			return LN_LIMIT;
		if (ln_router_subscribe(&s->sink, key.filter, key.group, options, &sub) != LN_OK)
			return LN_LIMIT;
		add(s, sub);
	}
	if (key.group.len == 0)
		set_replay(s, sub, key.filter, options, replay == LN_REPLAY_ALWAYS || (replay == LN_REPLAY_NEW && !again));
	return LN_OK;
}

ln_result_t ln_session_unsubscribe(ln_session_t *s, ln_slice_t spec)
{
	sub_key_t key;
	ln_sub_t *sub = NULL;

	if (read_spec(spec, &key) == LN_OK)
		sub = find(s, &key);
	if (!sub)
		return LN_NOT_FOUND;
	drop(s, sub);
	return LN_OK;
}
