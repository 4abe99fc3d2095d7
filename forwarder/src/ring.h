/*
 * A bounded ring of mbufs with one writing and one reading thread. Neither ever waits for the other, also when that one
 * lost its CPU in the middle of a call (rings with several writers make the others wait). Sizes are powers of two;
 * memory of zeros is an empty ring once `slots` and `mask` are set.
 */
#ifndef FORWARDER_RING_H
#define FORWARDER_RING_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

struct ring {
	struct rte_mbuf **slots;
	uint32_t mask;
	/** Count what was taken and put since the start, modulo 2³². Each has one writer, and a cache line of its own.
	 */
	uint32_t taken __attribute__((aligned(64)));
	uint32_t put __attribute__((aligned(64)));
} __attribute__((aligned(64)));

/** Any thread; a moment's truth but for its reader. */
static inline uint32_t ring_count(const struct ring *ring)
{
	uint32_t taken = __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) - taken;
}

/** Writer: puts the first that fit; how many. */
static inline uint32_t ring_put(struct ring *ring, struct rte_mbuf *const *mbufs, uint32_t n)
{
	uint32_t put = __atomic_load_n(&ring->put, __ATOMIC_RELAXED);
	uint32_t room = ring->mask + 1 - (put - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE));

	n = n < room ? n : room;
	for (uint32_t i = 0; i < n; i++)
		ring->slots[(put + i) & ring->mask] = mbufs[i];
	__atomic_store_n(&ring->put, put + n, __ATOMIC_RELEASE);
	return n;
}

/** Reader: the oldest, still in the ring; NULL: none. */
static inline struct rte_mbuf *ring_first(const struct ring *ring)
{
	uint32_t taken = __atomic_load_n(&ring->taken, __ATOMIC_RELAXED);

	return __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) == taken ? NULL : ring->slots[taken & ring->mask];
}

/** Reader: takes up to n; how many. */
static inline uint32_t ring_take(struct ring *ring, struct rte_mbuf **mbufs, uint32_t n)
{
	uint32_t taken = __atomic_load_n(&ring->taken, __ATOMIC_RELAXED);
	uint32_t count = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) - taken;

	n = n < count ? n : count;
	if (n == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		mbufs[i] = ring->slots[(taken + i) & ring->mask];
	__atomic_store_n(&ring->taken, taken + n, __ATOMIC_RELEASE);
	return n;
}

#endif
