/* Tests of core/net/addr.c: text to address and back. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include "net/addr.h"
#include "unit.h"

START_TEST(says_what_it_read)
{
	static const char *const good[] = { "127.0.0.1:1883", "[::1]:8883", "[2001:db8::17]:1",
					    ":9001", "0.0.0.0:0", "[::]:65535" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(good); i++) {
		ln__addr_t addr;
		char text[LN__ADDR_TEXT];
		ck_assert_ptr_null(ln__addr_parse(good[i], &addr));
		ck_assert_str_eq(ln__addr_print(&addr, text, sizeof(text)), good[i]);
	}
}
END_TEST

START_TEST(refuses_the_rest)
{
	static const char *const bad[] = {
		"", "1883", "127.0.0.1", "localhost:1883", "127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:x", "::1:1883",
		"[::1]", "[::1:1883", "[127.0.0.1]:1", "[]:1", "127.0.0.1:-1", "127.0.0:1", ":1 ",
		"unix:", "unix:run/x", "/run/x", "unix@/run/x", "unix:@x",
		("unix:/2345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
		 "9012345678"),
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1"
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(bad); i++) {
		ln__addr_t addr = { .port = 7 };
		ck_assert_msg(ln__addr_parse(bad[i], &addr) != NULL, "accepted \"%s\"", bad[i]);
		ck_assert_uint_eq(addr.port, 7);
	}
}
END_TEST

START_TEST(knows_loopback)
{
	ln__addr_t addr;

	ck_assert(!ln__addr_parse("127.8.9.10:1", &addr) && ln__addr_loopback(&addr));
	ck_assert(!ln__addr_parse("[::1]:1", &addr) && ln__addr_loopback(&addr));
	ck_assert(!ln__addr_parse("[::]:1", &addr) && !ln__addr_loopback(&addr));
	ck_assert(!ln__addr_parse(":1", &addr) && !ln__addr_loopback(&addr));
	ck_assert(!ln__addr_parse("10.127.0.1:1", &addr) && !ln__addr_loopback(&addr));
}
END_TEST

START_TEST(knows_unix_sockets)
{
	static const char longest[] =
		"unix:/234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
		"8901234567";
	struct sockaddr_storage sock;
	ln__addr_t addr;
	char text[LN__ADDR_TEXT];

	ck_assert_ptr_null(ln__addr_parse(longest, &addr));
	ck_assert_uint_eq(strlen(ln__addr_path(longest)), 107);
	ck_assert_uint_eq(addr.family, LN__ADDR_UNIX);
	ck_assert(ln__addr_loopback(&addr));
	ck_assert_str_eq(ln__addr_print(&addr, text, sizeof(text)), "unix:");
	ck_assert_uint_eq(ln__addr_to_sock(&addr, &sock), sizeof(sa_family_t));
	ln__addr_set_process(&addr, UINT32_MAX, UINT32_MAX - 1);
	ck_assert_str_eq(ln__addr_print(&addr, text, sizeof(text)), "unix:pid=4294967295,uid=4294967294");
	ln__addr_from_sock(&sock, &addr);
	ck_assert_uint_eq(addr.family, LN__ADDR_UNIX);
	ck_assert_uint_eq(addr.known, 0);
}
END_TEST

START_TEST(unwraps_ipv4_in_ipv6)
{
	struct sockaddr_storage sock = { 0 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sock;
	ln__addr_t addr, same;
	char text[LN__ADDR_TEXT];

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(4711);
	ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:10.0.0.9", &v6->sin6_addr), 1);
	ln__addr_from_sock(&sock, &addr);
	ck_assert_str_eq(ln__addr_print(&addr, text, sizeof(text)), "10.0.0.9:4711");
	ck_assert(!ln__addr_parse("10.0.0.9:4711", &same));
	ck_assert(ln__addr_eq(&addr, &same));
}
END_TEST

START_TEST(survives_the_system)
{
	static const char *const text[] = { "127.0.0.1:1883", "[2001:db8::17]:8883" };

	for (size_t i = 0; i < LN_ARRAY_SIZE(text); i++) {
		struct sockaddr_storage sock;
		ln__addr_t addr, back;
		ck_assert(!ln__addr_parse(text[i], &addr));
		ck_assert_uint_eq(ln__addr_to_sock(&addr, &sock), 
				  i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		ln__addr_from_sock(&sock, &back);
		ck_assert(ln__addr_eq(&addr, &back));
	}
}
END_TEST

LN_UNIT_MAIN("net/addr", says_what_it_read, refuses_the_rest, knows_loopback, unwraps_ipv4_in_ipv6,
	     survives_the_system, knows_unix_sockets)
