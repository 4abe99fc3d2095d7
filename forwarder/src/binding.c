#include "binding.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "io.h"
#include "log.h"
#include "netlink.h"
#include "netns.h"

#define DEFAULT_MTU 1500u

static struct mnl_socket *host;
static char tag[5];

static int link_name(const struct fwd_port_row *row, char name[16])
{
	return snprintf(name, 16, "wf%sp%u", tag, row->id) < 16 ? 0 : -ENAMETOOLONG;
}

static bool is_wanted(const char *name)
{
	struct fwd_port_row row;
	char wanted[16];
	uint32_t id = (uint32_t)strtoul(strrchr(name, 'p') + 1, NULL, 10);
	struct port *port = port_of(id);

	if (port == NULL)
		return false;
	port_row(port, &row);
	return row.binding == FWD_BINDING_NETNS && link_name(&row, wanted) == 0 && strcmp(name, wanted) == 0;
}

int binding_init(const char *name_tag)
{
	char prefix[8];
	int result = netns_init();

	if (result < 0)
		return result;
	host = netlink_open(0);
	if (host == NULL)
		return -errno;
	snprintf(tag, sizeof(tag), "%s", name_tag);
	snprintf(prefix, sizeof(prefix), "wf%sp", tag);
	result = netlink_delete_prefix(host, prefix, is_wanted);
	if (result != 0)
		log_line("links of ports that are gone: %d removed", result);
	return 0;
}

void binding_free(void)
{
	if (host != NULL)
		mnl_socket_close(host);
	host = NULL;
	netns_free();
}

static void __attribute__((format(printf, 3, 4))) refuse(struct binding_result *out, int error, const char *format, ...)
{
	va_list arguments;

	out->error = error;
	va_start(arguments, format);
	vsnprintf(out->reason, sizeof(out->reason), format, arguments);
	va_end(arguments);
}

/* The longest IP packet that a buffer takes behind an Ethernet header and a tag. */
static uint16_t mtu_limit(void)
{
	return (uint16_t)(rte_pktmbuf_data_room_size(io_pool) - RTE_PKTMBUF_HEADROOM - RTE_ETHER_HDR_LEN -
	                  RTE_VLAN_HLEN);
}

static uint16_t mtu_of(const struct fwd_port_row *row)
{
	return row->mtu == 0 ? DEFAULT_MTU : row->mtu;
}

static void open_packet(struct binding_result *out, const char *name)
{
	int result = io_packet_open(out->index, &out->io);

	if (result < 0)
		refuse(out, result, "cannot open a packet socket on %s: %s", name, strerror(-result));
}

static void open_interface(const struct fwd_port_row *row, struct binding_result *out)
{
	struct link_info link;
	int result = netlink_get(host, row->interface, &link);

	if (result == 0 && !link.up)
		result = netlink_set(host, link.index, true, 0, NULL);
	if (result == -ENODEV)
		return refuse(out, result, "interface %s is not there: create it or correct binding.interface",
		        row->interface);
	if (result < 0)
		return refuse(out, result, "cannot use interface %s: %s", row->interface, strerror(-result));
	out->index = link.index;
	out->running = link.running;
	open_packet(out, row->interface);
	/* Its state after "up" comes as an event; ask again for the case that the event was earlier. */
	if (netlink_get(host, row->interface, &link) == 0)
		out->running = link.running;
}

/* The link inside the namespace, seen from there. The thread is back in its own namespace when this returns. */
static int peer_get(int netns, const char *interface, struct link_info *out)
{
	int result = netns_enter(netns);

	if (result < 0)
		return result;
	struct mnl_socket *nl = netlink_open(0);
	result = nl == NULL ? -errno : netlink_get(nl, interface, out);
	if (nl != NULL)
		mnl_socket_close(nl);
	netns_leave();
	return result;
}

