/*
 * Next hops as routes name them: a handle per (owner, id), which exists as soon as a route or the row names it, in any
 * order. nexthop_row: registered readers, or the writer. Everything else: the writer.
 */
#ifndef WEFT_NEXTHOP_H
#define WEFT_NEXTHOP_H

#include <stdint.h>

#include "forwarder.h"

/* Room for `limit` handles in use at once. Returns 0 or -ENOMEM. */
int nexthop_init(uint32_t limit);
/* No reader may be left; nothing retired either (rcu_barrier). */
void nexthop_fini(void);

/* One more user of (owner, id). Returns the handle, never 0. */
uint32_t nexthop_acquire(uint32_t owner, uint32_t id);
/* One user less; the last one's handle is reused after a grace period. */
void nexthop_release(uint32_t owner, uint32_t id);
/* The handle of (owner, id), which is in use. */
uint32_t nexthop_handle(uint32_t owner, uint32_t id);

/* The row came or changed, or went (NULL). Acquire before it comes, release after it went. */
void nexthop_set(uint32_t owner, uint32_t id, const struct fwd_nexthop_row *row);

/* The row, or NULL while it is missing. handle: of a route found since the last quiescent state. */
const struct fwd_nexthop_row *nexthop_row(uint32_t handle);

#endif
