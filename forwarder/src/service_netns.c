#include "service_netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

#include "netlink.h"
#include "netns.h"

#define LOOPBACK  1u
#define MTU_LEAST 1280u
#define REQUEST   512
/* Any address with no other meaning there: nobody is asked for its MAC address. */
#define NEIGHBOR4   "240.0.0.1"
#define NEIGHBOR6   "fe80::1"
#define LINK_LOCAL6 "fe80::"

struct wanted_route {
	int family;
	/** NULL: all addresses. */
	const char *prefix;
	uint8_t prefix_length;
	/** RTN_LOCAL: the addresses are our own. */
	uint8_t type;
	/** NULL: none. */
	const char *via;
	uint32_t interface;
};

static void put_address(struct nlmsghdr *message, uint16_t type, int family, const char *text)
{
	uint8_t address[16];

	inet_pton(family, text, address);
	mnl_attr_put(message, type, family == AF_INET ? 4 : 16, address);
}

static void put_mtu(struct nlmsghdr *message)
{
	struct nlattr *metrics = mnl_attr_nest_start(message, RTA_METRICS);

	mnl_attr_put_u32(message, RTAX_LOCK, 1 << RTAX_MTU);
	mnl_attr_put_u32(message, RTAX_MTU, MTU_LEAST);
	mnl_attr_nest_end(message, metrics);
}

/* In table local, which is asked first and tells which addresses are local. */
static int ask(struct mnl_socket *nl, uint16_t type, uint16_t flags, const struct wanted_route *route)
{
	char buffer[REQUEST];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	struct rtmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	*head = (struct rtmsg){.rtm_family = (uint8_t)route->family,
	        .rtm_dst_len = route->prefix_length,
	        .rtm_table = RT_TABLE_LOCAL,
	        .rtm_protocol = RTPROT_STATIC,
	        .rtm_scope = route->type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
	        .rtm_type = route->type,
	        .rtm_flags = route->via == NULL ? 0 : RTNH_F_ONLINK};
	if (route->prefix != NULL)
		put_address(message, RTA_DST, route->family, route->prefix);
	if (route->via != NULL) {
		put_address(message, RTA_GATEWAY, route->family, route->via);
		put_mtu(message);
	}
	mnl_attr_put_u32(message, RTA_OIF, route->interface);
	return netlink_ask(nl, message);
}

static int put_route(struct mnl_socket *nl, struct wanted_route route)
{
	return ask(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route);
}

static int put_routes(struct mnl_socket *nl, uint32_t index)
{
	struct wanted_route all4 = {.family = AF_INET, .type = RTN_LOCAL, .interface = LOOPBACK};

	/* A next hop that is a local address is refused. */
	ask(nl, RTM_DELROUTE, 0, &all4);
	int result = put_route(nl, (struct wanted_route){.family = AF_INET,
	                                   .prefix = "240.0.0.0",
	                                   .prefix_length = 5,
	                                   .type = RTN_UNICAST,
	                                   .via = NEIGHBOR4,
	                                   .interface = index});
	if (result == 0)
		result = put_route(nl, all4);
	if (result == 0)
		result = put_route(nl, (struct wanted_route){.family = AF_INET6,
		                               .prefix = "100::",
		                               .prefix_length = 64,
		                               .type = RTN_UNICAST,
		                               .via = NEIGHBOR6,
		                               .interface = index});
	if (result == 0)
		result = put_route(
		        nl, (struct wanted_route){.family = AF_INET6, .type = RTN_LOCAL, .interface = LOOPBACK});
	/* What comes to a link-local address must find it on the interface that it came through. */
	if (result == 0)
		result = put_route(nl, (struct wanted_route){.family = AF_INET6,
		                               .prefix = LINK_LOCAL6,
		                               .prefix_length = 10,
		                               .type = RTN_LOCAL,
		                               .interface = index});
	return result;
}

int service_netns_prepare(const char *interface, uint32_t index)
{
	struct mnl_socket *nl = netlink_open(0);

	if (nl == NULL)
		return -errno;
	netns_stack_any(interface);
	int result = netlink_set(nl, LOOPBACK, true, 0, NULL);
	if (result == 0)
		result = netlink_set_noarp(nl, index);
	if (result == 0)
		result = put_routes(nl, index);
	mnl_socket_close(nl);
	return result;
}
