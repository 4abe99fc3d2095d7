/*
 * Buffers that wait for frames from the kernel: one set per packet thread, whichever port is read next. A frame goes
 * into one mbuf; the rest of a long one (jumbo, or to be segmented: up to 64 KiB) into memory of its slot, from where
 * it is copied into a chain. Packet threads; after the first use of a thread nothing is allocated but mbufs.
 */
#ifndef FORWARDER_RECEIVER_H
#define FORWARDER_RECEIVER_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define RECEIVER_SLOTS   32u
#define RECEIVER_VECTORS 3u

struct rte_mbuf;

struct receiver_slot {
	struct rte_mbuf *mbuf;
	struct virtio_net_hdr header;
	/** The header, the mbuf, the memory for the rest. */
	struct iovec vectors[RECEIVER_VECTORS];
};

/** The calling thread's slots; NULL: out of memory. */
struct receiver_slot *receiver_slots(void);
/** Gets the slot ready to be read into; false: no buffers. */
bool receiver_arm(struct receiver_slot *slot);
/**
 * The frame that was read into the slot: `bytes` with the header, more than there was room for if it was cut. A frame
 * that was cut, or finds no buffers for its rest, comes with pkt_len > data_len = 0: parse() calls it oversized.
 */
struct rte_mbuf *receiver_take(struct receiver_slot *slot, uint32_t bytes);

#endif
