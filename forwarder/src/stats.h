/*
 * Counters per port and thread, summed on reading.
 *
 * The ledger is kept by the port a packet entered through and holds exactly when nothing is in flight:
 *
 *     rx_packets + injected + cloned + originated = sent + dropped + punted
 *
 * - rx_packets: frames received; on a trunk only those that no sub-port took
 * - injected: frames a plugin injected for this port
 * - cloned: copies made for flooding, beyond the original
 * - originated: frames built here besides the one that caused them (ICMP errors, further fragments); an ARP or ping
 *   reply reuses its request's buffer and so is the same entry: received, then sent
 * - sent: frames handed to an outgoing port, whichever it was
 * - dropped: sum over all reasons of drop.def
 * - punted: records put into a plugin's ring
 *
 * tx_packets and tx_bytes count frames that left through this port, wherever they came from. Bytes are frame bytes
 * without FCS.
 *
 * Each thread writes its own block only: packet threads their index, everything else block STATS_CONTROL under a lock
 * of its own. Readers may call from any thread. Slot 0 collects what belongs to no port.
 */
#ifndef FORWARDER_STATS_H
#define FORWARDER_STATS_H

#include <stdint.h>

#include "drop.h"

#define STATS_CONTROL 0u
/** Packet threads are blocks 1 … STATS_THREADS - 1. */
#define STATS_THREADS 9u

struct drop_counter {
	uint64_t packets;
	uint64_t bytes;
};

struct port_counters {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t injected;
	uint64_t cloned;
	uint64_t originated;
	uint64_t sent;
	uint64_t punted;
	struct drop_counter drops[DROP_COUNT];
} __attribute__((aligned(64)));

/** Sum of one port over all threads. */
struct port_totals {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t injected, cloned, originated, sent, dropped, punted;
};

/** Reserves address space for `slots` ports; pages are used as counters are. 0 or -ENOMEM. */
int stats_init(uint32_t slots);
void stats_free(void);
/** The block of one thread: an array indexed by slot. */
struct port_counters *stats_block(uint32_t thread);
/** Sets a slot's counters to zero; no packet may know the slot (call before it is published). */
void stats_reset(uint32_t slot);
void stats_sum(uint32_t slot, struct port_totals *out);
/** Sums drops per reason into out[DROP_COUNT]. */
void stats_drops(uint32_t slot, struct drop_counter *out);

/** Counts in the caller's own block; readers see whole words. */
static inline void stats_add(uint64_t *word, uint64_t count)
{
	__atomic_store_n(word, *word + count, __ATOMIC_RELAXED);
}

/** The one place where a drop is counted. */
static inline void stats_drop(struct port_counters *c, enum drop_reason reason, uint32_t bytes)
{
	stats_add(&c->drops[reason].packets, 1);
	stats_add(&c->drops[reason].bytes, bytes);
}

#endif
