/* The raw end of a VLAN trunk: frames in batches, out with their tags, in without. */
#ifndef TRUNK_H
#define TRUNK_H

#include "clients.h"

/* A packet socket on the interface, or -1: says why on standard error. */
int trunk_open(const char *interface);
/* A frame to write into; sent with the next flush, which comes by itself when many wait. */
uint8_t *trunk_frame(int fd);
/* The frame of the last trunk_frame has so many bytes. */
void trunk_queue(size_t length);
/* Sends what waits; frames that the interface refused are counted. */
void trunk_flush(int fd);
uint64_t trunk_refused(void);
/* Hands over frames that have come, without their tag; how many. */
int trunk_receive(int fd, void (*take)(uint16_t vlan, const uint8_t *frame, size_t length));

#endif
