/*
 * State memory and tables without EAL, for tests of the control side; and short ways to send rows.
 */
#ifndef TEST_STATE_H
#define TEST_STATE_H

#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "decode.h"
#include "error.h"
#include "rcu.h"
#include "rows.h"
#include "tables.h"

#define STATE_MIB 8

static inline int state_file(void)
{
	return memfd_create("weft-test", MFD_CLOEXEC);
}

/* As a forwarder does at start. Returns 0 or an error. */
static inline int32_t state_attach(int fd, uint32_t mib, struct fwd_state *report)
{
	int32_t failed = arena_open(fd, mib, decode_row_valid, report);
	if (failed)
		return failed;
	if (rcu_init() || tables_init())
		return FWD_ERR_MEMORY;
	return rows_attach(report);
}

static inline void state_detach(void)
{
	rows_detach();
	tables_fini();
	rcu_fini();
	arena_close();
}

/* A batch under construction. */
struct ops {
	uint8_t bytes[65536];
	uint32_t used;
};

static inline void ops_add(struct ops *ops, uint8_t op, uint8_t table, const void *row)
{
	uint16_t size = table_layouts[table].row_bytes;
	uint8_t head[8] = {op, table, (uint8_t)size, (uint8_t)(size >> 8)};
	memcpy(ops->bytes + ops->used, head, 8);
	memcpy(ops->bytes + ops->used + 8, row, size);
	ops->used += 8u + size;
}

static inline int32_t ops_send(const struct ops *ops, uint32_t owner, uint32_t generation)
{
	return rows_apply(owner, generation, ops->bytes, ops->used, false);
}

/* One operation as a batch of its own. */
static inline int32_t send_one(uint32_t owner, uint32_t generation, uint8_t op, uint8_t table, const void *row)
{
	struct ops ops = {.used = 0};
	ops_add(&ops, op, table, row);
	return ops_send(&ops, owner, generation);
}

static inline uint32_t address4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	uint8_t bytes[4] = {a, b, c, d};
	uint32_t be;
	memcpy(&be, bytes, 4);
	return be;
}

static inline struct fwd_route_row route4(
        uint32_t vrf, uint32_t address_be, uint8_t length, uint8_t source, uint32_t nexthop)
{
	struct fwd_route_row row = {
	        .vrf = vrf, .family = 4, .prefix_length = length, .source = source, .nexthop = nexthop};
	memcpy(row.address, &address_be, 4);
	return row;
}

#endif
