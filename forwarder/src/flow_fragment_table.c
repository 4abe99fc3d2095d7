#include "flow_fragment_table.h"

#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"

#define BUCKETS FRAGMENT_DATAGRAMS

enum link_kind { LINK_STATE, LINK_PORT };

struct list {
	uint16_t oldest, newest;
};

/* A fragment that waits, or waits no longer and was not taken yet. */
struct held {
	struct rte_mbuf *mbuf;
	uint32_t context;
	/** Of its datagram's port. */
	uint16_t slot;
	uint16_t next;
	verdict_t verdict;
};

struct port_share {
	struct list datagrams;
	uint16_t count;
	/** Buffers. */
	uint16_t held;
	/** Of one with many datagrams: the slots of others like it; 0: none. */
	uint16_t before, behind;
};

struct fragment_table {
	struct fragment_datagram datagrams[FRAGMENT_DATAGRAMS];
	uint16_t buckets[BUCKETS];
	/** By enum fragment_state. */
	struct list states[2];
	/** Linked by `next`. */
	uint16_t free;
	struct held held[FRAGMENT_WAIT_ALL];
	/** Linked by `next`: unused; to be taken. */
	uint16_t free_held, first_out, last_out;
	uint32_t held_count, held_buffers;
	/** Ports with more than FRAGMENT_PORT_KEEPS datagrams, linked by slot; 0: none. */
	uint16_t heavy;
	struct port_share ports[];
};

struct fragment_table *fragment_table_make(uint32_t slots)
{
	struct fragment_table *table = calloc(1, sizeof(*table) + (slots + 1) * sizeof(table->ports[0]));

	if (table == NULL)
		return NULL;
	memset(table->buckets, 0xff, sizeof(table->buckets));
	for (uint32_t i = 0; i < FRAGMENT_DATAGRAMS; i++)
		table->datagrams[i].next = i + 1 < FRAGMENT_DATAGRAMS ? (uint16_t)(i + 1) : FRAGMENT_NONE;
	for (uint32_t i = 0; i < FRAGMENT_WAIT_ALL; i++)
		table->held[i].next = i + 1 < FRAGMENT_WAIT_ALL ? (uint16_t)(i + 1) : FRAGMENT_NONE;
	table->states[0] = table->states[1] = (struct list){FRAGMENT_NONE, FRAGMENT_NONE};
	table->first_out = table->last_out = FRAGMENT_NONE;
	return table;
}

void fragment_table_free(struct fragment_table *table)
{
	for (uint32_t i = 0; table != NULL && i < FRAGMENT_WAIT_ALL; i++)
		rte_pktmbuf_free(table->held[i].mbuf);
	free(table);
}

struct fragment_datagram *fragment_at(struct fragment_table *table, uint16_t number)
{
	return &table->datagrams[number];
}

uint32_t fragment_held(const struct fragment_table *table)
{
	return table->held_count;
}

static uint32_t bucket_of(const struct fragment_key *key)
{
	return index_hash(key, sizeof(*key), 0) % BUCKETS;
}

uint16_t fragment_find(const struct fragment_table *table, const struct fragment_key *key)
{
	uint16_t number = table->buckets[bucket_of(key)];

	while (number != FRAGMENT_NONE && memcmp(&table->datagrams[number].key, key, sizeof(*key)) != 0)
		number = table->datagrams[number].next;
	return number;
}

/* The list of a port is empty when its count is 0: memory that nobody touched is zero. */
static void list_add(struct fragment_table *table, struct list *list, enum link_kind kind, uint16_t number)
{
	struct fragment_datagram *datagram = &table->datagrams[number];

	datagram->link[kind].before = list->newest;
	datagram->link[kind].behind = FRAGMENT_NONE;
	if (list->newest != FRAGMENT_NONE)
		table->datagrams[list->newest].link[kind].behind = number;
	else
		list->oldest = number;
	list->newest = number;
}

