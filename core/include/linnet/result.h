/* result.h — the one way a function says how it went.
 *
 * Every function that can fail returns ln_result_t and must be heard. LN_OK is zero. LN_WAIT is not a failure: the
 * answer comes later, by the way the function's own comment names. Out-parameters stand last, are named ret_…, and
 * are written on LN_OK only.
 */
#ifndef LINNET_RESULT_H
#define LINNET_RESULT_H

#include <stddef.h>

#define LN_MUST_USE __attribute__((warn_unused_result))

/*        name            text */
#define LN_RESULTS(X)                                              \
	X(LN_OK,          "ok")                                    \
	X(LN_WAIT,        "the answer comes later")                \
	X(LN_AGAIN,       "nothing more for now")                  \
	X(LN_NO_MEMORY,   "out of memory")                         \
	X(LN_LIMIT,       "a limit was reached")                   \
	X(LN_MALFORMED,   "malformed")                             \
	X(LN_PROTOCOL,    "against the protocol")                  \
	X(LN_INVALID,     "invalid value")                         \
	X(LN_REFUSED,     "refused")                               \
	X(LN_NOT_FOUND,   "not found")                             \
	X(LN_EXISTS,      "exists already")                        \
	X(LN_CLOSED,      "closed")                                \
	X(LN_UNSUPPORTED, "not supported")                         \
	X(LN_SYSTEM,      "the system refused (see errno)")

typedef enum ln_result {
#define X(name, text) name,
	LN_RESULTS(X)
#undef X
	LN_RESULT_COUNT
} ln_result_t;

/* The text of RESULT, never NULL. Thread: any. */
const char *ln_result_text(ln_result_t result);

/* Contracts that run, in release builds too. ln_require: the caller's duty; ln_insist: ours. Both print where and
 * stop the process. */
_Noreturn void ln_contract_broken(const char *kind, const char *what, const char *file, int line);

#define ln_require(cond) \
	((cond) ? (void)0 : ln_contract_broken("require", #cond, __FILE__, __LINE__))
#define ln_insist(cond) \
	((cond) ? (void)0 : ln_contract_broken("insist", #cond, __FILE__, __LINE__))

/* Every long-lived struct begins with `uint32_t magic`; every callback that takes void * checks it. */
#define LN_MAGIC_OK(p, m) ((p) != NULL && (p)->magic == (m))

#define LN_EXPORT __attribute__((visibility("default")))
#define LN_LIKELY(x) __builtin_expect(!!(x), 1)
#define LN_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LN_CONTAINER(p, type, field) ((type *)(void *)((char *)(p) - offsetof(type, field)))
#define LN_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
