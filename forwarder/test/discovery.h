/* Builders of neighbour discovery messages (RFC 4861), for tests and fuzzers. */
#ifndef DISCOVERY_H
#define DISCOVERY_H

#include <stdint.h>

struct discovery {
	/** ICMPv6 type: 133 … 137. */
	uint8_t type;
	/** Byte 4: R 0x80, S 0x40, O 0x20 of an advertisement. */
	uint8_t flags;
	/** Port whose MAC the frame comes from. */
	uint8_t source;
	/** NULL: that of ff02::1 or, for a solicitation, of the target's group. */
	const uint8_t *mac;
	/** IPv6 addresses; src NULL: unspecified; dst NULL: the group that goes with `mac`. */
	const uint8_t *src, *dst, *target;
	/** Source or target link-layer address option; NULL: none. */
	const uint8_t *link_address;
};

/** Writes the frame into out (≥ 128 bytes), returns its length. */
uint32_t make_discovery(uint8_t *out, const struct discovery *message);
/** Computes the ICMPv6 checksum of a frame without extension headers anew. */
void fix_checksum6(uint8_t *frame);

#endif
