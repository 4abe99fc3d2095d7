/*
 * IPv4 fragmentation (RFC 791 §3.2) towards a smaller MTU. Never reassembly. Packet threads.
 */
#ifndef FORWARDER_FRAGMENT_H
#define FORWARDER_FRAGMENT_H

#include <stdint.h>

struct rte_mbuf;

/** Most pieces of one datagram. */
#define FRAGMENT_LIMIT 64u

/**
 * Copies an Ethernet frame with an IPv4 packet at offset l3 (no DF; its own checksums are finished) into frames whose
 * IP packets have at most mtu bytes; a fragment may be cut again. Returns how many; the frame stays the caller's. 0:
 * no buffers (nothing was made), or more than FRAGMENT_LIMIT would be needed.
 */
uint32_t fragment_ipv4(const struct rte_mbuf *frame, uint16_t l3, uint16_t mtu, struct rte_mbuf **pieces);

#endif
