/* scram.c — see scram.h. The nonce is counted, not drawn: a play is the same each time it is performed, and the server's part is what makes
 * each exchange its own.
 */
#include "scram.h"

#include <string.h>

#include "digest.h"
#include "value.h"

#define ITERATIONS_MAX 1000000u

/* --- what a client says first ------------------------------------------------------------------------------------- */

static void add_name(buf_t *out, bytes_t name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == ',')
			buf_addf(out, "=2C");
		else if (name.at[i] == '=')
			buf_addf(out, "=3D");
		else
			buf_add(out, name.at + i, 1);
	}
}

void scram_begin(scram_t *s, bytes_t user, bytes_t password, bytes_t nonce, buf_t *out)
{
	s->first.len = s->nonce.len = s->password.len = s->verifier.len = 0;
	buf_add(&s->password, password.at, password.len);
	buf_add(&s->nonce, nonce.at, nonce.len);
	if (!nonce.len)
		buf_addf(&s->nonce, "parley/%06u", ++s->count);
	buf_addf(&s->first, "n=");
	add_name(&s->first, user);
	buf_addf(&s->first, ",r=%.*s", BYTES_ARG(buf_bytes(&s->nonce)));
	buf_addf(out, "n,,%.*s", BYTES_ARG(buf_bytes(&s->first)));
}

/* --- what the server asks ----------------------------------------------------------------------------------------- */

typedef struct challenge {
	bytes_t nonce, iterations;
	buf_t salt;
	uint64_t rounds;
} challenge_t;

/* Takes "LETTER=…" and the comma behind it off *TEXT. */
static bool take(bytes_t *text, char letter, bytes_t *ret)
{
	ptrdiff_t comma;

	if (text->len < 2 || text->at[0] != letter || text->at[1] != '=')
		return false;
	*ret = bytes_from(*text, 2);
	comma = bytes_find(*ret, bytes_of(","));
	*text = comma < 0 ? (bytes_t){ 0 } : bytes_from(*ret, (size_t)comma + 1);
	if (comma >= 0)
		ret->len = (size_t)comma;
	return true;
}

static bool printable(bytes_t text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x21 || text.at[i] > 0x7e)
			return false;
	return true;
}

static const char *read_challenge(const scram_t *s, bytes_t text, challenge_t *ret)
{
	bytes_t salt, own = buf_bytes(&s->nonce);

	if (!take(&text, 'r', &ret->nonce) || !take(&text, 's', &salt) || !take(&text, 'i', &ret->iterations))
		return "the challenge is not r=…,s=…,i=…";
	if (ret->nonce.len <= own.len || memcmp(ret->nonce.at, own.at, own.len) != 0)
		return "the nonce does not go on from the client's";
	if (!printable(ret->nonce))
		return "the nonce is not printable";
	if (!salt.len || !base64_read(salt, &ret->salt))
		return "the salt is no base64";
	if (!value_number(ret->iterations, &ret->rounds) || ret->rounds < 4096 || ret->rounds > ITERATIONS_MAX)
		return "the iterations are not a number from 4096 to 1000000";
	return NULL;
}

/* --- the proof ---------------------------------------------------------------------------------------------------- */

static bytes_t digest_bytes(const uint8_t digest[DIGEST_SIZE])
{
	return (bytes_t){ (const char *)digest, DIGEST_SIZE };
}

/* Appends the client's proof to OUT and remembers what the server must say. SALTED is Hi(password, salt, i). */
static void prove(scram_t *s, const uint8_t salted[DIGEST_SIZE], bytes_t auth, buf_t *out)
{
	uint8_t key[DIGEST_SIZE], stored[DIGEST_SIZE], signature[DIGEST_SIZE];

	digest_hmac(digest_bytes(salted), bytes_of("Client Key"), key);
	digest_sha256(digest_bytes(key), stored);
	digest_hmac(digest_bytes(stored), auth, signature);
	for (unsigned i = 0; i < DIGEST_SIZE; i++)
		key[i] ^= signature[i];
	base64_add(out, key, DIGEST_SIZE);
	digest_hmac(digest_bytes(salted), bytes_of("Server Key"), key);
	digest_hmac(digest_bytes(key), auth, signature);
	s->verifier.len = 0;
	buf_addf(&s->verifier, "v=");
	base64_add(&s->verifier, signature, DIGEST_SIZE);
}

const char *scram_answer(scram_t *s, bytes_t text, buf_t *out)
{
	challenge_t c = { 0 };
	const char *why = s->first.len ? read_challenge(s, text, &c) : "no exchange has begun";
	uint8_t salted[DIGEST_SIZE];
	buf_t auth = { 0 };
	size_t start = out->len;

	if (!why) {
		digest_pbkdf2(buf_bytes(&s->password), buf_bytes(&c.salt), c.rounds, salted);
		buf_addf(out, "c=biws,r=%.*s", BYTES_ARG(c.nonce));	/* biws is "n,," */
		buf_addf(&auth, "%.*s,%.*s,%.*s", BYTES_ARG(buf_bytes(&s->first)), BYTES_ARG(text),
			 BYTES_ARG(bytes_from(buf_bytes(out), start)));
		buf_addf(out, ",p=");
		prove(s, salted, buf_bytes(&auth), out);
	}
	buf_free(&auth);
	buf_free(&c.salt);
	return why;
}

const char *scram_verify(const scram_t *s, bytes_t last)
{
	bytes_t said = last, end;

	if (!s->verifier.len)
		return "nothing has been answered yet";
	if (bytes_starts(last, "e="))
		return "the server says that it failed";
	if (!take(&last, 'v', &end))
		return "the last message is not v=…";
	said.len = 2 + end.len;
	return bytes_equal(said, buf_bytes(&s->verifier)) ? NULL : "the server does not know the password's verifier";
}

void scram_free(scram_t *s)
{
	buf_free(&s->first);
	buf_free(&s->nonce);
	buf_free(&s->password);
	buf_free(&s->verifier);
}
