/* scram.c — the module: SCRAM-SHA-256 as a method of enhanced authentication.
 *
 * proof.c knows the protocol, users.c the file; this file is the staircase between them and the hook. The users that were read belong to the
 * configuration they were read for: a reload reads them for the new one, and as long as that is not in force (another module may refuse it) logins still
 * meet the old ones. A login takes its user's verifier with it in its first round, so a reload does not disturb it.
 */
#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <linnet/identity.h>
#include <linnet/mem.h>
#include <linnet/module.h>
#include "proof.h"
#include "users.h"

#define LN_LOGDEF LN_LOGDEF_DECLARE
#include "log.def"
#undef LN_LOGDEF

typedef struct scram_conf {
	char *users;
} scram_conf_t;

static const ln_conf_item_t conf_items[] = {
	LN_CONF(scram_conf_t, users, NULL, "The file of users, one line each, as linnet-scram writes it; read again by a reload.",
		.reload = true, .path = true),
	LN_CONF_END
};

ln_self_t scram_self;

enum { STAT_LOGINS, STAT_REFUSED };

static const ln_stat_t stat_items[] = {
	[STAT_LOGINS] = { "logins", LN_STAT_COUNTER, "Clients that proved to know their password." },
	[STAT_REFUSED] = { "refused", LN_STAT_COUNTER, "Clients that did not." },
	LN_STAT_END
};

static const ln_logdef_t log_items[] = {
#define LN_LOGDEF LN_LOGDEF_ROW
#include "log.def"
#undef LN_LOGDEF
	LN_LOGDEF_END
};

/* --- the users of a configuration ------------------------------------------------------------------------------------- */

typedef struct book {
	const void *conf;
	scram_users_t *users;
	uint8_t secret[SCRAM_KEY];
	struct book *older;
	ln_rcu_head_t rcu;
} book_t;

static book_t *books;      /* RCU; newest first: that of the configuration in force, and one that was not taken */

static void free_book(ln_rcu_head_t *head)
{
	book_t *b = LN_CONTAINER(head, book_t, rcu);

	scram_users_free(b->users);
	ln_free(b);
}

static const book_t *book_now(void)
{
	const void *conf = ln_rcu_get(&scram_self.conf);
	const book_t *b = ln_rcu_get(&books), *first = b;

	for (; b && b->conf != conf; b = ln_rcu_get(&b->older))
		;
	return b ? b : first;
}

/* Forgets all but the one of the configuration in force. */
static void forget_old(void)
{
	book_t *b = books, *keep = NULL;

	for (; b; b = b->older)
		if (b->conf == scram_self.conf)
			keep = b;
	for (b = books; b; ) {
		book_t *older = b->older;
		if (b != keep)
			ln_rcu_call(&b->rcu, free_book);
		b = older;
	}
	if (keep)
		ln_rcu_set(&keep->older, NULL);
	ln_rcu_set(&books, keep);
}

static ln_result_t open_book(const scram_conf_t *conf)
{
	book_t *b = ln_new(book_t);
	char why[512];
	struct stat st;

	b->conf = conf;
	b->users = conf->users ? scram_users_read(conf->users, why, sizeof(why)) : NULL;
	if (!b->users) {
		ln_log((void *)NULL, SCRAM_USERS_BAD, conf->users ? why : "users is not set");
		ln_free(b);
		return LN_INVALID;
	}
	if (stat(conf->users, &st) == 0 && st.st_mode & S_IROTH)
		ln_log((void *)NULL, SCRAM_USERS_OPEN, conf->users);
	scram_users_secret(b->users, b->secret);
	b->older = books;
	ln_rcu_set(&books, b);
	ln_log((void *)NULL, SCRAM_USERS, scram_users_count(b->users), conf->users);
	return LN_OK;
}

static void check(const void *conf, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	const scram_conf_t *c = conf;
	scram_users_t *users;
	char why[512];

	if (!c->users) {
		ln_conf_say(errors, node, "users is missing: the file that linnet-scram writes lines for");
		return;
	}
	users = scram_users_read(c->users, why, sizeof(why));
	if (!users)
		ln_conf_say(errors, ln_conf_place(node, "users"), "%s", why);
	scram_users_free(users);
}

static ln_result_t load(const void *conf)
{
	return open_book(conf);
}

static ln_result_t reload(const void *old_conf, const void *new_conf)
{
	(void)old_conf;
	forget_old();
	return open_book(new_conf);
}

static void unload(void)
{
	while (books) {
		book_t *b = books;

		books = b->older;
		free_book(&b->rcu);
	}
}

/* --- a login ------------------------------------------------------------------------------------------------------------ */

typedef struct login {
	scram_proof_t proof;
	bool challenged;
} login_t;

static void free_login(void *state)
{
	login_t *l = state;

	scram_fini(&l->proof);
	ln_free(l);
}

static ln_verdict_t refuse(ln_call_t *call, const char *why)
{
	ln_stat_add(ln_worker_self(), scram_self.stat_base + STAT_REFUSED, 1);
	call->why = why;
	return LN_DENY;
}

static bool make_nonce(char dst[33])
{
	uint8_t bits[24];

	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return false;
	EVP_EncodeBlock((uint8_t *)dst, bits, sizeof(bits));
	return true;
}

static ln_verdict_t challenge(ln_exchange_t *x, login_t *l)
{
	const book_t *b = book_now();
	const scram_verifier_t *found;
	const char *why = scram_first(&l->proof, x->data);
	char nonce[33];

	if (why)
		return refuse(&x->call, why);
	if (!make_nonce(nonce))
		return refuse(&x->call, "no random bytes");
	found = scram_users_find(b->users, ln_slice_of(l->proof.name));
	l->proof.known = found != NULL;
	/* For users too, so that neither takes longer. */
	scram_pretend(b->secret, ln_slice_of(l->proof.name), scram_users_like(b->users, b->secret, ln_slice_of(l->proof.name)),
		      &l->proof.verifier);
	if (found)
		l->proof.verifier = *found;
	scram_challenge(&l->proof, nonce, &x->out);
	l->challenged = true;
	x->more = true;
	return LN_ALLOW;
}

static ln_verdict_t finish(ln_exchange_t *x, login_t *l)
{
	const char *why = scram_final(&l->proof, x->data, &x->out);

	if (why)
		return refuse(&x->call, why);
	ln_stat_add(ln_worker_self(), scram_self.stat_base + STAT_LOGINS, 1);
	x->user = ln_strdup(l->proof.name);
	return LN_ALLOW;
}

static ln_verdict_t on_enhanced_auth(ln_call_t *call)
{
	ln_exchange_t *x = call->about;
	login_t *l;

	if (!ln_slice_eq(x->method, LN_STR("SCRAM-SHA-256")))
		return LN_NEXT;
	if (!x->state) {
		x->state = ln_new(login_t);
		x->free_state = free_login;
	}
	l = x->state;
	if (l->challenged)
		return finish(x, l);
	if (x->data.len)
		return challenge(x, l);
	/* Who begins without a word is asked for the first one. */
	x->more = true;
	return LN_ALLOW;
}

static const ln_hook_t hook_items[] = {
	{ LN_HOOK_ENHANCED_AUTH, LN_PRIO_IDENTIFY, on_enhanced_auth, "SCRAM-SHA-256: does the client know its password?" },
	{ 0 }
};

LN_MODULE(scram,
	.summary = "enhanced authentication with SCRAM-SHA-256",
	.conf = conf_items, .conf_size = sizeof(scram_conf_t), .check = check,
	.stats = stat_items, .logs = log_items, .hooks = hook_items,
	.load = load, .reload = reload, .unload = unload,
);
