#include "binding.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "link.h"
#include "log.h"
#include "netlink.h"
#include "netns.h"
#include "netns_named.h"
#include "service_socket.h"
#include "veth.h"

/* As the compiler counts it. */
#define NAME_ROOM 24

static struct mnl_socket *host;
static char tag[5];
/* Of the names of our veth ends and the aliases of our taps. */
static char prefix[8];

/* Ids have 7 digits at most: it stays below the 16 bytes of a link's name. */
static void link_name(const struct fwd_port_row *row, char name[NAME_ROOM])
{
	snprintf(name, NAME_ROOM, "wf%sp%u", tag, row->id);
}

/* The namespace of a service port is ours to make and to remove; no other name is. */
static bool owns_namespace(const struct fwd_port_row *row)
{
	char ours[16];
	int length = snprintf(ours, sizeof(ours), "weft-%s-", tag);

	return (row->flags & FWD_PORT_SERVICE) != 0 && strncmp(row->netns, ours, (size_t)length) == 0;
}

/* Whether a link with our name, or a tap with it as alias, belongs to a port that lives. */
static bool is_wanted(const char *name, uint8_t binding, const char *interface)
{
	struct fwd_port_row row;
	char wanted[NAME_ROOM];
	uint32_t id = (uint32_t)strtoul(strrchr(name, 'p') + 1, NULL, 10);
	struct port *port = port_of(id);

	if (port == NULL)
		return false;
	port_row(port, &row);
	link_name(&row, wanted);
	return row.binding == binding && strcmp(name, wanted) == 0 &&
	       (binding != FWD_BINDING_TAP || strcmp(row.interface, interface) == 0);
}

/* data: how many are to go. */
static void collect(const struct link_info *link, void *data)
{
	bool ours = link->veth && strncmp(link->name, prefix, strlen(prefix)) == 0 &&
	            !is_wanted(link->name, FWD_BINDING_NETNS, link->name);

	ours = ours || (link->tap && strncmp(link->alias, prefix, strlen(prefix)) == 0 &&
	                       !is_wanted(link->alias, FWD_BINDING_TAP, link->name));
	if (!ours)
		return;
	veth_doom(host, link->index, link->name);
	++*(uint32_t *)data;
}

int binding_init(const char *name_tag)
{
	uint32_t gone = 0;
	int result = netns_init();

	if (result < 0)
		return result;
	host = netlink_open(0);
	if (host == NULL)
		return -errno;
	snprintf(tag, sizeof(tag), "%s", name_tag);
	snprintf(prefix, sizeof(prefix), "wf%sp", tag);
	result = netlink_all(host, collect, &gone);
	if (result < 0)
		log_line("links of ports that are gone: cannot be found: %s", strerror(-result));
	if (gone > 0)
		log_line("links of ports that are gone: %u removed", gone);
	veth_flush(host);
	return 0;
}

int binding_flush(int timeout_ms)
{
	return veth_flush_due(host, timeout_ms);
}

