/*
 * What the headers of a fragment say (RFC 791 §3.1, RFC 8200 §4.5), and whether an honest sender makes such. Looks at
 * bytes, changes none. Packet threads.
 */
#ifndef WEFT_FLOW_FRAGMENT_READ_H
#define WEFT_FLOW_FRAGMENT_READ_H

#include "flow_fragment_table.h"
#include "stage.h"

/** Offsets of fragments count these, bytes. */
#define FRAGMENT_UNIT 8u

struct fragment {
	struct fragment_key key;
	/** Of the datagram's payload, in bytes; last: nothing comes behind it. */
	uint32_t offset, length;
	bool last;
	/** Bytes of the transport header that lie in it; a first one's. */
	uint32_t room;
};

/** Of a packet with PKT_FRAGMENT. False: an IPv6 packet with two fragment headers. */
bool fragment_read(const struct pkt *pkt, const struct ingress *in, struct fragment *out);

/** Pieces in the middle end at a multiple of 8 bytes, and a datagram at 65,535; the first has the header that tells its
 * ports (RFC 1858 §3.2.2), and no other one lies in it (RFC 3128). */
bool fragment_is_sound(const struct pkt *pkt, const struct fragment *fragment);

#endif
