/* retain.c — the ordered map of retained messages: a skip list, one lock, cursors that remember a topic.
 *
 * Topics are ordered byte by byte with '/' before everything else, so all that lies below a level is one range, and a filter is answered by leaping:
 * from a topic that does not match the cursor seeks to the next one that could. "+/x" over a million topics touches a few per first level.
 * A node costs its message, a pointer and a third on average.
 *
 * What was not done: a tree of levels (a cursor would have to survive the removal of its place) and a lock per part (no need seen yet).
 */
#include <pthread.h>
#include <linnet/hash.h>
#include <linnet/retain.h>
#include <linnet/topic.h>

#define HEIGHT_MAX 16u

typedef struct node {
	ln_msg_t *msg;
	uint64_t stored;          /* wall ms */
	uint32_t height;
	struct node *next[];
} node_t;

static struct {
	pthread_mutex_t lock;
	node_t *head[HEIGHT_MAX]; /* as a node's next */
	uint64_t count, bytes, random;
	ln_retain_limits_t limits;
} retain = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* '/' first, then the bytes as they are. */
static int compare(ln_slice_t a, ln_slice_t b)
{
	size_t n = a.len < b.len ? a.len : b.len, i = 0;

	while (i + 8 <= n && memcmp(a.data + i, b.data + i, 8) == 0)
		i += 8;
	while (i < n && a.data[i] == b.data[i])
		i++;
	if (i == n)
		return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
	if (a.data[i] == '/' || b.data[i] == '/')
		return a.data[i] == '/' ? -1 : 1;
	return a.data[i] < b.data[i] ? -1 : 1;
}

static ln_slice_t topic_of(const node_t *n)
{
	return ln_slice(n->msg->at.bytes, n->msg->topic_len);
}

/* The first node whose topic is at least KEY; LINKS (may be NULL) gets what points there at every height. */
static node_t *seek(ln_slice_t key, node_t **links[HEIGHT_MAX])
{
	node_t **row = retain.head;

	for (unsigned h = HEIGHT_MAX; h-- > 0;) {
		while (row[h] && compare(topic_of(row[h]), key) < 0)
			row = row[h]->next;
		if (links)
			links[h] = &row[h];
	}
	return row[0];
}

static uint32_t draw_height(void)
{
	uint32_t h = 1;

	retain.random = retain.random * 6364136223846793005u + 1442695040888963407u;
	for (uint64_t bits = retain.random >> 33; h < HEIGHT_MAX && (bits & 3) == 0; bits >>= 2)
		h++;
	return h;
}

static void unlink_node(node_t *n, node_t **links[HEIGHT_MAX])
{
	for (uint32_t h = 0; h < n->height; h++)
		*links[h] = n->next[h];
	retain.count--;
	retain.bytes -= ln_msg_size(n->msg);
	ln_msg_unref(n->msg);
	ln_free(n);
}

static ln_result_t link_node(ln_msg_t *m, uint64_t wall, node_t **links[HEIGHT_MAX])
{
	uint32_t height = draw_height();
	node_t *n = ln_try_alloc(sizeof(*n) + height * sizeof(n->next[0]), NULL);

	if (!n) {
		ln_msg_unref(m);
		return LN_NO_MEMORY;
	}
	*n = (node_t){ .msg = m, .stored = wall, .height = height };
	for (uint32_t h = 0; h < height; h++) {
		n->next[h] = *links[h];
		*links[h] = n;
	}
	retain.count++;
	retain.bytes += ln_msg_size(m);
	return LN_OK;
}

static bool fits(uint64_t count, uint64_t bytes)
{
	return (!retain.limits.count || count <= retain.limits.count) && (!retain.limits.bytes || bytes <= retain.limits.bytes);
}

/* Takes M. */
static ln_result_t put(ln_msg_t *m, uint64_t wall)
{
	node_t **links[HEIGHT_MAX];
	ln_slice_t topic = ln_msg_topic(m);
	node_t *n = seek(topic, links);
	bool there = n && ln_slice_eq(topic_of(n), topic);
	size_t size = ln_msg_size(m), old = there ? ln_msg_size(n->msg) : 0;

	if (!fits(retain.count + !there, retain.bytes - old + size)) {
		ln_msg_unref(m);
		return LN_LIMIT;
	}
	if (!there)
		return link_node(m, wall, links);
	retain.bytes += size - old;
	ln_msg_unref(n->msg);
	n->msg = m;
	n->stored = wall;
	return LN_OK;
}

static void erase(ln_slice_t topic)
{
	node_t **links[HEIGHT_MAX];
	node_t *n = seek(topic, links);

	if (n && ln_slice_eq(topic_of(n), topic))
		unlink_node(n, links);
}

ln_result_t ln_retain_store(ln_worker_t *w, ln_msg_t *m)
{
	ln_result_t result = LN_OK;
	ln_msg_t *held = NULL;

	if (m->payload_len) {
		held = ln_msg_hold(m);
		if (!held)
			return LN_NO_MEMORY;
		ln_msg_share(held);
	}
	pthread_mutex_lock(&retain.lock);
	if (held)
		result = put(held, w->wall);
	else
		erase(ln_msg_topic(m));
	pthread_mutex_unlock(&retain.lock);
	return result;
}

void ln_retain_init(void)
{
	retain.random = ln_hash(LN_STR("retain"));
}

void ln_retain_fini(void)
{
	node_t **links[HEIGHT_MAX];

	while (retain.head[0]) {
		for (unsigned h = 0; h < HEIGHT_MAX; h++)
			links[h] = &retain.head[h];
		unlink_node(retain.head[0], links);
	}
}

