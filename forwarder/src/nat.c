#include "nat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "index.h"
#include "policy.h"
#include "policy_ranges.h"
#include "rcu.h"
#include "store.h"
#include "tables.h"

/* Above those that identities reach, so that a port that becomes an uplink never keeps a decision of before. */
#define STAMP_FIRST 0x80000000u

/* Floating addresses by what stands behind them: slots of rows. */
static struct index by_inside;
/* How many of them each port has. */
static uint32_t *floating_of;
/* By port id; NULL: no_stamp. */
static const struct policy_port **stamps;
static const struct policy_port no_stamp = {.stamp = STAMP_FIRST};
static uint32_t last_stamp;
/* Uplinks that get another stamp at the end of the batch. */
static uint32_t *dirty;
static uint32_t dirty_count, dirty_room;
static bool owned_dirty;
static uint64_t owned_changes;

int nat_init(void)
{
	floating_of = calloc(FWD_ID_LIMIT, sizeof(*floating_of));
	stamps = calloc(FWD_ID_LIMIT, sizeof(*stamps));
	last_stamp = STAMP_FIRST;
	return floating_of && stamps ? 0 : -ENOMEM;
}

void nat_fini(void)
{
	for (uint32_t port = 0; stamps && port < FWD_ID_LIMIT; port++)
		free((void *)stamps[port]);
	free(stamps);
	free(floating_of);
	free(dirty);
	stamps = NULL, floating_of = NULL, dirty = NULL;
	dirty_count = dirty_room = 0;
	owned_dirty = false;
	index_free(&by_inside);
}

static void mark(uint32_t uplink)
{
	if (dirty_count > 0 && dirty[dirty_count - 1] == uplink)
		return;
	dirty = ranges_room(dirty, &dirty_room, dirty_count + 1, sizeof(*dirty));
	dirty[dirty_count++] = uplink;
}

static uint32_t slot_of(const struct fwd_floating_ip_row *row)
{
	const uint8_t *first = (const uint8_t *)arena_slot(FWD_TABLE_FLOATING_IP, 0);
	size_t bytes = (size_t)((const uint8_t *)arena_slot(FWD_TABLE_FLOATING_IP, 1) - first);

	return (uint32_t)((size_t)((const uint8_t *)arena_slot_of(row) - first) / bytes);
}

static uint32_t inside_hash(uint32_t inside_port, uint32_t uplink, const uint8_t *inside)
{
	uint32_t key[6] = {inside_port, uplink};

	memcpy(&key[2], inside, 16);
	return index_hash(key, sizeof(key), 0);
}

static uint32_t row_hash(const struct fwd_floating_ip_row *row)
{
	return inside_hash(row->inside_port, row->port, row->inside);
}

static void count(uint32_t port, int change)
{
	__atomic_store_n(&floating_of[port], floating_of[port] + (uint32_t)change, __ATOMIC_RELEASE);
}

void nat_floating_changed(const struct fwd_floating_ip_row *old, const struct fwd_floating_ip_row *new)
{
	if (new) {
		if (index_reserve(&by_inside, 1))
			error_memory("floating addresses");
		index_insert(&by_inside, row_hash(new), slot_of(new));
		count(new->inside_port, 1);
	}
	if (old) {
		index_remove(&by_inside, row_hash(old), slot_of(old));
		count(old->inside_port, -1);
		mark(old->port);
	}
	owned_dirty |= !old || !new;
}

void nat_address_changed(const struct fwd_nat_address_row *old, const struct fwd_nat_address_row *new)
{
	if (old)
		mark(old->port);
	owned_dirty |= !old || !new;
}

void nat_vrf_changed(const struct fwd_vrf_nat_row *old, const struct fwd_vrf_nat_row *new)
{
	if (old)
		mark(old->port);
}

static void change_stamp(uint32_t uplink)
{
	struct policy_port *made = malloc(sizeof(*made));
	const struct policy_port *old = stamps[uplink];

	if (!made)
		error_memory("the version of an uplink");
	if (++last_stamp == POLICY_STALE)
		last_stamp = STAMP_FIRST + 1;
	*made = (struct policy_port){.stamp = last_stamp};
	__atomic_store_n(&stamps[uplink], made, __ATOMIC_RELEASE);
	rcu_retire_memory((void *)old);
}

void nat_publish(void)
{
	for (uint32_t i = 0; i < dirty_count; i++)
		change_stamp(dirty[i]);
	dirty_count = 0;
	if (owned_dirty)
		__atomic_store_n(&owned_changes, owned_changes + 1, __ATOMIC_RELEASE);
	owned_dirty = false;
}

