/* rcu.c — linnet/rcu.h over liburcu's QSBR flavour.
 *
 * QSBR because its read side costs nothing at all, and because a loop knows exactly when it holds no pointer: in the
 * poll. liburcu's names stay in this file; the rest of the house could live with any RCU that has quiescent states.
 * With LN_RCU_BUILTIN this file is empty and rcu_builtin.c takes its place.
 */
#ifndef LN_RCU_BUILTIN

#include <stddef.h>
#include <signal.h>
#include <urcu-qsbr.h>
#include <linnet/result.h>
#include "rcu_start.h"

_Static_assert(sizeof(struct rcu_head) <= sizeof(((ln_rcu_head_t *)0)->room), "ln_rcu_head_t has room for liburcu's");
_Static_assert(_Alignof(struct rcu_head) <= _Alignof(ln_rcu_head_t), "and aligns it");

static void on_grace_over(struct rcu_head *theirs)
{
	ln_rcu_head_t *head = LN_CONTAINER(theirs, ln_rcu_head_t, room);

	head->fn(head);
}

/* liburcu makes its thread at the first call and lets it inherit the caller's signal mask, hence the mask and the
 * early call. */
void ln__rcu_start(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ln_insist(get_default_call_rcu_data() != NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ln_rcu_call(ln_rcu_head_t *head, ln_rcu_fn fn)
{
	head->fn = fn;
	call_rcu((struct rcu_head *)(void *)head->room, on_grace_over);
}

void ln_rcu_barrier(void)
{
	rcu_barrier();
}

void ln_rcu_register(void)
{
	rcu_register_thread();
}

void ln_rcu_unregister(void)
{
	rcu_unregister_thread();
}

void ln_rcu_offline(void)
{
	rcu_thread_offline();
}

void ln_rcu_online(void)
{
	rcu_thread_online();
}

#endif
