/* echo.c — the smallest protocol there is: what comes in goes out.
 *
 * A protocol is one constant too: a handful of functions the connection calls, on its own worker. All of them may be
 * missing but input. What a real one adds is in that function: find a packet's end, act, and return how much was
 * used; what was not is offered again together with what comes next.
 */
#include "echo.h"

/* A connection's slice: zeroed, allocated with the connection, gone with it. */
typedef struct echo {
	bool paused;
} echo_t;

/* BYTES is all that has come in and was not used. *NEED would say how long a packet that began will be; echo uses
 * everything at once. */
static size_t on_input(ln_conn_t *c, void *state, ln_slice_t bytes, size_t *need)
{
	echo_t *echo = state;

	(void)need;
	if (ln_conn_write(c, bytes) != LN_OK) {
		ln_conn_close(c, LN_LIMIT);
		return bytes.len;
	}
	/* Back-pressure: a peer that does not read what it is sent is not read from either. */
	if (ln_conn_congested(c) && !echo->paused) {
		echo->paused = true;
		ln_conn_pause(c);
	}
	return bytes.len;
}

/* The output has fallen below half of what is too much. */
static void on_writable(ln_conn_t *c, void *state)
{
	echo_t *echo = state;

	if (!echo->paused)
		return;
	echo->paused = false;
	ln_conn_resume(c);
}

/* Somebody wants this connection to end. MQTT would say DISCONNECT here; echo has no last words. */
static void on_end(ln_conn_t *c, void *state, ln_result_t why)
{
	(void)state;
	ln_conn_close(c, why);
}

const ln_protocol_t probe_echo = {
	.name = "echo", .conn_size = sizeof(echo_t), .input = on_input, .writable = on_writable, .end = on_end,
};
