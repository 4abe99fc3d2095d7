#include "icmp_error.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "answer.h"
#include "fib.h"
#include "limit.h"
#include "offload.h"
#include "tables.h"
#include "tcp_reset.h"

#define HEADER 8u
/* Whole packets with our headers: RFC 1812 §4.3.2.3, RFC 4443 §2.4 c. */
#define QUOTE_IPV4 (576u - sizeof(struct rte_ipv4_hdr) - HEADER)
#define QUOTE_IPV6 (1280u - sizeof(struct rte_ipv6_hdr) - HEADER)

/* Type 0 is no error in either family: nothing is said. */
struct message {
	uint8_t type;
	uint8_t code;
	/* MTU or pointer, host order. */
	uint32_t word;
};

static const struct message messages4[DROP_COUNT] = {
        [DROP_NO_ROUTE] = {3, 0, 0},
        [DROP_ECMP_EMPTY] = {3, 0, 0},
        [DROP_NO_NEIGHBOR] = {3, 1, 0},
        [DROP_MTU_EXCEEDED] = {3, 4, 0},
        [DROP_NEXTHOP_DROP] = {3, 13, 0},
        [DROP_TTL_EXCEEDED] = {11, 0, 0},
        [DROP_NAT_EXHAUSTED] = {3, 1, 0},
        [DROP_NOT_TRANSLATED] = {3, 13, 0},
};

static const struct message messages6[DROP_COUNT] = {
        [DROP_NO_ROUTE] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, 0},
        [DROP_ECMP_EMPTY] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, 0},
        [DROP_NO_NEIGHBOR] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, 0},
        [DROP_MTU_EXCEEDED] = {ICMP6_PACKET_TOO_BIG, 0, 0},
        [DROP_NEXTHOP_DROP] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, 0},
        [DROP_TTL_EXCEEDED] = {ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, 0},
        [DROP_NAT_EXHAUSTED] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, 0},
        [DROP_NOT_TRANSLATED] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, 0},
        [DROP_INVALID_ADDRESS] = {ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, 0},
};

/* ICMP that asks or answers, and so may itself be the subject of an error. */
static bool is_query(const struct pkt *pkt)
{
	static const uint32_t queries4 = 1u << 0 | 1u << 8 | 1u << 9 | 1u << 10 | 1u << 13 | 1u << 14 | 1u << 15 |
	                                 1u << 16 | 1u << 17 | 1u << 18;

	if ((pkt->flags & PKT_L4) == 0)
		return false;
	uint8_t type = pkt->data[pkt->l4];
	if (pkt->flags & PKT_IPV4)
		return type < 32 && (queries4 >> type & 1) != 0;
	return (type & ICMP6_INFOMSG_MASK) != 0 && type != 137;
}

/* One host sent this frame to one address. */
static bool is_between_hosts(const struct pkt *pkt)
{
	if (pkt->flags & PKT_IPV4) {
		uint8_t from = (uint8_t)pkt->src_be, to = (uint8_t)pkt->dst_be;
		return from != 0 && from != 127 && from < 224 && to < 224;
	}
	static const uint8_t unspecified[16];
	return pkt_src6(pkt)[0] != 0xff && pkt_dst6(pkt)[0] != 0xff &&
	       memcmp(pkt_src6(pkt), unspecified, sizeof(unspecified)) != 0;
}

static bool may_be_answered(const struct pkt *pkt)
{
	uint8_t icmp = (pkt->flags & PKT_IPV4) != 0 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	return (pkt->flags & (PKT_IPV4 | PKT_IPV6)) != 0 && (pkt->flags & (PKT_GROUP | PKT_LATER_FRAGMENT)) == 0 &&
	       is_between_hosts(pkt) && (pkt->protocol != icmp || is_query(pkt));
}

