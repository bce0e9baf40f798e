/* Tests of core/net/unix.c: the file of a socket: its rights, who else is there, when it is removed; and whom a peer is
 * said to be. */
#include <sys/stat.h>
#include <sys/un.h>
#include "bench.h"

static char dir[] = "/tmp/linnet-unix-XXXXXX";
static char path[64];
static const ln__rights_t private = { 0600, (uid_t)-1, (gid_t)-1 };

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
}

static void tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

static bool is_there(void)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static mode_t mode_now(void)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* A connected, non-blocking socket, or -1 and errno. */
static int dial(void)
{
	struct sockaddr_un sock = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(sock.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&sock, sizeof(sock)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A listener on the path, with COUNT workers. */
static void start(unsigned count)
{
	static ln_protocol_t p;
	char address[80];
	ln__listener_conf_t conf = bench_conf();
	ln__listener_parts_t parts = { .name = "unix", .conf = &conf, .protocol = &p, .rights = private };

	p = bench_protocol(NULL);
	bench_workers(count);
	snprintf(address, sizeof(address), "unix:%s", path);
	conf.address = address;
	ck_assert(!ln__addr_parse(address, &parts.addr));
	bench_listener = ln__listener_new(&parts);
	ck_assert_str_eq(ln__listener_path(bench_listener), path);
	ln_unit_ok(ln__port_open_unix(path, &private, 64, &bench_port));
	ln__port_serve(bench_port, bench_listener);
	conf.address = NULL;
	ln_conf_clear(ln__listener_items, &conf);
}

START_TEST(serves_and_leaves_nothing)
{
	char word[6] = "", peer[64];
	int fd;

	start(1);
	ck_assert_uint_eq(mode_now(), 0600);
	fd = dial();
	bench_until(seen.opened == 1);
	snprintf(peer, sizeof(peer), "unix:pid=%u,uid=%u", (unsigned)getpid(), (unsigned)getuid());
	ck_assert_str_eq(ln_conn_peer(seen.conn), peer);
	bench_send(fd, "hello", 5);
	bench_recv(fd, word, 5);
	ck_assert_str_eq(word, "hello");
	close(fd);
	bench_stop();
	ck_assert(!is_there());
}
END_TEST

START_TEST(is_shared_by_the_workers)
{
	enum { ALL = 3 * LN__ACCEPTS_SHARED };
	int fd[ALL];

	start(2);
	for (unsigned i = 0; i < ALL; i++)
		fd[i] = dial();
	/* None takes all of a burst. */
	ln_worker_turn(ln_worker_at(0), false);
	ck_assert_uint_eq(seen.opened, LN__ACCEPTS_SHARED);
	ln_worker_turn(ln_worker_at(1), false);
	ck_assert_uint_eq(seen.opened, 2 * LN__ACCEPTS_SHARED);
	ck_assert_uint_eq(ln_worker_at(1)->counters[ln__net_stat_base + LN__STAT_CONNECTIONS], LN__ACCEPTS_SHARED);
	ln_worker_turn(ln_worker_at(0), false);
	ck_assert_uint_eq(seen.opened, ALL);
	/* Nothing there: nothing is wrong. */
	ln_worker_turn(ln_worker_at(1), false);
	ck_assert_uint_eq(bench_stat(LN__STAT_ACCEPT_PAUSED), 0);
	for (unsigned i = 0; i < ALL; i++)
		close(fd[i]);
	bench_stop();
}
END_TEST

START_TEST(takes_what_was_left_behind)
{
	ln__file_id_t id, other;
	int fd;

	ln__net_init();
	ck_assert_int_eq(ln_log_open("/dev/null", LN_LOG_TEXT, LN_LOG_DEBUG), LN_OK);
	close(ln__unix_listen(path, &private, 4, &id));
	ck_assert(is_there());
	fd = ln__unix_listen(path, &private, 4, &other);
	ck_assert_int_ge(fd, 0);
	/* Somebody listens. */
	ck_assert_int_eq(ln__unix_listen(path, &private, 4, &id), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	close(fd);
	ln__unix_remove(path, &other);
	ck_assert(!is_there());
}
END_TEST

START_TEST(takes_a_full_backlog_for_somebody)
{
	ln__file_id_t id;
	int fd, peer[8], n = 0;

	ln__net_init();
	fd = ln__unix_listen(path, &private, 1, &id);
	while (n < 8 && (peer[n] = dial()) >= 0)
		n++;
	ck_assert_int_lt(n, 8);
	ck_assert_int_eq(ln__unix_listen(path, &private, 4, &id), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	while (n > 0)
		close(peer[--n]);
	close(fd);
}
END_TEST

START_TEST(touches_no_other_file)
{
	ln__file_id_t id;
	FILE *f = fopen(path, "w");
	int fd;

	ln__net_init();
	fclose(f);
	ck_assert_int_eq(ln__unix_listen(path, &private, 4, &id), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert(is_there());
	unlink(path);
	/* A link to a socket is no socket either. */
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(ln__unix_listen(path, &private, 4, &id), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	unlink(path);
	/* What somebody put in the place of ours stays. */
	fd = ln__unix_listen(path, &private, 4, &id);
	ck_assert_int_ge(fd, 0);
	unlink(path);
	fclose(fopen(path, "w"));
	ln__unix_remove(path, &id);
	ck_assert(is_there());
	close(fd);
}
END_TEST

START_TEST(gives_mode_and_owner)
{
	ln__rights_t rights = { 0666, getuid(), getgid() };
	struct stat st;
	mode_t mask = umask(0777);
	ln__file_id_t id;
	int fd;

	ln__net_init();
	fd = ln__unix_listen(path, &rights, 4, &id);
	umask(mask);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(mode_now(), 0666);
	rights.mode = 0620;
	if (getuid() == 0)
		rights.uid = rights.gid = 65534;
	ck_assert(ln__unix_dress(path, &rights));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0620);
	ck_assert_uint_eq(st.st_uid, rights.uid);
	ck_assert_uint_eq(st.st_gid, rights.gid);
	close(fd);
	unlink(path);
	ck_assert(!ln__unix_dress(path, &rights));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(reads_rights)
{
	static const struct { const char *mode; int value; } modes[] = {
		{ "0660", 0660 }, { "600", 0600 }, { "0777", 0777 }, { "0", 0 }, { "", -1 }, { "0668", -1 },
		{ "1777", -1 }, { "00660", -1 }, { "rw", -1 }, { "-660", -1 },
	};
	ln__listener_conf_t conf = { .socket_group = NULL };
	ln__rights_t rights;
	const char *option;

	for (size_t i = 0; i < LN_ARRAY_SIZE(modes); i++) {
		char text[8];
		strcpy(text, modes[i].mode);
		conf.socket_mode = text;
		if (modes[i].value < 0) {
			ck_assert_msg(ln__unix_rights(&conf, &option, &rights) != NULL, "accepted \"%s\"", text);
			ck_assert_str_eq(option, "socket-mode");
		} else {
			ck_assert_ptr_null(ln__unix_rights(&conf, &option, &rights));
			ck_assert_int_eq((int)rights.mode, modes[i].value);
		}
	}
}
END_TEST

START_TEST(reads_owners)
{
	char mode[] = "0660", root[] = "root", number[] = "4711", nobody[] = "no-such-name";
	ln__listener_conf_t conf = { .socket_mode = mode };
	ln__rights_t rights;
	const char *option;

	ck_assert_ptr_null(ln__unix_rights(&conf, &option, &rights));
	ck_assert(rights.uid == (uid_t)-1 && rights.gid == (gid_t)-1);
	ln__unix_set_owner(17, 18);
	ck_assert_ptr_null(ln__unix_rights(&conf, &option, &rights));
	ck_assert(rights.uid == 17 && rights.gid == 18);
	conf.socket_user = root;
	conf.socket_group = number;
	ck_assert_ptr_null(ln__unix_rights(&conf, &option, &rights));
	ck_assert(rights.uid == 0 && rights.gid == 4711);
	conf.socket_group = nobody;
	ck_assert_ptr_nonnull(ln__unix_rights(&conf, &option, &rights));
	ck_assert_str_eq(option, "socket-group");
	conf.socket_user = nobody;
	ck_assert_ptr_nonnull(ln__unix_rights(&conf, &option, &rights));
	ck_assert_str_eq(option, "socket-user");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/unix");
	TCase *tests = tcase_create("net/unix");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, LN_UNIT_SECONDS);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, serves_and_leaves_nothing);
	tcase_add_test(tests, is_shared_by_the_workers);
	tcase_add_test(tests, takes_what_was_left_behind);
	tcase_add_test(tests, takes_a_full_backlog_for_somebody);
	tcase_add_test(tests, touches_no_other_file);
	tcase_add_test(tests, gives_mode_and_owner);
	tcase_add_test(tests, reads_rights);
	tcase_add_test(tests, reads_owners);
	suite_add_tcase(suite, tests);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
