/*
 * Owners' row batches: staged, checked as a whole, published all or nothing, swept by generation.
 * Everything here: writer lock held (api.c), arena open, tables_init done. Errors are enum fwd_err with a sentence
 * (error.h); results and meaning as said at the public calls of the same name in forwarder.h.
 */
#ifndef WEFT_ROWS_H
#define WEFT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

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
int32_t rows_read(uint32_t owner, uint32_t table, uint32_t *cursor, void *out, uint32_t length);

#endif
