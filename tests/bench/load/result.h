/* result.h - what a run found out: an ordered list of values, shown as one aligned table and written as one flat JSON
 * object.
 *
 * Every value has a line in value.def: its key in JSON, its label and unit for people, its decimals. Table and JSON
 * come from the same list, so they cannot differ. A value that was not measured is not added.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bench_key {
#define BENCH_VALUE(key, label, unit, decimals) BENCH_KEY_##key,
#include "value.def"
#undef BENCH_VALUE
	BENCH_KEYS
} bench_key_t;

typedef struct bench_value {
	bench_key_t key;
	double number;
	const char *text;  /* not NULL: a text instead of the number */
} bench_value_t;

typedef struct bench_result {
	char title[160];
	bench_value_t values[BENCH_KEYS];
	unsigned count;
	bool faulty;  /* messages were lost, repeated or out of order: status 3 with --strict */
	bool broken;  /* connections were lost: status 1 */
} bench_result_t;

/* Adds value KEY, a number. Requires: not added before. */
void bench_result_number(bench_result_t *result, bench_key_t key, double number);

/* Adds value KEY, a text. Requires: not added before. Borrows TEXT. */
void bench_result_text(bench_result_t *result, bench_key_t key, const char *text);

/* Adds the number NUMBER as KEY, a name in value.def. */
#define BENCH_PUT(result, key, number) bench_result_number((result), BENCH_KEY_##key, (double)(number))

/* Prints the table to standard output. */
void bench_result_print(const bench_result_t *result);

/* Writes JSON to FILE, "-" being standard output. Ends the program when it cannot. */
void bench_result_write(const bench_result_t *result, const char *file);

#endif
