/*
 * Sending: packets gather per outgoing port and leave in bursts. Here, and only here, a packet ends: sent, dropped or
 * copied, and is counted for the port it entered through (mbuf->port). One struct tx per packet thread, used by it
 * alone.
 */
#ifndef FORWARDER_TX_H
#define FORWARDER_TX_H

#include <stdint.h>

#include "port.h"
#include "stats.h"

#define TX_BURST 32u

struct tx_queue {
	uint32_t count;
	struct rte_mbuf *mbufs[TX_BURST];
};

struct tx {
	/** This thread's counters, by slot. */
	struct port_counters *counters;
	/** By slot; pages are used as ports are. */
	struct tx_queue *queues;
	uint32_t slots;
	/** Slots with something queued. */
	uint16_t dirty[TX_BURST];
	uint32_t dirty_count;
};

/** 0 or -ENOMEM. */
int tx_init(struct tx *tx, uint32_t slots, struct port_counters *counters);
void tx_free(struct tx *tx);
/** Queues for a slot; sends when a burst is full. mbuf->port is the slot it entered through. */
void tx_send(struct tx *tx, uint16_t slot, struct rte_mbuf *mbuf);
/** To every attached port of the bridge but the one it came from; copies are counted as cloned. */
void tx_flood(struct tx *tx, uint32_t bridge, struct rte_mbuf *mbuf);
/** Ends a packet under a reason. */
void tx_drop(struct tx *tx, struct rte_mbuf *mbuf, enum drop_reason reason);
/** Sends all that is queued. */
void tx_flush(struct tx *tx);

#endif
