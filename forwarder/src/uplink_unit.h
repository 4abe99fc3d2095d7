/*
 * Sockets that hold a unit of ports of one address of the host: see uplink_bind.h. Nothing is ever received by them.
 */
#ifndef WEFT_UPLINK_UNIT_H
#define WEFT_UPLINK_UNIT_H

#include <stdint.h>

#include "nat_map.h"

struct uplink_unit {
	/** Bit i: a socket of the host has port first + i, TCP or UDP. */
	uint64_t used;
	/** Two of each port: TCP, UDP; -1: none. */
	int sockets[NAT_UNIT][2];
};

/** Binds the ports first … first + NAT_UNIT - 1 that lie in least … most (host order). 0, or -errno: they cannot be
 * bound (-EMFILE: this process has so many files that few are left for all else), nothing is. */
int uplink_unit_open(struct uplink_unit *unit, uint8_t family, const uint8_t *address, uint16_t first, uint16_t least,
        uint16_t most);
void uplink_unit_close(struct uplink_unit *unit);
/** Lets this process have as many files as the kernel allows. */
void uplink_unit_raise_limit(void);

#endif
