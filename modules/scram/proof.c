/* proof.c — see proof.h. The hashes are the library's; what stands here is the grammar of RFC 5802, section 7, and who hashes what.
 *
 * Every message is a list "k=value,…" in a fixed order; a reader takes the next attribute by its letter. Extensions that must be understood
 * ("m=") are refused, others are skipped where they may stand: at the end of the first message, before the proof in the last.
 */
#include "proof.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

/* "n,a=NAME,", with every byte of the name written as three. */
#define GS2_MAX (5u + 3 * SCRAM_NAME_MAX)

/* --- hashes ---------------------------------------------------------------------------------------------------------- */

static bool hmac(const uint8_t key[SCRAM_KEY], ln_slice_t text, uint8_t ret[SCRAM_KEY])
{
	unsigned len;

	return HMAC(EVP_sha256(), key, SCRAM_KEY, text.data ? text.data : (const uint8_t *)"", text.len, ret, &len) != NULL;
}

static void hash(const uint8_t key[SCRAM_KEY], uint8_t ret[SCRAM_KEY])
{
	SHA256(key, SCRAM_KEY, ret);
}

bool scram_make(scram_verifier_t *v, ln_slice_t password)
{
	uint8_t salted[SCRAM_KEY], client[SCRAM_KEY];
	bool good = PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, v->salt, (int)v->salt_len, (int)v->iterations,
	                              EVP_sha256(), SCRAM_KEY, salted) == 1 &&
	            hmac(salted, LN_STR("Client Key"), client) && hmac(salted, LN_STR("Server Key"), v->server);

	hash(client, v->stored);
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client, sizeof(client));
	return good;
}

void scram_pretend(const uint8_t secret[SCRAM_KEY], ln_slice_t name, const scram_verifier_t *like, scram_verifier_t *ret)
{
	uint8_t salt[2 * SCRAM_KEY] = { 0 };

	*ret = (scram_verifier_t){ .iterations = SCRAM_ITERATIONS_MIN, .salt_len = 16 };
	if (like) {
		ret->iterations = like->iterations;
		ret->salt_len = like->salt_len;
	}
	/* What a failing library leaves is a verifier all the same, and nobody's. */
	if (hmac(secret, name, salt) && hmac(salt, LN_STR("more salt"), salt + SCRAM_KEY))
		hmac(salt, LN_STR("nobody"), ret->stored);
	memcpy(ret->salt, salt, ret->salt_len);
}

unsigned scram_pretend_like(const uint8_t secret[SCRAM_KEY], ln_slice_t name, unsigned count)
{
	uint8_t key[SCRAM_KEY] = { 0 }, digest[SCRAM_KEY] = { 0 };

	if (count == 0 || !hmac(secret, LN_STR("like whom"), key) || !hmac(key, name, digest))
		return 0;
	return ((unsigned)digest[0] << 24 | (unsigned)digest[1] << 16 | (unsigned)digest[2] << 8 | digest[3]) % count;
}

/* --- base64 ------------------------------------------------------------------------------------------------------------ */

static void put_base64(ln_buf_t *dst, const uint8_t *data, size_t len)
{
	uint8_t *at = ln_buf_reserve(dst, len / 3 * 4 + 5);

	ln_buf_commit(dst, (size_t)EVP_EncodeBlock(at, data, (int)len));
}

/* The library skips blanks and takes '=' anywhere: here it is letters, and then at most two of those. */
static bool is_base64(ln_slice_t text)
{
	size_t letters = 0;

	while (letters < text.len && (isalnum(text.data[letters]) || text.data[letters] == '+' || text.data[letters] == '/'))
		letters++;
	for (size_t i = letters; i < text.len; i++)
		if (text.data[i] != '=')
			return false;
	return text.len > 0 && text.len % 4 == 0 && text.len - letters <= 2;
}

/* Returns the number of bytes, or -1 when TEXT is no base64 or more than MAX bytes. */
static int get_base64(ln_slice_t text, uint8_t *dst, size_t max)
{
	uint8_t bytes[GS2_MAX + 3];
	int len;

	if (!is_base64(text) || text.len / 4 * 3 > sizeof(bytes))
		return -1;
	len = EVP_DecodeBlock(bytes, text.data, (int)text.len);
	if (len > 0 && text.data[text.len - 1] == '=')
		len -= 1 + (text.data[text.len - 2] == '=');
	if (len < 0 || (size_t)len > max)
		return -1;
	memcpy(dst, bytes, (size_t)len);
	return len;
}

