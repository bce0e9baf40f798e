/* loop.c - the epoll loop; see loop.h.
 *
 * epoll_pwait2 because pacing 20,000 messages a second needs waits of microseconds; timer slack is set to 1 ns for the
 * same reason. No timers and no callbacks by time: a phase looks at the clock of the turn.
 */
#include "loop.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "fail.h"

#define EVENTS     512
#define IN_SIZE    (256u << 10)
#define LONG_TURN  (100 * BENCH_MS)

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	if (interrupted)
		_exit(130);
	interrupted = 1;
}

bool bench_interrupted(void)
{
	return interrupted != 0;
}

static void resolve(bench_loop_t *loop)
{
	const bench_options_t *o = loop->options;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	char host[64] = "?", port[16] = "?";
	int code = getaddrinfo(o->host, o->port, &hints, &list);

	if (code != 0)
		bench_fail("cannot find host '%s', port '%s': %s", o->host, o->port, gai_strerror(code));
	memcpy(&loop->address, list->ai_addr, list->ai_addrlen);
	loop->address_len = list->ai_addrlen;
	getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(loop->address_text, sizeof(loop->address_text), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
	freeaddrinfo(list);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void bench_loop_init(bench_loop_t *loop, const bench_options_t *options)
{
	struct sigaction action = { .sa_handler = on_signal };

	*loop = (bench_loop_t){ .options = options, .wake = UINT64_MAX };
	resolve(loop);
	raise_file_limit();
	prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		bench_fail("epoll_create1: %s", strerror(errno));
	loop->in_size = IN_SIZE;
	if (options->payload + 4096 > IN_SIZE / 2)
		loop->in_size = 2 * (options->payload + 4096);
	loop->in = bench_alloc(1, loop->in_size);
	loop->now = bench_now();
}

void bench_loop_fini(bench_loop_t *loop)
{
	close(loop->epoll);
	bench_free(loop->in);
}

static void turn(bench_loop_t *loop, uint64_t deadline)
{
	struct epoll_event events[EVENTS];
	uint64_t until = loop->now + LONG_TURN, wait;
	struct timespec timeout;
	int n;

	if (until > deadline)
		until = deadline;
	if (until > loop->wake)
		until = loop->wake;
	wait = until > loop->now ? until - loop->now : 0;
	timeout = (struct timespec){ (time_t)(wait / BENCH_S), (long)(wait % BENCH_S) };
	n = epoll_pwait2(loop->epoll, events, EVENTS, &timeout, NULL);
	if (n < 0 && errno != EINTR)
		bench_fail("epoll_pwait2: %s", strerror(errno));
	loop->now = bench_now();
	for (int i = 0; i < n; i++)
		bench_conn_serve(events[i].data.ptr, events[i].events);
	if (loop->on_tick)
		loop->on_tick(loop->tick_arg);
}

bool bench_loop_until(bench_loop_t *loop, bool (*done)(void *arg), void *arg, uint64_t timeout)
{
	uint64_t deadline;

	loop->now = bench_now();
	deadline = loop->now + timeout;
	while (!done(arg)) {
		if (loop->now >= deadline || (interrupted && !loop->finishing))
			return false;
		turn(loop, deadline);
	}
	return true;
}

static bool not_yet(void *arg)
{
	(void)arg;
	return false;
}

void bench_loop_rest(bench_loop_t *loop, uint64_t time)
{
	bench_loop_until(loop, not_yet, NULL, time);
}
