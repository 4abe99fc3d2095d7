/*
 * Translation in the walk: which packets are for an address inside that they do not name, and what becomes of the
 * addresses of a flow that begins. Rows say it (nat.h), nat_map.h has the ports of shared addresses, nat_rewrite.h
 * changes the bytes when the packet leaves.
 *
 * A pair of flow keys says all that later packets need: a packet of one direction leaves as the mirror of the other
 * direction's key. FLOW_NAT stands where that is not the mirror of its own.
 *
 *   a packet for an outside address    is routed by the address inside that it stands for, in that one's VRF, before
 *                                      policy is asked
 *   a packet to an uplink, or of one   gets an outside source: its port's floating address, or a port of a shared one;
 *   port to an outside address of      from a network that is routed natively it keeps its own
 *   another (a hairpin)
 *
 * Packet threads, inside a read section.
 */
#ifndef WEFT_FLOW_NAT_H
#define WEFT_FLOW_NAT_H

#include "flow_act.h"
#include "flow_fragment.h"
#include "nat.h"

enum nat_target_kind {
	/** Itself; for fragments that have entered. */
	NAT_TARGET_NONE,
	/** What the packet's flow says. */
	NAT_TARGET_FLOW,
	/** An ICMP error goes to the sender of the packet that it quotes. */
	NAT_TARGET_ERROR,
	NAT_TARGET_FLOATING,
	NAT_TARGET_SHARED,
};

/** What the destination address of a packet stands for. */
struct nat_target {
	/** Where the route is asked: 16 bytes as in rows. */
	uint8_t address[16];
	uint32_t vrf;
	/** SHARED: the inside port. Network order. */
	uint16_t port;
	/** enum nat_target_kind. */
	uint8_t kind;
	/** The packet is a fragment that flow_fragment_enter let pass, with these ports when it is a later one. */
	bool entered;
	struct flow_fragment_ports ports;
};

/**
 * The target of a packet whose flow was looked for, in *target and pkt->target; NULL: it is routed as it is. NEXT, HELD
 * (the mbuf is gone) or a drop. Fragments one at a time: stage_route comes before the next.
 */
verdict_t flow_nat_aim(struct pkt *pkt, const struct ingress *in, struct nat_target *target);

/** The same for a flow that begins anew in place of another that the packet was routed by. NEXT or a drop. */
verdict_t flow_nat_aim_anew(struct flow_question *question);

/** The translated flow, and direction, that an ICMP error is about, which enters where the packet it quotes left;
 * FLOW_NONE: there is none. */
uint32_t flow_nat_quoted(const struct pkt *pkt, const struct ingress *in);

/** Whether addresses of a packet must change, so that it may not pass without a flow. */
bool flow_nat_is_due(const struct flow_question *question);

/** What a first packet becomes: question's back, uplink, pool, and flags FLOW_NAT… . NEXT or a drop. */
verdict_t flow_nat_plan(struct flow_question *question);

/** Whether the rows of now would still translate a flow so. */
bool flow_nat_holds(const struct flow_pair *pair);

/** The VRF of the network that a port is in; 0: none. */
uint32_t flow_nat_vrf(uint32_t port);
/** Whether a VRF routes an address towards an uplink: only then is it one outside. What a network routes itself is its
 * own, whatever others have made of the same address. */
bool flow_nat_leads_out(uint32_t vrf, uint32_t uplink, uint8_t family, const uint8_t *address);
/** Whether an uplink leads an address to a network that is routed natively: it stands for no other. */
bool flow_nat_leads_in(uint32_t uplink, uint8_t family, const uint8_t *address);

/** Puts the outside port into question->back that its flow would get; nothing changes. NEXT or a drop. */
verdict_t flow_nat_peek(struct flow_question *question);
/** The outside ports that its flow uses, counted, in question->back and pair (keys and flags are set). tries: as
 * nat_map_take's. NEXT or a drop; what was taken so far the pair gives back. */
verdict_t flow_nat_take(struct flow_question *question, struct flow_pair *pair, uint32_t tries);

/** Stamps that hold for packets of one direction of a translated flow: without an uplink at either end (a hairpin) the
 * version of NAT rows is mixed in, which stand there in the uplink's place. */
static inline uint64_t flow_nat_stamps(const struct ingress *in, const struct way_out *out)
{
	return likely(out->uplink || stage_is_uplink(in)) ? out->stamps : out->stamps ^ in->hairpin;
}

/** Of the uplink that is reached from inside, for struct ingress; read before any row. */
static inline uint64_t flow_nat_hairpin(uint32_t uplink)
{
	/* So that no two versions differ as stamps of two policies do. */
	return nat_stamp(uplink)->stamp * 0x9e3779b97f4a7c15u;
}

/** What a packet with PKT_NAT leaves as the mirror of. */
const struct flow_key *flow_nat_back(const struct pkt *pkt);

#endif
