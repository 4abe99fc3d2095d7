#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "fragment.h"
#include "nexthop.h"
#include "offload.h"
#include "stage.h"
#include "tables.h"

/* RFC 791 §3.2: every link takes 68 bytes: the longest header and 8 more. */
#define MTU_LEAST      68u
#define HEADER_LONGEST 60u
/* TCP payload that is worth a packet. */
#define SEGMENT_LEAST 8u

const uint8_t gateway_link_local[16] = {GATEWAY_LINK_LOCAL_BYTES};

/* First bytes of IPv4 addresses that may_be_routed4 must look at. */
static const uint8_t special4[256] = {[0] = 1, [127] = 1, [169] = 1, [224 ... 255] = 1};

static inline uint8_t first_byte(uint32_t address)
{
	return *(const uint8_t *)&address;
}

/* RFC 1812 §5.3.7: neither "this network", loopback nor multicast may be forwarded; link-local addresses (RFC 3927 §7)
 * and the limited broadcast stay on their link. Network byte order. */
static bool may_be_routed4(uint32_t address)
{
	bool link_local = (address & rte_cpu_to_be_32(0xffff0000)) == rte_cpu_to_be_32(0xa9fe0000);
	return !link_local && (first_byte(address) == 169 || !special4[first_byte(address)]);
}

/* RFC 4291 §2.5, RFC 4007 §9: multicast and link-local stay on their link; unspecified, loopback and the addresses that
 * embed IPv4's (::/96, ::ffff:0:0/96) are on none. */
static inline bool may_be_routed6(const uint8_t *address)
{
	uint64_t high;
	uint32_t next;

	memcpy(&high, address, sizeof(high));
	if (unlikely(high == 0)) {
		memcpy(&next, address + 8, sizeof(next));
		return next != 0 && next != rte_cpu_to_be_32(0xffff);
	}
	return address[0] != 0xff && !is_link_local(address);
}

static inline bool header_checksum_holds(const struct rte_ipv4_hdr *ip)
{
	uint64_t words[2];
	uint32_t last;

	if (unlikely(ip->version_ihl != RTE_IPV4_VHL_DEF))
		return rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) == 0xffff;
	memcpy(words, ip, sizeof(words));
	memcpy(&last, &ip->dst_addr, sizeof(last));
	/* 2^64 and 2^16 are 1 modulo 65,535, so end-around carries and folding to 16 bits keep the remainder; a sum
	 * above 0 ends at 0xffff only when that is 0 (RFC 1071 §2). */
	uint64_t sum = words[0] + words[1];
	sum += sum < words[1];
	sum += last;
	sum += sum < last;
	return sum % 0xffff == 0;
}

verdict_t stage_route_check4(const struct pkt *pkt)
{
	if (unlikely(!header_checksum_holds((const struct rte_ipv4_hdr *)(pkt->data + pkt->l3))))
		return DROP_MALFORMED;
	if (likely((special4[first_byte(pkt->src_be)] | special4[first_byte(pkt->dst_be)]) == 0))
		return VERDICT_ROUTE;
	return may_be_routed4(pkt->src_be) && may_be_routed4(pkt->dst_be) ? VERDICT_ROUTE : DROP_INVALID_ADDRESS;
}

verdict_t stage_route_check6(const struct pkt *pkt)
{
	return may_be_routed6(pkt_src6(pkt)) && may_be_routed6(pkt_dst6(pkt)) ? VERDICT_ROUTE : DROP_INVALID_ADDRESS;
}

/* Port and MTU behind a next hop. It must still mean the network it was made for; bridge 0: any. */
static bool find_port(const struct ingress *in, struct egress *out, uint32_t id, uint32_t bridge)
{
	if (out->way.slot != 0 && out->way.port == id && out->bridge == bridge)
		return true;
	const struct port *port = port_of(id);
	const struct fwd_port_row *row = tables_port(id);
	*out = (struct egress){0};
	if (port == NULL || row == NULL || (bridge != 0 && row->bridge != bridge))
		return false;
	const struct fwd_bridge_row *network = tables_bridge(row->bridge);
	uint32_t mtu = port_mtu(row);
	if (network != NULL && network->mtu != 0 && network->mtu < mtu)
		mtu = network->mtu;
	*out = (struct egress){.way = stage_way_out(in, port, row), .bridge = bridge, .mtu = (uint16_t)mtu};
	out->asked = stage_asks_policy(in, out->way.rules);
	return true;
}

