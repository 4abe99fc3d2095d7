/*
 * When neighbours are asked, and what becomes of them.
 *
 * A gateway is asked each second, alone once it is known; after MISSES silent ones it is silent, and everyone is asked:
 * perhaps another router has its address now. It answers: it is alive.
 *
 * A known neighbour is asked alone every 15 to 30 s, each second when it does not answer; after MISSES it goes.
 *
 * A wanted neighbour: everyone is asked each second; after MISSES it is forgotten.
 *
 * Only answers to questions count as signs of life (RFC 4861 §7.3.1). Other messages may change the MAC address of what
 * is known (RFC 826, RFC 4861 §7.2.3, §7.2.5), which then is asked at once; and who asks for us on a connected subnet
 * becomes known, as long as there is room.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "rows.h"
#include "tables.h"
#include "uplink_announce.h"
#include "uplink_neighbors.h"
#include "uplink_own.h"
#include "uplink_ports.h"
#include "uplink_say.h"

#define MISSES     3
#define ASK_MS     1000u
#define KNOWN_MS   15000u
#define KNOWN_MORE 15000u
/* What is known by its own questions only is asked after this (RFC 4861 §10: DELAY_FIRST_PROBE_TIME). */
#define VERIFY_MS 5000u
/* How often ports, gateways and addresses are looked at. */
#define LOOK_MS 100u
/* A neighbour that was not used for so long makes room for one that is wanted, or asks. */
#define UNUSED_MS 60000u
/* Unasked, a neighbour gets another MAC address no more often: else a flood of claims were one of rows. */
#define CLAIM_MS 1000u

static uint64_t now, looked_at;
static bool looked;
static uint32_t draw;

int uplink_watch_start(void)
{
	now = looked_at = 0;
	looked = false;
	if (getrandom(&draw, sizeof(draw), GRND_NONBLOCK) != sizeof(draw))
		draw = (uint32_t)(uintptr_t)&draw;
	return uplink_neighbors_start() || uplink_announce_start() ? -1 : 0;
}

void uplink_watch_stop(void)
{
	uplink_neighbors_stop();
	uplink_announce_stop();
	uplink_ports_stop();
}

/* 15 to 30 s, so that the neighbours of many appliances are not asked all at once. */
static uint64_t next_look(void)
{
	draw = draw * 1664525u + 1013904223u;
	return now + KNOWN_MS + (draw >> 8) % KNOWN_MORE;
}

static void ask(struct uplink_neighbor *neighbor)
{
	struct uplink *uplink = uplink_port(neighbor->uplink, neighbor->generation);
	bool alone = uplink_neighbor_known(neighbor) && neighbor->misses + 1 < MISSES;

	neighbor->due_ms = now + ASK_MS;
	if (!uplink || (!neighbor->gateway && !uplink_may_request(uplink, now)))
		return;
	neighbor->asked = true;
	if (!neighbor->written)
		uplink_expect(neighbor->uplink, neighbor->family, neighbor->address);
	uplink_request(uplink, neighbor->family, neighbor->address, alone ? neighbor->mac : NULL);
}

static void forget(struct uplink_neighbor *neighbor)
{
	struct uplink *uplink = uplink_port(neighbor->uplink, neighbor->generation);

	if (uplink && !neighbor->gateway)
		uplink->neighbors--;
	uplink_neighbor_remove(neighbor);
}

/* It is time to ask again, or to give up. */
static void step(struct uplink_neighbor *neighbor)
{
	if (neighbor->asked && neighbor->misses < MISSES)
		neighbor->misses++;
	if (neighbor->misses == MISSES && !neighbor->gateway) {
		forget(neighbor);
		return;
	}
	if (neighbor->misses == MISSES && !neighbor->silent)
		uplink_neighbor_write(neighbor, true);
	if (!neighbor->gateway && neighbor->written)
		uplink_neighbor_note_use(neighbor, now);
	ask(neighbor);
}

static bool is_same(const struct uplink_neighbor *neighbor, const uint8_t *mac)
{
	return memcmp(neighbor->mac, mac, sizeof(neighbor->mac)) == 0;
}

/* It answered. */
static void note_answer(struct uplink_neighbor *neighbor, const uint8_t *mac)
{
	bool changed = neighbor->silent || !neighbor->written || !is_same(neighbor, mac);

	memcpy(neighbor->mac, mac, sizeof(neighbor->mac));
	neighbor->asked = false;
	neighbor->misses = 0;
	if (!neighbor->gateway)
		neighbor->due_ms = next_look();
	if (changed && !uplink_neighbor_write(neighbor, false) && !neighbor->gateway)
		forget(neighbor);
}

/* Somebody said where it is: it is asked itself. */
static void note_claim(struct uplink_neighbor *neighbor, const uint8_t *mac)
{
	bool lately = neighbor->claimed_ms != 0 && now - neighbor->claimed_ms < CLAIM_MS;

	if (is_same(neighbor, mac) || lately)
		return;
	memcpy(neighbor->mac, mac, sizeof(neighbor->mac));
	neighbor->due_ms = neighbor->claimed_ms = now;
	neighbor->misses = 0;
	if (!uplink_neighbor_write(neighbor, neighbor->silent) && !neighbor->gateway)
		forget(neighbor);
}

struct unused {
	uint32_t uplink;
	struct uplink_neighbor *neighbor;
};

static void find_unused(struct uplink_neighbor *neighbor, void *context)
{
	struct unused *unused = context;
	bool longer = !unused->neighbor || neighbor->used_ms < unused->neighbor->used_ms;

	if (neighbor->uplink == unused->uplink && !neighbor->gateway && longer && now - neighbor->used_ms >= UNUSED_MS)
		unused->neighbor = neighbor;
}

