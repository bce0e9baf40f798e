/* identity.h — who the peer is: what authentication established and rules ask about. Lives as long as the connection; names are owned. */
#ifndef LINNET_IDENTITY_H
#define LINNET_IDENTITY_H

#include <linnet/buf.h>
#include <linnet/hook.h>
#include <linnet/str.h>
#include <linnet/worker.h>

struct ln_conn;

typedef struct ln_identity {
	char *user;                     /* NULL: anonymous */
	char *client_id;
	struct ln_conn *conn;           /* listener, address, module slices */
} ln_identity_t;

void ln_identity_fini(ln_identity_t *id);

/* LN_HOOK_AUTHENTICATE: call.about is the ln_auth_t. A hook may set identity->user. */
typedef struct ln_auth {
	ln_call_t call;
	ln_identity_t *identity;
	bool has_user, has_password;
	ln_slice_t user, password;      /* borrowed; a hook that waits copies what it needs */
} ln_auth_t;

/* Asks whether this client may come in. When no hook knows, ALLOW_ANONYMOUS decides for clients without credentials and for those with
 * (unverified) ones alike. LN_VERDICT_WAIT: auth->call.done follows. Thread: the connection's worker. */
ln_verdict_t ln_auth_ask(ln_auth_t *auth, bool allow_anonymous);
/* What done's verdict comes to (LN_NEXT → by ALLOW_ANONYMOUS). */
ln_verdict_t ln_auth_settle(const ln_auth_t *auth, ln_verdict_t verdict, bool allow_anonymous);

/* LN_HOOK_ENHANCED_AUTH: about is the ln_exchange_t, one round of a challenge and response under a named method (enhanced authentication,
 * SASL). Each thing the peer says is one question to the hooks. They answer:
 *
 *     LN_NEXT                   the method is not theirs
 *     LN_ALLOW, MORE not set    the peer has proved to be USER; OUT goes with the good news
 *     LN_ALLOW, MORE set        OUT is the challenge, the peer's answer is the next question
 *     LN_DENY                   it has not; call.why for the log
 *     LN_VERDICT_WAIT           one of these follows
 *
 * STATE is the hook's that took up the method, from the first round to the last. The same exchange may begin anew later with AGAIN set: the peer
 * proves itself once more, and must be the same. */
typedef struct ln_exchange {
	ln_call_t call;
	ln_identity_t *identity;
	ln_slice_t method, data;        /* what the peer says; borrowed; a hook that waits copies what it needs */
	ln_buf_t out;
	bool again, more;
	char *user;                     /* owned; set by the hook */
	void *state;                    /* the hook's; NULL in the first round */
	void (*free_state)(void *);
} ln_exchange_t;

/* Asks for one round: sets method and data, clears out and more. Thread: the connection's worker. */
ln_verdict_t ln_exchange_ask(ln_exchange_t *x, ln_slice_t method, ln_slice_t data);
/* Forgets what the exchange was about; it may begin anew. */
void ln_exchange_reset(ln_exchange_t *x);

typedef enum ln_act { LN_ACT_PUBLISH, LN_ACT_SUBSCRIBE, LN_ACT_RECEIVE } ln_act_t;

/* LN_HOOK_AUTHORIZE: about is ln_access_t. */
typedef struct ln_access {
	const ln_identity_t *identity;
	ln_act_t act;
	ln_slice_t topic;               /* a filter for LN_ACT_SUBSCRIBE */
	uint8_t qos;
	bool retain;
} ln_access_t;

/* May IDENTITY do this? Never waits. Costs one load when no module cares. Thread: home. */
bool ln_authorize(const ln_access_t *access);

/* LN_HOOK_PUBLISH: about is ln_publish_t. A hook may deny; rewriting comes with scripts. */
struct ln_msg;
typedef struct ln_publish {
	const ln_identity_t *identity;
	struct ln_msg *msg;
} ln_publish_t;

#endif
