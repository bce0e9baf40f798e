/* modes.h - what the program can do, one function per mode; each runs to its end and fills ret_result. */
#ifndef BENCH_MODES_H
#define BENCH_MODES_H

#include "options.h"
#include "result.h"

/* Publishers send to subscribers: throughput, latency, loss, order, CPU per delivered message. */
void bench_load_run(const bench_options_t *options, bench_result_t *ret_result);

/* Opens connections that do nothing: resident memory of each. */
void bench_idle_run(const bench_options_t *options, bench_result_t *ret_result);

/* Connects and disconnects: CPU of each, connections per second. */
void bench_storm_run(const bench_options_t *options, bench_result_t *ret_result);

/* Publishes retained messages: resident memory of each; reads some back to see that they are there. */
void bench_retained_run(const bench_options_t *options, bench_result_t *ret_result);

#endif
