/* scram.h — the client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677): what a client says, and whether the server's words are right.
 *
 * No channel binding; names and passwords go as they are written in the play. Nothing here touches a socket. Thread: one at a time.
 */
#ifndef PARLEY_SCRAM_H
#define PARLEY_SCRAM_H

#include "base.h"

#define SCRAM_METHOD "SCRAM-SHA-256"

typedef struct scram {
	buf_t first;			/* client-first-message without its header */
	buf_t nonce, password;
	buf_t verifier;			/* what the server's last message must be; empty before scram_answer */
	unsigned count;			/* exchanges begun: none repeats a nonce */
} scram_t;

/* Appends client-first-message to OUT. NONCE empty: the next one of our own. */
void scram_begin(scram_t *s, bytes_t user, bytes_t password, bytes_t nonce, buf_t *out);
/* Appends client-final-message, the answer to server-first-message, to OUT.
 * Returns: NULL, or what is wrong with CHALLENGE; then OUT is untouched. */
const char *scram_answer(scram_t *s, bytes_t challenge, buf_t *out);
/* Returns: NULL when LAST proves that the server knows the password's verifier, or what is wrong. */
const char *scram_verify(const scram_t *s, bytes_t last);
void scram_free(scram_t *s);

#endif
