/*
 * A crowd on the rig for tests with running packet threads (worker_start): ports are sockets, so that any thread of a
 * test may send and receive at the far end, and threads sleep as they do in life. Networks:
 *
 *   bridge 1, VRF 1, 10.1.0.0/24, 2001:db8:1::/64: ports 1 to 8 · bridge 2, VRF 1, 10.2.0.0/24, 2001:db8:2::/64: ports
 *   9 to 16. Port n has MAC 02:00:00:00:00:n and addresses .n, ::n + 16; gateways .1 and ::1 … UDP 67 is punted as
 * class 7 to the owner "test". Unknown unicast is flooded.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "rig.h"

#define CROWD_PORTS 16u
#define CROWD_FRAME 2048u

/** Rows and ports 1 to CROWD_PORTS. After rig_start. */
void crowd_make(void);
/** Gives a live port of binding none a socket; its far end, which the caller closes after the port went. */
int crowd_attach(uint32_t port);
/** Far end of one of the crowd's ports. */
int crowd_far(uint32_t port);
/** A frame at random, of the kinds that networks see: bridged, routed, flooded, for the gateway, for a plugin, causing
 * ICMP errors, malformed; both families. Its length; *port: where it enters. One thread at a time. */
uint32_t crowd_frame(uint8_t *out, uint32_t *port);
/** Sends without waiting; false: the port does not take it now. */
bool crowd_send(int far, const uint8_t *frame, uint32_t length);
/** Receives without waiting into CROWD_FRAME bytes; 0: nothing there. */
uint32_t crowd_receive(int far, uint8_t *out);
/** Throws away what left, and gives what was punted back to the ports it came from. Returns how much. One thread at a
 * time. */
uint32_t crowd_drain(void);
/** crowd_drain until nothing has moved for a while: ledgers may be looked at. */
void crowd_settle(void);

/** Called by packet threads at each receive. */
extern void (*crowd_hook)(void);

#endif
