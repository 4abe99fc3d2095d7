#include "uplink_say.h"

#include <stddef.h>
#include <string.h>

#include "fib.h"
#include "forwarder.h"
#include "inject.h"
#include "punt.h"
#include "rows.h"
#include "stage.h"
#include "tables.h"
#include "uplink.h"
#include "uplink_frame.h"
#include "uplink_ports.h"

/* Requests of an uplink per second, and at once. */
#define REQUESTS       500u
#define REQUESTS_BURST 100u

static void send(const struct uplink *uplink, const uint8_t *frame, uint32_t length)
{
	struct {
		struct fwd_punt head;
		uint8_t frame[UPLINK_FRAME];
	} record = {.head = {.version = PUNT_VERSION,
	                    .length = length,
	                    .port = uplink->id,
	                    .generation = uplink->generation}};

	memcpy(record.frame, frame, length);
	inject_records(&record, (uint32_t)offsetof(__typeof__(record), frame) + length);
}

static uint32_t common_bits(const uint8_t *a, const uint8_t *b)
{
	for (uint32_t i = 0; i < 16; i++)
		if (a[i] != b[i])
			return i * 8 + (uint32_t)__builtin_clz((uint32_t)(a[i] ^ b[i])) - 24;
	return 128;
}

/* The address that is nearest to the target (RFC 4861 §7.2.2); without one of its own, an uplink asks from its
 * link-local address, or from none. */
static void choose_source(const struct uplink *uplink, uint8_t family, const uint8_t *target, uint8_t *source)
{
	uint32_t longest = 0;

	memset(source, 0, 16);
	if (family == 6)
		uplink_link_local(uplink->mac, source);
	if (family == 6 && is_link_local(target))
		return;
	rows_lock();
	const struct gateways *own = tables_gateways(uplink->bridge);
	for (uint32_t i = 0; own != NULL && i < own->count; i++) {
		const struct fwd_neighbor_row *row = own->rows[i];
		if (row->family != family || common_bits(row->address, target) < longest)
			continue;
		longest = common_bits(row->address, target);
		memcpy(source, row->address, 16);
	}
	rows_unlock();
}

void uplink_request(const struct uplink *uplink, uint8_t family, const uint8_t *address, const uint8_t *to)
{
	uint8_t source[16], frame[UPLINK_FRAME] __attribute__((aligned(2)));

	if (!uplink->up)
		return;
	choose_source(uplink, family, address, source);
	send(uplink, frame, uplink_frame_request(frame, family, uplink->mac, source, address, to));
}

void uplink_announce(const struct uplink *uplink, uint8_t family, const uint8_t *address)
{
	uint8_t frame[UPLINK_FRAME] __attribute__((aligned(2)));

	if (uplink->up)
		send(uplink, frame, uplink_frame_announcement(frame, family, uplink->mac, address));
}

bool uplink_may_request(struct uplink *uplink, uint64_t now_ms)
{
	uint64_t more = (now_ms - uplink->counted_ms) * REQUESTS / 1000;

	if (more > 0) {
		uplink->counted_ms = now_ms;
		uplink->tokens =
		        more < REQUESTS_BURST - uplink->tokens ? uplink->tokens + (uint32_t)more : REQUESTS_BURST;
	}
	if (uplink->tokens == 0)
		return false;
	uplink->tokens--;
	return true;
}

/* The last address of an IPv4 subnet, and the first, are no host's (RFC 1122 §3.2.1.3, RFC 3021). */
static bool is_host_of(const struct fwd_route_row *route, uint8_t family, const uint8_t *address)
{
	if (family != 4 || route->prefix_length > 30)
		return true;
	uint32_t bits =
	        (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 | address[3];
	uint32_t hosts = UINT32_MAX >> route->prefix_length;
	return (bits & hosts) != 0 && (bits & hosts) != hosts;
}

/* Writer lock held. */
static bool leads_here(const struct uplink *uplink, uint8_t family, const uint8_t *address)
{
	static const uint8_t zero[6];
	const struct fwd_bridge_row *bridge = tables_bridge(uplink->bridge);
	uint32_t address_be, handle;

	if (bridge == NULL)
		return false;
	memcpy(&address_be, address, sizeof(address_be));
	handle = family == 4 ? tables_route4(bridge->vrf, address_be) : tables_route6(bridge->vrf, address);
	const struct fwd_nexthop_row *nexthop = handle == 0 ? NULL : tables_nexthop(handle);
	if (nexthop == NULL || nexthop->type != FWD_NEXTHOP_PORT || nexthop->bridge != uplink->bridge ||
	        memcmp(nexthop->mac, zero, sizeof(zero)) != 0)
		return false;
	const struct fwd_route_row *route = fib_route(bridge->vrf, family, address);
	return route != NULL && is_host_of(route, family, address);
}

bool uplink_is_connected(const struct uplink *uplink, uint8_t family, const uint8_t *address)
{
	rows_lock();
	bool leads = leads_here(uplink, family, address);
	rows_unlock();
	return leads;
}
