#include "discovery.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <string.h>

#include "tenants.h"

#define ICMP (RTE_ETHER_HDR_LEN + 40)

void fix_checksum6(uint8_t *frame)
{
	frame[ICMP + 2] = frame[ICMP + 3] = 0;
	uint16_t sum = rte_ipv6_udptcp_cksum((void *)(frame + RTE_ETHER_HDR_LEN), frame + ICMP);
	memcpy(frame + ICMP + 2, &sum, sizeof(sum));
}

static uint32_t fixed_bytes(uint8_t type)
{
	return type == 133 ? 8 : type == 134 ? 16 : type == 137 ? 40 : 24;
}

/* ff02::1, or the solicited-node group of the target. */
static void make_group(uint8_t *group, const struct discovery *message)
{
	static const uint8_t solicited[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

	memcpy(group, all_nodes, sizeof(all_nodes));
	if (message->type != 135)
		return;
	memcpy(group, solicited, sizeof(solicited));
	memcpy(group + 13, message->target + 13, 3);
}

uint32_t make_discovery(uint8_t *out, const struct discovery *message)
{
	uint8_t *ip = out + RTE_ETHER_HDR_LEN, *icmp = out + ICMP, group[16];
	uint32_t fixed = fixed_bytes(message->type), length = fixed + (message->link_address != NULL ? 8 : 0);

	make_group(group, message);
	memset(out, 0, ICMP + length);
	out[0] = out[1] = 0x33;
	memcpy(out + 2, group + 12, 4);
	if (message->mac != NULL)
		memcpy(out, message->mac, 6);
	memcpy(out + 6, mac_of(message->source), 6);
	out[12] = 0x86;
	out[13] = 0xdd;
	ip[0] = 0x60;
	ip[5] = (uint8_t)length;
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 255;
	if (message->src != NULL)
		memcpy(ip + 8, message->src, 16);
	memcpy(ip + 24, message->dst != NULL ? message->dst : group, 16);
	icmp[0] = message->type;
	icmp[4] = message->flags;
	if (message->target != NULL && fixed >= 24)
		memcpy(icmp + 8, message->target, 16);
	if (message->link_address != NULL) {
		icmp[fixed] = message->type == 136 || message->type == 137 ? 2 : 1;
		icmp[fixed + 1] = 1;
		memcpy(icmp + fixed + 2, message->link_address, 6);
	}
	fix_checksum6(out);
	return ICMP + length;
}
