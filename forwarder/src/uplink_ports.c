#include "uplink_ports.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "port.h"
#include "rows.h"
#include "tables.h"

#define STEP 16u

static struct uplink *uplinks;
static uint32_t count, room;
/* Of port_changes when the ports were looked at. */
static uint64_t seen;
static bool looked;

void uplink_ports_stop(void)
{
	free(uplinks);
	uplinks = NULL;
	count = room = 0;
	looked = false;
}

void uplink_ports_each(void (*visit)(struct uplink *uplink))
{
	for (uint32_t i = 0; i < count; i++)
		visit(&uplinks[i]);
}

struct uplink *uplink_port(uint32_t id, uint32_t generation)
{
	for (uint32_t i = 0; i < count; i++)
		if (uplinks[i].id == id)
			return generation == 0 || uplinks[i].generation == generation ? &uplinks[i] : NULL;
	return NULL;
}

/* Writer lock held. */
static struct uplink describe(const struct port *port, const struct fwd_port_row *row)
{
	static const uint8_t zero[6];
	struct uplink uplink = {.id = port->id, .generation = port->generation, .bridge = row->bridge};

	port_mac(port, uplink.mac);
	uplink.up = __atomic_load_n(&port->state, __ATOMIC_RELAXED) == FWD_LINK_UP &&
	            memcmp(uplink.mac, zero, sizeof(zero)) != 0;
	uplink.fresh = uplink.up;
	return uplink;
}

static void keep(const struct uplink *old, struct uplink *uplink)
{
	if (old == NULL)
		return;
	uplink->neighbors = old->neighbors;
	uplink->tokens = old->tokens;
	uplink->counted_ms = old->counted_ms;
	uplink->fresh = uplink->up && (old->fresh || !old->up || memcmp(old->mac, uplink->mac, sizeof(old->mac)) != 0);
}

static void add(struct uplink **list, uint32_t *used, const struct uplink *uplink)
{
	if (*used % STEP == 0) {
		struct uplink *more = realloc(*list, (*used + STEP) * sizeof(**list));
		if (more == NULL)
			error_memory("uplinks");
		*list = more;
	}
	(*list)[(*used)++] = *uplink;
}

void uplink_ports_look(void)
{
	uint64_t changes = port_changes();
	struct uplink *list = NULL;
	uint32_t used = 0;

	for (uint32_t i = 0; i < count; i++)
		uplinks[i].fresh = false;
	if (looked && changes == seen)
		return;
	rows_lock();
	for (uint32_t slot = 1; slot <= port_slot_limit(); slot++) {
		const struct port *port = port_at((uint16_t)slot);
		const struct fwd_port_row *row = port == NULL ? NULL : tables_port(port->id);
		if (row == NULL || (row->flags & FWD_PORT_UPLINK) == 0)
			continue;
		struct uplink uplink = describe(port, row);
		keep(uplink_port(uplink.id, uplink.generation), &uplink);
		add(&list, &used, &uplink);
	}
	rows_unlock();
	free(uplinks);
	uplinks = list;
	count = used;
	seen = changes;
	looked = true;
}
