/* A file of users: what is read, and what is said of one that cannot be. */
#include "scram/users.h"

#include <stdio.h>
#include "unit.h"

#define VERIFIER "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=:" \
                 "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static scram_users_t *read_text(const char *text, char *why, size_t size)
{
	char path[] = "/tmp/linnet-users-XXXXXX";
	int fd = mkstemp(path);
	scram_users_t *users;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	users = scram_users_read(path, why, size);
	unlink(path);
	return users;
}

START_TEST(users_are_found)
{
	char why[256];
	scram_users_t *users = read_text("# a comment\n\nzoe:" VERIFIER "\r\na:b:" VERIFIER "\n", why, sizeof(why));

	ck_assert_ptr_nonnull(users);
	ck_assert_uint_eq(scram_users_count(users), 2);
	ck_assert_ptr_nonnull(scram_users_find(users, LN_STR("zoe")));
	ck_assert_ptr_nonnull(scram_users_find(users, LN_STR("a:b")));
	ck_assert_ptr_null(scram_users_find(users, LN_STR("a")));
	ck_assert_ptr_null(scram_users_find(users, LN_STR("")));
	scram_users_free(users);
}
END_TEST

START_TEST(nobody_is_found_in_an_empty_file)
{
	char why[256];
	scram_users_t *users = read_text("", why, sizeof(why));

	ck_assert_ptr_nonnull(users);
	ck_assert_ptr_null(scram_users_find(users, LN_STR("a")));
	scram_users_free(users);
}
END_TEST

START_TEST(a_bad_line_is_named)
{
	char why[256];

	ck_assert_ptr_null(read_text("zoe:" VERIFIER "\nmax:secret\n", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ":2: a line is NAME:"));
	ck_assert_ptr_null(read_text("zoe:SCRAM-SHA-256$1:x$y:z\n", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ":1: the iterations"));
	ck_assert_ptr_null(read_text("zoe:" VERIFIER "\nmax:" VERIFIER "\nzoe:" VERIFIER "\n", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, ":3: user zoe stands in line 1 already"));
	/* What cannot be read to its end is not read. */
	ck_assert_ptr_null(scram_users_read("/", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "Is a directory"));
	ck_assert_ptr_null(scram_users_read("/nonexistent/users", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "No such file"));
}
END_TEST

START_TEST(nobody_is_like_somebody)
{
	static const uint8_t secret[SCRAM_KEY] = { 7 };
	char why[256];
	scram_users_t *users = read_text("zoe:" VERIFIER "\n", why, sizeof(why)), *none = read_text("", why, sizeof(why));

	ck_assert_ptr_eq(scram_users_like(users, secret, LN_STR("max")), scram_users_find(users, LN_STR("zoe")));
	ck_assert_ptr_null(scram_users_like(none, secret, LN_STR("max")));
	scram_users_free(users);
	scram_users_free(none);
}
END_TEST

LN_UNIT_MAIN("scram/users", users_are_found, nobody_is_found_in_an_empty_file, a_bad_line_is_named, nobody_is_like_somebody)
