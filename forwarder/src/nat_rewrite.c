#include "nat_rewrite.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <string.h>

#include "checksum.h"
#include "flow_key.h"
#include "offload.h"
#include "quote.h"

#define IPV4_BYTES 8u
#define IPV6_BYTES 32u
/* Where a checksum lies in its header; 0: there is none that knows addresses or ports. */
#define TCP_CHECKSUM  offsetof(struct rte_tcp_hdr, cksum)
#define UDP_CHECKSUM  offsetof(struct rte_udp_hdr, dgram_cksum)
#define DCCP_CHECKSUM 6u
#define ICMP_CHECKSUM offsetof(struct rte_icmp_hdr, icmp_cksum)

/* What two addresses and two ports become: both in the order of headers. */
struct target {
	uint8_t addresses[IPV6_BYTES];
	uint16_t ports[2];
};

/* Headers in a frame that are changed: of a packet, or of one that an error quotes. */
struct place {
	/** Source, then destination. */
	uint8_t *addresses;
	/** Of the IPv4 header; NULL: IPv6. */
	uint8_t *header_checksum;
	/** NULL: a later fragment, or an unknown protocol's. */
	uint8_t *l4;
	/** Bytes that are surely there from l4 on. */
	uint32_t room;
	uint8_t protocol;
	/** The checksum field holds the sum of the pseudo header so far. */
	bool pending;
};

static uint32_t address_bytes(bool ipv4)
{
	return ipv4 ? IPV4_BYTES : IPV6_BYTES;
}

/* The mirror of a key. */
static void mirror_of(const struct flow_key *key, bool ipv4, struct target *target)
{
	uint32_t half = address_bytes(ipv4) / 2;

	memcpy(target->addresses, key->dst, half);
	memcpy(target->addresses + half, key->src, half);
	target->ports[0] = key->dst_port;
	target->ports[1] = key->src_port;
}

static void target_of(const struct flow_key *key, bool ipv4, struct target *target)
{
	uint32_t half = address_bytes(ipv4) / 2;

	memcpy(target->addresses, key->src, half);
	memcpy(target->addresses + half, key->dst, half);
	target->ports[0] = key->src_port;
	target->ports[1] = key->dst_port;
}

/* Replaces bytes; what sums over them gain. */
static uint32_t replace(uint8_t *at, const void *with, uint32_t bytes)
{
	uint32_t difference = checksum_difference(at, with, bytes);

	memcpy(at, with, bytes);
	return difference;
}

/* A checksum follows a change of what it covers; what sums over its field gain. */
static uint32_t follow(uint8_t *field, uint32_t difference, bool pending, bool zero_is_none)
{
	uint16_t old, new;

	memcpy(&old, field, sizeof(old));
	if (zero_is_none && old == 0 && !pending)
		return 0;
	new = pending ? checksum_fold(old + difference) : checksum_after(old, difference);
	if (zero_is_none && new == 0)
		new = UINT16_MAX;
	memcpy(field, &new, sizeof(new));
	return checksum_fold((uint16_t)~old + (uint32_t) new);
}

/* Where the checksum of a protocol lies; 0: it has none that is to follow. */
static uint32_t checksum_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return TCP_CHECKSUM;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return UDP_CHECKSUM;
	case IPPROTO_DCCP:
		return DCCP_CHECKSUM;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ICMP_CHECKSUM;
	default:
		return 0;
	}
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_DCCP;
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* Ports, or the identifier of an ICMP query or of its answer. What sums over them gain. */
static uint32_t replace_ports(const struct place *place, const uint16_t *ports)
{
	if (has_ports(place->protocol))
		return replace(place->l4, ports, 2 * sizeof(ports[0]));
	if (!is_icmp(place->protocol))
		return 0;
	enum flow_kind kind = flow_key_icmp(place->l4, place->header_checksum != NULL);
	if (kind != FLOW_KIND_PAIR && kind != FLOW_KIND_ANSWER)
		return 0;
	return replace(place->l4 + offsetof(struct rte_icmp_hdr, icmp_ident), &ports[kind == FLOW_KIND_PAIR ? 0 : 1],
	        sizeof(ports[0]));
}

/* What a sum over all of the changed bytes gains. */
static uint32_t rewrite(const struct place *place, const struct target *target)
{
	uint32_t addresses =
	        replace(place->addresses, target->addresses, address_bytes(place->header_checksum != NULL));
	uint32_t gained = addresses;

	if (place->header_checksum != NULL)
		gained += follow(place->header_checksum, addresses, false, false);
	if (place->l4 == NULL)
		return gained;
	uint32_t ports = replace_ports(place, target->ports), field = checksum_of(place->protocol);
	gained += ports;
	if (field == 0 || field + sizeof(uint16_t) > place->room)
		return gained;
	/* ICMP's knows no addresses; what is left to hardware is that of the addresses alone. */
	uint32_t covered = (place->protocol == IPPROTO_ICMP ? 0 : addresses) + (place->pending ? 0 : ports);
	return gained +
	       follow(place->l4 + field, checksum_fold(covered), place->pending, place->protocol == IPPROTO_UDP);
}

/* Any packet. */
static __attribute__((noinline)) void rewrite_any(struct pkt *pkt, const struct flow_key *back)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0, whole = (pkt->flags & PKT_L4) != 0;
	uint8_t *ip = pkt->data + pkt->l3;
	struct target target;

	mirror_of(back, ipv4, &target);
	rewrite(
	        &(struct place){
	                .addresses = ip + (ipv4 ? offsetof(struct rte_ipv4_hdr, src_addr)
	                                        : offsetof(struct rte_ipv6_hdr, src_addr)),
	                .header_checksum = ipv4 ? ip + offsetof(struct rte_ipv4_hdr, hdr_checksum) : NULL,
	                .l4 = whole ? pkt->data + pkt->l4 : NULL,
	                .room = whole ? UINT8_MAX : 0,
	                .protocol = pkt->protocol,
	                .pending = offload_pending(pkt->mbuf),
	        },
	        &target);
}

