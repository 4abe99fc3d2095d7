/* Frames: the bytes all flows share, with the sums of what does not change. */
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <string.h>

#include "load.h"

enum {
	VXLAN_PORT = 4789,
	MPLS_PORT = 6635,
	ICMP6_SOLICITATION = 135,
};

struct writer {
	uint8_t *at;
	uint16_t offset;
};

static void put(struct writer *writer, uint64_t value, int bytes)
{
	while (bytes-- > 0)
		writer->at[writer->offset++] = (uint8_t)(value >> 8 * bytes);
}

static void put_bytes(struct writer *writer, const void *from, uint16_t bytes)
{
	memcpy(writer->at + writer->offset, from, bytes);
	writer->offset += bytes;
}

static uint32_t sum(const uint8_t *at, uint16_t bytes)
{
	uint32_t total = 0;

	for (uint16_t i = 0; i < bytes; i += 2) {
		uint16_t word;

		memcpy(&word, at + i, sizeof(word));
		total += word;
	}
	return total;
}

static uint16_t fold(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)(total + (total >> 16));
}

static bool is_six(const struct load_settings *settings)
{
	return settings->family == 6;
}

static uint16_t type_of(const struct load_settings *settings)
{
	if (settings->protocol == LOAD_ARP)
		return RTE_ETHER_TYPE_ARP;
	return is_six(settings) ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4;
}

/* Bytes from the innermost network header to the end of the transport header. */
static uint16_t headers_of(const struct load_settings *settings)
{
	static const uint16_t transport[] = {[LOAD_UDP] = 8, [LOAD_TCP] = 20, [LOAD_ARP] = 8, [LOAD_ND] = 32};

	return (uint16_t)((is_six(settings) ? 40 : 20) + transport[settings->protocol]);
}

static void put_ip4(struct writer *writer, uint16_t bytes, uint8_t protocol, uint64_t source, uint64_t target)
{
	uint8_t *at = writer->at + writer->offset;

	put(writer, 0x4500, 2);
	put(writer, bytes, 2);
	put(writer, 0, 4);
	put(writer, 64, 1);
	put(writer, protocol, 1);
	put(writer, 0, 2);
	put(writer, source, 4);
	put(writer, target, 4);
	uint16_t check = (uint16_t)~fold(sum(at, 20));

	memcpy(at + 10, &check, sizeof(check));
}

static void put_ethernet(struct writer *writer, const uint8_t *to, const uint8_t *from, uint64_t vlan, uint16_t type)
{
	put_bytes(writer, to, 6);
	put_bytes(writer, from, 6);
	if (vlan != 0)
		put(writer, (uint64_t)RTE_ETHER_TYPE_VLAN << 16 | vlan, 4);
	put(writer, type, 2);
}

/* The outer headers before an inner part of `bytes`. */
static void put_tunnel(
        struct writer *writer, struct load_frame *frame, const struct load_settings *settings, uint16_t bytes)
{
	bool vxlan = settings->tunnel == LOAD_VXLAN;
	uint16_t udp = (uint16_t)(bytes + (vxlan ? 16 : 12));

	put_ethernet(writer, settings->outer_dst_mac, settings->outer_src_mac, settings->vlan, RTE_ETHER_TYPE_IPV4);
	put_ip4(writer, (uint16_t)(udp + 20), IPPROTO_UDP, settings->outer_src.low, settings->outer_dst.low);
	frame->outer_port = writer->offset;
	put(writer, 0, 2);
	put(writer, vxlan ? VXLAN_PORT : MPLS_PORT, 2);
	put(writer, udp, 2);
	put(writer, 0, 2);
	if (vxlan)
		put(writer, UINT64_C(0x08000000) << 32 | settings->vni << 8, 8);
	else
		put(writer, settings->vni << 12 | 0x100 | 64, 4);
}

static void put_arp(struct writer *writer, const struct load_settings *settings)
{
	put(writer, 0x0001080006040001, 8);
	put_bytes(writer, settings->src_mac, 6);
	put(writer, settings->src.low, 4);
	put(writer, 0, 6);
	put(writer, settings->target.low, 4);
}

static void put_solicitation(struct writer *writer, const struct load_settings *settings)
{
	put(writer, ICMP6_SOLICITATION << 8, 2);
	put(writer, 0, 6);
	put(writer, settings->target.high, 8);
	put(writer, settings->target.low, 8);
	put(writer, 0x0101, 2);
	put_bytes(writer, settings->src_mac, 6);
}

static void put_transport(struct writer *writer, const struct load_settings *settings, uint16_t bytes, uint8_t flags)
{
	bool opens = flags == 0x02;

	if (settings->protocol == LOAD_ND) {
		put_solicitation(writer, settings);
		return;
	}
	put(writer, 0, 4);
	if (settings->protocol == LOAD_UDP) {
		put(writer, bytes, 2);
		put(writer, 0, 2);
		return;
	}
	put(writer, opens ? LOAD_CLIENT_NUMBER : LOAD_CLIENT_NUMBER + 1, 4);
	put(writer, opens ? 0 : LOAD_SERVER_NUMBER + 1, 4);
	put(writer, 0x5000 | flags, 2);
	put(writer, 0xffff, 2);
	put(writer, 0, 4);
}

