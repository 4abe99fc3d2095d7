/*
 * Longest prefix match for IPv4 and IPv6: a path-compressed 64-way trie. Each node stands for one bit string (its path,
 * a multiple of 6 bits long) and holds the prefixes that are up to 5 bits longer, as a bitmap and a packed array of
 * values, and its children, as another bitmap and a packed array of pointers ("tree bitmap": W. Eatherton et al., ACM
 * SIGCOMM CCR 34(2), 2004; here with path compression).
 *
 *   key, IPv4   000 a31 ... a0            3 zero bits in front, so that /8, /16, /24 and /32 end inside a node, not at
 * the start of the next key, IPv6   a127 ... a0
 *
 * Nodes never change but for their child pointers: an update builds one or two new nodes, swaps one pointer and retires
 * the old ones (rcu.h). So readers never wait, and see each route either old or new. Cost: 40 bytes a node, 8 a child,
 * 4 a prefix, rounded up by malloc. An IPv4 trie with many prefixes has a direct table in front (lpm_flat.h).
 *
 * lpm_find4, lpm_find6, lpm_find4_burst: registered readers, or the writer. lpm_insert, lpm_delete, lpm_free: the
 * writer. Values are 1 .. 2^32-1; 0 means no match.
 */
#ifndef WEFT_LPM_H
#define WEFT_LPM_H

#include <stdint.h>

struct lpm_node;

/* One trie; zero it to make it empty. Families do not mix: use one each. */
struct lpm {
	struct lpm_node *root;
	uint64_t count; /* of prefixes */
	/* lpm_flat.h: 65,536 entries, or NULL; bytes in use; which parts of them. */
	uint32_t *flat;
	uint64_t flat_bytes;
	uint64_t flat_blocks;
};

/* address in host order. */
uint32_t lpm_find4(const struct lpm *lpm, uint32_t address);

/* address: 16 bytes, network order. */
uint32_t lpm_find6(const struct lpm *lpm, const uint8_t *address);

/* count ≤ 32 addresses in network order; walks all of them one level at a time, so that their cache misses overlap. */
void lpm_find4_burst(const struct lpm *lpm, const uint32_t *address_be, uint32_t *values, uint32_t count);

/* The same for IPv6. */
void lpm_find6_burst(const struct lpm *lpm, const uint8_t *const *addresses, uint32_t *values, uint32_t count);

/*
 * Sets the value of a prefix. address: 16 bytes as in rows (IPv4 in the first 4, network order), zero after length
 * bits. family 4 or 6; length ≤ 32 or 128. Returns 0 or -ENOMEM (nothing changed).
 */
int lpm_insert(struct lpm *lpm, uint8_t family, const uint8_t *address, uint8_t length, uint32_t value);

/* Removes a prefix. Returns 0, -ENOENT, or -ENOMEM (nothing changed). */
int lpm_delete(struct lpm *lpm, uint8_t family, const uint8_t *address, uint8_t length);

/* Retires all nodes. */
void lpm_free(struct lpm *lpm);

#endif
