/* proc.c - reads /proc/PID; see proc.h. Done a few times per run, so plain stdio is good enough. */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"

/* The sums over the threads that live; 0 where the kernel has no schedstat. */
static void read_schedstat(pid_t pid, bench_proc_t *proc)
{
	char path[400];
	unsigned long long ran, waited;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, entry->d_name);
		f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%llu %llu", &ran, &waited) == 2) {
			proc->cpu += ran;
			proc->waited += waited;
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
}

static void read_stat(pid_t pid, bench_proc_t *proc)
{
	char path[64], line[1024], *at;
	unsigned long long user = 0, system = 0;
	uint64_t tick = BENCH_S / (uint64_t)sysconf(_SC_CLK_TCK);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		bench_fail("cannot watch process %d (--pid): %s: %s", (int)pid, path, strerror(errno));
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;  /* the name before it may hold anything */
	fclose(f);
	if (!at || sscanf(at + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2)
		bench_fail("cannot read %s", path);
	proc->user = user * tick;
	proc->system = system * tick;
}

static uint64_t read_resident(pid_t pid)
{
	char path[64], line[256];
	unsigned long long kib = 0, pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	while (f && kib == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %llu kB", &kib) != 1)
			kib = 0;
	if (f)
		fclose(f);
	if (kib > 0)
		return kib * 1024;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void bench_proc_read(pid_t pid, bench_proc_t *ret_proc)
{
	*ret_proc = (bench_proc_t){ 0 };
	if (pid == 0)
		return;
	read_stat(pid, ret_proc);
	read_schedstat(pid, ret_proc);
	if (ret_proc->cpu < ret_proc->user + ret_proc->system - (ret_proc->user + ret_proc->system) / 50)
		ret_proc->cpu = ret_proc->user + ret_proc->system;  /* no schedstat, or threads have ended */
	ret_proc->resident = read_resident(pid);
}
