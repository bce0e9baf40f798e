/* unix.c — listening on a path of the file system.
 *
 * SO_REUSEPORT means nothing here, so all workers share one socket (port.c gives each its own descriptor of it). What
 * else is different is the file:
 *
 * It gets its mode and owner between bind and listen. Nobody can connect before listen, so there is no moment at which
 * others than those may, and the process's umask, which other threads use, need not be touched.
 *
 * A socket file outlives a broker that was killed. Whether somebody listens on it is found out by connecting: refused
 * means nobody does, and the file is removed. Anything else that stands there, another kind of file above all, is left
 * alone and is an error. At the end the file is removed if it is still the one we made.
 *
 * Not done: a lock file. Two brokers that start on the same path in the same instant may both find a stale socket, and
 * one of them may remove what the other has just bound. Abstract names ("unix:@x"): they have no mode, so everybody
 * on the machine could connect.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <linnet/str.h>
#include "net.h"

static uid_t default_uid = (uid_t)-1;
static gid_t default_gid = (gid_t)-1;

void ln__unix_set_owner(uid_t uid, gid_t gid)
{
	default_uid = uid;
	default_gid = gid;
}

/* --- what the configuration says ---------------------------------------------------------------------------------- */

static bool read_mode(const char *text, mode_t *ret_mode)
{
	mode_t mode = 0;

	if (!text || !*text || strlen(text) > 4)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		mode = mode << 3 | (mode_t)(*text - '0');
	}
	*ret_mode = mode;
	return mode <= 0777;
}

static bool read_user(const char *text, uid_t *ret_uid)
{
	const struct passwd *pw = getpwnam(text);
	uint64_t id;

	if (pw)
		*ret_uid = pw->pw_uid;
	else if (ln_parse_u64(ln_slice_of(text), INT32_MAX, &id))
		*ret_uid = (uid_t)id;
	else
		return false;
	return true;
}

static bool read_group(const char *text, gid_t *ret_gid)
{
	const struct group *gr = getgrnam(text);
	uint64_t id;

	if (gr)
		*ret_gid = gr->gr_gid;
	else if (ln_parse_u64(ln_slice_of(text), INT32_MAX, &id))
		*ret_gid = (gid_t)id;
	else
		return false;
	return true;
}

const char *ln__unix_rights(const ln__listener_conf_t *conf, const char **ret_option, ln__rights_t *ret_rights)
{
	ln__rights_t rights = { .uid = default_uid, .gid = default_gid };

	*ret_option = "socket-mode";
	if (!read_mode(conf->socket_mode, &rights.mode))
		return "expected three or four octal digits, such as \"0660\"";
	*ret_option = "socket-user";
	if (conf->socket_user && !read_user(conf->socket_user, &rights.uid))
		return "there is no such user";
	*ret_option = "socket-group";
	if (conf->socket_group && !read_group(conf->socket_group, &rights.gid))
		return "there is no such group";
	*ret_rights = rights;
	return NULL;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static socklen_t sock_of(const char *path, struct sockaddr_un *ret_sock)
{
	memset(ret_sock, 0, sizeof(*ret_sock));
	ret_sock->sun_family = AF_UNIX;
	ln_require(strlen(path) < sizeof(ret_sock->sun_path));
	memcpy(ret_sock->sun_path, path, strlen(path));
	return sizeof(*ret_sock);
}

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Does somebody listen on the socket at PATH? Sets errno: EADDRINUSE, ECONNREFUSED if nobody does, or why that cannot
 * be known. */
static void try_socket(const char *path)
{
	struct sockaddr_un sock;
	socklen_t len = sock_of(path, &sock);
	int fd = open_socket(), saved;

	if (fd < 0)
		return;
	/* EAGAIN: its backlog is full, so somebody listens. */
	if (connect(fd, (const struct sockaddr *)&sock, len) == 0 || errno == EAGAIN)
		errno = EADDRINUSE;
	saved = errno;
	close(fd);
	errno = saved;
}

/* Makes sure that nothing is at PATH. */
static bool clear_path(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT;
	errno = ENOTSOCK;
	if (S_ISSOCK(st.st_mode))
		try_socket(path);
	if (errno != ECONNREFUSED || unlink(path) < 0)
		return false;
	ln_log((void *)NULL, SOCKET_STALE, path);
	return true;
}

bool ln__unix_dress(const char *path, const ln__rights_t *rights)
{
	struct stat st;
	bool other;

	if (lstat(path, &st) < 0)
		return false;
	if ((st.st_mode & 07777) != rights->mode && chmod(path, rights->mode) < 0)
		return false;
	other = (rights->uid != (uid_t)-1 && st.st_uid != rights->uid) ||
		(rights->gid != (gid_t)-1 && st.st_gid != rights->gid);
	return !other || lchown(path, rights->uid, rights->gid) == 0;
}

/* Bound, dressed and listening; the file is removed again when something fails after bind. */
static bool settle_at(int fd, const char *path, const ln__rights_t *rights, uint32_t backlog, struct stat *st)
{
	struct sockaddr_un sock;
	socklen_t len = sock_of(path, &sock);
	int saved;

	if (bind(fd, (const struct sockaddr *)&sock, len) < 0)
		return false;
	if (ln__unix_dress(path, rights) && lstat(path, st) == 0 && listen(fd, (int)backlog) == 0)
		return true;
	saved = errno;
	unlink(path);
	errno = saved;
	return false;
}

int ln__unix_listen(const char *path, const ln__rights_t *rights, uint32_t backlog, ln__file_id_t *ret_id)
{
	struct stat st;
	int saved, fd;

	if (!clear_path(path))
		return -1;
	fd = open_socket();
	if (fd < 0)
		return -1;
	if (settle_at(fd, path, rights, backlog, &st)) {
		*ret_id = (ln__file_id_t){ st.st_dev, st.st_ino };
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

void ln__unix_remove(const char *path, const ln__file_id_t *id)
{
	struct stat st;

	if (lstat(path, &st) < 0 || st.st_dev != id->dev || st.st_ino != id->ino)
		return;
	if (unlink(path) < 0)
		ln_log((void *)NULL, SOCKET_LEFT, path, strerror(errno));
}

void ln__unix_peer(int fd, ln__addr_t *addr)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		ln__addr_set_process(addr, (uint32_t)who.pid, who.uid);
}
