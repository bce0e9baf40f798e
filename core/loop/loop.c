/* loop.c — the only file that knows libev.
 *
 * The order within a turn is libev's order of priorities: a check watcher of the highest one begins the turn,
 * descriptors have the middle, a check watcher of the lowest one does the worker's work, and a prepare watcher ends
 * the turn. Timers and letters have no libev watchers of their own: one ev_timer and one ev_async only make the poll
 * return, what there is to do is looked up in every turn. That keeps libev's heap and its lists out of everything
 * that happens often.
 *
 * The time-out is one-shot and is never moved back (see ln__loop_wake_at), so 20,000 timers set in a turn cost libev
 * nothing.
 */
#include <ev.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <linnet/mem.h>
#include "loop.h"

#define LOOP_MAGIC UINT32_C(0x4c4f4f50)

_Static_assert(sizeof(ev_io) <= sizeof(((ln_io_t *)0)->room), "ln_io_t has room for libev's watcher");
_Static_assert(_Alignof(ev_io) <= _Alignof(ln_io_t), "and aligns it");
_Static_assert(LN_IO_READ == EV_READ && LN_IO_WRITE == EV_WRITE, "events are libev's");

typedef struct watched_signal watched_signal_t;
struct watched_signal {
	ev_signal ev;
	ln_signal_fn fn;
	void *ctx;
	watched_signal_t *next;
};

struct ln__loop {
	uint32_t magic;
	struct ev_loop *ev;
	const ln__loop_calls_t *calls;
	void *owner;
	ev_check begin, work;
	ev_prepare end;
	ev_async bell;
	ev_timer alarm;
	uint64_t alarm_due;              /* while the alarm is active */
	watched_signal_t *signals;
	int epoll_fd;                    /* libev's when last looked at, -1 with another backend */
};

static ln__loop_t *loop_of(struct ev_loop *ev)
{
	ln__loop_t *loop = ev_userdata(ev);

	ln_insist(LN_MAGIC_OK(loop, LOOP_MAGIC));
	return loop;
}

static void on_begin(struct ev_loop *ev, ev_check *watcher, int events)
{
	ln__loop_t *loop = loop_of(ev);

	(void)watcher, (void)events;
	loop->calls->begin(loop->owner);
}

static void on_work(struct ev_loop *ev, ev_check *watcher, int events)
{
	ln__loop_t *loop = loop_of(ev);

	(void)watcher, (void)events;
	loop->calls->work(loop->owner);
}

static void on_end(struct ev_loop *ev, ev_prepare *watcher, int events)
{
	ln__loop_t *loop = loop_of(ev);

	(void)watcher, (void)events;
	loop->calls->end(loop->owner);
}

/* That the poll returned is all the bell and the alarm are for. */
static void on_bell(struct ev_loop *ev, ev_async *watcher, int events)
{
	(void)ev, (void)watcher, (void)events;
}

static void on_alarm(struct ev_loop *ev, ev_timer *watcher, int events)
{
	(void)ev, (void)watcher, (void)events;
}

static void on_release(struct ev_loop *ev) EV_NOEXCEPT
{
	loop_of(ev)->calls->before_poll();
}

static void on_acquire(struct ev_loop *ev) EV_NOEXCEPT
{
	loop_of(ev)->calls->after_poll();
}

/* libev does not tell its epoll descriptor, but a loop that embeds another watches it: a moment of embedding is the
 * public way to learn the number. */
static int find_epoll(struct ev_loop *ev)
{
	struct ev_loop *other;
	ev_embed embed;
	int fd;

	if (ev_backend(ev) != EVBACKEND_EPOLL || !(ev_embeddable_backends() & EVBACKEND_EPOLL))
		return -1;
	other = ev_loop_new(EVBACKEND_SELECT | EVFLAG_NOENV);
	ln_insist(other != NULL);
	ev_embed_init(&embed, NULL, ev);
	ev_embed_start(other, &embed);
	fd = embed.io.fd;
	ev_embed_stop(other, &embed);
	ev_loop_destroy(other);
	return fd;
}

ln__loop_t *ln__loop_create(const ln__loop_calls_t *calls, void *owner)
{
	ln__loop_t *loop = ln_new(ln__loop_t);

	loop->magic = LOOP_MAGIC;
	loop->calls = calls;
	loop->owner = owner;
	loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	ln_insist(loop->ev != NULL);
	loop->epoll_fd = find_epoll(loop->ev);
	ev_set_userdata(loop->ev, loop);
	ev_set_loop_release_cb(loop->ev, on_release, on_acquire);
	ev_check_init(&loop->begin, on_begin);
	ev_set_priority(&loop->begin, EV_MAXPRI);
	ev_check_start(loop->ev, &loop->begin);
	ev_check_init(&loop->work, on_work);
	ev_set_priority(&loop->work, EV_MINPRI);
	ev_check_start(loop->ev, &loop->work);
	ev_prepare_init(&loop->end, on_end);
	ev_prepare_start(loop->ev, &loop->end);
	ev_async_init(&loop->bell, on_bell);
	ev_async_start(loop->ev, &loop->bell);
	ev_timer_init(&loop->alarm, on_alarm, 0., 0.);
	return loop;
}

