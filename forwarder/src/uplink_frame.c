#include "uplink_frame.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <stddef.h>
#include <string.h>

#define HOP_LIMIT 255

/* A solicitation or an advertisement: RFC 4861 §4.3, §4.4. */
struct discovery {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	uint8_t type, code;
	uint16_t checksum;
	uint8_t flags[4];
	uint8_t target[16];
	/** Link-layer address option (§4.6.1). */
	uint8_t option, option_length;
	uint8_t link_address[6];
} __attribute__((packed, aligned(2)));

struct arp {
	struct rte_ether_hdr eth;
	struct rte_arp_hdr arp;
} __attribute__((packed, aligned(2)));

_Static_assert(sizeof(struct discovery) == UPLINK_FRAME, "the longest frame");

static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* All that ARP sends here are requests: an announcement is one for the sender's own address. */
static uint32_t write_arp(
        uint8_t *frame, const uint8_t *mac, const uint8_t *source, const uint8_t *target, const uint8_t *to)
{
	struct arp *out = (struct arp *)frame;

	*out = (struct arp){
	        .eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP),
	        .arp =
	                {
	                        .arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
	                        .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
	                        .arp_hlen = RTE_ETHER_ADDR_LEN,
	                        .arp_plen = 4,
	                        .arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REQUEST),
	                },
	};
	memcpy(&out->eth.dst_addr, to == NULL ? everyone : to, sizeof(everyone));
	memcpy(&out->eth.src_addr, mac, sizeof(everyone));
	memcpy(&out->arp.arp_data.arp_sha, mac, sizeof(everyone));
	memcpy(&out->arp.arp_data.arp_sip, source, 4);
	memcpy(&out->arp.arp_data.arp_tip, target, 4);
	return sizeof(*out);
}

/* With destination and type: the rest of the headers, the option, and the checksum. */
static uint32_t finish(struct discovery *out, const uint8_t *mac, const uint8_t *source, const uint8_t *target)
{
	uint16_t length = sizeof(*out) - offsetof(struct discovery, type);

	memcpy(&out->eth.src_addr, mac, sizeof(out->eth.src_addr));
	out->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
	out->ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
	out->ip.payload_len = rte_cpu_to_be_16(length);
	out->ip.proto = IPPROTO_ICMPV6;
	out->ip.hop_limits = HOP_LIMIT;
	memcpy(out->ip.src_addr, source, sizeof(out->ip.src_addr));
	memcpy(out->target, target, sizeof(out->target));
	out->option_length = 1;
	memcpy(out->link_address, mac, sizeof(out->link_address));
	out->checksum = rte_ipv6_udptcp_cksum(&out->ip, &out->type);
	return sizeof(*out);
}

/* The MAC address of a group is made of its last four bytes (RFC 2464 §7). */
static void to_group(struct discovery *out, const uint8_t *group)
{
	memcpy(out->ip.dst_addr, group, sizeof(out->ip.dst_addr));
	memcpy(&out->eth.dst_addr, (const uint8_t[6]){0x33, 0x33, group[12], group[13], group[14], group[15]}, 6);
}

uint32_t uplink_frame_request(uint8_t *frame, uint8_t family, const uint8_t *mac, const uint8_t *source,
        const uint8_t *target, const uint8_t *to)
{
	struct discovery *out = (struct discovery *)frame;
	/* RFC 4291 §2.7.1. */
	uint8_t group[16] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	if (family == 4)
		return write_arp(frame, mac, source, target, to);
	*out = (struct discovery){.type = ND_NEIGHBOR_SOLICIT, .option = ND_OPT_SOURCE_LINKADDR};
	memcpy(group + 13, target + 13, 3);
	if (to == NULL) {
		to_group(out, group);
	} else {
		memcpy(out->ip.dst_addr, target, sizeof(out->ip.dst_addr));
		memcpy(&out->eth.dst_addr, to, sizeof(out->eth.dst_addr));
	}
	return finish(out, mac, source, target);
}

uint32_t uplink_frame_announcement(uint8_t *frame, uint8_t family, const uint8_t *mac, const uint8_t *address)
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	struct discovery *out = (struct discovery *)frame;

	if (family == 4)
		return write_arp(frame, mac, address, address, NULL);
	*out = (struct discovery){.type = ND_NEIGHBOR_ADVERT, .option = ND_OPT_TARGET_LINKADDR};
	/* A router, and this counts from now on. */
	out->flags[0] = 0x80 | 0x20;
	to_group(out, all_nodes);
	return finish(out, mac, address, address);
}
