/* The public calls of row batches: one writer at a time, whichever thread it is. See include/forwarder.h. */
#include <string.h>

#include "error.h"
#include "forwarder.h"
#include "layout.h"
#include "life.h"
#include "rows.h"

/* Takes the writer lock; owner 0 stands for "none in particular". */
static int32_t enter(uint32_t owner)
{
	if (!life_enter())
		return not_running();
	rows_lock();
	if (owner == 0 || rows_owner_exists(owner))
		return 0;
	rows_unlock();
	life_leave();
	return error_set(FWD_ERR_ARGUMENT, "there is no owner %u", owner);
}

static int32_t leave(int32_t result)
{
	rows_unlock();
	life_leave();
	return result;
}

int32_t fwd_owner_open(const char *name)
{
	if (!name)
		return bad_argument("name is NULL");
	int32_t refused = enter(0);
	return refused ? refused : leave(rows_owner_open(name));
}

int32_t fwd_rows_begin(uint32_t owner)
{
	if (!owner)
		return bad_argument("owner is 0");
	int32_t refused = enter(owner);
	return refused ? refused : leave(rows_begin(owner));
}

int32_t fwd_rows_apply(uint32_t owner, uint32_t generation, const void *ops, uint32_t length, uint32_t more)
{
	if (!owner)
		return bad_argument("owner is 0");
	if (!ops && length)
		return bad_argument("ops is NULL");
	int32_t refused = enter(owner);
	return refused ? refused : leave(rows_apply(owner, generation, ops, length, more != 0));
}

int32_t fwd_rows_commit(uint32_t owner, uint32_t generation)
{
	if (!owner)
		return bad_argument("owner is 0");
	int32_t refused = enter(owner);
	return refused ? refused : leave(rows_commit(owner, generation));
}

int32_t fwd_rows_clear(uint32_t owner)
{
	if (!owner)
		return bad_argument("owner is 0");
	int32_t refused = enter(owner);
	return refused ? refused : leave(rows_clear(owner));
}

int32_t fwd_rows_read(uint32_t owner, uint32_t table, void *cursor, void *out, uint32_t length)
{
	if (table == 0 || table >= TABLE_LIMIT)
		return error_set(FWD_ERR_ARGUMENT, "there is no table %u", table);
	if (!cursor || !out || length < table_layouts[table].row_bytes)
		return bad_argument("out: give room for at least one row");
	uint32_t at;
	memcpy(&at, cursor, sizeof(at));
	int32_t refused = enter(owner);
	if (refused)
		return refused;
	int32_t result = leave(rows_read(owner, table, &at, out, length > INT32_MAX ? INT32_MAX : length));
	memcpy(cursor, &at, sizeof(at));
	return result;
}
