/* options.c - the command line as a table.
 *
 * Every option is one line: name, kind, place in bench_options_t, range, help. Values may carry a unit: 100k, 4M for
 * numbers, 500ms, 2s, 1m for times. getopt_long only splits; short forms exist for what the mosquitto clients taught
 * everyone (-h, -p).
 */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

typedef enum kind { FLAG, NUMBER, TIME, TEXT, PATTERN, FAULT, HELP, TITLE } kind_t;

typedef struct option_row {
	const char *name;
	kind_t kind;
	size_t place;
	uint64_t min, max;
	const char *arg, *help;
} option_row_t;

#define AT(field) offsetof(bench_options_t, field)

static const option_row_t table[] = {
	{ "Broker", TITLE, 0, 0, 0, NULL, NULL },
	{ "host", TEXT, AT(host), 0, 0, "HOST", "broker's name or address (127.0.0.1)" },
	{ "port", TEXT, AT(port), 0, 0, "PORT", "broker's port (1883)" },
	{ "version", NUMBER, AT(version), 3, 5, "3|4|5", "MQTT 3.1, 3.1.1 or 5.0 (4)" },
	{ "user", TEXT, AT(user), 0, 0, "NAME", "user name" },
	{ "password", TEXT, AT(password), 0, 0, "TEXT", "password" },
	{ "client-prefix", TEXT, AT(client_prefix), 0, 0, "TEXT",
	  "start of every client id (lb and the process id)" },
	{ "timeout", TIME, AT(timeout), BENCH_MS, BENCH_S * 3600, "TIME",
	  "longest wait for connecting and subscribing (30s)" },
	{ "pid", NUMBER, AT(pid), 1, INT32_MAX, "PID", "broker's process: its CPU time and memory are measured" },

	{ "Load: publishers send to subscribers (the default)", TITLE, 0, 0, 0, NULL, NULL },
	{ "pattern", PATTERN, AT(pattern), 0, 0, "PATTERN",
	  "pairs, fan-out, fan-in, random or shared, see below (pairs)" },
	{ "publishers", NUMBER, AT(publishers), 1, 1000000, "N", "publishing connections (1)" },
	{ "subscribers", NUMBER, AT(subscribers), 0, 1000000, "N",
	  "subscribing connections (pairs: as publishers; others: 1)" },
	{ "topics", NUMBER, AT(topics), 1, 99999999, "N", "topics published to (as publishers)" },
	{ "topic-prefix", TEXT, AT(topic_prefix), 0, 0, "TEXT", "start of every topic (bench)" },
	{ "filters", NUMBER, AT(filters), 0, 99999999, "N",
	  "extra filters that match nothing, over all subscribers" },
	{ "wildcard", FLAG, AT(wildcard), 0, 0, NULL, "subscribe with a wildcard in every filter" },
	{ "qos", NUMBER, AT(qos), 0, 2, "0|1|2", "quality of service, of publishes and subscriptions (0)" },
	{ "payload", NUMBER, AT(payload), 0, 200000000, "BYTES",
	  "payload; from 16 on it carries what order and latency need (64)" },
	{ "window", NUMBER, AT(window), 1, 65535, "N", "QoS 1, 2: unacknowledged publishes per publisher (20)" },
	{ "in-flight", NUMBER, AT(in_flight), 0, 1000000000, "N",
	  "messages under way per publisher, by receipt; 0: no limit (QoS 0: 1000, else 0)" },
	{ "rate", NUMBER, AT(rate), 0, 100000000, "N",
	  "publishes per second of all publishers, evenly spaced; 0: no limit (0)" },
	{ "messages", NUMBER, AT(messages), 0, UINT32_MAX, "N", "stop after N publishes of all publishers" },
	{ "duration", TIME, AT(duration), BENCH_MS, BENCH_S * 1000000, "TIME",
	  "measured phase (5s); idle: how long to hold" },
	{ "warmup", TIME, AT(warmup), 0, BENCH_S * 1000000, "TIME", "the same load before it, not measured (1s)" },
	{ "drain", TIME, AT(drain), BENCH_MS, BENCH_S * 3600, "TIME",
	  "silence after which what is missing is lost (2s)" },
	{ "write-size", NUMBER, AT(write_size), 1, 64 << 20, "BYTES",
	  "bytes of publishes gathered for one write (128k)" },

	{ "Other modes", TITLE, 0, 0, 0, NULL, NULL },
	{ "idle", NUMBER, AT(idle), 1, 1000000, "N",
	  "open N connections, from many source addresses on loopback, and hold them" },
	{ "idle-subscribe", FLAG, AT(idle_subscribe), 0, 0, NULL,
	  "with --idle: each subscribes to a topic of its own" },
	{ "storm", NUMBER, AT(storm), 1, 1000000000, "N", "N times connect and disconnect" },
	{ "retained", NUMBER, AT(retained), 1, 99999999, "N",
	  "publish N retained messages on distinct topics, read some back, clear them" },
	{ "keep", FLAG, AT(keep), 0, 0, NULL, "with --retained: leave them in the broker" },
	{ "concurrency", NUMBER, AT(concurrency), 1, 10000, "N", "connections being opened at once (32)" },

	{ "Output", TITLE, 0, 0, 0, NULL, NULL },
	{ "json", TEXT, AT(json), 0, 0, "FILE",
	  "write the result as JSON too; -: on standard output instead of the table" },
	{ "quiet", FLAG, AT(quiet), 0, 0, NULL, "no table and no progress line" },
	{ "strict", FLAG, AT(strict), 0, 0, NULL,
	  "end with status 3 when a message was lost, repeated or out of order" },
	{ "fault", FAULT, AT(fault), 0, 0, "KIND:N",
	  "spoil every N-th received message to try the checks: lose, repeat or swap" },
	{ "help", HELP, 0, 0, 0, NULL, "print this" },
};

