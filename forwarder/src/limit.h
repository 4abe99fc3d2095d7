/*
 * Token buckets per port for what a port may make the forwarder do. Any packet thread may take; a bucket is one word,
 * shared by threads with one compare-and-swap.
 */
#ifndef FORWARDER_LIMIT_H
#define FORWARDER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum limit_kind {
	/** Frames flooded: broadcast, multicast, unknown unicast. */
	LIMIT_FLOOD,
	/** ICMP errors and TCP resets sent back. */
	LIMIT_ICMP_ERROR,
	/** Packets to plugins' sockets: work for the kernel. */
	LIMIT_SERVICE,
	/** Among them TCP connections that begin, and UDP datagrams: work for the plugin. */
	LIMIT_SERVICE_OPEN,
	LIMIT_SERVICE_DATAGRAM,
	/** Denied packets that are told of. */
	LIMIT_FLOW_DENIED,
	LIMIT_KINDS,
};

/** ICMP errors per second and port (RFC 1812 §4.3.2.8, RFC 4443 §2.4 f). */
#define LIMIT_ICMP_ERROR_RATE  100u
#define LIMIT_ICMP_ERROR_BURST 50u
/** Of one port: 200 Mbit/s in packets of 1,280 bytes, and many times what one VM needs of the others. */
#define LIMIT_SERVICE_RATE           20000u
#define LIMIT_SERVICE_BURST          10000u
#define LIMIT_SERVICE_OPEN_RATE      500u
#define LIMIT_SERVICE_OPEN_BURST     1000u
#define LIMIT_SERVICE_DATAGRAM_RATE  2000u
#define LIMIT_SERVICE_DATAGRAM_BURST 2000u

/** Takes a token of the port in a slot; false: none is left. rate in events per second, burst in events (≥ 1). */
bool limit_take(enum limit_kind kind, uint16_t slot, uint32_t rate, uint32_t burst);
/** What limit_take would say; nothing is taken. */
bool limit_peek(enum limit_kind kind, uint16_t slot, uint32_t rate, uint32_t burst);
/** Full buckets for a slot that another port gets; no packet thread may know the slot. */
void limit_reset(uint16_t slot);

#endif
