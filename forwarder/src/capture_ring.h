/*
 * The ring of a capture: bounded, many writers that never wait, one reader. A frame takes whole chunks of 256 bytes,
 * one after the other over the end; a frame that finds no room is counted as lost. Until it is read, or SETTLE_MS old,
 * a frame can be given the reason why it was dropped.
 *
 * Writers (packet threads): claim, put, publish, settle. One reader at a time: read. 16 MiB, touched as used.
 */
#ifndef FORWARDER_CAPTURE_RING_H
#define FORWARDER_CAPTURE_RING_H

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_SETTLE_MS 10u
#define CAPTURE_NO_REASON 0xffffu

struct capture_ring;
struct rte_mbuf;

/** NULL: no memory. */
struct capture_ring *capture_ring_make(void);
/** Nobody uses it any more. NULL is fine. */
void capture_ring_free(struct capture_ring *ring);

/** Takes room for so many bytes: its position (≥ 1, below 2^48). False: there is none, and it is counted. */
bool capture_ring_claim(struct capture_ring *ring, uint32_t bytes, uint64_t *position);
/** Writes `length` bytes of a frame, from its byte `from`, `at` bytes behind the position. */
void capture_ring_put(struct capture_ring *ring, uint64_t position, uint32_t at, const struct rte_mbuf *mbuf,
        uint32_t from, uint32_t length);
/** The same for up to 8 bytes in memory that lie in one chunk. */
void capture_ring_put_bytes(
        struct capture_ring *ring, uint64_t position, uint32_t at, const void *bytes, uint32_t length);
/** Shows the frame to the reader. length: of the frame; taken: bytes that were put; reason: a drop reason or
 * CAPTURE_NO_REASON. */
void capture_ring_publish(struct capture_ring *ring, uint64_t position, uint32_t length, uint32_t taken,
        uint8_t direction, uint16_t reason);
/** The frame at a position was dropped. Too late, it changes nothing. */
void capture_ring_settle(struct capture_ring *ring, uint64_t position, uint16_t reason);

/** Moves records (struct fwd_captured) to out. Bytes; -ENOSPC: the first does not fit. */
int32_t capture_ring_read(struct capture_ring *ring, void *out, uint32_t length);
uint64_t capture_ring_lost(const struct capture_ring *ring);

#endif
