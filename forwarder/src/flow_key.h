/*
 * What a packet has in common with the others of its flow: from its headers to a key (flow_table.h). Looks at bytes,
 * changes none. Packet threads.
 *
 *   TCP, UDP, SCTP, UDP-Lite, DCCP   their ports
 *   ICMP request (code 0)            identifier, type << 8
 *   its answer                       the same the other way round, so that it meets the request's flow
 *   other ICMP                       0, type << 8 | code
 *   other protocols                  0, 0
 */
#ifndef WEFT_FLOW_KEY_H
#define WEFT_FLOW_KEY_H

#include <netinet/in.h>
#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow_table.h"
#include "parse.h"

enum flow_kind {
	/** Policy is never asked: not IP, neighbour discovery, MLD, IGMP. */
	FLOW_KIND_EXEMPT,
	/** Packets come back that have the key mirrored. */
	FLOW_KIND_PAIR,
	/** Nothing comes back. */
	FLOW_KIND_ONE_WAY,
	/** An answer: to a flow's request, or judged by itself. */
	FLOW_KIND_ANSWER,
	/** An ICMP error: belongs to the flow that it quotes (flow_key_quoted), or is judged by itself. */
	FLOW_KIND_ERROR,
	/** Judged by itself. */
	FLOW_KIND_ALONE,
	/** An ICMP error about an ICMP error, or one that quotes too little. */
	FLOW_KIND_INVALID,
};

/** Whether flow_key_ports has all it needs: TCP or UDP in one piece. */
static inline bool flow_key_is_usual(const struct pkt *pkt)
{
	return (pkt->flags & (PKT_L4 | PKT_FRAGMENT)) == PKT_L4 &&
	       (pkt->protocol == IPPROTO_UDP || pkt->protocol == IPPROTO_TCP);
}

/** The key of a packet, given its ports: two of 16 bits in network order, as they stand in a header. In whole words, as
 * the table reads them: narrower stores would stall its loads. */
static inline void flow_key_put(const struct pkt *pkt, uint32_t ports, uint32_t context, struct flow_key *key)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint64_t words[6] = {pkt->src_be, 0, pkt->dst_be, 0, (uint64_t)context << 32 | ports,
	        (uint64_t)(ipv4 ? 4u : 6u) << 8 | pkt->protocol};

	if (unlikely(!ipv4))
		memcpy(words, pkt->data + pkt->l3 + 8, 32);
	memcpy(key, words, sizeof(*key));
}

/** Of a usual packet that enters through a port with generation `context`. */
static inline void flow_key_ports(const struct pkt *pkt, uint32_t context, struct flow_key *key)
{
	uint32_t ports;

	memcpy(&ports, pkt->data + pkt->l4, sizeof(ports));
	flow_key_put(pkt, ports, context, key);
}

/** Of any packet with IP in it that is no later fragment. *value: what rules call its port (policy.h). Not for EXEMPT.
 */
enum flow_kind flow_key_of(const struct pkt *pkt, uint32_t context, struct flow_key *key, uint16_t *value);

/** What an ICMP message is; at least 8 bytes. Of a PAIR the identifier is the key's source port, of an ANSWER its
 * destination port; others have none. */
enum flow_kind flow_key_icmp(const uint8_t *icmp, bool ipv4);

/** Of the packet that an ICMP error quotes, which entered through a port with generation `context`. ERROR, ALONE (no
 * flow can have this key, or the error does not go to its sender) or INVALID. */
enum flow_kind flow_key_quoted(const struct pkt *pkt, uint32_t context, struct flow_key *key);

/** Of the packets that come back, which enter through a port with generation `context`. */
void flow_key_mirror(const struct flow_key *key, uint32_t context, struct flow_key *mirrored);

#endif
