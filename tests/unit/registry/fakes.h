/* fakes.h — where the fake modules are (LN_TEST_MODULES: the directory), and what they were called for. */
#ifndef TESTS_REGISTRY_FAKES_H
#define TESTS_REGISTRY_FAKES_H

#include <dlfcn.h>
#include <limits.h>
#include "registry/modules.h"
#include "conf_file.h"

static char fakes_dir[PATH_MAX];

/* A directory of one's own, with the modules within reach as "modules". */
static inline void fakes_setup(void)
{
	const char *dir = getenv("LN_TEST_MODULES");

	ck_assert_msg(dir && realpath(dir, fakes_dir), "LN_TEST_MODULES names no directory");
	conf_setup();
	ck_assert_int_eq(symlink(fakes_dir, "modules"), 0);
}

/* A symbol of the fake module NAME, which is open. */
static inline void *fake_symbol(const char *name, const char *symbol)
{
	char path[64];
	void *handle, *address;

	snprintf(path, sizeof(path), "modules/%s.so", name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	ck_assert_msg(handle != NULL, "%s is not open", path);
	address = dlsym(handle, symbol);
	ck_assert_ptr_nonnull(address);
	dlclose(handle);
	return address;
}

/* NAME was called for exactly this since it was asked last. */
static inline void fake_assert_trace(const char *name, const char *words)
{
	char *trace = fake_symbol(name, "fake_trace");

	ck_assert_str_eq(trace, words);
	trace[0] = '\0';
}

static inline void fake_answer(const char *name, ln_result_t result)
{
	*(int *)fake_symbol(name, "fake_answer") = (int)result;
}

#endif
