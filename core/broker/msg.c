/* msg.c — messages: borrowed while they pass, one allocation when they stay.
 *
 * The copy a borrowed message makes of itself is remembered in it, so that a fan-out to a thousand queues copies once. Counting is
 * plain until LN_MSG_SHARED; the flag is set by the thread that owns the message before another can see it, hence reading it needs no order.
 */
#include <linnet/msg.h>

ln_msg_t ln_msg_borrow(ln_slice_t topic, ln_slice_t props, ln_slice_t payload)
{
	return (ln_msg_t){
		.flags = LN_MSG_BORROWED,
		.topic_len = (uint32_t)topic.len,
		.props_len = (uint32_t)props.len,
		.payload_len = (uint32_t)payload.len,
		.expires = LN_NEVER,
		.at.out = { topic.data, props.data, payload.data, NULL },
	};
}

void ln_msg_release(ln_msg_t *borrowed)
{
	ln_require(borrowed->flags & LN_MSG_BORROWED);
	ln_msg_unref(borrowed->at.out.held);
	borrowed->at.out.held = NULL;
}

static size_t size_of(const ln_msg_t *m)
{
	size_t size = offsetof(ln_msg_t, at) + m->topic_len + m->props_len + m->payload_len;

	return size < sizeof(ln_msg_t) ? sizeof(ln_msg_t) : size;
}

static void put(uint8_t **at, ln_slice_t s)
{
	if (s.len)
		memcpy(*at, s.data, s.len);
	*at += s.len;
}

static ln_msg_t *seal(const ln_msg_t *from)
{
	ln_msg_t *m = ln_try_alloc(size_of(from), NULL);
	uint8_t *at;

	if (!m)
		return NULL;
	memcpy(m, from, offsetof(ln_msg_t, at));
	m->flags &= (uint8_t)~(LN_MSG_BORROWED | LN_MSG_SHARED);
	m->refs = 1;
	at = m->at.bytes;
	put(&at, ln_msg_topic(from));
	put(&at, ln_msg_props(from));
	put(&at, ln_msg_payload(from));
	return m;
}

ln_msg_t *ln_msg_hold(ln_msg_t *m)
{
	if (m->flags & LN_MSG_BORROWED) {
		if (!m->at.out.held)
			m->at.out.held = seal(m);
		m = m->at.out.held;
		if (!m)
			return NULL;
	}
	if (m->flags & LN_MSG_SHARED)
		__atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);
	else
		m->refs++;
	return m;
}

void ln_msg_unref(ln_msg_t *m)
{
	uint32_t left;

	if (!m)
		return;
	ln_require(!(m->flags & LN_MSG_BORROWED));
	if (m->flags & LN_MSG_SHARED)
		left = __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL);
	else
		left = --m->refs;
	ln_insist(left != UINT32_MAX);
	if (left == 0)
		ln_give_back(m, size_of(m), NULL);
}

void ln_msg_share(ln_msg_t *m)
{
	ln_require(!(m->flags & LN_MSG_BORROWED));
	if (!(m->flags & LN_MSG_SHARED))
		m->flags |= LN_MSG_SHARED;
}

size_t ln_msg_size(const ln_msg_t *m)
{
	return size_of(m);
}
