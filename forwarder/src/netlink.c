#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stddef.h>
#include <string.h>

#define REQUEST_SIZE 1024
#define REPLY_SIZE   32768
#define EVENT_BUFFER (4 << 20)
/* Links that come or go interrupt a dump. */
#define DUMP_TRIES 100

struct mnl_socket *netlink_open(uint32_t groups)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0));

	int size = EVENT_BUFFER;

	/* A thousand ports made at once say more than the default buffer holds. A refusal is no harm: see
	 * netlink_events. */
	if (nl != NULL && groups != 0)
		setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (nl != NULL && mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
		int error = errno;
		mnl_socket_close(nl);
		errno = error;
		return NULL;
	}
	return nl;
}

/* Sends one request and runs the replies through `each` until the acknowledgement. */
static int request(struct mnl_socket *nl, struct nlmsghdr *message, mnl_cb_t each, void *data)
{
	char reply[REPLY_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	static uint32_t sequence;

	message->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(nl, message, message->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t length = mnl_socket_recvfrom(nl, reply, sizeof(reply));
		if (length < 0)
			return -errno;
		const struct nlmsghdr *head = (const struct nlmsghdr *)reply;
		/* What is left of a request that ended early: a dump that links changed under. */
		if (head->nlmsg_seq != message->nlmsg_seq)
			continue;
		int result =
		        mnl_cb_run(reply, (size_t)length, message->nlmsg_seq, mnl_socket_get_portid(nl), each, data);
		if (result < 0)
			return -errno;
		if (result == MNL_CB_STOP)
			return 0;
	}
}

static struct nlmsghdr *start(char *buffer, uint16_t type, uint16_t flags, uint32_t index)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	return message;
}

static uint16_t read_vlan(const struct nlattr *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data)
	{
		if (mnl_attr_get_type(attribute) == IFLA_VLAN_ID)
			return mnl_attr_get_u16(attribute);
	}
	return 0;
}

static void read_linkinfo(const struct nlattr *linkinfo, struct link_info *out)
{
	const struct nlattr *attribute, *data = NULL;
	const char *kind = "";

	mnl_attr_for_each_nested(attribute, linkinfo)
	{
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			kind = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			data = attribute;
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_SLAVE_KIND)
			strncpy(out->master, mnl_attr_get_str(attribute), sizeof(out->master) - 1);
	}
	out->veth = strcmp(kind, "veth") == 0;
	out->tap = strcmp(kind, "tun") == 0;
	if (strcmp(kind, "vlan") == 0 && data != NULL)
		out->vlan = read_vlan(data);
}

static void read_link(const struct nlmsghdr *message, struct link_info *out)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;

	memset(out, 0, sizeof(*out));
	out->peer_namespace = -1;
	out->index = (uint32_t)info->ifi_index;
	out->up = (info->ifi_flags & IFF_UP) != 0;
	out->running = out->up && (info->ifi_flags & IFF_RUNNING) != 0;
	mnl_attr_for_each(attribute, message, sizeof(*info))
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			strncpy(out->name, mnl_attr_get_str(attribute), sizeof(out->name) - 1);
			break;
		case IFLA_LINK:
			out->peer_index = mnl_attr_get_u32(attribute);
			break;
		case IFLA_MTU:
			out->mtu = mnl_attr_get_u32(attribute);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attribute) == sizeof(out->mac))
				memcpy(out->mac, mnl_attr_get_payload(attribute), sizeof(out->mac));
			break;
		case IFLA_LINKINFO:
			read_linkinfo(attribute, out);
			break;
		case IFLA_LINK_NETNSID:
			out->peer_namespace = (int32_t)mnl_attr_get_u32(attribute);
			break;
		case IFLA_IFALIAS:
			strncpy(out->alias, mnl_attr_get_str(attribute), sizeof(out->alias) - 1);
			break;
		default:
			break;
		}
	}
	out->tap = out->tap && info->ifi_type == ARPHRD_ETHER;
}

static int on_link(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWLINK)
		read_link(message, data);
	return MNL_CB_OK;
}

int netlink_get(struct mnl_socket *nl, const char *name, struct link_info *out)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_GETLINK, NLM_F_ACK, 0);

	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return request(nl, message, on_link, out);
}

int netlink_veth(struct mnl_socket *nl, const char *name, const char *peer_name, const uint8_t peer_mac[6],
        uint16_t mtu, int peer_netns_fd)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);

	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	struct nlattr *linkinfo = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	struct nlattr *peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, peer_name);
	if (peer_mac != NULL)
		mnl_attr_put(message, IFLA_ADDRESS, 6, peer_mac);
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)peer_netns_fd);
	mnl_attr_nest_end(message, peer);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, linkinfo);
	return request(nl, message, NULL, NULL);
}

int netlink_set(struct mnl_socket *nl, uint32_t index, bool up, uint16_t mtu, const uint8_t *mac)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_NEWLINK, NLM_F_ACK, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	if (up) {
		info->ifi_flags = IFF_UP;
		info->ifi_change = IFF_UP;
	}
	if (mtu != 0)
		mnl_attr_put_u32(message, IFLA_MTU, mtu);
	if (mac != NULL)
		mnl_attr_put(message, IFLA_ADDRESS, 6, mac);
	return request(nl, message, NULL, NULL);
}

int netlink_set_noarp(struct mnl_socket *nl, uint32_t index)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_NEWLINK, NLM_F_ACK, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	info->ifi_flags = IFF_UP | IFF_NOARP;
	info->ifi_change = IFF_UP | IFF_NOARP;
	return request(nl, message, NULL, NULL);
}

