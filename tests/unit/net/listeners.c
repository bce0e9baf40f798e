/* Tests of core/net/listeners.c: what a file asks for, what is wrong with it, and how one set takes over from another.
 * Modules are linked in. */
#include <sys/stat.h>
#include <sys/un.h>
#include "bench.h"
#include "registry/modules.h"

typedef struct echo_conf {
	uint32_t limit;
	uint32_t global;
} echo_conf_t;

static const ln_conf_item_t echo_items[] = {
	LN_CONF(echo_conf_t, limit, "10", "A number a listener may say differently.", .reload = true, .listener = true),
	LN_CONF(echo_conf_t, global, "5", "A number it may not."),
	LN_CONF_END
};

static ln_protocol_t echo;
static const ln_layer_t plain = { .name = "plain", .conn_size = 8 };
static const ln_layer_t naming = { .name = "naming", .names_peer = true };
static const ln_provide_t echo_provides[] = {
	{ LN_PROVIDE_PROTOCOL, "echo", &echo }, { LN_PROVIDE_LAYER, "plain", &plain },
	{ LN_PROVIDE_LAYER, "naming", &naming }, { LN_PROVIDE_END, NULL, NULL }
};
static ln_self_t echo_self, side_self, guard_self;

static ln_verdict_t on_authenticate(ln_call_t *call)
{
	(void)call;
	return LN_NEXT;
}

static const ln_hook_t guard_hooks[] = { { LN_HOOK_AUTHENTICATE, LN_PRIO_IDENTIFY, on_authenticate, "who?" }, { 0 } };

#define ABI \
	.abi_major = LN_ABI_MAJOR, .abi_minor = LN_ABI_MINOR, .size = sizeof(ln_module_t), \
	.version = "1", .summary = "a test's"
static const ln_module_t echo_module = {
	ABI, .name = "echo", .self = &echo_self, .conf = echo_items, .conf_size = sizeof(echo_conf_t),
	.provides = echo_provides, .conn_size = 999
};
static const ln_module_t side_module = { ABI, .name = "side", .self = &side_self, .conn_size = 24 };
static const ln_module_t guard_module = { ABI, .name = "guard", .self = &guard_self, .hooks = guard_hooks };

extern const ln_module_t *const ln_static_modules[];
const ln_module_t *const ln_static_modules[] = { &echo_module, &side_module, &guard_module, NULL };

/* --- files -------------------------------------------------------------------------------------------------------- */

static char path[] = "/tmp/linnet-listeners-XXXXXX";
static ln_conf_errors_t *errors;
static ln_conf_file_t *file;

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Reads TEXT; what is bound from it is good as long as nothing else is read. */
static ln__listeners_t *bind_text(const char *text)
{
	write_file(text);
	ln_conf_free(file);
	file = ln_conf_read(path, errors);
	ck_assert_ptr_nonnull(file);
	if (ln_modules_count() == 0)
		ck_assert_int_eq(ln_modules_open("/nowhere", file, errors), LN_OK);
	ck_assert_int_eq(ln_modules_bind(file, errors), LN_OK);
	return ln__listeners_bind(file, errors);
}

static void set_up(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	errors = ln_conf_errors_create();
	echo = bench_protocol(NULL);
}

static void tear_down(void)
{
	unlink(path);
	ln_conf_free(file);
	ln_conf_errors_destroy(errors);
	ln_modules_clear();
	ln_hooks_clear();
}

static void no_errors(void)
{
	unsigned count = ln_conf_errors_count(errors);

	ck_assert_msg(count == 0, "%s", count ? ln_conf_errors_at(errors, 0) : "");
}

/* --- bind --------------------------------------------------------------------------------------------------------- */

static const ln_listener_t *found[8];
static unsigned found_count;

static void collect(const ln_listener_t *l, void *ctx)
{
	(void)ctx;
	found[found_count++] = l;
}

