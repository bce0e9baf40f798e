/* main.c — linnetd's command line. Wrong use ends with 2 and says what would be right.
 *
 * Options are spelt out: getopt would take "--dump" for --dump-config, until there is another that begins so. Only one
 * thing is done at a time.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "broker.h"

static const char usage[] =
	"usage: linnetd [-c FILE] [-t | --dump-config | --describe [MODULE]]\n"
	"\n"
	"  -c, --config FILE        configuration (default: " LN_SYSCONFDIR "/linnet.conf)\n"
	"  -t, --test               check the configuration, name every error, and end\n"
	"      --dump-config        print the configuration in force, defaults included\n"
	"      --describe [MODULE]  print options, counters and messages of the core and\n"
	"                           of all modules, or of one\n"
	"      --describe-man=PAGE  for packagers: print the generated part of a manual\n"
	"                           page, linnet.conf(5) (conf) or linnet-log(7) (log)\n"
	"  -V, --version            print the version\n"
	"  -h, --help               print this\n"
	"\n"
	"linnetd runs in the foreground. Signals: TERM drains and ends, HUP reloads the\n"
	"configuration, USR1 reopens the log, USR2 writes the counters to stats-file.\n";

enum { DUMP = 256, DESCRIBE, DESCRIBE_MAN };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "dump-config", no_argument, NULL, DUMP },
	{ "describe", optional_argument, NULL, DESCRIBE },
	{ "describe-man", required_argument, NULL, DESCRIBE_MAN },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

typedef struct command {
	const char *path;
	const char *what;       /* --describe, --describe-man: of what */
	int mode;               /* an option's value; 0: serve */
} command_t;

static int wrong(const char *why)
{
	fprintf(stderr, "linnetd: %s\n%s", why, usage);
	return 2;
}

/* Did ARG spell NAME out? */
static bool is_whole(const char *arg, const char *name)
{
	size_t len = strcspn(arg, "=");

	return len == strlen(name) + 2 && memcmp(arg + 2, name, len - 2) == 0;
}

/* Why the command line is wrong, or NULL. */
static const char *parse(int argc, char **argv, command_t *ret)
{
	for (;;) {
		int index = -1, o = getopt_long(argc, argv, "c:tVh", options, &index);

		if (o == -1)
			break;
		/* The option's own word: before its argument where that is a word by itself. */
		if (index >= 0 && o != '?' &&
		    !is_whole(argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)], options[index].name))
			return "options cannot be abbreviated";
		if (o == '?')
			return "unknown option, or its argument is missing";
		if (o == 'c') {
			ret->path = optarg;
			continue;
		}
		if (ret->mode && ret->mode != o)
			return "only one of -t, --dump-config, --describe, --describe-man, -V and -h at a time";
		ret->mode = o;
		ret->what = optarg;
	}
	if (ret->mode == DESCRIBE && !ret->what && optind < argc)
		ret->what = argv[optind++];
	if (ret->mode == DESCRIBE_MAN && strcmp(ret->what, "conf") != 0 && strcmp(ret->what, "log") != 0)
		return "--describe-man: expected conf or log";
	return optind < argc ? "too many arguments" : NULL;
}

int main(int argc, char **argv)
{
	command_t c = { .path = LN_SYSCONFDIR "/linnet.conf" };
	const char *why = parse(argc, argv, &c);

	if (why)
		return wrong(why);
	switch (c.mode) {
	case 'V':
		printf("linnetd %s\n", LN_VERSION);
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 0;
	case 't':
		return ln__broker_run(c.path, LN__GOAL_CHECK);
	case DUMP:
		return ln__broker_run(c.path, LN__GOAL_DUMP);
	case DESCRIBE:
		return ln__broker_describe(c.path, c.what);
	case DESCRIBE_MAN:
		return ln__broker_describe_man(c.path, c.what);
	default:
		return ln__broker_run(c.path, LN__GOAL_SERVE);
	}
}
