/*
 * Where a frame's headers are. Looks at bytes, changes none, counts nothing; pure but for the mbuf it reads. Packet
 * threads.
 *
 * Everything behind an offset that parse() set is inside the frame: later stages need no bounds check for the header
 * parse() found. Known gaps: IPv6 extension headers are not walked (l4 stays 0 behind one).
 */
#ifndef FORWARDER_PARSE_H
#define FORWARDER_PARSE_H

#include <stdint.h>

#include "drop.h"

struct rte_mbuf;

enum pkt_flag {
	PKT_IPV4 = 1,
	PKT_IPV6 = 2,
	/** Ethernet/IPv4 ARP (RFC 826), 28 bytes at l3. */
	PKT_ARP = 4,
	/** A fragment that is not the first: no L4 header. */
	PKT_LATER_FRAGMENT = 8,
	/** l4 points to a UDP, TCP or ICMP header of at least 8 bytes (TCP: 20). */
	PKT_L4 = 16,
	/** An 802.1Q tag stands in the frame (one that no trunk took off). */
	PKT_TAGGED = 32,
	/** Destination MAC has the group bit. */
	PKT_GROUP = 64,
};

/** One packet on its walk; filled by parse() and the stages in worker.c's order. */
struct pkt {
	struct rte_mbuf *mbuf;
	uint8_t *data;
	/** Of the frame, in bytes. */
	uint16_t length;
	/** Offsets from data; 0: not there. */
	uint16_t l3;
	uint16_t l4;
	/** Host byte order. */
	uint16_t ethertype;
	uint16_t src_l4_port;
	uint16_t dst_l4_port;
	uint8_t flags;
	/** IP protocol number, or the operation of an ARP packet. */
	uint8_t protocol;
	verdict_t verdict;
	/** IPv4 addresses (ARP: sender's and target's), network byte order. */
	uint32_t src_be;
	uint32_t dst_be;
	/** Slot of the outgoing port when the verdict is VERDICT_SEND. */
	uint16_t out;
};

/** Fills pkt from its mbuf. VERDICT_NEXT, DROP_MALFORMED or DROP_OVERSIZED. Non-IP frames pass with flags 0. */
verdict_t parse(struct pkt *pkt, struct rte_mbuf *mbuf);

#endif
