#include "pipeline.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "capture.h"
#include "fragment.h"
#include "icmp_error.h"
#include "inject.h"
#include "learn.h"
#include "limit.h"
#include "offload.h"
#include "punt.h"
#include "stage.h"
#include "tables.h"

#define PREFETCH_AHEAD 4u

/* Least burst of flooded frames: a VM that boots says a few things at once. */
#define FLOOD_BURST_LEAST 64u

/* The walk, up to the bridge. */
static inline verdict_t classify(struct pkt *pkt, const struct ingress *in)
{
	verdict_t verdict = stage_check(pkt, in);

	if (unlikely(verdict != VERDICT_NEXT))
		return verdict;
	if ((in->row->flags & FWD_PORT_SECURITY) == 0)
		learn_mac(in, pkt->data + RTE_ETHER_ADDR_LEN);
	verdict = stage_service(pkt, in);
	if (unlikely(verdict != VERDICT_NEXT))
		return verdict;
	if (unlikely((pkt->flags & PKT_ARP) != 0))
		verdict = stage_arp(pkt, in);
	else if (unlikely(pkt->protocol == IPPROTO_ICMPV6 && (pkt->flags & PKT_IPV6) != 0))
		verdict = stage_nd(pkt, in);
	return verdict;
}

/* Lookups of a burst run interleaved: their cache misses overlap. */
static void find_macs(struct pkt *pkts, const uint8_t *which, uint32_t count, const struct ingress *in)
{
	const struct fwd_mac_row *rows[TX_BURST];
	const uint8_t *macs[TX_BURST];

	for (uint32_t i = 0; i < count; i++)
		macs[i] = pkts[which[i]].data;
	tables_mac_burst(in->row->bridge, macs, rows, count);
	for (uint32_t i = 0; i < count; i++)
		pkts[which[i]].mac = rows[i];
}

/* Bridges; routes what is to be routed: first IPv4's, then IPv6's. */
static void decide_all(struct pkt *pkts, uint32_t count, const struct ingress *in)
{
	uint32_t addresses4[TX_BURST], handles[TX_BURST];
	const uint8_t *addresses6[TX_BURST];
	uint8_t which[TX_BURST], which6[TX_BURST];
	uint32_t routed = 0, routed6 = 0;
	struct egress out = {0};

	for (uint32_t i = 0; i < count; i++) {
		struct pkt *pkt = &pkts[i];
		if (likely(pkt->verdict == VERDICT_NEXT))
			pkt->verdict = stage_bridge(pkt, in);
		if (pkt->verdict != VERDICT_ROUTE)
			continue;
		if (pkt->flags & PKT_IPV4) {
			which[routed] = (uint8_t)i;
			addresses4[routed++] = pkt->dst_be;
		} else {
			which6[routed6] = (uint8_t)i;
			addresses6[routed6++] = pkt_dst6(pkt);
		}
	}
	if (routed != 0)
		tables_route4_burst(in->bridge->vrf, addresses4, handles, routed);
	if (routed6 != 0)
		tables_route6_burst(in->bridge->vrf, addresses6, handles + routed, routed6);
	memcpy(which + routed, which6, routed6);
	for (uint32_t i = 0; i < routed + routed6; i++) {
		struct pkt *pkt = &pkts[which[i]];
		pkt->verdict = stage_route(pkt, in, handles[i], &out);
	}
}

/* Tells the sender where a router has to, then ends the packet. */
static __attribute__((noinline, cold)) void refuse(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	enum drop_reason reason = (enum drop_reason)pkt->verdict;
	struct rte_mbuf *error = icmp_error_make(pkt, in, reason);

	if (error != NULL)
		tx_originate(tx, in->port->slot, error);
	tx_drop(tx, pkt->mbuf, reason);
}

static __attribute__((noinline, cold)) void send_pieces(struct tx *tx, struct pkt *pkt)
{
	struct rte_mbuf *pieces[FRAGMENT_LIMIT];

	offload_finish(pkt->mbuf);
	uint32_t count = fragment_ipv4(pkt->mbuf, pkt->l3, pkt->mtu, pieces);
	if (count == 0) {
		tx_drop(tx, pkt->mbuf, DROP_NO_MEMORY);
		return;
	}
	/* One stands for the packet that came. */
	tx_send(tx, pkt->out, pieces[0]);
	for (uint32_t i = 1; i < count; i++)
		tx_originate(tx, pkt->out, pieces[i]);
	rte_pktmbuf_free(pkt->mbuf);
}

static void flood(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	uint32_t rate = in->bridge->flood_rate;
	uint32_t burst = rate / 4 > FLOOD_BURST_LEAST ? rate / 4 : FLOOD_BURST_LEAST;

	if (rate == 0 || limit_take(LIMIT_FLOOD, in->port->slot, rate, burst))
		tx_flood(tx, in->row->bridge, pkt->mbuf);
	else
		tx_drop(tx, pkt->mbuf, DROP_STORM_LIMIT);
}

