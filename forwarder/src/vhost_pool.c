#include "vhost_pool.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "io.h"

/* Of one frame of 65,535 bytes, in buffers of 2,048. */
#define BUFFERS_PER_FRAME 33u

static struct rte_mempool *pool;
static _Thread_local uint32_t budget;

static int take(struct rte_mempool *unused, void **objects, unsigned int n)
{
	(void)unused;
	if (n > budget || rte_mempool_get_bulk(io_pool, objects, n) < 0)
		return -ENOBUFS;
	budget -= n;
	return 0;
}

/* Buffers know io_pool as theirs and go back there. */
static int no_alloc(struct rte_mempool *unused)
{
	(void)unused;
	return 0;
}

static int no_enqueue(struct rte_mempool *unused, void *const *objects, unsigned int n)
{
	(void)unused;
	(void)objects;
	(void)n;
	return -ENOTSUP;
}

static unsigned int no_count(const struct rte_mempool *unused)
{
	(void)unused;
	return 0;
}

static const struct rte_mempool_ops counting = {
        .name = "weft-counting",
        .alloc = no_alloc,
        .enqueue = no_enqueue,
        .dequeue = take,
        .get_count = no_count,
};
RTE_MEMPOOL_REGISTER_OPS(counting);

int vhost_pool_init(void)
{
	if (pool != NULL)
		return 0;
	pool = rte_mempool_create_empty(
	        "vhost", 1, sizeof(struct rte_mbuf), 0, sizeof(struct rte_pktmbuf_pool_private), SOCKET_ID_ANY, 0);
	if (pool == NULL)
		return -rte_errno;
	int result = rte_mempool_set_ops_byname(pool, counting.name, NULL);
	if (result < 0) {
		rte_mempool_free(pool);
		pool = NULL;
	}
	return result;
}

struct rte_mempool *vhost_pool_take(uint16_t n)
{
	budget = n * BUFFERS_PER_FRAME;
	return pool;
}
