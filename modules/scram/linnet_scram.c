/* linnet_scram.c — linnet-scram: makes a line for the file of users from a password, which is read from the terminal or standard input and never stands
 * on the command line. */
#include "proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MAX 1023

static void usage(FILE *to)
{
	fputs("usage: linnet-scram [-i ITERATIONS] USER >> FILE\n"
	      "Reads the password from the terminal, or one line from standard input, and prints the line for USER.\n", to);
}

static void echo(bool on)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t))
		return;
	t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & (tcflag_t)~ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

/* One line without its end. False: there is none. */
static bool read_password(const char *prompt, char *dst, size_t size)
{
	bool terminal = isatty(STDIN_FILENO), got;

	if (terminal) {
		fputs(prompt, stderr);
		echo(false);
	}
	got = fgets(dst, (int)size, stdin) != NULL;
	if (terminal) {
		echo(true);
		fputs("\n", stderr);
	}
	dst[got ? strcspn(dst, "\r\n") : 0] = 0;
	return dst[0] != 0;
}

static int complain(const char *what)
{
	fprintf(stderr, "linnet-scram: %s\n", what);
	return 1;
}

/* One that a client can send, and that is no comment in the file. */
static bool is_name(const char *name)
{
	return name[0] && name[0] != '#' && strlen(name) <= SCRAM_NAME_MAX && !strstr(name, ":SCRAM-SHA-256$") &&
	       ln_utf8_check(ln_slice_of(name)) == LN_UTF8_OK;
}

/* Returns false after saying what is wrong. */
static bool read_options(int argc, char **argv, scram_verifier_t *v)
{
	int option;

	while ((option = getopt(argc, argv, "hi:")) != -1) {
		if (option == 'h') {
			usage(stdout);
			exit(0);
		}
		v->iterations = option == 'i' ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
		if (v->iterations < SCRAM_ITERATIONS_MIN || v->iterations > SCRAM_ITERATIONS_MAX) {
			usage(stderr);
			return false;
		}
	}
	if (argc - optind == 1 && is_name(argv[optind]))
		return true;
	usage(stderr);
	return false;
}

int main(int argc, char **argv)
{
	scram_verifier_t v = { .iterations = SCRAM_ITERATIONS_MIN, .salt_len = 16 };
	char password[PASSWORD_MAX + 1], again[PASSWORD_MAX + 1];
	ln_buf_t line = { 0 };

	if (!read_options(argc, argv, &v))
		return 2;
	if (!read_password("Password: ", password, sizeof(password)))
		return complain("there is no password");
	if (strlen(password) >= PASSWORD_MAX)
		return complain("the password is too long");
	if (isatty(STDIN_FILENO) && (!read_password("Once more: ", again, sizeof(again)) || strcmp(password, again) != 0))
		return complain("these are two passwords");
	if (getrandom(v.salt, v.salt_len, 0) != (ssize_t)v.salt_len || !scram_make(&v, ln_slice_of(password)))
		return complain("no random bytes, or the library failed");
	scram_print(&v, &line);
	printf("%s:%.*s\n", argv[optind], (int)ln_buf_len(&line), (const char *)ln_buf_slice(&line).data);
	ln_buf_fini(&line);
	return 0;
}
