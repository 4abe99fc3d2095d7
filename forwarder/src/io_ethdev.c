#include "io.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdlib.h>

#define DESCRIPTORS 512

/* Link thread only. */
static bool taken[RTE_MAX_ETHPORTS];

static uint16_t ethdev_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	return rte_eth_rx_burst((uint16_t)io->handle, 0, mbufs, n);
}

static uint16_t ethdev_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	return rte_eth_tx_burst((uint16_t)io->handle, 0, mbufs, n);
}

static void ethdev_close(struct port_io *io)
{
	uint16_t id = (uint16_t)io->handle;
	struct rte_eth_dev_info info;
	bool known = rte_eth_dev_info_get(id, &info) == 0;

	rte_eth_dev_stop(id);
	rte_eth_dev_close(id);
	/* What is closed but still on its bus could not be probed again. */
	if (known && rte_eth_find_next_of(0, info.device) == RTE_MAX_ETHPORTS)
		rte_dev_remove(info.device);
	taken[id] = false;
	free(io);
}

static const struct port_ops ethdev_ops = {
        .name = "ethdev",
        .rx_burst = ethdev_rx,
        .tx_burst = ethdev_tx,
        .close = ethdev_close,
};

static int configure(uint16_t id, uint16_t mtu)
{
	struct rte_eth_conf conf = {0};
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int result = rte_eth_dev_configure(id, 1, 1, &conf);

	if (result == 0)
		result = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx);
	if (result == 0)
		result = rte_eth_rx_queue_setup(id, 0, rx, SOCKET_ID_ANY, NULL, io_pool);
	if (result == 0)
		result = rte_eth_tx_queue_setup(id, 0, tx, SOCKET_ID_ANY, NULL);
	if (result == 0 && mtu != 0) {
		int refused = rte_eth_dev_set_mtu(id, mtu);
		result = refused == -ENOTSUP ? 0 : refused;
	}
	if (result == 0)
		result = rte_eth_dev_start(id);
	if (result == 0) {
		int refused = rte_eth_promiscuous_enable(id);
		result = refused == -ENOTSUP ? 0 : refused;
	}
	return result;
}

int io_ethdev_open(const char *name, uint16_t mtu, struct port_io **out)
{
	uint16_t id;

	if (rte_eth_dev_get_port_by_name(name, &id) != 0 &&
	        (rte_dev_probe(name) != 0 || rte_eth_dev_get_port_by_name(name, &id) != 0))
		return -ENODEV;
	if (taken[id])
		return -EBUSY;
	struct port_io *io = calloc(1, sizeof(*io));
	if (io == NULL)
		return -ENOMEM;
	*io = (struct port_io){.ops = &ethdev_ops, .fd = -1, .handle = id};
	taken[id] = true;
	int result = configure(id, mtu);
	if (result != 0) {
		ethdev_close(io);
		return result;
	}
	*out = io;
	return 0;
}