START_TEST(binds_what_stands_there)
{
	ln__listeners_t *set = bind_text(
		"modules: [echo, side]\n"
		"echo: { limit: 20 }\n"
		"listeners:\n"
		"  one: { address: '127.0.0.1:1', stack: echo }\n"
		"  two: { address: ':2', stack: [plain, echo], allow-anonymous: yes, connections-max: 7,\n"
		"         echo: { limit: 30 } }\n");
	const echo_conf_t *c;

	no_errors();
	ln__listeners_each(set, collect, NULL);
	ck_assert_uint_eq(found_count, 2);
	ck_assert_str_eq(ln_listener_name(found[0]), "one");
	ck_assert(ln_listener_allow_anonymous(found[0]));
	ck_assert_ptr_eq(found[0]->protocol, &echo);
	c = ln_listener_conf(found[0], echo_self.index);
	ck_assert_uint_eq(c->limit, 20);
	ck_assert_uint_eq(found[1]->layer_count, 1);
	ck_assert_ptr_eq(found[1]->layers[0], &plain);
	ck_assert_uint_eq(found[1]->conf.connections_max, 7);
	c = ln_listener_conf(found[1], echo_self.index);
	ck_assert_uint_eq(c->limit, 30);
	ck_assert_uint_eq(c->global, 5);
	/* The protocol's module has its state as the protocol's; the other one has a slice. */
	ck_assert_uint_eq(found[0]->module_at[echo_self.index], LN__NO_STATE);
	ck_assert_uint_ne(found[0]->module_at[side_self.index], LN__NO_STATE);
	ck_assert_uint_lt(found[0]->block_size, sizeof(ln_conn_t) + sizeof(bench_state_t) + 24 + 32);
	ck_assert_uint_ge(found[1]->layer_at[0], sizeof(ln_conn_t) + sizeof(ln__stack_t));
	ln__listeners_destroy(set);
}
END_TEST

typedef struct bad {
	const char *listeners;
	const char *place, *word;
} bad_t;

#define ONE "listeners:\n  a: "
#define HERE "address: '127.0.0.1:1', "

static const bad_t bads[] = {
	{ ONE "{ address: '127.0.0.1:1' }\n", ":3:", "stack is missing" },
	{ ONE "{ " HERE "stack: [] }\n", ":3:", "stack is missing" },
	{ ONE "{ stack: echo }\n", ":3:", "address: it is missing" },
	{ ONE "{ address: 'x:1', stack: echo }\n", ":3:17:", "a name is not accepted" },
	{ ONE "{ " HERE "stack: [plain] }\n", ":3:", "\"plain\" is no protocol of a loaded module (there is: echo)" },
	{ ONE "{ " HERE "stack: [echo, echo] }\n", ":3:", "\"echo\" is no layer of a loaded module (there is: plain, naming)" },
	{ ONE "{ " HERE "stack: echo, stak: echo }\n", ":3:", "unknown option \"stak\"" },
	{ ONE "{ " HERE "stack: echo, echo: { global: 1 } }\n", ":3:", "cannot differ between listeners" },
	{ ONE "{ " HERE "stack: echo, out-high: 1G }\n", ":3:", "out-max" },
	{ ONE "{ address: ':1', stack: echo }\n", ":3:17:", "can be reached by others" },
	{ ONE "{ address: '10.0.0.1:1', stack: echo }\n", ":3:17:", "can be reached by others" },
	{ ONE "{ " HERE "stack: echo }\n  b: { " HERE "stack: echo }\n", ":4:", "same address as \"a\"" },
	{ ONE "{ " HERE "stack: [naming, echo] }\n", ":3:", "can be reached by others through a proxy" },
	{ ONE "{ address: 'unix:/x', stack: [naming, echo] }\n", ":3:", "can be reached by others through a proxy" },
	{ ONE "{ address: 'unix:x', stack: echo }\n", ":3:17:", "begins with /" },
	{ ONE "{ address: 'unix:/x', stack: echo, socket-mode: 99 }\n", ":3:54:", "socket-mode: expected" },
	{ ONE "{ " HERE "stack: echo, socket-user: root }\n", ":3:", "for a \"unix:\" address only" },
	{ ONE "{ address: 'unix:/x', stack: echo }\n  b: { address: 'unix:/x', stack: echo }\n", ":4:",
	  "same address as \"a\"" },
	{ "listeners: [a]\n", ":2:", "expected \"name:" },
	{ "listeners: {}\n", ":2:", "no listener" },
	{ "log: {}\n", "", "no listener" },
};

