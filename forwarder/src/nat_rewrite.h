/*
 * Addresses and ports of a packet, replaced by others (RFC 3022 §4): IP header, ports of TCP, UDP, UDP-Lite and DCCP,
 * the identifier of ICMP queries, and in ICMP errors the packet that is quoted, as far as it is there (RFC 5508 §4).
 * Checksums change by difference (RFC 1624), so that what was wrong stays wrong; a UDP checksum of zero stays zero, and
 * one that comes out as zero is sent as 0xffff; one that is left to hardware (offload.h) keeps its pseudo header right.
 * SCTP keeps its ports, for nothing that changes them lets it pass, and its checksum, which knows no addresses. Later
 * fragments have addresses only. Not told apart: a routing header of IPv6 whose last address is what the checksum
 * covers (RFC 8200 §8.1).
 *
 * What parse() told of addresses and ports stays that of the packet as it came. Every byte is looked for within the
 * packet's bounds. Packet threads.
 */
#ifndef WEFT_NAT_REWRITE_H
#define WEFT_NAT_REWRITE_H

#include "flow_table.h"
#include "parse.h"

/**
 * Makes a packet leave as the mirror of the key of the other direction: source = back->dst, destination = back->src,
 * and ports, or the ICMP identifier, alike. back: key of the direction that answers come in.
 */
void nat_rewrite(struct pkt *pkt, const struct flow_key *back);

/**
 * An ICMP error about a packet of direction d of a flow travels against d. It comes addressed to what d's packets left
 * as, and quotes them so. key: of d as it entered, back: of the other direction. Replaces the destination by key->src
 * and the quoted packet's addresses and ports by key's; of the quote's checksum what is there, of extensions behind it
 * (RFC 4884) nothing. The error's own source, a router, stays where d's target is not translated (back->src is
 * key->dst); else it becomes key->dst, whoever speaks there (RFC 5508 §4.2 REQ-5 c). pkt: an ICMP error whose quote
 * flow_key_quoted could read.
 */
void nat_rewrite_error(struct pkt *pkt, const struct flow_key *key, const struct flow_key *back, const uint8_t *source);

#endif
