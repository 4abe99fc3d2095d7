#include "rcu.h"

#include <errno.h>
#include <pthread.h>
#include <rte_rcu_qsbr.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

struct retired {
	struct retired *next;
	uint64_t token;
	void (*release)(void *pointer, uint64_t number);
	void *pointer;
	uint64_t number;
};

static struct rte_rcu_qsbr *qsbr;
/* Readers that ever registered have numbers below. */
static uint32_t reader_end;
/* Guards the list; oldest first. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
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
	uint32_t end = __atomic_load_n(&reader_end, __ATOMIC_RELAXED);

	while (end <= id &&
	        !__atomic_compare_exchange_n(&reader_end, &end, id + 1, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
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

/*
 * The last token since which every reader has been quiescent, or is offline. Not rte_rcu_qsbr_check: it remembers the
 * least counter it saw as acknowledged by all, also by a reader that was offline when looked at and has come online
 * before the others' counters were read. With several threads that wait at a time, one then frees what that reader
 * still reads.
 */
static uint64_t acknowledged(void)
{
	uint64_t least = UINT64_MAX;
	uint32_t end = __atomic_load_n(&reader_end, __ATOMIC_SEQ_CST);

	for (uint32_t id = 0; id < end; id++) {
		uint64_t count = __atomic_load_n(&qsbr->qsbr_cnt[id].cnt, __ATOMIC_ACQUIRE);
		if (count != __RTE_QSBR_CNT_THR_OFFLINE && count < least)
			least = count;
	}
	return least;
}

uint64_t rcu_token(void)
{
	return rte_rcu_qsbr_start(qsbr);
}

uint64_t rcu_passed(void)
{
	return acknowledged();
}

void rcu_synchronize(void)
{
	uint64_t token = rte_rcu_qsbr_start(qsbr);

	/* A reader may have lost its CPU to this thread. */
	while (acknowledged() < token)
		sched_yield();
}

void rcu_retire(void (*release)(void *pointer, uint64_t number), void *pointer, uint64_t number)
{
	struct retired *entry = malloc(sizeof(*entry));
	if (!entry) {
		rcu_synchronize();
		release(pointer, number);
		return;
	}
	pthread_mutex_lock(&lock);
	*entry = (struct retired){NULL, rte_rcu_qsbr_start(qsbr), release, pointer, number};
	*last = entry;
	last = &entry->next;
	pthread_mutex_unlock(&lock);
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

/* The oldest if it has become free; NULL: it has not. */
static struct retired *take_free(void)
{
	pthread_mutex_lock(&lock);
	struct retired *entry = first;
	if (entry && acknowledged() < entry->token)
		entry = NULL;
	if (entry) {
		first = entry->next;
		if (!first)
			last = &first;
	}
	pthread_mutex_unlock(&lock);
	return entry;
}

void rcu_reclaim(void)
{
	for (struct retired *entry; (entry = take_free());) {
		entry->release(entry->pointer, entry->number);
		free(entry);
	}
}

void rcu_barrier(void)
{
	rcu_synchronize();
	rcu_reclaim();
}
