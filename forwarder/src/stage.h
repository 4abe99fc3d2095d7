/*
 * The steps of a packet's walk, one file each. A stage looks at one packet and says what becomes of it (drop.h); it may
 * rewrite the packet's bytes, counts nothing and sends nothing. pipeline.c knows the order. Packet threads, inside a
 * read section.
 */
#ifndef FORWARDER_STAGE_H
#define FORWARDER_STAGE_H

#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "drop.h"
#include "forwarder.h"
#include "parse.h"
#include "policy.h"
#include "port.h"

struct guard;

/** The port that packets entered through, resolved once per burst. */
struct ingress {
	const struct port *port;
	const struct fwd_port_row *row;
	const struct fwd_bridge_row *bridge;
	/** Where a port with security may send from. Never NULL. */
	const struct guard *guard;
	/** The rules of now, and the part of the port in them. Never NULL. */
	const struct policy *policy;
	const struct policy_port *rules;
	/** Stamp of `rules`. */
	uint32_t stamp;
	/** Number of the packet thread; block of stats.h. */
	uint32_t thread;
	/** The uplink whose outside addresses packets may be for: of an uplink itself, of others the one of their VRF
	 * (nat_vrf); 0: there is none. */
	uint32_t uplink;
	/** What stamps of hairpins through that uplink have beside those of their ports (flow_nat.h). */
	uint64_t hairpin;
	/** MAC address of the router here: an uplink's own, gateway_mac else. Never NULL. */
	const uint8_t *mac;
};

static inline bool stage_is_uplink(const struct ingress *in)
{
	return (in->row->flags & FWD_PORT_UPLINK) != 0;
}

/** Whether one of the two ports of a packet has policy: then stage_flow is asked. */
static inline bool stage_asks_policy(const struct ingress *in, const struct policy_port *to)
{
	_Static_assert(POLICY_OPEN == 0, "one test for both");
	return (in->stamp | to->stamp) != POLICY_OPEN;
}

/** The same of a port whose part is not known yet. */
static inline bool stage_may_ask(const struct ingress *in, const struct fwd_port_row *to)
{
	return ((to->flags & FWD_PORT_POLICY_REQUIRED) | in->stamp) != 0;
}

/** Next hops of a burst that are known already: by the low bits of their ids. */
#define EGRESSES 4u

/** The port that a packet is to leave through. */
struct way_out {
	/** Port id. */
	uint32_t port;
	uint32_t generation;
	/** The part of the port in in->policy. Never NULL. */
	const struct policy_port *rules;
	/** Of the rules of both ports, as struct flow_half keeps them. */
	uint64_t stamps;
	uint16_t slot;
	/** The port is an uplink. */
	bool uplink;
};

/** A port that packets may leave through; row: its own. */
static inline struct way_out stage_way_out(
        const struct ingress *in, const struct port *port, const struct fwd_port_row *row)
{
	const struct policy_port *rules = policy_of(in->policy, row);

	return (struct way_out){.port = port->id,
	        .generation = port->generation,
	        .rules = rules,
	        .stamps = (uint64_t)rules->stamp << 32 | in->rules->stamp,
	        .slot = port->slot,
	        .uplink = (row->flags & FWD_PORT_UPLINK) != 0};
}

/** Where a next hop sends to; kept over a burst, for most packets have the same few. nexthop and way.slot: 0 to begin.
 */
struct egress {
	/** With a MAC address of its own; NULL: none yet. */
	const struct fwd_nexthop_row *nexthop;
	struct way_out way;
	uint32_t bridge;
	/** Largest IP packet of port and bridge. */
	uint16_t mtu;
	/** stage_flow is asked: one of the two ports has policy, or addresses may change. */
	bool asked;
	/** Addresses may change: packets may be for outside addresses, or leave through an uplink. */
	bool translated;
	/** Of the router behind a next hop of type gateway. */
	uint8_t mac[6];
};

/** What a step of the walk decided by. Only a build with a recorder of its own (trace) does something with it; value is
 * a row, or a number cast to a pointer. */
enum record_kind {
	RECORD_SERVICE,
	RECORD_MAC,
	RECORD_LEARNED_MAC,
	RECORD_NEIGHBOR,
	RECORD_LEARNED_NEIGHBOR,
	/** In which the next route is looked for: number. */
	RECORD_VRF,
	/** Handle of the route's next hop; 0: no route. */
	RECORD_ROUTE,
	/** The next hop that was followed; after the choice in a group. */
	RECORD_NEXTHOP,
	RECORD_GATEWAY,
	RECORD_FLOATING_IP,
	RECORD_NAT_ADDRESS,
	RECORD_VRF_NAT,
	/** Port id. */
	RECORD_EXIT,
	/** Handle of a rule of policy.h that decided; POLICY_NO_RULE: none did. */
	RECORD_RULE,
	/** Flow and direction (flow_table.h). */
	RECORD_FLOW,
};
#ifndef RECORD
#define RECORD(pkt, kind, value) ((void)0)
#endif

#define GATEWAY_MAC_BYTES        0x00, 0x00, 0x5e, 0x00, 0x01, 0x00
#define GATEWAY_LINK_LOCAL_BYTES 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x01, 0x00
extern const uint8_t gateway_mac[6];
/** fe80::200:5eff:fe00:100: the gateway of every network that routes, in a VRF. */
extern const uint8_t gateway_link_local[16];

