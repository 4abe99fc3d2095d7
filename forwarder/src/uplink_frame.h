/*
 * Frames of ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861) that an uplink sends by itself. Pure. Addresses:
 * 16 bytes as in rows; frames: at most UPLINK_FRAME bytes, return how many.
 */
#ifndef WEFT_UPLINK_FRAME_H
#define WEFT_UPLINK_FRAME_H

#include <stdint.h>

#define UPLINK_FRAME 86u

/** Who has `target`? Asked of one host (`to`), or of all that may have it (NULL). source: of the asker; IPv4 0.0.0.0:
 * it has none (RFC 5227 §2.1.1). */
uint32_t uplink_frame_request(uint8_t *frame, uint8_t family, const uint8_t *mac, const uint8_t *source,
        const uint8_t *target, const uint8_t *to);
/** `address` is at `mac`: told to everyone (RFC 5227 §3, RFC 4861 §7.2.6). */
uint32_t uplink_frame_announcement(uint8_t *frame, uint8_t family, const uint8_t *mac, const uint8_t *address);

#endif
