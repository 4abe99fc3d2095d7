/* The pairs of a flow table that are in no bucket: free, or removed and perhaps still read. Shared by flow_*.c. */
#ifndef WEFT_FLOW_PAIRS_H
#define WEFT_FLOW_PAIRS_H

#include "flow_table.h"

/*
 * In the low bits of `state` of the forward direction's count; above them a number that changes with each use, so that
 * whoever reads a pair without being a reader (rcu.h) sees whether it still was the same one at the end.
 */
enum pair_state { PAIR_FREE = 0, PAIR_USED = 1, PAIR_LEAVING = 2 };
#define PAIR_STATES 3u
#define PAIR_USE    4u

/* Page 0 of the memory. */
struct flow_header {
	uint64_t magic;
	uint32_t version, capacity;
	/** Pairs from here on were never used. */
	uint32_t high_water;
	uint32_t count;
};

static inline uint32_t *flow_state(struct flow_pair *pair)
{
	return &pair->count[FLOW_FORWARD].state;
}

static inline bool flow_is_used(const struct flow_pair *pair)
{
	return (__atomic_load_n(&pair->count[FLOW_FORWARD].state, __ATOMIC_ACQUIRE) & PAIR_STATES) == PAIR_USED;
}

/* Empty buckets for the table's capacity. 0 or -ENOMEM. */
int flow_buckets_make(struct flow_table *table);

/* Nobody reads it any more: it may be taken again. */
void flow_pair_free(struct flow_table *table, struct flow_thread *thread, uint32_t pair);
/* Somebody may still read it: free once every reader was quiescent. */
void flow_pair_leave(struct flow_table *table, struct flow_thread *thread, uint32_t pair);
/* Frees what nobody reads any more, a few pairs at most. */
void flow_pairs_reclaim(struct flow_table *table, struct flow_thread *thread);

#endif
