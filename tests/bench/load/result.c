/* result.c - table and JSON from one list; see result.h. */
#include "result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

static const struct {
	const char *key, *label, *unit;
	int decimals;
} catalogue[] = {
#define BENCH_VALUE(key, label, unit, decimals) { #key, label, unit, decimals },
#include "value.def"
#undef BENCH_VALUE
};

static void add(bench_result_t *result, const bench_value_t *value)
{
	if (result->count == BENCH_KEYS)
		bench_fail("%s was added twice", catalogue[value->key].key);
	result->values[result->count++] = *value;
}

void bench_result_number(bench_result_t *result, bench_key_t key, double number)
{
	add(result, &(bench_value_t){ key, number, NULL });
}

void bench_result_text(bench_result_t *result, bench_key_t key, const char *text)
{
	add(result, &(bench_value_t){ key, 0, text });
}

/* Writes NUMBER with commas between thousands. */
static void group_digits(double number, int decimals, char *ret_text, size_t size)
{
	char plain[64];
	size_t at = 0, point, sign;

	snprintf(plain, sizeof(plain), "%.*f", decimals, number);
	point = strcspn(plain, ".");
	sign = plain[0] == '-' ? 1 : 0;
	for (size_t i = 0; plain[i] && at + 2 < size; i++) {
		if (i > sign && i < point && (point - i) % 3 == 0)
			ret_text[at++] = ',';
		ret_text[at++] = plain[i];
	}
	ret_text[at] = 0;
}

void bench_result_print(const bench_result_t *result)
{
	char number[96];

	printf("%s\n", result->title);
	for (unsigned i = 0; i < result->count; i++) {
		const bench_value_t *v = &result->values[i];

		if (!catalogue[v->key].label)
			continue;
		group_digits(v->number, catalogue[v->key].decimals, number, sizeof(number));
		printf("  %-28s %16s %s\n", catalogue[v->key].label, v->text ? v->text : number,
		       catalogue[v->key].unit);
	}
}

static void write_text(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 32)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

void bench_result_write(const bench_result_t *result, const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdout : fopen(file, "w");

	if (!f)
		bench_fail("cannot write %s: %s", file, strerror(errno));
	fputs("{\n  \"title\": ", f);
	write_text(f, result->title);
	for (unsigned i = 0; i < result->count; i++) {
		const bench_value_t *v = &result->values[i];

		fprintf(f, ",\n  \"%s\": ", catalogue[v->key].key);
		if (v->text)
			write_text(f, v->text);
		else
			fprintf(f, "%.*f", catalogue[v->key].decimals, v->number);
	}
	fputs("\n}\n", f);
	if (fflush(f) != 0 || ferror(f))
		bench_fail("cannot write %s: %s", file, strerror(errno));
	if (f != stdout)
		fclose(f);
}
