/* hook.h — questions the core and the protocols ask the modules.
 *
 * A module's table says { point, priority band, function, what it does }. At start each point becomes one flat array
 * sorted by band, then by the order modules were loaded; asking is a loop with one indirect call each. Verdicts:
 * LN_NEXT (no opinion), LN_ALLOW and LN_DENY (settled; the rest is not asked, except OBSERVE bands, which always run
 * and whose verdict is ignored), LN_VERDICT_WAIT: the call stands still until ln_hook_resume continues it at the hook
 * after the one that waited. When all said LN_NEXT the point's own default holds.
 *
 * Observers see in call->settled what was decided (the point's default when nobody spoke). A hook that answers
 * LN_VERDICT_WAIT must not resume the call before it has returned; a job's letter or a timer does.
 *
 * Everything runs on the worker that asked.
 */
#ifndef LINNET_HOOK_H
#define LINNET_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linnet/result.h>

typedef enum ln_verdict { LN_NEXT, LN_ALLOW, LN_DENY, LN_VERDICT_WAIT } ln_verdict_t;

/*       point                 default    may wait, what is asked, and the type behind call->about */
#define LN_HOOK_POINTS(X)                                                                                            \
	X(LN_HOOK_ACCEPT,       LN_ALLOW, "may this address connect at all? Behind a proxy: the client's (ln_conn_t)") \
	X(LN_HOOK_AUTHENTICATE, LN_NEXT,  "is this client who it says it is? (ln_auth_t; may wait)")                 \
	X(LN_HOOK_ENHANCED_AUTH, LN_NEXT, "what follows in this exchange of proofs? (ln_exchange_t; may wait)")      \
	X(LN_HOOK_AUTHORIZE,    LN_ALLOW, "may this client do this with this topic? (ln_access_t)")                  \
	X(LN_HOOK_PUBLISH,      LN_ALLOW, "a message is about to be routed (ln_publish_t)")                          \
	X(LN_HOOK_CONNECTED,    LN_ALLOW, "a client was let in (ln_identity_t)")                                     \
	X(LN_HOOK_DISCONNECTED, LN_ALLOW, "a client's connection ended (ln_identity_t)")

typedef enum ln_hook_point {
#define X(name, def, help) name,
	LN_HOOK_POINTS(X)
#undef X
	LN_HOOK_POINT_COUNT
} ln_hook_point_t;

typedef enum ln_prio {
	LN_PRIO_GUARD = 100,
	LN_PRIO_IDENTIFY = 200,
	LN_PRIO_POLICY = 300,
	LN_PRIO_REWRITE = 400,
	LN_PRIO_OBSERVE = 500
} ln_prio_t;

typedef struct ln_call ln_call_t;
typedef ln_verdict_t (*ln_hook_fn)(ln_call_t *call);

struct ln_call {
	void *about;                              /* what the point's line says */
	/* Called by ln_hook_resume when the call is settled; not for an answer given at once. */
	void (*done)(ln_call_t *, ln_verdict_t);
	void *owner;                              /* the asker's */
	const char *why;                          /* set by who denies: a sentence for the log */
	uint8_t point, position;                  /* ours: which question, the next hook to ask */
	uint8_t settled;                          /* the verdict, LN_NEXT while there is none */
	bool waiting;
};

typedef struct ln_hook {
	uint16_t point;     /* ln_hook_point_t */
	uint16_t prio;
	ln_hook_fn fn;      /* NULL ends a table */
	const char *help;
} ln_hook_t;

/* One compiled slot: what an asker needs to know of a hook. */
extern ln_hook_fn *ln_hook_slots[LN_HOOK_POINT_COUNT];   /* each NULL-ended; never NULL after ln_hooks_compile */

/* Is anybody interested in POINT? Thread: any. */
static inline bool ln_hook_any(ln_hook_point_t point)
{
	return ln_hook_slots[point][0] != NULL;
}

/* Asks. Requires: call->about set; done set where a hook may wait. Returns LN_ALLOW, LN_DENY, LN_NEXT (nobody knew and
 * the point has no default) or LN_VERDICT_WAIT (then CALL must stay where it is until done). Thread: the worker that
 * asks. */
ln_verdict_t ln_hook_ask(ln_hook_point_t point, ln_call_t *call);
/* Goes on with a call that waited, with the waiting hook's verdict (LN_NEXT, LN_ALLOW or LN_DENY). Calls done when that
 * settles it, which may free CALL. Requires: call->waiting. Thread: the one that asked. */
void ln_hook_resume(ln_call_t *call, ln_verdict_t verdict);

/* Adds a module's table (NULL-fn ended); compile makes the arrays. Thread: main, before the workers run. */
void ln_hook_register(const char *module, const ln_hook_t *table);
void ln_hooks_compile(void);
/* Tests: forget everything. */
void ln_hooks_clear(void);
void ln_hook_each(void (*fn)(const char *module, const ln_hook_t *, void *ctx), void *ctx);
const char *ln_hook_point_name(ln_hook_point_t point);
const char *ln_hook_point_help(ln_hook_point_t point);

#endif
