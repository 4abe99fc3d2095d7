#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "flow_nat.h"
#include "fragment.h"
#include "nat_rewrite.h"
#include "nexthop.h"
#include "offload.h"
#include "stage.h"
#include "tables.h"
#include "uplink.h"

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

static inline __attribute__((always_inline)) verdict_t check4(const struct pkt *pkt)
{
	if (unlikely(!header_checksum_holds((const struct rte_ipv4_hdr *)(pkt->data + pkt->l3))))
		return DROP_MALFORMED;
	if (likely((special4[first_byte(pkt->src_be)] | special4[first_byte(pkt->dst_be)]) == 0))
		return VERDICT_ROUTE;
	return may_be_routed4(pkt->src_be) && may_be_routed4(pkt->dst_be) ? VERDICT_ROUTE : DROP_INVALID_ADDRESS;
}

static inline __attribute__((always_inline)) verdict_t check6(const struct pkt *pkt)
{
	return may_be_routed6(pkt_src6(pkt)) && may_be_routed6(pkt_dst6(pkt)) ? VERDICT_ROUTE : DROP_INVALID_ADDRESS;
}

/* These two are inlined into the walk, whose only callers of them bridge.c has. */
verdict_t stage_route_check4(const struct pkt *pkt)
{
	return check4(pkt);
}

verdict_t stage_route_check6(const struct pkt *pkt)
{
	return check6(pkt);
}

__attribute__((noinline)) verdict_t stage_route_check(const struct pkt *pkt)
{
	return (pkt->flags & PKT_IPV4) != 0 ? check4(pkt) : check6(pkt);
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
	out->translated = in->uplink != 0 || out->way.uplink;
	out->asked = out->translated || stage_asks_policy(in, out->way.rules);
	return true;
}

/* The address that the packet is routed by, as in rows. */
static void destination_of(const struct pkt *pkt, uint8_t *address)
{
	memset(address, 0, 16);
	if (unlikely(pkt->target != NULL))
		memcpy(address, pkt->target->address, 16);
	else if (pkt->flags & PKT_IPV4)
		memcpy(address, &pkt->dst_be, sizeof(pkt->dst_be));
	else
		memcpy(address, pkt_dst6(pkt), 16);
}

static uint8_t family_of(const struct pkt *pkt)
{
	return (pkt->flags & PKT_IPV4) != 0 ? 4 : 6;
}

static const struct fwd_neighbor_row *find_row(const struct pkt *pkt, uint32_t bridge)
{
	if (unlikely(pkt->target != NULL))
		return tables_neighbor(bridge, family_of(pkt), pkt->target->address);
	return (pkt->flags & PKT_IPV4) != 0 ? tables_neighbor4(bridge, pkt->dst_be)
	                                    : tables_neighbor(bridge, 6, pkt_dst6(pkt));
}

/* The uplink that is alone in its bridge; 0: it is none. */
static uint32_t uplink_of(uint32_t bridge)
{
	const struct port_members *members = port_members(bridge);
	const struct port *port = members == NULL || __atomic_load_n(&members->count, __ATOMIC_ACQUIRE) != 1
	                                  ? NULL
	                                  : port_at(members->slots[0]);
	const struct fwd_port_row *row = port == NULL ? NULL : tables_port(port->id);

	return row != NULL && (row->flags & FWD_PORT_UPLINK) != 0 ? port->id : 0;
}

static inline uint8_t *hop_limit(const struct pkt *pkt)
{
	return pkt->data + pkt->l3 +
	       ((pkt->flags & PKT_IPV4) != 0 ? offsetof(struct rte_ipv4_hdr, time_to_live)
	                                     : offsetof(struct rte_ipv6_hdr, hop_limits));
}

