/* stage.h — one performance of a play: its clock, its failure, its barriers, who takes part.
 *
 * The main thread performs the statements; every started actor performs its block in a thread of its own. The first
 * failure counts: it is written down, and the stop pipe, which every wait polls, ends all other waits at once. No wait
 * lasts beyond the play's deadline, so a performance always ends.
 *
 * Thread: functions are callable from any unless they say "main".
 */
#ifndef PARLEY_STAGE_H
#define PARLEY_STAGE_H

#include <pthread.h>

#include "play.h"

typedef struct settings {
	const char *linnetd;		/* program to start as broker */
	const char *modules;		/* module-path for it, or NULL */
	const char *external;		/* address of a broker that runs already, or NULL */
	int64_t timeout, limit;		/* ms: of one wait, of a play */
	int jobs;
	bool verbose, keep, check_only, tap;
} settings_t;

typedef struct meeting {		/* a barrier's state; guarded by the stage's lock */
	const party_t *party;
	size_t arrived;
	unsigned generation;
} meeting_t;

typedef struct stage {
	const play_t *play;
	const settings_t *settings;
	const char *tmp;		/* the performance's own directory */
	char *dir;			/* the directory of the play's file */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool failed;			/* guarded by lock */
	buf_t report;			/* guarded by lock: what failed */
	meeting_t *meetings;
	int stop[2];			/* readable once the play has failed */
	int64_t began, deadline, timeout;
	uint64_t seq;			/* ${seq} of a `repeat` among the statements */
	struct broker *brokers;		/* main writes; listener addresses have their own lock */
	struct actor *actors;		/* main writes, before a thread could look */
} stage_t;

/* The exit status of a play. */
enum { PLAY_PASSED = 0, PLAY_FAILED = 1, PLAY_ILL_FORMED = 2, PLAY_SKIPPED = 77 };

/* Performs PLAY with TMP as its directory; prints the report of a failure on standard output.
 * Returns: PLAY_…. Thread: main. */
int stage_run(const play_t *play, const settings_t *settings, const char *tmp);

/* Performs the commands of BLOCK in order. Returns: false at the first that failed. Thread: main. */
bool stage_perform(stage_t *stage, const block_t *block);

/* Writes the failure down, if it is the first, and stops everybody. ACTOR may be NULL. Returns: false. */
bool stage_fail(stage_t *stage, const struct actor *actor, const command_t *command, const char *fmt, ...)
	PARLEY_PRINTF(4, 5);
bool stage_failed(stage_t *stage);

/* Prints one line of the conversation when -v was given. */
void stage_say(stage_t *stage, bytes_t who, const char *fmt, ...) PARLEY_PRINTF(3, 4);

/* Returns: now + MS, but not later than the play's deadline. */
int64_t stage_until(const stage_t *stage, int64_t ms);
/* Sleeps, cut short by a failure elsewhere. Returns: whether the play goes on. */
bool stage_sleep(stage_t *stage, int64_t ms);
/* Waits until all who name this barrier have come. ACTOR NULL: the play itself. */
bool stage_meet(stage_t *stage, const struct actor *actor, const command_t *command, bytes_t name);
/* Waits on the stage's condition until it is signalled or UNTIL is over.
 * Requires: lock is held. Returns: false when late. */
bool stage_wait(stage_t *stage, int64_t until);

/* Ends the play as skipped. Thread: main. */
_Noreturn void stage_skip(stage_t *stage, const char *fmt, ...) PARLEY_PRINTF(2, 3);

/* --- macros ------------------------------------------------------------------------------------------------------- */

/* Replaces the macros of TEXT; ACTOR (may be NULL) gives ${seq} and the packets. What is unknown fails the play.
 * Returns: true and the text in *ret_text, which lives as long as ARENA. */
bool macro_expand(stage_t *stage, const struct actor *actor, const command_t *command, bytes_t text, arena_t *arena,
		  bytes_t *ret_text);
/* Expands WORD of a statement and reads it as a number; fails the play when it is none. Thread: main. */
bool stage_number(stage_t *stage, const command_t *command, const word_t *word, uint64_t *ret_number);
/* Returns: NULL when NAME (without ${}) can be a macro of PLAY, or what is wrong. */
const char *macro_check(const play_t *play, bytes_t name);
/* Takes the next ${NAME} off *TEXT. Returns: false when there is none; *ret_before is the text in front of it. */
bool macro_next(bytes_t *text, bytes_t *ret_before, bytes_t *ret_name);

#endif
