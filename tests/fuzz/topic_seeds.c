/* topic_seeds.c — writes the seeds of topic.c into a directory: the examples of the standard's section 4.7, and borders. */
#include <stdio.h>
#include <string.h>

static const struct {
	const char *filter, *name;
} seeds[] = {
	{ "sport/tennis/player1/#", "sport/tennis/player1" }, { "sport/#", "sport" }, { "#", "a/b" }, { "+", "finance" },
	{ "+/+", "/finance" }, { "/+", "/finance" }, { "+", "/finance" }, { "sport/+/player1", "sport/tennis/player1" },
	{ "sport/+", "sport/" }, { "sport+", "sport" }, { "a/#/b", "a/b" }, { "#", "$SYS/x" }, { "+/x", "$SYS/x" },
	{ "$SYS/#", "$SYS/x" }, { "$share/g/a/+", "a/b" }, { "$share//a", "a" }, { "$share/g/", "a" }, { "//", "//" },
	{ "", "a" }, { "a", "" }, { "\xc3\xa4/+", "\xc3\xa4/\xe4\xb8\x96" }, { "\xed\xa0\x80", "\xff" }, { "+/#", "a" },
};

static int write_seed(const char *directory, size_t i)
{
	size_t filter = strlen(seeds[i].filter), name = strlen(seeds[i].name);
	char path[4096];
	FILE *file;
	int written;

	snprintf(path, sizeof(path), "%s/topic-%02zu", directory, i);
	file = fopen(path, "wb");
	if (!file)
		return perror(path), 0;
	written = fputc((int)filter, file) != EOF && fwrite(seeds[i].filter, 1, filter, file) == filter &&
		  fwrite(seeds[i].name, 1, name, file) == name;
	return fclose(file) == 0 && written;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]), 2;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		if (!write_seed(argv[1], i))
			return 1;
	return 0;
}
