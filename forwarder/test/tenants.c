#include "tenants.h"

#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>
#include <string.h>

const uint8_t mac_gateway[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x00};
const uint8_t mac_broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
const uint8_t gateway_link_local_ip[16] = {
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x01, 0x00};

#define MAC(n)                                                                                                         \
	{                                                                                                              \
		0x02, 0, 0, 0, 0, n                                                                                    \
	}

const uint8_t *mac_of(uint8_t port)
{
	static uint8_t macs[256][6];

	memcpy(macs[port], (uint8_t[6])MAC(port), 6);
	return macs[port];
}

#define IP4(a, b, c, d)                                                                                                \
	{                                                                                                              \
		a, b, c, d                                                                                             \
	}

#define IP6(network, host)                                                                                             \
	{                                                                                                              \
		0x20, 0x01, 0x0d, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, host                                    \
	}

const uint8_t *ip6(uint8_t network, uint8_t host)
{
	static uint8_t addresses[256][256][16];

	memcpy(addresses[network][host], (uint8_t[16])IP6(network, host), 16);
	return addresses[network][host];
}

const uint8_t *link_local_of(uint8_t port)
{
	static uint8_t addresses[256][16];

	memcpy(addresses[port], (uint8_t[16]){0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, port}, 16);
	return addresses[port];
}

static void host(
        uint32_t port, uint32_t bridge, uint8_t second, uint8_t last, uint32_t flags, uint32_t parent, uint16_t vlan)
{
	RIG_ROW(port, .id = port, .bridge = bridge, .flags = flags, .parent = parent, .vlan = vlan, .mtu = 1500,
	        .mac = MAC((uint8_t)port), .binding = parent != 0 ? FWD_BINDING_VLAN : FWD_BINDING_NONE);
	if (parent == 0)
		rig_attach(port);
	else
		rig_links();
	if (bridge == 0)
		return;
	RIG_ROW(mac, .bridge = bridge, .mac = MAC((uint8_t)port), .port = port);
	RIG_ROW(neighbor, .bridge = bridge, .family = 4, .address = IP4(10, second, 0, last),
	        .mac = MAC((uint8_t)port));
	RIG_ROW(neighbor, .bridge = bridge, .family = 6, .address = IP6(second, last), .mac = MAC((uint8_t)port));
	RIG_ROW(source, .port = port, .family = 4, .prefix_length = 32, .mac = MAC((uint8_t)port),
	        .address = IP4(10, second, 0, last));
	RIG_ROW(source, .port = port, .family = 6, .prefix_length = 128, .mac = MAC((uint8_t)port),
	        .address = IP6(second, last));
	RIG_ROW(nexthop, .id = 100 + port, .type = FWD_NEXTHOP_PORT, .port = port, .bridge = bridge,
	        .mac = MAC((uint8_t)port));
}

static void network(uint32_t bridge, uint32_t vrf, uint8_t mode, uint8_t second)
{
	RIG_ROW(bridge, .id = bridge, .vrf = vrf, .mode = mode, .mtu = 1500);
	RIG_ROW(neighbor, .bridge = bridge, .family = 4, .address = IP4(10, second, 0, 1),
	        .mac = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x00}, .flags = FWD_NEIGHBOR_GATEWAY);
	RIG_ROW(neighbor, .bridge = bridge, .family = 6, .address = IP6(second, 1),
	        .mac = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x00}, .flags = FWD_NEIGHBOR_GATEWAY);
	RIG_ROW(nexthop, .id = 200 + bridge, .type = FWD_NEXTHOP_PORT, .bridge = bridge);
	RIG_ROW(route, .vrf = vrf, .family = 6, .prefix_length = 64, .address = IP6(second, 0), .source = 10,
	        .nexthop = 200 + bridge);
	RIG_ROW(route, .vrf = vrf, .family = 4, .prefix_length = 24, .address = IP4(10, second, 0, 0), .source = 10,
	        .nexthop = 200 + bridge);
}

