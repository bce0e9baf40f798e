/* log.c — one line per message, written with one write(2).
 *
 * A line is formatted on the stack of the thread that logs and leaves by a single write to a descriptor opened for
 * appending: lines of several threads never mix, and nothing is locked. The descriptor's number never changes once a
 * log was opened; another target (logrotate, a reload) is put under the same number with dup3, so no thread can write
 * to a number that was closed meanwhile.
 *
 * What a message says passes ln_slice_print as a whole, so both formats hold only clean UTF-8 on one line, whatever a
 * peer sent, and JSON is left with two characters to escape.
 *
 * Not done: buffering, rate limits, syslog. A log that is read when things break must not lose its last lines; what a
 * stranger can cause at will belongs below the default level.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <linnet/clock.h>
#include <linnet/log.h>
#include <linnet/mem.h>
#include <linnet/str.h>
#include <linnet/worker.h>

/* RAW is a little longer than TEXT, so what vsnprintf cut in the middle of a character is always cut again, cleanly. */
#define TEXT_MAX 2000
#define RAW_MAX (TEXT_MAX + 48)
#define SUBJECT_MAX 256
#define LINE_MAX_BYTES (2 * (TEXT_MAX + SUBJECT_MAX) + 256)

typedef struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
} line_t;

typedef struct catalogue {
	const char *prefix;
	const ln_logdef_t *table;
} catalogue_t;

ln_level_t ln_log_level = LN_LOG_INFO;
const char *const ln_log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };
const char *const ln_log_formats[] = { "text", "json", NULL };

static int log_fd = STDERR_FILENO;  /* written by main only; other numbers than 2 are never closed */
static int log_format = LN_LOG_TEXT;
static char *log_path;              /* NULL: standard error */

static struct {
	catalogue_t *item;
	unsigned count;
} catalogues;

static void put(line_t *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(line_t *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->data + line->len, sizeof(line->data) - line->len, format, args);
	va_end(args);
	ln_insist(n >= 0 && (size_t)n < sizeof(line->data) - line->len);
	line->len += (size_t)n;
}

static void put_json_text(line_t *line, const char *s)
{
	for (; *s; s++) {
		ln_insist(line->len + 2 < sizeof(line->data));
		if (*s == '"' || *s == '\\')
			line->data[line->len++] = '\\';
		line->data[line->len++] = *s;
	}
}

static void put_time(line_t *line)
{
	uint64_t now = ln_clock_wall();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	put(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, (unsigned)(now % 1000));
}

static void put_text_line(line_t *line, const ln_logdef_t *def, const char *subject, const char *text)
{
	put_time(line);
	put(line, " %s %s [%s] %s\n", ln_log_levels[def->level], def->id, subject, text);
}

static void put_json_line(line_t *line, const ln_logdef_t *def, const char *subject, const char *text)
{
	put(line, "{\"time\":\"");
	put_time(line);
	put(line, "\",\"level\":\"%s\",\"id\":\"%s\",\"subject\":\"", ln_log_levels[def->level], def->id);
	put_json_text(line, subject);
	put(line, "\",\"text\":\"");
	put_json_text(line, text);
	put(line, "\"}\n");
}

/* Writes the line; a signal before the first byte is tried again, anything else is lost: there is nobody to tell. */
static void flush(const line_t *line)
{
	int fd = __atomic_load_n(&log_fd, __ATOMIC_ACQUIRE);
	ssize_t n;

	do
		n = write(fd, line->data, line->len);
	while (n < 0 && errno == EINTR);
}

/* DEF's format was checked against the arguments where ln_log was called. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void format_text(const ln_logdef_t *def, va_list args, char *dst, size_t size)
{
	char raw[RAW_MAX];

	if (vsnprintf(raw, sizeof(raw), def->format, args) < 0)
		raw[0] = '\0';
	ln_slice_print(ln_slice_of(raw), dst, size);
}
#pragma GCC diagnostic pop

void ln_log_write(ln_subject_t subject, const ln_logdef_t *def, ...)
{
	char text[TEXT_MAX], raw[SUBJECT_MAX] = "", whom[SUBJECT_MAX];
	int saved = errno;
	line_t line;
	va_list args;

	ln_require(def && def->level <= LN_LOG_DEBUG);
	va_start(args, def);
	format_text(def, args, text, sizeof(text));
	va_end(args);
	subject.describe(subject.object, raw, sizeof(raw));
	ln_slice_print(ln_slice_of(raw), whom, sizeof(whom));
	line.len = 0;
	if (__atomic_load_n(&log_format, __ATOMIC_RELAXED) == LN_LOG_JSON)
		put_json_line(&line, def, whom, text);
	else
		put_text_line(&line, def, whom, text);
	flush(&line);
	errno = saved;
}

void ln_worker_describe(const void *worker, char *dst, size_t size)
{
	const ln_worker_t *w = worker ? worker : ln_worker_self();

	if (w && w->index != LN_MAIN_INDEX)
		snprintf(dst, size, "w%u", (unsigned)w->index);
	else
		snprintf(dst, size, "%s", w || gettid() == getpid() ? "main" : "job");
}

/* Puts what PATH (NULL: standard error) names under the log's number. */
static ln_result_t aim(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640)
		      : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return LN_SYSTEM;
	if (log_fd == STDERR_FILENO) {
		__atomic_store_n(&log_fd, fd, __ATOMIC_RELEASE);
		return LN_OK;
	}
	if (dup3(fd, log_fd, O_CLOEXEC) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return LN_SYSTEM;
	}
	close(fd);
	return LN_OK;
}

ln_result_t ln_log_open(const char *path, ln_log_format_t format, ln_level_t level)
{
	ln_result_t result = aim(path);

	if (result != LN_OK)
		return result;
	if (path != log_path) {
		ln_free(log_path);
		log_path = path ? ln_strdup(path) : NULL;
	}
	__atomic_store_n(&log_format, (int)format, __ATOMIC_RELAXED);
	__atomic_store_n(&ln_log_level, level, __ATOMIC_RELAXED);
	return LN_OK;
}

ln_result_t ln_log_reopen(void)
{
	return log_path ? aim(log_path) : LN_OK;
}

void ln_log_register(const char *prefix, const ln_logdef_t *table)
{
	ln_require(prefix && table);
	catalogues.item = ln_realloc(catalogues.item, (catalogues.count + 1) * sizeof(catalogue_t));
	catalogues.item[catalogues.count++] = (catalogue_t){ prefix, table };
}

void ln_log_each(void (*fn)(const char *prefix, const ln_logdef_t *, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < catalogues.count; i++)
		for (const ln_logdef_t *row = catalogues.item[i].table; row->id; row++)
			fn(catalogues.item[i].prefix, row, ctx);
}

void ln_logs_clear(void)
{
	ln_free(catalogues.item);
	catalogues.item = NULL;
	catalogues.count = 0;
}
