/*
 * What packet threads would find, as text in an order that depends on the rows alone: two tables with the same rows
 * must give the same dump, whatever happened before.
 */
#ifndef TEST_DUMP_H
#define TEST_DUMP_H

#include "state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fib.h"
#include "nexthop.h"
#include "service.h"
#include "store.h"

#define DUMP_BYTES  (4u << 20)
#define DUMP_HASHES 8u

struct dump {
	char text[DUMP_BYTES];
	uint32_t used;
};

__attribute__((format(printf, 2, 3))) static inline void dump_add(struct dump *dump, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(dump->text + dump->used, DUMP_BYTES - dump->used, format, arguments);
	va_end(arguments);
	if (length < 0 || dump->used + (uint32_t)length >= DUMP_BYTES)
		abort();
	dump->used += (uint32_t)length;
}

static inline void dump_nexthop(struct dump *dump, const char *what, const struct fwd_nexthop_row *row)
{
	if (row)
		dump_add(dump, " %s owner %u id %u type %u port %u", what, tables_owner(row), row->id, row->type,
		        row->port);
	else
		dump_add(dump, " %s none", what);
}

/* Where packets to an address go, by every way to ask; the ways must agree. */
static inline void dump_address(struct dump *dump, uint32_t vrf, uint8_t family, const uint8_t *address)
{
	uint32_t be, handle, burst[3];
	const uint8_t *addresses[3] = {address, address, address};
	memcpy(&be, address, 4);
	const uint32_t bes[3] = {be, be, be};
	if (family == 4) {
		handle = tables_route4(vrf, be);
		tables_route4_burst(vrf, bes, burst, 3);
	} else {
		handle = tables_route6(vrf, address);
		tables_route6_burst(vrf, addresses, burst, 3);
	}
	const struct fwd_route_row *route = fib_route(vrf, family, address);
	if (burst[0] != handle || burst[2] != handle || !route != !handle ||
	        (route && nexthop_handle(tables_owner(route), route->nexthop) != handle))
		abort();
	if (!handle)
		return;
	dump_add(dump, "route vrf %u family %u address %08x.. length %u source %u:", vrf, family, __builtin_bswap32(be),
	        route->prefix_length, route->source);
	dump_nexthop(dump, "to", tables_nexthop(handle));
	for (uint32_t i = 0; i < DUMP_HASHES; i++)
		dump_nexthop(dump, "place", nexthop_resolve(handle, i * (UINT32_MAX / DUMP_HASHES) + 12345));
	dump_add(dump, "\n");
}

static inline int dump_order(const void *a, const void *b, void *bytes)
{
	return memcmp(a, b, *(const size_t *)bytes);
}

/* Every row of every table, sorted, and found by its key where lookups by key exist. */
static inline void dump_rows(struct dump *dump)
{
	static uint8_t rows[1 << 20];
	for (uint32_t table = 1; table < TABLE_LIMIT; table++)
		for (uint32_t owner = 0; owner < OWNER_LIMIT; owner++) {
			uint32_t cursor = 0, used = 0;
			size_t bytes = table_layouts[table].row_bytes;
			if ((owner == 0) != table_layouts[table].internal)
				continue;
			while (cursor != SLOT_NONE && used + bytes <= sizeof(rows))
				used += (uint32_t)rows_read(owner, table, &cursor, rows + used, sizeof(rows) - used);
			qsort_r(rows, used / bytes, bytes, dump_order, &bytes);
			for (uint32_t at = 0; at < used; at += (uint32_t)bytes) {
				uint32_t slot = store_find(table, owner, rows + at);
				if (slot == SLOT_NONE || memcmp(arena_slot(table, slot)->row, rows + at, bytes))
					abort();
				dump_add(dump, "%s of %u:", table_layouts[table].name, owner);
				for (uint32_t i = 0; i < bytes; i++)
					dump_add(dump, "%02x", rows[at + i]);
				dump_add(dump, "\n");
			}
		}
}

static inline void dump_gateways(struct dump *dump, uint32_t bridge)
{
	const struct gateways *gateways = tables_gateways(bridge);
	for (uint32_t i = 0; gateways && i < gateways->count; i++)
		dump_add(dump, "gateway of %u: %02x%02x\n", bridge, gateways->rows[i]->address[0],
		        gateways->rows[i]->address[3]);
}

#endif
