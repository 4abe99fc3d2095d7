/*
 * The networks that packet tests use. Port n has MAC 02:00:00:00:00:0n.
 *
 *   bridge 10, VRF 1, 10.1.0.0/24: port 1 .11 · port 2 .12 · port 6 .13 (VLAN 101 of trunk 5)
 *   bridge 20, VRF 1, 10.2.0.0/24: port 3 .11
 *   bridge 30, VRF 2, 10.1.0.0/24: port 4 .12 (another tenant, same addresses) · port 7 .13 (VLAN 102 of trunk 5)
 *   bridge 40, VRF 1, only routes (l3), 10.4.0.0/24: port 8 .11
 *   IPv6 beside it: 2001:db8:1::/64, 2001:db8:2::/64 and 2001:db8:4::/64, hosts ::b (11) to ::d, gateway ::1
 *   gateway .1 everywhere; UDP 67 anywhere is punted as class 7; UDP 53 at 10.1.0.1 in VRF 1 names class 8, which is
 * missing
 */
#ifndef TENANTS_H
#define TENANTS_H

#include <stdint.h>

#include "rig.h"

void tenants_make(void);

/** Makes port 9, with MAC 02:77:00:00:00:09, the service port of the owner "test". */
void tenants_service_port(void);
#define TENANTS_SERVICE 9u

/** Frame builders: write into out, return the length. Addresses in host order, as in 0x0a01000b for 10.1.0.11. */
uint32_t make_arp(uint8_t *out, uint16_t operation, uint8_t source, uint32_t sender_ip, uint32_t target_ip);
/** Ethernet from port `source`'s MAC to dst, IPv4, UDP, `payload` bytes. */
uint32_t make_udp(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip,
        uint16_t dst_l4_port, uint16_t payload);
uint32_t make_echo(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip);
/** 2001:db8:<network>::<host>, static storage. */
const uint8_t *ip6(uint8_t network, uint8_t host);
/** Link-local address of a port, from its MAC (RFC 4291 appendix A), static storage. */
const uint8_t *link_local_of(uint8_t port);
/** As their namesakes, with addresses of 16 bytes. */
uint32_t make_udp6(uint8_t *out, const uint8_t *dst, uint8_t source, const uint8_t *src_ip, const uint8_t *dst_ip,
        uint16_t dst_l4_port, uint16_t payload);
uint32_t make_echo6(uint8_t *out, const uint8_t *dst, uint8_t source, const uint8_t *src_ip, const uint8_t *dst_ip);
/** A TCP segment without payload, sequence number 1000 and, with ACK in flags, acknowledgement 2000. */
uint32_t make_tcp(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip,
        uint16_t dst_l4_port, uint8_t flags);
uint32_t make_tcp6(uint8_t *out, const uint8_t *dst, uint8_t source, const uint8_t *src_ip, const uint8_t *dst_ip,
        uint16_t dst_l4_port, uint8_t flags);
/** Whether the TCP, UDP, ICMP or ICMPv6 checksum of a frame (no extension headers) is right. */
bool checksum_holds(const uint8_t *frame);
/** Sets TTL or hop limit of a frame, and the header checksum with it. */
void set_hop_limit(uint8_t *frame, uint8_t hop_limit);
/** What a server that a TCP or UDP frame (no options or extension headers) reaches sends back, but for flags. Returns
 * length. */
uint32_t make_answer(uint8_t *out, const uint8_t *frame, uint32_t length);
/** Inserts an 802.1Q tag. */
uint32_t make_tagged(uint8_t *out, uint16_t vlan, const uint8_t *frame, uint32_t length);

/** Sends a frame through a port after throwing away what left, and lets it arrive. */
void deliver(uint32_t port, const uint8_t *frame, uint32_t length);
/** The only frame that left anywhere since: its port, 0: none, -1: more than one. out: 2,048 bytes; *length may be
 * NULL. */
int only_exit(uint8_t *out, uint32_t *length);

extern const uint8_t mac_gateway[6], mac_broadcast[6], gateway_link_local_ip[16];
/** MAC of a port, static storage. */
const uint8_t *mac_of(uint8_t port);

#endif
