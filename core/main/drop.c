/* drop.c — privileges are dropped once, for good, and it is checked that they are gone.
 *
 * Order matters: supplementary groups, group, user; afterwards becoming root again must fail. The C library changes user
 * and group of all threads, but "no new privileges" is a thread's own and inherited: it is said before there are others.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "drop.h"

static const char *find_group(const char *group, ln__drop_t *d)
{
	const struct group *g = getgrnam(group);

	if (!g)
		return "there is no such group";
	d->gid = g->gr_gid;
	snprintf(d->group, sizeof(d->group), "%s", group);
	return NULL;
}

const char *ln__drop_find(const char *user, const char *group, ln__drop_t *ret)
{
	const struct passwd *p;

	*ret = (ln__drop_t){ .wanted = false };
	if (!user)
		return group ? "group needs user" : NULL;
	p = getpwnam(user);
	if (!p)
		return "there is no such user";
	ret->wanted = true;
	ret->uid = p->pw_uid;
	ret->gid = p->pw_gid;
	snprintf(ret->user, sizeof(ret->user), "%s", user);
	snprintf(ret->group, sizeof(ret->group), "%u", (unsigned)p->pw_gid);
	return group ? find_group(group, ret) : NULL;
}

const char *ln__drop_begin(const ln__drop_t *drop)
{
	if (!drop->wanted || drop->uid == 0 || geteuid() != 0)
		return NULL;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? "no_new_privs could not be set" : NULL;
}

const char *ln__drop_try(const ln__drop_t *drop, bool on)
{
	bool good;

	if (!drop->wanted || drop->uid == 0 || getuid() != 0)
		return NULL;
	if (on)
		good = initgroups(drop->user, drop->gid) == 0 && setegid(drop->gid) == 0 && seteuid(drop->uid) == 0;
	else
		good = seteuid(0) == 0 && setegid(getgid()) == 0;
	return good ? NULL : "the system refused to change user or group";
}

const char *ln__drop_now(const ln__drop_t *drop)
{
	if (!drop->wanted)
		return NULL;
	if (geteuid() != 0)
		return geteuid() == drop->uid ? NULL : "only root can become another user";
	if (drop->uid == 0)
		return NULL;
	if (initgroups(drop->user, drop->gid) || setresgid(drop->gid, drop->gid, drop->gid) ||
	    setresuid(drop->uid, drop->uid, drop->uid))
		return "the system refused to change user or group";
	if (setuid(0) == 0 || seteuid(0) == 0)
		return "privileges could be taken back after they were dropped";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? "no_new_privs could not be set" : NULL;
}
