/* conf_read.c — configuration files, and the files they include, into one tree.
 *
 * A file is read whole, checked to be UTF-8 and parsed (conf.c). `include:` is carried out after the file's own
 * members, depth first, so that the order of sections is the order a reader of the files would see. Every file's top
 * level joins the one of the whole; what stands twice is an error that names both places, because "the later one wins"
 * is how settings get lost.
 *
 * Circles are found by device and inode among the files being read, so no spelling of a path hides one.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linnet/buf.h>
#include <linnet/mem.h>
#include "conf_tree.h"

#define INCLUDE_DEPTH_MAX 8
#define FILE_SIZE_MAX (16u << 20)

typedef struct reading {
	ln_conf_file_t *file;
	ln_conf_errors_t *errors;
	struct { dev_t dev; ino_t ino; } open[INCLUDE_DEPTH_MAX + 1];
	unsigned depth;             /* how many of them */
	bool failed;                /* something could not be read or parsed */
} reading_t;

static void read_file(reading_t *r, const char *path, const ln__conf_place_t *from);

/* --- include ---------------------------------------------------------------------------------------------------- */

static int glob_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static void include_glob(reading_t *r, const char *pattern, const ln__conf_place_t *from)
{
	glob_t found = { 0 };
	int result = glob(pattern, 0, glob_error, &found);

	if (result != 0 && result != GLOB_NOMATCH) {
		ln__conf_say_at(r->errors, from, "cannot search \"%s\": %s", pattern, strerror(errno));
		r->failed = true;
	}
	for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
		read_file(r, found.gl_pathv[i], from);
	globfree(&found);
}

static void include_one(reading_t *r, const ln_conf_node_t *node)
{
	bool wild;
	char *path;

	if (node->kind != LN__CONF_TEXT || !node->text[0]) {
		ln__conf_say_at(r->errors, &node->at, "include: expected a file name, a pattern or a list of them");
		return;
	}
	wild = strpbrk(node->text, "*?[") != NULL;
	path = ln__conf_resolve(node->at.file, node->text, wild);
	if (wild)
		include_glob(r, path, &node->at);
	else
		read_file(r, path, &node->at);
	ln_free(path);
}

static void include(reading_t *r, const ln_conf_node_t *node)
{
	if (node->kind != LN__CONF_LIST) {
		include_one(r, node);
		return;
	}
	for (const ln_conf_node_t *item = node->first; item; item = item->next)
		include_one(r, item);
}

/* Moves what stands at the top of one file to the top of the whole; takes ROOT. */
static void merge(reading_t *r, ln_conf_node_t *root)
{
	ln_conf_node_t *child, *includes = NULL;

	while ((child = ln__conf_node_take_first(root))) {
		const ln_conf_node_t *before = ln__conf_node_find(r->file->top, child->key);
		if (strcmp(child->key, "include") == 0) {
			includes = child;
		} else if (before) {
			ln__conf_say_at(r->errors, &child->key_at, "\"%s\" stands already at %s:%d:%d", child->key,
					before->key_at.file, before->key_at.line, before->key_at.column);
			ln__conf_node_destroy(child);
		} else {
			ln__conf_node_append(r->file->top, child);
		}
	}
	if (includes)
		include(r, includes);
	ln__conf_node_destroy(includes);
	ln__conf_node_destroy(root);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

/* Says the first line that holds something no text may hold. */
static bool check_utf8(reading_t *r, const char *name, ln_slice_t text)
{
	const uint8_t *at = text.data, *end = at + text.len;

	for (int line = 1; at < end; line++) {
		const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		if (ln_utf8_check(ln_slice(at, (size_t)(stop - at))) >= LN_UTF8_NUL) {
			ln__conf_say_at(r->errors, &(ln__conf_place_t){ name, line, 1 },
					"this line is not valid UTF-8 text");
			return false;
		}
		at = stop < end ? stop + 1 : end;
	}
	return true;
}

/* Reads FD to its end. Returns false with errno set. */
static bool read_all(int fd, ln_buf_t *ret_text)
{
	for (;;) {
		ssize_t n = read(fd, ln_buf_reserve(ret_text, 65536), 65536);
		if (n == 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			ln_buf_commit(ret_text, (size_t)n);
		if (ln_buf_len(ret_text) > FILE_SIZE_MAX)
			errno = EFBIG;
		if (n < 0 || ln_buf_len(ret_text) > FILE_SIZE_MAX)
			return false;
	}
}

/* Reads PATH, known to stand nowhere above itself, and everything below it. */
static void read_open(reading_t *r, int fd, const char *path, const ln__conf_place_t *from)
{
	const char *name = ln__conf_file_keep(r->file, path);
	ln_conf_node_t *tree = NULL;
	ln_buf_t text = { 0 };

	if (!read_all(fd, &text)) {
		ln__conf_say_at(r->errors, from ? from : &(ln__conf_place_t){ name, 0, 0 }, "cannot read \"%s\": %s",
				path, strerror(errno));
		r->failed = true;
	} else if (!check_utf8(r, name, ln_buf_slice(&text))) {
		r->failed = true;
	} else if (ln_buf_len(&text) && ln__conf_parse(name, ln_buf_slice(&text), r->errors, &tree) != LN_OK) {
		r->failed = true;
	}
	ln_buf_fini(&text);
	if (tree)
		merge(r, tree);
}

/* Why PATH may not be read where it stands, or NULL (then it is on the list of open files). */
static const char *enter(reading_t *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return strerror(errno);
	for (unsigned i = 0; i < r->depth; i++)
		if (r->open[i].dev == st.st_dev && r->open[i].ino == st.st_ino)
			return "it includes itself";
	if (r->depth > INCLUDE_DEPTH_MAX)
		return "included more than eight files deep";
	r->open[r->depth].dev = st.st_dev;
	r->open[r->depth].ino = st.st_ino;
	r->depth++;
	return NULL;
}

/* FROM: the include that names PATH, NULL for the first file. */
static void read_file(reading_t *r, const char *path, const ln__conf_place_t *from)
{
	const ln__conf_place_t whole = { path, 0, 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *why = fd < 0 ? strerror(errno) : enter(r, fd);

	if (why) {
		if (from)
			ln__conf_say_at(r->errors, from, "cannot read \"%s\": %s", path, why);
		else
			ln__conf_say_at(r->errors, &whole, "cannot read: %s", why);
		r->failed = true;
	} else {
		read_open(r, fd, path, from);
		r->depth--;
	}
	if (fd >= 0)
		close(fd);
}

ln_conf_file_t *ln_conf_read(const char *path, ln_conf_errors_t *errors)
{
	reading_t r = { .file = ln__conf_file_create(), .errors = errors };

	ln_require(path && errors);
	r.file->top->at = (ln__conf_place_t){ .file = ln__conf_file_keep(r.file, path) };
	ln__conf_node_asked(r.file->top, "include");
	read_file(&r, path, NULL);
	if (r.failed) {
		ln_conf_free(r.file);
		return NULL;
	}
	return r.file;
}
