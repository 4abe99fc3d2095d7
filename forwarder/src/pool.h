/*
 * The packet buffers. Called by the thread that starts the forwarder.
 */
#ifndef FORWARDER_POOL_H
#define FORWARDER_POOL_H

#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

/** What one buffer takes of the packet memory. */
uint32_t pool_buffer_bytes(void);
/** `count` mbufs with WORKER_MBUF_PRIVATE bytes each; rte_mempool_free ends it. NULL and rte_errno on failure. */
struct rte_mempool *pool_make(uint32_t count);

/** A frame in as many buffers as it needs; NULL: too few are free. Any thread. */
struct rte_mbuf *pool_frame(const uint8_t *frame, uint32_t length);

#endif
