/* Tests of modules/proxy/trust.c: networks as text, and who is in them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include "proxy/trust.h"
#include "unit.h"

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage s = { .ss_family = AF_UNIX };

	if (inet_pton(AF_INET, text, &((struct sockaddr_in *)&s)->sin_addr) == 1)
		s.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&s)->sin6_addr) == 1)
		s.ss_family = AF_INET6;
	return s;
}

START_TEST(knows_who_is_in)
{
	static const struct { const char *net, *who; bool in; } pairs[] = {
		{ "10.0.0.0/8", "10.0.0.0", true }, { "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false }, { "10.0.0.0/8", "9.255.255.255", false },
		{ "10.0.0.0/9", "10.127.9.9", true }, { "10.0.0.0/9", "10.128.0.0", false },
		{ "10.0.0.7", "10.0.0.7", true }, { "10.0.0.7", "10.0.0.6", false }, { "10.0.0.7/32", "10.0.0.7", true },
		{ "0.0.0.0/0", "203.0.113.9", true }, { "0.0.0.0/0", "2001:db8::1", false }, { "0.0.0.0/0", "unix", false },
		{ "::/0", "2001:db8::1", true }, { "::/0", "203.0.113.9", false },
		{ "::1", "::1", true }, { "::1", "::2", false }, { "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false }, { "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "::/0", "::ffff:10.1.2.3", false }, { "unix", "unix", true }, { "unix", "127.0.0.1", false },
		{ "unix", "0.0.0.0", false },
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(pairs); i++) {
		struct sockaddr_storage who = address(pairs[i].who);
		proxy_net_t net;
		ck_assert_ptr_null(proxy_net_read(pairs[i].net, &net));
		ck_assert_msg(proxy_net_has(&net, &who) == pairs[i].in, "%s in %s", pairs[i].who, pairs[i].net);
	}
}
END_TEST

START_TEST(says_what_is_no_network)
{
	static const char *const texts[] = {
		"", "localhost", "10.0.0.7/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0",
		"10.0.0.0/8/8", "::1/64", "[::1]", "127.0.0.1:80", "unix:", "/8", "fe80::1%eth0",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};

	for (size_t i = 0; i < LN_ARRAY_SIZE(texts); i++) {
		proxy_net_t net = { .bits = 4711 };
		ck_assert_msg(proxy_net_read(texts[i], &net) != NULL, "accepted \"%s\"", texts[i]);
		ck_assert_uint_eq(net.bits, 4711);
	}
}
END_TEST

LN_UNIT_MAIN("proxy/trust", knows_who_is_in, says_what_is_no_network)
