/*
 * The node of lpm.h's trie, shared by its readers (lpm.c) and its writer (lpm_update.c).
 *
 * prefixes: bit (1 << l) - 1 + c stands for the prefix of l bits (0 .. 5) with value c behind the node's path; 63 bits
 * used. branches: bit c stands for the child whose path goes on with the 6 bits c. In memory: node, popcount(branches)
 * child pointers by c, popcount(prefixes) values by bit.
 */
#ifndef WEFT_LPM_NODE_H
#define WEFT_LPM_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lpm.h"

#define STRIDE 6u

struct lpm_key {
	uint64_t high;
	uint64_t low;
};

struct lpm_node {
	uint64_t prefixes;
	uint64_t branches;
	struct lpm_key path; /* zero after depth bits */
	uint8_t depth;
	uint8_t pad[7];
	struct lpm_node *children[];
};

static inline struct lpm_key key4(uint32_t address)
{
	return (struct lpm_key){(uint64_t)address << 29, 0};
}

static inline struct lpm_key key6(const uint8_t *address)
{
	uint64_t high, low;
	memcpy(&high, address, 8);
	memcpy(&low, address + 8, 8);
	return (struct lpm_key){__builtin_bswap64(high), __builtin_bswap64(low)};
}

/* The 6 bits from depth on; bits after the 128th are zero. */
static inline uint32_t chunk_of(struct lpm_key key, uint32_t depth)
{
	if (depth < 64)
		return (uint32_t)((key.high << depth | (depth ? key.low >> (64 - depth) : 0)) >> (64 - STRIDE));
	return (uint32_t)(key.low << (depth - 64) >> (64 - STRIDE));
}

/* The first `bits` bits of a key. */
static inline struct lpm_key key_cut(struct lpm_key key, uint32_t bits)
{
	if (bits == 0)
		return (struct lpm_key){0, 0};
	if (bits <= 64)
		return (struct lpm_key){key.high & ~0ULL << (64 - bits), 0};
	return (struct lpm_key){key.high, key.low & ~0ULL << (128 - bits)};
}

static inline bool on_path(const struct lpm_node *node, struct lpm_key key)
{
	struct lpm_key cut = key_cut(key, node->depth);
	return cut.high == node->path.high && cut.low == node->path.low;
}

static inline uint32_t child_count(const struct lpm_node *node)
{
	return (uint32_t)__builtin_popcountll(node->branches);
}

static inline uint32_t value_count(const struct lpm_node *node)
{
	return (uint32_t)__builtin_popcountll(node->prefixes);
}

/* Place in a packed array of what bit `bit` of a bitmap stands for. */
static inline uint32_t rank(uint64_t bitmap, uint32_t bit)
{
	return (uint32_t)__builtin_popcountll(bitmap & ((1ULL << bit) - 1));
}

static inline uint32_t *node_values(const struct lpm_node *node)
{
	return (uint32_t *)(node->children + child_count(node));
}

/* Bits of node.prefixes that cover a chunk: lengths 0 to 5. */
extern const uint64_t lpm_cover[64];

/* The part of an IPv4 trie under the first `bits` (≤ 32) of an address in host order. */
struct lpm_slice {
	uint32_t value;              /* of the longest prefix of at most `bits`; 0: none */
	uint32_t length;             /* of that */
	bool longer;                 /* there are longer ones under it */
	const struct lpm_node *node; /* where the search ended */
};
/* above: of the same address and fewer bits, with longer ones, to begin there; or NULL. Writer. */
struct lpm_slice lpm_slice4(const struct lpm *lpm, const struct lpm_slice *above, uint32_t address, uint32_t bits);

static inline struct lpm_node *child_load(struct lpm_node *const *place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

#endif
