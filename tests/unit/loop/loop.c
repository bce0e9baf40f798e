/* Tests core/loop/loop.c: what stands in the kernel's set of descriptors, as the kernel tells it in /proc, after a
 * descriptor was stopped or released. What the loop does with events is in turn.c. */
#include <stdio.h>
#include <sys/socket.h>
#include <linnet/worker.h>
#include "unit.h"

static ln_worker_t *w;
static unsigned reads, writes;
static int low_fd;      /* a number lower than that of the set */

static void setup(void)
{
	low_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ln_workers_create(1, 4096);
	w = ln_worker_at(0);
}

static void teardown(void)
{
	ln_workers_stop();
	ln_workers_destroy();
}

static void on_io(ln_io_t *io, unsigned events)
{
	(void)io;
	reads += (events & LN_IO_READ) != 0;
	writes += (events & LN_IO_WRITE) != 0;
}

/* Does the descriptor SET watch FD? False when it is not an epoll descriptor. */
static bool set_has(int set, int fd)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;
	int tfd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", set);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found |= sscanf(line, "tfd: %d", &tfd) == 1 && tfd == fd;
	if (f)
		fclose(f);
	return found;
}

/* The epoll descriptor that watches FD, -1 when none does. */
static int set_of(int fd)
{
	for (int set = 0; set < 256; set++) {
		if (set_has(set, fd))
			return set;
	}
	return -1;
}

static void make_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void watch(ln_io_t *io, int fd)
{
	*io = (ln_io_t){ .fn = on_io };
	ln_io_set(w, io, fd, LN_IO_READ);
	ln_worker_turn(w, false);
	ck_assert_int_ge(set_of(fd), 0);
}

START_TEST(released_is_out_of_the_set)
{
	ln_io_t io;
	int pair[2];

	make_pair(pair);
	watch(&io, pair[0]);
	ln_io_release(w, &io);
	ck_assert_int_eq(set_of(pair[0]), -1);
	ln_worker_turn(w, false);
	ln_io_release(w, &io);
	ck_assert_int_eq(set_of(pair[0]), -1);
	close_pair(pair);
}
END_TEST

START_TEST(released_before_the_kernel_knew)
{
	ln_io_t io = { .fn = on_io };
	int pair[2];

	make_pair(pair);
	ln_io_release(w, &io);
	ln_io_set(w, &io, pair[0], LN_IO_READ);
	ln_io_release(w, &io);
	ln_worker_turn(w, false);
	ck_assert_int_eq(set_of(pair[0]), -1);
	watch(&io, pair[0]);
	ln_io_set(w, &io, pair[0], 0);
	ln_worker_turn(w, false);
	ln_io_release(w, &io);
	ck_assert_int_eq(set_of(pair[0]), -1);
	close_pair(pair);
}
END_TEST

/* The same file comes back, then another one under its number, in the same turn too and with other events. */
START_TEST(watched_anew_after_a_release)
{
	ln_io_t io;
	int pair[2], number;

	make_pair(pair);
	number = pair[0];
	for (unsigned i = 0; i < 4; i++) {
		unsigned events = i & 1 ? LN_IO_READ | LN_IO_WRITE : LN_IO_READ;

		watch(&io, pair[0]);
		ln_io_release(w, &io);
		if (i & 2)
			ln_worker_turn(w, false);
		close_pair(pair);
		make_pair(pair);
		ck_assert_int_eq(pair[0], number);
		ck_assert_int_eq(write(pair[1], "x", 1), 1);
		reads = writes = 0;
		ln_io_set(w, &io, pair[0], events);
		ln_worker_turn(w, true);
		ck_assert_uint_eq(reads, 1);
		ck_assert_uint_eq(writes, i & 1);
		ln_io_release(w, &io);
	}
	close_pair(pair);
}
END_TEST

/* A descriptor is given up by HOW, goes on under another number, and has an event: libev cannot take it out of its set
 * by the number it knows, and makes its whole set anew. Returns the descriptor of the loop's set, as it was before. */
static int give_up_and_renumber(void (*how)(ln_worker_t *, ln_io_t *), int *ret_copy)
{
	int pair[2], before;
	ln_io_t io;

	make_pair(pair);
	watch(&io, pair[0]);
	before = dup(set_of(pair[0]));
	how(w, &io);
	ln_worker_turn(w, false);
	*ret_copy = dup(pair[0]);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	close_pair(pair);
	for (int i = 0; i < 3; i++)
		ln_worker_turn(w, false);
	return before;
}

/* Is SET, of which this is a copy, still the loop's own? Then it has what is watched now. */
static bool is_loops_set(int set)
{
	ln_io_t io;
	int pair[2];
	bool is;

	make_pair(pair);
	watch(&io, pair[0]);
	is = set_has(set, pair[0]);
	ln_io_release(w, &io);
	ck_assert_int_eq(set_of(pair[0]), -1);
	close_pair(pair);
	return is;
}

START_TEST(the_set_survives_a_release)
{
	ln_io_t stays;
	int pair[2], before, copy;

	make_pair(pair);
	watch(&stays, pair[0]);
	before = give_up_and_renumber(ln_io_release, &copy);
	ck_assert(is_loops_set(before));
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	ln_worker_turn(w, true);
	ck_assert_uint_eq(reads, 1);
	ln_io_release(w, &stays);
	close(before);
	close(copy);
	close_pair(pair);
}
END_TEST

/* The set is another one under a lower number, and the number it had is another set now. Release must find out. */
START_TEST(released_from_a_set_made_anew)
{
	int pair[2], before, copy, number, low;
	ln_io_t io;

	make_pair(pair);
	watch(&io, pair[0]);
	number = set_of(pair[0]);
	ln_io_release(w, &io);
	ck_assert_int_gt(number, low_fd);
	close(low_fd);
	before = give_up_and_renumber(ln_io_stop, &copy);
	watch(&io, pair[0]);
	low = set_of(pair[0]);
	ck_assert_int_ne(low, number);
	ck_assert_int_eq(dup2(before, number), number);
	ln_io_release(w, &io);
	ck_assert_int_eq(set_of(pair[0]), -1);
	close(number);
	close(before);
	close(copy);
	close_pair(pair);
	ck_assert(is_loops_set(low));
}
END_TEST

LN_UNIT_MAIN_WITH("loop/loop", setup, teardown, released_is_out_of_the_set, released_before_the_kernel_knew,
                  watched_anew_after_a_release, the_set_survives_a_release, released_from_a_set_made_anew)
