/* The writer's half of lpm.h. */
#include <errno.h>
#include <stdlib.h>

#include "lpm.h"
#include "lpm_flat.h"
#include "lpm_node.h"
#include "rcu.h"

/* A prefix as the trie sees it. */
struct prefix {
	struct lpm_key key;
	uint32_t bits;
};

static struct prefix prefix_of(uint8_t family, const uint8_t *address, uint8_t length)
{
	if (family == 6)
		return (struct prefix){key6(address), length};
	uint32_t host;
	memcpy(&host, address, 4);
	return (struct prefix){key4(__builtin_bswap32(host)), length + 3u};
}

/* Bit of node.prefixes for a prefix that ends in a node of this depth. */
static uint32_t prefix_bit(struct prefix prefix, uint32_t depth)
{
	uint32_t length = prefix.bits - depth;
	return (1u << length) - 1 + (chunk_of(prefix.key, depth) >> (STRIDE - length));
}

static uint32_t home_depth(struct prefix prefix)
{
	return prefix.bits / STRIDE * STRIDE;
}

/* A node with these bitmaps; arrays unset. */
static struct lpm_node *node_new(struct lpm_key path, uint32_t depth, uint64_t prefixes, uint64_t branches)
{
	size_t children = (size_t)__builtin_popcountll(branches), values = (size_t)__builtin_popcountll(prefixes);
	struct lpm_node *node =
	        malloc(sizeof(*node) + children * sizeof(node->children[0]) + values * sizeof(uint32_t));
	if (!node)
		return NULL;
	*node = (struct lpm_node){.prefixes = prefixes, .branches = branches, .path = path, .depth = (uint8_t)depth};
	return node;
}

/* A copy with one place more (or, bit set already, the same) for a value. */
static struct lpm_node *with_value(const struct lpm_node *old, uint32_t bit, uint32_t value)
{
	struct lpm_node *node = node_new(old->path, old->depth, old->prefixes | 1ULL << bit, old->branches);
	if (!node)
		return NULL;
	uint32_t at = rank(old->prefixes, bit), same = old->prefixes >> bit & 1;
	memcpy(node->children, old->children, child_count(old) * sizeof(node->children[0]));
	memcpy(node_values(node), node_values(old), at * sizeof(uint32_t));
	memcpy(node_values(node) + at + 1, node_values(old) + at + same,
	        (value_count(old) - at - same) * sizeof(uint32_t));
	node_values(node)[at] = value;
	return node;
}

static struct lpm_node *without_value(const struct lpm_node *old, uint32_t bit)
{
	struct lpm_node *node = node_new(old->path, old->depth, old->prefixes & ~(1ULL << bit), old->branches);
	if (!node)
		return NULL;
	uint32_t at = rank(old->prefixes, bit);
	memcpy(node->children, old->children, child_count(old) * sizeof(node->children[0]));
	memcpy(node_values(node), node_values(old), at * sizeof(uint32_t));
	memcpy(node_values(node) + at, node_values(old) + at + 1, (value_count(old) - at - 1) * sizeof(uint32_t));
	return node;
}

static struct lpm_node *with_child(const struct lpm_node *old, uint32_t chunk, struct lpm_node *child)
{
	struct lpm_node *node = node_new(old->path, old->depth, old->prefixes, old->branches | 1ULL << chunk);
	if (!node)
		return NULL;
	uint32_t at = rank(old->branches, chunk), count = child_count(old);
	memcpy(node->children, old->children, at * sizeof(child));
	memcpy(node->children + at + 1, old->children + at, (count - at) * sizeof(child));
	memcpy(node_values(node), node_values(old), value_count(old) * sizeof(uint32_t));
	node->children[at] = child;
	return node;
}

static struct lpm_node *without_child(const struct lpm_node *old, uint32_t chunk)
{
	struct lpm_node *node = node_new(old->path, old->depth, old->prefixes, old->branches & ~(1ULL << chunk));
	if (!node)
		return NULL;
	uint32_t at = rank(old->branches, chunk), count = child_count(old);
	memcpy(node->children, old->children, at * sizeof(node));
	memcpy(node->children + at, old->children + at + 1, (count - at - 1) * sizeof(node));
	memcpy(node_values(node), node_values(old), value_count(old) * sizeof(uint32_t));
	return node;
}

/* Puts node in place of what stands there and retires that. */
static void swap(struct lpm_node **place, struct lpm_node *node)
{
	struct lpm_node *old = *place;
	__atomic_store_n(place, node, __ATOMIC_RELEASE);
	rcu_retire_memory(old);
}