/* NULL: there are as many as there may be. */
static struct uplink_neighbor *add(struct uplink *uplink, const struct uplink_event *event, uint32_t limit)
{
	struct unused unused = {.uplink = uplink->id};

	if (uplink->neighbors >= UPLINK_NEIGHBORS)
		uplink_neighbors_each(find_unused, &unused);
	if (unused.neighbor)
		forget(unused.neighbor);
	if (uplink->neighbors >= limit)
		return NULL;
	struct uplink_neighbor *neighbor =
	        uplink_neighbor_add(uplink->id, uplink->generation, event->family, event->address);
	if (!neighbor)
		return NULL;
	uplink->neighbors++;
	neighbor->used_ms = now;
	return neighbor;
}

/* A packet waits for it. */
static void want(struct uplink_neighbor *neighbor, const struct uplink_event *event)
{
	struct uplink *uplink = uplink_port(event->uplink, 0);

	if (neighbor && uplink_neighbor_known(neighbor))
		uplink_hold_wake();
	else if (neighbor && !neighbor->gateway)
		/* Still wanted: else it were given up now, and not asked for again while the packet waits. */
		neighbor->misses = 0;
	if (neighbor || !uplink)
		return;
	neighbor = add(uplink, event, UPLINK_NEIGHBORS);
	if (neighbor)
		ask(neighbor);
}

/* It asks for us: it will get packets soon. Half of the room is kept for those that packets of ours are for. */
static void meet(const struct uplink_event *event)
{
	struct uplink *uplink = uplink_port(event->uplink, event->generation);

	if (!uplink || uplink->neighbors >= UPLINK_NEIGHBORS / 2 ||
	        !uplink_is_connected(uplink, event->family, event->address))
		return;
	struct uplink_neighbor *neighbor = add(uplink, event, UPLINK_NEIGHBORS / 2);
	if (!neighbor)
		return;
	memcpy(neighbor->mac, event->mac, sizeof(neighbor->mac));
	neighbor->due_ms = now + VERIFY_MS;
	if (!uplink_neighbor_write(neighbor, false))
		forget(neighbor);
}

void uplink_watch_event(const struct uplink_event *event, uint64_t now_ms)
{
	now = now_ms;
	/* Packets came before the first turn: no uplink is known yet. */
	if (!looked)
		uplink_watch_poll(now);
	struct uplink_neighbor *neighbor = uplink_neighbor_find(event->uplink, event->family, event->address);
	if (event->word == UPLINK_WANTED)
		want(neighbor, event);
	else if (event->word == UPLINK_CONFLICT)
		uplink_announce_defend(event->uplink, event->family, event->address, event->mac, now);
	else if (!neighbor && event->word == UPLINK_REQUEST)
		meet(event);
	else if (!neighbor || neighbor->generation != event->generation)
		return;
	else if (event->word == UPLINK_ANSWER && neighbor->asked)
		note_answer(neighbor, event->mac);
	else if (event->word != UPLINK_HINT || !uplink_neighbor_known(neighbor))
		note_claim(neighbor, event->mac);
	else if (!is_same(neighbor, event->mac) && !neighbor->asked)
		neighbor->due_ms = now;
}

/* Writer lock held. */
static void visit_gateway(const void *row, void *unused)
{
	const struct fwd_gateway_row *gateway = row;
	const struct uplink *uplink = uplink_port(gateway->port, 0);
	struct uplink_neighbor *neighbor = uplink_neighbor_find(gateway->port, gateway->family, gateway->address);

	if (!neighbor && uplink)
		neighbor = uplink_neighbor_add(uplink->id, uplink->generation, gateway->family, gateway->address);
	if (neighbor)
		neighbor->seen = true;
}

/* After the rows were seen. */
static void visit_seen(struct uplink_neighbor *neighbor, void *unused)
{
	bool gateway = neighbor->seen;

	neighbor->seen = false;
	if (gateway == neighbor->gateway)
		return;
	neighbor->gateway = gateway;
	neighbor->due_ms = now;
	neighbor->misses = 0;
	neighbor->used_ms = now;
	if (gateway && !neighbor->written)
		uplink_neighbor_write(neighbor, false);
	if (!gateway && (neighbor->silent || !uplink_neighbor_known(neighbor)))
		uplink_neighbor_remove(neighbor);
}

static void visit_due(struct uplink_neighbor *neighbor, void *unused)
{
	struct uplink *uplink = uplink_port(neighbor->uplink, neighbor->generation);

	if (!uplink) {
		uplink_neighbor_remove(neighbor);
		return;
	}
	uplink->neighbors += !neighbor->gateway;
	/* Its link was away. */
	if (uplink->fresh)
		neighbor->due_ms = now;
	if (neighbor->due_ms <= now)
		step(neighbor);
}

static void count_anew(struct uplink *uplink)
{
	uplink->neighbors = 0;
}

void uplink_watch_poll(uint64_t now_ms)
{
	now = now_ms;
	if (looked && now - looked_at < LOOK_MS)
		return;
	looked = true;
	looked_at = now;
	uplink_ports_look();
	rows_lock();
	tables_each_row(FWD_TABLE_GATEWAY, visit_gateway, NULL);
	rows_unlock();
	uplink_neighbors_each(visit_seen, NULL);
	uplink_ports_each(count_anew);
	uplink_neighbors_each(visit_due, NULL);
	uplink_announce_poll(now);
}
