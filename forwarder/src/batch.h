/*
 * Decoded operations that wait to be published: what an owner staged. Not shared between threads.
 */
#ifndef WEFT_BATCH_H
#define WEFT_BATCH_H

#include <stdint.h>

#include "decode.h"

/* Zero it to make it empty. */
struct batch {
	uint8_t *bytes; /* operations back to back: head, row; both multiples of 8 bytes */
	uint64_t used, room;
	uint32_t count;
};

struct batch_op {
	uint8_t op;    /* enum fwd_op; 0: a later operation has the same key */
	uint8_t table; /* enum fwd_table */
	uint16_t bytes;
	uint32_t pad;
	uint8_t row[];
};

/* Appends one operation; row as long as the table's rows. Returns 0 or FWD_ERR_MEMORY. */
int32_t batch_add(struct batch *batch, uint8_t op, uint8_t table, const void *row);

/* Decodes and appends all operations of a buffer. Returns 0, FWD_ERR_ROW or FWD_ERR_MEMORY with a sentence; after an
 * error the batch is undefined but for batch_clear. */
int32_t batch_append(struct batch *batch, const uint8_t *ops, uint32_t length);

/* Strikes out (op 0) every operation that a later one of the same key overrides. Returns 0 or FWD_ERR_MEMORY. */
int32_t batch_settle(struct batch *batch, uint32_t owner);

/* The operations in order: start with NULL; NULL at the end. */
struct batch_op *batch_next(const struct batch *batch, const struct batch_op *op);

void batch_clear(struct batch *batch);

#endif
