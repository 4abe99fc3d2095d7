/* The public calls about shared addresses. See include/forwarder.h. */
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "life.h"
#include "nat_map.h"
#include "rows.h"

static bool has_room(const void *out, uint32_t length, size_t record)
{
	return out != NULL && length >= record;
}

int32_t fwd_nat_stats_read(void *out, uint32_t length)
{
	if (!has_room(out, length, sizeof(struct fwd_nat_address_stats)))
		return bad_argument("out: give room for a struct fwd_nat_address_stats");
	if (!life_enter())
		return not_running();
	rows_lock();
	int32_t result = nat_map_stats_read(out, length > INT32_MAX ? INT32_MAX : length);
	rows_unlock();
	life_leave();
	return result;
}

int32_t fwd_nat_blocks_read(void *cursor, void *out, uint32_t length)
{
	uint32_t at;

	if (!cursor || !has_room(out, length, sizeof(struct fwd_nat_event)))
		return bad_argument("out: give a cursor and room for a struct fwd_nat_event");
	memcpy(&at, cursor, sizeof(at));
	if (!life_enter())
		return not_running();
	rows_lock();
	int32_t result = nat_map_blocks_read(&at, out, length > INT32_MAX ? INT32_MAX : length);
	rows_unlock();
	life_leave();
	memcpy(cursor, &at, sizeof(at));
	return result;
}

int32_t fwd_nat_events_read(const void *after, void *out, uint32_t length)
{
	uint64_t sequence;

	if (!after || !has_room(out, length, sizeof(struct fwd_nat_event)))
		return bad_argument("out: give a sequence and room for a struct fwd_nat_event");
	memcpy(&sequence, after, sizeof(sequence));
	if (!life_enter())
		return not_running();
	rows_lock();
	int32_t result = nat_map_events_read(sequence, out, length > INT32_MAX ? INT32_MAX : length);
	rows_unlock();
	life_leave();
	return result;
}
