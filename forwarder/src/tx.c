#include "tx.h"

#include <errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <sys/mman.h>

#include "io.h"
#include "tables.h"

#define DEFAULT_MTU 1500u

int tx_init(struct tx *tx, uint32_t slots, struct port_counters *counters)
{
	void *at = mmap(NULL, slots * sizeof(struct tx_queue), PROT_READ | PROT_WRITE,
	        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	*tx = (struct tx){.counters = counters, .queues = at, .slots = slots};
	return 0;
}

void tx_free(struct tx *tx)
{
	if (tx->queues != NULL)
		munmap(tx->queues, tx->slots * sizeof(struct tx_queue));
	tx->queues = NULL;
}

void tx_drop(struct tx *tx, struct rte_mbuf *mbuf, enum drop_reason reason)
{
	stats_drop(&tx->counters[mbuf->port], reason, mbuf->pkt_len);
	rte_pktmbuf_free(mbuf);
}

/* Drops what does not fit through the port; returns how many are left, in order. */
static uint32_t keep_fitting(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	const struct fwd_port_row *row = tables_port(port->id);
	uint32_t limit = (row == NULL || row->mtu == 0 ? DEFAULT_MTU : row->mtu) + RTE_ETHER_HDR_LEN;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (unlikely(mbufs[i]->pkt_len > limit))
			tx_drop(tx, mbufs[i], DROP_MTU_EXCEEDED);
		else
			mbufs[kept++] = mbufs[i];
	}
	return kept;
}

static void flush_queue(struct tx *tx, uint16_t slot)
{
	struct tx_queue *queue = &tx->queues[slot];
	const struct port *port = port_at(slot);
	struct port_io *io = port == NULL ? NULL : port_io_of(port);
	uint16_t sources[TX_BURST];
	uint16_t lengths[TX_BURST];
	uint32_t count = queue->count;
	uint32_t sent = 0;

	queue->count = 0;
	if (io == NULL) {
		for (uint32_t i = 0; i < count; i++)
			tx_drop(tx, queue->mbufs[i], DROP_PORT_DOWN);
		return;
	}
	count = keep_fitting(tx, port, queue->mbufs, count);
	for (uint32_t i = 0; i < count; i++) {
		sources[i] = queue->mbufs[i]->port;
		lengths[i] = (uint16_t)queue->mbufs[i]->pkt_len;
	}
	while (sent < count) {
		uint16_t some = io->ops->tx_burst(io, queue->mbufs + sent, (uint16_t)(count - sent));
		if (some == 0)
			break;
		sent += some;
	}
	struct port_counters *out = &tx->counters[slot];
	for (uint32_t i = 0; i < sent; i++) {
		tx->counters[sources[i]].sent++;
		out->tx_bytes += lengths[i];
	}
	out->tx_packets += sent;
	for (uint32_t i = sent; i < count; i++)
		tx_drop(tx, queue->mbufs[i], port->state == FWD_LINK_UP ? DROP_TX_FULL : DROP_PORT_DOWN);
}

void tx_flush(struct tx *tx)
{
	for (uint32_t i = 0; i < tx->dirty_count; i++)
		flush_queue(tx, tx->dirty[i]);
	tx->dirty_count = 0;
}

void tx_send(struct tx *tx, uint16_t slot, struct rte_mbuf *mbuf)
{
	struct tx_queue *queue = &tx->queues[slot];

	if (queue->count == 0) {
		if (tx->dirty_count == TX_BURST)
			tx_flush(tx);
		tx->dirty[tx->dirty_count++] = slot;
	}
	queue->mbufs[queue->count++] = mbuf;
	if (queue->count == TX_BURST)
		tx_flush(tx);
}

/* Members that a flooded frame reaches: attached, and not the one it came from. */
static bool is_target(uint16_t slot, uint16_t source)
{
	const struct port *port = slot == source ? NULL : port_at(slot);

	return port != NULL && port_io_of(port) != NULL;
}

void tx_flood(struct tx *tx, uint32_t bridge, struct rte_mbuf *mbuf)
{
	const struct port_members *members = port_members(bridge);
	uint32_t count = members == NULL ? 0 : __atomic_load_n(&members->count, __ATOMIC_ACQUIRE);
	uint16_t last = 0;

	/* The original goes to the last target, copies to those before: whole copies, for each may get a tag of its
	 * own. */
	for (uint32_t i = 0; i < count; i++) {
		uint16_t slot = members->slots[i];
		if (!is_target(slot, mbuf->port))
			continue;
		if (last != 0) {
			struct rte_mbuf *copy = rte_pktmbuf_copy(mbuf, io_pool, 0, UINT32_MAX);
			tx->counters[mbuf->port].cloned++;
			if (copy == NULL) {
				stats_drop(&tx->counters[mbuf->port], DROP_NO_MEMORY, mbuf->pkt_len);
			} else {
				copy->port = mbuf->port;
				tx_send(tx, last, copy);
			}
		}
		last = slot;
	}
	if (last != 0)
		tx_send(tx, last, mbuf);
	else
		tx_drop(tx, mbuf, DROP_NO_LISTENER);
}
