/* users.h — the users of SCRAM: one line each, NAME:VERIFIER, read as a whole and never changed after. */
#ifndef SCRAM_USERS_H
#define SCRAM_USERS_H

#include "proof.h"

typedef struct scram_users scram_users_t;

/* Reads PATH. Returns NULL and writes to WHY (SIZE bytes) what is wrong, with the line: "users:3: …". Empty lines and those that begin with '#' are
 * skipped. Thread: main. */
scram_users_t *scram_users_read(const char *path, char *why, size_t size);
void scram_users_free(scram_users_t *users);
/* NULL: no such user. Thread: any. */
const scram_verifier_t *scram_users_find(const scram_users_t *users, ln_slice_t name);
/* The verifier an unknown NAME's is to look like; NULL: there are no users. Thread: any. */
const scram_verifier_t *scram_users_like(const scram_users_t *users, const uint8_t secret[SCRAM_KEY], ln_slice_t name);
/* A secret that is the same as long as the file says the same: what unknown users' salts are made from. */
void scram_users_secret(const scram_users_t *users, uint8_t ret[SCRAM_KEY]);
unsigned scram_users_count(const scram_users_t *users);

#endif