void binding_free(void)
{
	if (host != NULL) {
		veth_flush(host);
		mnl_socket_close(host);
	}
	host = NULL;
	service_socket_release_all();
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

/* Whose a largest MTU is, and what to do. */
#define OF_ALL       "the largest possible here: lower the network's mtu"
#define OF_INTERFACE "that of the interface: raise it (ip link set) or lower the network's mtu"
#define OF_TRUNK     "that of the trunk port: raise it or lower this"

static bool refuse_mtu(const struct fwd_port_row *row, uint32_t limit, const char *whose, struct binding_result *out)
{
	if (row->mtu <= limit)
		return false;
	refuse(out, -EMSGSIZE, "mtu %u is above %u, %s", row->mtu, limit, whose);
	return true;
}

static void open_packet(struct binding_result *out, const char *name, bool direct, bool promiscuous)
{
	int result = io_packet_open(out->index, direct, promiscuous, &out->io);

	if (result < 0)
		refuse(out, result, "cannot open a packet socket on %s: %s", name, strerror(-result));
}

/* Frames of an interface with two ports would come twice. Known before anything is opened: that makes events. */
static bool refuse_shared(const struct fwd_port_row *row, const struct link_info *link, struct binding_result *out)
{
	uint32_t user = link_user(link->index);

	if (user == 0)
		return false;
	refuse(out, -EBUSY, "interface %s is used by port %u: name another, or remove that port", row->interface, user);
	return true;
}

/* The host's stack has nothing of its own on a part of a bridge or bond. */
static bool refuse_part(const struct fwd_port_row *row, const struct link_info *link, struct binding_result *out)
{
	if ((row->flags & FWD_PORT_UPLINK) == 0 || link->master[0] == '\0' || strcmp(link->master, "vrf") == 0)
		return false;
	refuse(out, -EBUSY, "interface %s is part of a %s: name that as binding.interface", row->interface,
	        link->master);
	return true;
}

/* An uplink that has the interface's own MAC address needs no frames to others. */
static bool has_interfaces_mac(const struct fwd_port_row *row)
{
	static const uint8_t none[6];

	return (row->flags & FWD_PORT_UPLINK) != 0 && memcmp(row->mac, none, sizeof(none)) == 0;
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
	if (refuse_mtu(row, link.mtu, OF_INTERFACE, out) || refuse_shared(row, &link, out) ||
	        refuse_part(row, &link, out))
		return;
	out->index = out->shared = link.index;
	memcpy(out->mac, link.mac, sizeof(out->mac));
	out->running = link.running;
	open_packet(out, row->interface, false, !has_interfaces_mac(row));
	/* Its state after "up" comes as an event; ask again for the case that the event was earlier. */
	if (netlink_get(host, row->interface, &link) == 0)
		out->running = link.running;
}

/* A veth pair, made or found: `name` here, row->interface inside the namespace. out->index and running on success. */
static void ensure_pair(const struct fwd_port_row *row, const char *name, struct binding_result *out)
{
	struct link_info ours;
	int result = owns_namespace(row) ? netns_make(row->netns) : 0;

	if (result < 0)
		return refuse(out, result, "cannot make namespace %s: %s", row->netns, strerror(-result));
	result = veth_ensure(host, row, name, port_mtu(row), &ours);
	if (result == -ENOENT)
		return refuse(out, result, "namespace %s is not there yet: ip netns add %s", row->netns, row->netns);
	if (result == -EEXIST)
		return refuse(out, result,
		        "interface %s exists in namespace %s and is not ours: remove it or name another",
		        row->interface, row->netns);
	if (result < 0)
		return refuse(
		        out, result, "cannot make link %s to namespace %s: %s", name, row->netns, strerror(-result));
	out->index = ours.index;
	out->running = ours.running;
	memcpy(out->mac, ours.mac, sizeof(out->mac));
}

/* MTU and MAC of a tap's interface, which the host's own stack (or a bridge) uses: a neighbour of ours on an uplink. */
static int fix_tap(const struct fwd_port_row *row, struct link_info *link, bool up)
{
	static const uint8_t none[6];
	bool same = (row->flags & FWD_PORT_UPLINK) != 0 || memcmp(row->mac, none, sizeof(none)) == 0 ||
	            memcmp(row->mac, link->mac, sizeof(none)) == 0;

	if (same && link->mtu == port_mtu(row) && !up)
		return 0;
	return netlink_set(
	        host, link->index, up, link->mtu == port_mtu(row) ? 0 : port_mtu(row), same ? NULL : row->mac);
}

static void open_tap(const struct fwd_port_row *row, struct binding_result *out)
{
	struct link_info link = {0};
	char name[NAME_ROOM];
	bool made = netlink_get(host, row->interface, &link) == -ENODEV;

	link_name(row, name);
	if (!made && refuse_shared(row, &link, out))
		return;
	int result = io_tap_open(row->interface, &out->io);
	if (result == -EBUSY)
		return refuse(out, result, "tap %s is used by another port or process: name another", row->interface);
	if (result == -EINVAL && !made)
		return refuse(
		        out, result, "interface %s is there and is no tap: remove it or name another", row->interface);
	if (result == 0)
		result = netlink_get(host, row->interface, &link);
	if (result == 0 && made)
		result = netlink_set_alias(host, link.index, name);
	if (result == 0)
		result = fix_tap(row, &link, made || !link.up);
	if (result == 0)
		result = io_tap_keep(out->io);
	if (result == 0)
		result = netlink_get(host, row->interface, &link);
	if (result == 0) {
		out->index = link.index;
		out->running = link.running;
		return;
	}
	if (out->io != NULL)
		out->io->ops->close(out->io);
	out->io = NULL;
	refuse(out, result, "cannot make tap %s: %s", row->interface, strerror(-result));
}

static void open_netns(const struct fwd_port_row *row, struct binding_result *out)
{
	char name[NAME_ROOM];

	link_name(row, name);
	ensure_pair(row, name, out);
	if (out->error == 0)
		open_packet(out, name, true, true);
}

/* What the interface or device below a VLAN is like. */
static void look_below(struct port *trunk, const struct fwd_port_row *trunk_row, struct binding_result *out)
{
	struct link_info link;

	if (trunk_row->binding == FWD_BINDING_ETHDEV)
		io_ethdev_mac(trunk->io, out->mac);
	if (trunk_row->binding != FWD_BINDING_INTERFACE || netlink_get(host, trunk_row->interface, &link) < 0)
		return;
	out->shared = link.index;
	memcpy(out->mac, link.mac, sizeof(out->mac));
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
	if (refuse_mtu(row, port_mtu(&trunk_row), OF_TRUNK, out))
		return;
	int result = io_vlan_open(trunk, row->vlan, &out->io);
	if (result < 0)
		return refuse(out, result, "out of memory");
	result = port_vlan_set(trunk, row->vlan, own->slot);
	out->running = trunk->state == FWD_LINK_UP;
	if (row->flags & FWD_PORT_UPLINK)
		look_below(trunk, &trunk_row, out);
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
	if (result == 0)
		io_ethdev_mac(out->io, out->mac);
	else if (result == -ENODEV)
		refuse(out, result, "DPDK finds no device %s: bind it to vfio-pci, or correct the name",
		        row->interface);
	else if (result == -EBUSY)
		refuse(out, result, "DPDK device %s is used by another port", row->interface);
	else if (result == -EMSGSIZE)
		refuse(out, result, "DPDK device %s cannot carry mtu %u: lower the network's mtu", row->interface,
		        row->mtu);
	else if (result < 0)
		refuse(out, result, "DPDK device %s does not start: %s", row->interface, strerror(-result));
}

static void open_vhost(const struct fwd_port_row *row, struct binding_result *out)
{
	if (row->socket[0] != '/' || memchr(row->socket, 0, sizeof(row->socket)) == NULL)
		return refuse(out, -EINVAL, "binding.socket must be an absolute path of at most 107 bytes");
	out->error = io_vhost_open(
	        row->socket, (row->flags & FWD_PORT_SERVER) != 0, &out->io, out->reason, sizeof(out->reason));
}

void binding_open(const struct fwd_port_row *row, struct binding_result *out)
{
	memset(out, 0, sizeof(*out));
	if (refuse_mtu(row, IO_MTU_LIMIT, OF_ALL, out))
		return;
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
	case FWD_BINDING_TAP:
		open_tap(row, out);
		break;
	case FWD_BINDING_VLAN:
		open_vlan(row, out);
		break;
	case FWD_BINDING_ETHDEV:
		open_ethdev(row, out);
		break;
	case FWD_BINDING_VHOST_USER:
		open_vhost(row, out);
		break;
	default:
		refuse(out, -EINVAL, "binding %u is not known", row->binding);
	}
}