void ln__loop_destroy(ln__loop_t *loop)
{
	if (!loop)
		return;
	ln_require(loop->magic == LOOP_MAGIC);
	while (loop->signals) {
		watched_signal_t *s = loop->signals;
		loop->signals = s->next;
		ev_signal_stop(loop->ev, &s->ev);
		ln_free(s);
	}
	ev_loop_destroy(loop->ev);
	loop->magic = 0;
	ln_free(loop);
}

void ln__loop_run(ln__loop_t *loop, ln__loop_mode_t mode)
{
	static const int flags[] = {
		[LN__LOOP_UNTIL_LEFT] = 0, [LN__LOOP_ONE_TURN] = EVRUN_ONCE, [LN__LOOP_ONE_GLANCE] = EVRUN_NOWAIT
	};

	ev_run(loop->ev, flags[mode]);
}

void ln__loop_leave(ln__loop_t *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

void ln__loop_ring(ln__loop_t *loop)
{
	ev_async_send(loop->ev, &loop->bell);
}

void ln__loop_wake_at(ln__loop_t *loop, uint64_t due, uint64_t now)
{
	if (ev_is_active(&loop->alarm) && loop->alarm_due <= due)
		return;
	ev_timer_stop(loop->ev, &loop->alarm);
	ev_timer_set(&loop->alarm, due > now ? (double)(due - now) * 1e-3 : 0., 0.);
	ev_timer_start(loop->ev, &loop->alarm);
	loop->alarm_due = due;
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
	watched_signal_t *s = LN_CONTAINER(watcher, watched_signal_t, ev);

	(void)ev, (void)events;
	s->fn(watcher->signum, s->ctx);
}

ln_result_t ln__loop_on_signal(ln__loop_t *loop, int signal, ln_signal_fn fn, void *ctx)
{
	watched_signal_t *s = loop->signals;

	if (signal <= 0 || signal >= NSIG || signal == SIGKILL || signal == SIGSTOP)
		return LN_INVALID;
	while (s && s->ev.signum != signal)
		s = s->next;
	if (!s) {
		s = ln_new(watched_signal_t);
		s->next = loop->signals;
		loop->signals = s;
		ev_signal_init(&s->ev, on_signal, signal);
		ev_signal_start(loop->ev, &s->ev);
	}
	s->fn = fn;
	s->ctx = ctx;
	return LN_OK;
}

static void on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
	ln_io_t *io = LN_CONTAINER(watcher, ln_io_t, room);

	(void)ev;
	io->fn(io, (unsigned)events & (LN_IO_READ | LN_IO_WRITE));
}

/* The same descriptor with other events is told to libev without EV__IOFDSET, so that it asks the kernel only for
 * what changed; after ln__loop_unwatch the number may stand for another file, and everything is set anew. */
void ln__loop_watch(ln__loop_t *loop, ln_io_t *io, int fd, unsigned events)
{
	ev_io *watcher = (ev_io *)(void *)io->room;

	if (!ev_cb(watcher)) {
		ev_io_init(watcher, on_io, fd, (int)events);
	} else if (watcher->fd != fd) {
		ev_io_stop(loop->ev, watcher);
		ev_io_set(watcher, fd, (int)events);
	} else if (((unsigned)watcher->events & (LN_IO_READ | LN_IO_WRITE)) != events) {
		ev_io_stop(loop->ev, watcher);
		watcher->events = (watcher->events & EV__IOFDSET) | (int)events;
	}
	if (events)
		ev_io_start(loop->ev, watcher);
}

/* Takes FD out of the kernel's set. A refusal is in order when FD is not in it, but libev may also have made its set
 * anew, with another number; the old number may be anything by now. It cannot be a set that FD stands in: FD is in
 * ours alone. */
static void forget(ln__loop_t *loop, int fd)
{
	struct epoll_event none = { 0 };
	int number;

	if (loop->epoll_fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, &none) == 0)
		return;
	number = find_epoll(loop->ev);
	if (number == loop->epoll_fd)
		return;
	loop->epoll_fd = number;
	(void)epoll_ctl(number, EPOLL_CTL_DEL, fd, &none);
}

/* libev leaves a stopped descriptor in the kernel's set until an event comes for it, and takes it out then. By that time
 * another thread may have closed it, or have it under another number; libev then makes its whole set anew.
 *
 * Nothing of libev's own is touched. What it remembers of the number (the mask, a count of its uses) is what it remembers
 * of any descriptor closed after ev_io_stop, which the kernel takes out of the set just so: when the number comes back,
 * watching it begins with EV__IOFDSET and thus with EPOLL_CTL_ADD. */
void ln__loop_release(ln__loop_t *loop, ln_io_t *io)
{
	ev_io *watcher = (ev_io *)(void *)io->room;

	if (!ev_cb(watcher))
		return;
	forget(loop, watcher->fd);
	ln__loop_unwatch(loop, io);
}

void ln__loop_unwatch(ln__loop_t *loop, ln_io_t *io)
{
	ev_io *watcher = (ev_io *)(void *)io->room;

	if (!ev_cb(watcher))
		return;
	ev_io_stop(loop->ev, watcher);
	memset(io->room, 0, sizeof(io->room));
}
