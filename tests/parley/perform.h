/* perform.h — what runs each statement of a play. Returns whether the play goes on. Thread: main. */
#ifndef PARLEY_PERFORM_H
#define PARLEY_PERFORM_H

#include "stage.h"

typedef bool perform_fn(stage_t *stage, const command_t *command);

/* broker.c */
perform_fn perform_broker;
/* actor.c */
perform_fn perform_actor;
/* perform.c */
perform_fn perform_file, perform_shell, perform_require, perform_limit;
perform_fn perform_timeout, perform_delay, perform_barrier, perform_repeat;

#endif
