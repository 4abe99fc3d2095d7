/*
 * The flows of this process: where their table lies, how they begin, how long they live, who has to go when there is no
 * room, and what survives a restart.
 *
 * Time is in ticks of CLOCK_MONOTONIC, which go on over a restart of the process. A flow is over when no packet of
 * either direction came for the time that the settings give it (RFC 5382 §5, RFC 4787 §4.3, RFC 5508 §3.2); one that
 * was denied after it had begun (FLOW_DENIED), after a quarter of the time of TCP connections that begin or end; and
 * when one of its ports is gone. Each packet thread looks through its share of the table, all of it within
 * FLOW_PASS_SECONDS, or as long as that takes with 2 % of the cycles.
 *
 * flow_life_start, flow_life_stop: no packet thread runs. flow_begin, flow_insert, flow_end, flow_age …: packet
 * threads, each with its number, inside a read section. flow_read, flow_life_stats: any thread.
 */
#ifndef WEFT_FLOW_LIFE_H
#define WEFT_FLOW_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "flow_table.h"
#include "forwarder.h"
#include "policy.h"
#include "stats.h"

/** Ticks per second. */
#define FLOW_HZ           16u
#define FLOW_PASS_SECONDS 4u
/** Setting flow_pairs, when it is 0. */
#define FLOW_PAIRS_DEFAULT 524288u

extern struct flow_table flows;

/** Stamps of no two ports. */
#define FLOW_STALE ((uint64_t)POLICY_STALE << 32 | POLICY_STALE)

/*
 * Maps the table behind the state memory in its file (from byte `offset` on), and takes over the flows in it whose
 * ports still are what they were: generations of live ports. Their decisions are marked POLICY_STALE, so that the next
 * packet decides anew; their rules are forgotten. 0 or -errno with a sentence (error.h).
 */
int flow_life_start(const struct fwd_config *config, uint64_t offset);
void flow_life_stop(void);

/** Of each packet thread. */
extern struct flow_clock {
	uint32_t now;
} __attribute__((aligned(64))) flow_clocks[STATS_THREADS];
/** Ticks that tests add to the time; 0. Seen by the next flow_age. */
extern uint32_t flow_clock_ahead;

/** The tick of the round that the thread is in. */
static inline uint32_t flow_now(uint32_t thread)
{
	return flow_clocks[thread].now;
}
/** Of the setting (enum fwd_tcp_pickup). */
uint8_t flow_tcp_pickup(void);

/*
 * A pair to fill and to flow_insert, charged to the port in `slot` that its first packet entered through; full:
 * half-open flows go for it, oldest first. Set are half[FLOW_FORWARD].slot, and in both counts seen, last_drop and
 * rule; still to be set: keys, way_out, stamps, flags, half[FLOW_REVERSE].slot. VERDICT_NEXT, DROP_FLOW_TABLE_FULL or
 * DROP_FLOW_PORT_LIMIT.
 */
verdict_t flow_begin(uint32_t thread, uint16_t slot, uint32_t *pair);
/** What flow_begin would say; nothing changes. */
verdict_t flow_begin_peek(uint16_t slot);
/** Gives one back that was not inserted, with the outside ports that its flags and keys say it holds. */
void flow_cancel(uint32_t thread, uint32_t pair);
/** flow_add, and tells of it (flow_event.h). After an error the pair is given back. */
int flow_insert(uint32_t thread, uint32_t pair, uint32_t *other);
/** Takes a flow out of the table and tells of it (flow_event.h); nothing when another thread did. */
void flow_end(uint32_t thread, uint32_t pair);
/** Other rules decided: what passed so far counts for those before. */
void flow_rules_set(uint32_t thread, uint32_t pair, uint32_t forward, uint32_t reverse);
/** Counts a flow that was decided anew. */
void flow_redecided(uint32_t thread);

/** At the beginning of each round: the time moves; looks at some flows, and those that are over end. */
void flow_age(uint32_t thread);
/** How long the thread may sleep before flow_age wants to be called, ms; UINT32_MAX: there are no flows. */
uint32_t flow_age_wait(uint32_t thread);
/** A whole pass of the thread's share; of all threads', when none runs: tests. */
void flow_age_share(uint32_t thread);
void flow_age_all(void);

/** What is known of a pair, for people; event LISTED. false: it is no flow (any more). A reader, or the writer lock is
 * held. */
bool flow_tell(uint32_t pair, struct fwd_flow *out);
/** See fwd_flows_read; takes the writer lock. Returns the number of bytes. */
int32_t flow_read(const struct fwd_flow_filter *filter, uint32_t *cursor, void *out, uint32_t length);
void flow_life_stats(struct fwd_flow_stats *out);

#endif