static inline bool is_gateway_mac(const uint8_t *mac)
{
	return memcmp(mac, gateway_mac, sizeof(gateway_mac)) == 0;
}

/** fe80::/10 (RFC 4291 §2.5.6). */
static inline bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/** The router's link-local address at a port: of an uplink the one that its MAC address makes (RFC 4291 appendix A).
 * out: 16 bytes. */
static inline void stage_link_local(const struct ingress *in, uint8_t *out)
{
	const uint8_t *mac = in->mac;

	if (likely(!stage_is_uplink(in)))
		memcpy(out, gateway_link_local, sizeof(gateway_link_local));
	else
		memcpy(out,
		        (uint8_t[16]){0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3],
		                mac[4], mac[5]},
		        16);
}

/** The router's link-local address, on a network where it lives. */
static inline bool is_gateway_link_local(const struct ingress *in, const uint8_t *address)
{
	uint8_t own[16];

	if (likely(!is_link_local(address)) || in->bridge->vrf == 0 ||
	        (in->bridge->mode == FWD_MODE_L2 && !stage_is_uplink(in)))
		return false;
	stage_link_local(in, own);
	return memcmp(address, own, sizeof(own)) == 0;
}

/** VLAN tags off; finds the port a frame of a trunk belongs to. The slot (≥ 1), or 0 and *reason. Strips the tag into
 * vlan_tci. */
uint16_t stage_vlan(const struct port *port, bool trunk, struct rte_mbuf *mbuf, verdict_t *reason);

/** What comes in through an uplink, up to its flow: ARP and neighbour discovery are answered, the rest must be for the
 * router's MAC address. ROUTE, REPLY or a drop. */
verdict_t stage_underlay(struct pkt *pkt, const struct ingress *in);

/** Source address against the port. NEXT or a drop. */
verdict_t stage_check(const struct pkt *pkt, const struct ingress *in);

/** Packets that a plugin answers. NEXT, PUNT (the mbuf is gone), SEND (to its service port) or a drop. */
verdict_t stage_service(struct pkt *pkt, const struct ingress *in);

/** Hands a packet to a plugin. PUNT (the mbuf is gone) or a drop. */
verdict_t steer_punt(struct pkt *pkt, const struct ingress *in, const struct fwd_punt_class_row *punt_class);

/** ARP, answered from neighbor rows. REPLY, FLOOD, NEXT (bridge it) or a drop. */
verdict_t stage_arp(struct pkt *pkt, const struct ingress *in);

/** Neighbour discovery and router solicitations (ICMPv6). REPLY, FLOOD, NEXT (bridge it) or a drop. */
verdict_t stage_nd(struct pkt *pkt, const struct ingress *in);

/** Whether the way of a frame is asked of the MAC rows: then stage_mac bridges it, else stage_bridge. */
static inline bool stage_asks_mac(const struct pkt *pkt, const struct ingress *in)
{
	return (pkt->flags & PKT_GROUP) == 0 && !is_gateway_mac(pkt->data) && in->bridge->mode != FWD_MODE_L3;
}

/** By pkt->mac, the row of the destination, or else what was learned. SEND, FLOOD or a drop. */
verdict_t stage_mac(struct pkt *pkt, const struct ingress *in);

/** What is for the gateway or for many: ROUTE, FLOOD, REPLY or a drop. */
verdict_t stage_bridge(struct pkt *pkt, const struct ingress *in);

/** Packet to an address of the gateway itself: echo requests are answered (RFC 792, RFC 4443 §4.2). REPLY or
 * DROP_SERVICE_UNSERVED. */
verdict_t icmp_gateway(struct pkt *pkt, const struct ingress *in);

/** A packet to the gateway's MAC that no route takes (refused: NO_ROUTE, INVALID_ADDRESS, NOT_ROUTED). To an address
 * that service rows name it is answered as at a gateway's own: REPLY, or DROP_SERVICE_UNSERVED; else `refused`. */
verdict_t icmp_unrouted(struct pkt *pkt, const struct ingress *in, verdict_t refused);

/** Whether the packet may be routed at all: header checksum, addresses and their scope. ROUTE or a drop. */
verdict_t stage_route_check4(const struct pkt *pkt);
verdict_t stage_route_check6(const struct pkt *pkt);
/** Either; out of line. */
verdict_t stage_route_check(const struct pkt *pkt);

/** Follows the route `handle` (tables_route4, tables_route6): hop limit, MTU, translation, MACs. SEND, FRAGMENT, REPLY,
 * PUNT, HELD or a drop; nothing is rewritten before a drop. outs: EGRESSES of them. */
verdict_t stage_route(struct pkt *pkt, const struct ingress *in, uint32_t handle, struct egress *outs);
/** The same, out of line: for bursts whose addresses may change. */
verdict_t stage_route_translated(struct pkt *pkt, const struct ingress *in, uint32_t handle, struct egress *outs);

/** The way out is known, and one of the two ports has policy: what the flow of the packet, or else policy, says; a new
 * flow is remembered. NEXT, HELD (the mbuf is gone), AGAIN (once, of a packet in a burst) or a drop. flow.h. */
verdict_t stage_flow(struct pkt *pkt, const struct ingress *in, const struct way_out *out);

/** Whether the packet fits a way out with that MTU: SEND, as it is or cut into segments; FRAGMENT; or
 * DROP_MTU_EXCEEDED. */
verdict_t route_fit(struct pkt *pkt, uint16_t mtu);

#endif