/* first: fresh link, to be brought up with offloads off. mac, mtu: only what differs (NULL, 0: nothing). */
static int peer_set(int netns, const char *interface, uint32_t index, bool first, uint16_t mtu, const uint8_t *mac)
{
	int result = netns_enter(netns);

	if (result < 0)
		return result;
	struct mnl_socket *nl = netlink_open(0);
	result = nl == NULL ? -errno : 0;
	if (result == 0)
		result = netns_offloads_off(interface);
	if (result == 0 && (first || mtu != 0 || mac != NULL))
		result = netlink_set(nl, index, first, mtu, mac);
	if (nl != NULL)
		mnl_socket_close(nl);
	netns_leave();
	return result;
}

/* The MAC address that the VM's end must have; NULL: any (a trunk has none of its own). */
static const uint8_t *mac_of(const struct fwd_port_row *row)
{
	static const uint8_t none[6];

	return memcmp(row->mac, none, sizeof(none)) == 0 ? NULL : row->mac;
}

/* Our end and the VM's, when the pair is right already: a restarted forwarder finds it so. */
static bool find_pair(
        const char *name, int netns, const char *interface, struct link_info *ours, struct link_info *peer)
{
	if (netlink_get(host, name, ours) < 0)
		return false;
	if (ours->veth && peer_get(netns, interface, peer) == 0 && peer->veth && peer->peer_index == ours->index &&
	        ours->peer_index == peer->index)
		return true;
	if (ours->veth)
		netlink_delete(host, ours->index);
	return false;
}

static int make_pair(
        const struct fwd_port_row *row, const char *name, int netns, struct link_info *ours, struct link_info *peer)
{
	int result = netlink_veth(host, name, row->interface, mac_of(row), mtu_of(row), netns);

	if (result < 0)
		return result;
	result = netlink_get(host, name, ours);
	if (result == 0)
		result = peer_get(netns, row->interface, peer);
	if (result == 0)
		result = peer_set(netns, row->interface, peer->index, true, 0, NULL);
	if (result == 0) {
		netns_stack_off(name);
		result = netlink_set(host, ours->index, true, 0, NULL);
	}
	return result;
}

/* Our end comes up last: one that is down belongs to a pair that was not finished. The VM's end of any other may be
 * down because the VM wants it so. */
static int fix_pair(const struct fwd_port_row *row, const char *name, int netns, const struct link_info *ours,
        const struct link_info *peer)
{
	uint16_t mtu = mtu_of(row);
	const uint8_t *mac = mac_of(row);
	int result = peer_set(netns, row->interface, peer->index, !ours->up, peer->mtu == mtu ? 0 : mtu,
	        mac == NULL || memcmp(peer->mac, mac, sizeof(peer->mac)) == 0 ? NULL : mac);

	if (!ours->up)
		netns_stack_off(name);
	if (result == 0 && (ours->mtu != mtu || !ours->up))
		result = netlink_set(host, ours->index, true, mtu, NULL);
	return result;
}

/* A veth pair, made or found: `name` here, row->interface inside the namespace. out->index and running on success. */
static void ensure_pair(const struct fwd_port_row *row, const char *name, struct binding_result *out)
{
	struct link_info ours, peer;
	int netns = netns_open(row->netns);

	if (netns == -ENOENT)
		return refuse(out, netns, "namespace %s is not there yet: ip netns add %s", row->netns, row->netns);
	if (netns < 0)
		return refuse(out, netns, "cannot open namespace %s: %s", row->netns, strerror(-netns));
	int result = find_pair(name, netns, row->interface, &ours, &peer) ? fix_pair(row, name, netns, &ours, &peer)
	                                                                  : make_pair(row, name, netns, &ours, &peer);
	close(netns);
	if (result == -EEXIST)
		return refuse(out, result,
		        "interface %s exists in namespace %s and is not ours: remove it or name another",
		        row->interface, row->netns);
	if (result < 0)
		return refuse(
		        out, result, "cannot make link %s to namespace %s: %s", name, row->netns, strerror(-result));
	out->index = ours.index;
	if (netlink_get(host, name, &ours) == 0)
		out->running = ours.running;
}

static void open_netns(const struct fwd_port_row *row, struct binding_result *out)
{
	char name[16];

	if (mtu_of(row) > mtu_limit())
		return refuse(
		        out, -EMSGSIZE, "mtu %u is above the largest possible here, %u", mtu_of(row), mtu_limit());
	if (link_name(row, name) < 0)
		return refuse(
		        out, -ENAMETOOLONG, "port id %u makes the link's name longer than 15 characters", row->id);
	ensure_pair(row, name, out);
	if (out->error == 0)
		open_packet(out, name);
}

