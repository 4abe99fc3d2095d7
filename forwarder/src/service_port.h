/*
 * Service ports: where VMs meet real sockets. The far end of a service port lies in the network namespace of a plugin.
 *
 *   VM → plugin   a packet that a service row (action port) names leaves through the service port of the row's owner.
 *                 Its source becomes an identity address, which tells the port it came from; the destination stays
 *                 what the VM asked for.
 *   plugin → VM   a packet to an identity address goes to that port, with the VM's own address back in its place. Its
 *                 source must be one that a service row of the plugin names.
 *
 * So a server sees which port asks, never from anything that a VM can write, though tenants use the same addresses, and
 * no state is kept per connection. Identity addresses, from the first bit:
 *
 *   IPv4  11110 · 7 bits of the port's generation · 16 bits slot · 4 bits place (240.0.0.0/5)
 *   IPv6  100::/64 (RFC 6666) · 32 bits generation · 16 bits slot · 16 bits place
 *
 * The place says which of its addresses the VM used (service_peer.h). Only TCP and UDP, and that nobody took a datagram
 * (service_error.h). Packet threads.
 */
#ifndef FORWARDER_SERVICE_PORT_H
#define FORWARDER_SERVICE_PORT_H

#include "stage.h"

/** Sends a packet of a VM out of the service port of `owner`. SEND; DROP_SERVICE_UNSERVED when there is none;
 * DROP_MTU_EXCEEDED; DROP_SERVICE_LIMIT, so that a flood costs the plugin's namespace no more than limit.h says. */
verdict_t service_enter(struct pkt *pkt, const struct ingress *in, uint32_t owner);

/** What a plugin sends through its service port. SEND, FRAGMENT, or a drop. */
verdict_t stage_service_leave(struct pkt *pkt, const struct ingress *in);

#endif