/* Who has the destination on a connected subnet: rows first, then what was learned. NEXT, or what becomes of the
 * packet. */
static verdict_t find_neighbor(struct pkt *pkt, uint32_t bridge, const uint8_t **mac, uint32_t *port)
{
	const struct fwd_neighbor_row *row = (pkt->flags & PKT_IPV4) != 0 ? tables_neighbor4(bridge, pkt->dst_be)
	                                                                  : tables_neighbor(bridge, 6, pkt_dst6(pkt));

	if (row == NULL) {
		const struct fwd_learned_neighbor_row *learned =
		        (pkt->flags & PKT_IPV6) != 0 ? tables_learned_neighbor(bridge, pkt_dst6(pkt)) : NULL;
		if (learned == NULL)
			return DROP_NO_NEIGHBOR;
		RECORD(pkt, RECORD_LEARNED_NEIGHBOR, learned);
		*mac = learned->mac;
		*port = learned->port;
		return VERDICT_NEXT;
	}
	RECORD(pkt, RECORD_NEIGHBOR, row);
	if (row->flags & FWD_NEIGHBOR_GATEWAY)
		return icmp_gateway(pkt);
	*mac = row->mac;
	if (*port != 0)
		return VERDICT_NEXT;
	const struct fwd_mac_row *place = tables_mac(bridge, row->mac);
	const struct fwd_learned_mac_row *learned = place == NULL ? tables_learned_mac(bridge, row->mac) : NULL;
	if (place == NULL && learned == NULL)
		return DROP_UNRESOLVED;
	*port = place != NULL ? place->port : learned->port;
	return VERDICT_NEXT;
}

static inline uint8_t *hop_limit(const struct pkt *pkt)
{
	return pkt->data + pkt->l3 +
	       ((pkt->flags & PKT_IPV4) != 0 ? offsetof(struct rte_ipv4_hdr, time_to_live)
	                                     : offsetof(struct rte_ipv6_hdr, hop_limits));
}

static __attribute__((noinline)) verdict_t find_egress(struct pkt *pkt, const struct ingress *in,
        const struct fwd_nexthop_row *nexthop, struct egress *out, const uint8_t **mac)
{
	static const uint8_t zero[6];
	uint32_t port = nexthop->port;
	bool connected = memcmp(nexthop->mac, zero, sizeof(zero)) == 0;

	if (connected) {
		verdict_t verdict = find_neighbor(pkt, nexthop->bridge, mac, &port);
		if (verdict == DROP_NO_NEIGHBOR && *hop_limit(pkt) <= 1)
			return DROP_TTL_EXCEEDED;
		if (verdict != VERDICT_NEXT)
			return verdict;
	}
	if (!find_port(in, out, port, nexthop->bridge))
		return DROP_UNRESOLVED;
	out->nexthop = connected ? NULL : nexthop;
	return VERDICT_NEXT;
}

static __attribute__((noinline, cold)) verdict_t follow_special(
        struct pkt *pkt, const struct ingress *in, const struct fwd_nexthop_row *nexthop)
{
	if (nexthop->type == FWD_NEXTHOP_BLACKHOLE)
		return DROP_BLACKHOLE;
	if (nexthop->type != FWD_NEXTHOP_PUNT)
		return DROP_NEXTHOP_DROP;
	const struct fwd_punt_class_row *punt_class = tables_punt_class(nexthop->punt_class);
	/* A plugin steers packets to itself only. */
	if (punt_class == NULL || punt_class->receiver != tables_owner(nexthop))
		return DROP_UNRESOLVED;
	return steer_punt(pkt, in, punt_class);
}

static __attribute__((noinline)) const struct fwd_nexthop_row *choose_member(const struct pkt *pkt, uint32_t handle)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	const uint8_t *addresses = ipv4 ? pkt->data + pkt->l3 + offsetof(struct rte_ipv4_hdr, src_addr) : pkt_src6(pkt);
	bool ports = (pkt->protocol == IPPROTO_TCP || pkt->protocol == IPPROTO_UDP) && (pkt->flags & PKT_FRAGMENT) == 0;

	uint32_t hash = nexthop_flow_hash(addresses, ipv4 ? 8 : 32, pkt->protocol,
	        ports ? (uint32_t)pkt->src_l4_port << 16 | pkt->dst_l4_port : 0);
	return nexthop_resolve(handle, hash);
}

