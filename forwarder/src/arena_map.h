/*
 * How the state memory is laid out in the file; shared by arena.c (attach, slots) and journal.c.
 */
#ifndef WEFT_ARENA_MAP_H
#define WEFT_ARENA_MAP_H

#include <stdint.h>

#include "arena.h"

#define ARENA_MAGIC        0x5445464152454e41ULL /* "ANERAFET" */
#define ARENA_VERSION      1u
#define ARENA_HEADER_BYTES 8192u

/* Everything before crc never changes after the file was made. */
struct arena_header {
	uint64_t magic;
	uint32_t version;
	uint32_t mib;
	uint64_t rows_abi;
	uint32_t capacity[TABLE_LIMIT];
	uint64_t offset[TABLE_LIMIT];
	uint64_t journal_offset;
	uint64_t journal_capacity;
	uint32_t crc;
	uint32_t epoch;
	uint32_t next_generation;
	uint32_t high_water[TABLE_LIMIT];
	uint32_t journal_committed; /* 1: the journal's changes count */
	uint32_t journal_crc;
	uint64_t journal_bytes;
	struct arena_owner owners[OWNER_LIMIT];
};
_Static_assert(sizeof(struct arena_header) <= ARENA_HEADER_BYTES, "arena header");

struct arena {
	uint8_t *base;
	uint64_t bytes;
	int fd;
	uint32_t free_first[TABLE_LIMIT]; /* list of free slots below the high-water mark */
	uint64_t journal_used;
};

extern struct arena arena;

static inline struct arena_header *arena_header(void)
{
	return (struct arena_header *)arena.base;
}

static inline uint32_t slot_bytes(uint32_t table)
{
	return (uint32_t)sizeof(struct slot) + table_layouts[table].row_bytes;
}

/* CRC of a slot whose other fields are set. */
uint32_t slot_crc(uint32_t table, const struct slot *slot);

/* Carries out a committed journal left by a killed process. Returns how many changes; a damaged one is dropped. */
uint32_t journal_replay(void);

#endif
