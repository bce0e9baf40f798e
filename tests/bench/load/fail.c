/* fail.c - giving up with a sentence; see fail.h. */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);  /* over the progress line */
	fputs("linnet-bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void bench_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(1);
}

void *bench_alloc(uint64_t count, size_t size)
{
	void *data = calloc(count ? count : 1, size);

	if (!data)
		bench_fail("out of memory (%llu x %zu bytes)", (unsigned long long)count, size);
	return data;
}

void *bench_realloc(void *data, size_t size)
{
	data = realloc(data, size);
	if (!data)
		bench_fail("out of memory (%zu bytes)", size);
	return data;
}

void bench_free(void *data)
{
	free(data);
}
