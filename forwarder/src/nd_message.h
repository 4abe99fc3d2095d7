/*
 * Messages of neighbour discovery (RFC 4861): reading one that came, and turning a solicitation into its answer. Packet
 * threads.
 */
#ifndef FORWARDER_ND_MESSAGE_H
#define FORWARDER_ND_MESSAGE_H

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

/* Of an advertisement (§4.4), in its byte 4. */
#define ND_ROUTER    0x80
#define ND_SOLICITED 0x40
#define ND_OVERRIDE  0x20

/** A message and what its checks found out. */
struct nd_message {
	const uint8_t *icmp;
	uint32_t length;
	/** Solicitation and advertisement: the address in question. */
	const uint8_t *target;
	/** Source or target link-layer address option; NULL: none. */
	const uint8_t *link_address;
	bool unspecified_source;
};

static inline bool nd_is_multicast(const uint8_t *address)
{
	return address[0] == 0xff;
}

static inline bool nd_is_message(const struct pkt *pkt)
{
	return (pkt->flags & (PKT_IPV6 | PKT_L4)) == (PKT_IPV6 | PKT_L4) && pkt->protocol == IPPROTO_ICMPV6 &&
	       pkt->dst_l4_port >= ND_ROUTER_SOLICIT && pkt->dst_l4_port <= ND_REDIRECT;
}

/** Fills a message from a packet that nd_is_message. False: it breaks the rules that all must keep to. */
bool nd_read(const struct pkt *pkt, struct nd_message *message);
/** Whether a message of type 135 keeps to §7.1.1. */
bool nd_is_solicitation(const struct pkt *pkt, const struct nd_message *message);
/** Writes the advertisement over the solicitation (§7.2.4). REPLY, or DROP_NO_MEMORY. */
verdict_t nd_advertise(struct pkt *pkt, const struct nd_message *message, const uint8_t *mac, bool router);

#endif