/* Who has an address behind an uplink. What nobody will get is not asked for. */
static verdict_t find_outside(struct pkt *pkt, const struct ingress *in, uint32_t uplink, uint8_t family,
        const uint8_t *address, const uint8_t **mac)
{
	if (stage_is_uplink(in))
		return DROP_UPLINK_TRANSIT;
	*mac = uplink_find(uplink, family, address);
	if (likely(*mac != NULL))
		return VERDICT_NEXT;
	return *hop_limit(pkt) <= 1 ? DROP_TTL_EXCEEDED : uplink_ask(pkt, in, uplink, family, address);
}

/* Not in rows: what was learned, or behind an uplink what neighbours answer. */
static __attribute__((noinline)) verdict_t find_learned(
        struct pkt *pkt, const struct ingress *in, uint32_t bridge, const uint8_t **mac, uint32_t *port)
{
	uint32_t uplink = uplink_of(bridge);
	uint8_t address[16];

	destination_of(pkt, address);
	if (uplink != 0) {
		*port = uplink;
		return find_outside(pkt, in, uplink, family_of(pkt), address, mac);
	}
	const struct fwd_learned_neighbor_row *learned =
	        (pkt->flags & PKT_IPV6) != 0 ? tables_learned_neighbor(bridge, address) : NULL;
	if (learned == NULL)
		return DROP_NO_NEIGHBOR;
	RECORD(pkt, RECORD_LEARNED_NEIGHBOR, learned);
	*mac = learned->mac;
	*port = learned->port;
	return VERDICT_NEXT;
}

/* Who has the destination on a connected subnet. NEXT, or what becomes of the packet. */
static verdict_t find_neighbor(
        struct pkt *pkt, const struct ingress *in, uint32_t bridge, const uint8_t **mac, uint32_t *port)
{
	const struct fwd_neighbor_row *row = find_row(pkt, bridge);

