#include "burst.h"
#include "flow_nat.h"
#include "tables.h"

static uint32_t vrf_of(const struct pkt *pkt, const struct ingress *in)
{
	return unlikely(pkt->target != NULL) ? pkt->target->vrf : in->bridge->vrf;
}

static uint32_t address4_of(const struct pkt *pkt)
{
	uint32_t address = pkt->dst_be;

	if (pkt->target != NULL)
		memcpy(&address, pkt->target->address, sizeof(address));
	return address;
}

static const uint8_t *address6_of(const struct pkt *pkt)
{
	return pkt->target != NULL ? pkt->target->address : pkt_dst6(pkt);
}

static uint32_t route_one(const struct pkt *pkt, const struct ingress *in)
{
	uint32_t vrf = vrf_of(pkt, in);

	return (pkt->flags & PKT_IPV4) != 0 ? tables_route4(vrf, address4_of(pkt))
	                                    : tables_route6(vrf, address6_of(pkt));
}

/* Looks up those of `count` packets from `first` on that have its VRF and IP version: mostly all. done: bit i of those
 * that are looked up. */
static uint32_t look_up(const struct pkt *pkts, const uint8_t *which, uint32_t *handles, uint32_t first, uint32_t count,
        const struct ingress *in, uint32_t done)
{
	const struct pkt *like = &pkts[which[first]];
	uint32_t vrf = vrf_of(like, in), some = 0, found[TX_BURST], addresses4[TX_BURST];
	const uint8_t *addresses6[TX_BURST];
	uint8_t whose[TX_BURST];

	for (uint32_t i = first; i < count; i++) {
		const struct pkt *pkt = &pkts[which[i]];
		if ((done >> i & 1) != 0 || vrf_of(pkt, in) != vrf || ((pkt->flags ^ like->flags) & PKT_IPV4) != 0)
			continue;
		if (pkt->flags & PKT_IPV4)
			addresses4[some] = address4_of(pkt);
		else
			addresses6[some] = address6_of(pkt);
		whose[some++] = (uint8_t)i;
		done |= 1u << i;
	}
	if (like->flags & PKT_IPV4)
		tables_route4_burst(vrf, addresses4, found, some);
	else
		tables_route6_burst(vrf, addresses6, found, some);
	for (uint32_t i = 0; i < some; i++)
		handles[whose[i]] = found[i];
	return done;
}

/* Fragments enter one at a time. */
static void route_fragment(struct pkt *pkt, const struct ingress *in, struct nat_target *target, struct egress *outs)
{
	verdict_t verdict = flow_nat_aim(pkt, in, target);

	pkt->flow = FLOW_UNASKED;
	pkt->verdict = verdict == VERDICT_NEXT ? stage_route_translated(pkt, in, route_one(pkt, in), outs) : verdict;
}

/* A later packet that goes where it says: of a flow that is not translated, or whose source alone is. */
static inline bool keeps_destination(const struct pkt *pkt)
{
	if (unlikely(pkt->flow >= FLOW_MISSED || (pkt->flags & PKT_FRAGMENT) != 0))
		return false;
	const struct flow_half *half = flow_pair(&flows, pkt->flow)->half;
	uint32_t direction = pkt->flow & 1;
	if ((__atomic_load_n(&half[direction].flags, __ATOMIC_RELAXED) & FLOW_NAT) == 0)
		return true;
	return memcmp(half[!direction].key.src, half[direction].key.dst, sizeof(half->key.src)) == 0;
}

/* Finds the target of one. Whether it is to be routed. */
static __attribute__((noinline)) bool aim_one(
        struct pkt *pkt, const struct ingress *in, struct nat_target *target, struct egress *outs)
{
	if (unlikely((pkt->flags & PKT_FRAGMENT) != 0)) {
		route_fragment(pkt, in, target, outs);
		return false;
	}
	verdict_t verdict = flow_nat_aim(pkt, in, target);
	if (likely(verdict == VERDICT_NEXT))
		return true;
	pkt->verdict = verdict;
	return false;
}

/* Finds the targets; what is to be routed then stands in `which`. How many. *plain: all that wait, as they are. */
static uint32_t aim_all(struct pkt *pkts, const struct waiting *w, const struct ingress *in, struct nat_target *targets,
        uint8_t *which, struct egress *outs, bool *plain)
{
	uint32_t count = 0, all = w->routes4 + w->routes6;
	bool targeted = false;

	for (uint32_t i = 0; i < all; i++) {
		uint8_t at = i < w->routes4 ? w->route4[i] : w->route6[i - w->routes4];
		struct pkt *pkt = &pkts[at];
		if (unlikely(!keeps_destination(pkt)) && !aim_one(pkt, in, &targets[at], outs))
			continue;
		targeted |= pkt->target != NULL;
		which[count++] = at;
	}
	*plain = count == all && !targeted;
	return count;
}

/* Those that wait, by their own destinations in the VRF of the ingress: first IPv4's, then IPv6's. */
static void look_up_plain(const struct waiting *w, uint32_t *handles, const struct ingress *in)
{
	if (w->routes4 != 0)
		tables_route4_burst(in->bridge->vrf, w->address4, handles, w->routes4);
	if (w->routes6 != 0)
		tables_route6_burst(in->bridge->vrf, w->address6, handles + w->routes4, w->routes6);
}

void burst_route_translated(struct pkt *pkts, struct waiting *w, const struct ingress *in)
{
	struct nat_target targets[TX_BURST];
	struct egress outs[EGRESSES];
	uint32_t handles[TX_BURST], done = 0;
	uint8_t which[TX_BURST];
	bool plain;

	for (uint32_t i = 0; i < EGRESSES; i++) {
		outs[i].nexthop = NULL;
		outs[i].way.slot = 0;
	}
	uint32_t count = aim_all(pkts, w, in, targets, which, outs, &plain);
	if (likely(plain))
		look_up_plain(w, handles, in);
	for (uint32_t i = 0; i < count && !plain; i++)
		if ((done >> i & 1) == 0)
			done = look_up(pkts, which, handles, i, count, in, done);
	/* Twice at most. */
	while (count != 0) {
		for (uint32_t i = 0; i < count; i++) {
			struct pkt *pkt = &pkts[which[i]];
			pkt->verdict = stage_route_translated(pkt, in, handles[i], outs);
		}
		count = burst_again(pkts, which, handles, NULL, count);
	}
}
