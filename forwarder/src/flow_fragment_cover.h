/*
 * Which parts of a datagram have passed, so that no fragment overlaps another (RFC 5722 §3). In units of 8 bytes, as
 * offsets of fragments are (RFC 791 §3.1, RFC 8200 §4.5). Pure.
 */
#ifndef WEFT_FLOW_FRAGMENT_COVER_H
#define WEFT_FLOW_FRAGMENT_COVER_H

#include <stdbool.h>
#include <stdint.h>

/** Parts that do not touch each other. 28 are as many as the 54 fragments can make that a datagram of 64 KiB has at
 * IPv6's least MTU of 1,280 bytes, in any order. */
#define COVER_PARTS 28u

struct flow_fragment_cover {
	/** Sorted; apart from each other. */
	struct {
		uint16_t first, end;
	} parts[COVER_PARTS];
	uint16_t count;
	/** Where the last fragment ended; 0: not seen. */
	uint16_t total;
};

enum cover_result {
	COVER_NEW,
	/** Part of it was there before, or it lies behind the end. */
	COVER_OVERLAP,
	/** More parts than are kept. */
	COVER_FULL,
};

/** Adds [first, end), first < end ≤ 8,192; last: nothing comes behind it. Changes nothing but with COVER_NEW. */
enum cover_result cover_add(struct flow_fragment_cover *cover, uint32_t first, uint32_t end, bool last);

/** Whether everything from 0 to the last one's end was added. */
static inline bool cover_complete(const struct flow_fragment_cover *cover)
{
	return cover->total != 0 && cover->count == 1 && cover->parts[0].first == 0 &&
	       cover->parts[0].end == cover->total;
}

#endif
