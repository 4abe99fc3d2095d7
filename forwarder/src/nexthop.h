/*
 * Next hops as routes and ECMP groups name them: a handle per (owner, id), which exists as soon as a route, a member or
 * the row names it, in any order.
 *
 * A group is a next hop of type ECMP; its places are rows of table member, kept as an array of handles that is replaced
 * when a member changes. Whether a place is a hole is seen at the lookup: no member row, no next hop row, or a group in
 * it. So a next hop row that comes or goes touches nothing but itself.
 *
 * nexthop_row, nexthop_resolve: registered readers, or the writer. Everything else: the writer.
 */
#ifndef WEFT_NEXTHOP_H
#define WEFT_NEXTHOP_H

#include <stdint.h>

#include "forwarder.h"

#define GROUP_LIMIT 256u /* places of a group */

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

/* A member row came (old NULL), changed (both, same key), or went (new NULL). */
void nexthop_member_changed(uint32_t owner, const struct fwd_member_row *old, const struct fwd_member_row *new);

/* The row, or NULL while it is missing. handle: of a route found since the last quiescent state. */
const struct fwd_nexthop_row *nexthop_row(uint32_t handle);

/*
 * The row, after choosing the place of a group by `hash` (nexthop_flow_hash). A flow keeps its place as long as the
 * place is no hole, whatever becomes of others; flows of a hole spread over the rest. A gateway of an uplink that does
 * not answer (any more) is a hole, too, until it does, unless nothing but holes is left. NULL: the row is missing, or
 * the group has holes only.
 */
const struct fwd_nexthop_row *nexthop_resolve(uint32_t handle, uint32_t hash);

/*
 * Hash of a flow for nexthop_resolve, the same in every process, so that flows stay where they are over a restart.
 * addresses: source and destination as they stand in the packet, `bytes` in all (8 or 32). ports: source << 16 |
 * destination; 0 for protocols without them and for every fragment, so that all of a datagram take one way.
 */
uint32_t nexthop_flow_hash(const void *addresses, uint32_t bytes, uint8_t protocol, uint32_t ports);

#endif
