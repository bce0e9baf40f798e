/* result.c — the texts of results, and the end of a process whose contract was broken.
 *
 * The texts come from the table in result.h, so a new result cannot be forgotten here. A broken contract ends the
 * process at once: whoever broke it has wrong ideas about the state, and a supervisor's restart is cheaper than a
 * guess. Nothing is cleaned up and nothing is allocated on that way; the line goes straight to standard error
 * because the log may be what is broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linnet/result.h>

const char *ln_result_text(ln_result_t result)
{
	static const char *const text[] = {
#define X(name, words) [name] = words,
		LN_RESULTS(X)
#undef X
	};

	return (unsigned)result < LN_RESULT_COUNT ? text[result] : "unknown result";
}

_Noreturn void ln_contract_broken(const char *kind, const char *what, const char *file, int line)
{
	char words[512];
	int n = snprintf(words, sizeof(words), "linnet: %s:%d: broken contract: %s(%s)\n", file, line, kind, what);

	if (n > 0) {
		size_t len = (size_t)n < sizeof(words) ? (size_t)n : sizeof(words) - 1;
		ssize_t ignored = write(STDERR_FILENO, words, len);
		(void)ignored;
	}
	abort();
}
