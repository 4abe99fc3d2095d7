/*
 * Checksums and segmentation that a sender left to the hardware: computed here when no hardware follows. Pure work on
 * mbufs; packet threads and tests.
 *
 * A frame with pending work says so in DPDK's words: RTE_MBUF_F_TX_TCP_CKSUM or _UDP_CKSUM (the checksum field holds
 * the sum of the pseudo-header, l2_len and l3_len say where), RTE_MBUF_F_TX_TCP_SEG or _UDP_SEG with tso_segsz payload
 * bytes per segment and l4_len (always together with the checksum's flag), and RTE_MBUF_F_TX_IPV4 or _IPV6. As in Linux
 * the pseudo-header's length is that of the whole frame, also with segmentation. IPv4 header checksums are never
 * pending. All headers lie in the first segment of the mbuf.
 */
#ifndef FORWARDER_OFFLOAD_H
#define FORWARDER_OFFLOAD_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#define OFFLOAD_SEGMENT (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)
/** All flags of pending work, and those that explain it. */
#define OFFLOAD_FLAGS (RTE_MBUF_F_TX_L4_MASK | OFFLOAD_SEGMENT | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6)

/** A checksum or segmentation is pending. */
static inline bool offload_pending(const struct rte_mbuf *m)
{
	return (m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | OFFLOAD_SEGMENT)) != 0;
}

/** The frame becomes several on the wire. */
static inline bool offload_is_large(const struct rte_mbuf *m)
{
	return (m->ol_flags & OFFLOAD_SEGMENT) != 0;
}

/** Computes a pending checksum in place and clears the flags; of a frame to be segmented, the checksum as one packet.
 * Whoever reads, copies out, fragments or quotes a packet's bytes calls it first. Nothing to do: returns at once. */
void offload_finish(struct rte_mbuf *m);

/**
 * Sums the frame from byte `from` to its end into the field at `field` (2 bytes, which hold what else is to be counted;
 * sctp: 4, CRC32c), of any protocol. False: the field is not inside the first segment.
 */
bool offload_sum(struct rte_mbuf *m, uint32_t from, uint32_t field, bool sctp);

/**
 * Cuts a frame with pending segmentation into frames with all checksums right (RFC 9293 sequence numbers and flags,
 * IPv4 identification counted up). out: up to `room` new mbufs of io_pool; each has m's port and vlan_tci. Returns how
 * many (m stays the caller's), -ENOMEM, -EINVAL (offsets that contradict the frame) or -E2BIG (more than room); then
 * there are none.
 */
int offload_segment(struct rte_mbuf *m, struct rte_mbuf **out, uint16_t room);

/** Bytes of the largest IP packet (headers included) this frame becomes on the wire; l3: offset of its IP header. */
static inline uint32_t offload_ip_length(const struct rte_mbuf *m, uint32_t l3)
{
	if (unlikely(offload_is_large(m)) && m->l3_len + m->l4_len + (uint32_t)m->tso_segsz < m->pkt_len - l3)
		return m->l3_len + m->l4_len + (uint32_t)m->tso_segsz;
	return m->pkt_len - l3;
}

#endif