static void open_vlan(const struct fwd_port_row *row, struct binding_result *out)
{
	struct port *trunk = port_of(row->parent);
	const struct port *own = port_of(row->id);
	struct fwd_port_row trunk_row;

	/* Its row may go while a retry is under way. */
	if (own == NULL)
		return refuse(out, -ENODEV, "port %u is gone", row->id);
	if (trunk == NULL)
		return refuse(out, -ENODEV, "trunk port %u is not there yet", row->parent);
	port_row(trunk, &trunk_row);
	if ((trunk_row.flags & FWD_PORT_TRUNK) == 0)
		return refuse(
		        out, -EINVAL, "port %u is not a trunk: set its trunk flag or name another parent", row->parent);
	if (trunk->io == NULL)
		return refuse(out, -ENODEV, "trunk port %u is not attached yet; see its reason", row->parent);
	if (row->vlan == 0 || row->vlan > 4094)
		return refuse(out, -EINVAL, "VLAN %u is not in 1 … 4094", row->vlan);
	int result = io_vlan_open(trunk, row->vlan, &out->io);
	if (result < 0)
		return refuse(out, result, "out of memory");
	result = port_vlan_set(trunk, row->vlan, own->slot);
	out->running = trunk->state == FWD_LINK_UP;
	if (result == 0)
		return;
	out->io->ops->close(out->io);
	out->io = NULL;
	refuse(out, result, "VLAN %u of trunk port %u belongs to another port: use another VLAN", row->vlan,
	        row->parent);
}

static void open_ethdev(const struct fwd_port_row *row, struct binding_result *out)
{
	int result = io_ethdev_open(row->interface, row->mtu, &out->io);

	out->running = true;
	if (result == -ENODEV)
		refuse(out, result, "DPDK finds no device %s: bind it to vfio-pci, or correct the name",
		        row->interface);
	else if (result == -EBUSY)
		refuse(out, result, "DPDK device %s is used by another port", row->interface);
	else if (result < 0)
		refuse(out, result, "DPDK device %s does not start: %s", row->interface, strerror(-result));
}

void binding_open(const struct fwd_port_row *row, struct binding_result *out)
{
	memset(out, 0, sizeof(*out));
	switch (row->binding) {
	case FWD_BINDING_NONE:
		out->running = true;
		break;
	case FWD_BINDING_INTERFACE:
		open_interface(row, out);
		break;
	case FWD_BINDING_NETNS:
		open_netns(row, out);
		break;
	case FWD_BINDING_VLAN:
		open_vlan(row, out);
		break;
	case FWD_BINDING_ETHDEV:
		open_ethdev(row, out);
		break;
	default:
		refuse(out, -EINVAL, "binding %u is not known", row->binding);
	}
}

void binding_adjust(const struct fwd_port_row *row, struct binding_result *out)
{
	char name[16];

	memset(out, 0, sizeof(*out));
	if (row->binding != FWD_BINDING_NETNS || link_name(row, name) < 0)
		return;
	if (mtu_of(row) > mtu_limit())
		return refuse(
		        out, -EMSGSIZE, "mtu %u is above the largest possible here, %u", mtu_of(row), mtu_limit());
	ensure_pair(row, name, out);
}

int binding_look(const struct fwd_port_row *row, uint32_t index, bool *running)
{
	struct link_info link;
	char name[16];

	if (row->binding != FWD_BINDING_NETNS || link_name(row, name) < 0)
		memcpy(name, row->interface, sizeof(name));
	int result = netlink_get(host, name, &link);
	if (result == 0 && link.index != index)
		result = -ENODEV;
	*running = result == 0 && link.running;
	return result;
}

void binding_remove(const struct fwd_port_row *row)
{
	struct link_info link;
	char name[16];

	if (row->binding == FWD_BINDING_NETNS && link_name(row, name) == 0 && netlink_get(host, name, &link) == 0 &&
	        link.veth)
		netlink_delete(host, link.index);
}
