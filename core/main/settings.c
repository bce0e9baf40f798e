/* settings.c — the core's own options, as tables; what they come to. */
#include <sched.h>
#include <stdio.h>
#include <linnet/log.h>
#include <linnet/mem.h>
#include <linnet/str.h>
#include "registry/describe.h"
#include "settings.h"

static const char *const levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const formats[] = { "text", "json", NULL };
static const char *const fulls[] = { "drop-newest", "drop-oldest", "disconnect", NULL };
static const char *const strategies[] = { "round-robin", "sticky", "publisher-hash", "least-in-flight", NULL };

static const ln_conf_item_t top_items[] = {
	LN_CONF(ln__top_conf_t, workers, "auto", "Threads that serve clients: a number, or auto for one per CPU this process may use."),
	LN_CONF(ln__top_conf_t, module_path, LN_MODULE_DIR, "Where modules are looked for.", .path = true),
	LN_CONF(ln__top_conf_t, modules, "[]", "Modules to load, besides those whose section says load: true."),
	LN_CONF(ln__top_conf_t, include, "[]", "Files to read as well; wildcards allowed, relative to this file.", .reload = true),
	LN_CONF(ln__top_conf_t, user, NULL, "User to become when started as root, once the listeners are open."),
	LN_CONF(ln__top_conf_t, group, NULL, "Group to become; the user's own when not given."),
	LN_CONF(ln__top_conf_t, stats_file, NULL, "File that SIGUSR2 writes all counters to.", .reload = true, .path = true),
	LN_CONF(ln__top_conf_t, pid_file, NULL, "File to write the process id to, while running.", .path = true),
	LN_CONF(ln__top_conf_t, drain_timeout, "5s", "After SIGTERM: how long clients are given to take their last bytes.", .reload = true),
	LN_CONF(ln__top_conf_t, job_threads, "2", "Threads for blocking work.", .min = 1, .max = 64),
	LN_CONF(ln__top_conf_t, read_buffer, "128K", "Each worker's read buffer, shared by its connections.", .min = 16384, .max = 16 << 20),
	LN_CONF_END
};

static const ln_conf_item_t log_items[] = {
	LN_CONF(ln__log_conf_t, level, "info", "Least important messages that are written.", .choices = levels, .reload = true),
	LN_CONF(ln__log_conf_t, format, "text", "One line of text, or one JSON object, per message.", .choices = formats, .reload = true),
	LN_CONF(ln__log_conf_t, file, NULL, "File to append to; standard error when not given.", .reload = true, .path = true),
	LN_CONF_END
};

static const ln_conf_item_t sessions_items[] = {
	LN_CONF(ln__sessions_conf_t, queue_count, "1000", "Messages that may wait for one client; 0: any number.", .reload = true),
	LN_CONF(ln__sessions_conf_t, queue_bytes, "16M", "Memory their messages may take; 0: any.", .reload = true),
	LN_CONF(ln__sessions_conf_t, queue_age, "0s", "How long a message may wait; 0s: for ever.", .reload = true),
	LN_CONF(ln__sessions_conf_t, queue_full, "drop-newest", "When a queue is full the newest or the oldest message goes, or the newest and its slow reader.", .choices = fulls, .reload = true),
	LN_CONF(ln__sessions_conf_t, expiry_max, "0s", "Longest a session may outlive its connection; 0s: as long as the client asks.",
		.reload = true),
	LN_CONF(ln__sessions_conf_t, window_max, "65535", "QoS 1 and 2 messages under way to one client.", .min = 1, .max = 65535,
		.reload = true),
	LN_CONF(ln__sessions_conf_t, subscriptions_max, "0", "Subscriptions of one session; 0: any number.", .reload = true),
	LN_CONF(ln__sessions_conf_t, inbound_max, "65535", "QoS 2 messages under way from one client.", .min = 1, .max = 65535,
		.reload = true),
	LN_CONF(ln__sessions_conf_t, sessions_max, "0", "Sessions in this broker, connected or not; 0: any number.", .reload = true),
	LN_CONF(ln__sessions_conf_t, shared_strategy, "round-robin", "Which member of a shared subscription gets a message.",
		.choices = strategies, .reload = true),
	LN_CONF_END
};

