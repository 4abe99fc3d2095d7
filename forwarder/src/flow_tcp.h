/*
 * What a flow knows of its TCP connection: enough to tell how long it may be silent, and that a reset is the peer's.
 * Packet threads; each direction's packets by one thread at a time, the two directions by any two.
 *
 * Flags of a pair are only ever added, by atomic or, so that both directions may add at once. A connection that is over
 * and begins anew (RFC 6191) is a new flow.
 */
#ifndef WEFT_FLOW_TCP_H
#define WEFT_FLOW_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "flow_table.h"

/* The second of each two is the reverse direction's: shifted by direction. */
enum flow_tcp_flag {
	/** A SYN; the reverse one acknowledges the forward one. */
	FLOW_TCP_SYN = 1 << 0,
	/** A FIN, and one that was acknowledged. */
	FLOW_TCP_FIN = 1 << 2,
	FLOW_TCP_FIN_ACKED = 1 << 4,
	/** The sequence number `sent` holds something. */
	FLOW_TCP_SEEN = 1 << 6,
	/** Something was acknowledged: `acked` holds something. */
	FLOW_TCP_ACKED = 1 << 8,
	/** Both SYNs are acknowledged, or the flow was found in the middle of its connection and both sides speak. */
	FLOW_TCP_OPEN = 1 << 10,
	/** A reset that its receiver takes (RFC 5961 §3.2). */
	FLOW_TCP_RESET = 1 << 11,
};
#define FLOW_TCP_BOTH(flag) ((flag)*3u)

/** By which a flow's time is chosen. */
enum flow_tcp_phase {
	/** Not established yet: the first to go when the table is full. */
	FLOW_TCP_OPENING,
	FLOW_TCP_ESTABLISHED,
	/** One side has ended: transitory (RFC 5382 §5). */
	FLOW_TCP_CLOSING,
	/** Both have, or it was reset: transitory (RFC 7857 §2.2). A SYN begins a new connection. */
	FLOW_TCP_CLOSED,
};

/** Of a TCP header, host order. */
struct flow_segment {
	uint32_t seq, ack;
	/** Bytes of data. */
	uint32_t length;
	/** RTE_TCP_*_FLAG. */
	uint8_t flags;
};

enum flow_tcp_phase flow_tcp_phase(const struct flow_pair *pair);

/** Takes a segment of a direction in; the first of a flow, too. */
void flow_tcp_track(struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment);

#endif
