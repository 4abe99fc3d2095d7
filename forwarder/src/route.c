#include <rte_ether.h>
#include <rte_ip.h>

#include "stage.h"
#include "tables.h"

/* RFC 1812 §5.3.7: neither "this network", loopback nor multicast may be forwarded; the limited broadcast stays on its
 * link. */
static bool may_be_routed(uint32_t address)
{
	uint8_t first = (uint8_t)(address >> 24);

	return first != 0 && first != 127 && first < 224;
}

verdict_t stage_route_check(const struct pkt *pkt)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);

	if (rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) != 0xffff)
		return DROP_MALFORMED;
	if (!may_be_routed(rte_be_to_cpu_32(pkt->src_be)) || !may_be_routed(rte_be_to_cpu_32(pkt->dst_be)))
		return DROP_INVALID_ADDRESS;
	return VERDICT_ROUTE;
}

/* Finds port and MAC of a destination on a connected subnet. NEXT, or what becomes of the packet. */
static verdict_t resolve_neighbor(struct pkt *pkt, uint32_t bridge, const uint8_t **mac, uint32_t *port)
{
	const struct fwd_neighbor_row *neighbor = tables_neighbor4(bridge, pkt->dst_be);

	if (neighbor == NULL)
		return DROP_NO_NEIGHBOR;
	if (neighbor->flags & FWD_NEIGHBOR_GATEWAY)
		return icmp_gateway(pkt);
	*mac = neighbor->mac;
	if (*port == 0) {
		const struct fwd_mac_row *row = tables_mac(bridge, neighbor->mac);
		if (row == NULL)
			return DROP_UNRESOLVED;
		*port = row->port;
	}
	return VERDICT_NEXT;
}

/* TTL first: what expires here is not rewritten. The place where ICMP time exceeded will be made is the caller of this
 * verdict. */
static verdict_t rewrite(struct pkt *pkt, const uint8_t *mac)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(pkt->data + pkt->l3);

	if (ip->time_to_live <= 1)
		return DROP_TTL_EXCEEDED;
	ip->time_to_live--;
	/* RFC 1624 eqn. 3 for the word TTL|protocol, which lost 0x0100: the checksum gains it. */
	uint32_t sum = (uint32_t)ip->hdr_checksum + rte_cpu_to_be_16(0x0100);
	ip->hdr_checksum = (uint16_t)(sum + (sum >> 16));
	memcpy(eth->dst_addr.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
	memcpy(eth->src_addr.addr_bytes, gateway_mac, RTE_ETHER_ADDR_LEN);
	return VERDICT_SEND;
}

verdict_t stage_route(struct pkt *pkt, uint32_t handle)
{
	static const uint8_t zero[6];

	if (handle == 0)
		return DROP_NO_ROUTE;
	const struct fwd_nexthop_row *nexthop = tables_nexthop(handle);
	if (nexthop == NULL)
		return DROP_UNRESOLVED;
	if (nexthop->type != FWD_NEXTHOP_PORT)
		return nexthop->type == FWD_NEXTHOP_BLACKHOLE ? DROP_BLACKHOLE : DROP_NEXTHOP_DROP;
	const uint8_t *mac = nexthop->mac;
	uint32_t port = nexthop->port;
	if (memcmp(mac, zero, sizeof(zero)) == 0) {
		verdict_t verdict = resolve_neighbor(pkt, nexthop->bridge, &mac, &port);
		if (verdict != VERDICT_NEXT)
			return verdict;
	}
	const struct port *out = port_of(port);
	const struct fwd_port_row *out_row = tables_port(port);
	/* The next hop must still mean the network it was made for. */
	if (out == NULL || out_row == NULL || (nexthop->bridge != 0 && out_row->bridge != nexthop->bridge))
		return DROP_UNRESOLVED;
	pkt->out = out->slot;
	return rewrite(pkt, mac);
}
