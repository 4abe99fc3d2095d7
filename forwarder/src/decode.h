/*
 * Reads and checks the operations of a batch. Pure: no tables, any thread.
 */
#ifndef WEFT_DECODE_H
#define WEFT_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#define OP_HEAD_BYTES   8u
#define ROW_BYTES_LIMIT 256u

/* [u8 op][u8 table][u16 size][u32 0] and the row, aligned. */
struct op {
	uint8_t op;    /* enum fwd_op */
	uint8_t table; /* enum fwd_table */
	uint8_t pad[6];
	uint8_t row[ROW_BYTES_LIMIT] __attribute__((aligned(8)));
};

/*
 * Decodes the operation at `bytes`, of which `left` are there; `number` is its place in the batch, for the text. For a
 * delete everything but the key is set to zero. Rows of internal tables are refused. Returns how many bytes it took, or
 * FWD_ERR_ROW with a sentence that names operation and field.
 */
int32_t decode_op(const uint8_t *bytes, uint32_t left, uint32_t number, struct op *op);

/* The row's fields are in range and consistent, its gaps zero. Nothing is said about references. */
bool decode_row_valid(uint32_t table, const uint8_t *row);

#endif
