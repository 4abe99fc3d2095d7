/*
 * The writer's side of tables.h: rows.c tells what changed, after the index knows.
 */
#ifndef WEFT_TABLES_UPDATE_H
#define WEFT_TABLES_UPDATE_H

#include <stdint.h>

#include "arena.h"
#include "tables.h"

/* A row came (old NULL), changed (both, same key), or went (new NULL). `old` stays readable until the next grace period
 * ends. */
void tables_row_changed(uint32_t table, const struct slot *old, const struct slot *new);

/* Who is told of rows, after they are visible, with the writer lock held: must not block (see dataplane.h). NULL
 * members: nobody. Rows that were there before tables_listen: tables_each_row. */
struct tables_listener {
	void (*port)(const struct fwd_port_row *old, const struct fwd_port_row *new, uint32_t generation);
	void (*punt_class)(const struct fwd_punt_class_row *old, const struct fwd_punt_class_row *new);
	void (*source)(const struct fwd_source_row *old, const struct fwd_source_row *new);
	void (*learned_neighbor)(
	        const struct fwd_learned_neighbor_row *old, const struct fwd_learned_neighbor_row *new);
	void (*nat_address)(const struct fwd_nat_address_row *old, const struct fwd_nat_address_row *new);
};
void tables_listen(struct tables_listener listener);

#endif
