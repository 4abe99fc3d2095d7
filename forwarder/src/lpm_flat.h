/*
 * The direct table in front of an IPv4 trie (lpm.h): the answer for most addresses in at most three loads, by 16, 8 and
 * 8 bits of the address.
 *
 * An entry is a value (the longest match of every address under it), a page of 256 entries for the next 8 bits, or 0:
 * ask the trie, which always knows. So the table may leave out what it likes: it grows with the number of prefixes
 * (flat_limit), and only where there are prefixes longer than 16 bits nearby; the rest is untouched, hence free,
 * memory.
 *
 * flat_find, flat_next: registered readers, or the writer. Everything else: the writer, after the trie has changed.
 */
#ifndef WEFT_LPM_FLAT_H
#define WEFT_LPM_FLAT_H

#include <stdint.h>

#include "lpm.h"

#define FLAT_TAG   3u
#define FLAT_VALUE 1u /* value << 2 | tag; value 0: no route */
#define FLAT_PAGE  2u /* number of the page << 2 | tag */

/* Pages of all tries, 256 entries each. */
extern uint32_t *flat_pages;

/* Bytes that the table of a trie with so many prefixes may take. */
uint64_t flat_limit(uint64_t count);

/* IPv4 prefix (address in host order) came with, or changed to, this value. */
void flat_inserted(struct lpm *lpm, uint32_t address, uint32_t length, uint32_t value);
/* It went. */
void flat_deleted(struct lpm *lpm, uint32_t address, uint32_t length);
/* Retires the table. */
void flat_free(struct lpm *lpm);

static inline uint32_t flat_load(const uint32_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

/* The place where the search goes on: in the entry's page by these 8 bits, or, no page, the entry itself. */
static inline const uint32_t *flat_next(const uint32_t *entry, uint8_t bits)
{
	const uint32_t *pages = __atomic_load_n(&flat_pages, __ATOMIC_RELAXED);
	return (*entry & FLAT_TAG) == FLAT_PAGE ? pages + ((uint64_t)(*entry & ~FLAT_TAG) << 6) + bits : entry;
}

/* The entry for an address in host order: FLAT_VALUE or 0. */
static inline uint32_t flat_find(const uint32_t *root, uint32_t address)
{
	uint32_t entry = flat_load(&root[address >> 16]);
	entry = flat_load(flat_next(&entry, (uint8_t)(address >> 8)));
	return flat_load(flat_next(&entry, (uint8_t)address));
}

#endif
