#include "lpm.h"

#include <rte_branch_prediction.h>
#include <stddef.h>

#include "lpm_flat.h"
#include "lpm_node.h"

#define BURST 32u

#define COVER(c)                                                                                                       \
	(1ULL | 1ULL << (1 + ((c) >> 5)) | 1ULL << (3 + ((c) >> 4)) | 1ULL << (7 + ((c) >> 3)) |                       \
	        1ULL << (15 + ((c) >> 2)) | 1ULL << (31 + ((c) >> 1)))
#define COVER4(c)  COVER(c), COVER((c) + 1), COVER((c) + 2), COVER((c) + 3)
#define COVER16(c) COVER4(c), COVER4((c) + 4), COVER4((c) + 8), COVER4((c) + 12)
const uint64_t lpm_cover[64] = {COVER16(0ULL), COVER16(16ULL), COVER16(32ULL), COVER16(48ULL)};

/* The longest match so far: read only at the end, most nodes' values are never needed. */
struct match {
	const struct lpm_node *node;
	uint64_t prefixes;
};

static inline uint32_t match_value(struct match match)
{
	if (!match.node)
		return 0;
	uint32_t longest = 63u - (uint32_t)__builtin_clzll(match.prefixes);
	return node_values(match.node)[rank(match.node->prefixes, longest)];
}

static inline void match_node(struct match *match, const struct lpm_node *node, uint32_t chunk)
{
	uint64_t covering = node->prefixes & lpm_cover[chunk];
	match->prefixes = covering ? covering : match->prefixes;
	match->node = covering ? node : match->node;
}

static inline const struct lpm_node *next_node(const struct lpm_node *node, uint32_t chunk)
{
	if (!(node->branches >> chunk & 1))
		return NULL;
	return child_load(&node->children[rank(node->branches, chunk)]);
}

/* IPv4 keys have 35 bits, so depth is at most 30 and only the high half counts. Returns the chunk, or 64 if the key
 * leaves the path. */
static inline uint32_t chunk4(const struct lpm_node *node, uint64_t key)
{
	if (node->depth && (key ^ node->path.high) >> (64 - node->depth))
		return 64;
	return (uint32_t)(key << node->depth >> (64 - STRIDE));
}

uint32_t lpm_find4(const struct lpm *lpm, uint32_t address)
{
	const uint32_t *flat = __atomic_load_n(&lpm->flat, __ATOMIC_ACQUIRE);
	uint32_t entry = flat ? flat_find(flat, address) : 0;
	if (entry)
		return entry >> 2;
	uint64_t key = key4(address).high;
	struct match match = {0};
	for (const struct lpm_node *node = child_load(&lpm->root); node;) {
		uint32_t chunk = chunk4(node, key);
		if (chunk == 64)
			break;
		match_node(&match, node, chunk);
		node = next_node(node, chunk);
	}
	return match_value(match);
}

uint32_t lpm_find6(const struct lpm *lpm, const uint8_t *address)
{
	struct lpm_key key = key6(address);
	struct match match = {0};
	for (const struct lpm_node *node = child_load(&lpm->root); node && on_path(node, key);) {
		uint32_t chunk = chunk_of(key, node->depth);
		match_node(&match, node, chunk);
		node = next_node(node, chunk);
	}
	return match_value(match);
}

/* Through the trie. */
static void walk4_burst(const struct lpm *lpm, const uint32_t *address_be, uint32_t *values, uint32_t count)
{
	const struct lpm_node *nodes[BURST];
	struct match matches[BURST] = {0};
	uint64_t keys[BURST];
	const struct lpm_node *root = child_load(&lpm->root);
	for (uint32_t i = 0; i < count; i++) {
		keys[i] = key4(__builtin_bswap32(address_be[i])).high;
		nodes[i] = root;
	}
	for (uint32_t walking = root ? count : 0; walking;) {
		walking = 0;
		for (uint32_t i = 0; i < count; i++) {
			if (!nodes[i])
				continue;
			uint32_t chunk = chunk4(nodes[i], keys[i]);
			if (chunk == 64) {
				nodes[i] = NULL;
				continue;
			}
			match_node(&matches[i], nodes[i], chunk);
			nodes[i] = next_node(nodes[i], chunk);
			if (!nodes[i])
				continue;
			__builtin_prefetch(nodes[i]);
			walking++;
		}
	}
	for (uint32_t i = 0; i < count; i++)
		values[i] = match_value(matches[i]);
}

/* The entries that flat_find would find, level by level; the third only when one of them needs it. Returns whether all
 * are values. */
static bool flat_burst(const uint32_t *flat, const uint32_t *address_be, uint32_t *entries, uint32_t count)
{
	const uint32_t *places[BURST];
	uint32_t tags = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t address = __builtin_bswap32(address_be[i]);
		entries[i] = flat_load(&flat[address >> 16]);
		places[i] = flat_next(&entries[i], (uint8_t)(address >> 8));
		__builtin_prefetch(places[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		entries[i] = flat_load(places[i]);
		tags |= entries[i] ^ FLAT_VALUE;
	}
	if (likely((tags & FLAT_TAG) == 0))
		return true;
	for (uint32_t i = 0; i < count; i++) {
		places[i] = flat_next(&entries[i], (uint8_t)__builtin_bswap32(address_be[i]));
		__builtin_prefetch(places[i]);
	}
	for (uint32_t i = 0; i < count; i++)
		entries[i] = flat_load(places[i]);
	return false;
}

void lpm_find4_burst(const struct lpm *lpm, const uint32_t *address_be, uint32_t *values, uint32_t count)
{
	const uint32_t *flat = __atomic_load_n(&lpm->flat, __ATOMIC_ACQUIRE);
	uint32_t entries[BURST], which[BURST], left[BURST], found[BURST], missing = 0;
	if (!flat) {
		walk4_burst(lpm, address_be, values, count);
		return;
	}
	bool all = flat_burst(flat, address_be, entries, count);
	for (uint32_t i = 0; i < count; i++)
		values[i] = entries[i] >> 2;
	if (likely(all))
		return;
	for (uint32_t i = 0; i < count; i++) {
		which[missing] = i;
		left[missing] = address_be[i];
		missing += entries[i] == 0;
	}
	if (!missing)
		return;
	walk4_burst(lpm, left, found, missing);
	for (uint32_t i = 0; i < missing; i++)
		values[which[i]] = found[i];
}

void lpm_find6_burst(const struct lpm *lpm, const uint8_t *const *addresses, uint32_t *values, uint32_t count)
{
	const struct lpm_node *nodes[BURST];
	struct match matches[BURST] = {0};
	struct lpm_key keys[BURST];
	const struct lpm_node *root = child_load(&lpm->root);
	for (uint32_t i = 0; i < count; i++) {
		keys[i] = key6(addresses[i]);
		nodes[i] = root;
	}
	for (uint32_t walking = root ? count : 0; walking;) {
		walking = 0;
		for (uint32_t i = 0; i < count; i++) {
			if (!nodes[i])
				continue;
			if (!on_path(nodes[i], keys[i])) {
				nodes[i] = NULL;
				continue;
			}
			uint32_t chunk = chunk_of(keys[i], nodes[i]->depth);
			match_node(&matches[i], nodes[i], chunk);
			nodes[i] = next_node(nodes[i], chunk);
			if (!nodes[i])
				continue;
			__builtin_prefetch(nodes[i]);
			walking++;
		}
	}
	for (uint32_t i = 0; i < count; i++)
		values[i] = match_value(matches[i]);
}
