/*
 * The networks that packet tests use. Port n has MAC 02:00:00:00:00:0n.
 *
 *   bridge 10, VRF 1, 10.1.0.0/24: port 1 .11 · port 2 .12 · port 6 .13 (VLAN 101 of trunk 5)
 *   bridge 20, VRF 1, 10.2.0.0/24: port 3 .11
 *   bridge 30, VRF 2, 10.1.0.0/24: port 4 .12 (another tenant, same addresses) · port 7 .13 (VLAN 102 of trunk 5)
 *   bridge 40, VRF 1, only routes (l3), 10.4.0.0/24: port 8 .11
 *   gateway .1 everywhere; UDP 67 anywhere is punted as class 7; UDP 53 at 10.1.0.1 in VRF 1 names class 8, which is
 * missing
 */
#ifndef TENANTS_H
#define TENANTS_H

#include <stdint.h>

#include "rig.h"

void tenants_make(void);

/** Frame builders: write into out, return the length. Addresses in host order, as in 0x0a01000b for 10.1.0.11. */
uint32_t make_arp(uint8_t *out, uint16_t operation, uint8_t source, uint32_t sender_ip, uint32_t target_ip);
/** Ethernet from port `source`'s MAC to dst, IPv4, UDP, `payload` bytes. */
uint32_t make_udp(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip,
        uint16_t dst_l4_port, uint16_t payload);
uint32_t make_echo(uint8_t *out, const uint8_t *dst, uint8_t source, uint32_t src_ip, uint32_t dst_ip);
/** Inserts an 802.1Q tag. */
uint32_t make_tagged(uint8_t *out, uint16_t vlan, const uint8_t *frame, uint32_t length);

extern const uint8_t mac_gateway[6], mac_broadcast[6];
/** MAC of a port, static storage. */
const uint8_t *mac_of(uint8_t port);

#endif