	if (row == NULL)
		return find_learned(pkt, in, bridge, mac, port);
	RECORD(pkt, RECORD_NEIGHBOR, row);
	if (row->flags & FWD_NEIGHBOR_GATEWAY)
		return icmp_gateway(pkt, in);
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

static __attribute__((noinline)) verdict_t find_egress(struct pkt *pkt, const struct ingress *in,
        const struct fwd_nexthop_row *nexthop, struct egress *out, const uint8_t **mac)
{
	static const uint8_t zero[6];
	uint32_t port = nexthop->port;
	bool connected = memcmp(nexthop->mac, zero, sizeof(zero)) == 0;

	if (connected) {
		verdict_t verdict = find_neighbor(pkt, in, nexthop->bridge, mac, &port);
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

/* A router behind an uplink. */
static __attribute__((noinline)) verdict_t find_gateway(
        struct pkt *pkt, const struct ingress *in, const struct fwd_nexthop_row *nexthop, struct egress *out)
{
	const struct fwd_gateway_row *gateway = uplink_gateway(nexthop->port, nexthop->target);
	const uint8_t *mac;

	if (gateway == NULL)
		return DROP_UNRESOLVED;
	RECORD(pkt, RECORD_GATEWAY, gateway);
	verdict_t verdict = find_outside(pkt, in, nexthop->port, gateway->family, gateway->address, &mac);
	if (verdict != VERDICT_NEXT)
		return verdict;
	if (!find_port(in, out, nexthop->port, nexthop->bridge))
		return DROP_UNRESOLVED;
	memcpy(out->mac, mac, sizeof(out->mac));
	out->nexthop = nexthop;
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

/* The next hop of a route, which may be a group. NEXT or a drop. */
static inline __attribute__((always_inline)) verdict_t find_nexthop(
        const struct pkt *pkt, uint32_t handle, const struct fwd_nexthop_row **out)
{
	const struct fwd_nexthop_row *nexthop = tables_nexthop(handle);

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
	*out = nexthop;
	return VERDICT_NEXT;
}

/* The next hop in the VRF that one names. */
static verdict_t look_in_vrf(const struct pkt *pkt, const struct fwd_nexthop_row **nexthop)
{
	uint32_t vrf = (*nexthop)->target, address_be = pkt->dst_be, handle;

	RECORD(pkt, RECORD_VRF, (uintptr_t)vrf);
	if (likely((pkt->flags & PKT_IPV4) != 0)) {
		if (unlikely(pkt->target != NULL))
			memcpy(&address_be, pkt->target->address, sizeof(address_be));
		handle = tables_route4(vrf, address_be);
	} else {
		handle = tables_route6(vrf, pkt->target != NULL ? pkt->target->address : pkt_dst6(pkt));
	}
	return find_nexthop(pkt, handle, nexthop);
}

/* The VRF that a next hop names knows the way: mostly an uplink's, which may lead inside again, to a network that is
 * routed natively, and no further. */
static __attribute__((noinline)) verdict_t follow_vrf(struct pkt *pkt, const struct fwd_nexthop_row **nexthop)
{
	verdict_t verdict = look_in_vrf(pkt, nexthop);

	if (likely(verdict != VERDICT_NEXT || (*nexthop)->type != FWD_NEXTHOP_VRF))
		return verdict;
	pkt->flags |= PKT_TURNS;
	verdict = look_in_vrf(pkt, nexthop);
	return verdict == VERDICT_NEXT && (*nexthop)->type == FWD_NEXTHOP_VRF ? DROP_NO_ROUTE : verdict;
}

static inline void rewrite(const struct pkt *pkt, uint8_t *limit, const uint8_t *mac, const uint8_t *source)
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
	memcpy(eth->src_addr.addr_bytes, source, RTE_ETHER_ADDR_LEN);
}

/* RFC 5508 §4.2 REQ-5 c: who speaks from inside does it by an outside address of its own, if it has one. */
static __attribute__((noinline, cold)) void translate_error(
        struct pkt *pkt, const struct ingress *in, const struct way_out *out)
{
	const struct flow_key *key = &flow_pair(&flows, pkt->flow)->half[pkt->flow & 1].key;
	const struct fwd_floating_ip_row *own = NULL;
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint8_t source[16] = {0}, destination[16] = {0};

	memcpy(source, ipv4 ? (const void *)&pkt->src_be : pkt_src6(pkt), ipv4 ? 4 : 16);
	memcpy(destination, ipv4 ? (const void *)&pkt->dst_be : pkt_dst6(pkt), ipv4 ? 4 : 16);
	if (!stage_is_uplink(in))
		own = nat_floating_of(
		        in->port->id, out->uplink ? out->port : in->uplink, family_of(pkt), source, destination);
	nat_rewrite_error(pkt, flow_nat_back(pkt), key, own == NULL ? NULL : own->address);
}

/* As its flow says. */
static inline void translate(struct pkt *pkt, const struct ingress *in, const struct way_out *out)
{
	if (likely((pkt->flags & PKT_NAT) != 0))
		nat_rewrite(pkt, flow_nat_back(pkt));
	else
		translate_error(pkt, in, out);
}

/* A packet that is allowed leaves. */
static inline __attribute__((always_inline)) void leave(
        struct pkt *pkt, const struct egress *out, uint8_t *limit, const uint8_t *mac, const uint8_t *source)
{
	pkt->out = out->way.slot;
	rewrite(pkt, limit, mac, source);
}

/* Where addresses may change. Between two open ports there are flows only where an outside address is. */
static __attribute__((noinline)) verdict_t leave_translated(struct pkt *pkt, const struct ingress *in,
        const struct egress *out, uint8_t *limit, const uint8_t *mac, verdict_t fit)
{
	verdict_t verdict = VERDICT_NEXT;

	if (unlikely(out->way.uplink) && stage_is_uplink(in))
		return DROP_UPLINK_TRANSIT;
	if (likely(stage_asks_policy(in, out->way.rules) || pkt->target != NULL || pkt->flow < FLOW_MISSED ||
	            (pkt->flags & PKT_TURNS) != 0))
		verdict = stage_flow(pkt, in, &out->way);
	if (unlikely(verdict != VERDICT_NEXT))
		return verdict;
	if (likely((pkt->flags & (PKT_NAT | PKT_NAT_ERROR)) != 0))
		translate(pkt, in, &out->way);
	leave(pkt, out, limit, mac, out->way.uplink ? port_at(out->way.slot)->mac : gateway_mac);
	return fit;
}

/* The way is known: hop limit, MTU, and whether it is allowed. */
static inline __attribute__((always_inline)) verdict_t finish(
        struct pkt *pkt, const struct ingress *in, const struct egress *out, const uint8_t *mac)
{
	verdict_t verdict = VERDICT_SEND;

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
		if (unlikely(out->translated))
			return leave_translated(pkt, in, out, limit, mac, verdict);
		verdict_t allowed = stage_flow(pkt, in, &out->way);
		if (allowed != VERDICT_NEXT)
			return allowed;
	}
	leave(pkt, out, limit, mac, gateway_mac);
	return verdict;
}

/* Through a port. */
static inline __attribute__((always_inline)) verdict_t follow_port(
        struct pkt *pkt, const struct ingress *in, const struct fwd_nexthop_row *nexthop, struct egress *out)
{
	const uint8_t *mac = nexthop->mac;

	if (out->nexthop != nexthop) {
		const uint8_t *resolved = mac;
		verdict_t found = find_egress(pkt, in, nexthop, out, &resolved);
		if (found != VERDICT_NEXT)
			return found;
		mac = resolved;
	}
	return finish(pkt, in, out, mac);
}

/* Through another VRF, a router behind an uplink, or nowhere. */
static __attribute__((noinline)) verdict_t follow_other(
        struct pkt *pkt, const struct ingress *in, const struct fwd_nexthop_row *nexthop, struct egress *outs)
{
	verdict_t found = VERDICT_NEXT;

	if (nexthop->type == FWD_NEXTHOP_VRF)
		found = follow_vrf(pkt, &nexthop);
	if (unlikely(found != VERDICT_NEXT))
		return found;
	/* Between open ports nobody would ask what its source becomes, and nothing says so. */
	if (unlikely((pkt->flags & PKT_TURNS) != 0 && in->uplink == 0))
		return DROP_NOT_TRANSLATED;
	struct egress *out = &outs[nexthop->id % EGRESSES];
	if (nexthop->type == FWD_NEXTHOP_PORT)
		return follow_port(pkt, in, nexthop, out);
	if (unlikely(nexthop->type != FWD_NEXTHOP_GATEWAY))
		return follow_special(pkt, in, nexthop);
	if (unlikely(out->nexthop != nexthop) && (found = find_gateway(pkt, in, nexthop, out)) != VERDICT_NEXT)
		return found;
	return finish(pkt, in, out, out->mac);
}

static inline __attribute__((always_inline)) verdict_t follow(
        struct pkt *pkt, const struct ingress *in, uint32_t handle, struct egress *outs)
{
	const struct fwd_nexthop_row *nexthop;

	RECORD(pkt, RECORD_VRF, (uintptr_t)(pkt->target != NULL ? pkt->target->vrf : in->bridge->vrf));
	verdict_t found = find_nexthop(pkt, handle, &nexthop);
	if (unlikely(found != VERDICT_NEXT))
		return found;
	if (unlikely(nexthop->type != FWD_NEXTHOP_PORT))
		return follow_other(pkt, in, nexthop, outs);
	return follow_port(pkt, in, nexthop, &outs[nexthop->id % EGRESSES]);
}

/* Inline: the walk's loop is its only caller. */
verdict_t stage_route(struct pkt *pkt, const struct ingress *in, uint32_t handle, struct egress *outs)
{
	return follow(pkt, in, handle, outs);
}

__attribute__((noinline)) verdict_t stage_route_translated(
        struct pkt *pkt, const struct ingress *in, uint32_t handle, struct egress *outs)
{
	return follow(pkt, in, handle, outs);
}