START_TEST(says_what_is_wrong)
{
	char text[512];
	const bad_t *b = &bads[_i];
	ln__listeners_t *set;

	snprintf(text, sizeof(text), "modules: echo\n%s", b->listeners);
	set = bind_text(text);
	ck_assert_uint_eq(ln_conf_errors_count(errors), 1);
	ck_assert_msg(strstr(ln_conf_errors_at(errors, 0), b->word) != NULL, "%s", ln_conf_errors_at(errors, 0));
	ck_assert_msg(strstr(ln_conf_errors_at(errors, 0), b->place) != NULL, "%s", ln_conf_errors_at(errors, 0));
	ln__listeners_destroy(set);
}
END_TEST

START_TEST(a_guard_makes_strangers_welcome_nowhere_else)
{
	ln__listeners_t *set = bind_text(
		"modules: [echo, guard]\n"
		"listeners:\n"
		"  out: { address: ':1', stack: echo }\n"
		"  in: { address: '127.0.0.1:2', stack: echo }\n"
		"  closed: { address: '127.0.0.1:3', stack: echo, allow-anonymous: no }\n");

	no_errors();
	ln__listeners_each(set, collect, NULL);
	ck_assert(!ln_listener_allow_anonymous(found[0]));
	ck_assert(ln_listener_allow_anonymous(found[1]));
	ck_assert(!ln_listener_allow_anonymous(found[2]));
	ln__listeners_destroy(set);
}
END_TEST

/* --- taking over -------------------------------------------------------------------------------------------------- */

static ln__addr_t first_addr;

/* Of the listener NAME, which may be gone. */
static const ln_listener_t *by_name(const ln__listeners_t *set, const char *name)
{
	found_count = 0;
	ln__listeners_each(set, collect, NULL);
	for (unsigned i = 0; i < found_count; i++)
		if (strcmp(ln_listener_name(found[i]), name) == 0)
			return found[i];
	return NULL;
}

