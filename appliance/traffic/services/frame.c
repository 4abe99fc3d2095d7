#include "frame.h"

#include <string.h>

const uint8_t gateway_mac[6] = {0, 0, 0x5e, 0, 1, 0};
const uint8_t broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
const uint8_t dhcp6_mac[6] = {0x33, 0x33, 0, 1, 0, 2};

enum { ETHERNET = 14, TAG = 4, IPV4 = 20, IPV6 = 40, UDP = 8, UDP_PROTOCOL = 17 };

static uint32_t sum(uint32_t total, const uint8_t *at, size_t length)
{
	for (; length > 1; at += 2, length -= 2)
		total += get16(at);
	return length == 1 ? total + ((uint32_t)*at << 8) : total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

uint16_t frame_sum(uint8_t protocol, const uint8_t *addresses, bool ip6, const uint8_t *payload, size_t length)
{
	return fold(sum(sum((uint32_t)(length + protocol), addresses, ip6 ? 32 : 8), payload, length));
}

size_t frame_ip4(uint8_t *ip, uint8_t protocol, size_t length, const uint8_t *source, const uint8_t *target)
{
	memset(ip, 0, IPV4);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(IPV4 + length));
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, source, 4);
	memcpy(ip + 16, target, 4);
	put16(ip + 10, (uint16_t)~fold(sum(0, ip, IPV4)));
	return IPV4;
}

size_t frame_ip6(uint8_t *ip, uint8_t protocol, size_t length, const uint8_t *source, const uint8_t *target)
{
	memset(ip, 0, IPV6);
	ip[0] = 0x60;
	put16(ip + 4, (uint32_t)length);
	ip[6] = protocol;
	ip[7] = 255;
	memcpy(ip + 8, source, 16);
	memcpy(ip + 24, target, 16);
	return IPV6;
}

size_t frame_head(uint8_t *frame, const struct client *client, const uint8_t *target_mac, uint32_t type)
{
	size_t at = 12;

	memcpy(frame, target_mac, 6);
	memcpy(frame + 6, client->mac, 6);
	if (client->vlan != 0) {
		put16(frame + at, 0x8100);
		put16(frame + at + 2, client->vlan);
		at += TAG;
	}
	put16(frame + at, type);
	return at + 2;
}

size_t frame_write(uint8_t *frame, const struct client *client, const struct datagram *datagram, const uint8_t *source,
        const uint8_t *target)
{
	size_t length = UDP + datagram->length;
	uint8_t *ip = frame + frame_head(frame, client, datagram->target_mac, datagram->ip6 ? 0x86dd : 0x0800);

	size_t head = datagram->ip6 ? frame_ip6(ip, UDP_PROTOCOL, length, source, target)
	                            : frame_ip4(ip, UDP_PROTOCOL, length, source, target);
	uint8_t *udp = ip + head;
	put16(udp, datagram->source_port);
	put16(udp + 2, datagram->target_port);
	put16(udp + 4, (uint32_t)length);
	put16(udp + 6, 0);
	memcpy(udp + UDP, datagram->payload, datagram->length);
	uint16_t checksum =
	        (uint16_t)~frame_sum(UDP_PROTOCOL, ip + (datagram->ip6 ? 8 : 12), datagram->ip6, udp, length);
	put16(udp + 6, checksum == 0 ? 0xffff : checksum);
	return (size_t)(udp - frame) + length;
}

static bool read_udp(const uint8_t *udp, size_t room, const uint8_t *addresses, struct datagram *datagram)
{
	size_t length = room < UDP ? 0 : get16(udp + 4);

	if (length < UDP || length > room)
		return false;
	datagram->source_port = (uint16_t)get16(udp);
	datagram->target_port = (uint16_t)get16(udp + 2);
	datagram->payload = udp + UDP;
	datagram->length = length - UDP;
	bool unsummed = !datagram->ip6 && get16(udp + 6) == 0;
	return unsummed || frame_sum(UDP_PROTOCOL, addresses, datagram->ip6, udp, length) == 0xffff;
}

bool frame_read(const uint8_t *frame, size_t length, struct datagram *datagram, bool *broken)
{
	const uint8_t *ip = frame + ETHERNET;
	uint32_t type = length < ETHERNET + IPV4 ? 0 : get16(frame + 12);

	*broken = false;
	*datagram = (struct datagram){.target_mac = frame, .ip6 = type == 0x86dd};
	if (type == 0x0800 && ip[9] == UDP_PROTOCOL) {
		size_t total = get16(ip + 2);
		*broken = ip[0] != 0x45 || total < IPV4 || total > length - ETHERNET ||
		          fold(sum(0, ip, IPV4)) != 0xffff || (get16(ip + 6) & 0x3fff) != 0 ||
		          !read_udp(ip + IPV4, total - IPV4, ip + 12, datagram);
	} else if (type == 0x86dd && length >= ETHERNET + IPV6 && ip[6] == UDP_PROTOCOL) {
		size_t total = get16(ip + 4);
		*broken = total > length - ETHERNET - IPV6 || !read_udp(ip + IPV6, total, ip + 8, datagram);
	} else {
		return false;
	}
	return !*broken;
}

void frame_link_local(const uint8_t *mac, uint8_t *address)
{
	memset(address, 0, 16);
	address[0] = 0xfe;
	address[1] = 0x80;
	memcpy(address + 8, mac, 3);
	address[8] ^= 2;
	address[11] = 0xff;
	address[12] = 0xfe;
	memcpy(address + 13, mac + 3, 3);
}
