/*
 * Owners' row batches: staged, checked as a whole, published all or nothing, swept by generation.
 * Everything here but rows_lock and rows_internal_apply: writer lock held, arena open, tables_init done. Errors are
 * enum fwd_err with a sentence (error.h); results and meaning as said at the public calls of the same name in
 * forwarder.h.
 */
#ifndef WEFT_ROWS_H
#define WEFT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

/* The writer lock: held by whoever changes tables, or reads them without being a registered reader. Packet threads
 * never take it. */
void rows_lock(void);
void rows_unlock(void);

/* Takes over the rows in the state memory; adds to report->rows and ->discarded. Returns 0 or FWD_ERR_MEMORY. */
int32_t rows_attach(struct fwd_state *report);
/* Forgets everything staged and the marks. */
void rows_detach(void);

int32_t rows_owner_open(const char *name);
bool rows_owner_exists(uint32_t owner);

int32_t rows_begin(uint32_t owner);
int32_t rows_apply(uint32_t owner, uint32_t generation, const void *ops, uint32_t length, bool more);
int32_t rows_commit(uint32_t owner, uint32_t generation);
int32_t rows_clear(uint32_t owner);
/* One change of an internal table. row: as long as the table's rows; FWD_OP_DELETE: only its key counts. */
struct internal_change {
	uint8_t op;    /* enum fwd_op */
	uint8_t table; /* enum fwd_table, an internal one */
	const void *row;
};

/*
 * Carries out changes that the forwarder makes itself, all or none, later ones of the same key winning; rows that are
 * so already, or gone already, are not touched. Takes the writer lock: any thread that is neither a packet thread nor
 * holds it. Returns how many rows changed, or FWD_ERR_ROW, FWD_ERR_FULL, FWD_ERR_MEMORY.
 */
int32_t rows_internal_apply(const struct internal_change *changes, uint32_t count);

int32_t rows_read(uint32_t owner, uint32_t table, uint32_t *cursor, void *out, uint32_t length);

#endif
