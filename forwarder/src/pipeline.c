#include "pipeline.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "burst.h"
#include "capture.h"
#include "flow.h"
#include "flow_fragment.h"
#include "flow_life.h"
#include "flow_nat.h"
#include "fragment.h"
#include "guard.h"
#include "icmp_error.h"
#include "inject.h"
#include "learn.h"
#include "limit.h"
#include "offload.h"
#include "punt.h"
#include "service_port.h"
#include "stage.h"
#include "tables.h"
#include "uplink.h"

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

static void bridge_all(struct pkt *pkts, struct waiting *w, const struct ingress *in)
{
	const struct fwd_mac_row *rows[TX_BURST];
	uint32_t count = w->macs;

	tables_mac_burst(in->row->bridge, w->address, rows, count);
	/* Twice at most. */
	do {
		for (uint32_t i = 0; i < count; i++) {
			struct pkt *pkt = &pkts[w->mac[i]];
			pkt->mac = rows[i];
			pkt->verdict = stage_mac(pkt, in);
		}
		count = in->stamp == POLICY_OPEN ? 0 : burst_again(pkts, w->mac, NULL, rows, count);
	} while (unlikely(count != 0));
}

/* First IPv4's, then IPv6's. */
static void route_all(struct pkt *pkts, struct waiting *w, const struct ingress *in)
{
	uint32_t handles[TX_BURST], count = w->routes4 + w->routes6;
	struct egress outs[EGRESSES];

	for (uint32_t i = 0; i < EGRESSES; i++) {
		outs[i].nexthop = NULL;
		outs[i].way.slot = 0;
	}

	if (w->routes4 != 0)
		tables_route4_burst(in->bridge->vrf, w->address4, handles, w->routes4);
	if (w->routes6 != 0)
		tables_route6_burst(in->bridge->vrf, w->address6, handles + w->routes4, w->routes6);
	memcpy(w->route4 + w->routes4, w->route6, w->routes6);
	/* Twice at most. */
	do {
		for (uint32_t i = 0; i < count; i++) {
			struct pkt *pkt = &pkts[w->route4[i]];
			pkt->verdict = stage_route(pkt, in, handles[i], outs);
		}
		count = in->stamp == POLICY_OPEN ? 0 : burst_again(pkts, w->route4, handles, NULL, count);
	} while (unlikely(count != 0));
}

static __attribute__((noinline)) void find_flows(struct pkt *pkts, const struct waiting *w, const struct ingress *in)
{
	if (w->routes4 != 0)
		flow_find_all(pkts, w->route4, w->routes4, in);
	if (w->routes6 != 0)
		flow_find_all(pkts, w->route6, w->routes6, in);
	if (w->macs != 0 && in->stamp != POLICY_OPEN)
		flow_find_all(pkts, w->mac, w->macs, in);
}

static inline __attribute__((always_inline)) void wait_for_route(const struct pkt *pkts, uint32_t i, struct waiting *w)
{
	const struct pkt *pkt = &pkts[i];

	if (pkt->flags & PKT_IPV4) {
		w->address4[w->routes4] = pkt->dst_be;
		w->route4[w->routes4++] = (uint8_t)i;
	} else {
		w->address6[w->routes6] = pkt_dst6(pkt);
		w->route6[w->routes6++] = (uint8_t)i;
	}
}

/* The walk of one packet up to the first lookup that is made for all of a burst. */
static inline void begin(
        struct pkt *pkts, uint32_t i, struct rte_mbuf *mbuf, const struct ingress *in, struct waiting *w)
{
	struct pkt *pkt = &pkts[i];
	verdict_t verdict = parse(pkt, mbuf);

	if (likely(verdict == VERDICT_NEXT))
		verdict = classify(pkt, in);
	if (likely(verdict == VERDICT_NEXT)) {
		if (stage_asks_mac(pkt, in)) {
			w->address[w->macs] = pkt->data;
			w->mac[w->macs++] = (uint8_t)i;
			return;
		}
		verdict = stage_bridge(pkt, in);
	}
	pkt->verdict = verdict;
	if (verdict == VERDICT_ROUTE)
		wait_for_route(pkts, i, w);
}

/* The same of an uplink's burst. */
static __attribute__((noinline)) void begin_underlay(
        struct pkt *pkts, struct rte_mbuf **mbufs, uint32_t count, const struct ingress *in, struct waiting *w)
{
	for (uint32_t i = 0; i < count; i++) {
		verdict_t verdict = parse(&pkts[i], mbufs[i]);
		if (verdict == VERDICT_NEXT)
			verdict = stage_underlay(&pkts[i], in);
		pkts[i].verdict = verdict;
		if (verdict == VERDICT_ROUTE)
			wait_for_route(pkts, i, w);
	}
}

static __attribute__((noinline, cold)) verdict_t unrouted(struct pkt *pkt, const struct ingress *in, verdict_t verdict)
{
	return icmp_unrouted(pkt, in, verdict);
}

