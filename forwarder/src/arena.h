/*
 * The state memory: all rows, their owners and the journal of the batch that is being published, in a tmpfs file that
 * outlives this process. Offsets only, no pointers. Unused parts are holes and cost nothing: attaching reads only up to
 * each table's high-water mark.
 *
 *   header page · slots of table 1 · ... · slots of the last table · journal
 *
 * Crash safety: a kill at any instant leaves each slot as it was or as the journal says. Changes are first written to
 * the journal, then the journal is marked committed (one store), then the slots are written, then the mark is taken
 * back. arena_open replays a committed journal.
 *
 * Writer only (writer lock held), except arena_row, whose memory packet threads read.
 */
#ifndef WEFT_ARENA_H
#define WEFT_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "forwarder.h"
#include "layout.h"

#define SLOT_NONE        0xffffffffu
#define OWNER_LIMIT      64
#define OWNER_INTERNAL   0 /* the forwarder itself: owns the rows of internal tables, and no others */
#define OWNER_NAME_BYTES 32

enum slot_state { SLOT_FREE = 0, SLOT_USED = 1 };

/* A place for one row. Never changed while a reader can see it: a changed row moves to another slot. */
struct slot {
	uint16_t owner;
	uint8_t state;
	uint8_t pad;
	uint32_t generation; /* number of the row's creation; kept when the row changes */
	uint32_t crc;        /* CRC-32C of the 8 bytes before it and the row */
	uint32_t pad1;
	uint8_t row[]; /* free slot: u32 number of the next free slot */
};

struct arena_owner {
	char name[OWNER_NAME_BYTES]; /* empty: unused */
	uint32_t generation;         /* begun last */
};

/* One entry of the journal: what a slot becomes. The slot image (head and row) follows a CHANGE_FILL. */
enum change_kind { CHANGE_FILL = 1, CHANGE_FREE = 2 };
struct change {
	uint8_t kind;
	uint8_t table;
	uint16_t bytes;    /* of the entry, this head included */
	uint32_t slot;     /* filled or freed */
	uint32_t replaces; /* CHANGE_FILL: slot freed at the same time, or SLOT_NONE */
	uint32_t pad;
};

/*
 * Maps the file, extends it to `mib` MiB, checks it, finishes an interrupted batch. A file with another version, layout
 * or size is emptied and started afresh (report->fresh, report->note). `valid` says whether a row's fields are
 * acceptable; other rows are left out. Fills report but for `rows`. Returns 0 or FWD_ERR_SYSTEM, FWD_ERR_MEMORY.
 */
int32_t arena_open(int fd, uint32_t mib, bool (*valid)(uint32_t table, const uint8_t *row), struct fwd_state *report);
void arena_close(void);

uint32_t arena_capacity(uint32_t table);
/* Slots from here on were never used. */
uint32_t arena_high_water(uint32_t table);
struct slot *arena_slot(uint32_t table, uint32_t slot);
/* The slot that a row lies in. */
const struct slot *arena_slot_of(const void *row);

/* A free slot, or SLOT_NONE. It stays free in the file until a journal fills it. */
uint32_t arena_take(uint32_t table);
/* Makes a slot available again: taken and not filled, or freed and no longer visible to any reader. */
void arena_give(uint32_t table, uint32_t slot);

struct arena_owner *arena_owner(uint32_t owner);
/* A number for a new row. */
uint32_t arena_next_generation(void);

/* Starts an empty journal. */
void journal_begin(void);
/* Appends; row_bytes of the table are copied from row for CHANGE_FILL. Returns 0 or FWD_ERR_FULL. */
int32_t journal_fill(
        uint32_t table, uint32_t slot, uint32_t replaces, uint32_t owner, uint32_t generation, const uint8_t *row);
int32_t journal_free(uint32_t table, uint32_t slot);
/* The entries, in order: start with NULL; NULL at the end. Valid until the next journal_begin. */
const struct change *journal_next(const struct change *change);
/* Commits and carries the entries out. */
void journal_publish(void);
/* Gives a big journal's memory back. */
void journal_end(void);

#endif
