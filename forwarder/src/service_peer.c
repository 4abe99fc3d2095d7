#include "service_peer.h"

#include <errno.h>
#include <rte_hash_crc.h>
#include <stdlib.h>
#include <string.h>

/* Written by one thread, read by others: the sequence is odd while it changes. */
struct place {
	uint32_t sequence;
	/** Of the port; 0: empty. */
	uint32_t generation;
	struct service_peer peer;
	uint16_t unused;
};
_Static_assert(sizeof(struct place) == 32, "two to a cache line");

typedef struct place places[2][SERVICE_PLACES];
static places *of_slot;

int service_peer_init(uint32_t slots)
{
	of_slot = calloc(slots + 1, sizeof(*of_slot));
	return of_slot != NULL ? 0 : -ENOMEM;
}

void service_peer_free(void)
{
	free(of_slot);
	of_slot = NULL;
}

static struct place *places_of(uint16_t slot, uint8_t family)
{
	return of_slot[slot][family == 4 ? 0 : 1];
}

/* The place that has the address; else a free one; else the one that its hash names. */
static uint32_t find(const struct place *all, uint32_t generation, const uint8_t *address, bool *known)
{
	uint32_t first = rte_hash_crc(address, 16, 0) % SERVICE_PLACES, open = first;
	bool is_open = false;

	for (uint32_t i = 0; i < SERVICE_PLACES; i++) {
		uint32_t at = (first + i) % SERVICE_PLACES;
		bool used = all[at].generation == generation;

		if (used && memcmp(all[at].peer.address, address, 16) == 0) {
			*known = true;
			return at;
		}
		if (!used && !is_open) {
			open = at;
			is_open = true;
		}
	}
	*known = false;
	return open;
}

static void write_place(struct place *place, uint32_t generation, const struct service_peer *peer)
{
	uint32_t sequence = place->sequence;

	__atomic_store_n(&place->sequence, sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	place->generation = generation;
	place->peer = *peer;
	__atomic_store_n(&place->sequence, sequence + 2, __ATOMIC_RELEASE);
}

uint32_t service_peer_take(uint16_t slot, uint32_t generation, uint8_t family, const struct service_peer *peer)
{
	struct place *all = places_of(slot, family);
	bool known;
	uint32_t at = find(all, generation, peer->address, &known);

	if (!known || memcmp(all[at].peer.mac, peer->mac, sizeof(peer->mac)) != 0)
		write_place(&all[at], generation, peer);
	return at;
}

uint32_t service_peer_peek(uint16_t slot, uint32_t generation, uint8_t family, const struct service_peer *peer)
{
	bool known;

	return find(places_of(slot, family), generation, peer->address, &known);
}

bool service_peer_read(uint16_t slot, uint32_t generation, uint8_t family, uint32_t place, struct service_peer *out)
{
	const struct place *from = &places_of(slot, family)[place % SERVICE_PLACES];
	uint32_t before, found;

	do {
		before = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
		found = from->generation;
		*out = from->peer;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((before & 1) != 0 || __atomic_load_n(&from->sequence, __ATOMIC_RELAXED) != before);
	return found == generation;
}
