#include "uplink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "handover.h"
#include "index.h"
#include "nat.h"
#include "stage.h"
#include "tables.h"
#include "uplink_own.h"
#include "uplink_rows.h"
#include "worker.h"

/* Events of a packet thread that wait for fwd-learn. */
#define EVENTS 2048u
/* Of them in one turn of fwd-learn: from neighbours that nobody here knows or asked for. */
#define STRANGERS 64u
/* Addresses that are asked for; a power of two. */
#define EXPECTED 4096u

/* One writer, one reader: neither ever waits for the other. */
struct events {
	uint32_t taken __attribute__((aligned(64)));
	uint32_t put __attribute__((aligned(64)));
	/* The writer's own: turn in which strangers were counted. */
	uint32_t turn, strangers;
	struct uplink_event slots[EVENTS] __attribute__((aligned(64)));
};

/* By packet thread. */
static struct events *rings;
/* By place of the row: it was used; turn in which its neighbour was heard with its MAC address, and with another one.
 */
static uint8_t *used, *heard[2];
/* Tag of an address that is asked for, and the turn in which its answer was told. */
static uint64_t expected[EXPECTED];
/* Counts turns of fwd-learn. */
static uint32_t turn = 1;

int uplink_start(uint32_t slots, uint32_t threads)
{
	uint32_t rows = arena_capacity(FWD_TABLE_UPLINK_NEIGHBOR);

	rings = aligned_alloc(64, (HANDOVER_THREADS + 1) * sizeof(*rings));
	used = calloc(3, rows);
	if (!rings || !used || uplink_hold_start(slots, threads) || uplink_watch_start()) {
		uplink_stop();
		return -ENOMEM;
	}
	heard[0] = used + rows;
	heard[1] = heard[0] + rows;
	memset(rings, 0, (HANDOVER_THREADS + 1) * sizeof(*rings));
	memset(expected, 0, sizeof(expected));
	turn = 1;
	return 0;
}

void uplink_stop(void)
{
	uplink_watch_stop();
	uplink_hold_stop();
	free(rings);
	free(used);
	rings = NULL;
	used = NULL;
}

bool uplink_tell(const struct uplink_event *event)
{
	struct events *ring = &rings[worker_self()];
	uint32_t at = __atomic_load_n(&ring->put, __ATOMIC_RELAXED);

	if (at - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == EVENTS)
		return false;
	ring->slots[at % EVENTS] = *event;
	__atomic_store_n(&ring->put, at + 1, __ATOMIC_RELEASE);
	return true;
}

/* What waits now; what comes meanwhile waits for the next turn, else a flood would keep this thread busy. */
static void drain(struct events *ring, uint64_t now_ms)
{
	uint32_t at = __atomic_load_n(&ring->taken, __ATOMIC_RELAXED);
	uint32_t end = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE);

	for (; at != end; at++) {
		struct uplink_event event = ring->slots[at % EVENTS];
		__atomic_store_n(&ring->taken, at + 1, __ATOMIC_RELEASE);
		uplink_watch_event(&event, now_ms);
	}
}

void uplink_poll(uint64_t now_ms)
{
	__atomic_store_n(&turn, turn + 1, __ATOMIC_RELAXED);
	for (uint32_t thread = 0; thread <= HANDOVER_THREADS; thread++)
		drain(&rings[thread], now_ms);
	uplink_watch_poll(now_ms);
}

static const struct fwd_uplink_neighbor_row *find(
        uint32_t uplink, uint8_t family, const uint8_t *address, uint32_t *place)
{
	static const uint8_t zero[6];
	const struct fwd_uplink_neighbor_row *row = uplink_neighbor_row(uplink, family, address, place);
	const struct fwd_port_row *port = row == NULL ? NULL : tables_port(uplink);

	/* Another port may have got the id since. */
	if (port == NULL || tables_generation(port) != row->generation || memcmp(row->mac, zero, sizeof(zero)) == 0)
		return NULL;
	return row;
}

