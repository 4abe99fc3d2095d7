#include "veth.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forwarder.h"
#include "log.h"
#include "netlink.h"
#include "netns.h"
#include "service_netns.h"
#include "service_socket.h"

/* Group of our ends that are to be deleted; the process id keeps two forwarders of a host apart. */
#define GROUP_BASE 0x57460000u
/* Links that go wait this long for others. */
#define DELAY_MS 20u

struct doomed {
	uint32_t index;
	char name[16];
};

static struct doomed *doomed;
static uint32_t doomed_count, doomed_room;
static uint64_t due_ms;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t group(void)
{
	return GROUP_BASE | ((uint32_t)getpid() & 0xffff);
}

static bool is_doomed(const char *name)
{
	for (uint32_t i = 0; i < doomed_count; i++) {
		if (strcmp(doomed[i].name, name) == 0)
			return true;
	}
	return false;
}

void veth_doom(struct mnl_socket *host, uint32_t index, const char *name)
{
	for (uint32_t i = 0; i < doomed_count; i++) {
		if (doomed[i].index == index)
			return;
	}
	if (doomed_count == doomed_room) {
		uint32_t room = doomed_room == 0 ? 64 : doomed_room * 2;
		struct doomed *grown = realloc(doomed, room * sizeof(*grown));
		if (grown == NULL) {
			netlink_delete(host, index);
			return;
		}
		doomed = grown;
		doomed_room = room;
	}
	if (doomed_count == 0)
		due_ms = now_ms() + DELAY_MS;
	struct doomed *entry = &doomed[doomed_count++];
	entry->index = index;
	memset(entry->name, 0, sizeof(entry->name));
	strncpy(entry->name, name, sizeof(entry->name) - 1);
}

void veth_flush(struct mnl_socket *host)
{
	if (doomed_count == 0)
		return;
	if (doomed_count == 1) {
		netlink_delete(host, doomed[0].index);
	} else {
		for (uint32_t i = 0; i < doomed_count; i++)
			netlink_set_group(host, doomed[i].index, group());
		int result = netlink_delete_group(host, group());
		if (result < 0 && result != -ENODEV)
			log_line("links of ports that are gone: not removed: %s", strerror(-result));
	}
	free(doomed);
	doomed = NULL;
	doomed_count = doomed_room = 0;
}

int veth_flush_due(struct mnl_socket *host, int timeout)
{
	uint64_t now = now_ms();

	if (doomed_count > 0 && due_ms <= now)
		veth_flush(host);
	if (doomed_count == 0)
		return timeout;
	int left = (int)(due_ms - now);
	return timeout < 0 || left < timeout ? left : timeout;
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

/* first: fresh link, to be brought up. mac, mtu: only what differs (NULL, 0: nothing). */
static int peer_set(
        int netns, const struct fwd_port_row *row, uint32_t index, bool first, uint16_t mtu, const uint8_t *mac)
{
	const char *interface = row->interface;
	bool service = (row->flags & FWD_PORT_SERVICE) != 0;
	int result = netns_enter(netns);

	if (result < 0)
		return result;
	struct mnl_socket *nl = netlink_open(0);
	result = nl == NULL ? -errno : netns_offloads_limit(interface);
	if (result == 0 && (first || mtu != 0 || mac != NULL))
		result = netlink_set(nl, index, first, mtu, mac);
	if (result == 0 && service)
		result = service_netns_prepare(interface, index);
	if (nl != NULL)
		mnl_socket_close(nl);
	netns_leave();
	return result;
}

/* The MAC address that the VM's end must have; NULL: any. A trunk has none of its own, that of an uplink is ours. */
static const uint8_t *mac_of(const struct fwd_port_row *row)
{
	static const uint8_t none[6];

	return (row->flags & FWD_PORT_UPLINK) != 0 || memcmp(row->mac, none, sizeof(none)) == 0 ? NULL : row->mac;
}

/* Our end and the VM's, when the pair is right already: a restarted forwarder finds it so. An index alone says little:
 * other namespaces use the same. */
static bool find_pair(struct mnl_socket *host, const char *name, int netns, const char *interface,
        struct link_info *ours, struct link_info *peer)
{
	int32_t namespace;

	if (netlink_get(host, name, ours) < 0)
		return false;
	if (ours->veth && !is_doomed(name) && netlink_namespace(host, netns, &namespace) == 0 &&
	        namespace == ours->peer_namespace && peer_get(netns, interface, peer) == 0 && peer->veth &&
	        peer->peer_index == ours->index && ours->peer_index == peer->index)
		return true;
	if (ours->veth && !is_doomed(name))
		veth_doom(host, ours->index, name);
	return false;
}

static int make_pair(struct mnl_socket *host, const struct fwd_port_row *row, const char *name, int netns, uint16_t mtu,
        struct link_info *ours)
{
	int result = netlink_veth(host, name, row->interface, mac_of(row), mtu, netns);

	if (result == -EEXIST && doomed_count > 0) {
		/* One that goes may have the name here, or the interface's there. */
		veth_flush(host);
		result = netlink_veth(host, name, row->interface, mac_of(row), mtu, netns);
	}
	if (result == 0)
		result = netlink_get(host, name, ours);
	if (result == 0)
		result = peer_set(netns, row, ours->peer_index, true, 0, NULL);
	if (result == 0) {
		netns_stack_off(name);
		result = netlink_set(host, ours->index, true, 0, NULL);
	}
	return result;
}

/* Our end comes up last: one that is down belongs to a pair that was not finished. The VM's end of any other may be
 * down because the VM wants it so. */
static int fix_pair(struct mnl_socket *host, const struct fwd_port_row *row, const char *name, int netns, uint16_t mtu,
        const struct link_info *ours, const struct link_info *peer)
{
	const uint8_t *mac = mac_of(row);
	int result = peer_set(netns, row, peer->index, !ours->up, peer->mtu == mtu ? 0 : mtu,
	        mac == NULL || memcmp(peer->mac, mac, sizeof(peer->mac)) == 0 ? NULL : mac);

	if (!ours->up)
		netns_stack_off(name);
	if (result == 0 && (ours->mtu != mtu || !ours->up))
		result = netlink_set(host, ours->index, true, mtu, NULL);
	return result;
}

int veth_ensure(
        struct mnl_socket *host, const struct fwd_port_row *row, const char *name, uint16_t mtu, struct link_info *ours)
{
	struct link_info peer;
	int netns = netns_open(row->netns);

	if (netns < 0)
		return netns;
	int result = find_pair(host, name, netns, row->interface, ours, &peer)
	                     ? fix_pair(host, row, name, netns, mtu, ours, &peer)
	                     : make_pair(host, row, name, netns, mtu, ours);
	if (result == 0 && (row->flags & FWD_PORT_SERVICE) != 0)
		service_socket_hold(row, netns);
	close(netns);
	return result < 0 ? result : netlink_get(host, name, ours);
}
