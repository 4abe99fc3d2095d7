#include "service_port.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "checksum.h"
#include "limit.h"
#include "offload.h"
#include "service.h"
#include "service_error.h"
#include "service_peer.h"
#include "tables.h"

#define PREFIX4          0xf0000000u
#define PREFIX4_BITS     5
#define GENERATION4_MASK 0x7fu
static const uint8_t prefix6[8] = {0x01, 0x00};

struct identity {
	uint32_t generation;
	uint16_t slot, place;
};

static void write_identity4(uint8_t *out, const struct identity *who)
{
	uint32_t address = rte_cpu_to_be_32(
	        PREFIX4 | (who->generation & GENERATION4_MASK) << 20 | (uint32_t)who->slot << 4 | who->place);

	memcpy(out, &address, sizeof(address));
}

static void write_identity6(uint8_t *out, const struct identity *who)
{
	uint32_t generation = rte_cpu_to_be_32(who->generation);
	uint16_t slot = rte_cpu_to_be_16(who->slot), place = rte_cpu_to_be_16(who->place);

	memcpy(out, prefix6, sizeof(prefix6));
	memcpy(out + 8, &generation, sizeof(generation));
	memcpy(out + 12, &slot, sizeof(slot));
	memcpy(out + 14, &place, sizeof(place));
}

static bool read_identity4(uint32_t address_be, struct identity *who)
{
	uint32_t address = rte_be_to_cpu_32(address_be);

	*who = (struct identity){.generation = address >> 20 & GENERATION4_MASK,
	        .slot = (uint16_t)(address >> 4),
	        .place = address & 0xf};
	return address >> (32 - PREFIX4_BITS) == PREFIX4 >> (32 - PREFIX4_BITS);
}

static bool read_identity6(const uint8_t *address, struct identity *who)
{
	uint32_t generation;
	uint16_t slot, place;

	memcpy(&generation, address + 8, sizeof(generation));
	memcpy(&slot, address + 12, sizeof(slot));
	memcpy(&place, address + 14, sizeof(place));
	*who = (struct identity){.generation = rte_be_to_cpu_32(generation),
	        .slot = rte_be_to_cpu_16(slot),
	        .place = rte_be_to_cpu_16(place)};
	return memcmp(address, prefix6, sizeof(prefix6)) == 0;
}

/* The checksum field of the packet's TCP or UDP header; NULL: it has none, or no checksum. */
static uint16_t *l4_checksum(const struct pkt *pkt)
{
	uint8_t *l4 = pkt->data + pkt->l4;

	if ((pkt->flags & PKT_L4) == 0)
		return NULL;
	if (pkt->protocol == IPPROTO_TCP)
		return (uint16_t *)(l4 + offsetof(struct rte_tcp_hdr, cksum));
	uint16_t *udp = (uint16_t *)(l4 + offsetof(struct rte_udp_hdr, dgram_cksum));
	return pkt->protocol != IPPROTO_UDP || (*udp == 0 && !offload_pending(pkt->mbuf)) ? NULL : udp;
}

/* Puts another address at `field`, and the checksums right. */
static void replace_address(const struct pkt *pkt, uint8_t *field, const uint8_t *address)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint32_t bytes = ipv4 ? 4 : 16, difference = checksum_difference(field, address, bytes);
	uint16_t *l4 = l4_checksum(pkt);

	if (ipv4) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
		ip->hdr_checksum = checksum_after(ip->hdr_checksum, difference);
	}
	/* What is left to hardware is the sum of the pseudo-header so far, not its complement. */
	if (l4 != NULL && offload_pending(pkt->mbuf))
		*l4 = checksum_fold(*l4 + difference);
	else if (l4 != NULL)
		*l4 = checksum_after(*l4, difference);
	if (l4 != NULL && *l4 == 0 && pkt->protocol == IPPROTO_UDP)
		*l4 = 0xffff;
	memcpy(field, address, bytes);
}

static void set_macs(const struct pkt *pkt, const uint8_t *destination)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;

	memcpy(eth->dst_addr.addr_bytes, destination, RTE_ETHER_ADDR_LEN);
	memcpy(eth->src_addr.addr_bytes, gateway_mac, RTE_ETHER_ADDR_LEN);
}

