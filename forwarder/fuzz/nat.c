/*
 * libFuzzer: packets into an uplink and out of it, time, and changes of NAT rows (outside.h; the network of port 8 is
 * routed natively). Whatever is sent: nothing leaves through the uplink with an inside source address but from there;
 * no two flows share a 5-tuple outside; no endpoint outside stands for two inside; packets that came sound leave with
 * right checksums. All flows end with the input, and then every ledger must hold.
 *
 * Per step: [what]; a packet: [kind][options: low 4 bits, how many changes; bit 6, to the endpoint that left last; bit
 * 7, header checksum made right][offset, value] …; an error about what left last: [from][type][code][bytes quoted];
 * time: [log2 of seconds]; a row: [which].
 */
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <string.h>

#include "flow_life.h"
#include "input.h"
#include "outside.h"
#include "punt.h"
#include "tenants.h"

#define STEPS        24u
#define FLOWS        256u
#define ROUNDS       32u
#define OPTION_SUMS  0x80
#define OPTION_AIMED 0x40
#define UPLINK       OUTSIDE_UPLINK

#define OUT1 "eth m1 gw | ip4 10.1.0.11 198.19.0.7 "
#define IN   "eth m99 m40 | ip4 198.19.0.7 198.18.0.10 "
#define IN2  "eth m99 m40 | ip4 198.19.0.7 198.18.0.20 "