/* Network and transport header before `payload` bytes; what is patched per flow stays zero. */
static void put_packet(struct writer *writer, struct load_frame *frame, const struct load_settings *settings,
        uint16_t bytes, uint8_t flags)
{
	static const uint8_t protocols[] = {[LOAD_UDP] = 17, [LOAD_TCP] = 6, [LOAD_ND] = 58};
	static const uint16_t checksums[] = {[LOAD_UDP] = 6, [LOAD_TCP] = 16, [LOAD_ND] = 2};
	uint8_t protocol = protocols[settings->protocol];
	bool solicits = settings->protocol == LOAD_ND;

	if (is_six(settings)) {
		put(writer,
		        UINT64_C(0x60000000) << 32 | (uint64_t)(bytes - 40) << 16 | protocol << 8 |
		                (solicits ? 255 : 64),
		        8);
		put(writer, 0, 8);
		put(writer, 0, 8);
		put(writer, solicits ? 0xff02000000000000 : 0, 8);
		put(writer, solicits ? 0x00000001ff000000 | (settings->target.low & 0xffffff) : settings->dst.low, 8);
	} else {
		put_ip4(writer, bytes, protocol, 0, 0);
		memset(writer->at + frame->network + 10, 0, 2);
		frame->network_sum = sum(writer->at + frame->network, 20);
	}
	frame->transport = writer->offset;
	frame->checksum = (uint16_t)(frame->transport + checksums[settings->protocol]);
	uint16_t segment = (uint16_t)(frame->network + bytes - frame->transport);

	put_transport(writer, settings, segment, flags);
	frame->transport_sum = sum(writer->at + frame->transport, (uint16_t)(writer->offset - frame->transport)) +
	                       rte_cpu_to_be_16(segment) + rte_cpu_to_be_16(protocol);
	if (is_six(settings))
		frame->transport_sum += sum(writer->at + frame->network + 8, 32);
}

static const uint8_t *target_mac(const struct load_settings *settings, uint8_t multicast[6])
{
	uint64_t low = settings->target.low;

	if (settings->protocol == LOAD_ARP && !settings->has_dst_mac)
		memset(multicast, 0xff, 6);
	else if (settings->protocol == LOAD_ND && !settings->has_dst_mac)
		memcpy(multicast,
		        (uint8_t[]){0x33, 0x33, 0xff, (uint8_t)(low >> 16), (uint8_t)(low >> 8), (uint8_t)low}, 6);
	else if (settings->macs != 0)
		memcpy(multicast, (uint8_t[]){6, 0, 0, 0, 0, 0}, 6);
	else
		memcpy(multicast, settings->dst_mac, 6);
	return multicast;
}

/* The sum of a stamp's constant part, which may start at an odd byte of the segment. */
static uint32_t stamp_sum(const struct load_frame *frame)
{
	uint32_t magic = LOAD_STAMP_MAGIC, total = (magic & 0xffff) + (magic >> 16);
	uint16_t folded = fold(total);

	return (frame->stamp - frame->transport) % 2 == 0 ? folded : __builtin_bswap16(folded);
}

void load_frame_build(
        struct load_frame *frame, const struct load_settings *settings, uint16_t bytes, uint8_t tcp_flags, bool stamped)
{
	struct writer writer = {frame->head, 0};
	uint16_t tag = settings->vlan != 0 && settings->tunnel == LOAD_PLAIN ? 4 : 0;
	uint16_t least = (uint16_t)(14 + tag + headers_of(settings) + (stamped ? LOAD_STAMP : 0));
	bool fixed = settings->protocol != LOAD_UDP && !(settings->protocol == LOAD_TCP && (bytes > 60 || stamped));
	uint8_t mac[6];

	memset(frame, 0, sizeof(*frame));
	bytes = RTE_MAX(bytes, least);
	uint16_t packet = (uint16_t)(bytes - 14 - tag);

	if (settings->tunnel != LOAD_PLAIN)
		put_tunnel(&writer, frame, settings, settings->tunnel == LOAD_VXLAN ? bytes : packet);
	frame->ethernet = writer.offset;
	if (settings->tunnel != LOAD_MPLS_UDP)
		put_ethernet(&writer, target_mac(settings, mac), settings->src_mac, tag != 0 ? settings->vlan : 0,
		        type_of(settings));
	frame->network = writer.offset;
	frame->length = (uint16_t)(frame->network + packet);
	if (settings->protocol == LOAD_ARP) {
		put_arp(&writer, settings);
		return;
	}
	put_packet(&writer, frame, settings, fixed ? headers_of(settings) : packet, tcp_flags);
	if (!stamped)
		return;
	frame->stamp = (uint16_t)(frame->length - LOAD_STAMP);
	frame->transport_sum += stamp_sum(frame);
}
