/*
 * The header by which the kernel's packet sockets and taps, and virtio devices, tell of pending checksums and
 * segmentation (struct virtio_net_hdr, virtio 1.2 §5.1.6), and what it means on an mbuf (offload.h). Packet threads.
 */
#ifndef FORWARDER_VNET_H
#define FORWARDER_VNET_H

#include <linux/virtio_net.h>
#include <stdint.h>
#include <sys/uio.h>

struct rte_mbuf;

/** Not in every <linux/virtio_net.h>: UDP segmentation, since Linux 6.2. */
#define VNET_GSO_UDP_L4 5

/**
 * Received with a frame (no tag in its bytes): puts what is pending on the mbuf. A checksum of another protocol than
 * TCP or UDP right behind its IP header is computed at once. What contradicts the frame, or is of another kind of
 * segmentation, makes the frame empty: parse() drops it.
 */
void vnet_receive(struct rte_mbuf *m, const struct virtio_net_hdr *header);

/** What the kernel must know of a frame that goes out. */
void vnet_describe(const struct rte_mbuf *m, struct virtio_net_hdr *header);

/** The header and the frame's segments as vectors: how many, or 0 when there are more than room. */
uint32_t vnet_vectors(const struct rte_mbuf *m, struct virtio_net_hdr *header, struct iovec *vectors, uint32_t room);

#endif