#define ROWS (sizeof(table) / sizeof(table[0]))
#define LONG_ONLY 1000  /* what getopt_long answers for row 0; below are the short options' letters */

static const char *const patterns[] = { "pairs", "fan-out", "fan-in", "random", "shared" };
static const char *const faults[] = { "none", "lose", "repeat", "swap" };

static const char pattern_help[] =
	"\nPatterns:\n"
	"  pairs    publisher i sends to topic i, which subscriber i alone has subscribed to\n"
	"  fan-out  every subscriber has subscribed to every topic\n"
	"  fan-in   the same, named for many publishers and few subscribers\n"
	"  random   each message goes to a random one of --topics N; each is subscribed to once, by one subscriber\n"
	"  shared   all subscribers are one group of a shared subscription ($share): each message goes to one of them\n"
	"\nNumbers take k and M, times ms, s and m.\n"
	"Exit status: 0 measured, 1 could not or connections broke, 2 bad option, 3 see --strict.\n";

const char *bench_pattern_name(uint64_t pattern)
{
	return patterns[pattern];
}

const char *bench_version_name(uint64_t version)
{
	return version == 3 ? "3.1" : version == 4 ? "3.1.1" : "5.0";
}

__attribute__((format(printf, 1, 2), noreturn)) static void refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("linnet-bench: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\nTry 'linnet-bench --help'.\n", stderr);
	va_end(args);
	exit(2);
}

static void print_help(void)
{
	char left[64];

	puts("Usage: linnet-bench [OPTION]...\n"
	     "Puts load on an MQTT broker and says how fast it is, what it loses and what it costs.");
	for (size_t i = 0; i < ROWS; i++) {
		const option_row_t *row = &table[i];

		if (row->kind == TITLE) {
			printf("\n%s:\n", row->name);
			continue;
		}
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
		printf("  %-24s %s\n", left, row->help);
	}
	fputs(pattern_help, stdout);
	exit(0);
}

/* Reads digits, then one of the NULL-ended UNITS; every unit has its factor in FACTORS. */
static uint64_t read_number(const option_row_t *row, const char *text, const char *const *units,
                            const uint64_t *factors)
{
	char *end;
	double value = strtod(text, &end);
	size_t i = 0;

	while (units[i] && strcmp(units[i], end) != 0)
		i++;
	if (end == text || !units[i] || !(value >= 0) || strspn(text, "0123456789.") != (size_t)(end - text))
		refuse("--%s: '%s' is not a %s", row->name, text, row->kind == TIME ? "time" : "number");
	value *= (double)factors[i];
	if (value < (double)row->min || value > (double)row->max ||
	    (row->kind == NUMBER && value != (double)(uint64_t)value))
		refuse("--%s: '%s' is out of range", row->name, text);
	return (uint64_t)value;
}

static uint64_t read_word(const option_row_t *row, const char *text, size_t len, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0)
			return i;
	refuse("--%s: unknown '%s'", row->name, text);
}

static void read_fault(const option_row_t *row, const char *text, bench_options_t *o)
{
	const char *colon = strchr(text, ':');
	const option_row_t every = { "fault", NUMBER, 0, 1, UINT32_MAX, NULL, NULL };

	if (!colon)
		refuse("--%s: expected KIND:N, such as lose:1000", row->name);
	o->fault = read_word(row, text, (size_t)(colon - text), faults, 4);
	o->fault_every = read_number(&every, colon + 1, (const char *const[]){ "", NULL }, (const uint64_t[]){ 1 });
}

