/*
 * Uplinks on interfaces that the host goes on using: which addresses the host has there, what of the traffic is kept
 * from it (uplink_filter.h), and ports of its own addresses that are given to VMs (uplink_bind.h). All of it in a
 * thread of its own, fwd-host, which runs while there are uplinks: links do not wait for it, nor packets.
 *
 * Called by the link thread; uplink_is_host (uplink.h) by packet threads.
 */
#ifndef WEFT_UPLINK_HOST_H
#define WEFT_UPLINK_HOST_H

#include <stddef.h>
#include <stdint.h>

/** Without it nothing happens here: tests. 0 or -errno. */
int uplink_host_init(const char *tag);
/** Ends the thread; the host has everything again. No packet thread runs, or none has uplinks. */
void uplink_host_free(void);

/** An uplink is there. index: of the interface that it shares with the host; 0: it shares none. vlan: its part of the
 * interface; 0: all of it. 0, or -errno and a reason for people: it cannot be shared. */
int uplink_host_share(uint32_t uplink, uint32_t index, uint16_t vlan, char *reason, size_t size);
/** It went. */
void uplink_host_unshare(uint32_t uplink);

#endif