static const ln_conf_item_t retain_items[] = {
	LN_CONF(ln__retain_conf_t, count, "0", "Topics with a retained message; 0: any number.", .reload = true),
	LN_CONF(ln__retain_conf_t, bytes, "0", "Memory of all retained messages; 0: any.", .reload = true),
	LN_CONF(ln__retain_conf_t, age, "0s", "How long a message is retained; 0s: for ever.", .reload = true),
	LN_CONF_END
};

#define SECTIONS(X)                                                              \
	X(log, "log", "what is written where")                                   \
	X(sessions, "sessions", "limits of sessions and of their queues")        \
	X(retain, "retain", "limits of retained messages")

void ln__settings_register(void)
{
	ln_describe_section(NULL, "the broker itself", top_items);
#define X(field, name, summary) ln_describe_section(name, summary, field##_items);
	SECTIONS(X)
#undef X
}

static void bind_section(const ln_conf_file_t *file, const ln_conf_item_t *items, const char *name, void *dst, ln_conf_errors_t *errors)
{
	const ln_conf_node_t *node = file ? ln_conf_get(file, NULL, name) : NULL;

	ln_conf_defaults(items, dst);
	if (node && !ln_conf_is_mapping(node))
		ln_conf_say(errors, node, "%s: expected a section of options", name);
	else if (node)
		ln_conf_bind(file, items, dst, node, false, errors);
}

void ln__settings_bind(const ln_conf_file_t *file, ln__settings_t *ret, ln_conf_errors_t *errors)
{
	memset(ret, 0, sizeof(*ret));
	ln_conf_defaults(top_items, &ret->top);
	ln_conf_bind(file, top_items, &ret->top, file ? ln_conf_top(file) : NULL, false, errors);
#define X(field, name, summary) bind_section(file, field##_items, name, &ret->field, errors);
	SECTIONS(X)
#undef X
}

void ln__settings_clear(ln__settings_t *s)
{
	ln_conf_clear(top_items, &s->top);
#define X(field, name, summary) ln_conf_clear(field##_items, &s->field);
	SECTIONS(X)
#undef X
}

unsigned ln__settings_diff(const ln__settings_t *old, const ln__settings_t *new_, ln_conf_errors_t *errors)
{
	unsigned n = ln_conf_diff(top_items, &old->top, &new_->top, NULL, errors);

#define X(field, name, summary) n += ln_conf_diff(field##_items, &old->field, &new_->field, name, errors);
	SECTIONS(X)
#undef X
	return n;
}

void ln__settings_dump(const ln__settings_t *s)
{
	ln_describe_dump(stdout, NULL, top_items, &s->top);
#define X(field, name, summary) ln_describe_dump(stdout, name, field##_items, &s->field);
	SECTIONS(X)
#undef X
}

unsigned ln__settings_workers(const ln__settings_t *s, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	uint64_t n;
	cpu_set_t cpus;

	if (strcmp(s->top.workers, "auto") == 0) {
		n = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? (uint64_t)CPU_COUNT(&cpus) : 1;
		return n > LN_WORKERS_MAX ? LN_WORKERS_MAX : (unsigned)n;
	}
	if (ln_parse_u64(ln_slice_of(s->top.workers), LN_WORKERS_MAX, &n) && n > 0)
		return (unsigned)n;
	ln_conf_say(errors, node, "workers: expected auto or a number from 1 to %u", LN_WORKERS_MAX);
	return 0;
}

static uint32_t expiry_seconds(ln_span_t span)
{
	uint64_t seconds = span.ms / 1000;

	return seconds == 0 || seconds >= LN_EXPIRY_NEVER ? LN_EXPIRY_NEVER : (uint32_t)seconds;
}

void ln__settings_apply(const ln__settings_t *s)
{
	const ln__sessions_conf_t *c = &s->sessions;
	ln_session_limits_t limits = {
		.queue = { .count = c->queue_count, .bytes = c->queue_bytes.n, .age_ms = c->queue_age.ms,
			   .full = (ln_full_t)c->queue_full.value },
		.expiry_max = expiry_seconds(c->expiry_max),
		.window_max = c->window_max,
		.subscriptions_max = c->subscriptions_max,
		.inbound_max = c->inbound_max,
		.sessions_max = c->sessions_max,
	};

	ln_session_set_limits(&limits);
	ln_router_set_shared((ln_shared_t)c->shared_strategy.value);
	ln_retain_set_limits((ln_retain_limits_t){ s->retain.count, s->retain.bytes.n, s->retain.age.ms });
}
