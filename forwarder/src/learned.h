/*
 * What the forwarder has learned: the rows of the tables learned_mac and learned_neighbor and when each was seen last.
 * Thread fwd-learn alone (learn.h), without the writer lock. Times are seconds since learned_init.
 */
#ifndef FORWARDER_LEARNED_H
#define FORWARDER_LEARNED_H

#include <stdint.h>

enum learned_kind { LEARNED_MAC, LEARNED_NEIGHBOR };

/** What a packet thread saw. */
struct learned_event {
	uint32_t port, generation, bridge;
	uint16_t slot;
	/** enum learned_kind. */
	uint8_t kind;
	uint8_t mac[6];
	/** The key in the bridge: the IPv6 address, or the MAC address and zeros. */
	uint8_t address[16];
};

#define LEARNED_BUCKETS 65536u

/** Takes over the rows of an earlier forwarder whose ports still live, and removes the others. 0 or -ENOMEM. */
int learned_init(void);
void learned_free(void);
/** Notes what was seen; writes a row when it is new. */
void learned_take(const struct learned_event *event, uint32_t now);
/** Looks through the next `count` buckets, and removes what is over: aged, its port gone or on another bridge, or said
 * by a row of an owner. */
void learned_sweep(uint32_t count, uint32_t now);

#endif
