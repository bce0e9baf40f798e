/* SCRAM-SHA-256: the exchange of RFC 7677, section 3, and everything that is none. */
#include "scram/proof.h"

#include <stdio.h>
#include "unit.h"

#define FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define OURS "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE "rOprNGfwEbeRWgbNEkqO" OURS
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const uint8_t salt[] = { 0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81 };

static scram_verifier_t pencil(void)
{
	scram_verifier_t v = { .iterations = 4096, .salt_len = sizeof(salt) };

	memcpy(v.salt, salt, sizeof(salt));
	ck_assert(scram_make(&v, LN_STR("pencil")));
	return v;
}

/* What becomes of FIRST, then FINAL; the last words in OUT. */
static const char *play(const char *first, const char *final, bool known, ln_buf_t *out)
{
	scram_proof_t p = { 0 };
	ln_buf_t challenge = { 0 };
	const char *why = scram_first(&p, ln_slice_of(first));

	if (!why) {
		p.verifier = pencil();
		p.known = known;
		scram_challenge(&p, OURS, &challenge);
		why = scram_final(&p, ln_slice_of(final), out);
	}
	ln_buf_fini(&challenge);
	scram_fini(&p);
	return why;
}

static const char *judge(const char *first, const char *final)
{
	ln_buf_t out = { 0 };
	const char *why = play(first, final, true, &out);

	ck_assert_uint_eq(ln_buf_len(&out) > 0, why == NULL);
	ln_buf_fini(&out);
	return why;
}

