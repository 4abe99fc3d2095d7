/*
 * The plugin's side of a service port (service_port.h), as the kernel's own stack there must see it:
 *   - every address is local, so that servers take connections to whatever address VMs ask for ("AnyIP");
 *   - identity addresses lie behind the service port, without neighbour discovery;
 *   - packets to them are at most 1,280 bytes, which any network of a VM carries (RFC 8200 §5).
 * Link thread only.
 */
#ifndef FORWARDER_SERVICE_NETNS_H
#define FORWARDER_SERVICE_NETNS_H

#include <stdint.h>

/** In the namespace that the thread is in, on the interface with this name and index, which is up. Done again it
 * changes nothing. 0 or -errno. */
int service_netns_prepare(const char *interface, uint32_t index);

#endif
