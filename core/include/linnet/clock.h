/* clock.h — time, read as seldom as possible. Workers read it once per turn (worker->now, worker->wall); others ask
 * here. Tests may replace both. Milliseconds. Thread: any. */
#ifndef LINNET_CLOCK_H
#define LINNET_CLOCK_H

#include <stdint.h>

uint64_t ln_clock_now(void);   /* monotonic */
uint64_t ln_clock_wall(void);  /* since 1970-01-01 UTC */
/* Tests: from now on ln_clock_now (ln_clock_wall) returns what FN returns (NULL: the system's again). */
void ln_clock_replace(uint64_t (*fn)(void));
void ln_clock_replace_wall(uint64_t (*fn)(void));

#endif