static bool opens_connection(const struct pkt *pkt)
{
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(pkt->data + pkt->l4);

	return pkt->protocol == IPPROTO_TCP &&
	       (tcp->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_SYN_FLAG;
}

/* What a port opens comes first: one that opens too much must not lose the connections that it has. */
static bool within_limits(const struct pkt *pkt, uint16_t slot)
{
	if (opens_connection(pkt) &&
	        !limit_take(LIMIT_SERVICE_OPEN, slot, LIMIT_SERVICE_OPEN_RATE, LIMIT_SERVICE_OPEN_BURST))
		return false;
	if (pkt->protocol == IPPROTO_UDP &&
	        !limit_take(LIMIT_SERVICE_DATAGRAM, slot, LIMIT_SERVICE_DATAGRAM_RATE, LIMIT_SERVICE_DATAGRAM_BURST))
		return false;
	return limit_take(LIMIT_SERVICE, slot, LIMIT_SERVICE_RATE, LIMIT_SERVICE_BURST);
}

verdict_t service_enter(struct pkt *pkt, const struct ingress *in, uint32_t owner)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	const struct port *port = port_of(service_port_of(owner));
	const struct fwd_port_row *row = port == NULL ? NULL : tables_port(port->id);
	struct service_peer peer = {0};
	struct identity who = {.generation = in->port->generation, .slot = in->port->slot};
	uint8_t address[16];

	if (row == NULL)
		return DROP_SERVICE_UNSERVED;
	RECORD(pkt, RECORD_EXIT, (uintptr_t)row->id);
	if (offload_ip_length(pkt->mbuf, pkt->l3) > port_mtu(row)) {
		pkt->mtu = port_mtu(row);
		return DROP_MTU_EXCEEDED;
	}
	if (!within_limits(pkt, who.slot))
		return DROP_SERVICE_LIMIT;
	memcpy(peer.mac, pkt->data + RTE_ETHER_ADDR_LEN, sizeof(peer.mac));
	memcpy(peer.address, ipv4 ? (const void *)&pkt->src_be : pkt_src6(pkt), ipv4 ? 4 : 16);
	who.place = (uint16_t)service_peer_take(who.slot, who.generation, ipv4 ? 4 : 6, &peer);
	if (ipv4)
		write_identity4(address, &who);
	else
		write_identity6(address, &who);
	replace_address(
	        pkt, ipv4 ? pkt->data + pkt->l3 + offsetof(struct rte_ipv4_hdr, src_addr) : pkt_src6(pkt), address);
	set_macs(pkt, row->mac);
	pkt->out = port->slot;
	return VERDICT_SEND;
}

/* Whether the plugin serves, in that VRF, what the packet says to come from. Of fragments only the first can tell; the
 * others are nothing without it. */
static bool is_answer(const struct pkt *pkt, uint32_t vrf, uint32_t receiver)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint8_t address[16] = {0};

	if (pkt->flags & PKT_LATER_FRAGMENT)
		return true;
	if ((pkt->flags & PKT_L4) == 0)
		return false;
	memcpy(address, ipv4 ? (const void *)&pkt->src_be : pkt_src6(pkt), ipv4 ? 4 : 16);
	const struct fwd_service_row *row = service_find(vrf, ipv4 ? 4 : 6, pkt->protocol, pkt->src_l4_port, address);
	return row != NULL && row->action == FWD_ACTION_PORT && tables_owner(row) == receiver;
}

static bool read_identity(const struct pkt *pkt, struct identity *who)
{
	return (pkt->flags & PKT_IPV4) != 0   ? read_identity4(pkt->dst_be, who)
	       : (pkt->flags & PKT_IPV6) != 0 ? read_identity6(pkt_dst6(pkt), who)
	                                      : false;
}

/* The port that an identity address tells of; NULL: it is gone. */
static const struct port *port_known_as(const struct pkt *pkt, const struct identity *who)
{
	const struct port *port = who->slot == 0 || who->slot > port_slot_limit() ? NULL : port_at(who->slot);
	uint32_t mask = (pkt->flags & PKT_IPV4) != 0 ? GENERATION4_MASK : UINT32_MAX;

	return port != NULL && ((port->generation ^ who->generation) & mask) == 0 ? port : NULL;
}

verdict_t stage_service_leave(struct pkt *pkt, const struct ingress *in)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	struct identity who;
	struct service_peer peer;

	if (!read_identity(pkt, &who))
		return DROP_SERVICE_STRAY;
	const struct port *port = port_known_as(pkt, &who);
	const struct fwd_port_row *row = port == NULL ? NULL : tables_port(port->id);
	const struct fwd_bridge_row *bridge = row == NULL ? NULL : tables_bridge(row->bridge);
	if (bridge == NULL || !service_peer_read(who.slot, port->generation, ipv4 ? 4 : 6, who.place, &peer))
		return DROP_SERVICE_STALE;
	bool error = !is_answer(pkt, bridge->vrf, in->row->parent);
	if (error && !service_error_is(pkt, bridge->vrf, in->row->parent))
		return DROP_SERVICE_STRAY;
	RECORD(pkt, RECORD_EXIT, (uintptr_t)row->id);
	uint16_t mtu = bridge->mtu != 0 && bridge->mtu < port_mtu(row) ? bridge->mtu : port_mtu(row);
	verdict_t verdict = route_fit(pkt, mtu);
	if (verdict < VERDICT_NEXT)
		return verdict;
	replace_address(pkt, ipv4 ? pkt->data + pkt->l3 + offsetof(struct rte_ipv4_hdr, dst_addr) : pkt_dst6(pkt),
	        peer.address);
	if (error)
		service_error_mend(pkt, peer.address);
	set_macs(pkt, peer.mac);
	pkt->out = port->slot;
	return verdict;
}
