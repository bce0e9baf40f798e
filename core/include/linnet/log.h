/* log.h — a catalogue of messages, one line each, text or JSON.
 *
 * Every message is one line in a .def file: LN_LOGDEF(ID, LEVEL, "format", "what it means and what to do"). Who logs
 * includes it so
 *
 *     #define LN_LOGDEF LN_LOGDEF_DECLARE
 *     #include "log.def"
 *     #undef LN_LOGDEF
 *
 * and says `ln_log(conn, BAD_PACKET, "SUBSCRIBE", why)`: the compiler checks the arguments against the format; id
 * and level are stable; the subject supplies the prefix "[w2 c1841 dev-17 10.0.0.9:4711]". The table for --describe is
 * the same file with LN_LOGDEF_ROW. Peers' bytes go through ln_slice_print before they come here; what still is no
 * clean UTF-8 leaves as \xNN.
 *
 * Text: 2026-11-24T02:50:42.123Z notice BAD_PACKET [w2 c1841 dev-17 10.0.0.9:4711] malformed SUBSCRIBE: …
 * JSON: {"time":"2026-11-24T02:50:42.123Z","level":"notice","id":"BAD_PACKET","subject":"w2 …","text":"…"}
 *
 * Lines are written with one write(2), cut with "…" near 2000 bytes; below the level nothing is formatted. Thread: any.
 */
#ifndef LINNET_LOG_H
#define LINNET_LOG_H

#include <stddef.h>
#include <linnet/result.h>

typedef enum ln_level { LN_LOG_ERROR, LN_LOG_WARNING, LN_LOG_NOTICE, LN_LOG_INFO, LN_LOG_DEBUG } ln_level_t;

typedef struct ln_logdef {
	const char *id;
	ln_level_t level;
	const char *format;
	const char *help;
} ln_logdef_t;

#define LN_LOGDEF_DECLARE(ID, LEVEL, FORMAT, HELP)                                    \
	__attribute__((unused)) static const char ID##_format[] = FORMAT;             \
	__attribute__((unused)) static const ln_logdef_t ID = { #ID, LN_LOG_##LEVEL, FORMAT, HELP };
#define LN_LOGDEF_ROW(ID, LEVEL, FORMAT, HELP) { #ID, LN_LOG_##LEVEL, FORMAT, HELP },
#define LN_LOGDEF_END { NULL, LN_LOG_ERROR, NULL, NULL }

/* Whom a line is about. describe writes "[…]" content (without brackets) into dst. */
typedef struct ln_subject {
	const void *object;
	void (*describe)(const void *object, char *dst, size_t size);
} ln_subject_t;

struct ln_conn;
struct ln_session;
struct ln_worker;
void ln_conn_describe(const void *conn, char *dst, size_t size);       /* net/conn.c */
void ln_session_describe(const void *session, char *dst, size_t size); /* broker/session.c */
/* registry/log.c; NULL: this thread ("main", "w2", "job") */
void ln_worker_describe(const void *worker, char *dst, size_t size);

#define LN_SUBJECT(s)                                                                       \
	_Generic((s),                                                                       \
		struct ln_conn *: (ln_subject_t){ (const void *)(s), ln_conn_describe },          \
		struct ln_session *: (ln_subject_t){ (const void *)(s), ln_session_describe },    \
		struct ln_worker *: (ln_subject_t){ (const void *)(s), ln_worker_describe },      \
		void *: (ln_subject_t){ (const void *)(s), ln_worker_describe })

extern ln_level_t ln_log_level; /* set by configuration; read without a lock */
extern const char *const ln_log_levels[];  /* "error" …, NULL-ended: the choices of an option */

void ln_log_write(ln_subject_t subject, const ln_logdef_t *def, ...);
__attribute__((format(printf, 1, 2))) static inline void ln_log_check(const char *format, ...)
{
	(void)format;
}

#define ln_log(subject, ID, ...)                                                                \
	do {                                                                                    \
		if (0)                                                                          \
			ln_log_check(ID##_format __VA_OPT__(, ) __VA_ARGS__);                   \
		if (ID.level <= __atomic_load_n(&ln_log_level, __ATOMIC_RELAXED))               \
			ln_log_write(LN_SUBJECT(subject), &ID __VA_OPT__(, ) __VA_ARGS__);      \
	} while (0)

typedef enum ln_log_format { LN_LOG_TEXT, LN_LOG_JSON } ln_log_format_t;
extern const char *const ln_log_formats[]; /* "text", "json", NULL */
/* Where lines go: PATH NULL is standard error. Returns LN_SYSTEM when PATH cannot be opened (the old target stays).
 * Thread: main. */
ln_result_t LN_MUST_USE ln_log_open(const char *path, ln_log_format_t format, ln_level_t level);
/* Opens the path again (logrotate). On failure keeps the old file and returns LN_SYSTEM. Thread: main. */
ln_result_t LN_MUST_USE ln_log_reopen(void);
/* Makes a catalogue known to --describe and linnet-log(7). Takes nothing: PREFIX and TABLE (ended by LN_LOGDEF_END)
 * must stay. Thread: main. */
void ln_log_register(const char *prefix, const ln_logdef_t *table);
/* Walks all catalogues in order of registration. Thread: main. */
void ln_log_each(void (*fn)(const char *prefix, const ln_logdef_t *, void *ctx), void *ctx);
/* Tests: forget the catalogues. */
void ln_logs_clear(void);

#endif
