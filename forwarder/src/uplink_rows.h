/*
 * What rows say of the neighbours of uplinks, for those who look at packets: gateways, the MAC addresses that answered,
 * and which gateways are silent. Registered readers, or the writer.
 */
#ifndef WEFT_UPLINK_ROWS_H
#define WEFT_UPLINK_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

/** Rows of neighbours that did not answer, lately or ever, all told: mostly none, and then nothing is looked up.
 * Written by fwd-learn. */
extern uint32_t uplink_unheard;

/** NULL: there is no such row. */
const struct fwd_gateway_row *uplink_gateway_row(uint32_t uplink, uint32_t number);
/** address: 16 bytes as in rows. NULL: there is no such row. Its port may be gone. *place, when it is not NULL: of the
 * row among all visible ones, below the capacity of the table; another one after each change of the row. */
const struct fwd_uplink_neighbor_row *uplink_neighbor_row(
        uint32_t uplink, uint8_t family, const uint8_t *address, uint32_t *place);
/** Whether the MAC address of a gateway is known, and it is not silent. */
bool uplink_gateway_heard(uint32_t uplink, uint32_t number);

/** Whether a next hop of any type may be taken as a member of a group: no gateway, or one that is heard. */
static inline bool uplink_nexthop_heard(const struct fwd_nexthop_row *nexthop)
{
	return __builtin_expect(__atomic_load_n(&uplink_unheard, __ATOMIC_RELAXED) == 0, 1) ||
	       nexthop->type != FWD_NEXTHOP_GATEWAY || uplink_gateway_heard(nexthop->port, nexthop->target);
}

#endif
