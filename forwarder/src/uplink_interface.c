#include "uplink_interface.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"
#include "uplink_address.h"

static struct {
	/* Answers; events of links, and of addresses. */
	struct mnl_socket *host, *links, *monitor;
	/* One of each interface that was found. */
	struct uplink_chain *chains;
	uint32_t *indexes;
	uint32_t count;
	struct uplink_address *addresses;
	uint32_t address_count, address_room;
	bool short_of_memory;
	/* Something has another address or name. */
	bool stale;
} self;

bool uplink_interface_is_plain(const char *name)
{
	return strpbrk(name, "*\"\\") == NULL;
}

int uplink_interface_open(void)
{
	self.host = netlink_open(0);
	self.links = netlink_open(RTMGRP_LINK);
	self.monitor = netlink_open(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	return self.host == NULL || self.links == NULL || self.monitor == NULL ? -errno : 0;
}

static void close_socket(struct mnl_socket **nl)
{
	if (*nl != NULL)
		mnl_socket_close(*nl);
	*nl = NULL;
}

void uplink_interface_close(void)
{
	close_socket(&self.host);
	close_socket(&self.links);
	close_socket(&self.monitor);
	free(self.chains);
	free(self.indexes);
	free(self.addresses);
	memset(&self, 0, sizeof(self));
}

void uplink_interface_fds(int fds[2])
{
	fds[0] = mnl_socket_get_fd(self.links);
	fds[1] = mnl_socket_get_fd(self.monitor);
}

/* A VLAN of a shared interface, or one that has another name now. */
static void on_link(const struct link_info *link, bool gone)
{
	bool shared = link->vlan != 0;

	for (uint32_t i = 0; i < self.count; i++)
		shared = shared || (self.indexes[i] == link->index &&
		                           (gone || strcmp(self.chains[i].interface, link->name) != 0));
	self.stale = self.stale || shared;
}

static void on_address(uint32_t index)
{
	for (uint32_t i = 0; i < self.count; i++)
		self.stale = self.stale || self.indexes[i] == index;
}

bool uplink_interface_events(void)
{
	self.stale = false;
	bool lost = netlink_events(self.links, on_link) == -ENOBUFS;
	lost = netlink_address_events(self.monitor, on_address) == -ENOBUFS || lost;
	return lost || self.stale;
}

struct search {
	const struct uplink_wire *wire;
	struct link_info found;
};

static void look_for_vlan(const struct link_info *link, void *data)
{
	struct search *search = data;

	if (link->vlan == search->wire->vlan && link->peer_index == search->wire->index && link->peer_namespace == -1)
		search->found = *link;
}

/* False: the host does not use this part of the wire. */
static bool find(const struct uplink_wire *wire, uint32_t *index, char name[IF_NAMESIZE])
{
	struct search search = {.wire = wire};

	*index = wire->index;
	if (wire->index == 0)
		return false;
	if (wire->vlan == 0)
		return if_indextoname(wire->index, name) != NULL && uplink_interface_is_plain(name);
	if (netlink_all(self.host, look_for_vlan, &search) < 0 || search.found.index == 0)
		return false;
	*index = search.found.index;
	memcpy(name, search.found.name, IF_NAMESIZE);
	return uplink_interface_is_plain(name);
}

static int find_all(const struct uplink_wire *wires, uint32_t count)
{
	struct uplink_chain *chains = calloc(count + 1, sizeof(*chains));
	uint32_t *indexes = calloc(count + 1, sizeof(*indexes));

	if (chains == NULL || indexes == NULL) {
		free(chains);
		free(indexes);
		return -ENOMEM;
	}
	free(self.chains);
	free(self.indexes);
	self.chains = chains;
	self.indexes = indexes;
	self.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct uplink_chain *chain = &chains[self.count];
		/* What is behind the name's end is compared, too. */
		memset(chain, 0, sizeof(*chain));
		if (!find(&wires[i], &indexes[self.count], chain->interface))
			continue;
		chain->uplink = wires[i].uplink;
		self.count++;
	}
	return 0;
}

static struct uplink_address *new_address(void)
{
	if (self.address_count == self.address_room) {
		uint32_t room = self.address_room == 0 ? 16 : self.address_room * 2;
		struct uplink_address *grown = realloc(self.addresses, room * sizeof(*grown));
		if (grown == NULL)
			return NULL;
		self.addresses = grown;
		self.address_room = room;
	}
	return &self.addresses[self.address_count++];
}

static void add_address(uint32_t index, uint8_t family, const uint8_t *address, void *data)
{
	for (uint32_t i = 0; i < self.count; i++) {
		if (self.indexes[i] != index)
			continue;
		struct uplink_address *entry = new_address();
		if (entry == NULL) {
			self.short_of_memory = true;
			return;
		}
		*entry = (struct uplink_address){.uplink = self.chains[i].uplink, .family = family};
		memcpy(entry->address, address, sizeof(entry->address));
	}
}

int uplink_interface_read(const struct uplink_wire *wires, uint32_t count)
{
	int result = find_all(wires, count);

	self.address_count = 0;
	self.short_of_memory = false;
	if (result == 0 && self.count > 0)
		result = netlink_addresses(self.host, add_address, NULL);
	if (result == 0 && self.short_of_memory)
		result = -ENOMEM;
	return result < 0 ? result : uplink_address_publish(self.addresses, self.address_count);
}

const struct uplink_chain *uplink_interface_chains(uint32_t *count)
{
	*count = self.count;
	return self.chains;
}
