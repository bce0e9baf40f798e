/* scram_test.c — digests and SCRAM against the vectors of their standards: FIPS 180-4 (its examples), RFC 4231, RFC 4648, RFC 7677 section 3.
 * Prints TAP.
 */
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "scram.h"
#include "value.h"

static int number, failures;

static void check(const char *what, bool ok)
{
	printf("%s %d - %s\n", ok ? "ok" : "not ok", ++number, what);
	failures += !ok;
}

static bool is_hex(const uint8_t *digest, const char *hex)
{
	buf_t want = { 0 };
	bool ok = value_hex(bytes_of(hex), &want, NULL) && want.len == DIGEST_SIZE && memcmp(want.at, digest, DIGEST_SIZE) == 0;

	buf_free(&want);
	return ok;
}

static void digests(void)
{
	char letters[1000], key[131];
	uint8_t d[DIGEST_SIZE];
	buf_t million = { 0 };

	digest_sha256(bytes_of(""), d);
	check("SHA-256 of nothing", is_hex(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	digest_sha256(bytes_of("abc"), d);
	check("SHA-256 of abc", is_hex(d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	digest_sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), d);
	check("SHA-256 of two blocks", is_hex(d, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
	memset(letters, 'a', sizeof(letters));
	for (int i = 0; i < 1000; i++)
		buf_add(&million, letters, sizeof(letters));
	digest_sha256(buf_bytes(&million), d);
	buf_free(&million);
	check("SHA-256 of a million a", is_hex(d, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
	digest_hmac(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"), d);
	check("HMAC, RFC 4231 case 2", is_hex(d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
	memset(key, '\xaa', sizeof(key));
	digest_hmac((bytes_t){ key, sizeof(key) }, bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"), d);
	check("HMAC, RFC 4231 case 6", is_hex(d, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
	digest_pbkdf2(bytes_of("passwd"), bytes_of("salt"), 1, d);
	check("PBKDF2, RFC 7914 section 11", is_hex(d, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"));
}

static bool encodes(const char *plain, const char *coded)
{
	buf_t to = { 0 }, back = { 0 };
	bool ok;

	base64_add(&to, plain, strlen(plain));
	ok = bytes_is(buf_bytes(&to), coded) && base64_read(bytes_of(coded), &back) && bytes_is(buf_bytes(&back), plain);
	buf_free(&to);
	buf_free(&back);
	return ok;
}

static void base64(void)
{
	static const char *const wrong[] = { "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Z g=", "Zg=v", "Zm9*" };
	buf_t out = { 0 };

	check("base64, RFC 4648", encodes("", "") && encodes("f", "Zg==") && encodes("fo", "Zm8=") && encodes("foo", "Zm9v") &&
	      encodes("foob", "Zm9vYg==") && encodes("fooba", "Zm9vYmE=") && encodes("foobar", "Zm9vYmFy"));
	for (size_t i = 0; i < PARLEY_COUNT(wrong); i++)
		check(wrong[i], !base64_read(bytes_of(wrong[i]), &out));
	buf_free(&out);
}

#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define BOTH NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT "s=W22ZaJ0SNY7soEsUEjb6gQ=="

static void rfc_7677(void)
{
	buf_t first = { 0 }, final = { 0 };
	scram_t s = { 0 };

	scram_begin(&s, bytes_of("user"), bytes_of("pencil"), bytes_of(NONCE), &first);
	check("RFC 7677: the first message", bytes_is(buf_bytes(&first), "n,,n=user,r=" NONCE));
	check("nothing to verify yet", scram_verify(&s, bytes_of("v=x")) != NULL);
	check("RFC 7677: the challenge is right", !scram_answer(&s, bytes_of("r=" BOTH "," SALT ",i=4096"), &final));
	check("RFC 7677: the proof", bytes_is(buf_bytes(&final), "c=biws,r=" BOTH ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	check("RFC 7677: the server's proof", !scram_verify(&s, bytes_of("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	check("another proof is none", scram_verify(&s, bytes_of("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")) != NULL);
	check("an error is none", scram_verify(&s, bytes_of("e=invalid-proof")) != NULL);
	buf_free(&first);
	buf_free(&final);
	scram_free(&s);
}

static void challenges(void)
{
	static const char *const wrong[] = {
		"", "x", SALT ",i=4096", "r=" NONCE "," SALT ",i=4096", "r=other,," SALT ",i=4096", "r=" BOTH ",i=4096", "r=" BOTH "," SALT,
		"r=" BOTH ",s=?,i=4096", "r=" BOTH ",s=,i=4096", "r=" BOTH "," SALT ",i=4095", "r=" BOTH "," SALT ",i=x", "m=x,r=" BOTH "," SALT ",i=4096",
	};
	buf_t out = { 0 };
	scram_t s = { 0 };

	check("no answer before the first message", scram_answer(&s, bytes_of("r=" BOTH "," SALT ",i=4096"), &out) != NULL);
	scram_begin(&s, bytes_of("a,b=c"), bytes_of("p"), bytes_of(NONCE), &out);
	check("a name is escaped", bytes_is(buf_bytes(&out), "n,,n=a=2Cb=3Dc,r=" NONCE));
	out.len = 0;
	for (size_t i = 0; i < PARLEY_COUNT(wrong); i++)
		check(wrong[i][0] ? wrong[i] : "an empty challenge", scram_answer(&s, bytes_of(wrong[i]), &out) && out.len == 0);
	buf_free(&out);
	scram_free(&s);
}

int main(void)
{
	digests();
	base64();
	rfc_7677();
	challenges();
	printf("1..%d\n", number);
	return failures > 0;
}
