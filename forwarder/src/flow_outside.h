/*
 * The outside ports of shared addresses (nat_map.h) that a flow holds: by FLOW_NAT_SOURCE and FLOW_NAT_TARGET of its
 * forward half, and its two keys.
 */
#ifndef WEFT_FLOW_OUTSIDE_H
#define WEFT_FLOW_OUTSIDE_H

#include "flow_table.h"
#include "nat_map.h"

/** The one that packets of its forward direction have as source when they leave, and the endpoint that they come from.
 */
void flow_outside_source(const struct flow_pair *pair, struct nat_outside *outside, struct nat_inside *inside);
/** The one that they are sent to, and the endpoint that they reach. */
void flow_outside_target(const struct flow_pair *pair, struct nat_outside *outside, struct nat_inside *inside);

/** The flow is over, or never began. */
void flow_outside_release(const struct flow_pair *pair);
/** Of a flow that is taken over. False: one is not its endpoint's any more, and none is held. */
bool flow_outside_adopt(const struct flow_pair *pair);

#endif
