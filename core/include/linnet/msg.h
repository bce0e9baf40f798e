/* msg.h — a message.
 *
 * A message is small until it must last. The protocol describes what it decoded in an ln_msg_t on its stack (LN_MSG_BORROWED), whose slices
 * point into the read buffer; what is sent at once is copied from there into connections' output. Whoever must keep it calls
 * ln_msg_hold, which copies it once into a single allocation (header, topic, properties, payload) and returns a counted reference;
 * further holders of the same borrowed message share that copy. A held message is sealed: nobody changes it.
 *
 * Counting is plain as long as a message stays on its worker; before it crosses (LN_MSG_SHARED is set by the router or whoever posts
 * it), and it becomes atomic from then on.
 *
 * Properties: one block of items, in the order the publisher gave them: {u8 id, value}, value by id as in ln_prop_t, integers and lengths
 * big-endian. Only what a message carries from end to end stands there; expiry and priority are fields.
 */
#ifndef LINNET_MSG_H
#define LINNET_MSG_H

#include <linnet/mem.h>
#include <linnet/str.h>

typedef enum ln_prop {
	LN_PROP_PAYLOAD_FORMAT = 0x01,   /* u8: 0 bytes, 1 UTF-8 */
	LN_PROP_CONTENT_TYPE = 0x03,     /* u16 length, UTF-8 */
	LN_PROP_REPLY_TO = 0x08,         /* u16 length, topic name */
	LN_PROP_CORRELATION = 0x09,      /* u16 length, bytes */
	LN_PROP_USER = 0x26              /* u16 length, name; u16 length, value */
} ln_prop_t;

enum {
	LN_MSG_BORROWED = 1,   /* slices point outside; not counted */
	LN_MSG_SHARED = 2,     /* counted atomically */
	LN_MSG_RETAIN = 4,     /* the publisher asked to retain it */
	LN_MSG_RETAINED = 8    /* this copy comes from the retained store */
};

#define LN_NEVER UINT64_MAX

typedef struct ln_msg ln_msg_t;
struct ln_msg {
	uint32_t refs;
	uint8_t flags;
	uint8_t qos;               /* 0, 1, 2 as published */
	uint8_t priority;
	uint8_t reserved;
	uint32_t payload_len;
	uint32_t props_len;
	uint32_t topic_len;
	uint32_t reserved_too;
	uint64_t expires;          /* wall ms, LN_NEVER */
	uint64_t publisher;        /* ln_session number, 0: none */
	union {
		struct { const uint8_t *topic, *props, *payload; ln_msg_t *held; } out;   /* BORROWED */
		uint8_t bytes[1];                                                        /* sealed: topic, props, payload */
	} at;
};

static inline ln_slice_t ln_msg_topic(const ln_msg_t *m)
{
	return ln_slice(m->flags & LN_MSG_BORROWED ? m->at.out.topic : m->at.bytes, m->topic_len);
}

static inline ln_slice_t ln_msg_props(const ln_msg_t *m)
{
	return ln_slice(m->flags & LN_MSG_BORROWED ? m->at.out.props : m->at.bytes + m->topic_len, m->props_len);
}

static inline ln_slice_t ln_msg_payload(const ln_msg_t *m)
{
	return ln_slice(m->flags & LN_MSG_BORROWED ? m->at.out.payload : m->at.bytes + m->topic_len + m->props_len, m->payload_len);
}

/* A borrowed message over three slices: qos 0, no flags, never expires. */
ln_msg_t ln_msg_borrow(ln_slice_t topic, ln_slice_t props, ln_slice_t payload);
/* Ends a borrowed message's life: drops the copy it may have made. Everybody who filled one calls this. */
void ln_msg_release(ln_msg_t *borrowed);
/* A counted reference to M, sealed: M itself when it is sealed, else the one copy of it. NULL when memory is refused. */
ln_msg_t *LN_MUST_USE ln_msg_hold(ln_msg_t *m);
/* Drops a reference. Accepts NULL. Requires: sealed. Thread: home, or any once SHARED. */
void ln_msg_unref(ln_msg_t *m);
/* Makes counting atomic. Requires: sealed; before any other thread sees M. */
void ln_msg_share(ln_msg_t *m);
/* Bytes allocated for a sealed message. */
size_t ln_msg_size(const ln_msg_t *m);

static inline bool ln_msg_expired(const ln_msg_t *m, uint64_t wall)
{
	return m->expires <= wall;
}

LN_DEFINE_AUTO(ln_msg, ln_msg_unref)

#endif
