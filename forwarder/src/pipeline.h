/*
 * The order of the stages. A packet thread gives received frames in and gets nothing back: each is sent, dropped or
 * punted.
 */
#ifndef FORWARDER_PIPELINE_H
#define FORWARDER_PIPELINE_H

#include <stdint.h>

#include "port.h"
#include "tx.h"

/** Frames received from a port, at most TX_BURST. */
void pipeline_receive(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count);
/** Fragments that wait for the first one of their datagram no longer (flow_fragment.h), and what waits for a
 * neighbour's answer no longer (uplink.h), once a round. Returns how many. */
uint32_t pipeline_waited(struct tx *tx);
/** Frames that plugins injected. Returns how many. */
uint32_t pipeline_inject(struct tx *tx);

#endif
