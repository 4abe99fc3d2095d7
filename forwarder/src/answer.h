/*
 * A packet of the gateway's own, back to the sender of another: the Ethernet and IP header that ICMP errors and TCP
 * resets have in common. Packet threads.
 */
#ifndef FORWARDER_ANSWER_H
#define FORWARDER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "parse.h"

struct ingress;

/** Hop limit of what the gateway says. */
#define ANSWER_HOP_LIMIT 64

struct answer {
	struct rte_mbuf *mbuf;
	/** IPv4 or IPv6 header. */
	uint8_t *ip;
	/** Room for the payload, not zeroed. */
	uint8_t *payload;
};

/**
 * A new frame from the router's MAC at that port to the sender of pkt (with PKT_IPV4 or PKT_IPV6), from the address
 * `source` (4 or 16 bytes) to the packet's source address. payload: at most 1,400 bytes. false: no buffer.
 */
bool answer_begin(struct answer *answer, const struct pkt *pkt, const struct ingress *in, const uint8_t *source,
        uint8_t protocol, uint16_t payload);

#endif
