/* mem.h — two kinds of memory.
 *
 * Ours: what the broker needs to exist. ln_new and ln_alloc never return NULL; when the system has none left the
 * process stops with a message, because a broker without its own structures cannot be trusted. A peer's: what
 * somebody outside makes us keep. ln_try_alloc may refuse, is charged to an account, and the refusal is an ordinary,
 * tested path. Ours is freed with ln_free, a peer's with ln_give_back.
 *
 * Tests make the n-th allocation fail with ln_mem_fail_after.
 */
#ifndef LINNET_MEM_H
#define LINNET_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linnet/result.h>

/* What somebody may use and does use, in bytes. Single-threaded: lives with its owner. PARENT, when set, is charged
 * too. limit 0: no limit of its own. */
typedef struct ln_account {
	size_t used, limit;
	struct ln_account *parent;
} ln_account_t;

/* SIZE zeroed bytes; never NULL. Thread: any. */
void *ln_alloc(size_t size);
/* COUNT times SIZE zeroed bytes; a product that does not fit stops the process. Thread: any. */
void *ln_alloc_n(size_t count, size_t size);
/* Grows or shrinks OURS memory; never NULL (new bytes are not zeroed). Thread: any. */
void *ln_realloc(void *p, size_t size);
void ln_free(void *p);
/* A NUL-terminated copy of N bytes at S; never NULL. */
char *ln_strndup(const char *s, size_t n);
char *ln_strdup(const char *s);

/* SIZE bytes (not zeroed) charged to ACCOUNT (may be NULL), or NULL. Thread: ACCOUNT's. */
void *ln_try_alloc(size_t size, ln_account_t *account);
/* Resizes what ln_try_alloc(OLD, ACCOUNT) gave; NULL leaves P as it was. */
void *ln_try_realloc(void *p, size_t old, size_t size, ln_account_t *account);
/* Gives back what ln_try_alloc gave. Accepts NULL. */
void ln_give_back(void *p, size_t size, ln_account_t *account);

/* Charges SIZE to ACCOUNT without allocating. Returns LN_OK or LN_LIMIT. */
ln_result_t LN_MUST_USE ln_account_charge(ln_account_t *account, size_t size);
void ln_account_release(ln_account_t *account, size_t size);

/* Tests: the Nth peer allocation from now fails, once (0: off). Thread: the calling thread's allocations only. */
void ln_mem_fail_after(unsigned long n);

#define ln_new(T) ((T *)ln_alloc(sizeof(T)))
#define ln_new_n(T, n) ((T *)ln_alloc_n((n), sizeof(T)))

/* Scope-bound cleanup: LN_DEFINE_AUTO(ln_msg, ln_msg_unref) once, then `LN_AUTO(ln_msg) m = …; return ln_steal(m);` */
#define LN_DEFINE_AUTO(noun, release)                                   \
	static inline void noun##_auto_(noun##_t **p)                   \
	{                                                               \
		if (*p)                                                 \
			release(*p);                                    \
	}
#define LN_AUTO(noun) __attribute__((cleanup(noun##_auto_))) noun##_t *
#define ln_steal(p)                       \
	({                                \
		__typeof__(p) p_ = (p);   \
		(p) = NULL;               \
		p_;                       \
	})

#endif
