/* The public calls about flows. See include/forwarder.h. */
#include <stddef.h>
#include <string.h>

#include "error.h"
#include "flow_event.h"
#include "flow_life.h"
#include "forwarder.h"
#include "life.h"

int32_t fwd_flows_read(const void *filter, void *cursor, void *out, uint32_t length)
{
	struct fwd_flow_filter wanted;
	uint32_t at;
	if (!filter || !cursor)
		return bad_argument("give a struct fwd_flow_filter and a cursor");
	if (!out || length < sizeof(struct fwd_flow))
		return bad_argument("out: give room for a struct fwd_flow");
	memcpy(&wanted, filter, sizeof(wanted));
	memcpy(&at, cursor, sizeof(at));
	if (!life_enter())
		return not_running();
	int32_t result = flow_read(&wanted, &at, out, length);
	life_leave();
	memcpy(cursor, &at, sizeof(at));
	return result;
}

int32_t fwd_flow_events(uint32_t follow, void *out, uint32_t length)
{
	if (!out || length < sizeof(struct fwd_flow))
		return bad_argument("out: give room for a struct fwd_flow");
	if (!life_enter())
		return not_running();
	int32_t result = flow_events_read(follow != 0, out, length);
	life_leave();
	return result;
}

int32_t fwd_flow_stats_read(void *out, uint32_t length)
{
	struct fwd_flow_stats stats;
	if (!out || length < sizeof(stats))
		return bad_argument("out: give room for a struct fwd_flow_stats");
	if (!life_enter())
		return not_running();
	flow_life_stats(&stats);
	life_leave();
	memcpy(out, &stats, sizeof(stats));
	return 0;
}
