#include "uplink_neighbors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "rows.h"
#include "tables.h"
#include "uplink_own.h"
#include "uplink_rows.h"

#define BUCKETS   4096u
#define READ_ROWS 256u

static struct uplink_neighbor **buckets;
static uint32_t count;

static struct uplink_neighbor **place_of(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	struct uplink_neighbor **at = &buckets[index_hash(address, 16, uplink << 1 | (family == 6)) % BUCKETS];

	while (*at && ((*at)->uplink != uplink || (*at)->family != family || memcmp((*at)->address, address, 16) != 0))
		at = &(*at)->next;
	return at;
}

struct uplink_neighbor *uplink_neighbor_find(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	return *place_of(uplink, family, address);
}

struct uplink_neighbor *uplink_neighbor_add(
        uint32_t uplink, uint32_t generation, uint8_t family, const uint8_t *address)
{
	struct uplink_neighbor *neighbor = calloc(1, sizeof(*neighbor));

	if (!neighbor)
		return NULL;
	neighbor->uplink = uplink;
	neighbor->generation = generation;
	neighbor->family = family;
	memcpy(neighbor->address, address, sizeof(neighbor->address));
	*place_of(uplink, family, address) = neighbor;
	count++;
	return neighbor;
}

static struct fwd_uplink_neighbor_row row_of(const struct uplink_neighbor *neighbor)
{
	struct fwd_uplink_neighbor_row row = {.port = neighbor->uplink,
	        .family = neighbor->family,
	        .silent = neighbor->silent,
	        .generation = neighbor->generation};

	memcpy(row.address, neighbor->address, sizeof(row.address));
	memcpy(row.mac, neighbor->mac, sizeof(row.mac));
	return row;
}

static bool apply(uint8_t op, const struct uplink_neighbor *neighbor)
{
	struct fwd_uplink_neighbor_row row = row_of(neighbor);
	struct internal_change change = {.op = op, .table = FWD_TABLE_UPLINK_NEIGHBOR, .row = &row};

	return rows_internal_apply(&change, 1) >= 0;
}

/* The row is there or not, and so it counts or not. */
static void set_written(struct uplink_neighbor *neighbor, bool written)
{
	bool unheard = written && (neighbor->silent || !uplink_neighbor_known(neighbor));

	__atomic_store_n(&uplink_unheard, uplink_unheard + unheard - neighbor->unheard, __ATOMIC_RELAXED);
	neighbor->written = written;
	neighbor->unheard = unheard;
}

void uplink_neighbor_remove(struct uplink_neighbor *neighbor)
{
	struct uplink_neighbor **at = place_of(neighbor->uplink, neighbor->family, neighbor->address);

	if (neighbor->written)
		apply(FWD_OP_DELETE, neighbor);
	set_written(neighbor, false);
	*at = neighbor->next;
	count--;
	free(neighbor);
}

bool uplink_neighbor_write(struct uplink_neighbor *neighbor, bool silent)
{
	neighbor->silent = silent;
	if (!apply(FWD_OP_UPSERT, neighbor))
		return false;
	set_written(neighbor, true);
	if (uplink_neighbor_known(neighbor))
		uplink_hold_wake();
	return true;
}

bool uplink_neighbor_known(const struct uplink_neighbor *neighbor)
{
	static const uint8_t zero[6];

	return memcmp(neighbor->mac, zero, sizeof(zero)) != 0;
}

void uplink_neighbor_note_use(struct uplink_neighbor *neighbor, uint64_t now_ms)
{
	uint32_t place;

	rows_lock();
	bool found = uplink_neighbor_row(neighbor->uplink, neighbor->family, neighbor->address, &place) != NULL;
	rows_unlock();
	if (found && uplink_was_used(place))
		neighbor->used_ms = now_ms;
}

void uplink_neighbors_each(void (*visit)(struct uplink_neighbor *neighbor, void *context), void *context)
{
	for (uint32_t i = 0; count != 0 && i < BUCKETS; i++)
		for (struct uplink_neighbor *at = buckets[i], *next; at; at = next) {
			next = at->next;
			visit(at, context);
		}
}

/* A row found at the start: of an uplink that still lives it is kept, and soon asked. */
static void adopt(const struct fwd_uplink_neighbor_row *row)
{
	rows_lock();
	const struct fwd_port_row *port = tables_port(row->port);
	bool lives = port && (port->flags & FWD_PORT_UPLINK) != 0 && tables_generation(port) == row->generation;
	rows_unlock();
	struct uplink_neighbor *neighbor =
	        lives ? uplink_neighbor_add(row->port, row->generation, row->family, row->address) : NULL;
	if (!neighbor) {
		rows_internal_apply(
		        &(struct internal_change){.op = FWD_OP_DELETE, .table = FWD_TABLE_UPLINK_NEIGHBOR, .row = row},
		        1);
		return;
	}
	memcpy(neighbor->mac, row->mac, sizeof(neighbor->mac));
	neighbor->silent = row->silent != 0;
	set_written(neighbor, true);
}

int uplink_neighbors_start(void)
{
	struct fwd_uplink_neighbor_row rows[READ_ROWS];

	uplink_unheard = count = 0;
	buckets = calloc(BUCKETS, sizeof(struct uplink_neighbor *));
	if (!buckets)
		return -ENOMEM;
	for (uint32_t cursor = 0; cursor != UINT32_MAX;) {
		rows_lock();
		int32_t bytes = rows_read(0, FWD_TABLE_UPLINK_NEIGHBOR, &cursor, rows, sizeof(rows));
		rows_unlock();
		for (uint32_t i = 0; i < (uint32_t)bytes / sizeof(rows[0]); i++)
			adopt(&rows[i]);
	}
	return 0;
}

void uplink_neighbors_stop(void)
{
	for (uint32_t i = 0; buckets && i < BUCKETS; i++)
		for (struct uplink_neighbor *at = buckets[i], *next; at; at = next) {
			next = at->next;
			free(at);
		}
	free(buckets);
	buckets = NULL;
}
