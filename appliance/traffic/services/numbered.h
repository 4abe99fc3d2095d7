/* Packets that carry the number of their flow: first ones, and what answers them. */
#ifndef NUMBERED_H
#define NUMBERED_H

#include "clients.h"

enum { NUMBERED_LOWS = 60000 };
enum numbered_kind { NUMBERED_OPEN, NUMBERED_BACK, NUMBERED_SYN };

/* Whose packets, and to whom. Flow i goes from port 1024 + i mod ports to port 61100 + i / ports and carries number +
 * i. */
struct numbered {
	struct client vm;
	uint8_t target_mac[6], target4[4];
	enum numbered_kind kind;
	/* At most NUMBERED_LOWS. */
	uint32_t ports;
	uint64_t number;
};

/* Writes a frame of a flow; its length. A SYN carries nothing. */
size_t numbered_write(const struct numbered *flows, uint64_t flow, uint8_t *frame);
/* The UDP header of a frame that carries a number; NULL: it does not. */
uint8_t *numbered_find(uint8_t *frame, size_t length);
uint32_t numbered_number(const uint8_t *udp);
bool numbered_is_back(const uint8_t *udp);
/* Makes the answer of a first packet; its length. */
size_t numbered_turn(uint8_t *frame, uint8_t *udp);

#endif