/* --- verifiers as text --------------------------------------------------------------------------------------------------- */

void scram_print(const scram_verifier_t *v, ln_buf_t *dst)
{
	ln_buf_printf(dst, "SCRAM-SHA-256$%u:", v->iterations);
	put_base64(dst, v->salt, v->salt_len);
	ln_buf_append(dst, "$", 1);
	put_base64(dst, v->stored, SCRAM_KEY);
	ln_buf_append(dst, ":", 1);
	put_base64(dst, v->server, SCRAM_KEY);
}

/* Takes what stands before END from *REST, and END with it. False when END is not there. */
static bool cut(ln_slice_t *rest, char end, ln_slice_t *ret)
{
	const uint8_t *at = rest->len ? memchr(rest->data, end, rest->len) : NULL;

	if (!at)
		return false;
	*ret = ln_slice(rest->data, (size_t)(at - rest->data));
	*rest = ln_slice(at + 1, rest->len - ret->len - 1);
	return true;
}

static bool get_number(ln_slice_t text, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || *ret > SCRAM_ITERATIONS_MAX)
			return false;
		*ret = *ret * 10 + (uint32_t)(text.data[i] - '0');
	}
	return text.len > 0;
}

const char *scram_read(ln_slice_t text, scram_verifier_t *ret)
{
	ln_slice_t scheme, iterations, salt, stored;
	int len;

	if (!cut(&text, '$', &scheme) || !ln_slice_eq(scheme, LN_STR("SCRAM-SHA-256")))
		return "it does not begin with SCRAM-SHA-256$";
	if (!cut(&text, ':', &iterations) || !cut(&text, '$', &salt) || !cut(&text, ':', &stored))
		return "it is not ITERATIONS:SALT$STOREDKEY:SERVERKEY";
	if (!get_number(iterations, &ret->iterations) || ret->iterations < SCRAM_ITERATIONS_MIN || ret->iterations > SCRAM_ITERATIONS_MAX)
		return "the iterations are not a number from 4096 to 10000000";
	len = get_base64(salt, ret->salt, SCRAM_SALT_MAX);
	if (len < 8)
		return "the salt is not 8 to 64 bytes in base64";
	ret->salt_len = (uint32_t)len;
	if (get_base64(stored, ret->stored, SCRAM_KEY) != SCRAM_KEY || get_base64(text, ret->server, SCRAM_KEY) != SCRAM_KEY)
		return "a key is not 32 bytes in base64";
	return NULL;
}

/* --- messages ------------------------------------------------------------------------------------------------------------- */

/* Takes the attribute KEY from the front of *REST. */
static bool take(ln_slice_t *rest, char key, ln_slice_t *ret)
{
	ln_slice_t item = *rest;

	if (rest->len < 2 || rest->data[0] != key || rest->data[1] != '=')
		return false;
	if (!cut(rest, ',', &item))
		*rest = ln_slice(NULL, 0);
	*ret = ln_slice(item.data + 2, item.len - 2);
	return true;
}

/* "=2C" is a comma, "=3D" an equals sign; no other '=' may stand in a name. */
static bool read_name(ln_slice_t text, char dst[SCRAM_NAME_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++, n++) {
		uint8_t c = text.data[i];

		if (n == SCRAM_NAME_MAX || c < 0x20 || c == 0x7f)
			return false;
		if (c == '=') {
			bool comma = text.len - i >= 3 && memcmp(text.data + i, "=2C", 3) == 0;
			if (!comma && (text.len - i < 3 || memcmp(text.data + i, "=3D", 3) != 0))
				return false;
			c = comma ? ',' : '=';
			i += 2;
		}
		dst[n] = (char)c;
	}
	dst[n] = 0;
	return n > 0 && ln_utf8_check(text) == LN_UTF8_OK;
}

static bool printable(ln_slice_t text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x21 || text.data[i] > 0x7e)
			return false;
	return text.len > 0;
}

void scram_fini(scram_proof_t *p)
{
	ln_buf_fini(&p->gs2);
	ln_buf_fini(&p->auth);
	ln_buf_fini(&p->nonce);
	OPENSSL_cleanse(p, sizeof(*p));
}

