/* Any bytes as a batch of two owners in turn, then a sweep: no crash, no leak, refused batches change nothing, the
 * state memory survives a restart. */
#include "../test/state.h"

#include <stdlib.h>

static int fd = -1;
static uint32_t owners[2];

static uint32_t row_count(void)
{
	static uint8_t rows[1 << 16];
	uint32_t count = 0;
	for (uint32_t table = 1; table < TABLE_LIMIT; table++)
		for (uint32_t cursor = 0; cursor != SLOT_NONE;)
			count += (uint32_t)rows_read(0, table, &cursor, rows, sizeof(rows)) /
			         table_layouts[table].row_bytes;
	return count;
}

static void attach(uint32_t rows)
{
	struct fwd_state report;
	if (state_attach(fd, STATE_MIB, &report) || report.rows != rows || report.discarded)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t inputs;
	if (fd < 0) {
		fd = state_file();
		attach(0);
		owners[0] = (uint32_t)rows_owner_open("one");
		owners[1] = (uint32_t)rows_owner_open("two");
	}
	for (uint32_t i = 0; i < 2 && size > 0; i++) {
		uint32_t length = i == 0 ? (uint32_t)size / 2 : (uint32_t)size, before = row_count();
		bool more = data[size - 1] & 1;
		uint32_t generation = (uint32_t)rows_begin(owners[i]);
		int32_t changed = rows_apply(owners[i], generation, data, length, more);
		if ((changed < 0 || more) && row_count() != before)
			abort();
		if (more)
			rows_apply(owners[i], generation, NULL, 0, false);
	}
	if (++inputs % 256 == 0) {
		uint32_t rows = row_count();
		state_detach();
		attach(rows);
	}
	if (inputs % 16 == 0) {
		rows_clear(owners[0]);
		rows_commit(owners[1], (uint32_t)rows_begin(owners[1]));
		if (row_count())
			abort();
	}
	return 0;
}
