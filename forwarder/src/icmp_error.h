/*
 * What a router says to the sender of a packet that it does not deliver: ICMP and ICMPv6 errors (RFC 792, RFC 4443),
 * and TCP resets for what nobody serves (RFC 9293 §3.10.7.1). Packet threads.
 *
 *   no-route, ecmp-empty    network unreachable          no route to destination
 *   no-neighbor, nat-exhausted  host unreachable         address unreachable
 *   next-hop-drop, not-translated  administratively prohibited  administratively prohibited
 *   ttl-exceeded            time exceeded in transit     hop limit exceeded
 *   mtu-exceeded            fragmentation needed         packet too big
 *   invalid-address         nothing                      beyond scope of source (link-local to elsewhere)
 *   service-unserved        TCP: reset; UDP: port unreachable; else: protocol unreachable, unrecognized next header
 *   any other               nothing
 *
 * The source is the gateway address of the sender's network with the longest common prefix with the sender (for
 * service-unserved: the address that was asked); IPv6 has the link-local one (stage_link_local) when there is no other.
 */
#ifndef FORWARDER_ICMP_ERROR_H
#define FORWARDER_ICMP_ERROR_H

#include "stage.h"

/**
 * The frame to send back through the port that pkt entered by, a new mbuf with mbuf->port set; NULL: none is due (RFC
 * 1122 §3.2.2, RFC 1812 §4.3.2.7, RFC 4443 §2.4 e), the port's limit is reached (limit.h), or no buffer is free. pkt is
 * as received but for a checksum that was left to hardware, which is finished.
 */
struct rte_mbuf *icmp_error_make(const struct pkt *pkt, const struct ingress *in, enum drop_reason reason);

#endif