static const struct {
	uint8_t port;
	const char *text;
} kinds[] = {
        {1, OUT1 "| udp 4000 53 | data 20"},
        {1, OUT1 "| udp 4001 53 nosum | data 20"},
        {1, OUT1 "| tcp 4000 80 S seq 100"},
        {1, OUT1 "| tcp 4000 80 A seq 101 ack 501 | data 9"},
        {1, OUT1 "| tcp 4000 80 R seq 101"},
        {1, OUT1 "| icmp 8 0 word 0x70001 | data 9"},
        {1, OUT1 "id 9 mf | udp 4000 53 | data 72"},
        {1, OUT1 "id 9 offset 80 proto 17 | data 20"},
        {1, OUT1 "| sctp 4000 80 | data 20"},
        {1, OUT1 "| udp 4000 53 | data 1400"},
        {8, "eth m8 gw | ip4 10.4.0.11 198.19.0.7 | udp 4000 53 | data 20"},
        {8, "eth m8 gw | ip4 10.4.0.11 198.18.0.24 | tcp 4000 80 S"},
        {2, "eth m2 gw | ip4 10.1.0.12 198.19.0.7 | udp 4000 53 | data 20"},
        {2, "eth m2 gw | ip4 10.1.0.12 198.19.0.7 proto 47 | data 20"},
        {2, "eth m2 gw | ip4 10.1.0.12 198.18.0.20 | udp 4000 53 | data 20"},
        {2, "eth m2 gw | ip4 10.1.0.12 198.18.0.24 | icmp 0 0 word 0x70001 | data 9"},
        {2, "eth m2 gw | ip4 10.1.0.12 198.18.0.24 | icmp 3 3 | ip4 198.18.0.24 10.1.0.12 | udp 4000 53 | data 9"},
        {2, "eth m2 gw | ip4 10.1.0.12 198.19.0.7 | icmp 3 3 | ip4 198.19.0.7 10.1.0.12 | udp 53 9 | data 9"},
        {2, "eth m2 gw | ip6 2001:db8:1::c 2001:db8:e::7 | hop | tcp 4000 80 S | data 9"},
        {2, "eth m2 gw | ip6 2001:db8:1::c 2001:db8:f::24 | udp 4000 53 | data 9"},
        {4, "eth m4 gw | ip4 10.1.0.12 198.18.0.20 | udp 4000 53 | data 20"},
        {4, "eth m4 gw | ip4 10.1.0.12 198.18.0.20 | icmp 8 0 word 0x70001 | data 9"},
        {4, "eth m4 gw | ip4 10.1.0.12 198.18.0.20 id 9 mf | udp 4000 53 | data 72"},
        {4, "eth m4 gw | ip4 10.1.0.12 198.18.0.20 id 9 offset 80 proto 17 | data 9"},
        {4, "eth m4 gw | ip4 10.1.0.12 198.18.0.10 | tcp 4000 80 S"},
        {UPLINK, IN "| udp 53 1024 | data 20"},
        {UPLINK, IN "| tcp 80 1024 SA seq 500 ack 101"},
        {UPLINK, IN "| icmp 0 0 word 0x70001 | data 9"},
        {UPLINK, IN "id 9 mf | udp 53 1024 | data 72"},
        {UPLINK, IN "id 9 offset 80 proto 17 | data 9"},
        {UPLINK, IN2 "| udp 53 4000 | data 20"},
        {UPLINK, IN2 "| tcp 7000 22 S seq 1"},
        {UPLINK, IN2 "| icmp 8 0 word 0x70001 | data 9"},
        {UPLINK, IN2 "id 9 offset 80 proto 17 | data 9"},
        {UPLINK, IN2 "id 9 mf | udp 53 9 | data 72"},
        {UPLINK, IN2 "proto 47 | data 20"},
        {UPLINK, "eth m99 m40 | ip4 198.19.0.7 10.4.0.11 | udp 53 4000 | data 20"},
        {UPLINK, "eth m99 m40 | ip4 198.18.0.254 198.18.0.1 | icmp 8 0 word 0x70001 | data 9"},
        {UPLINK, "eth m99 m40 | ip6 2001:db8:e::7 2001:db8:f::20 | tcp 80 4000 SA ack 1"},
        {UPLINK, "eth m99 m40 | ip6 2001:db8:e::7 2001:db8:f::20 | frag id 9 mf | udp 53 9 | data 72"},
        {UPLINK, "eth m99 m40 | ip6 2001:db8:e::7 2001:db8:f::20 | icmp 2 0 word 1280 | ip6 2001:db8:f::20 "
                 "2001:db8:e::7 | hop | tcp 4000 80 S | data 9"},
        {UPLINK, "eth m99 bc | arp request m99 198.18.0.254 00:00:00:00:00:00 198.18.0.20"},
        {UPLINK, "eth m99 m40 | arp reply m99 198.18.0.254 m40 198.18.0.1"},
        {UPLINK,
                "eth m99 33:33:ff:00:00:20 | ip6 2001:db8:f::99 ff02::1:ff00:20 hops 255 | ns 2001:db8:f::20 slla m99"},
        {UPLINK, "eth m99 m40 | ip6 2001:db8:f::99 2001:db8:f::1 hops 255 | na 2001:db8:f::99 SO tlla m99"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
static struct packet_text samples[KINDS];

/* Whether nothing that came was changed; the frame that left through the uplink last. */
static bool sound;
static uint8_t last[RIG_FRAME];
static uint32_t last_length;

/* Rows that come and go: each is there, or changed. */

static bool changed[6];

static void change(uint32_t which)
{
	bool now = changed[which] = !changed[which];

	switch (which) {
	case 0:
		outside_floating("198.18.0.20", now ? 3 : 2, now ? "10.2.0.11" : "10.1.0.12");
		break;
	case 1:
		if (now)
			outside_floating_gone("2001:db8:f::20");
		else
			outside_floating("2001:db8:f::20", 2, "2001:db8:1::c");
		break;
	case 2:
		RIG_ROW(vrf_nat, .vrf = 1, .pool = now ? 0 : OUTSIDE_POOL, .port = UPLINK);
		break;
	case 3:
	case 4:
		outside_pool(1024, 1151, 64, changed[3] ? 2 : 1, changed[4] ? FWD_NAT_DEPENDENT_FILTERING : 0);
		break;
	default:
		RIG_ROW(bridge, .id = 100, .vrf = 100, .mode = FWD_MODE_L3, .mtu = now ? 600 : 1500);
	}
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static const uint8_t network4[16] = {10, 4}, network6[16] = {0x20, 1, 0xd, 0xb8, 0, 4};
	struct fwd_route_row route = {.vrf = 100, .family = 4, .prefix_length = 24, .source = 45, .nexthop = 500};

	rig_flows.flow_pairs = 128;
	rig_flows.nat_addresses = 4;
	rig_flows.nat_reuse_wait = 3;
	rig_start();
	tenants_make();
	outside_make();
	outside_pool(1024, 1151, 64, 1, 0);
	RIG_ROW(bridge, .id = 40, .vrf = 1, .mode = FWD_MODE_L3, .mtu = 1500, .flags = FWD_BRIDGE_UNDERLAY);
	/* Else it could send in anybody's name. */
	RIG_ROW(port, .id = 8, .bridge = 40, .flags = FWD_PORT_SECURITY, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 8},
	        .binding = FWD_BINDING_NONE);
	RIG_ROW(nexthop, .id = 500, .type = FWD_NEXTHOP_VRF, .target = 1);
	memcpy(route.address, network4, 16);
	rig_row(FWD_TABLE_ROUTE, &route, sizeof(route));
	route.family = 6;
	route.prefix_length = 64;
	memcpy(route.address, network6, 16);
	rig_row(FWD_TABLE_ROUTE, &route, sizeof(route));
	for (uint32_t i = 0; i < KINDS; i++)
		input_sample(kinds[i].text, &samples[i]);
	return 0;
}

/* 10/8 and 2001:db8:1::/64 to 2001:db8:4::/64, but for what is routed natively. */
static bool is_inside(const struct pkt *pkt)
{
	static const uint8_t prefix[5] = {0x20, 1, 0xd, 0xb8, 0};

	if ((pkt->flags & PKT_IPV4) != 0) {
		uint32_t src = rte_be_to_cpu_32(pkt->src_be);
		return src >> 24 == 10 && src >> 8 != 0x0a0400;
	}
	return (pkt->flags & PKT_IPV6) != 0 && memcmp(pkt_src6(pkt), prefix, sizeof(prefix)) == 0 &&
	       pkt_src6(pkt)[5] < 4;
}

static bool is_summed(const struct pkt *pkt)
{
	bool none = pkt->protocol == IPPROTO_UDP && pkt->data[pkt->l4 + 6] == 0 && pkt->data[pkt->l4 + 7] == 0;

	return (pkt->flags & (PKT_L4 | PKT_FRAGMENT | PKT_EXTENSIONS)) == PKT_L4 && !none &&
	       (pkt->protocol == IPPROTO_TCP || pkt->protocol == IPPROTO_UDP || pkt->protocol == IPPROTO_ICMP ||
	               pkt->protocol == IPPROTO_ICMPV6);
}

static void look(uint32_t port, uint8_t *frame, uint32_t length)
{
	struct rte_mbuf mbuf;
	struct pkt pkt;

	input_demand(input_parse(&pkt, &mbuf, frame, length), "a malformed frame leaves", frame, length);
	if (sound && is_summed(&pkt))
		input_demand(checksum_holds(frame), "a wrong checksum leaves", frame, length);
	if (port != UPLINK)
		return;
	input_demand(!is_inside(&pkt), "an inside address leaves through the uplink", frame, length);
	if ((pkt.flags & PKT_L4) == 0)
		return;
	memcpy(last, frame, length);
	last_length = length;
}

static void look_at_frames(void)
{
	static uint8_t frame[RIG_FRAME];
	int length;

	for (uint32_t port = 1; port <= UPLINK; port++)
		while (rig_has(port) && (length = rig_take(port, frame)) >= 0)
			look(port, frame, (uint32_t)length);
}

/* A flow as the world sees it, and who is inside. */
struct outer {
	uint8_t local[16], remote[16], inside[16];
	uint16_t local_port, remote_port, inside_l4_port;
	uint32_t inside_port;
	uint8_t protocol, version;
};

static struct outer outer_of(const struct fwd_flow *flow)
{
	bool out = flow->to_port == UPLINK;
	struct outer outer = {.protocol = flow->protocol, .version = flow->version};

	memcpy(outer.local, out ? flow->nat_src : flow->dst, 16);
	memcpy(outer.remote, out ? flow->nat_dst : flow->src, 16);
	memcpy(outer.inside, out ? flow->src : flow->nat_dst, 16);
	outer.local_port = out ? flow->nat_src_port : flow->dst_port;
	outer.remote_port = out ? flow->nat_dst_port : flow->src_port;
	outer.inside_l4_port = out ? flow->src_port : flow->nat_dst_port;
	outer.inside_port = out ? flow->from_port : flow->to_port;
	return outer;
}

static bool same_local(const struct outer *a, const struct outer *b)
{
	return a->protocol == b->protocol && a->version == b->version && a->local_port == b->local_port &&
	       memcmp(a->local, b->local, 16) == 0;
}

static void look_at_flows(void)
{
	static const struct fwd_flow_filter all;
	static struct fwd_flow found[FLOWS];
	static struct outer outers[FLOWS];
	uint32_t cursor = 0, count = 0;
	int32_t bytes = flow_read(&all, &cursor, found, sizeof(found));

	for (int32_t i = 0; i < bytes / (int32_t)sizeof(found[0]); i++) {
		if (!found[i].translated || (found[i].to_port != UPLINK && found[i].from_port != UPLINK))
			continue;
		struct outer outer = outer_of(&found[i]);
		for (uint32_t j = 0; j < count; j++) {
			if (!same_local(&outer, &outers[j]))
				continue;
			input_demand(memcmp(outer.remote, outers[j].remote, 16) != 0 ||
			                     outer.remote_port != outers[j].remote_port,
			        "two flows share a 5-tuple outside", (uint8_t *)&outer, sizeof(outer));
			/* A floating address that moved: flows of before end with their next packet. */
			bool shared = outer.local[2] == 0 && (outer.local[3] == 10 || outer.local[3] == 11);
			input_demand(!shared || outer.version != 4 ||
			                     (memcmp(outer.inside, outers[j].inside, 16) == 0 &&
			                             outer.inside_l4_port == outers[j].inside_l4_port &&
			                             outer.inside_port == outers[j].inside_port),
			        "an endpoint outside stands for two inside", (uint8_t *)&outer, sizeof(outer));
		}
		outers[count++] = outer;
	}
}

static void put_checksums(struct pkt *pkt)
{
	struct rte_ipv4_hdr *ip = (void *)(pkt->data + pkt->l3);
	uint8_t *l4 = pkt->data + pkt->l4;
	uint16_t *field = (uint16_t *)(l4 + (pkt->protocol == IPPROTO_TCP ? 16 : 6));

	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
	if ((pkt->flags & (PKT_L4 | PKT_FRAGMENT)) != PKT_L4 || rte_ipv4_hdr_len(ip) != sizeof(*ip) ||
	        (pkt->protocol != IPPROTO_TCP && pkt->protocol != IPPROTO_UDP))
		return;
	*field = 0;
	*field = rte_ipv4_udptcp_cksum(ip, l4);
}

/* Makes a packet from outside one for the endpoint that was seen outside last. */
static void aim(uint8_t *frame, uint32_t length)
{
	struct rte_mbuf mbuf, seen_mbuf;
	struct pkt pkt, seen;

	if (last_length == 0 || !input_parse(&seen, &seen_mbuf, last, last_length) ||
	        !input_parse(&pkt, &mbuf, frame, length) || (seen.flags & pkt.flags & PKT_IPV4) == 0 ||
	        seen.protocol != pkt.protocol)
		return;
	memcpy(frame + pkt.l3 + 16, &seen.src_be, 4);
	if ((pkt.flags & seen.flags & PKT_L4) != 0 && (pkt.protocol == IPPROTO_TCP || pkt.protocol == IPPROTO_UDP))
		memcpy(frame + pkt.l4 + 2, last + seen.l4, 2);
	put_checksums(&pkt);
	/* ICMP goes by its identifier. */
	sound &= pkt.protocol == IPPROTO_TCP || pkt.protocol == IPPROTO_UDP;
}

static void send_one(struct input *input)
{
	static uint8_t frame[RIG_FRAME];
	uint32_t kind = input_next(input) % KINDS;
	uint8_t options = input_next(input);
	uint32_t length = input_change(input, &samples[kind], options, frame);
	struct rte_mbuf mbuf;
	struct pkt pkt;

	sound &= (options & 15) == 0;
	if ((options & OPTION_AIMED) != 0 && kinds[kind].port == UPLINK)
		aim(frame, length);
	if ((options & OPTION_SUMS) != 0 && input_parse(&pkt, &mbuf, frame, length) && (pkt.flags & PKT_IPV4) != 0)
		put_checksums(&pkt);
	rig_send(kinds[kind].port, frame, length);
	rig_run();
}

/* A router outside, or the far end, complains about what left last. */
static void complain(struct input *input)
{
	static struct packet_text quoted, error;
	char text[128], fault[128];
	uint8_t from = input_next(input), type = input_next(input), code = input_next(input), bytes = input_next(input);
	bool ipv4 = last[12] == 8;

	if (last_length == 0)
		return;
	memcpy(quoted.bytes, last, last_length);
	quoted.length = last_length;
	snprintf(text, sizeof(text), "eth m99 m40 | %s | icmp %u %u word 600 | quote %u",
	        ipv4 ? "ip4 198.19.0.7 0.0.0.0" : "ip6 2001:db8:e::7 ::", type % 16, code % 16, bytes);
	if (!packet_text_make(text, &quoted, &error, fault))
		abort();
	if (ipv4)
		memcpy(error.bytes + 30, last + 26, 4);
	else
		memcpy(error.bytes + 38, last + 22, 16);
	error.bytes[ipv4 ? 29 : 37] = from;
	struct rte_ipv4_hdr *ip = (void *)(error.bytes + RTE_ETHER_HDR_LEN);
	if (ipv4) {
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	} else {
		/* Its checksum knows addresses. */
		sound = false;
	}
	rig_send(UPLINK, error.bytes, error.length);
	rig_run();
}

static void step(struct input *input)
{
	switch (input_next(input) % 16) {
	case 0:
		rig_later(1u << input_next(input) % 13);
		break;
	case 1:
		change(input_next(input) % (sizeof(changed) / sizeof(changed[0])));
		break;
	case 2:
		rig_flows_restart();
		break;
	case 3:
	case 4:
		complain(input);
		break;
	default:
		send_one(input);
	}
	look_at_frames();
	look_at_flows();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t batch[1 << 20];
	static uint32_t runs;
	struct input input = {data, size};

	sound = true;
	last_length = 0;
	for (uint32_t i = 0; i < STEPS && input.left >= 1; i++)
		step(&input);
	rig_later(8000);
	rig_later(10);
	look_at_frames();
	for (uint32_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		if (changed[i])
			change(i);
	while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
		;
	/* Looking at everything each time would halve the speed; what is wrong stays wrong. */
	if (++runs % ROUNDS == 0 && !rig_ledgers_hold())
		abort();
	return 0;
}