void ln_retain_set_limits(ln_retain_limits_t limits)
{
	pthread_mutex_lock(&retain.lock);
	retain.limits = limits;
	pthread_mutex_unlock(&retain.lock);
}

void ln_retain_count(uint64_t *ret_count, uint64_t *ret_bytes)
{
	pthread_mutex_lock(&retain.lock);
	*ret_count = retain.count;
	*ret_bytes = retain.bytes;
	pthread_mutex_unlock(&retain.lock);
}

/* --- cursors --------------------------------------------------------------------------------------------------------------------- */

/* Where a walk stands: the smallest topic that may come next. */
static void stand_at(ln_retain_cursor_t *c, ln_slice_t topic, const char *end, size_t end_len)
{
	char *last = ln_alloc(topic.len + end_len + 1);

	if (topic.len)
		memcpy(last, topic.data, topic.len);
	memcpy(last + topic.len, end, end_len);
	ln_free(c->last);
	c->last = last;
	c->last_len = (uint32_t)(topic.len + end_len);
}

void ln_retain_cursor_init(ln_retain_cursor_t *c, ln_slice_t filter)
{
	ln_slice_t head = filter;

	*c = (ln_retain_cursor_t){ .filter = ln_strndup((const char *)filter.data, filter.len), .filter_len = (uint32_t)filter.len };
	for (size_t i = 0; i < filter.len; i++) {
		if (filter.data[i] == '+' || filter.data[i] == '#') {
			head.len = i && filter.data[i] == '#' ? i - 1 : i;
			break;
		}
	}
	stand_at(c, head, "", 0);
}

void ln_retain_cursor_fini(ln_retain_cursor_t *c)
{
	ln_free(c->filter);
	ln_free(c->last);
	*c = (ln_retain_cursor_t){ .done = true };
}

void ln_retain_cursor_back(ln_retain_cursor_t *c, ln_slice_t topic)
{
	stand_at(c, topic, "", 0);
	c->done = false;
}

/* Past everything that begins with the first LEN bytes of TOPIC and goes on with '/': one above '/' in our order is the byte 1. */
static void leap_over(ln_retain_cursor_t *c, ln_slice_t topic, size_t len)
{
	stand_at(c, ln_slice(topic.data, len), "\x01", 1);
}

/* What matches_or_leap knows while it walks both. */
typedef struct leap {
	size_t at;                /* bytes of the topic compared so far, its levels' ends */
	size_t plus_end;          /* end of the topic's level under the last '+', 0: there was none */
	bool plus;
} leap_t;

/* A mismatch: the next candidate lies behind the topic's last level that stood under a '+'; without one there is none. */
static void leap_plus(ln_retain_cursor_t *c, ln_slice_t topic, const leap_t *l)
{
	if (l->plus)
		leap_over(c, topic, l->plus_end);
	else
		c->done = true;
}

/* Does the cursor's filter match TOPIC? If not, moves the cursor to the next topic that may. */
static bool matches_or_leap(ln_retain_cursor_t *c, ln_slice_t topic)
{
	ln_levels_t f = ln_levels(ln_slice(c->filter, c->filter_len)), t = ln_levels(topic);
	leap_t l = { 0 };
	ln_slice_t want, have;

	if (topic.data[0] == '$' && (c->filter[0] == '+' || c->filter[0] == '#')) {
		stand_at(c, LN_STR("%"), "", 0);
		return false;
	}
	while (ln_levels_next(&f, &want)) {
		size_t begin;

		if (want.len == 1 && want.data[0] == '#')
			return true;
		if (!ln_levels_next(&t, &have)) {
			stand_at(c, topic, "/", 1);
			return false;
		}
		begin = (size_t)(have.data - topic.data);
		if (have.len == 0)
			begin = l.at;
		l.at = begin + have.len + 1;
		if (want.len == 1 && want.data[0] == '+') {
			l.plus = true;
			l.plus_end = begin + have.len;
		} else if (!ln_slice_eq(want, have)) {
			if (compare(have, want) < 0) {
				ln_slice_t head = ln_slice(topic.data, begin);

				stand_at(c, head, (const char *)want.data, want.len);
			} else {
				leap_plus(c, topic, &l);
			}
			return false;
		}
	}
	if (!t.more)
		return true;
	leap_plus(c, topic, &l);
	return false;
}

static bool is_stale(const node_t *n, uint64_t wall)
{
	if (ln_msg_expired(n->msg, wall))
		return true;
	return retain.limits.age_ms && n->stored + retain.limits.age_ms <= wall;
}

/* One step of a walk under the lock; false at the end of the map. */
static bool step(ln_retain_cursor_t *c, ln_msg_t **ret, unsigned *n, uint64_t wall)
{
	node_t **links[HEIGHT_MAX];
	node_t *node = seek(ln_slice(c->last, c->last_len), links);
	ln_slice_t topic;

	if (!node) {
		c->done = true;
		return false;
	}
	topic = topic_of(node);
	if (is_stale(node, wall)) {
		unlink_node(node, links);
		return true;
	}
	if (!matches_or_leap(c, topic))
		return !c->done;
	ret[(*n)++] = ln_msg_hold(node->msg);
	/* The next in our order: TOPIC with '/' behind it is the smallest that is larger. */
	stand_at(c, topic, "/", 1);
	return true;
}

unsigned ln_retain_next(ln_retain_cursor_t *c, ln_msg_t **ret, unsigned max, uint64_t wall)
{
	unsigned n = 0;

	while (!c->done && n < max) {
		pthread_mutex_lock(&retain.lock);
		for (unsigned i = 0; i < 64 && n < max && step(c, ret, &n, wall); i++)
			;
		pthread_mutex_unlock(&retain.lock);
	}
	return n;
}