static void list_remove(struct fragment_table *table, struct list *list, enum link_kind kind, uint16_t number)
{
	struct fragment_datagram *datagrams = table->datagrams;
	uint16_t before = datagrams[number].link[kind].before, behind = datagrams[number].link[kind].behind;

	if (before != FRAGMENT_NONE)
		datagrams[before].link[kind].behind = behind;
	else
		list->oldest = behind;
	if (behind != FRAGMENT_NONE)
		datagrams[behind].link[kind].before = before;
	else
		list->newest = before;
}

/* All that waits of a datagram is to be taken now. */
static void let_go(struct fragment_table *table, struct fragment_datagram *datagram, verdict_t verdict)
{
	if (datagram->first_held == FRAGMENT_NONE)
		return;
	for (uint16_t i = datagram->first_held; i != FRAGMENT_NONE; i = table->held[i].next)
		table->held[i].verdict = verdict;
	if (table->last_out != FRAGMENT_NONE)
		table->held[table->last_out].next = datagram->first_held;
	else
		table->first_out = datagram->first_held;
	table->last_out = datagram->last_held;
	datagram->first_held = datagram->last_held = FRAGMENT_NONE;
	datagram->held_buffers = 0;
}

/* A port has one more than it keeps. */
static void heavy_add(struct fragment_table *table, uint16_t slot)
{
	struct port_share *port = &table->ports[slot];

	port->before = 0;
	port->behind = table->heavy;
	if (table->heavy != 0)
		table->ports[table->heavy].before = slot;
	table->heavy = slot;
}

static void heavy_remove(struct fragment_table *table, uint16_t slot)
{
	const struct port_share *port = &table->ports[slot];

	if (port->before != 0)
		table->ports[port->before].behind = port->behind;
	else
		table->heavy = port->behind;
	if (port->behind != 0)
		table->ports[port->behind].before = port->before;
}

void fragment_remove(struct fragment_table *table, uint16_t number, verdict_t reason)
{
	struct fragment_datagram *datagram = &table->datagrams[number];
	struct port_share *port = &table->ports[datagram->slot];
	uint16_t *at = &table->buckets[bucket_of(&datagram->key)];

	let_go(table, datagram, reason);
	while (*at != number)
		at = &table->datagrams[*at].next;
	*at = datagram->next;
	list_remove(table, &table->states[datagram->state], LINK_STATE, number);
	list_remove(table, &port->datagrams, LINK_PORT, number);
	if (port->count-- == FRAGMENT_PORT_KEEPS + 1)
		heavy_remove(table, datagram->slot);
	datagram->next = table->free;
	table->free = number;
}

static void make_room(struct fragment_table *table, const struct port_share *port)
{
	uint16_t victim = table->states[FRAGMENT_DECIDED].oldest;

	if (port->count < FRAGMENT_PORT_KEEPS && table->heavy != 0)
		port = &table->ports[table->heavy];
	if (port->count >= FRAGMENT_PORT_KEEPS)
		victim = port->datagrams.oldest;
	else if (victim == FRAGMENT_NONE)
		victim = table->states[FRAGMENT_WAITING].oldest;
	fragment_remove(table, victim, DROP_FRAGMENT_LIMIT);
}

uint16_t fragment_add(struct fragment_table *table, const struct fragment_key *key, uint16_t slot, uint32_t now)
{
	struct port_share *port = &table->ports[slot];
	uint32_t bucket = bucket_of(key);

	if (port->count == 0)
		port->datagrams = (struct list){FRAGMENT_NONE, FRAGMENT_NONE};
	if (table->free == FRAGMENT_NONE)
		make_room(table, port);
	uint16_t number = table->free;
	struct fragment_datagram *datagram = &table->datagrams[number];

	table->free = datagram->next;
	datagram->key = *key;
	datagram->cover.count = datagram->cover.total = 0;
	datagram->state = FRAGMENT_WAITING;
	datagram->slot = slot;
	datagram->since = now;
	datagram->first_held = datagram->last_held = FRAGMENT_NONE;
	datagram->held_buffers = 0;
	datagram->next = table->buckets[bucket];
	table->buckets[bucket] = number;
	list_add(table, &table->states[FRAGMENT_WAITING], LINK_STATE, number);
	list_add(table, &port->datagrams, LINK_PORT, number);
	if (port->count++ == FRAGMENT_PORT_KEEPS)
		heavy_add(table, slot);
	return number;
}

