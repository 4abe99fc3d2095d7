/*
 * What rows say that is Weft's behind an uplink: addresses that stand for others, and subnets of networks that are
 * routed natively. fwd-host; takes the writer lock.
 */
#ifndef WEFT_UPLINK_OWNED_H
#define WEFT_UPLINK_OWNED_H

#include <stdbool.h>

#include "uplink_filter.h"

/** Elements that grow. */
struct uplink_elements {
	struct uplink_element *at;
	uint32_t count, room;
	/** Out of memory: some are missing. */
	bool short_of_memory;
};

void uplink_elements_add(struct uplink_elements *elements, const struct uplink_element *element);
/** Adds what is owned behind these uplinks, but addresses that the host has, too (uplink_is_host). */
void uplink_owned_collect(const struct uplink_chain *chains, uint32_t count, struct uplink_elements *out);

#endif
