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
#define FLOW_NO_DROP 0xffffu
/** Pairs in a page: what threads share the table in. */
#define FLOW_BLOCK 16u
/** What large memory is aligned to. */
#define FLOW_HUGE_PAGE (2u << 20)

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

enum flow_flag {
	/** Its packets are dropped: rules changed since it began. */
	FLOW_DENIED = 1,
	/** Found in the middle of its TCP connection, and allowed because either direction's rules do. */
	FLOW_EITHER = 2,
	/** Of both directions: packets leave as the mirror of the other direction's key, which is not the mirror of
	   this one. */
	FLOW_NAT = 4,
	/** Of the forward direction only: an outside port that the flow holds (nat_map.h) is the destination of the
	   reverse key, of the source of this one; */
	FLOW_NAT_SOURCE = 8,
	/** or the destination of this key, of the source of the reverse one. */
	FLOW_NAT_TARGET = 16,
};

/* Of one direction; read by each of its packets, written when the flow is made or decided anew, then only by the thread
 * of the port that they enter through: a cache line. */
struct flow_half {
	struct flow_key key;
	/** By which it was decided (policy.h): of the port that packets enter through in the low half, of the one they
	 * leave through in the high half. */
	uint64_t stamps;
	/** Generation of the port that they leave through: context of the other key. */
	uint32_t way_out;
	/** enum flow_flag. */
	uint16_t flags;
	/** Of the port that they enter through; the forward one's is charged for the flow. */
	uint16_t slot;
};
_Static_assert(sizeof(struct flow_half) == 64, "flow_half");

/* Written by the packets of one direction: a cache line. */
struct flow_count {
	uint64_t packets, bytes;
	/** Tick of the last packet. */
	uint32_t seen;
	/** TCP: the sequence number after the last one that the sender sent, and what it acknowledged last; host order.
	 */
	uint32_t sent, acked;
	/** enum drop_reason; FLOW_NO_DROP. */
	uint16_t last_drop;
	uint8_t pad[2];
	/** Handle of the rule that decided (policy.h): at the port where the flow begins in the forward direction's, at
	 * the other one in the reverse direction's. */
	uint32_t rule;
	/** Of the pair, in the forward direction's only. enum flow_tcp_flag, changed by atomic or. */
	uint32_t tcp;
	/** Of the pair, in one direction's only. */
	union {
		/** Forward. */
		struct {
			/** flow_pairs.h. */
			uint32_t state, next;
			/** Since when it is out of the buckets (rcu.h). */
			uint64_t token;
			/** Tick in which it was made. */
			uint32_t made;
			/** Its place among those that may have to go (flow_queue.h); 0: none. */
			uint32_t queued;
		};
		/** Reverse. */
		struct {
			/** Of both directions, what rules were told of. */
			uint64_t told_packets, told_bytes;
			uint8_t pad1[8];
		};
	};
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
	uint32_t limbo_first, limbo_last, limbo_count;
	/** Where its sweep goes on. */
	uint32_t cursor;
	uint32_t index, threads;
};

/* Bytes of state memory for so many pairs. */
size_t flow_table_bytes(uint32_t capacity);

/*
 * Takes the pairs in `memory` over that `valid`, which may change all but the keys, accepts, of an earlier process with
 * the same capacity, and forgets the others; memory of another version or capacity starts empty (*fresh). `memory` is
 * aligned to 64 bytes, zero when new. 0 or -ENOMEM.
 */
int flow_table_open(struct flow_table *table, void *memory, uint32_t capacity,
        bool (*valid)(struct flow_pair *pair, void *context), void *context, bool *fresh);
void flow_table_close(struct flow_table *table);

/* Thread `index` of `threads`. */
void flow_thread_init(struct flow_thread *thread, uint32_t index, uint32_t threads);

/* refs[i]: number of the pair × 2 + direction of the flow with *keys[i], or FLOW_NONE. count ≤ FLOW_BURST. */
void flow_find(const struct flow_table *table, const struct flow_key *const *keys, uint32_t *refs, uint32_t count);

/* The same for one key, which perhaps was just looked for. */
uint32_t flow_find_one(const struct flow_table *table, const struct flow_key *key);

static inline struct flow_pair *flow_pair(const struct flow_table *table, uint32_t ref)
{
	return &table->pairs[ref >> 1];
}

/* Fewer than so many pairs are left to this thread: those that it has, and that wait for the readers of before. */
bool flow_short(const struct flow_table *table, const struct flow_thread *thread, uint32_t reserve);
/* A pair for the thread to fill with two different keys, all else zero; FLOW_NONE: the table is full. */
uint32_t flow_take(struct flow_table *table, struct flow_thread *thread);
/* Takes back what was not added. */
void flow_give(struct flow_table *table, struct flow_thread *thread, uint32_t pair);
/*
 * Adds a pair that was taken: from now on it is found by both keys. 0; -EEXIST: there is a flow with the forward key
 * (*other, its ref), -EADDRINUSE: one with the reverse key; -ENOSPC: no room in its buckets (never below a load that
 * the capacity allows).
 */
int flow_add(struct flow_table *table, uint32_t pair, uint32_t *other);
/* For flow_add or flow_remove of a pair with keys, soon. */
void flow_fetch(const struct flow_table *table, const struct flow_pair *pair);
/* The same for a key. */
void flow_fetch_key(const struct flow_table *table, const struct flow_key *key);
/* False: somebody else removes it. */
bool flow_remove(struct flow_table *table, struct flow_thread *thread, uint32_t pair);

/* Calls look, which may remove it, for those of the next `budget` pairs of this thread's share that are in the table.
 * True: the end was reached, and the next call begins anew. */
bool flow_sweep(struct flow_table *table, struct flow_thread *thread, uint32_t budget,
        void (*look)(struct flow_pair *pair, uint32_t number, void *context), void *context);

/* Calls visit for each pair that is in the table at some moment of the call. Any registered reader. */
void flow_each(const struct flow_table *table,
        void (*visit)(const struct flow_pair *pair, uint32_t number, void *context), void *context);

/* How many pairs are in use. */
uint32_t flow_count(const struct flow_table *table);

#endif
