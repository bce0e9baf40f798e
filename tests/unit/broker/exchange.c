/* Tests deliver.c, window.c and session.c together: long random conversations of one session with a peer that reads late, acknowledges out of turn,
 * goes away and comes back with another window.
 *
 * What must hold: first deliveries come in the order of publishing; what is sent again has DUP, its old tag and comes in order; what the
 * peer has acknowledged (QoS 2: has received) is never sent again; never more on its way than the window; in the end all has arrived.
 */
#include <stdio.h>
#include "broker.h"
#include "unit.h"

#define MESSAGES 3000u

typedef enum phase { UNSENT, SENT, RECEIVED, DONE } phase_t;

/* What the peer knows of message n. */
static struct {
	uint8_t qos;
	uint16_t tag;
	phase_t phase;
	bool here;          /* sent in this connection and not finished: counts against the window */
	bool released;      /* its PUBREL came in this connection */
} known[MESSAGES];

static client_t c;
static bool connected;
static uint32_t published, next_new, window, last_again;
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void publish(void)
{
	char text[16];

	if (published == MESSAGES)
		return;
	known[published].qos = (uint8_t)(1 + draw(2));
	snprintf(text, sizeof(text), "%u", published);
	broker_publish("t", text, known[published++].qos);
}

static void check_window(void)
{
	uint32_t here = 0;

	for (uint32_t n = 0; n < next_new; n++)
		here += known[n].here;
	ck_assert_uint_le(here, window);
}

static void read_message(const sent_t *s)
{
	uint32_t n = (uint32_t)strtoul(s->payload, NULL, 10);

	ck_assert_uint_eq(s->qos, known[n].qos);
	if (!s->dup) {
		ck_assert_uint_eq(n, next_new);
		next_new++;
		known[n].tag = s->tag;
	} else {
		ck_assert_uint_lt(n, next_new);
		ck_assert_uint_ge(n, last_again);
		ck_assert_uint_eq(known[n].tag, s->tag);
		ck_assert(!known[n].here);
		last_again = n + 1;
	}
	ck_assert(known[n].phase == UNSENT || (s->dup && known[n].phase == SENT));
	known[n].phase = SENT;
	known[n].here = true;
	check_window();
}

static void read_release(const sent_t *s)
{
	for (uint32_t n = 0; n < next_new; n++) {
		if (known[n].phase == RECEIVED && known[n].tag == s->tag) {
			known[n].released = true;
			return;
		}
	}
	ck_assert_msg(false, "release of %u, which is not expected", s->tag);
}

static void read_all(void)
{
	const sent_t *s;

	while ((s = outlet_next(&c.out)) != NULL) {
		if (s->release)
			read_release(s);
		else
			read_message(s);
	}
}

/* The peer goes on with message N, the broker hears it. */
static void answer(uint32_t n)
{
	uint16_t tag = known[n].tag;

	if (known[n].qos == 1) {
		ln_unit_ok(ln_session_acked(c.session, tag));
		known[n].phase = DONE;
	} else if (known[n].phase == SENT) {
		bool ok = draw(20) > 0;

		ln_unit_ok(ln_session_received(c.session, tag, ok));
		known[n].phase = ok ? RECEIVED : DONE;
		known[n].released = true;       /* the protocol answers PUBREC with PUBREL itself */
	} else {
		ln_unit_ok(ln_session_completed(c.session, tag));
		known[n].phase = DONE;
	}
	if (known[n].phase == DONE)
		known[n].here = false;
	if (draw(2))
		ln_session_pump(c.session);
}

/* The K-th of those that can be answered in this connection. */
static bool answer_some(uint32_t k)
{
	for (uint32_t n = 0; n < next_new; n++) {
		bool can = (known[n].phase == SENT && known[n].here) || (known[n].phase == RECEIVED && known[n].released);

		if (can && k-- == 0) {
			answer(n);
			return true;
		}
	}
	return false;
}

static void cut(void)
{
	if (draw(2))
		read_all();         /* else what was sent got lost on the way … */
	for (const sent_t *s; (s = outlet_next(&c.out)) != NULL;) {
		uint32_t n = s->release ? MESSAGES : (uint32_t)strtoul(s->payload, NULL, 10);

		if (n < MESSAGES && !s->dup) {      /* … but it was sent: DUP the next time */
			ck_assert_uint_eq(n, next_new++);
			known[n].tag = s->tag;
			known[n].phase = SENT;
		}
	}
	client_cut(&c, false);
	client_fini(&c);
	connected = false;
}

static void open_again(void)
{
	window = 1 + draw(12);
	last_again = 0;
	for (uint32_t n = 0; n < next_new; n++)
		known[n].here = known[n].released = false;
	ln_unit_ok(client_open(&c, "dev", (client_open_t){ .expiry = 60, .window = window, .hold = true }));
	c.out.room = draw(5) ? OUTLET_UNLIMITED : draw(4);
	c.out.lies = draw(2);
	ln_session_start(c.session);
	connected = true;
}

static void step(void)
{
	switch (draw(connected ? 12 : 3)) {
	case 0:
	case 1:
		publish();
		break;
	case 2:
		if (!connected)
			open_again();
		else if (draw(10) == 0)
			cut();
		break;
	case 3:
	case 4:
		read_all();
		break;
	case 5:
		c.out.room = draw(2) ? OUTLET_UNLIMITED : draw(5);
		ln_session_pump(c.session);
		break;
	default:
		read_all();
		answer_some(draw(6));
	}
}

static void finish(void)
{
	if (!connected)
		open_again();
	c.out.room = OUTLET_UNLIMITED;
	for (unsigned i = 0; i < MESSAGES * 3; i++) {
		ln_session_pump(c.session);
		read_all();
		if (!answer_some(0))
			break;
	}
	ln_session_pump(c.session);
	ck_assert(outlet_idle(&c.out));
	ck_assert_uint_eq(next_new, published);
	ck_assert_uint_eq(ln_session_in_flight(c.session), 0);
	for (uint32_t n = 0; n < published; n++)
		ck_assert_int_eq(known[n].phase, DONE);
	ck_assert_uint_eq(broker_stat("queued"), 0);
}

START_TEST(conversations)
{
	ln_session_limits_t limits;

	broker_begin(1);
	limits = *ln_session_limits();
	limits.queue.count = 0;
	ln_session_set_limits(&limits);
	for (seed = 1; seed < 100; seed = seed * 3 + 1) {
		uint32_t kept = seed;

		memset(known, 0, sizeof(known));
		published = next_new = 0;
		open_again();
		client_subscribe(&c, "t", 2);
		for (unsigned i = 0; i < MESSAGES * 8 && published < MESSAGES; i++)
			step();
		ck_assert_uint_gt(published, MESSAGES / 2);
		finish();
		ln_session_end(c.session);
		client_fini(&c);
		seed = kept;
	}
	broker_end();
}
END_TEST

LN_UNIT_MAIN("broker/exchange", conversations)
