#include "learned.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "index.h"
#include "learn.h"
#include "rows.h"
#include "tables.h"

/* At most so many go in one sweep, and are read at once at the start. */
#define REMOVED   256u
#define READ_ROWS 256u

struct entry {
	struct entry *next;
	/* Of the same port; neighbours only. */
	struct entry *next_of_port;
	struct learned_event event;
	uint32_t seen;
};

static struct entry **buckets;
static struct entry **neighbors_by_port;
static uint16_t *mac_counts;
static uint32_t sweep_at;

static struct entry **place(const struct learned_event *event)
{
	uint32_t hash = index_hash(event->address, sizeof(event->address), event->bridge << 1 | event->kind);
	struct entry **at = &buckets[hash % LEARNED_BUCKETS];

	while (*at && ((*at)->event.kind != event->kind || (*at)->event.bridge != event->bridge ||
	                      memcmp((*at)->event.address, event->address, sizeof(event->address)) != 0))
		at = &(*at)->next;
	return at;
}

static bool write_row(uint8_t op, const struct learned_event *event)
{
	struct fwd_learned_mac_row mac = {
	        .bridge = event->bridge, .port = event->port, .generation = event->generation};
	struct fwd_learned_neighbor_row neighbor = {
	        .bridge = event->bridge, .family = 6, .port = event->port, .generation = event->generation};
	struct internal_change change = {.op = op};

	if (event->kind == LEARNED_MAC) {
		memcpy(mac.mac, event->mac, sizeof(mac.mac));
		change.table = FWD_TABLE_LEARNED_MAC;
		change.row = &mac;
	} else {
		memcpy(neighbor.address, event->address, sizeof(neighbor.address));
		memcpy(neighbor.mac, event->mac, sizeof(neighbor.mac));
		change.table = FWD_TABLE_LEARNED_NEIGHBOR;
		change.row = &neighbor;
	}
	return rows_internal_apply(&change, 1) >= 0;
}

/* Only what this thread knows; the row is there. */
static bool keep(const struct learned_event *event, uint32_t now)
{
	struct entry **at = place(event), *entry = malloc(sizeof(*entry));

	if (!entry)
		return false;
	*entry = (struct entry){.next = *at, .event = *event, .seen = now};
	*at = entry;
	if (event->kind == LEARNED_MAC) {
		mac_counts[event->port]++;
	} else {
		entry->next_of_port = neighbors_by_port[event->port];
		neighbors_by_port[event->port] = entry;
	}
	return true;
}

/* False: the row could not go; it is tried again. */
static bool forget(struct entry **at)
{
	struct entry *entry = *at;

	if (!write_row(FWD_OP_DELETE, &entry->event))
		return false;
	*at = entry->next;
	if (entry->event.kind == LEARNED_MAC) {
		mac_counts[entry->event.port]--;
	} else {
		struct entry **other = &neighbors_by_port[entry->event.port];
		while (*other != entry)
			other = &(*other)->next_of_port;
		*other = entry->next_of_port;
	}
	free(entry);
	return true;
}

/* Whether the port still is the one that was seen, on the bridge where it was seen, and may say so: with security,
 * what it has is said by rows, but for addresses with its own MAC address. Writer lock held. */
static bool is_live(const struct learned_event *event)
{
	const struct fwd_port_row *row = tables_port(event->port);

	if (!row || tables_generation(row) != event->generation || row->bridge != event->bridge)
		return false;
	return (row->flags & FWD_PORT_SECURITY) == 0 ||
	       (event->kind == LEARNED_NEIGHBOR && memcmp(row->mac, event->mac, sizeof(row->mac)) == 0);
}

/* A row of an owner says where it is. Writer lock held. */
static bool is_configured(const struct learned_event *event)
{
	return event->kind == LEARNED_MAC ? tables_mac(event->bridge, event->mac) != NULL
	                                  : tables_neighbor(event->bridge, 6, event->address) != NULL;
}

/* True: one more fits. */
static bool make_room(const struct learned_event *event, uint32_t now)
{
	struct entry *oldest = NULL;
	uint32_t count = 0;

	if (event->kind == LEARNED_MAC)
		return mac_counts[event->port] < LEARN_MAC_PER_PORT;
	for (struct entry *entry = neighbors_by_port[event->port]; entry; entry = entry->next_of_port, count++)
		if (!oldest || entry->seen < oldest->seen)
			oldest = entry;
	if (count < GUARD_LEARNED)
		return true;
	if (now - oldest->seen < LEARN_NEIGHBOR_SECONDS)
		return false;
	return forget(place(&oldest->event));
}

