/* broker.h — the house as a whole: put together, served, taken down. */
#ifndef LN_MAIN_BROKER_H
#define LN_MAIN_BROKER_H

#include <stdbool.h>

typedef enum ln__broker_goal { LN__GOAL_SERVE, LN__GOAL_CHECK, LN__GOAL_DUMP } ln__broker_goal_t;

/* Reads the configuration at PATH and serves until told to stop (or checks it, or dumps what is in force). Returns the exit code: 0; 1 the
 * system refused; 2 the configuration has errors (printed to standard error). Thread: main. */
int ln__broker_run(const char *path, ln__broker_goal_t goal);
/* Prints the tables: of the core (NAME NULL: of every module too), or of module NAME. Modules are looked for where the configuration at PATH
 * says, if it can be read. Returns the exit code. Thread: main. describe.c. */
int ln__broker_describe(const char *path, const char *name);
/* Prints the generated part of a manual page, of the core and of every module: "conf" for linnet.conf(5), "log" for linnet-log(7). Returns the
 * exit code. Thread: main. describe.c. */
int ln__broker_describe_man(const char *path, const char *page);

#endif
