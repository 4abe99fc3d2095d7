#include "arena.h"

#include <errno.h>
#include <rte_hash_crc.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_map.h"
#include "error.h"

#define MIB           1048576ULL
#define REFERENCE_MIB 512u          /* table_layouts[].capacity is for this size */
#define JOURNAL_LIMIT 0xf0000000ULL /* its CRC counts bytes in 32 bits */

struct arena arena = {.fd = -1};

uint32_t slot_crc(uint32_t table, const struct slot *slot)
{
	return rte_hash_crc(
	        slot->row, table_layouts[table].row_bytes, rte_hash_crc(slot, offsetof(struct slot, crc), 0));
}

static uint32_t header_crc(const struct arena_header *header)
{
	return rte_hash_crc(header, offsetof(struct arena_header, crc), 0);
}

/* The constant part of a header for this size. */
static void header_plan(struct arena_header *header, uint32_t mib)
{
	memset(header, 0, sizeof(*header));
	header->magic = ARENA_MAGIC;
	header->version = ARENA_VERSION;
	header->mib = mib;
	header->rows_abi = FWD_ROWS_ABI;
	uint64_t at = ARENA_HEADER_BYTES;
	for (uint32_t table = 1; table < TABLE_LIMIT; table++) {
		uint64_t capacity = (uint64_t)table_layouts[table].capacity * mib / REFERENCE_MIB;
		header->capacity[table] = capacity < 64 ? 64 : (uint32_t)capacity;
		header->offset[table] = at;
		at += (uint64_t)header->capacity[table] * slot_bytes(table);
	}
	header->journal_offset = (at + 4095) & ~4095ULL;
	uint64_t rest = mib * MIB - header->journal_offset;
	header->journal_capacity = rest < JOURNAL_LIMIT ? rest : JOURNAL_LIMIT;
	header->crc = header_crc(header);
}

/* Why the file's content cannot be used; NULL: it can. */
static const char *header_fault(
        const struct arena_header *found, const struct arena_header *planned, uint64_t file_bytes)
{
	if (found->magic == 0)
		return "";
	if (found->magic != ARENA_MAGIC)
		return "it is no state memory";
	if (found->version != ARENA_VERSION)
		return "it has another version";
	if (found->crc != header_crc(found))
		return "its header is damaged";
	if (found->rows_abi != planned->rows_abi)
		return "its rows have another layout";
	if (found->mib != planned->mib || file_bytes < planned->mib * MIB)
		return "it has another size";
	return memcmp(found, planned, offsetof(struct arena_header, crc)) == 0 ? NULL : "its header is inconsistent";
}

static int32_t map_file(int fd, uint64_t bytes)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return error_set(FWD_ERR_SYSTEM, "state memory cannot be mapped: %s", strerror(errno));
	arena.base = base;
	arena.bytes = bytes;
	arena.fd = fd;
	return 0;
}

