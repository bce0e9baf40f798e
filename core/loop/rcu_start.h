/* rcu_start.h — what only the workers' creator calls of RCU. */
#ifndef LN_LOOP_RCU_START_H
#define LN_LOOP_RCU_START_H

#include <linnet/rcu.h>

/* Makes RCU's own thread, all signals blocked. Again: nothing. Thread: main. */
void ln__rcu_start(void);

#endif