/* Usual: IPv4 with a header of TCP or UDP, whose sums a few words decide. */
static inline void rewrite_usual(struct pkt *pkt, const struct flow_key *back)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
	uint8_t *l4 = pkt->data + pkt->l4;
	bool udp = pkt->protocol == IPPROTO_UDP;
	uint8_t *field = l4 + (udp ? UDP_CHECKSUM : TCP_CHECKSUM);
	uint32_t src, dst, ports, old;
	uint16_t sum;

	memcpy(&src, back->dst, sizeof(src));
	memcpy(&dst, back->src, sizeof(dst));
	memcpy(&ports, &back->src_port, sizeof(ports));
	/* Source and destination change places. */
	ports = ports << 16 | ports >> 16;
	memcpy(&old, l4, sizeof(old));
	memcpy(&sum, field, sizeof(sum));
	uint64_t addresses = (uint64_t)(uint32_t)~ip->src_addr + (uint32_t)~ip->dst_addr + src + dst;
	uint64_t all = addresses + (uint32_t)~old + ports;

	ip->src_addr = src;
	ip->dst_addr = dst;
	ip->hdr_checksum = checksum_after(ip->hdr_checksum, checksum_fold_wide(addresses));
	memcpy(l4, &ports, sizeof(ports));
	if (unlikely(offload_pending(pkt->mbuf)))
		sum = checksum_fold(sum + checksum_fold_wide(addresses));
	else if (likely(!udp || sum != 0))
		sum = checksum_after(sum, checksum_fold_wide(all));
	else
		return;
	if (udp && sum == 0)
		sum = UINT16_MAX;
	memcpy(field, &sum, sizeof(sum));
}

void nat_rewrite(struct pkt *pkt, const struct flow_key *back)
{
	if (likely((pkt->flags & (PKT_IPV4 | PKT_L4)) == (PKT_IPV4 | PKT_L4) &&
	            (pkt->protocol == IPPROTO_TCP || pkt->protocol == IPPROTO_UDP)))
		rewrite_usual(pkt, back);
	else
		rewrite_any(pkt, back);
}

/* Where the original datagram of an error ends, from its begin on: extensions may follow (RFC 4884 §4), or padding. */
static uint32_t quoted_bytes(const struct pkt *pkt, const struct quote *quote)
{
	const uint8_t *icmp = pkt->data + pkt->l4;
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	const struct rte_ipv6_hdr *ip6 = (const struct rte_ipv6_hdr *)quote->ip;
	uint32_t stated = ipv4 ? rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)quote->ip)->total_length)
	                       : sizeof(*ip6) + rte_be_to_cpu_16(ip6->payload_len);
	uint32_t divided = 0;

	if (ipv4 && (icmp[0] == 3 || icmp[0] == 11 || icmp[0] == 12))
		divided = icmp[5] * 4u;
	else if (!ipv4 && (icmp[0] == 1 || icmp[0] == 3))
		divided = icmp[4] * 8u;
	uint32_t bytes = RTE_MIN(quote->length, stated);
	return divided != 0 ? RTE_MIN(bytes, divided) : bytes;
}

/* The packet that is quoted; what a sum over it gains. */
static uint32_t rewrite_quote(const struct pkt *pkt, const struct quote *quote, const struct flow_key *key)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint32_t before = (uint32_t)(quote->l4 - quote->ip), bytes = quoted_bytes(pkt, quote);
	struct target target;

	target_of(key, ipv4, &target);
	return rewrite(
	        &(struct place){
	                .addresses = quote->ip + (ipv4 ? offsetof(struct rte_ipv4_hdr, src_addr)
	                                               : offsetof(struct rte_ipv6_hdr, src_addr)),
	                .header_checksum = ipv4 ? quote->ip + offsetof(struct rte_ipv4_hdr, hdr_checksum) : NULL,
	                .l4 = quote->l4,
	                .room = bytes > before ? bytes - before : 0,
	                .protocol = quote->protocol,
	        },
	        &target);
}

void nat_rewrite_error(struct pkt *pkt, const struct flow_key *key, const struct flow_key *back, const uint8_t *source)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint32_t half = address_bytes(ipv4) / 2;
	uint8_t *ip = pkt->data + pkt->l3;
	uint8_t *addresses =
	        ip + (ipv4 ? offsetof(struct rte_ipv4_hdr, src_addr) : offsetof(struct rte_ipv6_hdr, src_addr));
	struct quote quote;
	uint32_t outer;

	if (quote_find(pkt, &quote) != QUOTE_FOUND)
		return;
	uint32_t quoted = rewrite_quote(pkt, &quote, key);
	outer = replace(addresses + half, key->src, half);
	/* Its target is translated: who speaks there, be it a router, has that address outside (RFC 5508 §4.2 REQ-5 c).
	 */
	if (memcmp(back->src, key->dst, half) != 0)
		outer += replace(addresses, source != NULL ? source : key->dst, half);
	outer = checksum_fold(outer);
	if (ipv4)
		follow(ip + offsetof(struct rte_ipv4_hdr, hdr_checksum), outer, false, false);
	follow(pkt->data + pkt->l4 + ICMP_CHECKSUM, checksum_fold(quoted + (ipv4 ? 0 : outer)), false, false);
}
