/*
 * The step of the walk that knows flows: what was decided once for a conversation holds for its further packets, both
 * ways; a first packet is decided here, by policy.h.
 *
 * The lookup comes before bridge and route, for all packets of a burst together; the decision after them, when the way
 * out is known and nothing is rewritten yet (stage_flow in stage.h). A flow belongs to its two ports: the key of each
 * direction has the generation of the port that packets of that direction enter through, so that tenants never meet.
 * When the way out is another one than before, the flow is another one. Between two ports without policy there are no
 * flows, and nothing is looked for.
 *
 * Not asked: what is not IP, neighbour discovery, MLD and IGMP, what is for the gateway or a service row, what plugins
 * send. Frames that are flooded have no way out to remember: each copy is decided alone (flow_copy_passes).
 *
 * ICMP errors belong to the flow that they quote, in any of its directions, when they go to its sender. Fragments go
 * by the ports of their first one (flow_fragment.h).
 *
 * Packet threads, inside a read section.
 */
#ifndef WEFT_FLOW_H
#define WEFT_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "flow_fragment.h"
#include "stage.h"

/** Sets pkt->flow of the packets pkts[which[i]]; count ≤ TX_BURST. */
void flow_find_all(struct pkt *pkts, const uint8_t *which, uint32_t count, const struct ingress *in);

/** Before copies of a fragment are asked about: NEXT, HELD (the mbuf is gone) or a drop. *ports: for flow_copy_passes.
 */
verdict_t flow_copies_begin(struct pkt *pkt, const struct ingress *in, struct flow_fragment_ports *ports);

/** Whether a copy of a flooded frame may leave through a port, when one of the two has policy: by the rules alone,
 * nothing is remembered. ports: read for later fragments only. NEXT or a drop. */
verdict_t flow_copy_passes(
        struct pkt *pkt, const struct ingress *in, const struct way_out *out, const struct flow_fragment_ports *ports);

/** A packet whose flow is known (pkt->flow) was dropped: it remembers why. */
void flow_dropped(const struct pkt *pkt, verdict_t reason);

#endif