const char *scram_first(scram_proof_t *p, ln_slice_t message)
{
	ln_slice_t rest = message, binding, identity, name, nonce;

	if (!cut(&rest, ',', &binding) || !cut(&rest, ',', &identity))
		return "the message does not begin with a GS2 header";
	if (binding.len > 0 && binding.data[0] == 'p')
		return "channel binding is not offered";
	if (!ln_slice_eq(binding, LN_STR("n")) && !ln_slice_eq(binding, LN_STR("y")))
		return "the GS2 header is neither n nor y";
	ln_buf_append(&p->gs2, message.data, (size_t)(rest.data - message.data));
	ln_buf_append(&p->auth, rest.data, rest.len);
	if (!take(&rest, 'n', &name) || !read_name(name, p->name))
		return "there is no user name, or it is none";
	if (identity.len > 0 && !(ln_slice_starts(identity, LN_STR("a=")) &&
	                          ln_slice_eq(ln_slice(identity.data + 2, identity.len - 2), name)))
		return "one user cannot act for another";
	if (!take(&rest, 'r', &nonce) || !printable(nonce) || nonce.len > 256)
		return "there is no nonce, or it is none";
	ln_buf_append(&p->nonce, nonce.data, nonce.len);
	return NULL;
}

void scram_challenge(scram_proof_t *p, const char *ours, ln_buf_t *dst)
{
	ln_buf_append(&p->nonce, ours, strlen(ours));
	ln_buf_append(dst, "r=", 2);
	ln_buf_append(dst, ln_buf_slice(&p->nonce).data, ln_buf_len(&p->nonce));
	ln_buf_append(dst, ",s=", 3);
	put_base64(dst, p->verifier.salt, p->verifier.salt_len);
	ln_buf_printf(dst, ",i=%u", p->verifier.iterations);
	ln_buf_append(&p->auth, ",", 1);
	ln_buf_append(&p->auth, ln_buf_slice(dst).data, ln_buf_len(dst));
	ln_buf_append(&p->auth, ",", 1);
}

/* Does PROOF come from who knows the password? AuthMessage is complete. */
static bool proves(const scram_proof_t *p, const uint8_t proof[SCRAM_KEY])
{
	uint8_t key[SCRAM_KEY], stored[SCRAM_KEY];

	if (!hmac(p->verifier.stored, ln_buf_slice(&p->auth), key))
		return false;
	for (unsigned i = 0; i < SCRAM_KEY; i++)
		key[i] ^= proof[i];
	hash(key, stored);
	OPENSSL_cleanse(key, sizeof(key));
	return CRYPTO_memcmp(stored, p->verifier.stored, SCRAM_KEY) == 0 && p->known;
}

/* What may stand before the proof: a letter and a value each. */
static void skip_extensions(ln_slice_t *rest)
{
	ln_slice_t ignored;

	while (rest->len && rest->data[0] != 'p' && isalpha(rest->data[0]) && take(rest, (char)rest->data[0], &ignored))
		;
}

const char *scram_final(scram_proof_t *p, ln_slice_t message, ln_buf_t *dst)
{
	ln_slice_t rest = message, binding, nonce, proof, without = message;
	uint8_t header[GS2_MAX], key[SCRAM_KEY];
	int len;

	if (!take(&rest, 'c', &binding) || !take(&rest, 'r', &nonce))
		return "the message is not c=…,r=…,p=…";
	if (!ln_slice_eq(nonce, ln_buf_slice(&p->nonce)))
		return "the nonce is another";
	len = get_base64(binding, header, sizeof(header));
	if (len < 0 || !ln_slice_eq(ln_slice(header, (size_t)len), ln_buf_slice(&p->gs2)))
		return "the GS2 header is another than before";
	skip_extensions(&rest);
	without.len = (size_t)(rest.data ? rest.data - 1 - message.data : 0);
	if (!take(&rest, 'p', &proof) || rest.len || get_base64(proof, key, SCRAM_KEY) != SCRAM_KEY)
		return "there is no proof, or it is none";
	ln_buf_append(&p->auth, without.data, without.len);
	if (!proves(p, key))
		return "no such user, or the wrong password";
	if (!hmac(p->verifier.server, ln_buf_slice(&p->auth), key))
		return "the library failed";
	ln_buf_append(dst, "v=", 2);
	put_base64(dst, key, SCRAM_KEY);
	return NULL;
}
