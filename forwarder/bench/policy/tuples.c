/* Tuple space search (V. Srinivasan et al., SIGCOMM 1999), as Open vSwitch does it: one hash table for each combination
 * of prefix lengths; ranges are cut into prefixes; the tables with the best rules come first. IPv4. */
#include <stdlib.h>

#include "classifier.h"
#include "index.h"

struct tuple {
	uint64_t mask;
	uint32_t best, count, slots;
	/* Key, and rank + 1; 0: free. */
	struct {
		uint64_t key;
		uint32_t rank;
	} * table;
};

struct tuples {
	uint32_t count, room;
	struct tuple *tuple;
};

static uint64_t pack(uint32_t address, uint32_t protocol, uint32_t value)
{
	return (uint64_t)address << 24 | protocol << 16 | value;
}

static uint32_t slot(const struct tuple *tuple, uint64_t key)
{
	uint32_t at = (uint32_t)index_mix(index_seed, key) & (tuple->slots - 1);
	while (tuple->table[at].rank && tuple->table[at].key != key)
		at = (at + 1) & (tuple->slots - 1);
	return at;
}

static void put(struct tuple *tuple, uint64_t key, uint32_t rank)
{
	if (2 * (tuple->count + 1) > tuple->slots) {
		struct tuple old = *tuple;
		tuple->slots = old.slots ? 2 * old.slots : 4;
		tuple->table = calloc(tuple->slots, sizeof(*tuple->table));
		for (uint32_t i = 0; i < old.slots; i++)
			if (old.table[i].rank)
				tuple->table[slot(tuple, old.table[i].key)] = old.table[i];
		free(old.table);
	}
	uint32_t at = slot(tuple, key);
	if (tuple->table[at].rank)
		return;
	tuple->count++;
	tuple->table[at].key = key;
	tuple->table[at].rank = rank + 1;
}

static struct tuple *tuple_of(struct tuples *made, uint64_t mask, uint32_t rank)
{
	for (uint32_t i = 0; i < made->count; i++)
		if (made->tuple[i].mask == mask)
			return &made->tuple[i];
	made->tuple = ranges_room(made->tuple, &made->room, made->count + 1, sizeof(struct tuple));
	made->tuple[made->count] = (struct tuple){.mask = mask, .best = rank};
	return &made->tuple[made->count++];
}

/* Rules come by rank: so do the tables, and the first rule of a key stays. */
static void *make(const struct fwd_rule_row *rules, uint32_t count, size_t *bytes)
{
	struct tuples *made = calloc(1, sizeof(*made));
	for (uint32_t i = 0; i < count; i++) {
		const struct fwd_rule_row *rule = &rules[i];
		for (uint32_t low = rule->port_min, size; low <= rule->port_max; low += size) {
			for (size = 1; low % (2 * size) == 0 && low + 2 * size - 1 <= rule->port_max;)
				size *= 2;
			uint64_t mask = pack(rule_mask(rule->prefix_length), rule->protocol ? 0xff : 0, 0x10000 - size);
			put(tuple_of(made, mask & 0xffffffffffffffull, i),
			        pack(rule_address(rule), rule->protocol, low) & mask, i);
			if (size == 0x10000)
				break;
		}
	}
	*bytes = sizeof(*made) + made->room * sizeof(struct tuple);
	for (uint32_t i = 0; i < made->count; i++)
		*bytes += made->tuple[i].slots * sizeof(*made->tuple[i].table);
	return made;
}

static uint32_t find(const void *at, const struct rule_query *query)
{
	const struct tuples *made = at;
	uint64_t key = pack(query->words[0], query->key >> 16, query->key & 0xffff);
	uint32_t best = RULES_NONE;
	for (uint32_t i = 0; i < made->count && made->tuple[i].best < best; i++) {
		const struct tuple *tuple = &made->tuple[i];
		uint32_t rank = tuple->table[slot(tuple, key & tuple->mask)].rank - 1;
		best = rank < best ? rank : best;
	}
	return best;
}

static void drop(void *at)
{
	struct tuples *made = at;
	for (uint32_t i = 0; i < made->count; i++)
		free(made->tuple[i].table);
	free(made->tuple);
	free(made);
}

const struct classifier classify_tuples = {"tuple space", make, find, drop};