START_TEST(the_standards_example_is_played)
{
	scram_proof_t p = { 0 };
	ln_buf_t out = { 0 };

	ck_assert_ptr_null(scram_first(&p, LN_STR(FIRST)));
	ck_assert_str_eq(p.name, "user");
	p.verifier = pencil();
	p.known = true;
	scram_challenge(&p, OURS, &out);
	ln_unit_slice(ln_buf_slice(&out), "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	ln_buf_fini(&out);
	ck_assert_ptr_null(scram_final(&p, LN_STR("c=biws,r=" NONCE ",p=" PROOF), &out));
	ln_unit_slice(ln_buf_slice(&out), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	ln_buf_fini(&out);
	scram_fini(&p);
}
END_TEST

START_TEST(who_does_not_know_is_not_believed)
{
	ln_buf_t out = { 0 };

	ck_assert_ptr_nonnull(judge(FIRST, "c=biws,r=" NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	ck_assert_ptr_nonnull(judge("n,,n=User,r=rOprNGfwEbeRWgbNEkqO", "c=biws,r=" NONCE ",p=" PROOF));
	/* The right proof, but the verifier is nobody's. */
	ck_assert_ptr_nonnull(play(FIRST, "c=biws,r=" NONCE ",p=" PROOF, false, &out));
	ck_assert_uint_eq(ln_buf_len(&out), 0);
}
END_TEST

START_TEST(what_is_no_first_message_is_refused)
{
	static const char *const bad[] = {
		"", "n", "n,", "n,,", "n,,n=user", "n,,r=abc", "n,,n=,r=abc", "n,,n=user,r=", "p=tls-unique,,n=user,r=abc", "x,,n=user,r=abc",
		"n,a=other,n=user,r=abc", "n,user,n=user,r=abc", "n,,m=ext,n=user,r=abc", "n,,n=us=er,r=abc", "n,,n=us=2c,r=abc",
		"n,,n=us\x01r,r=abc", "n,,n=us\xffr,r=abc", "n,,n=user,r=a c", "n,,n=user,r=\x7f", "n,,r=abc,n=user",
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(judge(bad[i], "c=biws,r=" NONCE ",p=" PROOF) != NULL, "%s", bad[i]);
}
END_TEST

START_TEST(what_is_no_final_message_is_refused)
{
	static const char *const bad[] = {
		"", "c=biws", "c=biws,r=" NONCE, "c=biws,r=" NONCE ",p=", "c=biws,r=" NONCE ",p=AAAA", "r=" NONCE ",c=biws,p=" PROOF,
		"c=eSws,r=" NONCE ",p=" PROOF, "c=,r=" NONCE ",p=" PROOF, "c=!!!!,r=" NONCE ",p=" PROOF,
		"c=biws,r=" NONCE "x,p=" PROOF, "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" PROOF, "c=biws,r=" NONCE ",p=" PROOF ",x=1",
		"c=biws,r=" NONCE ",x=1", "c=biws,r=" NONCE ",=1,p=" PROOF, "c=biws,r=" NONCE ",1=x,p=" PROOF, "c=biws,r=" NONCE ",p= " PROOF,
		"c=    biws,r=" NONCE ",p=" PROOF, "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndV==",
		"c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqm=iz7AndVQ=",
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++)
		ck_assert_msg(judge(FIRST, bad[i]) != NULL, "%s", bad[i]);
}
END_TEST

START_TEST(extensions_are_signed_and_not_understood)
{
	scram_proof_t p = { 0 };
	ln_buf_t out = { 0 };

	/* The proof covers them: the example's is another's. */
	ck_assert_str_eq(judge(FIRST, "c=biws,r=" NONCE ",x=1,p=" PROOF), judge(FIRST, "c=biws,r=" NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	ck_assert_ptr_null(scram_first(&p, LN_STR(FIRST ",x=1,y=2")));
	p.verifier = pencil();
	p.known = true;
	scram_challenge(&p, OURS, &out);
	ln_buf_fini(&out);
	ck_assert_ptr_null(scram_final(&p, LN_STR("c=biws,r=" NONCE ",z=3,p=8ff5giHttyxAMQrzybuDe/hfcWxOUlfS/oMgk0NOvS0="), &out));
	ln_buf_fini(&out);
	scram_fini(&p);
}
END_TEST

START_TEST(a_long_name_may_stand_in_the_header)
{
	char first[2000] = "n,a=", name[3 * SCRAM_NAME_MAX + 1] = "";
	scram_proof_t p = { 0 };

	for (unsigned i = 0; i < SCRAM_NAME_MAX; i++)
		strcat(name, "=2C");
	strcat(strcat(strcat(strcat(first, name), ",n="), name), ",r=x");
	ck_assert_ptr_null(scram_first(&p, ln_slice_of(first)));
	ck_assert_uint_eq(ln_buf_len(&p.gs2), 5 + sizeof(name) - 1);
	ck_assert_uint_eq(strlen(p.name), SCRAM_NAME_MAX);
	scram_fini(&p);
}
END_TEST

START_TEST(names_may_hold_commas_and_equals_signs)
{
	scram_proof_t p = { 0 };

	ck_assert_ptr_null(scram_first(&p, LN_STR("y,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=x")));
	ck_assert_str_eq(p.name, "a,b=c");
	scram_fini(&p);
}
END_TEST

START_TEST(verifiers_survive_being_written)
{
	scram_verifier_t v = pencil(), read;
	ln_buf_t text = { 0 };

	scram_print(&v, &text);
	ck_assert_ptr_null(scram_read(ln_buf_slice(&text), &read));
	ck_assert_uint_eq(read.iterations, 4096);
	ck_assert_uint_eq(read.salt_len, sizeof(salt));
	ck_assert_mem_eq(read.salt, salt, sizeof(salt));
	ck_assert_mem_eq(read.stored, v.stored, SCRAM_KEY);
	ck_assert_mem_eq(read.server, v.server, SCRAM_KEY);
	ln_buf_fini(&text);
	ck_assert_ptr_nonnull(scram_read(LN_STR("SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$a:b"), &read));
	ck_assert_ptr_nonnull(scram_read(LN_STR("SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ==$" PROOF ":" PROOF), &read));
	ck_assert_ptr_nonnull(scram_read(LN_STR("SCRAM-SHA-256$4096:W22Z$" PROOF ":" PROOF), &read));
	ck_assert_ptr_nonnull(scram_read(LN_STR("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" PROOF ":AAAA"), &read));
	ck_assert_ptr_null(scram_read(LN_STR("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" PROOF ":" PROOF), &read));
}
END_TEST

START_TEST(nobodys_salt_is_always_the_same)
{
	static const uint8_t secret[SCRAM_KEY] = { 1 }, other[SCRAM_KEY] = { 2 };
	scram_verifier_t a, b, c, d;

	scram_pretend(secret, LN_STR("a"), NULL, &a);
	scram_pretend(secret, LN_STR("a"), NULL, &b);
	scram_pretend(secret, LN_STR("b"), NULL, &c);
	scram_pretend(other, LN_STR("a"), NULL, &d);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_mem_ne(a.salt, c.salt, 16);
	ck_assert_mem_ne(a.salt, d.salt, 16);
}
END_TEST

START_TEST(nobody_looks_like_a_user)
{
	static const uint8_t secret[SCRAM_KEY] = { 1 }, zeroes[SCRAM_SALT_MAX];
	scram_verifier_t like = { .iterations = 20000, .salt_len = SCRAM_SALT_MAX }, a;
	unsigned times[3] = { 0 };
	char name[8];

	scram_pretend(secret, LN_STR("a"), &like, &a);
	ck_assert_uint_eq(a.iterations, 20000);
	ck_assert_uint_eq(a.salt_len, SCRAM_SALT_MAX);
	ck_assert_mem_ne(a.salt + SCRAM_KEY, zeroes, SCRAM_KEY);
	ck_assert_mem_ne(a.salt + SCRAM_KEY, a.salt, SCRAM_KEY);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		ck_assert_uint_eq(scram_pretend_like(secret, ln_slice_of(name), 3), scram_pretend_like(secret, ln_slice_of(name), 3));
		times[scram_pretend_like(secret, ln_slice_of(name), 3)]++;
	}
	ck_assert(times[0] > 50 && times[1] > 50 && times[2] > 50);
	ck_assert_uint_eq(scram_pretend_like(secret, LN_STR("a"), 0), 0);
}
END_TEST

LN_UNIT_MAIN("scram/proof", the_standards_example_is_played, who_does_not_know_is_not_believed, what_is_no_first_message_is_refused,
             what_is_no_final_message_is_refused, extensions_are_signed_and_not_understood, a_long_name_may_stand_in_the_header,
             names_may_hold_commas_and_equals_signs, verifiers_survive_being_written, nobodys_salt_is_always_the_same,
             nobody_looks_like_a_user)
