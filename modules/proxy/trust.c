/* trust.c — networks as text, and who is in them.
 *
 * Bits behind the prefix must be 0: "10.0.0.7/8" was either meant as one address or as a network, and to trust sixteen
 * million where one was meant is not a mistake to make silently.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <linnet/str.h>
#include "trust.h"

static bool bit_of(const unsigned char *ip, unsigned at)
{
	return ip[at / 8] >> (7 - at % 8) & 1;
}

/* Reads "/24" or nothing. */
static const char *read_bits(const char *slash, unsigned most, proxy_net_t *net)
{
	uint64_t bits = most;

	if (slash && !ln_parse_u64(ln_slice_of(slash + 1), most, &bits))
		return "behind / stands how many bits of the address count, up to 32, or 128 of IPv6";
	net->bits = (unsigned)bits;
	for (unsigned at = net->bits; at < most; at++)
		if (bit_of(net->ip, at))
			return "bits of the address stand behind its prefix, as in 10.0.0.7/8 for 10.0.0.0/8";
	return NULL;
}

const char *proxy_net_read(const char *text, proxy_net_t *ret_net)
{
	const char *slash = strchr(text, '/'), *why;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char ip[INET6_ADDRSTRLEN];
	proxy_net_t net = { .family = AF_UNIX };

	if (strcmp(text, "unix") == 0) {
		*ret_net = net;
		return NULL;
	}
	if (len >= sizeof(ip))
		return "it is too long for an address";
	memcpy(ip, text, len);
	ip[len] = '\0';
	net.family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(net.family, ip, net.ip) != 1)
		return "expected an address such as 10.0.0.7 or ::1, a network such as 10.0.0.0/8, or unix";
	why = read_bits(slash, net.family == AF_INET ? 32 : 128, &net);
	if (!why)
		*ret_net = net;
	return why;
}

/* The address's family and bytes. */
static int open_up(const struct sockaddr_storage *address, unsigned char *ret_ip)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET) {
		memcpy(ret_ip, &((const struct sockaddr_in *)address)->sin_addr, 4);
		return AF_INET;
	}
	if (address->ss_family != AF_INET6)
		return address->ss_family;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(ret_ip, v6->sin6_addr.s6_addr + 12, 4);
		return AF_INET;
	}
	memcpy(ret_ip, &v6->sin6_addr, 16);
	return AF_INET6;
}

bool proxy_net_has(const proxy_net_t *net, const struct sockaddr_storage *address)
{
	unsigned char ip[16] = { 0 };

	if (open_up(address, ip) != net->family)
		return false;
	for (unsigned at = 0; at < net->bits; at++)
		if (bit_of(ip, at) != bit_of(net->ip, at))
			return false;
	return true;
}