static void set_option(const option_row_t *row, const char *text, bench_options_t *o)
{
	static const char *const number_units[] = { "", "k", "M", NULL };
	static const uint64_t number_factors[] = { 1, 1000, 1000000 };
	static const char *const time_units[] = { "", "ms", "s", "m", NULL };
	static const uint64_t time_factors[] = { BENCH_S, BENCH_MS, BENCH_S, 60 * BENCH_S };
	void *field = (char *)o + row->place;

	switch (row->kind) {
	case FLAG: *(bool *)field = true; break;
	case NUMBER: *(uint64_t *)field = read_number(row, text, number_units, number_factors); break;
	case TIME: *(uint64_t *)field = read_number(row, text, time_units, time_factors); break;
	case TEXT: *(const char **)field = text; break;
	case PATTERN: *(uint64_t *)field = read_word(row, text, strlen(text), patterns, 5); break;
	case FAULT: read_fault(row, text, o); break;
	case HELP: print_help(); break;
	case TITLE: break;
	}
}

/* Defaults that depend on other options. */
static void complete(bench_options_t *o)
{
	static char prefix[24];

	if (!o->client_prefix) {
		snprintf(prefix, sizeof(prefix), "lb%d", (int)getpid());
		o->client_prefix = prefix;
	}
	if (o->subscribers == BENCH_UNSET)
		o->subscribers = o->pattern == BENCH_PAIRS ? o->publishers : 1;
	if (o->topics == BENCH_UNSET)
		o->topics = o->publishers;
	if (o->in_flight == BENCH_UNSET)
		o->in_flight = o->qos > 0 || o->payload < 16 || o->subscribers == 0 ? 0 : 1000;
	if (o->warmup == BENCH_UNSET)
		o->warmup = o->messages > 0 ? 0 : BENCH_S;
}

static void check(const bench_options_t *o)
{
	if ((o->idle > 0) + (o->storm > 0) + (o->retained > 0) > 1)
		refuse("--idle, --storm and --retained exclude each other");
	if (o->pattern == BENCH_PAIRS && (o->subscribers != o->publishers || o->topics != o->publishers))
		refuse("pattern pairs needs as many --subscribers and --topics as --publishers");
	if (o->messages > 0 && o->warmup > 0)
		refuse("--messages counts from the first publish: it has no --warmup");
	if (o->pattern != BENCH_RANDOM && o->topics > o->publishers)
		refuse("only pattern random has more --topics than --publishers");
	if (o->in_flight > 0 && o->payload < 16)
		refuse("--in-flight needs --payload of 16 or more: receipts are counted per publisher");
	if (o->in_flight > 0 && o->subscribers == 0)
		refuse("--in-flight needs subscribers: it counts what they receive");
	if (o->fault && o->payload < 16)
		refuse("--fault needs --payload of 16 or more");
	if (o->publishers * o->subscribers > 100000000)
		refuse("more than 100,000,000 pairs of publisher and subscriber cannot be checked");
	if (strlen(o->client_prefix) > 14 && o->version == 3)
		refuse("--client-prefix: at most 14 bytes with MQTT 3.1, whose client ids end at 23");
	if (strlen(o->client_prefix) > 1000 || strlen(o->topic_prefix) > 1000 || strpbrk(o->topic_prefix, "+#"))
		refuse("--client-prefix and --topic-prefix: at most 1000 bytes, no wildcards");
	if (o->password && !o->user && o->version < 5)
		refuse("--password needs --user before MQTT 5.0");
}

static const bench_options_t defaults = {
	.host = "127.0.0.1",
	.port = "1883",
	.version = 4,
	.timeout = 30 * BENCH_S,
	.publishers = 1,
	.subscribers = BENCH_UNSET,
	.topics = BENCH_UNSET,
	.topic_prefix = "bench",
	.payload = 64,
	.window = 20,
	.in_flight = BENCH_UNSET,
	.duration = 5 * BENCH_S,
	.warmup = BENCH_UNSET,
	.drain = 2 * BENCH_S,
	.write_size = 128 << 10,
	.concurrency = 32,
};

static void set_short(int c, bench_options_t *o)
{
	static const option_row_t qos = { "qos", NUMBER, AT(qos), 0, 2, NULL, NULL };

	switch (c) {
	case 'h': o->host = optarg; break;
	case 'p': o->port = optarg; break;
	case 'q': set_option(&qos, optarg, o); break;
	default: fputs("Try 'linnet-bench --help'.\n", stderr); exit(2);
	}
}

void bench_options_parse(int argc, char **argv, bench_options_t *ret_options)
{
	struct option longs[ROWS + 1];
	int c;

	*ret_options = defaults;
	for (size_t i = 0; i < ROWS; i++)
		longs[i] = (struct option){ table[i].name, table[i].arg ? required_argument : no_argument, NULL,
			                    LONG_ONLY + (int)i };
	longs[ROWS] = (struct option){ 0 };
	while ((c = getopt_long(argc, argv, "h:p:q:", longs, NULL)) != -1) {
		if (c >= LONG_ONLY)
			set_option(&table[c - LONG_ONLY], optarg, ret_options);
		else
			set_short(c, ret_options);
	}
	if (optind < argc)
		refuse("'%s' is not an option", argv[optind]);
	complete(ret_options);
	check(ret_options);
}
