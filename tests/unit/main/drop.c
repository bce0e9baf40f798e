/* Tests of core/main/drop.c. Becoming somebody else needs root: without it those tests only see that it is refused. */
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include "main/drop.c"
#include "unit.h"

START_TEST(finds_users_and_groups)
{
	const struct passwd *nobody = getpwnam("nobody");
	const struct group *root = getgrgid(0);
	ln__drop_t d;

	ck_assert_ptr_nonnull(nobody);
	ck_assert_ptr_null(ln__drop_find("nobody", NULL, &d));
	ck_assert(d.wanted);
	ck_assert_uint_eq(d.uid, nobody->pw_uid);
	ck_assert_uint_eq(d.gid, nobody->pw_gid);
	ck_assert_ptr_nonnull(root);
	ck_assert_ptr_null(ln__drop_find("nobody", root->gr_name, &d));
	ck_assert_uint_eq(d.gid, 0);
}
END_TEST

START_TEST(says_who_is_missing)
{
	ln__drop_t d;

	ck_assert_str_eq(ln__drop_find("no-such-user-here", NULL, &d), "there is no such user");
	ck_assert_str_eq(ln__drop_find("nobody", "no-such-group-here", &d), "there is no such group");
	ck_assert_str_eq(ln__drop_find(NULL, "root", &d), "group needs user");
}
END_TEST

START_TEST(stays_when_nobody_is_wanted)
{
	ln__drop_t d;
	uid_t uid = geteuid();

	ck_assert_ptr_null(ln__drop_find(NULL, NULL, &d));
	ck_assert(!d.wanted);
	ck_assert_ptr_null(ln__drop_now(&d));
	ck_assert_uint_eq(geteuid(), uid);
}
END_TEST

START_TEST(cannot_come_back)
{
	ln__drop_t d;
	uid_t real, effective, saved;
	gid_t groups[64];
	int count;

	ck_assert_ptr_null(ln__drop_find("nobody", NULL, &d));
	if (geteuid() != 0) {
		ck_assert_ptr_nonnull(ln__drop_now(&d));
		return;
	}
	ck_assert_ptr_null(ln__drop_now(&d));
	ck_assert_int_eq(getresuid(&real, &effective, &saved), 0);
	ck_assert(real == d.uid && effective == d.uid && saved == d.uid);
	ck_assert_uint_eq(getegid(), d.gid);
	count = getgroups(64, groups);
	for (int i = 0; i < count; i++)
		ck_assert_uint_ne(groups[i], 0);
	ck_assert_int_ne(setuid(0), 0);
	ck_assert_int_ne(setgid(0), 0);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	/* Somebody else again: no. The same: nothing to do. */
	ck_assert_ptr_null(ln__drop_now(&d));
	ck_assert_ptr_null(ln__drop_find("root", NULL, &d));
	ck_assert_ptr_nonnull(ln__drop_now(&d));
}
END_TEST

LN_UNIT_MAIN("main/drop", finds_users_and_groups, says_who_is_missing, stays_when_nobody_is_wanted, cannot_come_back)
