#include "service_error.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include "checksum.h"
#include "service.h"
#include "tables.h"

#define ICMP_HEADER       8u
#define PORT_UNREACHABLE4 3u
#define UNREACHABLE4      3u
#define PORT_UNREACHABLE6 4u
#define UNREACHABLE6      1u
#define SOURCE4           offsetof(struct rte_ipv4_hdr, src_addr)
#define DESTINATION4      offsetof(struct rte_ipv4_hdr, dst_addr)
#define SOURCE6           offsetof(struct rte_ipv6_hdr, src_addr)
#define DESTINATION6      offsetof(struct rte_ipv6_hdr, dst_addr)

/* Where things are, by family. */
struct shape {
	uint32_t header, source, destination, bytes;
	uint8_t version, protocol, type, code;
};

static const struct shape shapes[2] = {
        {.header = 20,
                .source = SOURCE4,
                .destination = DESTINATION4,
                .bytes = 4,
                .version = 0x45,
                .protocol = IPPROTO_ICMP,
                .type = UNREACHABLE4,
                .code = PORT_UNREACHABLE4},
        {.header = 40,
                .source = SOURCE6,
                .destination = DESTINATION6,
                .bytes = 16,
                .version = 0x60,
                .protocol = IPPROTO_ICMPV6,
                .type = UNREACHABLE6,
                .code = PORT_UNREACHABLE6},
};

static const struct shape *shape_of(const struct pkt *pkt)
{
	return &shapes[(pkt->flags & PKT_IPV4) != 0 ? 0 : 1];
}

static uint8_t *quote_of(const struct pkt *pkt)
{
	return pkt->data + pkt->l4 + ICMP_HEADER;
}

/* Of the ICMP message, which is all that follows the header: one without options or extensions. */
static uint32_t length_of(const struct pkt *pkt)
{
	const uint8_t *ip = pkt->data + pkt->l3;

	return (pkt->flags & PKT_IPV4) != 0 ? rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length) - 20u
	                                    : rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);
}

/* A whole header of the same family without options, and one of UDP, about what came from there to here. */
static bool quotes_datagram(const struct pkt *pkt, const struct shape *shape)
{
	const uint8_t *quote = quote_of(pkt), *ip = pkt->data + pkt->l3;
	uint32_t next =
	        shape->bytes == 4 ? offsetof(struct rte_ipv4_hdr, next_proto_id) : offsetof(struct rte_ipv6_hdr, proto);
	uint8_t version = shape->bytes == 4 ? quote[0] : quote[0] & 0xf0;

	return version == shape->version && quote[next] == IPPROTO_UDP &&
	       memcmp(quote + shape->source, ip + shape->destination, shape->bytes) == 0 &&
	       memcmp(quote + shape->destination, ip + shape->source, shape->bytes) == 0;
}

bool service_error_is(const struct pkt *pkt, uint32_t vrf, uint32_t receiver)
{
	const struct shape *shape = shape_of(pkt);
	const uint8_t *icmp = pkt->data + pkt->l4;
	uint32_t least = ICMP_HEADER + shape->header + sizeof(struct rte_udp_hdr);
	uint8_t address[16] = {0};
	uint16_t l4_port;

	if ((pkt->flags & PKT_L4) == 0 || (pkt->flags & PKT_FRAGMENT) != 0 || pkt->protocol != shape->protocol ||
	        pkt->mbuf->nb_segs != 1 || pkt->l4 - pkt->l3 != (int)shape->header || length_of(pkt) < least ||
	        pkt->l4 + length_of(pkt) > pkt->length)
		return false;
	if (icmp[0] != shape->type || icmp[1] != shape->code || !quotes_datagram(pkt, shape))
		return false;
	memcpy(address, pkt->data + pkt->l3 + shape->source, shape->bytes);
	memcpy(&l4_port, quote_of(pkt) + shape->header + offsetof(struct rte_udp_hdr, dst_port), sizeof(l4_port));
	const struct fwd_service_row *row =
	        service_find(vrf, shape->bytes == 4 ? 4 : 6, IPPROTO_UDP, rte_be_to_cpu_16(l4_port), address);
	return row != NULL && row->action == FWD_ACTION_PORT && tables_owner(row) == receiver;
}

static void mend_at(uint8_t *at, uint32_t difference, bool may_be_none)
{
	uint16_t sum;

	memcpy(&sum, at, sizeof(sum));
	if (may_be_none && sum == 0)
		return;
	sum = checksum_after(sum, difference);
	memcpy(at, &sum, sizeof(sum));
}

void service_error_mend(const struct pkt *pkt, const uint8_t *address)
{
	const struct shape *shape = shape_of(pkt);
	uint8_t *icmp = pkt->data + pkt->l4, *quote = quote_of(pkt), *source = quote + shape->source;
	uint32_t difference = checksum_difference(source, address, shape->bytes);
	uint16_t sum = 0;

	if (shape->bytes == 4)
		mend_at(quote + offsetof(struct rte_ipv4_hdr, hdr_checksum), difference, false);
	mend_at(quote + shape->header + offsetof(struct rte_udp_hdr, dgram_cksum), difference, true);
	memcpy(source, address, shape->bytes);
	memcpy(icmp + 2, &sum, sizeof(sum));
	sum = shape->bytes == 4 ? (uint16_t)~rte_raw_cksum(icmp, length_of(pkt))
	                        : rte_ipv6_udptcp_cksum((const void *)(pkt->data + pkt->l3), icmp);
	memcpy(icmp + 2, &sum, sizeof(sum));
}
