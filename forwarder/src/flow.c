#include "flow.h"

#include "flow_act.h"
#include "flow_judge.h"
#include "flow_nat.h"
#include "tx.h"

static __attribute__((noinline)) bool unusual_key(const struct pkt *pkt, uint32_t context, struct flow_key *key)
{
	uint16_t value;

	/* flow_judge knows fragments, and what is too short for TCP. */
	if ((pkt->flags & PKT_FRAGMENT) != 0 || pkt->protocol == IPPROTO_TCP)
		return false;
	return flow_kind_is_found(flow_key_of(pkt, context, key, &value));
}

static bool is_ip(const struct pkt *pkt)
{
	return (pkt->flags & (PKT_IPV4 | PKT_IPV6)) != 0;
}

/* What translated packets leave as stands in the other half. */
static __attribute__((noinline)) void fetch_backs(const uint32_t *refs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct flow_half *half = refs[i] == FLOW_NONE ? NULL : flow_pair(&flows, refs[i])->half;
		if (half != NULL && (half[refs[i] & 1].flags & FLOW_NAT) != 0)
			__builtin_prefetch(&half[!(refs[i] & 1)]);
	}
}

void flow_find_all(struct pkt *pkts, const uint8_t *which, uint32_t count, const struct ingress *in)
{
	struct flow_key keys[TX_BURST];
	const struct flow_key *asked[TX_BURST];
	uint32_t refs[TX_BURST], some = 0, context = in->port->generation;
	uint8_t whose[TX_BURST];

	for (uint32_t i = 0; i < count; i++) {
		const struct pkt *pkt = &pkts[which[i]];
		if (likely(flow_key_is_usual(pkt))) {
			flow_key_ports(pkt, context, &keys[some]);
		} else if (!unusual_key(pkt, context, &keys[some])) {
			/* Behind first packets before it: it may belong to what they begin. */
			pkts[which[i]].flow = count > 1 && is_ip(pkt) ? FLOW_MISSED : FLOW_UNASKED;
			continue;
		}
		asked[some] = &keys[some];
		whose[some++] = which[i];
	}
	flow_find(&flows, asked, refs, some);
	for (uint32_t i = 0; i < some; i++) {
		pkts[whose[i]].flow = refs[i];
		if (likely(refs[i] != FLOW_NONE))
			__builtin_prefetch(&flow_pair(&flows, refs[i])->count[refs[i] & 1], 1);
		else if (count > 1)
			pkts[whose[i]].flow = FLOW_MISSED;
	}
	if (unlikely(in->uplink != 0))
		fetch_backs(refs, some);
}

/* A first packet: what comes back is found in another bucket, whose cache miss overlaps those of the burst's others. */
static __attribute__((noinline)) verdict_t put_off(struct pkt *pkt, const struct ingress *in, const struct way_out *out)
{
	struct flow_key key, back;
	uint16_t value;

	pkt->flow = FLOW_NONE;
	if (likely(flow_key_is_usual(pkt)))
		flow_key_ports(pkt, in->port->generation, &key);
	else if ((pkt->flags & PKT_FRAGMENT) != 0 ||
	         flow_key_of(pkt, in->port->generation, &key, &value) == FLOW_KIND_EXEMPT)
		return VERDICT_AGAIN;
	flow_key_mirror(&key, out->generation, &back);
	flow_fetch_key(&flows, &back);
	return VERDICT_AGAIN;
}

/* Of an open connection, or one that opens; false: one that is over begins anew. */
static inline bool track(const struct pkt *pkt, struct flow_pair *pair, uint32_t direction)
{
	if (unlikely(flow_begins_anew(pkt, pair)))
		return false;
	flow_track(pkt, pair, direction);
	return true;
}

/* A translated flow whose decision and translation still hold. */
static inline bool holds_translated(
        const struct ingress *in, const struct way_out *out, const struct flow_half *half, uint16_t flags)
{
	return (flags & (FLOW_DENIED | FLOW_NAT)) == FLOW_NAT && half->way_out == out->generation &&
	       __atomic_load_n(&half->stamps, __ATOMIC_RELAXED) == flow_nat_stamps(in, out);
}

verdict_t stage_flow(struct pkt *pkt, const struct ingress *in, const struct way_out *out)
{
	uint32_t ref = pkt->flow, direction = ref & 1;

	if (unlikely(ref >= FLOW_MISSED))
		return ref == FLOW_MISSED ? put_off(pkt, in, out) : flow_judge(pkt, in, out);
	struct flow_pair *pair = flow_pair(&flows, ref);
	const struct flow_half *half = &pair->half[direction];
	uint16_t flags = __atomic_load_n(&half->flags, __ATOMIC_RELAXED);
	bool holds = __atomic_load_n(&half->stamps, __ATOMIC_RELAXED) == out->stamps &&
	             half->way_out == out->generation && (flags & (FLOW_DENIED | FLOW_NAT)) == 0;
	if (unlikely(!holds) && holds_translated(in, out, half, flags)) {
		holds = true;
		pkt->flags |= PKT_NAT;
	}
	if (unlikely(!holds || (pkt->protocol == IPPROTO_TCP && !track(pkt, pair, direction))))
		return flow_judge(pkt, in, out);
	RECORD(pkt, RECORD_RULE, pair->count[FLOW_FORWARD].rule);
	RECORD(pkt, RECORD_RULE, pair->count[FLOW_REVERSE].rule);
	RECORD(pkt, RECORD_FLOW, ref);
	flow_count_packet(pkt, in, &pair->count[direction]);
	return VERDICT_NEXT;
}
