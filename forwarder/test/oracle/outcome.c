#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "port.h"
#include "report.h"
#include "rig.h"

#define PORTS_LIMIT 256u

enum item { LEFT = 1, DROPPED, PUNTED, MADE };

struct item_head {
	uint16_t kind, count;
	uint32_t value;
};

static struct watched {
	uint32_t port, generation;
	/** As told last. */
	uint64_t drops[DROP_COUNT], punted, originated;
} watched[PORTS_LIMIT];
static uint32_t watched_count;

static void tell(uint16_t kind, uint16_t count, uint32_t value)
{
	struct item_head item = {kind, count, value};

	report_bytes(&item, sizeof(item));
}

void outcome_watch(uint32_t port)
{
	uint32_t at = 0;

	while (at < watched_count && watched[at].port != port)
		at++;
	if (at == PORTS_LIMIT)
		abort();
	if (at == watched_count)
		watched_count++;
	else if (watched[at].generation == port_of(port)->generation)
		return;
	watched[at] = (struct watched){.port = port, .generation = port_of(port)->generation};
}

static void tell_left(uint32_t port)
{
	static const uint8_t zeros[8];
	uint8_t frame[RIG_FRAME];

	while (rig_has(port)) {
		uint32_t length = (uint32_t)rig_take(port, frame);
		tell(LEFT, (uint16_t)length, port);
		report_bytes(frame, length);
		report_bytes(zeros, -length & 7);
	}
}

static void tell_counters(struct watched *w)
{
	struct drop_counter drops[DROP_COUNT];
	struct port_totals totals = rig_totals(w->port);

	stats_drops(port_of(w->port)->slot, drops);
	for (uint32_t reason = 0; reason < DROP_COUNT; reason++) {
		if (drops[reason].packets != w->drops[reason])
			tell(DROPPED, (uint16_t)(drops[reason].packets - w->drops[reason]), reason);
		w->drops[reason] = drops[reason].packets;
	}
	if (totals.punted != w->punted)
		tell(PUNTED, (uint16_t)(totals.punted - w->punted), 0);
	if (totals.originated != w->originated)
		tell(MADE, (uint16_t)(totals.originated - w->originated), 0);
	w->punted = totals.punted;
	w->originated = totals.originated;
}

void outcome_tell(uint32_t what, uint32_t entered)
{
	report_begin(what);
	for (uint32_t i = 0; i < watched_count; i++) {
		struct watched *w = &watched[i];
		if (port_of(w->port) == NULL || port_of(w->port)->generation != w->generation)
			continue;
		tell_left(w->port);
		if (entered == 0 || entered == w->port)
			tell_counters(w);
	}
	report_end();
}
