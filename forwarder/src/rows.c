#include "rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "batch.h"
#include "decode.h"
#include "error.h"
#include "nat.h"
#include "policy.h"
#include "publish.h"
#include "store.h"

static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;
static struct batch staged[OWNER_LIMIT];
/* Per slot: generation in which its owner sent the row last. Of this process only: after a restart owners begin anew.
 */
static uint32_t *marks[TABLE_LIMIT];

void rows_lock(void)
{
	pthread_mutex_lock(&writer);
}

void rows_unlock(void)
{
	pthread_mutex_unlock(&writer);
}

int32_t rows_attach(struct fwd_state *report)
{
	for (uint32_t table = 1; table < TABLE_LIMIT; table++) {
		marks[table] = calloc(arena_capacity(table), sizeof(uint32_t));
		if (!marks[table])
			return error_set(FWD_ERR_MEMORY, "no memory for the marks of %s", table_layouts[table].name);
		for (uint32_t i = 0; i < arena_high_water(table); i++) {
			struct slot *slot = arena_slot(table, i);
			if (slot->state != SLOT_USED)
				continue;
			int32_t found = publish_found(table, i);
			if (found < 0)
				return found;
			report->rows += found == 0;
			if (found == 0)
				continue;
			report->discarded++;
			slot->state = SLOT_FREE;
			arena_give(table, i);
		}
	}
	policy_publish();
	nat_publish();
	return 0;
}

void rows_detach(void)
{
	for (uint32_t owner = 0; owner < OWNER_LIMIT; owner++)
		batch_clear(&staged[owner]);
	for (uint32_t table = 1; table < TABLE_LIMIT; table++) {
		free(marks[table]);
		marks[table] = NULL;
	}
}

int32_t rows_owner_open(const char *name)
{
	size_t length = strnlen(name, OWNER_NAME_BYTES);
	if (length == 0 || length == OWNER_NAME_BYTES)
		return error_set(FWD_ERR_ARGUMENT, "an owner's name has 1 to %d bytes", OWNER_NAME_BYTES - 1);
	uint32_t unused = 0;
	for (uint32_t owner = OWNER_LIMIT - 1; owner > 0; owner--) {
		if (strcmp(arena_owner(owner)->name, name) == 0)
			return (int32_t)owner;
		if (!arena_owner(owner)->name[0])
			unused = owner;
	}
	if (!unused)
		return error_set(FWD_ERR_FULL, "there are %d owners already", OWNER_LIMIT - 1);
	/* The first byte comes last: a kill before it leaves the entry unused. */
	char *to = arena_owner(unused)->name;
	memcpy(to + 1, name + 1, length);
	__atomic_store_n(to, name[0], __ATOMIC_RELEASE);
	return (int32_t)unused;
}

bool rows_owner_exists(uint32_t owner)
{
	return owner > 0 && owner < OWNER_LIMIT && arena_owner(owner)->name[0];
}

int32_t rows_begin(uint32_t owner)
{
	batch_clear(&staged[owner]);
	uint32_t *generation = &arena_owner(owner)->generation;
	*generation = *generation % INT32_MAX + 1;
	return (int32_t)*generation;
}

static int32_t check_generation(uint32_t owner, uint32_t generation)
{
	uint32_t current = arena_owner(owner)->generation;
	if (generation && generation == current)
		return 0;
	return error_set(FWD_ERR_GENERATION,
	        "generation %u is not the one begun last (%u): begin a new one and send all rows", generation, current);
}

