#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_branch_prediction.h>
#include <rte_ether.h>

#include "guard.h"
#include "neighbor.h"
#include "stage.h"

const uint8_t gateway_mac[6] = {GATEWAY_MAC_BYTES};

#define DHCP_CLIENT_PORT 68
#define DHCP_SERVER_PORT 67

static verdict_t spoofed(const struct ingress *in, const uint8_t *mac)
{
	return memcmp(mac, in->row->mac, sizeof(in->row->mac)) == 0 ? DROP_SPOOFED_ADDRESS : DROP_SPOOFED_MAC;
}

/* Who has no address yet asks for one (RFC 2131 §4.1), and may join groups (RFC 3376 §4.2.13). */
static __attribute__((noinline, cold)) verdict_t except4(
        const struct pkt *pkt, const struct ingress *in, const uint8_t *mac)
{
	verdict_t refused = spoofed(in, mac);

	if (refused != DROP_SPOOFED_ADDRESS || pkt->src_be != 0)
		return refused;
	bool discover = pkt->protocol == IPPROTO_UDP && pkt->src_l4_port == DHCP_CLIENT_PORT &&
	                pkt->dst_l4_port == DHCP_SERVER_PORT && pkt->dst_be == INADDR_BROADCAST;
	bool membership = pkt->protocol == IPPROTO_IGMP && (pkt->flags & PKT_GROUP) != 0;
	return discover || membership ? VERDICT_NEXT : refused;
}

/* ICMPv6 that may come from the unspecified address: duplicate address detection and router solicitation (RFC 4861
 * §4.1, §4.3), multicast listener reports (RFC 3590 §4). */
static bool may_be_unspecified(const struct pkt *pkt)
{
	if ((pkt->flags & PKT_L4) == 0 || pkt->protocol != IPPROTO_ICMPV6)
		return false;
	switch (pkt->dst_l4_port) {
	case 131: /* MLDv1 report */
	case 132: /* MLDv1 done */
	case 133: /* router solicitation */
	case 135: /* neighbour solicitation */
	case 143: /* MLDv2 report */
		return true;
	default:
		return false;
	}
}

static __attribute__((noinline, cold)) verdict_t except6(
        const struct pkt *pkt, const struct ingress *in, const uint8_t *mac)
{
	struct in6_addr source;
	verdict_t refused = spoofed(in, mac);

	/* The frame may put it at an odd place. */
	memcpy(&source, pkt_src6(pkt), sizeof(source));
	if (refused != DROP_SPOOFED_ADDRESS)
		return refused;
	if (IN6_IS_ADDR_LINKLOCAL(&source))
		return is_gateway_link_local(in, source.s6_addr) ? DROP_INVALID_SOURCE : VERDICT_NEXT;
	return IN6_IS_ADDR_UNSPECIFIED(&source) && may_be_unspecified(pkt) ? VERDICT_NEXT : refused;
}

/* The sender of an ARP packet may not be the gateway: neighbours would send us their traffic, or stop to. A probe
 * (RFC 5227 §2.1.1) claims nothing yet. */
static verdict_t check_arp(const struct pkt *pkt, const struct ingress *in)
{
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(pkt->data + pkt->l3);
	const uint8_t *sender = arp->arp_data.arp_sha.addr_bytes;
	uint8_t address[16] = {0};

	memcpy(address, &pkt->src_be, sizeof(pkt->src_be));
	if (pkt->src_be != 0 && (is_gateway_mac(sender) || neighbor_is_gateway(in, 4, address)))
		return DROP_INVALID_SOURCE;
	if ((in->row->flags & FWD_PORT_SECURITY) == 0)
		return VERDICT_NEXT;
	if (memcmp(sender, pkt->data + RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN) != 0)
		return DROP_SPOOFED_MAC;
	bool probe = pkt->src_be == 0 && pkt->protocol == RTE_ARP_OP_REQUEST &&
	             memcmp(sender, in->row->mac, sizeof(in->row->mac)) == 0;
	return probe || guard_allows4(in->row->id, pkt->src_be, sender) ? VERDICT_NEXT : spoofed(in, sender);
}

static verdict_t check_trusted(const struct pkt *pkt, const struct ingress *in, const struct rte_ether_addr *mac)
{
	if (!rte_is_valid_assigned_ether_addr(mac) || is_gateway_mac(mac->addr_bytes))
		return DROP_INVALID_SOURCE;
	if (unlikely(pkt->flags & PKT_ARP))
		return check_arp(pkt, in);
	return (pkt->flags & PKT_IPV6) != 0 && unlikely(is_gateway_link_local(in, pkt_src6(pkt))) ? DROP_INVALID_SOURCE
	                                                                                          : VERDICT_NEXT;
}

/* Behind the first entry of the port's guard. */
static __attribute__((noinline)) verdict_t search4(const struct pkt *pkt, const struct ingress *in, const uint8_t *mac)
{
	return guard_allows4(in->row->id, pkt->src_be, mac) ? VERDICT_NEXT : except4(pkt, in, mac);
}

verdict_t stage_check(const struct pkt *pkt, const struct ingress *in)
{
	const struct rte_ether_addr *mac = &((const struct rte_ether_hdr *)pkt->data)->src_addr;

	if ((in->row->flags & FWD_PORT_SECURITY) == 0)
		return unlikely(pkt->flags & PKT_TAGGED) ? DROP_VLAN_TAGGED : check_trusted(pkt, in, mac);
	if (likely(pkt->flags & PKT_IPV4))
		return likely(guard_first4(in->guard, pkt->src_be, guard_mac_inside(mac->addr_bytes)))
		               ? VERDICT_NEXT
		               : search4(pkt, in, mac->addr_bytes);
	if (likely(pkt->flags & PKT_IPV6))
		return likely(guard_allows6(in->row->id, pkt_src6(pkt), mac->addr_bytes))
		               ? VERDICT_NEXT
		               : except6(pkt, in, mac->addr_bytes);
	if (pkt->flags & PKT_TAGGED)
		return DROP_VLAN_TAGGED;
	if (pkt->flags & PKT_ARP)
		return check_arp(pkt, in);
	return memcmp(mac->addr_bytes, in->row->mac, RTE_ETHER_ADDR_LEN) == 0 ? VERDICT_NEXT : DROP_SPOOFED_MAC;
}
