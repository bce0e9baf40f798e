/* conn.h - one MQTT connection: socket, handshake, input, output.
 *
 * What a connection is for is its role: a constant of callbacks. The order is: bench_conn_start, on_open (CONNACK
 * taken), then on_packet for every packet and on_turn once after each batch of them and whenever all output has gone
 * out; at last on_close.
 *
 * Output is of two kinds. Small packets are appended to OUT and leave with bench_conn_flush. A publisher's batch is
 * BULK: borrowed bytes, one send call, and the publisher must not touch them until bench_conn_busy says false. Whatever
 * was begun is finished first, so packets never mix.
 *
 * Input is read into the loop's shared buffer and parsed in place; only a packet cut in two is copied, to REST.
 */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "loop.h"
#include "wire.h"

typedef struct bench_conn bench_conn_t;

typedef struct bench_role {
	const char *name;                                    /* part of the client id */
	void (*on_open)(bench_conn_t *conn);
	void (*on_packet)(bench_conn_t *conn, const bench_packet_t *packet);
	void (*on_turn)(bench_conn_t *conn);
	void (*on_close)(bench_conn_t *conn, const char *why);  /* NULL: to end is an error, counted and said */
} bench_role_t;

typedef enum bench_conn_state {
	BENCH_CONN_CLOSED,
	BENCH_CONN_CONNECTING,
	BENCH_CONN_SHAKING,     /* CONNECT sent */
	BENCH_CONN_OPEN,
} bench_conn_state_t;

struct bench_conn {
	bench_loop_t *loop;
	const bench_role_t *role;
	int fd;
	uint32_t index;            /* number within its role, in the client id */
	bench_conn_state_t state;
	bool armed;                /* EPOLLOUT is asked for */
	bool eager;                /* wants on_turn whenever the socket takes more */
	unsigned window;           /* the broker's receive maximum */
	uint64_t started;
	bench_buf_t rest, out;
	size_t out_sent;
	const uint8_t *bulk;
	size_t bulk_len, bulk_sent;
};

/* Begins to connect. CONN may be fresh (zeroed) or closed. Borrows ROLE. */
void bench_conn_start(bench_conn_t *conn, bench_loop_t *loop, const bench_role_t *role, uint32_t index);

/* Closes without DISCONNECT and without on_close. */
void bench_conn_close(bench_conn_t *conn);

/* Closes and frees what the connection holds. */
void bench_conn_fini(bench_conn_t *conn);

/* Sends as much output as the socket takes; the rest follows by itself. */
void bench_conn_flush(bench_conn_t *conn);

/* Sends LEN bytes at DATA after what is in OUT. Requires: not busy. Borrows DATA until not busy. */
void bench_conn_bulk(bench_conn_t *conn, const uint8_t *data, size_t len);

/* Asks for on_turn whenever the socket takes more, or no longer. */
void bench_conn_set_eager(bench_conn_t *conn, bool eager);

/* Returns: whether bulk bytes are still to be sent. */
static inline bool bench_conn_busy(const bench_conn_t *conn)
{
	return conn->bulk_sent < conn->bulk_len;
}

/* Serves what epoll reported. */
void bench_conn_serve(bench_conn_t *conn, uint32_t events);

#endif