/* Tells the sender where a router has to, then ends the packet. What it was dropped for, or REPLY. */
static __attribute__((noinline, cold)) verdict_t refuse(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	verdict_t verdict = pkt->verdict;

	if (in->bridge != NULL &&
	        (verdict == DROP_NO_ROUTE || verdict == DROP_INVALID_ADDRESS || verdict == DROP_NOT_ROUTED))
		verdict = unrouted(pkt, in, verdict);
	if (verdict == VERDICT_REPLY) {
		tx_send(tx, in->port->slot, pkt->mbuf);
		return verdict;
	}
	enum drop_reason reason = (enum drop_reason)verdict;
	/* A service port is in no network: nobody there to speak for it. */
	struct rte_mbuf *error = in->bridge == NULL ? NULL : icmp_error_make(pkt, in, reason);

	if (error != NULL)
		tx_originate(tx, in->port->slot, error);
	tx_drop(tx, pkt->mbuf, reason);
	return verdict;
}

static __attribute__((noinline, cold)) void refuse_of_flow(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	verdict_t verdict = refuse(tx, pkt, in);

	if (verdict != VERDICT_REPLY)
		flow_dropped(pkt, verdict);
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

/* Whether one of the ports that a flooded frame comes from and goes to has policy. */
static bool anyone_asks(const struct ingress *in)
{
	const struct port_members *members = port_members(in->row->bridge);
	uint32_t count = members == NULL ? 0 : __atomic_load_n(&members->count, __ATOMIC_ACQUIRE);
	bool asks = in->stamp != POLICY_OPEN;

	for (uint32_t i = 0; i < count && !asks; i++) {
		const struct port *port = port_at(members->slots[i]);
		const struct fwd_port_row *row = port == NULL ? NULL : tables_port(port->id);
		asks = row != NULL && (row->flags & FWD_PORT_POLICY_REQUIRED) != 0;
	}
	return asks;
}

/* What policy says of a fragment it says of its copies, too: it must know what the first one tells. */
static __attribute__((noinline, cold)) void flood_fragment(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	struct flow_fragment_ports ports = {0};
	verdict_t verdict = anyone_asks(in) ? flow_copies_begin(pkt, in, &ports) : VERDICT_NEXT;

	if (verdict == VERDICT_NEXT)
		tx_flood(tx, pkt, in, &ports);
	else if (verdict != VERDICT_HELD)
		tx_drop(tx, pkt->mbuf, (enum drop_reason)verdict);
}

static inline void copy_to_all(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	if (unlikely((pkt->flags & PKT_FRAGMENT) != 0))
		flood_fragment(tx, pkt, in);
	else
		tx_flood(tx, pkt, in, NULL);
}

static void flood(struct tx *tx, struct pkt *pkt, const struct ingress *in)
{
	uint32_t rate = in->bridge->flood_rate;
	uint32_t burst = rate / 4 > FLOOD_BURST_LEAST ? rate / 4 : FLOOD_BURST_LEAST;

	if (rate == 0 || limit_take(LIMIT_FLOOD, in->port->slot, rate, burst))
		copy_to_all(tx, pkt, in);
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
		case VERDICT_HELD:
			break;
		default:
			if (unlikely(pkt->flow < FLOW_MISSED))
				refuse_of_flow(tx, pkt, in);
			else
				refuse(tx, pkt, in);
		}
	}
	stats_add(&tx->counters[in->port->slot].punted, punted);
	return punted != 0;
}

/* What a plugin sends through its service port. */
static __attribute__((noinline)) void walk_service(
        struct tx *tx, const struct ingress *in, struct rte_mbuf **mbufs, uint32_t count)
{
	struct pkt pkts[TX_BURST];

	for (uint32_t i = 0; i < count; i++) {
		verdict_t verdict = parse(&pkts[i], mbufs[i]);
		pkts[i].verdict = verdict == VERDICT_NEXT ? stage_service_leave(&pkts[i], in) : verdict;
	}
	act(tx, pkts, count, in);
}

/* What is reached through an uplink: from the uplink itself, or from the VRF of others. */
static inline void find_uplink(struct ingress *in)
{
	const struct fwd_vrf_nat_row *row;

	in->mac = gateway_mac;
	in->uplink = 0;
	if (unlikely(stage_is_uplink(in))) {
		in->mac = in->port->mac;
		in->uplink = in->port->id;
	} else if (unlikely((row = nat_vrf(in->bridge->vrf)) != NULL)) {
		in->uplink = row->port;
		in->hairpin = flow_nat_hairpin(row->port);
	}
}

/* What is known of a port that frames entered through. False: the frames are over. */
static bool enter(struct tx *tx, struct ingress *in, struct rte_mbuf **mbufs, uint32_t count)
{
	if (in->row == NULL || tables_generation(in->row) != in->port->generation) {
		tx_drop_all(tx, mbufs, count, DROP_PORT_DOWN);
		return false;
	}
	if (unlikely((in->row->flags & FWD_PORT_SERVICE) != 0)) {
		in->bridge = NULL;
		walk_service(tx, in, mbufs, count);
		return false;
	}
	in->bridge = tables_bridge(in->row->bridge);
	if (in->bridge == NULL) {
		tx_drop_all(tx, mbufs, count, in->row->bridge == 0 ? DROP_NOT_ATTACHED : DROP_UNRESOLVED);
		return false;
	}
	in->policy = policy_now();
	in->rules = policy_of(in->policy, in->row);
	in->stamp = in->rules->stamp;
	find_uplink(in);
	return true;
}

