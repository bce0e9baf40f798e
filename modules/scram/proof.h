/* proof.h — SCRAM-SHA-256 on the server's side (RFC 5802, RFC 7677): texts in, texts out. No broker, no file, no clock.
 *
 * What is kept of a password is its verifier: salt, iterations, StoredKey and ServerKey. It lets the server check a proof and prove itself; it
 * does not let anybody log in. A login costs the server five hashes; the iterations are the client's work.
 *
 * Not done: channel binding (a client that demands it is refused; one that could and sees we cannot goes on), full SASLprep: user names are
 * compared byte by byte, control characters are refused. Thread: any.
 */
#ifndef SCRAM_PROOF_H
#define SCRAM_PROOF_H

#include <linnet/buf.h>
#include <linnet/str.h>

#define SCRAM_KEY 32u
#define SCRAM_SALT_MAX 64u
#define SCRAM_ITERATIONS_MIN 4096u
#define SCRAM_ITERATIONS_MAX 10000000u
#define SCRAM_NAME_MAX 255u

typedef struct scram_verifier {
	uint32_t iterations, salt_len;
	uint8_t salt[SCRAM_SALT_MAX];
	uint8_t stored[SCRAM_KEY], server[SCRAM_KEY];
} scram_verifier_t;

/* Makes *V for PASSWORD; salt and iterations are in *V already. False: the library failed. Slow on purpose. */
bool scram_make(scram_verifier_t *v, ln_slice_t password);
/* "SCRAM-SHA-256$4096:SALT$STORED:SERVER", as PostgreSQL writes it, to the end of DST. */
void scram_print(const scram_verifier_t *v, ln_buf_t *dst);
/* Reads that. Returns NULL, or what is wrong with it. */
const char *scram_read(ln_slice_t text, scram_verifier_t *ret);
/* A verifier nobody has the password of, always the same for the same NAME: who asks for unknown users learns nothing. Iterations and the salt's
 * length are LIKE's, a user's, because they are told too. NULL: there are no users. */
void scram_pretend(const uint8_t secret[SCRAM_KEY], ln_slice_t name, const scram_verifier_t *like, scram_verifier_t *ret);
/* Which of COUNT users an unknown NAME is like: always the same. */
unsigned scram_pretend_like(const uint8_t secret[SCRAM_KEY], ln_slice_t name, unsigned count);

/* One login. Zeroed to begin with; scram_fini. */
typedef struct scram_proof {
	char name[SCRAM_NAME_MAX + 1];
	ln_buf_t gs2;             /* the header the client began with: "n,," */
	ln_buf_t auth;            /* AuthMessage as far as it is known */
	ln_buf_t nonce;           /* the client's and ours */
	scram_verifier_t verifier;
	bool known;               /* the verifier is a user's */
} scram_proof_t;

void scram_fini(scram_proof_t *p);
/* client-first-message. Returns NULL and p->name, or what is wrong. Then fill p->verifier and p->known. */
const char *scram_first(scram_proof_t *p, ln_slice_t message);
/* server-first-message to DST, with OURS as the server's part of the nonce (printable, without commas). */
void scram_challenge(scram_proof_t *p, const char *ours, ln_buf_t *dst);
/* client-final-message. Returns NULL when the client has proved to know the password, server-final-message is in DST then; else what is wrong. */
const char *scram_final(scram_proof_t *p, ln_slice_t message, ln_buf_t *dst);

#endif