/* Offset of the byte that names the protocol behind the last extension header, from the IPv6 header. */
static uint32_t next_header_pointer(const struct pkt *pkt)
{
	uint32_t at = sizeof(struct rte_ipv6_hdr), last = offsetof(struct rte_ipv6_hdr, proto);
	uint8_t protocol = pkt->data[pkt->l3 + last];

	while (protocol != pkt->protocol && pkt->l3 + at + 8u <= pkt->length) {
		const uint8_t *header = pkt->data + pkt->l3 + at;
		last = at;
		at += protocol == IPPROTO_FRAGMENT ? 8u
		      : protocol == IPPROTO_AH     ? header[1] * 4u + 8u
		                                   : header[1] * 8u + 8u;
		protocol = header[0];
	}
	return last;
}

/* To an address of the gateway, which serves neither this port nor this protocol; TCP gets a reset instead. */
static struct message unserved(const struct pkt *pkt)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;

	if (pkt->protocol == IPPROTO_ICMP || pkt->protocol == IPPROTO_ICMPV6 || pkt->protocol == IPPROTO_NONE ||
	        pkt->protocol == IPPROTO_TCP)
		return (struct message){0};
	if (pkt->protocol == IPPROTO_UDP)
		return ipv4 ? (struct message){3, 3, 0}
		            : (struct message){ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, 0};
	if (ipv4)
		return (struct message){3, 2, 0};
	return (struct message){ICMP6_PARAM_PROB, ICMP6_PARAMPROB_NEXTHEADER, next_header_pointer(pkt)};
}

static struct message choose(const struct pkt *pkt, enum drop_reason reason)
{
	if (reason == DROP_SERVICE_UNSERVED)
		return unserved(pkt);
	struct message message = (pkt->flags & PKT_IPV4) != 0 ? messages4[reason] : messages6[reason];
	if (reason == DROP_MTU_EXCEEDED)
		message.word = pkt->mtu;
	/* Other invalid addresses are nobody's, or unroutable by everyone: whom could we tell? */
	if (reason == DROP_INVALID_ADDRESS && (pkt->flags & PKT_IPV6) != 0 &&
	        (!is_link_local(pkt_src6(pkt)) || is_link_local(pkt_dst6(pkt))))
		message.type = 0;
	return message;
}

/* The last address of a connected IPv4 subnet means all of its hosts (RFC 922 §7): nobody is told about those. */
static bool is_for_all_of_subnet(const struct pkt *pkt, const struct ingress *in)
{
	uint8_t address[16] = {0};

	if ((pkt->flags & PKT_IPV4) == 0)
		return false;
	memcpy(address, &pkt->dst_be, sizeof(pkt->dst_be));
	const struct fwd_route_row *route = fib_route(in->bridge->vrf, 4, address);
	uint32_t hosts = route == NULL || route->prefix_length > 30 ? 0 : UINT32_MAX >> route->prefix_length;
	return hosts != 0 && (rte_be_to_cpu_32(pkt->dst_be) & hosts) == hosts;
}

static uint32_t common_bits(const uint8_t *a, const uint8_t *b, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (a[i] != b[i])
			return i * 8 + (uint32_t)__builtin_clz((uint32_t)(a[i] ^ b[i])) - 24;
	return bytes * 8;
}

/* The address the sender knows us by; NULL: there is none. */
static const uint8_t *our_address(
        const struct pkt *pkt, const struct ingress *in, const uint8_t *link_local, enum drop_reason reason)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	const uint8_t *sender = ipv4 ? (const uint8_t *)&pkt->src_be : pkt_src6(pkt);
	const uint8_t *best = ipv4 || in->bridge->vrf == 0 ? NULL : link_local;

	if (reason == DROP_SERVICE_UNSERVED)
		return ipv4 ? (const uint8_t *)&pkt->dst_be : pkt_dst6(pkt);
	uint32_t bytes = ipv4 ? 4 : 16, longest = best == NULL ? 0 : common_bits(best, sender, bytes);
	const struct gateways *gateways = tables_gateways(in->row->bridge);
	for (uint32_t i = 0; gateways != NULL && i < gateways->count; i++) {
		const struct fwd_neighbor_row *row = gateways->rows[i];
		if (row->family != (ipv4 ? 4 : 6))
			continue;
		uint32_t bits = common_bits(row->address, sender, bytes);
		if (best == NULL || best == link_local ? bits >= longest : bits > longest) {
			best = row->address;
			longest = bits;
		}
	}
	return best;
}

