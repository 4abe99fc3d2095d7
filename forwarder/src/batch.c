#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "store.h"

_Static_assert(sizeof(struct batch_op) % 8 == 0, "rows stay aligned");

static int32_t no_memory(void)
{
	return error_set(FWD_ERR_MEMORY, "no memory for a batch of this size: send less at once");
}

static int grow(struct batch *batch, uint64_t more)
{
	if (batch->used + more <= batch->room)
		return 0;
	uint64_t room = batch->room ? batch->room : 4096;
	while (room < batch->used + more)
		room *= 2;
	uint8_t *bytes = realloc(batch->bytes, room);
	if (!bytes)
		return -1;
	batch->bytes = bytes;
	batch->room = room;
	return 0;
}

int32_t batch_add(struct batch *batch, uint8_t op, uint8_t table, const void *row)
{
	uint32_t row_bytes = table_layouts[table].row_bytes;
	uint16_t bytes = (uint16_t)(sizeof(struct batch_op) + row_bytes);
	if (grow(batch, bytes))
		return no_memory();
	struct batch_op *staged = (struct batch_op *)(batch->bytes + batch->used);
	*staged = (struct batch_op){op, table, bytes, 0};
	memcpy(staged->row, row, row_bytes);
	batch->used += bytes;
	batch->count++;
	return 0;
}

int32_t batch_append(struct batch *batch, const uint8_t *ops, uint32_t length)
{
	struct op op;
	for (uint32_t at = 0, number = 0; at < length; number++) {
		int32_t taken = decode_op(ops + at, length - at, number, &op);
		if (taken < 0)
			return taken;
		int32_t failed = batch_add(batch, op.op, op.table, op.row);
		if (failed)
			return failed;
		at += (uint32_t)taken;
	}
	return 0;
}

/* Strikes out the operation at hand's predecessor with the same key. The index holds offsets in units of 8 bytes. */
static void strike(struct batch *batch, struct index *seen, uint32_t owner, struct batch_op *op)
{
	const struct table_layout *layout = &table_layouts[op->table];
	uint32_t number = (uint32_t)(((uint8_t *)op - batch->bytes) / 8);
	uint32_t hash = store_hash(op->table, owner, op->row) + op->table;
	struct index_cursor cursor = index_first(seen, hash);
	for (uint32_t found; (found = index_next(&cursor)) != INDEX_END;) {
		struct batch_op *earlier = (struct batch_op *)(batch->bytes + (uint64_t)found * 8);
		if (earlier->table != op->table || memcmp(earlier->row, op->row, layout->key_bytes))
			continue;
		earlier->op = 0;
		index_replace(seen, hash, found, number);
		return;
	}
	index_insert(seen, hash, number);
}

int32_t batch_settle(struct batch *batch, uint32_t owner)
{
	struct index seen = {0};
	if (batch->count < 2)
		return 0;
	if (index_reserve(&seen, batch->count))
		return no_memory();
	for (struct batch_op *op = NULL; (op = batch_next(batch, op));)
		strike(batch, &seen, owner, op);
	index_free(&seen);
	return 0;
}

struct batch_op *batch_next(const struct batch *batch, const struct batch_op *op)
{
	const uint8_t *at = op ? (const uint8_t *)op + op->bytes : batch->bytes;
	return at && at < batch->bytes + batch->used ? (struct batch_op *)at : NULL;
}

void batch_clear(struct batch *batch)
{
	free(batch->bytes);
	*batch = (struct batch){0};
}
