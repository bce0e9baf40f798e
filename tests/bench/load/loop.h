/* loop.h - one thread, one epoll set, phases.
 *
 * A run is a row of phases: connect, subscribe, warm up, measure, drain. Each is bench_loop_until(loop, done, ...): the
 * loop turns until DONE says so. In a turn the ready connections are served (conn.c), then ON_TICK runs: pacing,
 * refilling of windows, progress.
 *
 * Everything is shared that can be: one address, one large input buffer for all connections.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "options.h"

typedef struct bench_loop {
	const bench_options_t *options;
	int epoll;
	uint8_t *in;
	size_t in_size;
	uint64_t now;                  /* when this turn's events, or the bytes being parsed, were read */
	uint64_t wake;                 /* ON_TICK wants to run by then at the latest */
	void (*on_tick)(void *arg);
	void *tick_arg;
	uint32_t open;                 /* connections past CONNACK */
	uint64_t broken;               /* connections that ended without our wish */
	bool closing;                  /* connections may end now */
	bool finishing;                /* an interrupt has had its effect: what is left is short and must be done */
	struct sockaddr_storage address;
	socklen_t address_len;
	char address_text[80];
} bench_loop_t;

/* Resolves the broker's address and raises the limit of open files. Ends the program where that fails. Borrows OPTIONS.
 */
void bench_loop_init(bench_loop_t *loop, const bench_options_t *options);
void bench_loop_fini(bench_loop_t *loop);

/* Turns until done(ARG), TIMEOUT nanoseconds have passed, or the user interrupts.
 * Returns: true when done(ARG). */
bool bench_loop_until(bench_loop_t *loop, bool (*done)(void *arg), void *arg, uint64_t timeout);

/* Turns for TIME nanoseconds, or until the user interrupts. */
void bench_loop_rest(bench_loop_t *loop, uint64_t time);

/* Returns: whether the user asked to stop (SIGINT, SIGTERM): the run ends early and reports what it has. */
bool bench_interrupted(void);

#endif
