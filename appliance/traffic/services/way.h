/* How the frames of one VM reach the appliance: an interface, or a virtio device whose queue is shared memory. */
#ifndef WAY_H
#define WAY_H

#include "clients.h"

/* An interface by its name, or a vhost-user socket by its path. False: says why on standard error. */
bool way_open(const char *name);
/* Sends `count` frames from number `first` on; how many were taken. A full virtio queue is waited for. */
uint32_t way_send(const uint8_t frames[][FRAME], const size_t lengths[], uint32_t first, uint32_t count);

#endif