const uint8_t *uplink_find(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	uint32_t place;
	const struct fwd_uplink_neighbor_row *row = find(uplink, family, address, &place);

	if (row == NULL)
		return NULL;
	if (__atomic_load_n(&used[place], __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&used[place], 1, __ATOMIC_RELAXED);
	return row->mac;
}

const uint8_t *uplink_look(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	const struct fwd_uplink_neighbor_row *row = find(uplink, family, address, NULL);

	return row == NULL ? NULL : row->mac;
}

bool uplink_was_used(uint32_t place)
{
	return __atomic_exchange_n(&used[place], 0, __ATOMIC_RELAXED) != 0;
}

const struct fwd_gateway_row *uplink_gateway(uint32_t uplink, uint32_t number)
{
	return uplink_gateway_row(uplink, number);
}

void uplink_link_local(const uint8_t *mac, uint8_t *address)
{
	memcpy(address, (const uint8_t[8]){0xfe, 0x80}, 8);
	memcpy(address + 8, (const uint8_t[8]){mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}, 8);
}

bool uplink_owns(const struct ingress *in, uint8_t family, const uint8_t *address)
{
	const struct fwd_neighbor_row *row = tables_neighbor(in->row->bridge, family, address);

	return (row != NULL && (row->flags & FWD_NEIGHBOR_GATEWAY) != 0) ||
	       (family == 6 && is_gateway_link_local(in, address)) || nat_owns(in->row->id, family, address);
}

static uint64_t *expected_of(uint32_t uplink, uint8_t family, const uint8_t *address, uint32_t *tag)
{
	*tag = index_hash(address, 16, uplink << 1 | (family == 6));
	return &expected[*tag % EXPECTED];
}

void uplink_expect(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	uint32_t tag;
	uint64_t *word = expected_of(uplink, family, address, &tag);

	__atomic_store_n(word, (uint64_t)tag << 32, __ATOMIC_RELAXED);
}

/* True: the first time in this turn. */
static bool once(uint8_t *mark)
{
	uint8_t now = (uint8_t)__atomic_load_n(&turn, __ATOMIC_RELAXED);

	if (__atomic_load_n(mark, __ATOMIC_RELAXED) == now)
		return false;
	__atomic_store_n(mark, now, __ATOMIC_RELAXED);
	return true;
}

/* Of a neighbour with a row. What it asks and tells with the MAC address that is known is no news. */
static bool is_news(
        const struct fwd_uplink_neighbor_row *row, uint32_t place, const uint8_t *mac, enum uplink_word word)
{
	bool other = memcmp(row->mac, mac, sizeof(row->mac)) != 0;

	return (other || word == UPLINK_ANSWER) && once(&heard[other][place]);
}

/* Of a neighbour without a row: somebody asked for it, or it asks for us. An answer that another address' question took
 * the place of in `expected` is let through, too, as long as there are few. */
static bool is_wanted(const struct uplink_event *event)
{
	uint32_t tag, now = __atomic_load_n(&turn, __ATOMIC_RELAXED);
	uint64_t *word = expected_of(event->uplink, event->family, event->address, &tag);
	uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

	if (seen >> 32 == tag && seen != 0 && (uint32_t)seen != now) {
		__atomic_store_n(word, (uint64_t)tag << 32 | now, __ATOMIC_RELAXED);
		return true;
	}
	struct events *ring = &rings[worker_self()];
	if (event->word == UPLINK_ANNOUNCE || event->word == UPLINK_HINT)
		return false;
	if (ring->turn != now) {
		ring->turn = now;
		ring->strangers = 0;
	}
	return ring->strangers++ < STRANGERS;
}

void uplink_learn(
        const struct ingress *in, uint8_t family, const uint8_t *address, const uint8_t *mac, enum uplink_word word)
{
	static const uint8_t zero[6];
	struct uplink_event event = {
	        .uplink = in->row->id, .generation = in->port->generation, .family = family, .word = (uint8_t)word};
	uint32_t place;

	/* RFC 1812 §3.3.2: an ARP reply that claims a broadcast or multicast address is not to be believed. */
	if ((mac[0] & 1) != 0 || memcmp(mac, zero, sizeof(zero)) == 0 || memcmp(mac, in->port->mac, 6) == 0)
		return;
	memcpy(event.address, address, sizeof(event.address));
	memcpy(event.mac, mac, sizeof(event.mac));
	const struct fwd_uplink_neighbor_row *row = uplink_neighbor_row(event.uplink, family, address, &place);
	if (row != NULL && row->generation == event.generation ? is_news(row, place, mac, word) : is_wanted(&event))
		uplink_tell(&event);
}