static struct lpm_node *leaf_new(struct prefix prefix, uint32_t value)
{
	uint32_t depth = home_depth(prefix);
	struct lpm_node *leaf = node_new(key_cut(prefix.key, depth), depth, 1ULL << prefix_bit(prefix, depth), 0);
	if (leaf)
		node_values(leaf)[0] = value;
	return leaf;
}

/* First bit in which two keys differ; 128: none. */
static uint32_t divergence(struct lpm_key a, struct lpm_key b)
{
	if (a.high != b.high)
		return (uint32_t)__builtin_clzll(a.high ^ b.high);
	if (a.low != b.low)
		return 64u + (uint32_t)__builtin_clzll(a.low ^ b.low);
	return 128;
}

/* The prefix does not go through *place: puts a node above both, or, if the prefix ends above *place, its home. */
static int split(struct lpm_node **place, struct prefix prefix, uint32_t value)
{
	struct lpm_node *below = *place;
	uint32_t common = divergence(prefix.key, below->path);
	if (common > below->depth)
		common = below->depth;
	if (home_depth(prefix) <= common && home_depth(prefix) < below->depth) {
		struct lpm_node *leaf = leaf_new(prefix, value);
		if (!leaf)
			return -ENOMEM;
		struct lpm_node *above = with_child(leaf, chunk_of(below->path, leaf->depth), below);
		free(leaf);
		if (!above)
			return -ENOMEM;
		__atomic_store_n(place, above, __ATOMIC_RELEASE);
		return 0;
	}
	uint32_t depth = common / STRIDE * STRIDE;
	uint32_t old_chunk = chunk_of(below->path, depth), new_chunk = chunk_of(prefix.key, depth);
	struct lpm_node *fork = node_new(key_cut(prefix.key, depth), depth, 0, 1ULL << old_chunk | 1ULL << new_chunk);
	struct lpm_node *leaf = leaf_new(prefix, value);
	if (!fork || !leaf) {
		free(fork);
		free(leaf);
		return -ENOMEM;
	}
	fork->children[old_chunk > new_chunk] = below;
	fork->children[new_chunk > old_chunk] = leaf;
	__atomic_store_n(place, fork, __ATOMIC_RELEASE);
	return 0;
}

static int trie_insert(struct lpm *lpm, uint8_t family, const uint8_t *address, uint8_t length, uint32_t value)
{
	struct prefix prefix = prefix_of(family, address, length);
	uint32_t home = home_depth(prefix);
	struct lpm_node **place = &lpm->root;
	for (;;) {
		struct lpm_node *node = *place, *made = NULL;
		if (node && (node->depth > home || !on_path(node, prefix.key))) {
			if (split(place, prefix, value))
				return -ENOMEM;
			break;
		}
		if (node && node->depth < home) {
			uint32_t chunk = chunk_of(prefix.key, node->depth);
			if (node->branches >> chunk & 1) {
				place = &node->children[rank(node->branches, chunk)];
				continue;
			}
			struct lpm_node *leaf = leaf_new(prefix, value);
			made = leaf ? with_child(node, chunk, leaf) : NULL;
			if (!made)
				free(leaf);
		} else if (node) {
			uint32_t bit = prefix_bit(prefix, home);
			made = with_value(node, bit, value);
			if (made && node->prefixes >> bit & 1)
				lpm->count--;
		} else {
			made = leaf_new(prefix, value);
		}
		if (!made)
			return -ENOMEM;
		swap(place, made);
		break;
	}
	lpm->count++;
	return 0;
}

/*
 * After a removal: a node without prefixes and with one child is replaced by the child, one without either is taken
 * from its parent. Without memory it stays: a needless node costs a step, not correctness.
 */
static void prune(struct lpm_node ***path, uint32_t levels)
{
	struct lpm_node **place = path[levels - 1], *node = *place;
	if (node->prefixes)
		return;
	if (child_count(node) == 1) {
		swap(place, node->children[0]);
		return;
	}
	if (node->branches)
		return;
	if (levels == 1) {
		swap(place, NULL);
		return;
	}
	struct lpm_node *parent = *path[levels - 2];
	struct lpm_node *made = without_child(parent, chunk_of(node->path, parent->depth));
	if (!made)
		return;
	swap(path[levels - 2], made);
	rcu_retire_memory(node);
	prune(path, levels - 1);
}

static uint32_t host_order(const uint8_t *address)
{
	uint32_t be;
	memcpy(&be, address, sizeof(be));
	return __builtin_bswap32(be);
}