/* Frames that entered through one port (tags are off), counted and captured already. */
static void walk(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	struct pkt pkts[TX_BURST];
	struct waiting waiting;
	struct ingress in = {
	        .port = port, .row = tables_port(port->id), .guard = guard_of(port->id), .thread = tx->thread};

	if (!enter(tx, &in, mbufs, count))
		return;
	waiting.macs = waiting.routes4 = waiting.routes6 = 0;
	if (unlikely(stage_is_uplink(&in)))
		begin_underlay(pkts, mbufs, count, &in, &waiting);
	else
		for (uint32_t i = 0; i < count; i++)
			begin(pkts, i, mbufs[i], &in, &waiting);
	if (in.stamp != POLICY_OPEN || in.uplink != 0)
		find_flows(pkts, &waiting, &in);
	if (waiting.macs != 0)
		bridge_all(pkts, &waiting, &in);
	if (unlikely(in.uplink != 0))
		burst_route_translated(pkts, &waiting, &in);
	else if (waiting.routes4 + waiting.routes6 != 0)
		route_all(pkts, &waiting, &in);
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

/* In a frame too short to have one this is what lay there before: stage_vlan looks again. */
static inline uint16_t outer_ethertype(const struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *)->ether_type;
}

/* The same of a trunk's sub-port: it shows its frames, too. */
static void receive_run_of(
        struct tx *tx, const struct port *trunk, uint16_t slot, struct rte_mbuf **mbufs, uint32_t count, uint64_t bytes)
{
	if (slot != trunk->slot)
		capture_in(slot, mbufs, count);
	receive_run(tx, slot, mbufs, count, bytes);
}

/* Frames of a trunk, or some with tags: runs of frames of one port. */
static __attribute__((noinline)) void receive_tagged(
        struct tx *tx, const struct port *port, bool trunk, struct rte_mbuf **mbufs, uint32_t count)
{
	/* A run begins at start; slot 0: none yet. */
	uint32_t start = 0;
	uint16_t run = 0;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < count; i++) {
		verdict_t reason;
		uint16_t slot = stage_vlan(port, trunk, mbufs[i], &reason);

		mbufs[i]->port = slot;
		if (unlikely(slot != run)) {
			if (i > start)
				receive_run_of(tx, port, run, mbufs + start, i - start, bytes);
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
		receive_run_of(tx, port, run, mbufs + start, count - start, bytes);
}

void pipeline_receive(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count)
{
	const struct fwd_port_row *row = tables_port(port->id);
	bool trunk = row != NULL && (row->flags & FWD_PORT_TRUNK) != 0, tagged = false;
	uint64_t bytes = 0, flags = 0;

	/* All at once: their misses overlap (load in mode nic, headers in another CPU's cache: 22 to 26 Mpps). */
	for (uint32_t i = 0; i < count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	capture_in(port->slot, mbufs, count);
	for (uint32_t i = 0; i < count; i++) {
		tagged |= outer_ethertype(mbufs[i]) == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
		flags |= mbufs[i]->ol_flags;
		mbufs[i]->port = port->slot;
		bytes += mbufs[i]->pkt_len;
	}
	if (unlikely(trunk || tagged || (flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0))
		receive_tagged(tx, port, trunk, mbufs, count);
	else
		receive_run(tx, port->slot, mbufs, count, bytes);
}

/* Their port went while they waited: its counters are gone or another's. */
static __attribute__((noinline, cold)) void drop_stale(struct tx *tx, struct rte_mbuf **mbufs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		mbufs[i]->port = 0;
		stats_add(&tx->counters[0].rx_packets, 1);
		stats_add(&tx->counters[0].rx_bytes, mbufs[i]->pkt_len);
		tx_drop(tx, mbufs[i], DROP_PORT_DOWN);
	}
}

/* Frames that waited and go on; all of one port. */
static void go_on(struct tx *tx, struct rte_mbuf **mbufs, uint32_t count, uint32_t generation, verdict_t verdict)
{
	const struct port *port = port_at(mbufs[0]->port);

	if (port == NULL || port->generation != generation)
		drop_stale(tx, mbufs, count);
	else if (verdict == VERDICT_NEXT)
		walk(tx, port, mbufs, count);
	else
		tx_drop_all(tx, mbufs, count, (enum drop_reason)verdict);
}

uint32_t pipeline_waited(struct tx *tx)
{
	struct rte_mbuf *mbufs[TX_BURST];
	uint32_t thread = tx->thread, total = 0, count, generation;
	verdict_t verdict;

	while ((count = uplink_take(thread, mbufs, TX_BURST, &generation, &verdict)) != 0) {
		go_on(tx, mbufs, count, generation, verdict);
		total += count;
	}
	while ((count = flow_fragment_take(thread, flow_now(thread), mbufs, TX_BURST, &generation, &verdict)) != 0) {
		go_on(tx, mbufs, count, generation, verdict);
		total += count;
	}
	return total;
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
