/* plan.h - who publishes to what and who has subscribed to what: a pattern as topic names and filters. Pure.
 *
 * Topic T is named PREFIX/00000042, or PREFIX/00000042/v where filters end in a level of their own (/+). All names of a
 * run have the same length, so a publish for another topic differs in eight digits and its frame is patched, never
 * built again.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

#define BENCH_NAME_SIZE 1100  /* longest topic or filter with its end */
#define BENCH_DIGITS    8

/* Writes the name of topic TOPIC. Returns: where its digits begin. */
size_t bench_plan_topic(const bench_options_t *o, uint64_t topic, char *ret_name);

/* Returns: how many filters subscriber SUBSCRIBER has. */
uint64_t bench_plan_filters(const bench_options_t *o, uint32_t subscriber);

/* Writes filter I (from 0) of subscriber SUBSCRIBER. */
void bench_plan_filter(const bench_options_t *o, uint32_t subscriber, uint64_t i, char *ret_filter);

/* Returns: how many copies of one publish all subscribers together receive. */
uint64_t bench_plan_copies(const bench_options_t *o);

#endif
