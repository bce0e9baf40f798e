/* settings.h — the core's own options: the top level, log, sessions, retain. */
#ifndef LN_MAIN_SETTINGS_H
#define LN_MAIN_SETTINGS_H

#include <linnet/conf.h>
#include <linnet/retain.h>
#include <linnet/session.h>

typedef struct ln__top_conf {
	char *workers;
	char *module_path;
	ln_strings_t modules;
	ln_strings_t include;
	char *user, *group;
	char *stats_file, *pid_file;
	ln_span_t drain_timeout;
	uint32_t job_threads;
	ln_bytes_t read_buffer;
} ln__top_conf_t;

typedef struct ln__log_conf {
	ln_choice_t level, format;
	char *file;
} ln__log_conf_t;

typedef struct ln__sessions_conf {
	uint32_t queue_count;
	ln_bytes_t queue_bytes;
	ln_span_t queue_age;
	ln_choice_t queue_full;
	ln_span_t expiry_max;
	uint32_t window_max;
	uint32_t subscriptions_max;
	uint32_t inbound_max;
	uint32_t sessions_max;
	ln_choice_t shared_strategy;
} ln__sessions_conf_t;

typedef struct ln__retain_conf {
	uint64_t count;
	ln_bytes_t bytes;
	ln_span_t age;
} ln__retain_conf_t;

typedef struct ln__settings {
	ln__top_conf_t top;
	ln__log_conf_t log;
	ln__sessions_conf_t sessions;
	ln__retain_conf_t retain;
} ln__settings_t;

/* Makes the tables known to --describe. */
void ln__settings_register(void);
/* Defaults, then what FILE (NULL: nothing) says; every error is said. */
void ln__settings_bind(const ln_conf_file_t *file, ln__settings_t *ret, ln_conf_errors_t *errors);
void ln__settings_clear(ln__settings_t *s);
/* Says an error for each difference that needs a restart. Returns how many options differ at all. */
unsigned ln__settings_diff(const ln__settings_t *old, const ln__settings_t *new_, ln_conf_errors_t *errors);
void ln__settings_dump(const ln__settings_t *s);
/* The number of workers asked for; "auto" is the CPUs this process may use. 0: the text is neither (said). */
unsigned ln__settings_workers(const ln__settings_t *s, const ln_conf_node_t *node, ln_conf_errors_t *errors);
/* Limits in force from now on. */
void ln__settings_apply(const ln__settings_t *s);

#endif
