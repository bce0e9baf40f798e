/* users.c — a file of users as a sorted array: small, and a search costs nothing beside the hashes of a login. */
#include "users.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linnet/mem.h>

typedef struct user {
	char *name;
	unsigned line;
	scram_verifier_t verifier;
} user_t;

struct scram_users {
	user_t *user;
	unsigned count, cap;
};

void scram_users_free(scram_users_t *users)
{
	if (!users)
		return;
	for (unsigned i = 0; i < users->count; i++)
		ln_free(users->user[i].name);
	ln_free(users->user);
	ln_free(users);
}

/* Returns NULL, or what is wrong with LINE. */
static const char *add(scram_users_t *users, ln_slice_t line, unsigned number)
{
	/* A name may hold colons; a verifier begins with its scheme. */
	const char *mark = strstr((const char *)line.data, ":SCRAM-SHA-256$");
	size_t len = mark ? (size_t)(mark - (const char *)line.data) : 0;
	user_t *u;
	const char *why;

	if (len == 0 || len > SCRAM_NAME_MAX)
		return "a line is NAME:SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY";
	if (users->count == users->cap) {
		users->cap = users->cap ? users->cap * 2 : 16;
		users->user = ln_realloc(users->user, users->cap * sizeof(user_t));
	}
	u = &users->user[users->count];
	*u = (user_t){ .line = number };
	why = scram_read(ln_slice(line.data + len + 1, line.len - len - 1), &u->verifier);
	if (why)
		return why;
	u->name = ln_strndup((const char *)line.data, len);
	users->count++;
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const user_t *)a)->name, ((const user_t *)b)->name);
}

/* False, and says so, when a name stands twice. */
static bool all_differ(const scram_users_t *users, const char *path, char *why, size_t size)
{
	for (unsigned i = 1; i < users->count; i++) {
		const user_t *a = &users->user[i - 1], *b = &users->user[i];

		if (strcmp(a->name, b->name) != 0)
			continue;
		snprintf(why, size, "%s:%u: user %s stands in line %u already", path, a->line > b->line ? a->line : b->line, b->name,
			 a->line < b->line ? a->line : b->line);
		return false;
	}
	return true;
}

static bool read_lines(scram_users_t *users, FILE *f, const char *path, char *why, size_t size)
{
	const char *wrong = NULL;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	for (unsigned n = 1; !wrong && (len = getline(&line, &cap, f)) >= 0; n++) {
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			line[--len] = 0;
		if (len == 0 || line[0] == '#')
			continue;
		wrong = add(users, ln_slice(line, (size_t)len), n);
		if (wrong)
			snprintf(why, size, "%s:%u: %s", path, n, wrong);
	}
	free(line);
	if (!wrong && ferror(f)) {
		wrong = strerror(errno);
		snprintf(why, size, "%s: %s", path, wrong);
	}
	return !wrong;
}

scram_users_t *scram_users_read(const char *path, char *why, size_t size)
{
	scram_users_t *users = ln_new(scram_users_t);
	FILE *f = fopen(path, "re");
	bool good = f && read_lines(users, f, path, why, size);

	if (!f)
		snprintf(why, size, "%s: %s", path, strerror(errno));
	else
		fclose(f);
	if (good && users->count)
		qsort(users->user, users->count, sizeof(user_t), by_name);
	if (good && all_differ(users, path, why, size))
		return users;
	scram_users_free(users);
	return NULL;
}

const scram_verifier_t *scram_users_find(const scram_users_t *users, ln_slice_t name)
{
	char text[SCRAM_NAME_MAX + 1];
	user_t key = { .name = text };
	const user_t *found;

	if (!users->count || name.len > SCRAM_NAME_MAX)
		return NULL;
	memcpy(text, name.data, name.len);
	text[name.len] = 0;
	found = bsearch(&key, users->user, users->count, sizeof(user_t), by_name);
	return found ? &found->verifier : NULL;
}

const scram_verifier_t *scram_users_like(const scram_users_t *users, const uint8_t secret[SCRAM_KEY], ln_slice_t name)
{
	return users->count ? &users->user[scram_pretend_like(secret, name, users->count)].verifier : NULL;
}

void scram_users_secret(const scram_users_t *users, uint8_t ret[SCRAM_KEY])
{
	ln_buf_t all = { 0 };

	for (unsigned i = 0; i < users->count; i++)
		ln_buf_append(&all, users->user[i].verifier.server, SCRAM_KEY);
	SHA256(ln_buf_slice(&all).data ? ln_buf_slice(&all).data : (const uint8_t *)"", ln_buf_len(&all), ret);
	ln_buf_fini(&all);
}

unsigned scram_users_count(const scram_users_t *users)
{
	return users->count;
}
