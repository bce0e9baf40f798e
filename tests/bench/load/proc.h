/* proc.h - what the broker's process used: CPU time and resident memory, from /proc.
 *
 * CPU time is the sum of its threads' schedstat (nanoseconds); the user and system parts come from stat, whose clock
 * ticks are coarse, and are scaled to that sum. Resident memory is smaps_rollup's (exact) or, where it may not be read,
 * statm's.
 */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

#include <stdint.h>
#include <sys/types.h>

typedef struct bench_proc {
	uint64_t cpu;       /* nanoseconds */
	uint64_t user;      /* nanoseconds, to the clock tick */
	uint64_t system;
	uint64_t waited;    /* nanoseconds it was ready to run and another process had its CPU */
	uint64_t resident;  /* bytes */
} bench_proc_t;

/* Fills ret_proc with what process PID has used so far; all 0 when PID is 0. Ends the program when there is no such
 * process. */
void bench_proc_read(pid_t pid, bench_proc_t *ret_proc);

#endif
