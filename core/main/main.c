/* main.c — linnetd's command line. Wrong use ends with 2 and says what would be right. */
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
	"  -V, --version            print the version\n"
	"  -h, --help               print this\n"
	"\n"
	"linnetd runs in the foreground. Signals: TERM drains and ends, HUP reloads the\n"
	"configuration, USR1 reopens the log, USR2 writes the counters to stats-file.\n";

enum { DUMP = 256, DESCRIBE };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "dump-config", no_argument, NULL, DUMP },
	{ "describe", optional_argument, NULL, DESCRIBE },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int wrong(const char *why)
{
	fprintf(stderr, "linnetd: %s\n%s", why, usage);
	return 2;
}

int main(int argc, char **argv)
{
	const char *path = LN_SYSCONFDIR "/linnet.conf", *module = NULL;
	ln__broker_goal_t goal = LN__GOAL_SERVE;
	bool describe = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			path = optarg;
			break;
		case 't':
			goal = LN__GOAL_CHECK;
			break;
		case DUMP:
			goal = LN__GOAL_DUMP;
			break;
		case DESCRIBE:
			describe = true;
			module = optarg;
			break;
		case 'V':
			printf("linnetd %s\n", LN_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return wrong("unknown option");
		}
	}
	if (describe && !module && optind < argc)
		module = argv[optind++];
	if (optind < argc)
		return wrong("too many arguments");
	return describe ? ln__broker_describe(path, module) : ln__broker_run(path, goal);
}