__attribute__((noinline, cold)) verdict_t route_fit(struct pkt *pkt, uint16_t mtu)
{
	struct rte_mbuf *mbuf = pkt->mbuf;
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	uint32_t headers = (uint32_t)mbuf->l3_len + mbuf->l4_len;

	if (offload_ip_length(mbuf, pkt->l3) <= mtu)
		return VERDICT_SEND;
	pkt->mtu = mtu;
	if ((pkt->flags & PKT_IPV6) != 0 || (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)) != 0)
		return DROP_MTU_EXCEEDED;
	if (!offload_is_large(mbuf))
		return mtu < MTU_LEAST || mbuf->pkt_len / (mtu - HEADER_LONGEST) >= FRAGMENT_LIMIT ? DROP_MTU_EXCEEDED
		                                                                                   : VERDICT_FRAGMENT;
	/* A stream may be cut anywhere, datagrams may not. */
	if ((mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0 || headers + SEGMENT_LEAST > mtu)
		return DROP_MTU_EXCEEDED;
	mbuf->tso_segsz = (uint16_t)(mtu - headers);
	return VERDICT_SEND;
}

static inline void rewrite(const struct pkt *pkt, uint8_t *limit, const uint8_t *mac)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)pkt->data;

	if (likely((pkt->flags & PKT_IPV4) != 0)) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(limit - offsetof(struct rte_ipv4_hdr, time_to_live));
		/* RFC 1624 eqn. 3 for the word TTL|protocol, which lost 0x0100: the checksum gains it. */
		uint32_t sum = (uint32_t)ip->hdr_checksum + rte_cpu_to_be_16(0x0100);
		ip->hdr_checksum = (uint16_t)(sum + (sum >> 16));
	}
	--*limit;
	memcpy(eth->dst_addr.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
	memcpy(eth->src_addr.addr_bytes, gateway_mac, RTE_ETHER_ADDR_LEN);
}

verdict_t stage_route(struct pkt *pkt, const struct ingress *in, uint32_t handle, struct egress *outs)
{
	const struct fwd_nexthop_row *nexthop = tables_nexthop(handle);
	verdict_t verdict = VERDICT_SEND;

	RECORD(pkt, RECORD_ROUTE, (uintptr_t)handle);
	if (unlikely(handle == 0))
		return DROP_NO_ROUTE;
	if (unlikely(nexthop == NULL))
		return DROP_UNRESOLVED;
	if (unlikely(nexthop->type == FWD_NEXTHOP_ECMP)) {
		nexthop = choose_member(pkt, handle);
		if (nexthop == NULL)
			return DROP_ECMP_EMPTY;
	}
	RECORD(pkt, RECORD_NEXTHOP, nexthop);
	if (unlikely(nexthop->type != FWD_NEXTHOP_PORT))
		return follow_special(pkt, in, nexthop);
	const uint8_t *mac = nexthop->mac;
	struct egress *out = &outs[nexthop->id % EGRESSES];
	if (out->nexthop != nexthop) {
		const uint8_t *resolved = mac;
		verdict_t found = find_egress(pkt, in, nexthop, out, &resolved);
		if (found != VERDICT_NEXT)
			return found;
		mac = resolved;
	}
	RECORD(pkt, RECORD_EXIT, (uintptr_t)out->way.port);
	uint8_t *limit = hop_limit(pkt);
	if (unlikely(*limit <= 1))
		return DROP_TTL_EXCEEDED;
	if (unlikely(pkt->mbuf->pkt_len - pkt->l3 > out->mtu)) {
		verdict = route_fit(pkt, out->mtu);
		if (verdict < VERDICT_NEXT)
			return verdict;
	}
	if (unlikely(out->asked)) {
		verdict_t allowed = stage_flow(pkt, in, &out->way);
		if (allowed != VERDICT_NEXT)
			return allowed;
	}
	pkt->out = out->way.slot;
	rewrite(pkt, limit, mac);
	return verdict;
}
