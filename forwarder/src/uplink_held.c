#include "uplink_held.h"

#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "flow_life.h"
#include "index.h"
#include "stage.h"

/* Addresses that packets of one port ask for first; its buffers: more than the longest packet has. */
#define PER_PORT     16u
#define PORT_BUFFERS 64u

struct hold *hold_make(uint32_t slots)
{
	struct hold *hold = calloc(1, sizeof(*hold) + (slots + 1) * sizeof(hold->ports[0]));

	if (hold == NULL)
		return NULL;
	memset(hold->buckets, 0xff, sizeof(hold->buckets));
	for (uint32_t i = 0; i < HOLD_ADDRESSES; i++)
		hold->addresses[i].next = i + 1 < HOLD_ADDRESSES ? (uint16_t)(i + 1) : HOLD_NONE;
	for (uint32_t i = 0; i < UPLINK_HELD; i++)
		hold->held[i].next = i + 1 < UPLINK_HELD ? (uint16_t)(i + 1) : HOLD_NONE;
	hold->oldest = hold->newest = hold->first_out = hold->last_out = HOLD_NONE;
	return hold;
}

void hold_free(struct hold *hold)
{
	for (uint32_t i = 0; hold != NULL && i < UPLINK_HELD; i++)
		rte_pktmbuf_free(hold->held[i].mbuf);
	free(hold);
}

static uint16_t *bucket_of(struct hold *hold, uint32_t uplink, uint8_t family, const uint8_t *address)
{
	return &hold->buckets[index_hash(address, 16, uplink << 1 | (family == 6)) % HOLD_ADDRESSES];
}

uint16_t hold_find(struct hold *hold, uint32_t uplink, uint8_t family, const uint8_t *address)
{
	uint16_t at = *bucket_of(hold, uplink, family, address);

	for (; at != HOLD_NONE; at = hold->addresses[at].next) {
		const struct waiting_address *entry = &hold->addresses[at];
		if (entry->uplink == uplink && entry->family == family && memcmp(entry->address, address, 16) == 0)
			break;
	}
	return at;
}

void hold_let_go(struct hold *hold, struct waiting_address *entry, uint32_t count, verdict_t verdict)
{
	for (; count > 0 && entry->first != HOLD_NONE; count--, entry->count--) {
		uint16_t at = entry->first;
		struct held_packet *held = &hold->held[at];
		entry->first = held->next;
		held->verdict = verdict;
		held->next = HOLD_NONE;
		if (hold->last_out != HOLD_NONE)
			hold->held[hold->last_out].next = at;
		else
			hold->first_out = at;
		hold->last_out = at;
	}
	if (entry->first == HOLD_NONE)
		entry->last = HOLD_NONE;
}

void hold_forget(struct hold *hold, uint16_t number)
{
	struct waiting_address *entry = &hold->addresses[number];
	uint16_t *at = bucket_of(hold, entry->uplink, entry->family, entry->address);

	hold_let_go(hold, entry, entry->count, VERDICT_NEXT);
	while (*at != number)
		at = &hold->addresses[*at].next;
	*at = entry->next;
	if (entry->before != HOLD_NONE)
		hold->addresses[entry->before].behind = entry->behind;
	else
		hold->oldest = entry->behind;
	if (entry->behind != HOLD_NONE)
		hold->addresses[entry->behind].before = entry->before;
	else
		hold->newest = entry->before;
	hold->ports[entry->slot].addresses--;
	entry->next = hold->free_address;
	hold->free_address = number;
}

uint16_t hold_add(struct hold *hold, const struct ingress *in, uint32_t uplink, uint8_t family, const uint8_t *address)
{
	uint16_t *bucket = bucket_of(hold, uplink, family, address);

	if (hold->ports[in->port->slot].addresses == PER_PORT)
		return HOLD_NONE;
	if (hold->free_address == HOLD_NONE && hold->addresses[hold->oldest].vain)
		hold_forget(hold, hold->oldest);
	uint16_t number = hold->free_address;
	if (number == HOLD_NONE)
		return HOLD_NONE;
	struct waiting_address *entry = &hold->addresses[number];
	hold->free_address = entry->next;
	*entry = (struct waiting_address){.uplink = uplink,
	        .family = family,
	        .since = flow_now(in->thread),
	        .before = hold->newest,
	        .behind = HOLD_NONE,
	        .next = *bucket,
	        .slot = in->port->slot,
	        .first = HOLD_NONE,
	        .last = HOLD_NONE};
	memcpy(entry->address, address, sizeof(entry->address));
	*bucket = number;
	if (hold->newest != HOLD_NONE)
		hold->addresses[hold->newest].behind = number;
	else
		hold->oldest = number;
	hold->newest = number;
	hold->ports[in->port->slot].addresses++;
	return number;
}

bool hold_keep(struct hold *hold, struct waiting_address *entry, const struct pkt *pkt, const struct ingress *in)
{
	struct hold_share *port = &hold->ports[in->port->slot];
	uint16_t at = hold->free_held;
	uint32_t buffers = pkt->mbuf->nb_segs;

	if (at == HOLD_NONE || hold->buffers + buffers > UPLINK_HELD || port->buffers + buffers > PORT_BUFFERS)
		return false;
	if (entry->count == UPLINK_HELD_ADDRESS)
		hold_let_go(hold, entry, 1, DROP_NO_NEIGHBOR);
	hold->free_held = hold->held[at].next;
	hold->held[at] = (struct held_packet){
	        .mbuf = pkt->mbuf, .generation = in->port->generation, .slot = in->port->slot, .next = HOLD_NONE};
	hold->buffers += buffers;
	port->buffers += (uint8_t)buffers;
	if (entry->last != HOLD_NONE)
		hold->held[entry->last].next = at;
	else
		entry->first = at;
	entry->last = at;
	entry->count++;
	return true;
}

uint32_t hold_take(struct hold *hold, struct rte_mbuf **mbufs, uint32_t room, uint32_t *generation, verdict_t *verdict)
{
	uint32_t count = 0;

	*generation = hold->held[hold->first_out].generation;
	*verdict = hold->held[hold->first_out].verdict;
	while (count < room && hold->first_out != HOLD_NONE) {
		uint16_t at = hold->first_out;
		struct held_packet *held = &hold->held[at];
		if (held->generation != *generation || held->verdict != *verdict)
			break;
		hold->first_out = held->next;
		if (hold->first_out == HOLD_NONE)
			hold->last_out = HOLD_NONE;
		mbufs[count++] = held->mbuf;
		hold->buffers -= held->mbuf->nb_segs;
		hold->ports[held->slot].buffers -= (uint8_t)held->mbuf->nb_segs;
		*held = (struct held_packet){.next = hold->free_held};
		hold->free_held = at;
	}
	return count;
}