static uint16_t quote_length(const struct pkt *pkt)
{
	const uint8_t *ip = pkt->data + pkt->l3;
	uint32_t length, limit;

	if (pkt->flags & PKT_IPV4) {
		length = rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length);
		limit = QUOTE_IPV4;
	} else {
		length = sizeof(struct rte_ipv6_hdr) + rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);
		limit = QUOTE_IPV6;
	}
	length = length < pkt->mbuf->pkt_len - pkt->l3 ? length : pkt->mbuf->pkt_len - pkt->l3;
	return (uint16_t)(length < limit ? length : limit);
}

static struct rte_mbuf *make(
        const struct pkt *pkt, const struct ingress *in, const uint8_t *source, const struct message *message)
{
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint16_t quote = quote_length(pkt);
	struct answer answer;

	if (!answer_begin(&answer, pkt, in, source, ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, (uint16_t)(HEADER + quote)))
		return NULL;
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)answer.payload;
	/* Both families have type, code, checksum and a word; ICMP keeps the MTU in its low half (RFC 1191 §4). */
	*icmp = (struct rte_icmp_hdr){
	        .icmp_type = message->type,
	        .icmp_code = message->code,
	        .icmp_ident = rte_cpu_to_be_16((uint16_t)(message->word >> 16)),
	        .icmp_seq_nb = rte_cpu_to_be_16((uint16_t)message->word),
	};
	uint8_t *body = answer.payload + HEADER;
	const void *bytes = rte_pktmbuf_read(pkt->mbuf, pkt->l3, quote, body);
	if (bytes != body)
		memcpy(body, bytes, quote);
	icmp->icmp_cksum = ipv4 ? (uint16_t)~rte_raw_cksum(icmp, HEADER + quote)
	                        : rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)answer.ip, icmp);
	return answer.mbuf;
}

/* Something is to be said; apart, so that most drops, of which nobody is told, cost no more than the question. */
static __attribute__((noinline)) struct rte_mbuf *tell(const struct pkt *pkt, const struct ingress *in,
        enum drop_reason reason, bool reset, const struct message *message)
{
	uint8_t link_local[16];

	stage_link_local(in, link_local);
	const uint8_t *source = message->type == 0 ? NULL : our_address(pkt, in, link_local, reason);

	if (!reset && source == NULL)
		return NULL;
	if (!limit_take(LIMIT_ICMP_ERROR, in->port->slot, LIMIT_ICMP_ERROR_RATE, LIMIT_ICMP_ERROR_BURST))
		return NULL;
	if (reason == DROP_NO_NEIGHBOR && is_for_all_of_subnet(pkt, in))
		return NULL;
	offload_finish(pkt->mbuf);
	return reset ? tcp_reset_make(pkt, in) : make(pkt, in, source, message);
}

struct rte_mbuf *icmp_error_make(const struct pkt *pkt, const struct ingress *in, enum drop_reason reason)
{
	if (!may_be_answered(pkt) || (reason == DROP_NOT_TRANSLATED && stage_is_uplink(in)))
		return NULL;
	bool reset = reason == DROP_SERVICE_UNSERVED && pkt->protocol == IPPROTO_TCP &&
	             (pkt->flags & (PKT_L4 | PKT_FRAGMENT)) == PKT_L4;
	struct message message = choose(pkt, reason);
	if (!reset && message.type == 0)
		return NULL;
	return tell(pkt, in, reason, reset, &message);
}
