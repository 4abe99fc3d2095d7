/*
 * Where a frame's headers are. Looks at bytes, changes none, counts nothing; pure but for the mbuf it reads. Packet
 * threads.
 *
 * A frame may be a chain of segments (jumbo, GSO): every header that parse() found lies in the first one, and the
 * length that the IP header states is covered by the whole chain. So later stages need no bounds check for the headers
 * that parse() found, and one against pkt->length for anything behind them.
 */
#ifndef FORWARDER_PARSE_H
#define FORWARDER_PARSE_H

#include <stdint.h>

#include "drop.h"

struct rte_mbuf;
struct fwd_mac_row;
struct nat_target;

#define FLOW_UNASKED 0xfffffffeu
#define FLOW_MISSED  0xfffffffdu

enum pkt_flag {
	PKT_IPV4 = 1,
	PKT_IPV6 = 2,
	/** Ethernet/IPv4 ARP (RFC 826), 28 bytes at l3. */
	PKT_ARP = 4,
	/** A fragment that is not the first: no L4 header. */
	PKT_LATER_FRAGMENT = 8,
	/** l4 points to a UDP, TCP, ICMP, ICMPv6, SCTP, UDP-Lite or DCCP header of at least 8 bytes (TCP: 20; SCTP and
	 * DCCP: 12). */
	PKT_L4 = 16,
	/** An 802.1Q tag stands in the frame (one that no trunk took off). */
	PKT_TAGGED = 32,
	/** Destination MAC has the group bit. */
	PKT_GROUP = 64,
	/** Part of a datagram that was fragmented: IPv4 with MF or an offset; IPv6 with a fragment header, also an
	 * atomic one (RFC 6946). */
	PKT_FRAGMENT = 128,
	/** IPv6 extension headers stand between the IPv6 header and l4. */
	PKT_EXTENSIONS = 256,
	/** Its flow says that addresses or ports are replaced when it leaves (flow_nat.h). */
	PKT_NAT = 512,
	/** An ICMP error about a packet of such a flow. */
	PKT_NAT_ERROR = 1024,
	/** Its way leads through an uplink's VRF and inside again: as if through the uplink. */
	PKT_TURNS = 2048,
};

/** One packet on its walk; filled by parse() and the stages in pipeline.c's order. */
struct pkt {
	struct rte_mbuf *mbuf;
	uint8_t *data;
	/** Of the first segment, in bytes; the whole frame is mbuf->pkt_len. */
	uint16_t length;
	/** Offsets from data; 0: not there. */
	uint16_t l3;
	uint16_t l4;
	/** Host byte order. */
	uint16_t ethertype;
	/** Host byte order. ICMP and ICMPv6: 0 and the type. 0 without PKT_L4. */
	uint16_t src_l4_port;
	uint16_t dst_l4_port;
	/** enum pkt_flag. */
	uint16_t flags;
	/** IP protocol number (IPv6: of the header behind the extension headers; 50 and 59 end the search), or the
	 * operation of an ARP packet. */
	uint8_t protocol;
	verdict_t verdict;
	/** IPv4 addresses (ARP: sender's and target's), network byte order. IPv6: 0; see pkt_src6. */
	uint32_t src_be;
	uint32_t dst_be;
	/** Row of the destination MAC address or NULL, for stage_mac. */
	const struct fwd_mac_row *mac;
	/** Slot of the outgoing port when the verdict is VERDICT_SEND. */
	uint16_t out;
	/** Of the way out, when it matters: VERDICT_FRAGMENT, DROP_MTU_EXCEEDED. */
	uint16_t mtu;
	/** Flow and direction (flow_table.h), FLOW_NONE when there is none, FLOW_UNASKED until it is looked for,
	 * FLOW_MISSED when it was not found with those of the burst, and stage_flow was not asked yet. */
	uint32_t flow;
	/** What the destination address stands for (flow_nat.h); NULL: itself. */
	struct nat_target *target;
} __attribute__((aligned(64))); /* one cache line */

/** Fills pkt from its mbuf. VERDICT_NEXT, DROP_MALFORMED, _OVERSIZED or _EXTENSION_HEADERS. Non-IP frames pass with
 * flags 0. */
verdict_t parse(struct pkt *pkt, struct rte_mbuf *mbuf);

/** The same for all frames, without the short way for those that most are; parse goes here for the others. */
verdict_t parse_any(struct pkt *pkt, struct rte_mbuf *mbuf);

/** Addresses of a packet with PKT_IPV6: 16 bytes in the frame. */
static inline uint8_t *pkt_src6(const struct pkt *pkt)
{
	return pkt->data + pkt->l3 + 8;
}

static inline uint8_t *pkt_dst6(const struct pkt *pkt)
{
	return pkt->data + pkt->l3 + 24;
}

#endif
