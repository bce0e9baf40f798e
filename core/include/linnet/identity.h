/* identity.h — who the peer is: what authentication established and rules ask about. Lives as long as the connection; names are owned. */
#ifndef LINNET_IDENTITY_H
#define LINNET_IDENTITY_H

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
