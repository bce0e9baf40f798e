/* digest.c — see digest.h. */
#include "digest.h"

#include <string.h>

/* --- SHA-256 ------------------------------------------------------------------------------------------------------ */

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
	0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef struct sha256 {
	uint32_t h[8];
	uint8_t block[64];
	uint64_t len;
} sha256_t;

static uint32_t turn(uint32_t x, unsigned by)
{
	return x >> by | x << (32 - by);
}

static void spread(const uint8_t *block, uint32_t w[64])
{
	for (int i = 0; i < 16; i++, block += 4)
		w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + a + w[i - 7] + b;
	}
}

static void compress(sha256_t *s)
{
	uint32_t w[64], v[8];

	spread(s->block, w);
	memcpy(v, s->h, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t a = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) +
			     round_constants[i] + w[i];
		uint32_t b = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += a;
		v[0] = a + b;
	}
	for (int i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static sha256_t sha256_new(void)
{
	return (sha256_t){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

static void sha256_add(sha256_t *s, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++) {
		s->block[s->len++ % 64] = at[i];
		if (s->len % 64 == 0)
			compress(s);
	}
}

static void sha256_end(sha256_t *s, uint8_t ret[DIGEST_SIZE])
{
	uint64_t bits = s->len * 8;
	uint8_t tail[8];

	for (int i = 0; i < 8; i++)
		tail[i] = (uint8_t)(bits >> (56 - 8 * i));
	sha256_add(s, "\x80", 1);
	while (s->len % 64 != 56)
		sha256_add(s, "", 1);
	sha256_add(s, tail, sizeof(tail));
	for (unsigned i = 0; i < DIGEST_SIZE; i++)
		ret[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void digest_sha256(bytes_t text, uint8_t ret[DIGEST_SIZE])
{
	sha256_t s = sha256_new();

	sha256_add(&s, text.at, text.len);
	sha256_end(&s, ret);
}

/* --- what is made of it ------------------------------------------------------------------------------------------- */

void digest_hmac(bytes_t key, bytes_t text, uint8_t ret[DIGEST_SIZE])
{
	uint8_t pad[64] = { 0 };
	sha256_t inner = sha256_new(), outer = sha256_new();

	if (key.len > sizeof(pad))
		digest_sha256(key, pad);
	else if (key.len)
		memcpy(pad, key.at, key.len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha256_add(&inner, pad, sizeof(pad));
	sha256_add(&inner, text.at, text.len);
	sha256_end(&inner, ret);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha256_add(&outer, pad, sizeof(pad));
	sha256_add(&outer, ret, DIGEST_SIZE);
	sha256_end(&outer, ret);
}

void digest_pbkdf2(bytes_t password, bytes_t salt, uint64_t iterations, uint8_t ret[DIGEST_SIZE])
{
	uint8_t u[DIGEST_SIZE];
	buf_t first = { 0 };

	buf_add(&first, salt.at, salt.len);
	buf_add(&first, "\0\0\0\1", 4);
	digest_hmac(password, buf_bytes(&first), u);
	buf_free(&first);
	memcpy(ret, u, DIGEST_SIZE);
	for (uint64_t n = 1; n < iterations; n++) {
		digest_hmac(password, (bytes_t){ (const char *)u, DIGEST_SIZE }, u);
		for (unsigned i = 0; i < DIGEST_SIZE; i++)
			ret[i] ^= u[i];
	}
}

/* --- base64 ------------------------------------------------------------------------------------------------------- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(buf_t *out, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t three = (uint32_t)at[i] << 16 | (n > 1 ? (uint32_t)at[i + 1] << 8 : 0) | (n > 2 ? at[i + 2] : 0);

		for (size_t k = 0; k < 4; k++)
			buf_add_byte(out, k <= n ? (unsigned char)letters[three >> (18 - 6 * k) & 63] : '=');
	}
}

bool base64_read(bytes_t text, buf_t *out)
{
	if (text.len % 4)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t n = i + 4 < text.len || text.at[i + 3] != '=' ? 4 : text.at[i + 2] != '=' ? 3 : 2;
		uint32_t three = 0;

		for (size_t k = 0; k < 4; k++) {
			const char *letter = k < n && text.at[i + k] ? strchr(letters, text.at[i + k]) : letters;

			if (!letter)
				return false;
			three = three << 6 | (uint32_t)(letter - letters);
		}
		if (three & (n == 3 ? 0xff : n == 2 ? 0xffff : 0))
			return false;	/* bits that mean nothing are 0 */
		for (size_t k = 0; k + 1 < n; k++)
			buf_add_byte(out, three >> (16 - 8 * k) & 255);
	}
	return true;
}
