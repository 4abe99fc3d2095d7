/*
 * Internet checksums (RFC 1071) that follow a change of what they cover (RFC 1624 eqn. 3), whatever the byte order: all
 * words are taken as they lie in memory.
 */
#ifndef FORWARDER_CHECKSUM_H
#define FORWARDER_CHECKSUM_H

#include <stdint.h>
#include <string.h>

static inline uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/** A sum of 32-bit words, at most 2^32 of them. */
static inline uint16_t checksum_fold_wide(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return checksum_fold((uint32_t)sum);
}

/** What a sum gains when `to` takes the place of `from`; bytes: even, at most 64. */
static inline uint32_t checksum_difference(const uint8_t *from, const uint8_t *to, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i += 2) {
		uint16_t old, new;

		memcpy(&old, from + i, sizeof(old));
		memcpy(&new, to + i, sizeof(new));
		sum += (uint16_t)~old + (uint32_t) new;
	}
	return checksum_fold(sum);
}

/** The checksum field after such a change. */
static inline uint16_t checksum_after(uint16_t checksum, uint32_t difference)
{
	return (uint16_t)~checksum_fold((uint16_t)~checksum + difference);
}

#endif
