/* replay.c — runs a fuzz target over inputs that are known, without a fuzzer: what `make check` does with seeds and corpus.
 *
 * Each input goes in whole and cut at every length, in a copy that is exactly as long: a decoder that reads behind what it was given dies
 * here under AddressSanitizer. One line of TAP per directory. A target that finds something aborts the process; the SIGABRT handler
 * names the input, and the plan, which stands last, is missing. Sanitizers print their own report, for an input named by -v.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char at_work[8192];

/* Write only: this runs in a signal handler. */
static void on_abort(int signal)
{
	static const char text[] = "# aborted by ";
	ssize_t n = write(STDOUT_FILENO, text, sizeof(text) - 1);

	(void)signal;
	if (n > 0)
		n = write(STDOUT_FILENO, at_work, strlen(at_work));
	if (n > 0)
		n = write(STDOUT_FILENO, "\n", 1);
}

static void run_cut(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Runs the file PATH; false when it cannot be read. */
static bool run_file(const char *path)
{
	static uint8_t data[1 << 16];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		return perror(path), false;
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	for (size_t n = 0; n <= size; n++)
		run_cut(data, n);
	return true;
}

/* Runs every file in DIRECTORY; returns how many, or -1 when something could not be read. */
static int run_directory(const char *directory, bool verbose)
{
	DIR *dir = opendir(directory);
	int count = 0;

	if (!dir)
		return perror(directory), -1;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(at_work, sizeof(at_work), "%s/%s", directory, entry->d_name);
		if (verbose)
			fprintf(stderr, "# %s\n", at_work);
		if (!run_file(at_work)) {
			count = -1;
			break;
		}
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0, failed = false;
	int first = verbose ? 2 : 1;

	signal(SIGABRT, on_abort);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = first; i < argc; i++) {
		int count = run_directory(argv[i], verbose);

		printf("%s %d - %s: %d inputs\n", count > 0 ? "ok" : "not ok", i - first + 1, argv[i], count);
		failed = failed || count <= 0;
	}
	printf("1..%d\n", argc - first);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
