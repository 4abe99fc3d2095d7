/*
 * Who asks: the addresses from which VMs spoke to service ports, a few places per port and family. A place stands in an
 * identity address (service_port.h), so that what a plugin answers finds back.
 *
 * An address has its place by its hash: after a restart of the forwarder it mostly gets the same again. A port that
 * speaks from more addresses than there are places loses the answers to some of them; no other port does.
 *
 * service_peer_take: the packet thread that receives from the port. service_peer_read: any packet thread. Inside a read
 * section.
 */
#ifndef FORWARDER_SERVICE_PEER_H
#define FORWARDER_SERVICE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define SERVICE_PLACES 16u

struct service_peer {
	/** Network order; IPv4 in the first 4 bytes, the rest zero. */
	uint8_t address[16];
	uint8_t mac[6];
};

/** Room for slots 1 … slots; memory is used as ports speak. 0 or -ENOMEM. */
int service_peer_init(uint32_t slots);
void service_peer_free(void);

/** Remembers an address of a port and its MAC address; the place, below SERVICE_PLACES. */
uint32_t service_peer_take(uint16_t slot, uint32_t generation, uint8_t family, const struct service_peer *peer);
/** The place that service_peer_take would say; nothing is remembered. */
uint32_t service_peer_peek(uint16_t slot, uint32_t generation, uint8_t family, const struct service_peer *peer);
/** False: nobody of this port has the place. */
bool service_peer_read(uint16_t slot, uint32_t generation, uint8_t family, uint32_t place, struct service_peer *out);

#endif
