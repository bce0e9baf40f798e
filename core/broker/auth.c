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

ln_verdict_t ln_exchange_ask(ln_exchange_t *x, ln_slice_t method, ln_slice_t data)
{
	x->call.about = x;
	x->method = method;
	x->data = data;
	x->more = false;
	ln_buf_fini(&x->out);
	return ln_hook_ask(LN_HOOK_ENHANCED_AUTH, &x->call);
}

void ln_exchange_reset(ln_exchange_t *x)
{
	if (x->state && x->free_state)
		x->free_state(x->state);
	x->state = NULL;
	x->free_state = NULL;
	ln_buf_fini(&x->out);
	ln_free(x->user);
	x->user = NULL;
	x->more = false;
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
