#include "tx.h"

#include <errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <sys/mman.h>

#include "capture.h"
#include "flow.h"
#include "handover.h"
#include "io.h"
#include "offload.h"
#include "tables.h"
#include "worker.h"

int tx_init(struct tx *tx, uint32_t slots, uint32_t thread)
{
	void *at = mmap(NULL, slots * sizeof(struct tx_queue), PROT_READ | PROT_WRITE,
	        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	*tx = (struct tx){.counters = stats_block(thread), .queues = at, .slots = slots, .thread = (uint8_t)thread};
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
	capture_drop(mbuf, reason);
	rte_pktmbuf_free(mbuf);
}

void tx_drop_all(struct tx *tx, struct rte_mbuf **mbufs, uint32_t count, enum drop_reason reason)
{
	for (uint32_t i = 0; i < count; i++)
		tx_drop(tx, mbufs[i], reason);
}

/* A burst on its way out, and what to count of each frame: whoever has it afterwards may have freed it. */
struct burst {
	uint32_t count;
	struct rte_mbuf **mbufs;
	uint16_t sources[TX_BURST];
	uint32_t lengths[TX_BURST];
};

/* Drops what does not fit through the port; the rest stays in order. */
static void gather(struct tx *tx, const struct port *port, struct burst *burst, uint32_t count)
{
	const struct fwd_port_row *row = tables_port(port->id);
	uint32_t mtu = port_mtu(row);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = burst->mbufs[i];
		if (unlikely(mbuf->pkt_len > mtu + RTE_ETHER_HDR_LEN) &&
		        offload_ip_length(mbuf, RTE_ETHER_HDR_LEN) > mtu) {
			tx_drop(tx, mbuf, DROP_MTU_EXCEEDED);
			continue;
		}
		burst->mbufs[kept] = mbuf;
		burst->sources[kept] = mbuf->port;
		burst->lengths[kept++] = mbuf->pkt_len;
	}
	burst->count = kept;
}

/* Counts frames that were sent; sources a run at a time, for mostly all have the same. */
static void count_sent(struct tx *tx, struct port_counters *out, const struct burst *burst, uint32_t at, uint32_t end)
{
	uint32_t bytes = 0, differ = 0;

	for (uint32_t i = at; i < end; i++) {
		bytes += burst->lengths[i];
		differ |= burst->sources[i] ^ burst->sources[at];
	}
	stats_add(&out->tx_packets, end - at);
	stats_add(&out->tx_bytes, bytes);
	while (at < end) {
		uint32_t first = at;
		do
			at = differ == 0 ? end : at + 1;
		while (at < end && burst->sources[at] == burst->sources[first]);
		stats_add(&tx->counters[burst->sources[first]].sent, at - first);
	}
}

static __attribute__((noinline)) void hand_over(struct tx *tx, uint8_t owner, uint16_t slot, struct tx_queue *queue)
{
	for (uint32_t i = 0; i < queue->count; i++)
		handover_set_slot(queue->mbufs[i], slot);
	uint32_t taken = handover_put(tx->thread, owner, queue->mbufs, queue->count);
	tx->wakes |= 1u << owner;
	tx_drop_all(tx, queue->mbufs + taken, queue->count - taken, DROP_HANDOVER_FULL);
}

/* The I/O takes a burst in parts, and a frame it refuses must not take those behind it along. */
static void send_all(
        struct tx *tx, const struct port *port, struct port_io *io, struct rte_mbuf **mbufs, uint32_t count)
{
	struct burst burst;
	uint32_t at = 0;

	burst.mbufs = mbufs;
	gather(tx, port, &burst, count);
	capture_out(port->slot, mbufs, burst.count);
	while (at < burst.count) {
		int some = io->ops->tx_burst(io, mbufs + at, (uint16_t)(burst.count - at));
		if (unlikely(some < 0)) {
			tx_drop(tx, mbufs[at++], some == -ENOBUFS ? DROP_TX_FULL : DROP_TX_REFUSED);
			continue;
		}
		if (some == 0)
			break;
		count_sent(tx, &tx->counters[port->slot], &burst, at, at + (uint32_t)some);
		at += (uint32_t)some;
	}
	uint8_t state = __atomic_load_n(&port->state, __ATOMIC_RELAXED);
	tx_drop_all(tx, mbufs + at, burst.count - at, state == FWD_LINK_UP ? DROP_TX_FULL : DROP_PORT_DOWN);
}

static void flush_queue(struct tx *tx, uint16_t slot)
{
	struct tx_queue *queue = &tx->queues[slot];
	const struct port *port = port_at(slot);
	struct port_io *io = port == NULL ? NULL : port_io_of(port);

	if (queue->count == 0)
		return;
	if (io == NULL)
		tx_drop_all(tx, queue->mbufs, queue->count, DROP_PORT_DOWN);
	else if (unlikely(io->owner != tx->thread))
		hand_over(tx, io->owner, slot, queue);
	else
		send_all(tx, port, io, queue->mbufs, queue->count);
	queue->count = 0;
}

