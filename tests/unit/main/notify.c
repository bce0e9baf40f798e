/* Tests of core/main/notify.c: what a service manager hears. */
#include <stdio.h>
#include "main/notify.c"
#include "unit.h"

/* Listens at NAME ('@' first: abstract) and makes it $NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void hears(int fd, const char *want)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	ck_assert_int_eq(n, (ssize_t)strlen(want));
	ck_assert_str_eq(got, want);
}

START_TEST(tells_a_path)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/linnet-notify-%d", (int)getpid());
	fd = listen_at(name);
	ln__notify("READY=1");
	hears(fd, "READY=1");
	ln__notify("STOPPING=1");
	hears(fd, "STOPPING=1");
	unlink(name);
	close(fd);
}
END_TEST

START_TEST(tells_an_abstract_name)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "@linnet-notify-%d", (int)getpid());
	fd = listen_at(name);
	ln__notify("READY=1");
	hears(fd, "READY=1");
	close(fd);
}
END_TEST

START_TEST(needs_no_listener)
{
	char longer[300];

	unsetenv("NOTIFY_SOCKET");
	ln__notify("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	ln__notify("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	ln__notify("READY=1");
	setenv("NOTIFY_SOCKET", "/tmp/linnet-there-is-nobody", 1);
	ln__notify("READY=1");
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	ln__notify("READY=1");
}
END_TEST

LN_UNIT_MAIN("main/notify", tells_a_path, tells_an_abstract_name, needs_no_listener)