void learned_take(const struct learned_event *event, uint32_t now)
{
	struct entry **at = place(event), *known = *at;

	if (known && known->event.port == event->port && known->event.generation == event->generation &&
	        memcmp(known->event.mac, event->mac, sizeof(event->mac)) == 0) {
		known->seen = now;
		return;
	}
	rows_lock();
	bool wanted = is_live(event) && !is_configured(event);
	bool taken = known && is_live(&known->event) && known->event.port != event->port;
	rows_unlock();
	/* An address belongs to who came first; a MAC address is where it was seen last. */
	if (!wanted || (taken && event->kind == LEARNED_NEIGHBOR))
		return;
	if (known && !forget(at))
		return;
	if (make_room(event, now) && write_row(FWD_OP_UPSERT, event) && !keep(event, now))
		write_row(FWD_OP_DELETE, event);
}

static bool is_over(const struct entry *entry, uint32_t now)
{
	if (!is_live(&entry->event) || is_configured(&entry->event))
		return true;
	return entry->event.kind == LEARNED_MAC && now - entry->seen >= LEARN_MAC_SECONDS;
}

/* First it is found, under the writer lock, then it goes. */
void learned_sweep(uint32_t count, uint32_t now)
{
	struct learned_event over[REMOVED];
	uint32_t found = 0;

	rows_lock();
	for (; count > 0 && found < REMOVED; count--, sweep_at = (sweep_at + 1) % LEARNED_BUCKETS)
		for (const struct entry *entry = buckets[sweep_at]; entry && found < REMOVED; entry = entry->next)
			if (is_over(entry, now))
				over[found++] = entry->event;
	rows_unlock();
	for (uint32_t i = 0; i < found; i++)
		forget(place(&over[i]));
}

/* A row found at the start: of a port that still lives it is kept. */
static void adopt(const struct learned_event *event)
{
	rows_lock();
	bool over = !is_live(event) || is_configured(event);
	rows_unlock();
	if (over || !make_room(event, 0) || !keep(event, 0))
		write_row(FWD_OP_DELETE, event);
}

static void adopt_mac(const struct fwd_learned_mac_row *row)
{
	struct learned_event event = {
	        .kind = LEARNED_MAC, .bridge = row->bridge, .port = row->port, .generation = row->generation};

	memcpy(event.mac, row->mac, sizeof(event.mac));
	memcpy(event.address, row->mac, sizeof(event.mac));
	adopt(&event);
}

static void adopt_neighbor(const struct fwd_learned_neighbor_row *row)
{
	struct learned_event event = {
	        .kind = LEARNED_NEIGHBOR, .bridge = row->bridge, .port = row->port, .generation = row->generation};

	memcpy(event.mac, row->mac, sizeof(event.mac));
	memcpy(event.address, row->address, sizeof(event.address));
	adopt(&event);
}

static void adopt_rows(void)
{
	struct fwd_learned_mac_row macs[READ_ROWS];
	struct fwd_learned_neighbor_row neighbors[READ_ROWS];

	for (uint32_t cursor = 0; cursor != UINT32_MAX;) {
		rows_lock();
		int32_t bytes = rows_read(0, FWD_TABLE_LEARNED_MAC, &cursor, macs, sizeof(macs));
		rows_unlock();
		for (uint32_t i = 0; i < (uint32_t)bytes / sizeof(macs[0]); i++)
			adopt_mac(&macs[i]);
	}
	for (uint32_t cursor = 0; cursor != UINT32_MAX;) {
		rows_lock();
		int32_t bytes = rows_read(0, FWD_TABLE_LEARNED_NEIGHBOR, &cursor, neighbors, sizeof(neighbors));
		rows_unlock();
		for (uint32_t i = 0; i < (uint32_t)bytes / sizeof(neighbors[0]); i++)
			adopt_neighbor(&neighbors[i]);
	}
}

int learned_init(void)
{
	buckets = calloc(LEARNED_BUCKETS, sizeof(*buckets));
	neighbors_by_port = calloc(FWD_ID_LIMIT, sizeof(*neighbors_by_port));
	mac_counts = calloc(FWD_ID_LIMIT, sizeof(*mac_counts));
	if (!buckets || !neighbors_by_port || !mac_counts)
		return -ENOMEM;
	sweep_at = 0;
	adopt_rows();
	return 0;
}

void learned_free(void)
{
	for (uint32_t i = 0; buckets && i < LEARNED_BUCKETS; i++)
		for (struct entry *entry = buckets[i], *next; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
	free(buckets);
	free(neighbors_by_port);
	free(mac_counts);
	buckets = NULL;
	neighbors_by_port = NULL;
	mac_counts = NULL;
}
