/*
 * The steps of a packet's walk, one file each. A stage looks at one packet and says what becomes of it (drop.h); it may
 * rewrite the packet's bytes, counts nothing and sends nothing. worker.c knows the order. Packet threads, inside a read
 * section.
 */
#ifndef FORWARDER_STAGE_H
#define FORWARDER_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "drop.h"
#include "forwarder.h"
#include "parse.h"
#include "port.h"

/** The port that packets entered through, resolved once per burst. */
struct ingress {
	const struct port *port;
	const struct fwd_port_row *row;
	const struct fwd_bridge_row *bridge;
};

#define GATEWAY_MAC_BYTES 0x00, 0x00, 0x5e, 0x00, 0x01, 0x00
extern const uint8_t gateway_mac[6];

static inline bool is_gateway_mac(const uint8_t *mac)
{
	return memcmp(mac, gateway_mac, sizeof(gateway_mac)) == 0;
}

/** VLAN tags off; finds the port a frame of a trunk belongs to. The slot (≥ 1), or 0 and *reason. Strips the tag into
 * vlan_tci. */
uint16_t stage_vlan(const struct port *port, bool trunk, struct rte_mbuf *mbuf, verdict_t *reason);

/** Source address against the port. NEXT or a drop. */
verdict_t stage_check(const struct pkt *pkt, const struct ingress *in);

/** Packets that a plugin answers. NEXT, PUNT (the mbuf is gone) or a drop. */
verdict_t stage_service(struct pkt *pkt, const struct ingress *in);

/** ARP, answered from neighbor rows. REPLY, FLOOD, NEXT (bridge it) or a drop. */
verdict_t stage_arp(struct pkt *pkt, const struct ingress *in);

/** Bridge or route? ROUTE, or what bridge says. */
verdict_t stage_bridge(struct pkt *pkt, const struct ingress *in);

/** Packet to an address of the gateway itself: echo requests are answered (RFC 792). REPLY or DROP_SERVICE_UNSERVED. */
verdict_t icmp_gateway(struct pkt *pkt);

/** Follows the route `handle` (tables_route4): checks TTL, rewrites MACs. SEND, REPLY or a drop. */
verdict_t stage_route(struct pkt *pkt, uint32_t handle);

/** Whether the packet may be routed at all: header checksum, addresses. ROUTE or a drop. */
verdict_t stage_route_check(const struct pkt *pkt);

#endif
