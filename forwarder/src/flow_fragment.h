/*
 * Fragments in flows: only the first one of a datagram has the ports that decide, and the others go by it. Nothing is
 * put together here.
 *
 * The others are let through while their datagram is known: until all of it has passed, or FRAGMENT_KEEP seconds.
 * Receivers wait longer for missing ones (15 s, RFC 791 §3.2; 60 s, RFC 8200 §4.5), but the fragments of a datagram are
 * sent one after another: what comes later than seconds after the first is of a datagram that was given up, or of
 * another one with the same number. Those before the first wait for it (FRAGMENT_WAIT), walk again when it was
 * allowed, and end with it when it was denied.
 *
 * A datagram of which a fragment overlaps another ends there (RFC 5722); so does one whose first fragment is too short
 * for the header that tells its ports (RFC 1858, RFC 3128). IPv6 packets with a fragment header that are whole (RFC
 * 6946) are packets like others.
 *
 * Fragments of a port come in on one thread, which alone knows them. Packet threads, inside a read section; init and
 * fini: no packet thread runs.
 */
#ifndef WEFT_FLOW_FRAGMENT_H
#define WEFT_FLOW_FRAGMENT_H

#include <stdint.h>

#include "drop.h"

struct ingress;
struct pkt;
struct rte_mbuf;

/** Seconds that a datagram is known, and that a fragment waits for its first one. */
#define FRAGMENT_KEEP 4u
#define FRAGMENT_WAIT 1u

/** What a first fragment tells of its datagram, as flow_key.h has it. */
struct flow_fragment_ports {
	/** Of the flow's key. */
	uint16_t src, dst;
	/** That policy is asked about, host order. */
	uint16_t value;
	/** Behind IPv6 extension headers. */
	uint8_t protocol;
	/** The caller's. */
	uint8_t kind;
	/** Generation of the port that the first one leaves through; 0: it was flooded. */
	uint32_t way_out;
};

/** For packet threads 1 … threads and ports in slots 1 … slots. 0 or -ENOMEM. */
int flow_fragment_init(uint32_t slots, uint32_t threads);
/** Frees what waits, too. */
void flow_fragment_fini(void);

/**
 * Before a packet with PKT_FRAGMENT is decided; now: flow_now.
 * NEXT: a first fragment, or a whole packet, to be decided by its own headers (flow_fragment_decided), or, with
 * PKT_LATER_FRAGMENT, one that is decided by *ports. HELD: it waits, the mbuf is not the caller's any more. Else a
 * drop.
 */
verdict_t flow_fragment_enter(
        const struct pkt *pkt, const struct ingress *in, uint32_t now, struct flow_fragment_ports *ports);
/** What becomes of the packet that entered last, when it is a first fragment: NEXT or a drop; the others go by it. */
void flow_fragment_decided(
        const struct pkt *pkt, const struct ingress *in, const struct flow_fragment_ports *ports, verdict_t verdict);
/** What flow_fragment_enter says of a packet that no other comes before or behind; nothing is remembered. */
verdict_t flow_fragment_peek(
        const struct pkt *pkt, const struct ingress *in, uint32_t now, struct flow_fragment_ports *ports);

/** Takes fragments that wait no longer, and forgets what is old; once a round, until it says 0. A run of one port
 * (mbuf->port) of that generation, and of one verdict: NEXT, to walk again, or a drop. */
uint32_t flow_fragment_take(uint32_t thread, uint32_t now, struct rte_mbuf **mbufs, uint32_t room, uint32_t *generation,
        verdict_t *verdict);
/** For how long the thread may sleep, ms; UINT32_MAX: nothing waits. */
uint32_t flow_fragment_wait(uint32_t thread, uint32_t now);

#endif
