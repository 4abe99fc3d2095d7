/* Ethernet frames, tagged when their client has a VLAN, with UDP in IPv4 (RFC 791, 768) or IPv6 (RFC 8200). */
#ifndef FRAME_H
#define FRAME_H

#include "clients.h"

/* The gateway's MAC address, and those of broadcast and of all DHCPv6 servers (RFC 2464 §7). */
extern const uint8_t gateway_mac[6], broadcast_mac[6], dhcp6_mac[6];

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static inline uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* Writes the client's Ethernet header; its length. */
size_t frame_head(uint8_t *frame, const struct client *client, const uint8_t *target_mac, uint32_t type);
/* Writes an IP header for a payload of so many bytes; its length. */
size_t frame_ip4(uint8_t *ip, uint8_t protocol, size_t length, const uint8_t *source, const uint8_t *target);
size_t frame_ip6(uint8_t *ip, uint8_t protocol, size_t length, const uint8_t *source, const uint8_t *target);
/* Sum (RFC 1071) over a payload and its pseudo header; addresses: source and target, one behind the other. 0xffff when
 * the payload has its checksum. */
uint16_t frame_sum(uint8_t protocol, const uint8_t *addresses, bool ip6, const uint8_t *payload, size_t length);
/* Writes a frame of the client around the payload; source and target are addresses of the datagram's family. Its
 * length. */
size_t frame_write(uint8_t *frame, const struct client *client, const struct datagram *datagram, const uint8_t *source,
        const uint8_t *target);
/* Reads an untagged frame: lengths, header checksum and UDP checksum are right. False: no such datagram; *broken: it is
 * one, but something of it is wrong. The payload stays in the frame. */
bool frame_read(const uint8_t *frame, size_t length, struct datagram *datagram, bool *broken);
/* fe80:: and the modified EUI-64 of the MAC address (RFC 4291, appendix A). */
void frame_link_local(const uint8_t *mac, uint8_t *address);

#endif