static int32_t start_afresh(const struct arena_header *planned)
{
	/* Truncating to nothing frees every page of the old content; the mapping then shows zeros. */
	if (ftruncate(arena.fd, 0) || ftruncate(arena.fd, (off_t)arena.bytes)) {
		return error_set(FWD_ERR_SYSTEM, "state memory cannot be resized: %s", strerror(errno));
	}
	/* The magic comes last: a kill before it leaves an empty file. */
	struct arena_header copy = *planned;
	copy.magic = 0;
	memcpy(arena.base, &copy, sizeof(copy));
	__atomic_store_n(&arena_header()->magic, ARENA_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

static bool slot_usable(uint32_t table, const struct slot *slot, bool (*valid)(uint32_t table, const uint8_t *row))
{
	bool owned = table_layouts[table].internal ? slot->owner == OWNER_INTERNAL
	                                           : slot->owner != OWNER_INTERNAL && slot->owner < OWNER_LIMIT &&
	                                                     arena_header()->owners[slot->owner].name[0];
	return owned && slot->crc == slot_crc(table, slot) && valid(table, slot->row);
}

/* Checks each used slot and strings the free ones together. Returns how many were damaged. */
static uint32_t scan_table(uint32_t table, bool (*valid)(uint32_t table, const uint8_t *row))
{
	struct arena_header *header = arena_header();
	uint32_t damaged = 0;
	if (header->high_water[table] > header->capacity[table])
		header->high_water[table] = header->capacity[table];
	arena.free_first[table] = SLOT_NONE;
	for (uint32_t i = header->high_water[table]; i-- > 0;) {
		struct slot *slot = arena_slot(table, i);
		if (slot->state == SLOT_USED && slot_usable(table, slot, valid))
			continue;
		damaged += slot->state != SLOT_FREE;
		slot->state = SLOT_FREE;
		arena_give(table, i);
	}
	return damaged;
}

int32_t arena_open(int fd, uint32_t mib, bool (*valid)(uint32_t table, const uint8_t *row), struct fwd_state *report)
{
	struct stat file;
	struct arena_header planned;
	header_plan(&planned, mib);
	if (fstat(fd, &file))
		return error_set(FWD_ERR_SYSTEM, "state memory: %s", strerror(errno));
	if ((uint64_t)file.st_size < mib * MIB && ftruncate(fd, (off_t)(mib * MIB))) {
		return error_set(FWD_ERR_SYSTEM, "state memory cannot be extended to %u MiB: %s", mib, strerror(errno));
	}
	int32_t failed = map_file(fd, mib * MIB);
	if (failed)
		return failed;
	const char *fault = header_fault(arena_header(), &planned, (uint64_t)file.st_size);
	memset(report, 0, sizeof(*report));
	if (fault) {
		report->fresh = 1;
		if (*fault)
			snprintf(report->note, sizeof(report->note), "state memory was given up: %s", fault);
		if ((failed = start_afresh(&planned))) {
			arena_close();
			return failed;
		}
	}
	for (uint32_t owner = 0; owner < OWNER_LIMIT; owner++)
		arena_owner(owner)->name[OWNER_NAME_BYTES - 1] = 0;
	report->replayed = journal_replay();
	for (uint32_t table = 1; table < TABLE_LIMIT; table++)
		report->discarded += scan_table(table, valid);
	report->epoch = ++arena_header()->epoch;
	return 0;
}

void arena_close(void)
{
	if (arena.base)
		munmap(arena.base, arena.bytes);
	arena = (struct arena){.fd = -1};
}

uint32_t arena_capacity(uint32_t table)
{
	return arena_header()->capacity[table];
}

uint32_t arena_high_water(uint32_t table)
{
	return arena_header()->high_water[table];
}

struct slot *arena_slot(uint32_t table, uint32_t slot)
{
	return (struct slot *)(arena.base + arena_header()->offset[table] + (uint64_t)slot * slot_bytes(table));
}

const struct slot *arena_slot_of(const void *row)
{
	return (const struct slot *)((const uint8_t *)row - offsetof(struct slot, row));
}

uint32_t arena_take(uint32_t table)
{
	uint32_t slot = arena.free_first[table];
	if (slot != SLOT_NONE) {
		memcpy(&arena.free_first[table], arena_slot(table, slot)->row, sizeof(slot));
		return slot;
	}
	struct arena_header *header = arena_header();
	if (header->high_water[table] == header->capacity[table])
		return SLOT_NONE;
	/* The slot is a hole, hence free, until it is filled: raising the mark first is safe. */
	return header->high_water[table]++;
}

void arena_give(uint32_t table, uint32_t slot)
{
	memcpy(arena_slot(table, slot)->row, &arena.free_first[table], sizeof(slot));
	arena.free_first[table] = slot;
}

struct arena_owner *arena_owner(uint32_t owner)
{
	return &arena_header()->owners[owner];
}

uint32_t arena_next_generation(void)
{
	uint32_t generation = ++arena_header()->next_generation;
	return generation ? generation : ++arena_header()->next_generation;
}