static void services(void)
{
	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = 1000, .burst = 20, .port_rate = 1000,
	        .port_burst = 10, .name = "dhcp");
	RIG_ROW(service, .vrf = 0xffffffff, .family = 4, .protocol = IPPROTO_UDP, .l4_port = 67, .punt_class = 7);
	RIG_ROW(service, .vrf = 1, .family = 4, .protocol = IPPROTO_UDP, .l4_port = 53, .address = IP4(10, 1, 0, 1),
	        .punt_class = 8);
}

void tenants_make(void)
{
	RIG_ROW(vrf, .id = 1);
	RIG_ROW(vrf, .id = 2);
	network(10, 1, FWD_MODE_L2_L3, 1);
	network(20, 1, FWD_MODE_L2_L3, 2);
	network(30, 2, FWD_MODE_L2_L3, 1);
	network(40, 1, FWD_MODE_L3, 4);
	host(1, 10, 1, 11, FWD_PORT_SECURITY, 0, 0);
	host(2, 10, 1, 12, FWD_PORT_SECURITY, 0, 0);
	host(3, 20, 2, 11, FWD_PORT_SECURITY, 0, 0);
	host(4, 30, 1, 12, FWD_PORT_SECURITY, 0, 0);
	host(5, 0, 0, 0, FWD_PORT_TRUNK, 0, 0);
	host(6, 10, 1, 13, FWD_PORT_SECURITY, 5, 101);
	host(7, 30, 1, 13, FWD_PORT_SECURITY, 5, 102);
	host(8, 40, 4, 11, 0, 0, 0);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 32, .address = IP4(10, 2, 0, 11), .source = 10,
	        .nexthop = 103);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 128, .address = IP6(2, 11), .source = 10,
	        .nexthop = 103);
	RIG_ROW(nexthop, .id = 300, .type = FWD_NEXTHOP_BLACKHOLE);
	RIG_ROW(nexthop, .id = 301, .type = FWD_NEXTHOP_DROP);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = IP4(192, 0, 2, 0), .source = 20,
	        .nexthop = 300);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = IP4(203, 0, 113, 0), .source = 20,
	        .nexthop = 301);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = IP4(198, 51, 100, 0), .source = 20,
	        .nexthop = 999);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 64, .address = IP6(0xb0, 0), .source = 20,
	        .nexthop = 300);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 64, .address = IP6(0xd0, 0), .source = 20,
	        .nexthop = 301);
	services();
}

void tenants_service_port(void)
{
	RIG_ROW(port, .id = TENANTS_SERVICE, .flags = FWD_PORT_SERVICE, .parent = rig_owner(), .mtu = 9216,
	        .mac = {0x02, 0x77, 0, 0, 0, 9});
	rig_attach(TENANTS_SERVICE);
}

static uint8_t *put_eth(uint8_t *out, const uint8_t *dst, uint8_t source, uint16_t type)
{
	memcpy(out, dst, 6);
	memcpy(out + 6, mac_of(source), 6);
	out[12] = (uint8_t)(type >> 8);
	out[13] = (uint8_t)type;
	return out + RTE_ETHER_HDR_LEN;
}

