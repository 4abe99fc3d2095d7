/*
 * The networks of tenants.h with a way out, and the world behind it.
 *
 *   uplink: port 40, MAC m40, bridge and VRF 100, 198.18.0.1/24 and 2001:db8:f::1/64; its router has MAC m99
 *   pool 7: 198.18.0.10 and .11, ports 1024 to 65535 in blocks of 64, 4 for each port of a VM; VRFs 1 and 2 share it
 *   floating: 198.18.0.20 is port 2, .21 is port 3, .24 is port 4 (the other tenant); 2001:db8:f::20 is port 2, ::24
 * port 4 far hosts, behind the router: 198.19.0.7 and any other, 2001:db8:e::7
 */
#ifndef OUTSIDE_H
#define OUTSIDE_H

#include <arpa/inet.h>
#include <stdint.h>

#include "forwarder.h"
#include "rig.h"

#define OUTSIDE_UPLINK 40u
#define OUTSIDE_POOL   7u

/** A test begins: everything as above, and nothing is known of any flow. */
void outside_begin(void);
/** Makes all of it anew; after tenants_make. */
void outside_make(void);
/** Takes it away again. */
void outside_clear(void);

/** Other settings of both addresses of the pool; outside_make brings the ones above back. */
void outside_pool(uint16_t port_min, uint16_t port_max, uint16_t block_size, uint16_t port_blocks, uint8_t flags);
/** Another address of an uplink stands for one inside; gone: takes it away. */
void outside_floating(const char *address, uint32_t inside_port, const char *inside);
void outside_floating_gone(const char *address);

/** A packet that left: where, and between whom. */
struct seen {
	/** 0: nothing left; -1: more than one frame. */
	int port;
	uint8_t family, protocol, ttl;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	/** Host order. ICMP: src_port is the identifier, dst_port type << 8 | code. */
	uint16_t src_port, dst_port;
	uint32_t length;
	uint8_t frame[RIG_FRAME];
};

/** Sends a frame (packet_text.h) through a port; what left then. A packet in one piece whose checksums are wrong counts
 * as none, and is shown. */
struct seen outside_send(uint32_t port, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Only sends: what left is for outside_next, which takes the oldest frame that waits at a port. */
void outside_put(uint32_t port, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct seen outside_next(uint32_t port);
/** The same, whatever its checksums are. */
struct seen outside_take(uint32_t port);
/** The packet whose bytes `quote` copies from now on, instead of those of the frame sent last. */
void outside_quote(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Whether what left is exactly this packet; shown when it is not. */
bool outside_is(const struct seen *seen, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Whether a packet that is sent through a port ends there for this reason, without a word to anybody. */
bool outside_drops(uint32_t port, enum drop_reason reason, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