static int dial(const ln__addr_t *addr)
{
	struct sockaddr_storage sock;
	socklen_t len = ln__addr_to_sock(addr, &sock);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sock, len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A free port, and the text of a file with listener "a" there. */
static const char *file_on(char *text, size_t size, const ln__addr_t *addr, const char *rest)
{
	char where[LN__ADDR_TEXT];

	snprintf(text, size, "modules: echo\nlisteners:\n  a: { address: '%s', stack: echo%s\n",
		 ln__addr_print(addr, where, sizeof(where)), rest);
	return text;
}

static void free_port(ln__addr_t *ret_addr)
{
	ln__port_t *port;

	ck_assert(!ln__addr_parse("127.0.0.1:0", ret_addr));
	ln_unit_ok(ln__port_open(ret_addr, 4, &port));
	*ret_addr = *ln__port_addr(port);
	ln__port_close(port);
}

static ln__listeners_t *serve_first(char *text, size_t size)
{
	ln__listeners_t *set;

	/* Modules are opened before workers are made; the port is known after. */
	ln__listeners_destroy(bind_text("modules: echo\nlisteners: { x: { address: '127.0.0.1:1', stack: echo } }\n"));
	ln_modules_commit();
	bench_workers(1);
	free_port(&first_addr);
	set = bind_text(file_on(text, size, &first_addr, " }"));
	no_errors();
	ck_assert(ln__listeners_open(set, NULL, errors));
	ln__listeners_serve(set, NULL);
	ln_modules_commit();
	return set;
}

static void stop(ln__listeners_t *set)
{
	ln_workers_each(ln__net_kill, NULL);
	ln__listeners_destroy(set);
	ck_assert_uint_eq(seen.opened, seen.closed);
	ln_rcu_barrier();
	ln_modules_clear();
	ln_workers_destroy();
}

START_TEST(keeps_sockets_of_unchanged_addresses)
{
	char text[512];
	ln__listeners_t *old = serve_first(text, sizeof(text)), *fresh;
	int early = dial(&first_addr), late;

	bench_until(seen.opened == 1);
	ck_assert_uint_eq(ln_conn_listener(seen.conn)->conf.connections_max, 0);
	late = dial(&first_addr); /* waits in the backlog that must not be lost */
	fresh = bind_text(file_on(text, sizeof(text), &first_addr, ", connections-max: 5 }"));
	no_errors();
	ck_assert(ln__listeners_open(fresh, old, errors));
	ln__listeners_serve(fresh, old);
	ln_modules_commit();
	/* The old listener lives with its connection. */
	ck_assert_uint_eq(ln_conn_listener(seen.conn)->conf.connections_max, 0);
	bench_until(seen.opened == 2);
	ck_assert_uint_eq(ln_conn_listener(seen.conn)->conf.connections_max, 5);
	close(early);
	close(late);
	stop(fresh);
}
END_TEST

START_TEST(closes_what_is_gone)
{
	char text[512];
	ln__listeners_t *old = serve_first(text, sizeof(text)), *fresh;
	ln__addr_t second;

	free_port(&second);
	fresh = bind_text(file_on(text, sizeof(text), &second, " }"));
	no_errors();
	ck_assert(ln__listeners_open(fresh, old, errors));
	ln__listeners_serve(fresh, old);
	ln_modules_commit();
	ck_assert_int_eq(dial(&first_addr), -1);
	close(dial(&second));
	bench_until(seen.opened == 1);
	stop(fresh);
}
END_TEST

START_TEST(keeps_a_unix_socket)
{
	static const char form[] = "modules: echo\nlisteners: { a: { address: 'unix:%s', stack: echo, socket-mode: %s } }\n";
	char text[512], where[64];
	struct sockaddr_storage sock = { .ss_family = AF_UNIX };
	struct stat before, after;
	ln__listeners_t *old, *fresh;

	snprintf(where, sizeof(where), "%s.sock", path);
	snprintf(text, sizeof(text), form, where, "'0600'");
	ln__listeners_destroy(bind_text(text));
	ln_modules_commit();
	bench_workers(1);
	old = bind_text(text);
	no_errors();
	ck_assert(ln__listeners_open(old, NULL, errors));
	ln__listeners_serve(old, NULL);
	ln_modules_commit();
	ck_assert(ln_listener_allow_anonymous(by_name(old, "a")));
	ck_assert_int_eq(lstat(where, &before), 0);
	snprintf(text, sizeof(text), form, where, "'0622'");
	fresh = bind_text(text);
	no_errors();
	ck_assert(ln__listeners_open(fresh, old, errors));
	ln__listeners_serve(fresh, old);
	ln_modules_commit();
	ck_assert_int_eq(lstat(where, &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	ck_assert_uint_eq(after.st_mode & 0777, 0622);
	memcpy(((struct sockaddr_un *)&sock)->sun_path, where, strlen(where));
	ck_assert_int_eq(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&sock, sizeof(struct sockaddr_un)), 0);
	bench_until(seen.opened == 1);
	stop(fresh);
	ck_assert_int_eq(lstat(where, &after), -1);
}
END_TEST

START_TEST(changes_nothing_when_one_port_is_taken)
{
	char text[512], rest[128], where[LN__ADDR_TEXT];
	ln__listeners_t *old = serve_first(text, sizeof(text)), *fresh;
	ln__addr_t taken;
	ln__port_t *other;

	ck_assert(!ln__addr_parse("127.0.0.1:0", &taken));
	ln_unit_ok(ln__port_open(&taken, 4, &other));
	taken = *ln__port_addr(other);
	ln__addr_print(&taken, where, sizeof(where));
	snprintf(rest, sizeof(rest), " }\n  b: { address: '%s', stack: echo }", where);
	fresh = bind_text(file_on(text, sizeof(text), &first_addr, rest));
	no_errors();
	ck_assert_ptr_nonnull(by_name(fresh, "b"));
	ck_assert(!ln__listeners_open(fresh, old, errors));
	ck_assert_uint_eq(ln_conf_errors_count(errors), 1);
	ck_assert_ptr_nonnull(strstr(ln_conf_errors_at(errors, 0), "cannot listen on"));
	ln__listeners_destroy(fresh);
	ln_modules_discard();
	close(dial(&first_addr));
	bench_until(seen.opened == 1);
	ln__port_close(other);
	stop(old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/listeners");
	TCase *tests = tcase_create("net/listeners");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, LN_UNIT_SECONDS);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, binds_what_stands_there);
	tcase_add_loop_test(tests, says_what_is_wrong, 0, (int)LN_ARRAY_SIZE(bads));
	tcase_add_test(tests, a_guard_makes_strangers_welcome_nowhere_else);
	tcase_add_test(tests, keeps_sockets_of_unchanged_addresses);
	tcase_add_test(tests, closes_what_is_gone);
	tcase_add_test(tests, keeps_a_unix_socket);
	tcase_add_test(tests, changes_nothing_when_one_port_is_taken);
	suite_add_tcase(suite, tests);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
