/* mem.c — our memory, a peer's memory, and the countdown that makes a peer's allocation fail in tests.
 *
 * There is no allocator here: malloc(3) is good, and pools of our own would hide errors from the sanitizers. What is
 * ours ends the process when it cannot be had; what is a peer's is charged first and allocated second, so that a
 * refusal costs nothing. A charge goes through all parents or through none of them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linnet/mem.h>

static __thread unsigned long fail_after;

/* Without stdio: it may want memory itself. */
static _Noreturn void no_memory(void)
{
	static const char words[] = "linnet: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, words, sizeof(words) - 1);

	(void)ignored;
	abort();
}

/* Counts one allocation of a peer; true when it is the one that shall fail. */
static bool fails_now(void)
{
	return LN_UNLIKELY(fail_after > 0) && --fail_after == 0;
}

void ln_mem_fail_after(unsigned long n)
{
	fail_after = n;
}

void *ln_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (LN_UNLIKELY(!p))
		no_memory();
	return p;
}

void *ln_alloc_n(size_t count, size_t size)
{
	size_t total;

	if (LN_UNLIKELY(__builtin_mul_overflow(count, size, &total)))
		no_memory();
	return ln_alloc(total);
}

void *ln_realloc(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);

	if (LN_UNLIKELY(!q))
		no_memory();
	return q;
}

void ln_free(void *p)
{
	free(p);
}

char *ln_strndup(const char *s, size_t n)
{
	char *copy = ln_alloc(n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	return copy;
}

char *ln_strdup(const char *s)
{
	return ln_strndup(s, strlen(s));
}

void *ln_try_alloc(size_t size, ln_account_t *account)
{
	void *p;

	if (fails_now() || ln_account_charge(account, size) != LN_OK)
		return NULL;
	p = malloc(size ? size : 1);
	if (LN_UNLIKELY(!p))
		ln_account_release(account, size);
	return p;
}

void *ln_try_realloc(void *p, size_t old, size_t size, ln_account_t *account)
{
	size_t more = size > old ? size - old : 0;
	void *q;

	if (fails_now() || ln_account_charge(account, more) != LN_OK)
		return NULL;
	q = realloc(p, size ? size : 1);
	if (LN_UNLIKELY(!q))
		ln_account_release(account, more);
	else if (old > size)
		ln_account_release(account, old - size);
	return q;
}

void ln_give_back(void *p, size_t size, ln_account_t *account)
{
	if (!p)
		return;
	ln_account_release(account, size);
	free(p);
}

ln_result_t ln_account_charge(ln_account_t *account, size_t size)
{
	for (const ln_account_t *a = account; a; a = a->parent) {
		size_t most = a->limit ? a->limit : SIZE_MAX;
		if (a->used > most || size > most - a->used)
			return LN_LIMIT;
	}
	for (ln_account_t *a = account; a; a = a->parent)
		a->used += size;
	return LN_OK;
}

void ln_account_release(ln_account_t *account, size_t size)
{
	for (ln_account_t *a = account; a; a = a->parent) {
		ln_require(a->used >= size);
		a->used -= size;
	}
}
