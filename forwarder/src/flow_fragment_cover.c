#include "flow_fragment_cover.h"

#include <string.h>

/* Whether [first, end) is possible with where the datagram ends, as far as that is known. */
static bool fits_end(const struct flow_fragment_cover *cover, uint32_t end, bool last)
{
	uint32_t furthest = cover->count == 0 ? 0 : cover->parts[cover->count - 1].end;

	if (cover->total != 0)
		return end <= cover->total && !last;
	return !last || end >= furthest;
}

enum cover_result cover_add(struct flow_fragment_cover *cover, uint32_t first, uint32_t end, bool last)
{
	uint32_t at = 0;

	if (!fits_end(cover, end, last))
		return COVER_OVERLAP;
	while (at < cover->count && cover->parts[at].end <= first)
		at++;
	/* Behind `at`'s predecessor, before or in `at`. */
	if (at < cover->count && cover->parts[at].first < end)
		return COVER_OVERLAP;
	bool joins_before = at > 0 && cover->parts[at - 1].end == first;
	bool joins_behind = at < cover->count && cover->parts[at].first == end;
	if (!joins_before && !joins_behind) {
		if (cover->count == COVER_PARTS)
			return COVER_FULL;
		memmove(&cover->parts[at + 1], &cover->parts[at], (cover->count - at) * sizeof(cover->parts[0]));
		cover->parts[at].first = (uint16_t)first;
		cover->parts[at].end = (uint16_t)end;
		cover->count++;
	} else if (joins_before && joins_behind) {
		cover->parts[at - 1].end = cover->parts[at].end;
		cover->count--;
		memmove(&cover->parts[at], &cover->parts[at + 1], (cover->count - at) * sizeof(cover->parts[0]));
	} else if (joins_before) {
		cover->parts[at - 1].end = (uint16_t)end;
	} else {
		cover->parts[at].first = (uint16_t)first;
	}
	if (last)
		cover->total = (uint16_t)end;
	return COVER_NEW;
}
