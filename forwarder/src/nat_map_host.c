/* Addresses that the host has, too: what fwd-host knows of their ports. */
#include "nat_map_own.h"
#include "rows.h"

/* Blocks, and units, that wait to be given out: for as many new ports of VMs before fwd-host looks again. */
#define WANTED_BLOCKS 4u
#define WANTED_UNITS  32u

static bool is_host(const struct fwd_nat_address_row *row)
{
	return row != NULL && (row->flags & FWD_NAT_HOST) != 0;
}

static void show(uint32_t place, const struct fwd_nat_address_row *row, struct nat_host *out)
{
	uint32_t of_blocks = WANTED_BLOCKS * row->block_size / NAT_UNIT, left = 0;

	*out = (struct nat_host){
	        .uplink = row->port, .family = row->family, .port_min = row->port_min, .port_max = row->port_max};
	memcpy(out->address, row->address, sizeof(out->address));
	for (uint32_t unit = row->port_min / NAT_UNIT; unit <= row->port_max / NAT_UNIT; unit++) {
		if (__atomic_load_n(&nat_ports[place].units[unit].owner, __ATOMIC_RELAXED) != 0)
			continue;
		left++;
		out->ready += __atomic_load_n(&nat_states[place].units[unit].host_ready, __ATOMIC_RELAXED);
	}
	out->wanted = of_blocks > WANTED_UNITS ? of_blocks : WANTED_UNITS;
	out->wanted = out->wanted < left ? out->wanted : left;
}

/* Rows stay as they are as long as nobody changes them. */
uint32_t nat_map_hosts(struct nat_host *out, uint32_t room)
{
	uint32_t count = 0;

	rows_lock();
	for (uint32_t place = 0; place < nat_settings.used && count < room; place++)
		if (is_host(nat_row(place)))
			show(place, nat_row(place), &out[count++]);
	rows_unlock();
	return count;
}

static void set_unit(uint32_t place, uint32_t number, bool ready, uint64_t used)
{
	struct nat_place_state *state = &nat_states[place];
	struct nat_unit_state *unit = &state->units[number];

	/* Who takes a block sees it ready and has it, or not. */
	nat_lock(&state->lock);
	__atomic_store_n(&unit->host_used, used, __ATOMIC_RELAXED);
	__atomic_store_n(&unit->host_ready, ready, __ATOMIC_RELAXED);
	if (ready)
		__atomic_store_n(&state->full, false, __ATOMIC_RELAXED);
	nat_unlock(&state->lock);
}

void nat_map_host_unit(uint8_t family, const uint8_t *address, uint16_t first, bool ready, uint64_t used)
{
	rows_lock();
	uint32_t place = nat_place_find(family, address);
	if (place != NAT_NONE)
		set_unit(place, first / NAT_UNIT, ready, used);
	rows_unlock();
}

bool nat_map_host_unit_taken(uint8_t family, const uint8_t *address, uint16_t first)
{
	rows_lock();
	uint32_t place = nat_place_find(family, address);
	bool taken = place != NAT_NONE &&
	             __atomic_load_n(&nat_ports[place].units[first / NAT_UNIT].owner, __ATOMIC_ACQUIRE) != 0;
	rows_unlock();
	return taken;
}