/* True: something was punted. */
static bool act(struct tx *tx, struct pkt *pkts, uint32_t count, const struct ingress *in)
{
	uint32_t punted = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct pkt *pkt = &pkts[i];
		if (likely(pkt->verdict == VERDICT_SEND)) {
			tx_send(tx, pkt->out, pkt->mbuf);
			continue;
		}
		switch (pkt->verdict) {
		case VERDICT_REPLY:
			tx_send(tx, in->port->slot, pkt->mbuf);
			break;
		case VERDICT_FLOOD:
			flood(tx, pkt, in);
			break;
		case VERDICT_FRAGMENT:
			send_pieces(tx, pkt);
			break;
		case VERDICT_PUNT:
			punted++;
			break;
		default:
			refuse(tx, pkt, in);
		}
	}
	stats_add(&tx->counters[in->port->slot].punted, punted);
	return punted != 0;
}

/* Frames that entered through one port (tags are off), counted already. */
static void walk(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	struct pkt pkts[TX_BURST];
	uint8_t asking[TX_BURST];
	uint32_t askers = 0;
	struct ingress in = {.port = port, .row = tables_port(port->id)};

	if (in.row == NULL || tables_generation(in.row) != port->generation) {
		tx_drop_all(tx, mbufs, count, DROP_PORT_DOWN);
		return;
	}
	if (in.row->binding == FWD_BINDING_VLAN)
		capture_in(port->slot, mbufs, count);
	in.bridge = tables_bridge(in.row->bridge);
	if (in.bridge == NULL) {
		tx_drop_all(tx, mbufs, count, in.row->bridge == 0 ? DROP_NOT_ATTACHED : DROP_UNRESOLVED);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		verdict_t verdict = parse(&pkts[i], mbufs[i]);
		if (likely(verdict == VERDICT_NEXT))
			verdict = classify(&pkts[i], &in);
		pkts[i].verdict = verdict;
		if (verdict == VERDICT_NEXT && stage_asks_mac(&pkts[i], &in))
			asking[askers++] = (uint8_t)i;
	}
	if (askers != 0)
		find_macs(pkts, asking, askers, &in);
	decide_all(pkts, count, &in);
	if (act(tx, pkts, count, &in))
		punt_flush();
}

/* Counts frames for the port they belong to and walks them. */
static void receive_run(struct tx *tx, uint16_t slot, struct rte_mbuf **mbufs, uint32_t count, uint64_t bytes)
{
	struct port_counters *counters = &tx->counters[slot];
	const struct port *port = port_at(slot);

	stats_add(&counters->rx_bytes, bytes);
	stats_add(&counters->rx_packets, count);
	if (port == NULL)
		tx_drop_all(tx, mbufs, count, DROP_PORT_DOWN);
	else
		walk(tx, port, mbufs, count);
}

static __attribute__((noinline, cold)) void refuse_tag(
        struct tx *tx, const struct port *port, struct rte_mbuf *mbuf, verdict_t reason)
{
	mbuf->port = port->slot;
	stats_add(&tx->counters[port->slot].rx_packets, 1);
	stats_add(&tx->counters[port->slot].rx_bytes, mbuf->pkt_len);
	tx_drop(tx, mbuf, (enum drop_reason)reason);
}

void pipeline_receive(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	const struct fwd_port_row *row = tables_port(port->id);
	bool trunk = row != NULL && (row->flags & FWD_PORT_TRUNK) != 0;
	/* A run of frames of one port begins at start; slot 0: none yet. */
	uint32_t start = 0;
	uint16_t run = 0;
	uint64_t bytes = 0;

	capture_in(port->slot, mbufs, count);
	for (uint32_t i = 0; i < count; i++) {
		verdict_t reason;

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + PREFETCH_AHEAD], void *));
		uint16_t slot = stage_vlan(port, trunk, mbufs[i], &reason);

		mbufs[i]->port = slot;
		if (unlikely(slot != run)) {
			if (i > start)
				receive_run(tx, run, mbufs + start, i - start, bytes);
			start = i;
			run = slot;
			bytes = 0;
		}
		bytes += mbufs[i]->pkt_len;
		if (unlikely(slot == 0)) {
			refuse_tag(tx, port, mbufs[i], reason);
			start = i + 1;
			bytes = 0;
		}
	}
	if (start < count)
		receive_run(tx, run, mbufs + start, count - start, bytes);
}

uint32_t pipeline_inject(struct tx *tx)
{
	struct rte_mbuf *mbufs[TX_BURST];
	uint32_t count = inject_take(tx->thread, mbufs, TX_BURST);

	for (uint32_t i = 0; i < count; i++) {
		const struct port *port = port_at(mbufs[i]->port);
		bool stale = port == NULL || port->generation != inject_generation(mbufs[i]);

		/* A port that went since the record was taken: its counters are gone or another's. */
		if (stale)
			mbufs[i]->port = 0;
		stats_add(&tx->counters[mbufs[i]->port].injected, 1);
		if (stale)
			tx_drop(tx, mbufs[i], DROP_INJECT_STALE);
		else
			tx_send(tx, port->slot, mbufs[i]);
	}
	return count;
}