const struct fwd_floating_ip_row *nat_floating(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	struct fwd_floating_ip_row key = {.port = uplink, .family = family};

	memcpy(key.address, address, sizeof(key.address));
	return store_row(FWD_TABLE_FLOATING_IP, 0, &key);
}

const struct fwd_nat_address_row *nat_address(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	struct fwd_nat_address_row key = {.port = uplink, .family = family};

	memcpy(key.address, address, sizeof(key.address));
	return store_row(FWD_TABLE_NAT_ADDRESS, 0, &key);
}

const struct fwd_vrf_nat_row *nat_vrf(uint32_t vrf)
{
	struct fwd_vrf_nat_row key = {.vrf = vrf};

	return store_row(FWD_TABLE_VRF_NAT, 0, &key);
}

/* Length of the subnet of a floating address if it holds `to`, else 0: any may be used for what no subnet holds. */
static uint32_t fit(const struct fwd_floating_ip_row *row, const uint8_t *to)
{
	uint32_t whole = row->prefix_length / 8u, rest = row->prefix_length % 8u;

	if (memcmp(row->address, to, whole) != 0)
		return 0;
	if (rest != 0 && ((row->address[whole] ^ to[whole]) & (0xff00u >> rest) & 0xffu) != 0)
		return 0;
	return row->prefix_length;
}

static bool stands_for(const struct fwd_floating_ip_row *row, uint32_t inside_port, uint32_t uplink, uint8_t family,
        const uint8_t *inside)
{
	return row->inside_port == inside_port && row->port == uplink && row->family == family &&
	       memcmp(row->inside, inside, sizeof(row->inside)) == 0;
}

const struct fwd_floating_ip_row *nat_floating_of(
        uint32_t inside_port, uint32_t uplink, uint8_t family, const uint8_t *inside, const uint8_t *to)
{
	const struct fwd_floating_ip_row *best = NULL;
	uint32_t best_fit = 0, number;

	if (inside_port >= FWD_ID_LIMIT || __atomic_load_n(&floating_of[inside_port], __ATOMIC_ACQUIRE) == 0)
		return NULL;
	struct index_cursor cursor = index_first(&by_inside, inside_hash(inside_port, uplink, inside));
	while ((number = index_next(&cursor)) != INDEX_END) {
		const struct fwd_floating_ip_row *row = (const void *)arena_slot(FWD_TABLE_FLOATING_IP, number)->row;
		if (!stands_for(row, inside_port, uplink, family, inside))
			continue;
		uint32_t length = fit(row, to);
		if (best == NULL || length > best_fit ||
		        (length == best_fit && memcmp(row->address, best->address, sizeof(row->address)) < 0)) {
			best = row;
			best_fit = length;
		}
	}
	return best;
}

bool nat_owns(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	return nat_floating(uplink, family, address) != NULL || nat_address(uplink, family, address) != NULL;
}

struct visitor {
	uint32_t uplink;
	void (*visit)(uint8_t family, const uint8_t *address, void *context);
	void *context;
};

static void visit_floating(const void *row, void *context)
{
	const struct fwd_floating_ip_row *floating = row;
	const struct visitor *visitor = context;

	if (floating->port == visitor->uplink)
		visitor->visit(floating->family, floating->address, visitor->context);
}

static void visit_address(const void *row, void *context)
{
	const struct fwd_nat_address_row *address = row;
	const struct visitor *visitor = context;

	if (address->port == visitor->uplink)
		visitor->visit(address->family, address->address, visitor->context);
}

void nat_each_owned(
        uint32_t uplink, void (*visit)(uint8_t family, const uint8_t *address, void *context), void *context)
{
	struct visitor visitor = {.uplink = uplink, .visit = visit, .context = context};

	tables_each_row(FWD_TABLE_FLOATING_IP, visit_floating, &visitor);
	tables_each_row(FWD_TABLE_NAT_ADDRESS, visit_address, &visitor);
}

uint64_t nat_owned_changes(void)
{
	return __atomic_load_n(&owned_changes, __ATOMIC_ACQUIRE);
}

const struct policy_port *nat_stamp(uint32_t uplink)
{
	const struct policy_port *stamp =
	        uplink < FWD_ID_LIMIT ? __atomic_load_n(&stamps[uplink], __ATOMIC_ACQUIRE) : NULL;

	return stamp != NULL ? stamp : &no_stamp;
}
