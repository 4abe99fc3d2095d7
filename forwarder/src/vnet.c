#include "vnet.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <string.h>

#include "offload.h"
#include "parse.h"

#define TCP_CHECKSUM  offsetof(struct rte_tcp_hdr, cksum)
#define UDP_CHECKSUM  offsetof(struct rte_udp_hdr, dgram_cksum)
#define SCTP_CHECKSUM 8u
/* Tags that are looked through. */
#define TAGS_MOST 4u

static void refuse(struct rte_mbuf *m)
{
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = 0;
	m->pkt_len = 0;
	m->ol_flags &= ~OFFLOAD_FLAGS;
}

/* The pseudo-header's sum, with the length of the whole frame: what is in the field when a sender left the rest. */
static uint16_t pseudo_sum(const struct pkt *pkt, uint32_t length)
{
	if (pkt->flags & PKT_IPV4) {
		struct rte_ipv4_hdr ip = *(const struct rte_ipv4_hdr *)(pkt->data + pkt->l3);
		ip.version_ihl = 0x45;
		ip.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + length));
		return rte_ipv4_phdr_cksum(&ip, 0);
	}
	struct rte_ipv6_hdr ip = *(const struct rte_ipv6_hdr *)(pkt->data + pkt->l3);
	ip.payload_len = rte_cpu_to_be_16((uint16_t)length);
	ip.proto = pkt->protocol;
	return rte_ipv6_phdr_cksum(&ip, 0);
}

/* Offsets and flags of a TCP or UDP packet whose checksum is pending; `tags` bytes of tags precede pkt->data's view. */
static void mark(struct rte_mbuf *m, const struct pkt *pkt, uint32_t tags)
{
	m->l2_len = (pkt->l3 + tags) & 0x7f;
	m->l3_len = (uint64_t)(pkt->l4 - pkt->l3) & 0x1ff;
	m->ol_flags |= pkt->flags & PKT_IPV4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	m->ol_flags |= pkt->protocol == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
}

static uint32_t field_of(const struct pkt *pkt)
{
	return pkt->l4 + (uint32_t)(pkt->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
}

static bool is_segmentable(const struct pkt *pkt, uint8_t gso)
{
	switch (gso) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return pkt->protocol == IPPROTO_TCP && (pkt->flags & PKT_IPV4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return pkt->protocol == IPPROTO_TCP && (pkt->flags & PKT_IPV6);
	case VNET_GSO_UDP_L4:
		return pkt->protocol == IPPROTO_UDP;
	default:
		return false;
	}
}

/* Segmentation, with or without the checksum's flag: GRO may have verified it, and each segment needs its own. */
static bool mark_large(struct rte_mbuf *m, const struct pkt *pkt, const struct virtio_net_hdr *header)
{
	uint8_t *l4 = pkt->data + pkt->l4;
	uint32_t length = sizeof(struct rte_udp_hdr);
	uint32_t start = (uint32_t)(l4 - rte_pktmbuf_mtod(m, uint8_t *));

	if (pkt->protocol == IPPROTO_TCP)
		length = (uint32_t)(l4[12] >> 4) * 4;
	if (header->gso_size == 0 || start + length > m->data_len ||
	        (pkt->protocol == IPPROTO_TCP && length < sizeof(struct rte_tcp_hdr)))
		return false;
	if ((header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0) {
		uint16_t sum = pseudo_sum(pkt, m->pkt_len - start);
		memcpy(pkt->data + field_of(pkt), &sum, sizeof(sum));
	}
	m->l4_len = length;
	if (m->pkt_len - start - length <= header->gso_size)
		return true;
	m->tso_segsz = header->gso_size;
	m->ol_flags |= pkt->protocol == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
	return true;
}

/* Bytes of VLAN tags that stand in the frame. */
static uint32_t tag_bytes(const struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t bytes = 0;

	while (bytes < TAGS_MOST * RTE_VLAN_HLEN && bytes + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN <= m->data_len &&
	        (memcmp(data + bytes + 12, "\x81\x00", 2) == 0 || memcmp(data + bytes + 12, "\x88\xa8", 2) == 0))
		bytes += RTE_VLAN_HLEN;
	return bytes;
}

/* Where TCP or UDP starts behind the tags; false: it is something else. Offsets of pkt count from pkt->data. */
static bool find(struct rte_mbuf *m, uint32_t tags, struct pkt *pkt)
{
	/* parse() does not read the addresses: it may look at the frame as if it began later. */
	rte_pktmbuf_adj(m, (uint16_t)tags);
	bool known = parse(pkt, m) == VERDICT_NEXT && (pkt->flags & PKT_L4) != 0 &&
	             (pkt->protocol == IPPROTO_TCP || pkt->protocol == IPPROTO_UDP) && pkt->l4 - pkt->l3 <= 0x1ff;
	rte_pktmbuf_prepend(m, (uint16_t)tags);
	return known;
}

void vnet_receive(struct rte_mbuf *m, const struct virtio_net_hdr *header)
{
	uint8_t gso = header->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	bool sum = (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	uint32_t field = (uint32_t)header->csum_start + header->csum_offset;
	struct pkt pkt;

	if (!sum && gso == VIRTIO_NET_HDR_GSO_NONE)
		return;
	uint32_t tags = tag_bytes(m);
	bool known = find(m, tags, &pkt) &&
	             (!sum || (header->csum_start == pkt.l4 + tags && field == field_of(&pkt) + tags));
	if (gso == VIRTIO_NET_HDR_GSO_NONE) {
		if (known)
			mark(m, &pkt, tags);
		else if (!offload_sum(m, header->csum_start, field,
		                 pkt.protocol == IPPROTO_SCTP && header->csum_offset == SCTP_CHECKSUM))
			refuse(m);
		return;
	}
	if (known && is_segmentable(&pkt, gso)) {
		mark(m, &pkt, tags);
		if (mark_large(m, &pkt, header))
			return;
	}
	refuse(m);
}

void vnet_describe(const struct rte_mbuf *m, struct virtio_net_hdr *header)
{
	bool tcp = (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM;

	memset(header, 0, sizeof(*header));
	if (!offload_pending(m))
		return;
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)(m->l2_len + m->l3_len);
	header->csum_offset = tcp ? TCP_CHECKSUM : UDP_CHECKSUM;
	if (!offload_is_large(m))
		return;
	header->hdr_len = (uint16_t)(header->csum_start + m->l4_len);
	header->gso_size = m->tso_segsz;
	header->gso_type = VNET_GSO_UDP_L4;
	if (!tcp)
		return;
	header->gso_type = m->ol_flags & RTE_MBUF_F_TX_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	const struct rte_tcp_hdr *l4 = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, header->csum_start);
	/* Only the first segment may carry CWR (RFC 3168 §6.1.2): whoever cuts must know. */
	if (l4->tcp_flags & RTE_TCP_CWR_FLAG)
		header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

uint32_t vnet_vectors(const struct rte_mbuf *m, struct virtio_net_hdr *header, struct iovec *vectors, uint32_t room)
{
	uint32_t count = 1;

	if (m->nb_segs + 1u > room)
		return 0;
	vnet_describe(m, header);
	vectors[0] = (struct iovec){.iov_base = header, .iov_len = sizeof(*header)};
	for (; m != NULL; m = m->next)
		vectors[count++] = (struct iovec){.iov_base = rte_pktmbuf_mtod(m, void *), .iov_len = m->data_len};
	return count;
}
