/* options.h - what the user asked for.
 *
 * One table in options.c binds every option to a field here, with its range and its sentence of help; parsing, range
 * checks and --help come from it. The program does one thing per run, its mode: load (the default), idle, storm or
 * retained.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bench_pattern {
	BENCH_PAIRS,
	BENCH_FAN_OUT,
	BENCH_FAN_IN,
	BENCH_RANDOM,
	BENCH_SHARED,
} bench_pattern_t;

typedef enum bench_fault {
	BENCH_FAULT_NONE,
	BENCH_FAULT_LOSE,
	BENCH_FAULT_REPEAT,
	BENCH_FAULT_SWAP,
} bench_fault_t;

#define BENCH_UNSET UINT64_MAX

typedef struct bench_options {
	const char *host, *port, *user, *password;
	const char *topic_prefix, *client_prefix, *json;
	uint64_t version, qos, pattern, payload;
	uint64_t publishers, subscribers, topics, filters;
	uint64_t window, in_flight, rate, messages, write_size;
	uint64_t duration, warmup, drain, timeout;  /* nanoseconds */
	uint64_t idle, storm, retained, concurrency;
	uint64_t pid, fault, fault_every;
	bool wildcard, idle_subscribe, keep, quiet, strict;
} bench_options_t;

/* Fills ret_options from the command line. Ends the program with status 2 and a sentence where it makes no sense, and
 * with status 0 after --help. */
void bench_options_parse(int argc, char **argv, bench_options_t *ret_options);

/* Returns: the name of pattern PATTERN as the user writes it. */
const char *bench_pattern_name(uint64_t pattern);

/* Returns: MQTT's name for protocol level VERSION. */
const char *bench_version_name(uint64_t version);

#endif