static int32_t name_operation(int32_t failed, uint32_t number)
{
	char text[200];
	strncpy(text, error_text(), sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	return error_set(failed, "operation %u: %s", number, text);
}

/* Plans the whole batch. Returns how many rows change, or an error with the operation's number. */
static int32_t plan(const struct batch *batch, uint32_t owner)
{
	int32_t changed = 0;
	uint32_t number = 0;
	for (struct batch_op *op = NULL; (op = batch_next(batch, op)); number++) {
		if (!op->op)
			continue;
		int32_t done = op->op == FWD_OP_UPSERT ? publish_put(owner, op->table, op->row)
		                                       : publish_remove(owner, op->table, op->row);
		if (done < 0)
			return name_operation(done, number);
		changed += done;
	}
	return changed;
}

static void mark(const struct batch *batch, uint32_t owner, uint32_t generation)
{
	for (struct batch_op *op = NULL; (op = batch_next(batch, op));)
		if (op->op == FWD_OP_UPSERT)
			marks[op->table][store_find(op->table, owner, op->row)] = generation;
}

static int32_t publish_batch(struct batch *batch, uint32_t owner, uint32_t generation)
{
	int32_t failed = batch_settle(batch, owner);
	if (failed)
		return failed;
	publish_begin();
	int32_t changed = plan(batch, owner);
	if (changed < 0) {
		publish_abort();
		return changed;
	}
	failed = publish_commit();
	if (failed)
		return failed;
	mark(batch, owner, generation);
	return changed;
}

int32_t rows_apply(uint32_t owner, uint32_t generation, const void *ops, uint32_t length, bool more)
{
	struct batch *batch = &staged[owner];
	int32_t result = check_generation(owner, generation);
	if (result == 0)
		result = batch_append(batch, ops, length);
	if (result == 0 && more)
		return 0;
	if (result == 0)
		result = publish_batch(batch, owner, generation);
	batch_clear(batch);
	return result;
}

static int32_t check_internal(const struct internal_change *change)
{
	if (table_layouts[change->table].internal &&
	        (change->op == FWD_OP_DELETE || decode_row_valid(change->table, change->row)))
		return 0;
	return error_set(FWD_ERR_ROW, "%s: not a row that the forwarder may write", table_layouts[change->table].name);
}

int32_t rows_internal_apply(const struct internal_change *changes, uint32_t count)
{
	struct batch batch = {0};
	int32_t result = 0;
	for (uint32_t i = 0; i < count && result == 0; i++) {
		result = check_internal(&changes[i]);
		if (result == 0)
			result = batch_add(&batch, changes[i].op, changes[i].table, changes[i].row);
	}
	if (result == 0) {
		rows_lock();
		result = publish_batch(&batch, OWNER_INTERNAL, 0);
		rows_unlock();
	}
	batch_clear(&batch);
	return result;
}

/* Removes the owner's rows without this mark (0: all). */
static int32_t sweep(uint32_t owner, uint32_t generation)
{
	int32_t swept = 0;
	publish_begin();
	for (uint32_t table = 1; table < TABLE_LIMIT; table++)
		for (uint32_t i = 0; i < arena_high_water(table); i++) {
			const struct slot *slot = arena_slot(table, i);
			if (slot->state != SLOT_USED || slot->owner != owner ||
			        (generation && marks[table][i] == generation))
				continue;
			int32_t failed = publish_remove_slot(table, i);
			if (failed) {
				publish_abort();
				return failed;
			}
			swept++;
		}
	int32_t failed = publish_commit();
	return failed ? failed : swept;
}

int32_t rows_commit(uint32_t owner, uint32_t generation)
{
	int32_t failed = check_generation(owner, generation);
	if (failed)
		return failed;
	if (staged[owner].used)
		return error_set(
		        FWD_ERR_STATE, "staged rows are not published yet: apply a batch without `more` first");
	return sweep(owner, generation);
}

int32_t rows_clear(uint32_t owner)
{
	batch_clear(&staged[owner]);
	return sweep(owner, 0);
}

int32_t rows_read(uint32_t owner, uint32_t table, uint32_t *cursor, void *out, uint32_t length)
{
	uint32_t row_bytes = table_layouts[table].row_bytes, used = 0, at = *cursor, end = arena_high_water(table);
	for (; at < end && used + row_bytes <= length; at++) {
		const struct slot *slot = arena_slot(table, at);
		if (slot->state != SLOT_USED || (owner && slot->owner != owner && slot->owner != OWNER_INTERNAL))
			continue;
		memcpy((uint8_t *)out + used, slot->row, row_bytes);
		used += row_bytes;
	}
	*cursor = at >= end ? SLOT_NONE : at;
	return (int32_t)used;
}
