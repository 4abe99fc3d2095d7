/* DPDK devices as ports. */
#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>

#include "io.h"
#include "rig.h"
#include "test.h"

#define DEVICE "net_null0"

TEST(a_device_has_one_user_at_a_time)
{
	struct port_io *first, *second;

	CHECK_EQ(io_ethdev_open(DEVICE, 1500, &first), 0);
	CHECK_EQ(io_ethdev_open(DEVICE, 1500, &second), -EBUSY);
	first->ops->close(first);
}

TEST(a_device_that_was_given_up_can_be_used_again)
{
	struct port_io *io;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(io_ethdev_open(DEVICE, 1500, &io), 0);
		io->ops->close(io);
	}
}

TEST(a_device_that_does_not_exist_is_named_so)
{
	struct port_io *io;

	CHECK_EQ(io_ethdev_open("net_nothing0", 1500, &io), -ENODEV);
}

TEST(a_device_without_chains_refuses_what_does_not_fit_a_buffer)
{
	struct port_io *io;

	CHECK_EQ(io_ethdev_open(DEVICE, 9000, &io), -EMSGSIZE);
	CHECK_EQ(io_ethdev_open(DEVICE, 2000, &io), 0);
	io->ops->close(io);
}

static struct rte_mbuf *tcp(uint32_t payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(54 + payload));

	memset(at, 0, 54 + payload);
	at[12] = 8;
	at[14] = 0x45;
	at[23] = 6;
	at[46] = 0x50;
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	return m;
}

TEST(what_a_device_cannot_do_is_done_for_it)
{
	struct rte_mbuf *burst[3] = {tcp(100), tcp(1800), tcp(1)};
	struct rte_eth_stats stats;
	struct port_io *io;

	burst[1]->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	burst[1]->tso_segsz = 1000;
	CHECK_EQ(io_ethdev_open(DEVICE, 1500, &io), 0);
	CHECK_EQ(io->ops->tx_burst(io, burst, 3), 1);
	CHECK_EQ(io->ops->tx_burst(io, burst + 1, 2), 1);
	CHECK_EQ(io->ops->tx_burst(io, burst + 2, 1), 1);
	CHECK_EQ(rte_eth_stats_get((uint16_t)io->handle, &stats), 0);
	CHECK_EQ(stats.opackets, 4);
	/* A contradiction is refused alone. */
	burst[0] = tcp(1800);
	burst[0]->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
	CHECK_EQ(io->ops->tx_burst(io, burst, 1), -EINVAL);
	rte_pktmbuf_free(burst[0]);
	io->ops->close(io);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_device_has_one_user_at_a_time),
	        CASE(a_device_that_was_given_up_can_be_used_again),
	        CASE(a_device_that_does_not_exist_is_named_so),
	        CASE(a_device_without_chains_refuses_what_does_not_fit_a_buffer),
	        CASE(what_a_device_cannot_do_is_done_for_it),
	};

	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
