/* Outside ports by themselves: found, held and released. */
#include <rte_byteorder.h>

#include "flow_own.h"
#include "nat_map_own.h"
#include "port.h"

/* The entry of an outside port; NULL: there is none. *place: of its address. */
static struct nat_entry *find(
        uint8_t family, uint8_t protocol, const uint8_t *address, uint16_t port_be, uint32_t *place)
{
	uint32_t of = nat_protocol(family, protocol);

	*place = of == NAT_NONE ? NAT_NONE : nat_place_find(family, address);
	return *place == NAT_NONE ? NULL : &nat_ports[*place].entries[of][rte_be_to_cpu_16(port_be)];
}

static struct nat_entry *find_of(const struct nat_outside *outside, const struct nat_inside *inside, uint32_t *place)
{
	return find(inside->family, inside->protocol, outside->address, outside->port, place);
}

/* Whether an entry, used so, is an endpoint's, or shared by others of its inside port. */
static bool is_of(const struct nat_entry *entry, uint64_t use, const struct nat_inside *inside)
{
	uint64_t found[3], wanted[3];

	if ((use & NAT_USED) == 0)
		return false;
	nat_entry_read(entry, found);
	nat_words(inside, wanted);
	if ((use & NAT_SHARED) != 0)
		return (uint32_t)found[2] == (uint32_t)wanted[2];
	return memcmp(found, wanted, sizeof(found)) == 0;
}

static bool is_leased(const struct fwd_nat_address_row *row, uint16_t port_be)
{
	uint16_t port = rte_be_to_cpu_16(port_be);

	return row != NULL && port >= row->port_min && port <= row->port_max;
}

static bool hold(struct nat_entry *entry, const struct nat_inside *inside, bool revive)
{
	uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_ACQUIRE);

	/* What is_of saw held if `use` is the same afterwards: NAT_TURN changes with the endpoint. */
	do {
		if ((!revive && !nat_is_held(use)) || (use & NAT_REFS) == NAT_REFS || !is_of(entry, use, inside))
			return false;
	} while (!__atomic_compare_exchange_n(&entry->use, &use, use + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return true;
}

bool nat_map_find(uint32_t uplink, uint8_t family, uint8_t protocol, const uint8_t *address, uint16_t port_be,
        struct nat_inside *inside, uint16_t *slot)
{
	uint32_t place;
	const struct nat_entry *entry = find(family, protocol, address, port_be, &place);
	const struct fwd_nat_address_row *row = entry == NULL ? NULL : nat_row(place);
	uint64_t words[3];

	if (!is_leased(row, port_be) || row->port != uplink || (row->flags & FWD_NAT_DEPENDENT_FILTERING) != 0)
		return false;
	uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_ACQUIRE);
	if ((use & NAT_USED) == 0 || !nat_is_held(use))
		return false;
	nat_entry_read(entry, words);
	*slot = __atomic_load_n(&nat_states[place].units[rte_be_to_cpu_16(port_be) / NAT_UNIT].slot, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (((__atomic_load_n(&entry->use, __ATOMIC_RELAXED) ^ use) & ~(NAT_TURN - 1)) != 0)
		return false;
	*inside = (struct nat_inside){.context = (uint32_t)words[2],
	        .port = (uint16_t)(words[2] >> 32),
	        .family = family,
	        .protocol = protocol};
	memcpy(inside->address, words, sizeof(inside->address));
	const struct port *port = port_at(*slot);
	return port != NULL && port->generation == inside->context;
}

bool nat_map_hold(const struct nat_outside *outside, const struct nat_inside *inside)
{
	uint32_t place;
	struct nat_entry *entry = find_of(outside, inside, &place);

	return entry != NULL && is_leased(nat_row(place), outside->port) && hold(entry, inside, false);
}

bool nat_map_adopt(const struct nat_outside *outside, const struct nat_inside *inside)
{
	uint32_t place;
	struct nat_entry *entry = find_of(outside, inside, &place);

	if (entry == NULL)
		return false;
	/* Damage may have cost its block. */
	const struct nat_unit *unit = &nat_ports[place].units[rte_be_to_cpu_16(outside->port) / NAT_UNIT];
	return unit->owner == inside->context && hold(entry, inside, true);
}

bool nat_map_holds(const struct nat_outside *outside, const struct nat_inside *inside)
{
	uint32_t place;
	const struct nat_entry *entry = find_of(outside, inside, &place);

	if (entry == NULL || !is_leased(nat_row(place), outside->port))
		return false;
	uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_ACQUIRE);
	return nat_is_held(use) && is_of(entry, use, inside);
}

void nat_map_release(uint8_t family, uint8_t protocol, const struct nat_outside *outside)
{
	uint32_t place, port = rte_be_to_cpu_16(outside->port), of = nat_protocol(family, protocol);
	struct nat_entry *entry = find(family, protocol, outside->address, outside->port, &place);

	if (entry == NULL)
		return;
	uint64_t use = __atomic_load_n(&entry->use, __ATOMIC_RELAXED), less;
	do {
		if (!nat_is_held(use))
			return;
		less = use - 1;
		if (!nat_is_held(less))
			less = (less & ~NAT_UNTIL) |
			       ((uint64_t)(flow_tick() + nat_settings.wait) << NAT_UNTIL_SHIFT & NAT_UNTIL);
	} while (!__atomic_compare_exchange_n(&entry->use, &use, less, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (!nat_is_held(less))
		__atomic_fetch_or(&nat_states[place].units[port / NAT_UNIT].waiting[of], 1ull << port % NAT_UNIT,
		        __ATOMIC_RELAXED);
}
