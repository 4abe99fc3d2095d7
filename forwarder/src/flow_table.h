/*
 * Flows, found by the packets of both their directions.
 *
 * A pair has a key for each direction. Pairs lie in the state memory, by number, without pointers, and survive this
 * process; the buckets that find them lie in plain memory and are made anew at the start. Pairs are 256 bytes, buckets
 * cost 32 more for each.
 *
 * Threads: each packet thread is a `struct flow_thread` and a registered reader (rcu.h). All of them search without a
 * lock, add and remove under the locks of the buckets concerned. What a thread found stays readable until its next
 * rcu_quiescent, also when another thread removes it meanwhile.
 */
#ifndef WEFT_FLOW_TABLE_H
#define WEFT_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "index.h"

#define FLOW_NONE    0xffffffffu
#define FLOW_BURST   64u
#define FLOW_FORWARD 0u
#define FLOW_REVERSE 1u

/* What the packets of one direction have in common. No padding that is not zero: compared as bytes. */
struct flow_key {
	/** Network order; IPv4 in the first 4 bytes, the rest zero. */
	uint8_t src[16], dst[16];
	/** Network order. ICMP echo: the identifier, and zero. */
	uint16_t src_port, dst_port;
	/** Whose addresses these are: generation of the port that packets enter through, so that tenants never meet. */
	uint32_t context;
	uint8_t protocol;
	/** 4 or 6. */
	uint8_t family;
	uint8_t pad[6];
};
_Static_assert(sizeof(struct flow_key) == 48, "flow_key");

/* Read by every packet, written when the flow is made or decided anew: a cache line. */
struct flow_half {
	struct flow_key key;
	uint32_t nexthop;
	/** Of the tables that it was decided by. */
	uint32_t decided;
	uint32_t rule;
	uint16_t flags;
	uint16_t reason;
};
_Static_assert(sizeof(struct flow_half) == 64, "flow_half");

/* Written by the packets of one direction: a cache line. */
struct flow_count {
	uint64_t packets, bytes;
	/** Tick of the last packet. */
	uint32_t seen;
	/** TCP: the sequence number after the last one that the sender sent, and what it acknowledged last; host order. */
	uint32_t sent, acked;
	uint16_t last_drop;
	uint8_t pad[2];
	/** Of the pair, in the forward direction's only. enum flow_tcp_flag, changed by atomic or. */
	uint32_t tcp;
	uint32_t state, next;
	/** Since when it is out of the buckets (rcu.h). */
	uint64_t token;
	/** Tick in which it was made. */
	uint32_t made;
	uint8_t pad1[4];
};
_Static_assert(sizeof(struct flow_count) == 64, "flow_count");

/* Never moves. */
struct flow_pair {
	struct flow_half half[2];
	struct flow_count count[2];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct flow_pair) == 256, "flow_pair");

struct flow_bucket;

struct flow_table {
	struct flow_header *header;
	struct flow_pair *pairs;
	struct flow_bucket *buckets;
	uint32_t mask;
	uint32_t capacity;
	/** Pairs that are free, linked by `next`, and the lock of that list. */
	uint32_t shared_free;
	uint32_t shared_lock;
};

/* What a packet thread keeps for itself. Zero it, then flow_thread_init. */
struct flow_thread {
	uint32_t free, free_count;
	/** Removed and perhaps still read, oldest first. */
	uint32_t limbo_first, limbo_last;
	/** Where its sweep goes on. */
	uint32_t cursor;
	uint32_t index, threads;
};

/* Bytes of state memory for so many pairs. */
size_t flow_table_bytes(uint32_t capacity);

/*
 * Takes the pairs in `memory` over that `valid` accepts, of an earlier process with the same capacity, and forgets the
 * others; memory of another version or capacity starts empty (*fresh). `memory` is aligned to 64 bytes, zero when new. 0
 * or -ENOMEM.
 */
int flow_table_open(struct flow_table *table, void *memory, uint32_t capacity,
        bool (*valid)(const struct flow_pair *pair, void *context), void *context, bool *fresh);
void flow_table_close(struct flow_table *table);

/* Thread `index` of `threads`. */
void flow_thread_init(struct flow_thread *thread, uint32_t index, uint32_t threads);

/* refs[i]: number of the pair × 2 + direction of the flow with *keys[i], or FLOW_NONE. count ≤ FLOW_BURST. */
void flow_find(const struct flow_table *table, const struct flow_key *const *keys, uint32_t *refs, uint32_t count);

static inline struct flow_pair *flow_pair(const struct flow_table *table, uint32_t ref)
{
	return &table->pairs[ref >> 1];
}

/* A pair for the thread to fill with two different keys, all else zero; FLOW_NONE: the table is full. */
uint32_t flow_take(struct flow_table *table, struct flow_thread *thread);
/* Takes back what was not added. */
void flow_give(struct flow_table *table, struct flow_thread *thread, uint32_t pair);
/*
 * Adds a pair that was taken: from now on it is found by both keys. 0; -EEXIST: there is a flow with the forward key
 * (*other, its ref), -EADDRINUSE: one with the reverse key; -ENOSPC: no room in its buckets (never below a load that the
 * capacity allows).
 */
int flow_add(struct flow_table *table, uint32_t pair, uint32_t *other);
/* False: somebody else removes it. */
bool flow_remove(struct flow_table *table, struct flow_thread *thread, uint32_t pair);

/* Looks at `budget` pairs of this thread's share, and removes those that are over. How many it removed. */
uint32_t flow_sweep(struct flow_table *table, struct flow_thread *thread, uint32_t budget,
        bool (*over)(const struct flow_pair *pair, void *context), void *context);

/* Calls visit for each pair that is in the table at some moment of the call. Any registered reader. */
void flow_each(const struct flow_table *table, void (*visit)(const struct flow_pair *pair, uint32_t number, void *context),
        void *context);

/* How many pairs are in use. */
uint32_t flow_count(const struct flow_table *table);

#endif
