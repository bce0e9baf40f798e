/* fail.h - how the program gives up, and memory that is always there.
 *
 * A load generator that cannot do what it was asked to measures nothing: it says why on standard error and ends with
 * status 1.
 */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

#include <stddef.h>
#include <stdint.h>

/* Writes "linnet-bench: ..." to standard error. */
void bench_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, then ends the program with status 1. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns: COUNT zeroed objects of SIZE bytes; never NULL. */
void *bench_alloc(uint64_t count, size_t size);

/* Returns: DATA with room for SIZE bytes; never NULL. */
void *bench_realloc(void *data, size_t size);

void bench_free(void *data);

#endif
