/* The journal part of arena.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <rte_hash_crc.h>
#include <string.h>

#include "arena.h"
#include "arena_map.h"
#include "error.h"

/* A journal that used more than this is given back to the system afterwards. */
#define KEPT_BYTES (1u << 20)

static uint8_t *journal_base(void)
{
	return arena.base + arena_header()->journal_offset;
}

void journal_begin(void)
{
	arena.journal_used = 0;
}

static struct change *append(uint32_t bytes)
{
	if (arena.journal_used + bytes > arena_header()->journal_capacity)
		return NULL;
	struct change *change = (struct change *)(journal_base() + arena.journal_used);
	arena.journal_used += bytes;
	return change;
}

static int32_t journal_full(void)
{
	return error_set(
	        FWD_ERR_FULL, "the batch is larger than the journal: send less at once or give more state memory");
}

int32_t journal_fill(
        uint32_t table, uint32_t slot, uint32_t replaces, uint32_t owner, uint32_t generation, const uint8_t *row)
{
	uint16_t bytes = (uint16_t)(sizeof(struct change) + slot_bytes(table));
	struct change *change = append(bytes);
	if (!change)
		return journal_full();
	*change = (struct change){CHANGE_FILL, (uint8_t)table, bytes, slot, replaces, 0};
	struct slot *image = (struct slot *)(change + 1);
	*image = (struct slot){.owner = (uint16_t)owner, .state = SLOT_USED, .generation = generation};
	memcpy(image->row, row, table_layouts[table].row_bytes);
	image->crc = slot_crc(table, image);
	return 0;
}

int32_t journal_free(uint32_t table, uint32_t slot)
{
	struct change *change = append(sizeof(*change));
	if (!change)
		return journal_full();
	*change = (struct change){CHANGE_FREE, (uint8_t)table, sizeof(*change), slot, SLOT_NONE, 0};
	return 0;
}

const struct change *journal_next(const struct change *change)
{
	const uint8_t *at = change ? (const uint8_t *)change + change->bytes : journal_base();
	return at < journal_base() + arena.journal_used ? (const struct change *)at : NULL;
}

static void carry_out(const struct change *change)
{
	struct slot *slot = arena_slot(change->table, change->slot);
	if (change->kind == CHANGE_FREE) {
		slot->state = SLOT_FREE;
		return;
	}
	memcpy(slot, change + 1, slot_bytes(change->table));
	if (change->replaces != SLOT_NONE)
		arena_slot(change->table, change->replaces)->state = SLOT_FREE;
}

void journal_publish(void)
{
	struct arena_header *header = arena_header();
	header->journal_bytes = arena.journal_used;
	header->journal_crc = rte_hash_crc(journal_base(), (uint32_t)arena.journal_used, 0);
	__atomic_store_n(&header->journal_committed, 1, __ATOMIC_RELEASE);
	for (const struct change *change = NULL; (change = journal_next(change));)
		carry_out(change);
	__atomic_store_n(&header->journal_committed, 0, __ATOMIC_RELEASE);
}

void journal_end(void)
{
	if (arena.journal_used > KEPT_BYTES) {
		fallocate(arena.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)arena_header()->journal_offset,
		        (off_t)arena.journal_used);
	}
	arena.journal_used = 0;
}

static bool sound(const struct change *change, uint64_t left)
{
	const struct arena_header *header = arena_header();
	if (left < sizeof(*change) || change->table == 0 || change->table >= TABLE_LIMIT)
		return false;
	if (change->slot >= header->high_water[change->table])
		return false;
	if (change->replaces != SLOT_NONE && change->replaces >= header->high_water[change->table])
		return false;
	if (change->kind == CHANGE_FREE)
		return change->bytes == sizeof(*change);
	return change->kind == CHANGE_FILL && change->bytes == sizeof(*change) + slot_bytes(change->table) &&
	       change->bytes <= left;
}

/* All entries are whole and name slots that exist. */
static bool journal_sound(void)
{
	const struct arena_header *header = arena_header();
	if (header->journal_bytes > header->journal_capacity || header->journal_bytes > UINT32_MAX)
		return false;
	if (rte_hash_crc(journal_base(), (uint32_t)header->journal_bytes, 0) != header->journal_crc)
		return false;
	for (uint64_t at = 0; at < header->journal_bytes;) {
		const struct change *change = (const struct change *)(journal_base() + at);
		if (!sound(change, header->journal_bytes - at))
			return false;
		at += change->bytes;
	}
	return true;
}

uint32_t journal_replay(void)
{
	struct arena_header *header = arena_header();
	uint32_t replayed = 0;
	if (header->journal_committed && journal_sound()) {
		arena.journal_used = header->journal_bytes;
		for (const struct change *change = NULL; (change = journal_next(change)); replayed++)
			carry_out(change);
	}
	header->journal_committed = 0;
	journal_end();
	return replayed;
}