uint32_t make_arp(uint8_t *out, uint16_t operation, uint8_t source, uint32_t sender_ip, uint32_t target_ip)
{
	struct rte_arp_hdr *arp = (void *)put_eth(out, mac_broadcast, source, RTE_ETHER_TYPE_ARP);

	memset(arp, 0, sizeof(*arp));
	arp->arp_hardware = htons(1);
	arp->arp_protocol = htons(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = 6;
	arp->arp_plen = 4;
	arp->arp_opcode = htons(operation);
	memcpy(arp->arp_data.arp_sha.addr_bytes, mac_of(source), 6);
	arp->arp_data.arp_sip = htonl(sender_ip);
	arp->arp_data.arp_tip = htonl(target_ip);
	return RTE_ETHER_HDR_LEN + sizeof(*arp);
}

static struct rte_ipv4_hdr *put_ip(uint8_t *at, uint8_t protocol, uint32_t src, uint32_t dst, uint16_t payload)
{
	struct rte_ipv4_hdr *ip = (void *)at;

	memset(ip, 0, sizeof(*ip) + payload);
	ip->version_ihl = 0x45;
	ip->total_length = htons((uint16_t)(sizeof(*ip) + payload));
	ip->time_to_live = 64;
	ip->next_proto_id = protocol;
	ip->src_addr = htonl(src);
	ip->dst_addr = htonl(dst);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return ip;
}

uint32_t make_udp(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip,
        uint16_t dst_l4_port, uint16_t payload)
{
	uint16_t bytes = (uint16_t)(sizeof(struct rte_udp_hdr) + payload);
	struct rte_ipv4_hdr *ip =
	        put_ip(put_eth(out, dst, source, RTE_ETHER_TYPE_IPV4), IPPROTO_UDP, src_ip, dst_ip, bytes);
	struct rte_udp_hdr *udp = (void *)(ip + 1);

	udp->src_port = htons(4000);
	udp->dst_port = htons(dst_l4_port);
	udp->dgram_len = htons(bytes);
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + bytes;
}

uint32_t make_echo(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip)
{
	struct rte_ipv4_hdr *ip =
	        put_ip(put_eth(out, dst, source, RTE_ETHER_TYPE_IPV4), IPPROTO_ICMP, src_ip, dst_ip, 40);
	struct rte_icmp_hdr *icmp = (void *)(ip + 1);

	icmp->icmp_type = RTE_IP_ICMP_ECHO_REQUEST;
	icmp->icmp_ident = htons(0x1234);
	icmp->icmp_seq_nb = htons(1);
	memset(icmp + 1, 0x5a, 32);
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, 40);
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + 40;
}

static struct rte_ipv6_hdr *put_ip6(
        uint8_t *at, uint8_t protocol, const uint8_t *src, const uint8_t *dst, uint16_t payload)
{
	struct rte_ipv6_hdr *ip = (void *)at;

	memset(ip, 0, sizeof(*ip) + payload);
	ip->vtc_flow = htonl(6u << 28);
	ip->payload_len = htons(payload);
	ip->proto = protocol;
	ip->hop_limits = 64;
	memcpy(ip->src_addr, src, 16);
	memcpy(ip->dst_addr, dst, 16);
	return ip;
}

uint32_t make_udp6(uint8_t *out, const uint8_t *dst, uint8_t source, const uint8_t *src_ip, const uint8_t *dst_ip,
        uint16_t dst_l4_port, uint16_t payload)
{
	uint16_t bytes = (uint16_t)(sizeof(struct rte_udp_hdr) + payload);
	struct rte_ipv6_hdr *ip =
	        put_ip6(put_eth(out, dst, source, RTE_ETHER_TYPE_IPV6), IPPROTO_UDP, src_ip, dst_ip, bytes);
	struct rte_udp_hdr *udp = (void *)(ip + 1);

	udp->src_port = htons(4000);
	udp->dst_port = htons(dst_l4_port);
	udp->dgram_len = htons(bytes);
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + bytes;
}

uint32_t make_echo6(uint8_t *out, const uint8_t *dst, uint8_t source, const uint8_t *src_ip, const uint8_t *dst_ip)
{
	struct rte_ipv6_hdr *ip =
	        put_ip6(put_eth(out, dst, source, RTE_ETHER_TYPE_IPV6), IPPROTO_ICMPV6, src_ip, dst_ip, 40);
	struct rte_icmp_hdr *icmp = (void *)(ip + 1);

	icmp->icmp_type = 128;
	icmp->icmp_ident = htons(0x1234);
	icmp->icmp_seq_nb = htons(1);
	memset(icmp + 1, 0x5a, 32);
	icmp->icmp_cksum = rte_ipv6_udptcp_cksum(ip, icmp);
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + 40;
}

static struct rte_tcp_hdr *put_tcp(void *at, uint16_t dst_l4_port, uint8_t flags)
{
	struct rte_tcp_hdr *tcp = at;

	*tcp = (struct rte_tcp_hdr){.src_port = htons(4000),
	        .dst_port = htons(dst_l4_port),
	        .sent_seq = htonl(1000),
	        .recv_ack = htonl((flags & RTE_TCP_ACK_FLAG) != 0 ? 2000 : 0),
	        .data_off = 5 << 4,
	        .tcp_flags = flags};
	return tcp;
}