static __attribute__((noinline)) void wake(struct tx *tx)
{
	for (; tx->wakes != 0; tx->wakes &= tx->wakes - 1)
		worker_wake((uint32_t)__builtin_ctz(tx->wakes));
}

void tx_flush(struct tx *tx)
{
	for (uint32_t i = 0; i < tx->dirty_count; i++)
		flush_queue(tx, tx->dirty[i]);
	tx->dirty_count = 0;
	if (unlikely(tx->wakes != 0))
		wake(tx);
}

void tx_begin(struct tx *tx, uint16_t slot)
{
	if (tx->dirty_count == TX_DIRTY)
		tx_flush(tx);
	tx->dirty[tx->dirty_count++] = slot;
}

void tx_full(struct tx *tx, uint16_t slot)
{
	flush_queue(tx, slot);
}

void tx_originate(struct tx *tx, uint16_t slot, struct rte_mbuf *mbuf)
{
	stats_add(&tx->counters[mbuf->port].originated, 1);
	tx_send(tx, slot, mbuf);
}

/* A member that a flooded frame reaches: attached, and not the one it came from; else NULL. */
static const struct port *target_at(uint16_t slot, uint16_t source)
{
	const struct port *port = slot == source ? NULL : port_at(slot);

	return port != NULL && port_io_of(port) != NULL ? port : NULL;
}

/* The way of a copy through a port, when one of the two has policy. */
static __attribute__((noinline)) verdict_t ask(
        struct pkt *pkt, const struct ingress *in, const struct port *port, const struct flow_fragment_ports *ports)
{
	const struct fwd_port_row *row = tables_port(port->id);
	/* A port whose row is gone is closed. */
	static const struct fwd_port_row gone = {.flags = FWD_PORT_POLICY_REQUIRED};
	struct way_out way = stage_way_out(in, port, row != NULL ? row : &gone);

	RECORD(pkt, RECORD_EXIT, (uintptr_t)port->id);
	return flow_copy_passes(pkt, in, &way, ports);
}

/* A whole copy, chained when it is long: each may get a tag of its own, or its checksum finished in place. */
static void send_copy(struct tx *tx, uint16_t slot, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(mbuf, io_pool, 0, UINT32_MAX);

	stats_add(&tx->counters[mbuf->port].cloned, 1);
	if (copy == NULL) {
		stats_drop(&tx->counters[mbuf->port], DROP_NO_MEMORY, mbuf->pkt_len);
		return;
	}
	copy->port = mbuf->port;
	tx_send(tx, slot, copy);
}

/* A copy that is not made; each is counted, so that it is known how many did not get one. */
static __attribute__((noinline, cold)) void refuse_copy(struct tx *tx, struct rte_mbuf *mbuf, enum drop_reason reason)
{
	stats_add(&tx->counters[mbuf->port].cloned, 1);
	stats_drop(&tx->counters[mbuf->port], reason, mbuf->pkt_len);
	capture_drop(mbuf, reason);
}

void tx_flood(struct tx *tx, struct pkt *pkt, const struct ingress *in, const struct flow_fragment_ports *ports)
{
	struct rte_mbuf *mbuf = pkt->mbuf;
	const struct port_members *members = port_members(in->row->bridge);
	uint32_t count = members == NULL ? 0 : __atomic_load_n(&members->count, __ATOMIC_ACQUIRE);
	bool asks = in->stamp != POLICY_OPEN;
	/* Of the last copy that was refused and not counted yet. */
	verdict_t refused = VERDICT_NEXT;
	uint16_t last = 0;

	/* The original goes to the last target, copies to those before. */
	for (uint32_t i = 0; i < count; i++) {
		uint16_t slot = members->slots[i];
		const struct port *port = target_at(slot, mbuf->port);
		if (port == NULL)
			continue;
		if (unlikely(asks || __atomic_load_n(&port->asks_policy, __ATOMIC_RELAXED))) {
			verdict_t verdict = ask(pkt, in, port, ports);
			if (verdict != VERDICT_NEXT) {
				if (refused != VERDICT_NEXT)
					refuse_copy(tx, mbuf, (enum drop_reason)refused);
				refused = verdict;
				continue;
			}
		}
		if (last != 0)
			send_copy(tx, last, mbuf);
		last = slot;
	}
	if (likely(last != 0)) {
		if (unlikely(refused != VERDICT_NEXT))
			refuse_copy(tx, mbuf, (enum drop_reason)refused);
		tx_send(tx, last, mbuf);
		return;
	}
	tx_drop(tx, mbuf, refused != VERDICT_NEXT ? (enum drop_reason)refused : DROP_NO_LISTENER);
}
