#include "pipeline.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "punt.h"
#include "stage.h"
#include "tables.h"

#define PREFETCH_AHEAD 4u

/* The walk, up to the route lookup. */
static inline verdict_t classify(struct pkt *pkt, const struct ingress *in)
{
	verdict_t verdict = stage_check(pkt, in);

	if (verdict == VERDICT_NEXT)
		verdict = stage_service(pkt, in);
	if (verdict == VERDICT_NEXT)
		verdict = stage_arp(pkt, in);
	if (verdict == VERDICT_NEXT)
		verdict = stage_bridge(pkt, in);
	return verdict;
}

/* Route lookups of a burst run interleaved: their cache misses overlap. */
static void route_all(struct pkt *pkts, uint32_t count, uint32_t vrf)
{
	uint32_t addresses[TX_BURST], handles[TX_BURST];
	uint8_t which[TX_BURST];
	uint32_t routed = 0;

	for (uint32_t i = 0; i < count; i++) {
		which[routed] = (uint8_t)i;
		addresses[routed] = pkts[i].dst_be;
		routed += pkts[i].verdict == VERDICT_ROUTE;
	}
	if (routed == 0)
		return;
	tables_route4_burst(vrf, addresses, handles, routed);
	for (uint32_t i = 0; i < routed; i++) {
		struct pkt *pkt = &pkts[which[i]];
		pkt->verdict = stage_route(pkt, handles[i]);
	}
}

/* True: something was punted. */
static bool act(struct tx *tx, struct pkt *pkts, uint32_t count, const struct ingress *in)
{
	uint32_t punted = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct pkt *pkt = &pkts[i];
		switch (pkt->verdict) {
		case VERDICT_SEND:
			tx_send(tx, pkt->out, pkt->mbuf);
			break;
		case VERDICT_REPLY:
			tx_send(tx, in->port->slot, pkt->mbuf);
			break;
		case VERDICT_FLOOD:
			tx_flood(tx, in->row->bridge, pkt->mbuf);
			break;
		case VERDICT_PUNT:
			punted++;
			break;
		default:
			/* ICMP errors (time exceeded, unreachable, too big) belong here: the packet is whole, the
			 * reason is known. */
			tx_drop(tx, pkt->mbuf, (enum drop_reason)pkt->verdict);
		}
	}
	tx->counters[in->port->slot].punted += punted;
	return punted != 0;
}

static void drop_all(struct tx *tx, struct rte_mbuf **mbufs, uint32_t count, enum drop_reason reason)
{
	for (uint32_t i = 0; i < count; i++)
		tx_drop(tx, mbufs[i], reason);
}

/* Frames that entered through one port (tags are off), counted already. */
static void walk(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	struct pkt pkts[TX_BURST];
	struct ingress in = {.port = port, .row = tables_port(port->id)};

	if (in.row == NULL || tables_generation(in.row) != port->generation) {
		drop_all(tx, mbufs, count, DROP_PORT_DOWN);
		return;
	}
	in.bridge = tables_bridge(in.row->bridge);
	if (in.bridge == NULL) {
		drop_all(tx, mbufs, count, in.row->bridge == 0 ? DROP_NOT_ATTACHED : DROP_UNRESOLVED);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		pkts[i].verdict = parse(&pkts[i], mbufs[i]);
		if (pkts[i].verdict == VERDICT_NEXT)
			pkts[i].verdict = classify(&pkts[i], &in);
	}
	route_all(pkts, count, in.bridge->vrf);
	if (act(tx, pkts, count, &in))
		punt_flush();
}

/* Counts frames for the port they belong to and walks them, a run of one port at a time. */
static void receive_run(struct tx *tx, uint16_t slot, struct rte_mbuf **mbufs, uint32_t count)
{
	struct port_counters *counters = &tx->counters[slot];
	const struct port *port = port_at(slot);

	for (uint32_t i = 0; i < count; i++)
		counters->rx_bytes += mbufs[i]->pkt_len;
	counters->rx_packets += count;
	if (port == NULL)
		drop_all(tx, mbufs, count, DROP_PORT_DOWN);
	else
		walk(tx, port, mbufs, count);
}

void pipeline_receive(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	const struct fwd_port_row *row = tables_port(port->id);
	bool trunk = row != NULL && (row->flags & FWD_PORT_TRUNK) != 0;
	uint32_t start = 0;

	for (uint32_t i = 0; i < count; i++) {
		verdict_t reason;

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + PREFETCH_AHEAD], void *));
		uint16_t slot = stage_vlan(port, trunk, mbufs[i], &reason);

		mbufs[i]->port = slot;
		if (i > start && (slot == 0 || slot != mbufs[start]->port)) {
			receive_run(tx, mbufs[start]->port, mbufs + start, i - start);
			start = i;
		}
		if (slot == 0) {
			mbufs[i]->port = port->slot;
			tx->counters[port->slot].rx_packets++;
			tx->counters[port->slot].rx_bytes += mbufs[i]->pkt_len;
			tx_drop(tx, mbufs[i], (enum drop_reason)reason);
			start = i + 1;
		}
	}
	if (start < count)
		receive_run(tx, mbufs[start]->port, mbufs + start, count - start);
}

uint32_t pipeline_inject(struct tx *tx)
{
	struct rte_mbuf *mbufs[TX_BURST];
	uint32_t count = punt_injected(mbufs, TX_BURST);

	for (uint32_t i = 0; i < count; i++) {
		const struct port *port = port_at(mbufs[i]->port);
		bool stale = port == NULL || port->generation != punt_injected_generation(mbufs[i]);

		/* A port that went since the record was taken: its counters are gone or another's. */
		if (stale)
			mbufs[i]->port = 0;
		tx->counters[mbufs[i]->port].injected++;
		if (stale)
			tx_drop(tx, mbufs[i], DROP_INJECT_STALE);
		else
			tx_send(tx, port->slot, mbufs[i]);
	}
	return count;
}