int netlink_ask(struct mnl_socket *nl, struct nlmsghdr *message)
{
	return request(nl, message, NULL, NULL);
}

int netlink_delete(struct mnl_socket *nl, uint32_t index)
{
	char buffer[REQUEST_SIZE];

	return request(nl, start(buffer, RTM_DELLINK, NLM_F_ACK, index), NULL, NULL);
}

int netlink_set_alias(struct mnl_socket *nl, uint32_t index, const char *alias)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_NEWLINK, NLM_F_ACK, index);

	mnl_attr_put_str(message, IFLA_IFALIAS, alias);
	return request(nl, message, NULL, NULL);
}

int netlink_set_group(struct mnl_socket *nl, uint32_t index, uint32_t group)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_NEWLINK, NLM_F_ACK, index);

	mnl_attr_put_u32(message, IFLA_GROUP, group);
	return request(nl, message, NULL, NULL);
}

int netlink_delete_group(struct mnl_socket *nl, uint32_t group)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = start(buffer, RTM_DELLINK, NLM_F_ACK, 0);

	mnl_attr_put_u32(message, IFLA_GROUP, group);
	return request(nl, message, NULL, NULL);
}

struct visit {
	void (*each)(const struct link_info *link, void *data);
	void *data;
};

static int on_visit(const struct nlmsghdr *message, void *data)
{
	struct visit *visit = data;
	struct link_info link;

	read_link(message, &link);
	visit->each(&link, visit->data);
	return MNL_CB_OK;
}

int netlink_all(struct mnl_socket *nl, void (*each)(const struct link_info *link, void *data), void *data)
{
	char buffer[REQUEST_SIZE];
	struct visit visit = {.each = each, .data = data};
	int result = -EINTR;

	for (int i = 0; i < DUMP_TRIES && result == -EINTR; i++)
		result = request(nl, start(buffer, RTM_GETLINK, NLM_F_DUMP, 0), on_visit, &visit);
	return result;
}

struct address_visit {
	void (*each)(uint32_t index, uint8_t family, const uint8_t *address, void *data);
	void *data;
};

static int on_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const struct address_visit *visit = data;
	const struct nlattr *attribute;
	uint32_t flags = info->ifa_flags;
	uint8_t address[16] = {0};
	uint16_t length = info->ifa_family == AF_INET ? 4 : 16;
	bool found = false;

	if (message->nlmsg_type != RTM_NEWADDR || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*info))
	{
		uint16_t type = mnl_attr_get_type(attribute);

		/* Of a point-to-point link IFA_ADDRESS is the other end's. */
		if ((type == IFA_LOCAL || (type == IFA_ADDRESS && !found)) &&
		        mnl_attr_get_payload_len(attribute) == length) {
			memcpy(address, mnl_attr_get_payload(attribute), length);
			found = type == IFA_LOCAL;
		} else if (type == IFA_FLAGS) {
			flags = mnl_attr_get_u32(attribute);
		}
	}
	if ((flags & IFA_F_DADFAILED) == 0)
		visit->each(info->ifa_index, info->ifa_family == AF_INET ? 4 : 6, address, visit->data);
	return MNL_CB_OK;
}

int netlink_addresses(struct mnl_socket *nl,
        void (*each)(uint32_t index, uint8_t family, const uint8_t *address, void *data), void *data)
{
	char buffer[REQUEST_SIZE];
	struct address_visit visit = {.each = each, .data = data};
	int result = -EINTR;

	for (int i = 0; i < DUMP_TRIES && result == -EINTR; i++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		message->nlmsg_type = RTM_GETADDR;
		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		mnl_nlmsg_put_extra_header(message, sizeof(struct ifaddrmsg));
		result = request(nl, message, on_address, &visit);
	}
	return result;
}

static int on_namespace(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWNSID)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(struct rtgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NETNSA_NSID)
			*(int32_t *)data = (int32_t)mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

int netlink_namespace(struct mnl_socket *nl, int netns_fd, int32_t *out)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = RTM_GETNSID;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(message, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(message, NETNSA_FD, (uint32_t)netns_fd);
	*out = -1;
	return request(nl, message, on_namespace, out);
}

static int on_event(const struct nlmsghdr *message, void *data)
{
	struct link_info link;

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	/* Bridges send RTM_*LINK of family AF_BRIDGE for their ports' own settings: no news about the link. */
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	if (info->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	read_link(message, &link);
	netlink_event event = *(netlink_event *)data;
	event(&link, message->nlmsg_type == RTM_DELLINK);
	return MNL_CB_OK;
}

static int take_events(struct mnl_socket *nl, mnl_cb_t each, void *data)
{
	char buffer[REPLY_SIZE];

	for (;;) {
		ssize_t length = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		if (length < 0)
			return errno == EAGAIN ? 0 : -errno;
		mnl_cb_run(buffer, (size_t)length, 0, 0, each, data);
	}
}

int netlink_events(struct mnl_socket *nl, netlink_event event)
{
	return take_events(nl, on_event, &event);
}

struct address_event {
	void (*event)(uint32_t index);
};

static int on_address_event(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const struct address_event *event = data;

	if (message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_DELADDR)
		event->event(info->ifa_index);
	return MNL_CB_OK;
}

int netlink_address_events(struct mnl_socket *nl, void (*event)(uint32_t index))
{
	struct address_event data = {.event = event};

	return take_events(nl, on_address_event, &data);
}
