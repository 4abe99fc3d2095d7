/*
 * Sending: packets gather per outgoing port and leave in bursts; those for a port of another packet thread go to it by
 * handover.h. Here, and only here, a packet ends: sent, dropped or copied, and is counted for the port it entered
 * through (mbuf->port). One struct tx per packet thread, used by it alone.
 */
#ifndef FORWARDER_TX_H
#define FORWARDER_TX_H

#include <rte_branch_prediction.h>
#include <stdint.h>

#include "port.h"
#include "stats.h"

struct flow_fragment_ports;
struct ingress;
struct pkt;

#define TX_BURST 32u
/** Ports with something queued; more than that are flushed early, so that queues never hold many buffers. */
#define TX_DIRTY 64u

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
	/** Number of the packet thread, 1 …. */
	uint8_t thread;
	/** Threads that were given packets and may sleep, as bits. */
	uint32_t wakes;
	uint16_t dirty[TX_DIRTY];
	uint32_t dirty_count;
};

/** Counts in the thread's block of stats.h. 0 or -ENOMEM. */
int tx_init(struct tx *tx, uint32_t slots, uint32_t thread);
void tx_free(struct tx *tx);
/** For tx_send: an empty queue gets its first packet; a queue is full. */
void tx_begin(struct tx *tx, uint16_t slot);
void tx_full(struct tx *tx, uint16_t slot);
/** Queues for a slot; sends when a burst is full. mbuf->port is the slot it entered through. */
static inline void tx_send(struct tx *tx, uint16_t slot, struct rte_mbuf *mbuf)
{
	struct tx_queue *queue = &tx->queues[slot];

	if (unlikely(queue->count == 0))
		tx_begin(tx, slot);
	queue->mbufs[queue->count++] = mbuf;
	if (unlikely(queue->count == TX_BURST))
		tx_full(tx, slot);
}
/** tx_send of a frame made here, not received: an ICMP error, a fragment. Counts it as originated by mbuf->port. */
void tx_originate(struct tx *tx, uint16_t slot, struct rte_mbuf *mbuf);
/** To every attached port of the bridge but the one it came from, if policy lets it; copies are counted as cloned.
 * ports: see flow_copy_passes. */
void tx_flood(struct tx *tx, struct pkt *pkt, const struct ingress *in, const struct flow_fragment_ports *ports);
/** Ends a packet under a reason. */
void tx_drop(struct tx *tx, struct rte_mbuf *mbuf, enum drop_reason reason);
void tx_drop_all(struct tx *tx, struct rte_mbuf **mbufs, uint32_t count, enum drop_reason reason);
/** Sends all that is queued, and wakes the threads that were given something. */
void tx_flush(struct tx *tx);

#endif
