#include "io.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "offload.h"

#define DESCRIPTORS 512
/* Frames that one frame to be segmented becomes, at most: 64 KiB of the smallest usual payload, 536 bytes. */
#define SEGMENTS 128u

/* Link thread only. */
static bool taken[RTE_MAX_ETHPORTS];

struct device {
	struct port_io io;
	/** RTE_ETH_TX_OFFLOAD_* that are on. */
	uint64_t tx_offloads;
};

static uint16_t ethdev_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	return rte_eth_rx_burst((uint16_t)io->handle, 0, mbufs, n);
}

/* 0: the frame is as the device takes it; 1: it must be cut here; -errno: it cannot go. */
static int prepare(const struct device *device, struct rte_mbuf *m)
{
	uint64_t need = 0;

	if (m->nb_segs > 1 && (device->tx_offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0 && !offload_is_large(m) &&
	        rte_pktmbuf_linearize(m) != 0)
		return -EMSGSIZE;
	if (likely(!offload_pending(m)))
		return 0;
	if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG)
		return 1;
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		need = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	else if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM)
		need = RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	else
		need = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	/* Drivers want the pseudo-header's sum in forms of their own; prepare knows them. */
	if ((device->tx_offloads & need) == need && rte_eth_tx_prepare((uint16_t)device->io.handle, 0, &m, 1) == 1)
		return 0;
	if (offload_is_large(m))
		return 1;
	offload_finish(m);
	return 0;
}

/* Frames behind one that the full queue cut in two are lost, as they would be on a wire. */
static int send_cut(struct port_io *io, struct rte_mbuf *m)
{
	struct rte_mbuf *cut[SEGMENTS];
	int count = offload_segment(m, cut, SEGMENTS);

	if (count < 0)
		return count;
	uint16_t sent = rte_eth_tx_burst((uint16_t)io->handle, 0, cut, (uint16_t)count);
	rte_pktmbuf_free_bulk(cut + sent, (unsigned int)(count - sent));
	if (sent == 0)
		return 0;
	rte_pktmbuf_free(m);
	return 1;
}

static int ethdev_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	const struct device *device = (const struct device *)io;
	int state = 0;
	uint16_t ready = 0;

	while (ready < n && (state = prepare(device, mbufs[ready])) == 0)
		ready++;
	if (ready > 0)
		return rte_eth_tx_burst((uint16_t)io->handle, 0, mbufs, ready);
	return state <= 0 ? state : send_cut(io, mbufs[0]);
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

/* Offloads both sides know; chains where a frame does not fit one buffer. */
static int choose(uint16_t id, uint16_t mtu, struct rte_eth_conf *conf)
{
	static const uint64_t wanted = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_TCP_TSO |
	                               RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	uint32_t frame = mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
	struct rte_eth_dev_info info;
	int result = rte_eth_dev_info_get(id, &info);

	if (result != 0)
		return result;
	conf->txmode.offloads = info.tx_offload_capa & wanted;
	if (mtu != 0)
		conf->rxmode.mtu = mtu;
	if (mtu > info.max_mtu || frame - RTE_VLAN_HLEN > info.max_rx_pktlen)
		return -EMSGSIZE;
	if (frame <= (uint32_t)(rte_pktmbuf_data_room_size(io_pool) - RTE_PKTMBUF_HEADROOM))
		return 0;
	conf->rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
	return (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0 &&
	                       (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0
	               ? 0
	               : -EMSGSIZE;
}

static int configure(uint16_t id, uint16_t mtu, uint64_t *tx_offloads)
{
	struct rte_eth_conf conf = {0};
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int result = choose(id, mtu, &conf);

	if (result == 0)
		result = rte_eth_dev_configure(id, 1, 1, &conf);
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
	*tx_offloads = conf.txmode.offloads;
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
	struct device *device = calloc(1, sizeof(*device));
	if (device == NULL)
		return -ENOMEM;
	device->io = (struct port_io){.ops = &ethdev_ops, .fd = -1, .handle = id};
	taken[id] = true;
	int result = configure(id, mtu, &device->tx_offloads);
	if (result != 0) {
		ethdev_close(&device->io);
		return result;
	}
	*out = &device->io;
	return 0;
}

void io_ethdev_mac(const struct port_io *io, uint8_t mac[6])
{
	struct rte_ether_addr address = {0};

	rte_eth_macaddr_get((uint16_t)io->handle, &address);
	memcpy(mac, address.addr_bytes, sizeof(address.addr_bytes));
}