uint32_t make_tcp(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip,
        uint16_t dst_l4_port, uint8_t flags)
{
	struct rte_ipv4_hdr *ip =
	        put_ip(put_eth(out, dst, source, RTE_ETHER_TYPE_IPV4), IPPROTO_TCP, src_ip, dst_ip, 20);
	struct rte_tcp_hdr *tcp = put_tcp(ip + 1, dst_l4_port, flags);

	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + sizeof(*tcp);
}

uint32_t make_tcp6(uint8_t *out, const uint8_t *dst, uint8_t source, const uint8_t *src_ip, const uint8_t *dst_ip,
        uint16_t dst_l4_port, uint8_t flags)
{
	struct rte_ipv6_hdr *ip =
	        put_ip6(put_eth(out, dst, source, RTE_ETHER_TYPE_IPV6), IPPROTO_TCP, src_ip, dst_ip, 20);
	struct rte_tcp_hdr *tcp = put_tcp(ip + 1, dst_l4_port, flags);

	tcp->cksum = rte_ipv6_udptcp_cksum(ip, tcp);
	return RTE_ETHER_HDR_LEN + sizeof(*ip) + sizeof(*tcp);
}

bool checksum_holds(const uint8_t *frame)
{
	const struct rte_ipv4_hdr *ip4 = (const void *)(frame + RTE_ETHER_HDR_LEN);
	const struct rte_ipv6_hdr *ip6 = (const void *)ip4;
	bool ipv4 = ip4->version_ihl >> 4 == 4;
	uint32_t header = ipv4 ? rte_ipv4_hdr_len(ip4) : sizeof(*ip6);
	uint32_t bytes = ipv4 ? ntohs(ip4->total_length) - header : ntohs(ip6->payload_len);
	uint32_t sum = rte_raw_cksum((const uint8_t *)ip4 + header, bytes);

	if (!ipv4)
		sum += rte_ipv6_phdr_cksum(ip6, 0);
	else if (ip4->next_proto_id != IPPROTO_ICMP)
		sum += rte_ipv4_phdr_cksum(ip4, 0);
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

void set_hop_limit(uint8_t *frame, uint8_t hop_limit)
{
	struct rte_ipv4_hdr *ip = (void *)(frame + RTE_ETHER_HDR_LEN);

	if (ip->version_ihl >> 4 == 6) {
		((struct rte_ipv6_hdr *)ip)->hop_limits = hop_limit;
		return;
	}
	ip->time_to_live = hop_limit;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void deliver(uint32_t port, const uint8_t *frame, uint32_t length)
{
	rig_clear();
	rig_send(port, frame, length);
	rig_run();
}

int only_exit(uint8_t *out, uint32_t *length)
{
	int found = 0, bytes;

	for (uint32_t port = 1; port <= 100; port++) {
		while (rig_has(port) && (bytes = rig_take(port, out)) >= 0) {
			found = found == 0 ? (int)port : -1;
			if (length != NULL)
				*length = (uint32_t)bytes;
		}
	}
	return found;
}

uint32_t make_answer(uint8_t *out, const uint8_t *frame, uint32_t length)
{
	bool ipv4 = frame[13] == 0;
	uint32_t source = RTE_ETHER_HDR_LEN + (ipv4 ? 12 : 8), bytes = ipv4 ? 4 : 16, ports = source + 2 * bytes;

	memcpy(out, frame, length);
	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	memcpy(out + source, frame + source + bytes, bytes);
	memcpy(out + source + bytes, frame + source, bytes);
	memcpy(out + ports, frame + ports + 2, 2);
	memcpy(out + ports + 2, frame + ports, 2);
	return length;
}

uint32_t make_tagged(uint8_t *out, uint16_t vlan, const uint8_t *frame, uint32_t length)
{
	memcpy(out, frame, 12);
	out[12] = 0x81;
	out[13] = 0x00;
	out[14] = (uint8_t)(vlan >> 8);
	out[15] = (uint8_t)vlan;
	memcpy(out + 16, frame + 12, length - 12);
	return length + 4;
}
