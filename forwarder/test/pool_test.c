/* Packet buffers in memory without hugepages. */
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "io.h"
#include "pool.h"
#include "rig.h"
#include "test.h"
#include "worker.h"

static void add(struct rte_mempool *pool, void *sum, struct rte_mempool_memhdr *chunk, unsigned int number)
{
	*(uint64_t *)sum += chunk->len;
}

TEST(a_buffer_takes_no_more_memory_than_it_needs)
{
	uint64_t bytes = 0;

	rte_mempool_mem_iter(io_pool, add, &bytes);
	CHECK(bytes < (uint64_t)io_pool->size * pool_buffer_bytes() + 65536);
}

TEST(a_buffer_has_room_for_a_frame_and_what_goes_with_it)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(io_pool);

	CHECK(mbuf != NULL);
	CHECK_EQ(rte_pktmbuf_tailroom(mbuf), 2048);
	CHECK_EQ(mbuf->priv_size, WORKER_MBUF_PRIVATE);
	rte_pktmbuf_free(mbuf);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_buffer_takes_no_more_memory_than_it_needs),
	        CASE(a_buffer_has_room_for_a_frame_and_what_goes_with_it),
	};

	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
