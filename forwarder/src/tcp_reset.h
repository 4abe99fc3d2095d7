/*
 * TCP resets for a connection that does not exist (RFC 9293 §3.10.7.1). Packet threads.
 */
#ifndef FORWARDER_TCP_RESET_H
#define FORWARDER_TCP_RESET_H

#include "parse.h"

struct ingress;

/** The frame that answers a TCP segment (PKT_L4), from the address it was sent to; NULL: the segment is a reset itself,
 * is damaged, or no buffer is free. */
struct rte_mbuf *tcp_reset_make(const struct pkt *pkt, const struct ingress *in);

#endif