int lpm_insert(struct lpm *lpm, uint8_t family, const uint8_t *address, uint8_t length, uint32_t value)
{
	int failed = trie_insert(lpm, family, address, length, value);
	if (!failed && family == 4)
		flat_inserted(lpm, host_order(address), length, value);
	return failed;
}

static int trie_delete(struct lpm *lpm, uint8_t family, const uint8_t *address, uint8_t length)
{
	struct prefix prefix = prefix_of(family, address, length);
	uint32_t home = home_depth(prefix);
	struct lpm_node **path[24];
	uint32_t levels = 0;
	path[levels++] = &lpm->root;
	for (struct lpm_node *node; (node = *path[levels - 1]); levels++) {
		if (node->depth > home || !on_path(node, prefix.key))
			return -ENOENT;
		if (node->depth == home)
			break;
		uint32_t chunk = chunk_of(prefix.key, node->depth);
		if (!(node->branches >> chunk & 1))
			return -ENOENT;
		path[levels] = &node->children[rank(node->branches, chunk)];
	}
	struct lpm_node *node = *path[levels - 1];
	if (!node)
		return -ENOENT;
	uint32_t bit = prefix_bit(prefix, home);
	if (!(node->prefixes >> bit & 1))
		return -ENOENT;
	struct lpm_node *made = without_value(node, bit);
	if (!made)
		return -ENOMEM;
	swap(path[levels - 1], made);
	lpm->count--;
	prune(path, levels);
	return 0;
}

int lpm_delete(struct lpm *lpm, uint8_t family, const uint8_t *address, uint8_t length)
{
	int failed = trie_delete(lpm, family, address, length);
	if (!failed && family == 4)
		flat_deleted(lpm, host_order(address), length);
	return failed;
}

/* Whether a node has anything longer than `inside` (0 .. 5) bits behind its path that begins with these bits. */
static bool longer_inside(const struct lpm_node *node, uint32_t inside, uint32_t bits)
{
	uint32_t shift = STRIDE - inside;
	uint64_t branches = node->branches >> (bits << shift);
	if (inside ? branches & ((1ULL << (1u << shift)) - 1) : branches)
		return true;
	for (uint32_t length = inside + 1; length < STRIDE; length++) {
		uint32_t more = length - inside;
		uint64_t prefixes = node->prefixes >> ((1u << length) - 1 + (bits << more));
		if (prefixes & ((1ULL << (1u << more)) - 1))
			return true;
	}
	return false;
}

struct lpm_slice lpm_slice4(const struct lpm *lpm, const struct lpm_slice *above, uint32_t address, uint32_t bits)
{
	struct lpm_key key = key4(address);
	struct lpm_slice slice = {0};
	uint32_t end = bits + 3;
	if (above)
		slice = (struct lpm_slice){.value = above->value, .length = above->length};
	for (const struct lpm_node *node = above ? above->node : lpm->root; node;) {
		slice.node = node;
		uint32_t depth = node->depth, common = depth < end ? depth : end;
		if (key_cut(key, common).high != key_cut(node->path, common).high)
			break;
		if (depth > end) {
			slice.longer = true;
			break;
		}
		uint32_t chunk = chunk_of(key, depth), inside = end - depth;
		uint64_t covering = node->prefixes & lpm_cover[chunk];
		if (inside < STRIDE)
			covering &= (1ULL << ((2u << inside) - 1)) - 1;
		if (covering) {
			uint32_t bit = 63u - (uint32_t)__builtin_clzll(covering);
			slice.value = node_values(node)[rank(node->prefixes, bit)];
			slice.length = depth - 3 + 31u - (uint32_t)__builtin_clz(bit + 1);
		}
		if (inside < STRIDE) {
			slice.longer = longer_inside(node, inside, chunk >> (STRIDE - inside));
			break;
		}
		node = node->branches >> chunk & 1 ? node->children[rank(node->branches, chunk)] : NULL;
	}
	return slice;
}

void lpm_free(struct lpm *lpm)
{
	flat_free(lpm);
	/* Depth first without recursion into C's stack beyond 22 levels: IPv6 has no more. */
	struct lpm_node *root = lpm->root;
	__atomic_store_n(&lpm->root, NULL, __ATOMIC_RELEASE);
	lpm->count = 0;
	if (!root)
		return;
	for (uint32_t i = 0; i < child_count(root); i++) {
		struct lpm child = {.root = root->children[i]};
		lpm_free(&child);
	}
	rcu_retire_memory(root);
}
