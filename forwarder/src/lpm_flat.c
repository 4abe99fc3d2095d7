#define _GNU_SOURCE
#include "lpm_flat.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "lpm_node.h"
#include "rcu.h"

#define ROOT_ENTRIES  65536u
#define BLOCK_ENTRIES 1024u /* of the root: their words fill one page of memory */
#define BLOCK_BITS    6u
#define BLOCKS        (ROOT_ENTRIES / BLOCK_ENTRIES)
#define PAGE_ENTRIES  256u
#define PAGE_LIMIT    (1u << 20) /* of all tries */
#define ENTRY_BYTES   (sizeof(uint32_t) + sizeof(uint8_t))
#define LEAST_COUNT   64u        /* of prefixes: below, the trie is small enough */
#define MANY_COUNT    65536u     /* from here on lookups miss caches: more memory is worth it */
#define VALUE_LIMIT   (1u << 30) /* larger values do not fit an entry: the trie answers */
/* A table this many times over its limit is made anew. */
#define SHRINK_FACTOR 4u

/* Entries, and beside them what only the writer needs: the prefix length that each value comes from. */
struct part {
	uint32_t *entries;
	uint8_t *lengths;
};

uint32_t *flat_pages;
/* In a free page: the number of the next one. */
static uint8_t *page_lengths;
static uint32_t pages_high, first_free;

uint64_t flat_limit(uint64_t count)
{
	return count < LEAST_COUNT ? 0 : count * (count < MANY_COUNT ? 48 : 88);
}

static void *reserve(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static struct part root_part(const struct lpm *lpm)
{
	return (struct part){lpm->flat, (uint8_t *)(lpm->flat + ROOT_ENTRIES)};
}

static struct part page_part(uint32_t page)
{
	return (struct part){flat_pages + (uint64_t)page * PAGE_ENTRIES, page_lengths + (uint64_t)page * PAGE_ENTRIES};
}

static struct part part_from(struct part part, uint32_t first)
{
	return (struct part){part.entries + first, part.lengths + first};
}

static bool is_page(uint32_t entry)
{
	return (entry & FLAT_TAG) == FLAT_PAGE;
}

/* Returns a page, or 0: there is no memory. */
static uint32_t take_page(void)
{
	if (!flat_pages) {
		uint32_t *pages = reserve((uint64_t)PAGE_LIMIT * PAGE_ENTRIES * sizeof(uint32_t));
		page_lengths = reserve((uint64_t)PAGE_LIMIT * PAGE_ENTRIES);
		if (!pages || !page_lengths)
			return 0;
		madvise(pages, (uint64_t)PAGE_LIMIT * PAGE_ENTRIES * sizeof(uint32_t), MADV_HUGEPAGE);
		__atomic_store_n(&flat_pages, pages, __ATOMIC_RELEASE);
	}
	uint32_t page = first_free;
	if (page)
		memcpy(&first_free, page_part(page).lengths, sizeof(first_free));
	else if (pages_high + 1 < PAGE_LIMIT)
		page = ++pages_high;
	return page;
}

static void give_page(void *unused, uint64_t page)
{
	(void)unused;
	memcpy(page_part((uint32_t)page).lengths, &first_free, sizeof(first_free));
	first_free = (uint32_t)page;
}

static void put(struct part part, uint32_t at, uint32_t entry, uint32_t length)
{
	part.lengths[at] = (uint8_t)length;
	__atomic_store_n(&part.entries[at], entry, __ATOMIC_RELEASE);
}

static uint32_t value_entry(uint32_t value)
{
	return value < VALUE_LIMIT ? value << 2 | FLAT_VALUE : 0;
}

static bool block_there(const struct lpm *lpm, uint32_t block)
{
	return lpm->flat && lpm->flat_blocks >> block & 1;
}

/* Whether memory for so many entries may be used; if so, it counts as used. */
static bool spend(struct lpm *lpm, uint32_t entries)
{
	if (lpm->flat_bytes + entries * ENTRY_BYTES > flat_limit(lpm->count))
		return false;
	lpm->flat_bytes += entries * ENTRY_BYTES;
	return true;
}

/* Makes the entry for the first `bits` (16, 24, 32) of an address anew, from the trie. above: see lpm_slice4. */
static void build(
        struct lpm *lpm, struct part part, uint32_t at, const struct lpm_slice *above, uint32_t address, uint32_t bits)
{
	struct lpm_slice slice = lpm_slice4(lpm, above, address, bits);
	if (!slice.longer) {
		put(part, at, value_entry(slice.value), slice.length);
		return;
	}
	uint32_t page = spend(lpm, PAGE_ENTRIES) ? take_page() : 0;
	if (!page) {
		put(part, at, 0, 0);
		return;
	}
	for (uint32_t i = 0; i < PAGE_ENTRIES; i++)
		build(lpm, page_part(page), i, &slice, address | i << (24 - bits), bits + 8);
	put(part, at, page << 2 | FLAT_PAGE, 0);
}

/* Retires what an unlinked entry refers to. */
static void discard(struct lpm *lpm, uint32_t entry)
{
	if (!is_page(entry))
		return;
	uint32_t page = entry >> 2;
	for (uint32_t i = 0; i < PAGE_ENTRIES; i++)
		discard(lpm, page_part(page).entries[i]);
	lpm->flat_bytes -= PAGE_ENTRIES * ENTRY_BYTES;
	rcu_retire(give_page, NULL, page);
}

static void make_block(struct lpm *lpm, uint32_t block)
{
	if (!spend(lpm, BLOCK_ENTRIES))
		return;
	if (!lpm->flat) {
		uint32_t *root = reserve(ROOT_ENTRIES * ENTRY_BYTES);
		if (!root) {
			lpm->flat_bytes -= BLOCK_ENTRIES * ENTRY_BYTES;
			return;
		}
		madvise(root, ROOT_ENTRIES * ENTRY_BYTES, MADV_NOHUGEPAGE);
		__atomic_store_n(&lpm->flat, root, __ATOMIC_RELEASE);
	}
	lpm->flat_blocks |= 1ULL << block;
	for (uint32_t at = block * BLOCK_ENTRIES; at < (block + 1) * BLOCK_ENTRIES; at++)
		build(lpm, root_part(lpm), at, NULL, at << 16, 16);
}

/* Builds what the trie had to answer so far, as far as there is room now. */
static void fill_in(struct lpm *lpm, struct part part, uint32_t count, uint32_t address, uint32_t bits)
{
	for (uint32_t i = 0; i < count; i++, address += 1u << (32 - bits)) {
		if (part.entries[i] == 0)
			build(lpm, part, i, NULL, address, bits);
		else if (is_page(part.entries[i]))
			fill_in(lpm, page_part(part.entries[i] >> 2), PAGE_ENTRIES, address, bits + 8);
	}
}

static void extend(struct lpm *lpm)
{
	for (uint32_t block = 0; block < BLOCKS; block++) {
		uint32_t address = block << (32 - BLOCK_BITS);
		if (block_there(lpm, block))
			fill_in(lpm, part_from(root_part(lpm), block * BLOCK_ENTRIES), BLOCK_ENTRIES, address, 16);
		else if (lpm_slice4(lpm, NULL, address, BLOCK_BITS).longer)
			make_block(lpm, block);
	}
}

/* What a change means for entries: those whose value comes from a prefix of `from` to `to` bits get another. */
struct spread {
	uint32_t from, to;
	uint32_t entry, length;
};

static void spread_over(struct part part, uint32_t count, const struct spread *spread)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t entry = part.entries[i], length = part.lengths[i];
		if (is_page(entry))
			spread_over(page_part(entry >> 2), PAGE_ENTRIES, spread);
		else if (entry && length >= spread->from && length <= spread->to)
			put(part, i, spread->entry, spread->length);
	}
}

