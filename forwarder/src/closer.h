/*
 * Closes descriptors whose close takes long: a packet socket waits for a grace period of the kernel, about 10 ms. A few
 * threads that come and go share such waits. Link thread, and the one that stops the forwarder.
 */
#ifndef FORWARDER_CLOSER_H
#define FORWARDER_CLOSER_H

/** Returns at once; the descriptor is closed soon, by this process's end at the latest. */
void closer_close(int fd);
/** Until all are closed. */
void closer_wait(void);

#endif
