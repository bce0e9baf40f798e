/* open.h - opens many connections, a limited number at a time: a listener's backlog is short. */
#ifndef BENCH_OPEN_H
#define BENCH_OPEN_H

#include "conn.h"

/* Opens N connections of ROLE and returns when all have their CONNACK. The connections are the first members of N
 * structs of STRIDE bytes at FIRST. Ends the program when it takes longer than --timeout. */
void bench_open_all(bench_loop_t *loop, void *first, size_t stride, uint32_t n, const bench_role_t *role);

/* One connection comes and goes, and the broker gets time to settle: what it allocates once is allocated then. */
void bench_open_touch(bench_loop_t *loop);

#endif
