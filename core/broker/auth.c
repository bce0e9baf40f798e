/* auth.c — asking the hooks who a peer is and what it may do.
 *
 * Nobody's opinion is never a yes to a stranger: without an answer the listener's allow-anonymous decides.
 */
#include <linnet/identity.h>
#include <linnet/mem.h>

void ln_identity_fini(ln_identity_t *id)
{
	ln_free(id->user);
	ln_free(id->client_id);
	*id = (ln_identity_t){ 0 };
}

ln_verdict_t ln_auth_settle(const ln_auth_t *auth, ln_verdict_t verdict, bool allow_anonymous)
{
	(void)auth;
	if (verdict == LN_NEXT)
		return allow_anonymous ? LN_ALLOW : LN_DENY;
	return verdict;
}

ln_verdict_t ln_auth_ask(ln_auth_t *auth, bool allow_anonymous)
{
	ln_verdict_t verdict;

	auth->call.about = auth;
	verdict = ln_hook_ask(LN_HOOK_AUTHENTICATE, &auth->call);
	return ln_auth_settle(auth, verdict, allow_anonymous);
}

bool ln_authorize(const ln_access_t *access)
{
	ln_call_t call = { 0 };
	ln_access_t copy;

	if (LN_LIKELY(!ln_hook_any(LN_HOOK_AUTHORIZE)))
		return true;
	copy = *access;
	call.about = &copy;
	return ln_hook_ask(LN_HOOK_AUTHORIZE, &call) == LN_ALLOW;
}
