/*
 * The packet that an ICMP error quotes (RFC 792, RFC 4443 §2.4): where its headers are. Looks at bytes, changes none.
 * Packet threads.
 */
#ifndef WEFT_QUOTE_H
#define WEFT_QUOTE_H

#include <stdint.h>

#include "parse.h"

/** Of an ICMP message, in both families. */
#define ICMP_HEADER 8u
/** What an error must quote behind the IP header (RFC 792, RFC 1122 §3.2.2). */
#define QUOTE_LEAST 8u

enum quote_kind {
	/** Its headers are found. */
	QUOTE_FOUND,
	/** Not of this IP version, or a later fragment: no flow can be told by it. */
	QUOTE_OTHER,
	/** Too little is there. */
	QUOTE_SHORT,
};

struct quote {
	/** In the frame: its IP header, and what follows that and its extension headers, at least QUOTE_LEAST bytes. */
	uint8_t *ip, *l4;
	/** Bytes behind ip, in the datagram and in the first segment of the frame. */
	uint32_t length;
	/** IP protocol number of what l4 points to. */
	uint8_t protocol;
};

/** Of a packet with IP and PKT_L4 that holds an ICMP error of its family. *quote: whole when FOUND. */
enum quote_kind quote_find(const struct pkt *pkt, struct quote *quote);

#endif
