/*
 * Finding rows by key: one index per table over the slots of the state memory.
 * Searching: registered readers, or the writer. The indexes are changed by rows.c alone, under the writer lock.
 */
#ifndef WEFT_STORE_H
#define WEFT_STORE_H

#include <stdint.h>
#include <string.h>

#include "arena.h"
#include "index.h"
#include "layout.h"

extern struct index store_indexes[TABLE_LIMIT];

/* Hash of the row's key; rows need only be filled as far as the key goes. */
static inline uint32_t store_hash(uint32_t table, uint32_t owner, const void *row)
{
	const struct table_layout *layout = &table_layouts[table];
	return index_hash(row, layout->hash_bytes, layout->per_owner ? owner : 0);
}

/* store_find from where a cursor of the key's hash stands. */
static inline uint32_t store_continue(uint32_t table, uint32_t owner, const void *key, struct index_cursor cursor)
{
	const struct table_layout *layout = &table_layouts[table];
	for (uint32_t number; (number = index_next(&cursor)) != INDEX_END;) {
		const struct slot *slot = arena_slot(table, number);
		if (memcmp(slot->row, key, layout->key_bytes) == 0 && (!layout->per_owner || slot->owner == owner))
			return number;
	}
	return SLOT_NONE;
}

/* The slot of the row with this key, or SLOT_NONE. owner counts only in tables whose keys are per owner. */
static inline uint32_t store_find(uint32_t table, uint32_t owner, const void *key)
{
	return store_continue(table, owner, key, index_first(&store_indexes[table], store_hash(table, owner, key)));
}

/* The row with this key, or NULL. */
static inline const void *store_row(uint32_t table, uint32_t owner, const void *key)
{
	uint32_t slot = store_find(table, owner, key);
	return slot == SLOT_NONE ? NULL : arena_slot(table, slot)->row;
}

#endif
