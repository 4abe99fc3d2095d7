/*
 * Read-copy-update between the threads that change tables (writers, one at a time under the writer lock) and the packet
 * threads that read them.
 *
 * The rule: what a reader got from a table (row, trie node, port) stays valid until that reader's next rcu_quiescent()
 * or rcu_offline(). Packet threads call rcu_quiescent() once per burst, when they hold nothing; rcu_offline() before
 * they sleep, rcu_online() after. A thread that is offline or never registered delays nobody and may not read tables,
 * except with the writer lock held.
 */
#ifndef WEFT_RCU_H
#define WEFT_RCU_H

#include <stdbool.h>
#include <stdint.h>

#define RCU_READER_LIMIT 64

/* Makes the shared state. Call once before anything else here. Returns 0 or -ENOMEM. */
int rcu_init(void);

/* Runs everything that was retired and frees the shared state. No reader may be registered. */
void rcu_fini(void);

/* Registers the calling packet thread as reader `id` (below RCU_READER_LIMIT, one per thread) and puts it online. */
void rcu_register(uint32_t id);
void rcu_unregister(uint32_t id);

/* Reader only. */
void rcu_quiescent(uint32_t id);
void rcu_offline(uint32_t id);
void rcu_online(uint32_t id);

/*
 * For readers that take out what others may still read: a token of now, and the last one since which every reader has
 * been quiescent or is offline: what was taken out before it, or before an earlier one, nobody reads any more. Neither
 * waits.
 */
uint64_t rcu_token(void);
uint64_t rcu_passed(void);

/* Waits until every reader that is online now has been quiescent once. Any thread that is no reader. */
void rcu_synchronize(void);

/*
 * Calls release(pointer, number), with the writer lock held, once no reader can still see what was unlinked before. Any
 * thread that is no reader. Never blocks; if memory for the queue entry is missing, waits for the readers instead.
 */
void rcu_retire(void (*release)(void *pointer, uint64_t number), void *pointer, uint64_t number);

/* rcu_retire of memory from malloc. */
void rcu_retire_memory(void *pointer);

/* Releases what has become free. Writer lock held. Called after every batch. */
void rcu_reclaim(void);

/* Waits until every reader has been quiescent once, then releases everything. Writer lock held. */
void rcu_barrier(void);

#endif
