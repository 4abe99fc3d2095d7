#include "uplink_keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nat.h"
#include "publish.h"
#include "uplink_bind.h"
#include "uplink_filter.h"
#include "uplink_interface.h"
#include "uplink_owned.h"

/* How often it is asked whether routes changed, and whether the table is still there. */
#define LOOK_MS 2000u
/* After nftables refused a change. */
#define RETRY_MS 2000u

static struct {
	/* Something may have changed since the last that was carried out. */
	bool due;
	uint64_t retry_at_ms, look_at_ms;
	/* What was seen last. */
	uint64_t owned, routing;
} self;

static void add_ports(
        uint32_t uplink, uint8_t family, const uint8_t *address, uint16_t first, uint16_t last, void *elements)
{
	struct uplink_element element = {
	        .uplink = uplink, .kind = UPLINK_ELEMENT_PORTS, .family = family, .first = first, .last = last};
	uint32_t count;
	const struct uplink_chain *chains = uplink_interface_chains(&count);

	memcpy(element.address, address, sizeof(element.address));
	for (uint32_t i = 0; i < count; i++) {
		if (chains[i].uplink == uplink)
			uplink_elements_add(elements, &element);
	}
}

/* True: the host is kept from all that is bound. */
static bool keep_from_host(void)
{
	struct uplink_elements elements = {0};
	struct uplink_filter wanted;
	int result = -ENOMEM;

	wanted.chains = uplink_interface_chains(&wanted.chain_count);
	uplink_owned_collect(wanted.chains, wanted.chain_count, &elements);
	uplink_bind_each(add_ports, &elements);
	if (!elements.short_of_memory) {
		wanted.elements = elements.at;
		wanted.element_count = uplink_filter_sort(elements.at, elements.count);
		result = uplink_filter_set(&wanted);
	}
	free(elements.at);
	return result == 0;
}

/* Routes change often, and to look through them takes long. */
static bool is_due_by_look(uint64_t now_ms)
{
	uint64_t routing = publish_routing_changes();

	if (now_ms < self.look_at_ms)
		return false;
	self.look_at_ms = now_ms + LOOK_MS;
	bool changed = routing != self.routing;
	self.routing = routing;
	return uplink_filter_lost() || changed;
}

static bool is_due(uint64_t now_ms)
{
	uint64_t owned = nat_owned_changes();
	bool changed = owned != self.owned || uplink_bind_changed();

	self.owned = owned;
	return is_due_by_look(now_ms) || changed;
}

bool uplink_keep_step(bool news, uint64_t now_ms)
{
	self.due = is_due(now_ms) || news || self.due;
	if (now_ms < self.retry_at_ms || !uplink_bind_restored())
		return false;
	if (!self.due)
		return true;
	if (!keep_from_host()) {
		self.retry_at_ms = now_ms + RETRY_MS;
		return false;
	}
	self.due = false;
	uplink_bind_done();
	return true;
}

void uplink_keep_forget(void)
{
	memset(&self, 0, sizeof(self));
}
