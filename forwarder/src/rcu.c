#include "rcu.h"

#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <stdlib.h>

struct retired {
	struct retired *next;
	uint64_t token;
	void (*release)(void *pointer, uint64_t number);
	void *pointer;
	uint64_t number;
};

static struct rte_rcu_qsbr *qsbr;
/* Oldest first. Guarded by the writer lock. */
static struct retired *first, **last = &first;

int rcu_init(void)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(RCU_READER_LIMIT);
	/* Plain memory, not rte_malloc: tables are usable (and tested) without EAL. */
	qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(bytes));
	if (!qsbr)
		return -ENOMEM;
	rte_rcu_qsbr_init(qsbr, RCU_READER_LIMIT);
	return 0;
}

void rcu_fini(void)
{
	rcu_barrier();
	free(qsbr);
	qsbr = NULL;
}

void rcu_register(uint32_t id)
{
	rte_rcu_qsbr_thread_register(qsbr, id);
	rcu_online(id);
}

void rcu_unregister(uint32_t id)
{
	rte_rcu_qsbr_thread_offline(qsbr, id);
	rte_rcu_qsbr_thread_unregister(qsbr, id);
}

void rcu_quiescent(uint32_t id)
{
	rte_rcu_qsbr_quiescent(qsbr, id);
}

void rcu_offline(uint32_t id)
{
	rte_rcu_qsbr_thread_offline(qsbr, id);
}

/*
 * rte_rcu_qsbr_thread_online with a release store: a writer that sees this value, and missed the offline one before it,
 * must also see the reads before the sleep as done. (C11's release sequences say so for a relaxed store, too; C++20's
 * and ThreadSanitizer do not.)
 */
void rcu_online(uint32_t id)
{
	uint64_t token = __atomic_load_n(&qsbr->token, __ATOMIC_RELAXED);
	__atomic_store_n(&qsbr->qsbr_cnt[id].cnt, token, __ATOMIC_RELEASE);
	rte_atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void rcu_synchronize(void)
{
	rte_rcu_qsbr_synchronize(qsbr, RTE_QSBR_THRID_INVALID);
}

void rcu_retire(void (*release)(void *pointer, uint64_t number), void *pointer, uint64_t number)
{
	struct retired *entry = malloc(sizeof(*entry));
	if (!entry) {
		rcu_synchronize();
		release(pointer, number);
		return;
	}
	*entry = (struct retired){NULL, rte_rcu_qsbr_start(qsbr), release, pointer, number};
	*last = entry;
	last = &entry->next;
}

static void release_memory(void *pointer, uint64_t number)
{
	(void)number;
	free(pointer);
}

void rcu_retire_memory(void *pointer)
{
	if (pointer)
		rcu_retire(release_memory, pointer, 0);
}

void rcu_reclaim(void)
{
	while (first && rte_rcu_qsbr_check(qsbr, first->token, false) == 1) {
		struct retired *entry = first;
		first = entry->next;
		if (!first)
			last = &first;
		entry->release(entry->pointer, entry->number);
		free(entry);
	}
}

void rcu_barrier(void)
{
	if (!first)
		return;
	rcu_synchronize();
	rcu_reclaim();
}
