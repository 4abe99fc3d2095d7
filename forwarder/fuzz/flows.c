/*
 * libFuzzer: packets, time and changes of rules against flows. Beside what sanitizers see, three things must hold
 * whatever is sent: through port 2, which belongs to no group, nothing leaves that policy is asked about; through port
 * 3, which may begin nothing itself, only what its rules name; and no later fragment unless a first one of its datagram
 * was sent that they name, whichever way that one went. All flows end with the input, and then every
 * ledger must hold.
 *
 * Per step: [what]; a packet: [kind][options: low 4 bits, how many changes; bit 7, header checksum made right]
 * [offset, value] …; time: [log2 of seconds]; a rule: [which].
 */
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "punt.h"
#include "tables.h"
#include "tenants.h"

#define STEPS       24u
#define OPTION_SUMS 0x80
#define DATAGRAMS   64u

#define TO3   "eth m1 gw | ip4 10.1.0.11 10.2.0.11 "
#define BACK  "eth m3 gw | ip4 10.2.0.11 10.1.0.11 "
#define TO36  "eth m1 gw | ip6 2001:db8:1::b 2001:db8:2::b "
#define BACK6 "eth m3 gw | ip6 2001:db8:2::b 2001:db8:1::b "

static const struct {
	uint8_t port;
	const char *text;
} kinds[] = {
        {1, TO3 "| tcp 4000 80 S seq 100"},
        {3, BACK "| tcp 80 4000 SA seq 500 ack 101"},
        {1, TO3 "| tcp 4000 80 A seq 101 ack 501"},
        {3, BACK "| tcp 80 4000 FA seq 501 ack 101"},
        {1, TO3 "| tcp 4000 80 R seq 101"},
        {3, BACK "| tcp 80 4000 RA ack 101"},
        {1, TO3 "| udp 4000 53 | data 20"},
        {3, BACK "| udp 53 4000 | data 20"},
        {1, TO3 "| icmp 8 0 word 0x70001 | data 8"},
        {3, BACK "| icmp 0 0 word 0x70001 | data 8"},
        {3, BACK "| icmp 3 3 | "
                 "ip4 10.1.0.11 10.2.0.11 | udp 4000 53 | data 20"},
        {8, "eth m8 gw | ip4 10.4.0.11 10.1.0.11 | icmp 3 4 word 600 | ip4 10.1.0.11 10.2.0.11 | tcp 4000 80 A | data "
            "8"},
        {1, TO3 "| icmp 3 3 | ip4 10.2.0.11 10.1.0.11 | udp 53 4000 | data 20"},
        {1, TO3 "id 9 mf | udp 4000 53 | data 72"},
        {1, TO3 "id 9 mf offset 80 proto 17 | data 80"},
        {1, TO3 "id 9 offset 160 proto 17 | data 5"},
        {1, TO3 "id 10 mf | tcp 4000 80 A | data 60"},
        {1, TO3 "id 10 offset 80 proto 6 | data 80"},
        {1, TO3 "id 11 mf proto 6 | data 16"},
        {3, BACK "id 9 mf | udp 53 4000 | data 72"},
        {3, BACK "id 9 offset 80 proto 17 | data 5"},
        {1, TO36 "| frag id 9 mf | udp 4000 53 | data 72"},
        {1, TO36 "next 44 | frag id 9 offset 80 mf | data 80"},
        {1, TO36 "next 44 | frag id 9 offset 160 | data 80"},
        {1, TO36 "| frag id 9 | udp 4000 53 | data 8"},
        {1, TO36 "| hop | dest | tcp 4000 80 S | data 8"},
        {3, BACK6 "| tcp 80 4000 SA ack 1"},
        {1, TO36 "| icmp 128 0 word 0x70001"},
        {3, BACK6 "| icmp 129 0 word 0x70001"},
        {3, BACK6 "| icmp 2 0 word 1280 | ip6 2001:db8:1::b 2001:db8:2::b | udp 4000 53 | data 8"},
        {1, TO3 "| sctp 4000 3868 | data 20"},
        {1, TO3 "proto 47 | data 20"},
        {1, "eth m1 m2 | ip4 10.1.0.11 10.1.0.12 | udp 4000 53 | data 8"},
        {1, "eth m1 m2 | ip6 2001:db8:1::b 2001:db8:1::c | tcp 4000 80 S"},
        {1, "eth m1 bc | ip4 10.1.0.11 10.1.0.255 | udp 4000 9 | data 8"},
        {1, "eth m1 bc | ip4 10.1.0.11 10.1.0.255 id 12 mf | udp 4000 9 | data 8"},
        {1, "eth m1 bc | ip4 10.1.0.11 10.1.0.255 id 12 offset 16 proto 17 | data 8"},
        {1, "eth m1 33:33:00:00:00:fb | ip6 2001:db8:1::b ff02::fb | udp 5353 5353 | data 8"},
        {8, "eth m8 gw | ip4 10.4.0.11 10.2.0.11 | tcp 4000 80 S"},
        {8, "eth m8 gw | ip4 10.4.0.11 10.1.0.12 | udp 4000 53 | data 20"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
static struct packet_text samples[KINDS];

/* Each is there, or not. */
static struct fwd_rule_row rules[] = {
        {.group = 5, .number = 1, .family = 4, .protocol = IPPROTO_TCP, .port_min = 80, .port_max = 80},
        {.group = 5, .number = 2, .family = 4, .protocol = IPPROTO_UDP, .port_min = 53, .port_max = 53},
        {.group = 5, .number = 3, .family = 4, .protocol = IPPROTO_ICMP, .port_min = 8 << 8, .port_max = 8 << 8},
        {.group = 5, .number = 4, .family = 6, .protocol = IPPROTO_TCP, .port_min = 80, .port_max = 80},
        {.group = 5, .number = 5, .family = 6, .protocol = IPPROTO_UDP, .port_min = 53, .port_max = 53},
        {.group = 5, .number = 6, .family = 6, .protocol = IPPROTO_ICMPV6, .port_min = 128 << 8, .port_max = 128 << 8},
        {.group = 6, .number = 1, .family = 4, .direction = FWD_RULE_EGRESS, .port_max = UINT16_MAX},
        {.group = 6, .number = 2, .family = 6, .direction = FWD_RULE_EGRESS, .port_max = UINT16_MAX},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))
static bool given[RULES];

/* First fragments that the rules of port 3 name, sent since the input began: addresses and number. */
static uint8_t datagrams[DATAGRAMS][36];
static uint32_t datagram_count;

static void toggle(uint32_t which)
{
	if (given[which])
		rig_delete(FWD_TABLE_RULE, &rules[which], sizeof(rules[which]));
	else
		rig_row(FWD_TABLE_RULE, &rules[which], sizeof(rules[which]));
	given[which] = !given[which];
}

static void belong(uint32_t port, uint32_t identity, uint32_t group)
{
	struct fwd_port_row row = *tables_port(port);

	if (group != 0)
		RIG_ROW(identity_group, .identity = identity, .group = group, .gate = 1);
	RIG_ROW(port_identity, .port = port, .identity = identity);
	row.flags |= FWD_PORT_POLICY_REQUIRED;
	rig_row(FWD_TABLE_PORT, &row, sizeof(row));
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	rig_flows.flow_pairs = 128;
	rig_flows.nat_addresses = 1;
	rig_start();
	tenants_make();
	for (uint32_t i = 0; i < KINDS; i++)
		input_sample(kinds[i].text, &samples[i]);
	belong(1, 16, 6);
	belong(2, 17, 0);
	belong(3, 18, 5);
	for (uint32_t i = 0; i < RULES; i++)
		toggle(i);
	return 0;
}

static bool is_icmp_error(const struct pkt *pkt)
{
	uint8_t type = (uint8_t)pkt->dst_l4_port;

	return (pkt->flags & PKT_IPV4) != 0 ? type == 3 || type == 4 || type == 5 || type == 11 || type == 12
	                                    : type >= 1 && type <= 4;
}

static bool is_exempt(const struct pkt *pkt)
{
	uint8_t type = (uint8_t)pkt->dst_l4_port;

	if ((pkt->flags & PKT_IPV4) != 0)
		return pkt->protocol == IPPROTO_IGMP;
	return (pkt->flags & PKT_IPV6) == 0 || (pkt->protocol == IPPROTO_ICMPV6 && (pkt->flags & PKT_L4) != 0 &&
	                                               ((type >= 130 && type <= 137) || type == 143));
}

/* 10.x.0.1 or 2001:db8:x::1, and fe80::200:5eff:fe00:100. */
static bool is_from_gateway(const struct pkt *pkt)
{
	static const uint8_t zero[9];
	const uint8_t *src = (pkt->flags & PKT_IPV6) != 0 ? pkt_src6(pkt) : NULL;

	if (src == NULL)
		return (rte_be_to_cpu_32(pkt->src_be) & 0xff00ffff) == 0x0a000001;
	return src[0] == 0xfe || (memcmp(src + 6, zero, sizeof(zero)) == 0 && src[15] == 1);
}

/* Addresses and number of a datagram; false: not a fragment whose header stands first. */
static bool datagram_of(const struct pkt *pkt, uint8_t *out)
{
	memset(out, 0, sizeof(datagrams[0]));
	if ((pkt->flags & PKT_IPV4) != 0) {
		memcpy(out, pkt->data + pkt->l3 + 12, 8);
		memcpy(out + 32, pkt->data + pkt->l3 + 4, 2);
		return true;
	}
	memcpy(out, pkt->data + pkt->l3 + 8, 32);
	memcpy(out + 32, pkt->data + pkt->l3 + 44, 4);
	return pkt->data[pkt->l3 + 6] == IPPROTO_FRAGMENT;
}

static bool was_begun(const uint8_t *datagram)
{
	for (uint32_t i = 0; i < datagram_count; i++)
		if (memcmp(datagrams[i], datagram, sizeof(datagrams[0])) == 0)
			return true;
	return false;
}

/* Whether the rules of port 3, when all are there, name a packet or a first fragment. */
static bool is_named(const struct pkt *pkt)
{
	if ((pkt->flags & PKT_L4) == 0)
		return false;
	switch (pkt->protocol) {
	case IPPROTO_TCP:
		return pkt->dst_l4_port == 80;
	case IPPROTO_UDP:
		return pkt->dst_l4_port == 53;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return is_icmp_error(pkt) || pkt->dst_l4_port == ((pkt->flags & PKT_IPV4) != 0 ? 8 : 128);
	default:
		return false;
	}
}

static void note_first(const struct pkt *pkt)
{
	uint8_t datagram[sizeof(datagrams[0])];

	if ((pkt->flags & (PKT_FRAGMENT | PKT_LATER_FRAGMENT)) != PKT_FRAGMENT || !is_named(pkt) ||
	        !datagram_of(pkt, datagram))
		return;
	memcpy(datagrams[datagram_count], datagram, sizeof(datagram));
	datagram_count += datagram_count + 1 < DATAGRAMS;
}

/* Of what leaves through port 3. */
static bool may_leave_3(const struct pkt *pkt)
{
	uint8_t datagram[sizeof(datagrams[0])];

	if ((pkt->flags & PKT_LATER_FRAGMENT) == 0)
		return is_named(pkt);
	return !datagram_of(pkt, datagram) || was_begun(datagram);
}

static void look(uint32_t port, uint8_t *frame, uint32_t length)
{
	struct rte_mbuf mbuf;
	struct pkt pkt;

	if (port != 2 && port != 3)
		return;
	input_demand(input_parse(&pkt, &mbuf, frame, length), "a malformed frame leaves", frame, length);
	if (is_exempt(&pkt) || is_from_gateway(&pkt))
		return;
	input_demand(port != 2, "leaves through the port of no group", frame, length);
	input_demand(may_leave_3(&pkt), "leaves through port 3, and no rule allows it", frame, length);
}

static void look_at_all(void)
{
	static uint8_t frame[RIG_FRAME];
	int length;

	for (uint32_t port = 1; port <= 8; port++)
		while (rig_has(port) && (length = rig_take(port, frame)) >= 0)
			look(port, frame, (uint32_t)length);
}

static void send_one(struct input *input)
{
	static uint8_t frame[RIG_FRAME];
	uint32_t kind = input_next(input) % KINDS;
	uint8_t options = input_next(input);
	uint32_t length = input_change(input, &samples[kind], options, frame);
	struct rte_ipv4_hdr *ip4 = (void *)(frame + RTE_ETHER_HDR_LEN);
	struct rte_mbuf mbuf;
	struct pkt pkt;

	if ((options & OPTION_SUMS) != 0 && frame[12] == 8 && frame[13] == 0 &&
	        RTE_ETHER_HDR_LEN + rte_ipv4_hdr_len(ip4) <= length) {
		ip4->hdr_checksum = 0;
		ip4->hdr_checksum = (uint16_t)~rte_raw_cksum(ip4, rte_ipv4_hdr_len(ip4));
	}
	if (input_parse(&pkt, &mbuf, frame, length))
		note_first(&pkt);
	rig_send(kinds[kind].port, frame, length);
	rig_run();
}

static void step(struct input *input)
{
	switch (input_next(input) % 16) {
	case 0:
		rig_later(1u << input_next(input) % 13);
		break;
	case 1:
		toggle(input_next(input) % RULES);
		break;
	case 2:
		rig_flows_restart();
		break;
	default:
		send_one(input);
	}
	look_at_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t batch[1 << 20];
	struct input input = {data, size};

	datagram_count = 0;
	for (uint32_t i = 0; i < STEPS && input.left >= 1; i++)
		step(&input);
	rig_later(8000);
	look_at_all();
	for (uint32_t i = 0; i < RULES; i++)
		if (!given[i])
			toggle(i);
	while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
		;
	if (!rig_ledgers_hold())
		abort();
	return 0;
}
