/* digest.h — SHA-256 (FIPS 180-4), HMAC (RFC 2104), PBKDF2 (RFC 8018) and base64 (RFC 4648), for what a client has to compute.
 *
 * Of parley's own, so that a mistake of the broker's library is not made twice. Small rather than fast: a login with 4096 iterations takes some
 * milliseconds. Thread: any.
 */
#ifndef PARLEY_DIGEST_H
#define PARLEY_DIGEST_H

#include "base.h"

#define DIGEST_SIZE 32u

void digest_sha256(bytes_t text, uint8_t ret[DIGEST_SIZE]);
void digest_hmac(bytes_t key, bytes_t text, uint8_t ret[DIGEST_SIZE]);
/* The first block of PBKDF2 with HMAC-SHA-256: all that SCRAM needs. Requires: iterations >= 1. */
void digest_pbkdf2(bytes_t password, bytes_t salt, uint64_t iterations, uint8_t ret[DIGEST_SIZE]);

void base64_add(buf_t *out, const void *data, size_t len);
/* Appends the bytes TEXT stands for to OUT. Returns: false when it is no base64 with its padding. */
bool base64_read(bytes_t text, buf_t *out);

#endif