static void adjust_tap(const struct fwd_port_row *row, struct binding_result *out)
{
	struct link_info link;
	int result = netlink_get(host, row->interface, &link);

	if (result == 0)
		result = fix_tap(row, &link, false);
	if (result < 0)
		return refuse(out, result, "cannot change tap %s: %s", row->interface, strerror(-result));
	out->index = link.index;
	out->running = link.running;
}

void binding_adjust(const struct fwd_port_row *row, struct binding_result *out)
{
	struct fwd_port_row trunk_row;
	struct link_info link;
	struct port *trunk;
	char name[NAME_ROOM];

	memset(out, 0, sizeof(*out));
	if (refuse_mtu(row, IO_MTU_LIMIT, OF_ALL, out))
		return;
	link_name(row, name);
	if (row->binding == FWD_BINDING_NETNS) {
		ensure_pair(row, name, out);
	} else if (row->binding == FWD_BINDING_TAP) {
		adjust_tap(row, out);
	} else if (row->binding == FWD_BINDING_INTERFACE && netlink_get(host, row->interface, &link) == 0) {
		refuse_mtu(row, link.mtu, OF_INTERFACE, out);
	} else if (row->binding == FWD_BINDING_VLAN && (trunk = port_of(row->parent)) != NULL) {
		port_row(trunk, &trunk_row);
		refuse_mtu(row, port_mtu(&trunk_row), OF_TRUNK, out);
	}
}

int binding_look(const struct fwd_port_row *row, uint32_t index, bool *running, uint8_t mac[6])
{
	struct link_info link;
	char name[NAME_ROOM];

	link_name(row, name);
	int result = netlink_get(host, row->binding == FWD_BINDING_NETNS ? name : row->interface, &link);
	if (result == 0 && link.index != index)
		result = -ENODEV;
	*running = result == 0 && link.running;
	if (result == 0)
		memcpy(mac, link.mac, sizeof(link.mac));
	return result;
}

void binding_remove(const struct fwd_port_row *row)
{
	struct link_info link;
	char name[NAME_ROOM];

	link_name(row, name);
	if (row->flags & FWD_PORT_SERVICE)
		service_socket_release(row);
	if (owns_namespace(row))
		netns_remove(row->netns);
	if (row->binding == FWD_BINDING_NETNS && netlink_get(host, name, &link) == 0 && link.veth)
		veth_doom(host, link.index, name);
	else if (row->binding == FWD_BINDING_TAP && netlink_get(host, row->interface, &link) == 0 && link.tap &&
	         strcmp(link.alias, name) == 0)
		veth_doom(host, link.index, row->interface);
}
