/*
 * A port has one owner among the packet threads, which alone receives and sends there. Packets of other threads that
 * leave through it, and what plugins inject, reach the owner here: a bounded ring for each pair of threads.
 *
 * A packet in a ring names ports by slot: the one it came from in mbuf->port, the one it leaves by in its handover
 * slot. Therefore a slot is given to another port only after handover_drain (worker_grace), never while a packet knows
 * it.
 */
#ifndef FORWARDER_HANDOVER_H
#define FORWARDER_HANDOVER_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

/** Packet threads are 1 … HANDOVER_THREADS; HANDOVER_CONTROL writes what plugins inject, under a lock of its own. */
#define HANDOVER_THREADS 8u
#define HANDOVER_CONTROL 0u
/** Packets that wait between two packet threads, and injections that wait per thread. */
#define HANDOVER_RING   512u
#define HANDOVER_INJECT 4096u

/** Rings of 1 … threads. 0 or -ENOMEM. */
int handover_init(uint32_t threads);
/** No thread uses them any more: frees what waits. */
void handover_free(void);
/** Thread `from`: gives mbufs to `to`; how many fitted. The caller wakes `to` (worker_wake). */
uint32_t handover_put(uint32_t from, uint32_t to, struct rte_mbuf *const *mbufs, uint32_t n);
/** Thread `to`: takes up to n mbufs that `from` gave. */
uint32_t handover_take(uint32_t from, uint32_t to, struct rte_mbuf **mbufs, uint32_t n);
/** Something waits for `to`. */
bool handover_pending(uint32_t to);
/** Waits until all that lies in the rings now was taken. Link thread, while the packet threads run. */
void handover_drain(void);

/** Slot that a packet leaves by. DPDK's word for the application's own: free once a packet was routed. */
static inline void handover_set_slot(struct rte_mbuf *mbuf, uint16_t slot)
{
	mbuf->hash.usr = slot;
}

static inline uint16_t handover_slot(const struct rte_mbuf *mbuf)
{
	return (uint16_t)mbuf->hash.usr;
}

#endif
