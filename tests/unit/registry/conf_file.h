/* conf_file.h — tests that need configuration files: a directory of one's own, files in it, and what reading them said.
 * */
#ifndef TESTS_REGISTRY_CONF_FILE_H
#define TESTS_REGISTRY_CONF_FILE_H

#include <stdio.h>
#include <string.h>
#include <ftw.h>
#include <sys/stat.h>
#include <linnet/conf.h>
#include "support/unit.h"

static char conf_dir[64];

/* Makes an empty directory and goes there, so that files are named in errors as they are written in tests. */
static inline void conf_setup(void)
{
	snprintf(conf_dir, sizeof(conf_dir), "/tmp/linnet-conf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(conf_dir));
	ck_assert_int_eq(chdir(conf_dir), 0);
}

static inline int conf_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void conf_teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	nftw(conf_dir, conf_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void conf_write(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");

	ck_assert_msg(out != NULL, "cannot write %s", name);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

/* All errors, a line each. The caller frees. */
static inline char *conf_errors_text(const ln_conf_errors_t *errors)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < ln_conf_errors_count(errors); i++)
		fprintf(out, "%s\n", ln_conf_errors_at(errors, i));
	fclose(out);
	return text;
}

/* ERRORS are exactly these LINES. */
static inline void conf_assert_errors(const ln_conf_errors_t *errors, const char *lines)
{
	char *text = conf_errors_text(errors);

	ck_assert_str_eq(text, lines);
	free(text);
}

/* Writes TEXT as linnet.conf and reads it without an error. */
static inline ln_conf_file_t *conf_read_text(const char *text, ln_conf_errors_t *errors)
{
	ln_conf_file_t *file;

	conf_write("linnet.conf", text);
	file = ln_conf_read("linnet.conf", errors);
	conf_assert_errors(errors, "");
	ck_assert_ptr_nonnull(file);
	return file;
}

#endif