void fragment_decide(struct fragment_table *table, uint16_t number, verdict_t verdict, uint32_t now)
{
	struct fragment_datagram *datagram = &table->datagrams[number];

	let_go(table, datagram, verdict);
	list_remove(table, &table->states[datagram->state], LINK_STATE, number);
	datagram->state = FRAGMENT_DECIDED;
	datagram->verdict = verdict;
	datagram->since = now;
	list_add(table, &table->states[FRAGMENT_DECIDED], LINK_STATE, number);
}

/* Those of a state are in the order of time. */
static void age_state(
        struct fragment_table *table, enum fragment_state state, uint32_t now, uint32_t ticks, verdict_t reason)
{
	uint16_t oldest;

	while ((oldest = table->states[state].oldest) != FRAGMENT_NONE && now - table->datagrams[oldest].since >= ticks)
		fragment_remove(table, oldest, reason);
}

void fragment_age(struct fragment_table *table, uint32_t now, uint32_t wait, uint32_t keep)
{
	age_state(table, FRAGMENT_WAITING, now, wait, DROP_FRAGMENT_UNKNOWN);
	age_state(table, FRAGMENT_DECIDED, now, keep, DROP_FRAGMENT_UNKNOWN);
}

uint16_t fragment_oldest_waiting(const struct fragment_table *table)
{
	return table->states[FRAGMENT_WAITING].oldest;
}

bool fragment_hold(struct fragment_table *table, uint16_t number, struct rte_mbuf *mbuf)
{
	struct fragment_datagram *datagram = &table->datagrams[number];
	struct port_share *port = &table->ports[datagram->slot];
	uint32_t buffers = mbuf->nb_segs;
	uint16_t at = table->free_held;

	if (at == FRAGMENT_NONE || datagram->held_buffers + buffers > FRAGMENT_WAIT_DATAGRAM ||
	        port->held + buffers > FRAGMENT_WAIT_PORT || table->held_buffers + buffers > FRAGMENT_WAIT_ALL)
		return false;
	table->free_held = table->held[at].next;
	table->held[at] = (struct held){
	        .mbuf = mbuf, .context = datagram->key.context, .slot = datagram->slot, .next = FRAGMENT_NONE};
	if (datagram->last_held != FRAGMENT_NONE)
		table->held[datagram->last_held].next = at;
	else
		datagram->first_held = at;
	datagram->last_held = at;
	datagram->held_buffers += (uint16_t)buffers;
	port->held += (uint16_t)buffers;
	table->held_buffers += buffers;
	table->held_count++;
	return true;
}

uint32_t fragment_take(
        struct fragment_table *table, struct rte_mbuf **mbufs, uint32_t room, uint32_t *context, verdict_t *verdict)
{
	uint32_t count = 0;

	if (table->first_out == FRAGMENT_NONE)
		return 0;
	*context = table->held[table->first_out].context;
	*verdict = table->held[table->first_out].verdict;
	while (count < room && table->first_out != FRAGMENT_NONE) {
		uint16_t at = table->first_out;
		struct held *held = &table->held[at];

		if (held->context != *context || held->verdict != *verdict)
			break;
		table->first_out = held->next;
		if (table->first_out == FRAGMENT_NONE)
			table->last_out = FRAGMENT_NONE;
		mbufs[count++] = held->mbuf;
		table->ports[held->slot].held -= held->mbuf->nb_segs;
		table->held_buffers -= held->mbuf->nb_segs;
		table->held_count--;
		held->mbuf = NULL;
		held->next = table->free_held;
		table->free_held = at;
	}
	return count;
}