static void spread_root(struct lpm *lpm, uint32_t address, const struct spread *spread)
{
	uint32_t first = address >> 16, last = first + (1u << (16 - spread->to)), end;
	for (uint32_t at = first; at < last; at = end) {
		uint32_t block = at / BLOCK_ENTRIES;
		end = (block + 1) * BLOCK_ENTRIES < last ? (block + 1) * BLOCK_ENTRIES : last;
		if (block_there(lpm, block))
			spread_over(part_from(root_part(lpm), at), end - at, spread);
	}
}

/* The prefix, longer than `bits`, lies under this entry. */
static void change_under(
        struct lpm *lpm, struct part part, uint32_t at, uint32_t bits, uint32_t address, const struct spread *spread)
{
	uint32_t old = part.entries[at];
	if (!is_page(old) || !lpm_slice4(lpm, NULL, address, bits).longer) {
		build(lpm, part, at, NULL, address & ~0u << (32 - bits), bits);
		discard(lpm, old);
		return;
	}
	struct part page = page_part(old >> 2);
	uint32_t inside = (uint8_t)(address >> (24 - bits));
	if (spread->to > bits + 8)
		change_under(lpm, page, inside, bits + 8, address, spread);
	else
		spread_over(part_from(page, inside), 1u << (bits + 8 - spread->to), spread);
}

/* The prefix of spread->to bits came, changed or went. */
static void change(struct lpm *lpm, uint32_t address, const struct spread *spread)
{
	uint32_t block = address >> (32 - BLOCK_BITS);
	if (spread->to <= 16)
		spread_root(lpm, address, spread);
	else if (block_there(lpm, block))
		change_under(lpm, root_part(lpm), address >> 16, 16, address, spread);
	else
		make_block(lpm, block);
}

void flat_inserted(struct lpm *lpm, uint32_t address, uint32_t length, uint32_t value)
{
	const struct spread spread = {.from = 0, .to = length, .entry = value_entry(value), .length = length};
	change(lpm, address, &spread);
	/* At 2^n prefixes: much that had no room has some now. */
	if (lpm->count >= LEAST_COUNT && (lpm->count & (lpm->count - 1)) == 0)
		extend(lpm);
}

void flat_deleted(struct lpm *lpm, uint32_t address, uint32_t length)
{
	if (!lpm->flat)
		return;
	struct lpm_slice rest = length ? lpm_slice4(lpm, NULL, address, length - 1) : (struct lpm_slice){0};
	const struct spread spread = {
	        .from = length, .to = length, .entry = value_entry(rest.value), .length = rest.length};
	change(lpm, address, &spread);
	if (lpm->count && lpm->flat_bytes / SHRINK_FACTOR <= flat_limit(lpm->count) + BLOCK_ENTRIES * ENTRY_BYTES)
		return;
	flat_free(lpm);
	extend(lpm);
}

static void release_root(void *root, uint64_t unused)
{
	(void)unused;
	munmap(root, ROOT_ENTRIES * ENTRY_BYTES);
}

void flat_free(struct lpm *lpm)
{
	uint32_t *root = lpm->flat;
	if (!root)
		return;
	__atomic_store_n(&lpm->flat, NULL, __ATOMIC_RELEASE);
	for (uint32_t at = 0; at < ROOT_ENTRIES; at++)
		if (lpm->flat_blocks >> at / BLOCK_ENTRIES & 1)
			discard(lpm, root[at]);
	lpm->flat_blocks = 0;
	lpm->flat_bytes = 0;
	rcu_retire(release_root, root, 0);
}
