/*
 * Frames through running packet threads while batches are applied: whether each met the rules before or after a batch,
 * and never a mixture.
 */
#ifndef RACE_H
#define RACE_H

#include <stdint.h>

/*
 * bytes: {u32 rounds, u32 ports, u32 batches, u32 frames}; the ports; each batch {u32 length} and operations; each
 * frame {u32 port, u32 length} and bytes; everything padded to 4. The ports, which are not attached yet, get sockets.
 * The batches are applied in turn, `rounds` times all of them, while the frames enter again and again: UDP without
 * options, with another source port each time, so that each is the first of a flow; their last 4 bytes are overwritten.
 * Answers 7: for each frame {u32 sent, u32 left}.
 */
void race_run(const uint8_t *bytes, uint32_t length, uint32_t generation);

#endif
