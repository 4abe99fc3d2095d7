/*
 * The interfaces by which the host uses the wires of uplinks, and its addresses there: read from the kernel, followed,
 * and published (uplink_address.h). fwd-host alone.
 */
#ifndef WEFT_UPLINK_INTERFACE_H
#define WEFT_UPLINK_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "uplink_filter.h"

/** Interface of an uplink; index 0: none that the host has. vlan: its part of it; 0: all of it. */
struct uplink_wire {
	uint32_t uplink, index;
	uint16_t vlan;
};

/** Whether a name may stand in quotes of nft, where * stands for anything. */
bool uplink_interface_is_plain(const char *name);
/** 0 or -errno. */
int uplink_interface_open(void);
/** What is published stays: packets still come (uplink_address_free). */
void uplink_interface_close(void);
/** Descriptors that are readable when there is news. */
void uplink_interface_fds(int fds[2]);
/** Takes what came; true: read anew. */
bool uplink_interface_events(void);
/** Finds the interfaces and publishes the addresses. 0 or -errno: as before, as far as it goes. */
int uplink_interface_read(const struct uplink_wire *wires, uint32_t count);
/** What was found last: of each wire that the host uses as well. */
const struct uplink_chain *uplink_interface_chains(uint32_t *count);

#endif
