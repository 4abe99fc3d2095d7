/*
 * The seam between the two halves of the library: what the control side (api.c, eal.c, rows.c) asks of the packet side:
 * ports, workers, punts, counters. Implemented there. Errors are negative errno values unless said otherwise; error_set
 * (error.h) may add a sentence.
 */
#ifndef WEFT_DATAPLANE_H
#define WEFT_DATAPLANE_H

#include <stdint.h>

#include "forwarder.h"

/*
 * Called on the EAL main thread (fwd-main, not a JavaScript thread, all signals blocked) after EAL, rcu, tables and the
 * attached rows are ready. Starts the control thread and the packet threads, brings up every port row of
 * tables_each_port, returns when packets flow over ports whose links are there (others stay pending). Every thread it
 * makes blocks all signals.
 */
int dataplane_start(const struct fwd_config *config);

/* Ends the threads, closes ports, removes nothing that a restart can take over. Called on fwd-main. */
void dataplane_stop(void);

/*
 * A port row came (old NULL), changed (both) or went (new NULL). generation is the row's; the same id with another
 * generation is another port. Called in the writer's thread with the writer lock held, after the row is visible: must
 * only copy and queue, never block.
 */
void port_row_changed(const struct fwd_port_row *old, const struct fwd_port_row *new, uint32_t generation);

/* The same for punt classes. The receiver's owner number is in the row. */
void punt_class_row_changed(const struct fwd_punt_class_row *old, const struct fwd_punt_class_row *new);

/* The public calls of the same name without "fwd_"; arguments are checked (pointers not NULL, length > 0, owner
 * exists). */
int32_t dataplane_ports_read(uint32_t from, struct fwd_port_state *out, uint32_t capacity);
int32_t dataplane_stats_read(uint32_t from, struct fwd_port_stats *out, uint32_t capacity);
/* -ENOSPC: the first port's drops do not fit. */
int32_t dataplane_drops_read(uint32_t from, struct fwd_drop *out, uint32_t capacity);
/* Text "name: sentence", or NULL. */
const char *dataplane_drop_name(uint32_t reason);
uint64_t dataplane_ports_changes(void);
int dataplane_ports_fd(void);
int dataplane_punt_fd(void);
int dataplane_punt_arm(void);
/* -ENOSPC: the first record does not fit. */
int32_t dataplane_punt_read(uint32_t owner, void *out, uint32_t length);
/* -EINVAL: a record is malformed. */
int32_t dataplane_inject(uint32_t owner, const void *records, uint32_t length);

#endif
