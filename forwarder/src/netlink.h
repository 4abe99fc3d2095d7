/*
 * The few rtnetlink requests that links need, over libmnl. Link thread only; a socket belongs to the network namespace
 * that the thread was in when it opened it. Functions return 0 or -errno as the kernel says.
 */
#ifndef FORWARDER_NETLINK_H
#define FORWARDER_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;
struct nlmsghdr;

struct link_info {
	uint32_t index;
	/** Index of the other end of a veth pair, in the other end's namespace; of a VLAN device: of the lower link; 0:
	 * none. */
	uint32_t peer_index;
	/** The other end's namespace, as ours numbers it (netlink_namespace); -1: the same or none. */
	int32_t peer_namespace;
	uint32_t mtu;
	uint8_t mac[6];
	/** IFF_UP. */
	bool up;
	/** Up and with carrier. */
	bool running;
	bool veth;
	/** Made through /dev/net/tun, and not of layer 3. */
	bool tap;
	char name[16];
	/** Begin of its alias. */
	char alias[16];
	/** 802.1Q VID of a VLAN device, whose lower link is peer_index in the same namespace; 0: it is none. */
	uint16_t vlan;
	/** What kind of link it is part of (bridge, bond, vrf, …); empty: of none. */
	char master[16];
};

/** groups: 0, or a bit mask of RTMGRP_* to hear of changes (then non-blocking). NULL and errno on failure. */
struct mnl_socket *netlink_open(uint32_t groups);
/** -ENODEV when there is no such link. */
int netlink_get(struct mnl_socket *nl, const char *name, struct link_info *out);
/** Makes a veth pair, both ends down: `name` here, `peer_name` with peer_mac (NULL: the kernel chooses) inside the
 * namespace. */
int netlink_veth(struct mnl_socket *nl, const char *name, const char *peer_name, const uint8_t peer_mac[6],
        uint16_t mtu, int peer_netns_fd);
/** Changes what is not 0 / NULL. */
int netlink_set(struct mnl_socket *nl, uint32_t index, bool up, uint16_t mtu, const uint8_t *mac);
/** Up, and never asks for MAC addresses. */
int netlink_set_noarp(struct mnl_socket *nl, uint32_t index);
int netlink_set_alias(struct mnl_socket *nl, uint32_t index, const char *alias);
int netlink_set_group(struct mnl_socket *nl, uint32_t index, uint32_t group);
int netlink_delete(struct mnl_socket *nl, uint32_t index);
/** Deletes all links of a group at once: the kernel waits for one grace period, not for one each. */
int netlink_delete_group(struct mnl_socket *nl, uint32_t group);
/** Calls `each` for every link; for some more than once, when links come or go meanwhile. */
int netlink_all(struct mnl_socket *nl, void (*each)(const struct link_info *link, void *data), void *data);
/** Calls `each` for every IPv4 and IPv6 address: index of its link, IP version, 16 bytes as in rows. As netlink_all. */
int netlink_addresses(struct mnl_socket *nl,
        void (*each)(uint32_t index, uint8_t family, const uint8_t *address, void *data), void *data);
/** The number by which the socket's namespace knows another; -1: it has none, so no link leads there. */
int netlink_namespace(struct mnl_socket *nl, int netns_fd, int32_t *out);

/** Sends any other request and waits for its acknowledgement, which it asks for (NLM_F_ACK). */
int netlink_ask(struct mnl_socket *nl, struct nlmsghdr *message);

/** One link appeared or changed (gone false) or went (gone true). */
typedef void (*netlink_event)(const struct link_info *link, bool gone);
/** Takes all waiting events. -ENOBUFS: some were lost, look at everything anew. */
int netlink_events(struct mnl_socket *nl, netlink_event event);

/** The same of addresses: index of the link of each that came, changed or went. */
int netlink_address_events(struct mnl_socket *nl, void (*event)(uint32_t index));

#endif
