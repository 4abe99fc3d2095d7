/*
 * What the kernel on the plugin's side of a service port (service_port.h) says of a datagram that no socket took: port
 * unreachable (RFC 792 type 3 code 3, RFC 4443 type 1 code 4). The quote in it has the identity address where the VM's
 * own belongs. Packet threads.
 */
#ifndef FORWARDER_SERVICE_ERROR_H
#define FORWARDER_SERVICE_ERROR_H

#include "stage.h"

/** Whether it is such an error about a datagram to `receiver`'s own service in that VRF, whole and unfragmented. */
bool service_error_is(const struct pkt *pkt, uint32_t vrf, uint32_t receiver);
/** Puts the VM's address (IPv4 in the first 4 bytes) into the quote and the checksums right. The packet's own
 * destination has been replaced already. */
void service_error_mend(const struct pkt *pkt, const uint8_t *address);

#endif
