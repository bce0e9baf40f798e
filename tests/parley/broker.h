/* broker.h — a broker under test: its configuration, its process, its log, its counters.
 *
 * One struct for each broker of the play. The main thread starts and stops the process; a reader thread collects
 * what it writes to standard error and output, and notes listeners' addresses and readiness on the way. The log of
 * all runs is kept to the end, since sanitizers report there.
 *
 * Thread: main, where nothing else is said. `log_lock` guards what the reader shares.
 */
#ifndef PARLEY_BROKER_H
#define PARLEY_BROKER_H

#include <sys/types.h>

#include "stage.h"

#define BROKER_LISTENERS 32

typedef struct broker_listener {
	char name[64];
	char address[128];
} broker_listener_t;

typedef struct broker {
	struct broker *next;
	stage_t *stage;
	bytes_t name;
	char *dir;			/* ${tmp}/NAME: linnet.conf, stats, its working directory */
	const word_t *conf;		/* -conf, or NULL */
	unsigned workers;
	buf_t args;			/* -arg: each followed by a NUL */
	pid_t pid;			/* 0: not running, as far as we know */
	int status;			/* of the last run, when ended */
	bool ended;			/* the last run has ended and `status` holds */
	bool excused;			/* the play has seen to that end: -kill, -expect-exit, … */
	pthread_t reader;
	bool reading;			/* the reader is not yet joined */
	int pipe;
	pthread_mutex_t log_lock;
	buf_t log;
	size_t run_start;		/* where in the log the last run begins */
	size_t parsed;			/* lines before this have been looked at */
	bool ready, draining;
	broker_listener_t listeners[BROKER_LISTENERS];
	size_t listener_count;
} broker_t;

/* Appends the value of ${NAME}, ${NAME.port}, ${NAME.LISTENER}, ${NAME.LISTENER.port}, ${NAME.dir} or ${NAME.pid}.
 * Returns: false when there is no such broker or listener yet. Thread: any. */
bool broker_address(stage_t *stage, bytes_t name, bytes_t rest, buf_t *out);

/* Stops every broker and judges how all ended: exit status 0, no sanitizer report.
 * Returns: false when it failed the play. */
bool brokers_end(stage_t *stage);
/* Appends the last lines of each log. */
void brokers_show_tails(stage_t *stage, buf_t *out);
/* Appends sanitizers' reports and ends nobody asked for. Requires: brokers_end. */
void brokers_show_ends(stage_t *stage, buf_t *out);
/* Requires: brokers_end. */
void brokers_free(stage_t *stage);

/* --- broker_process.c --------------------------------------------------------------------------------------------- */

/* Writes the configuration: the defaults, key by key replaced by -conf. */
bool broker_configure(broker_t *broker, const command_t *command);
/* Starts linnetd and waits until it is ready or, if MAY_END, has ended. */
bool broker_start(broker_t *broker, const command_t *command, bool may_end);
/* Reaps the process if it has ended. Returns: whether it runs. */
bool broker_runs(broker_t *broker);
/* Waits until the process has ended. Returns: false: it still runs at UNTIL. */
bool broker_await_end(broker_t *broker, int64_t until);
/* Returns: the exit status, or 128 + the number of the signal. Requires: ended. */
int broker_exit_code(const broker_t *broker);

/* --- broker_log.c ------------------------------------------------------------------------------------------------- */

/* Starts collecting what comes out of FD for a new run. */
bool broker_log_open(broker_t *broker, int fd);
/* Collects the rest and joins the reader. */
void broker_log_close(broker_t *broker);
bool broker_log_ready(broker_t *broker);
/* Returns: whether the last run's log contains TEXT. */
bool broker_log_has(broker_t *broker, bytes_t text);
/* Appends the last LINES lines to OUT. */
void broker_log_tail(broker_t *broker, size_t lines, buf_t *out);
/* Appends the first sanitizer's report found in the log to OUT. Returns: false: none. */
bool broker_log_report(broker_t *broker, buf_t *out);

/* --- broker_stats.c ----------------------------------------------------------------------------------------------- */

/* -expect COUNTER OP VALUE: asks until it holds or the time is over. */
bool broker_expect(broker_t *broker, const command_t *command, const arg_t *arg);

#endif
