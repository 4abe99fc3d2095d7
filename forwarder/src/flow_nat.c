#include "flow_nat.h"

#include "flow_judge.h"
#include "nat_map.h"
#include "port.h"
#include "tables.h"
#include "uplink.h"

/* The network that a live port is in; NULL: the port is gone, or in none. */
static const struct fwd_bridge_row *network_at(uint16_t slot, uint32_t generation)
{
	const struct port *port = port_at(slot);
	const struct fwd_port_row *row = port == NULL || port->generation != generation ? NULL : tables_port(port->id);

	return row == NULL ? NULL : tables_bridge(row->bridge);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 16) == 0;
}

/* An address that rows know is the one meant: not where a network of the sender's VRF, or one that is routed natively,
 * has it. */
static bool is_outside(const struct ingress *in, const struct flow_key *key)
{
	return (stage_is_uplink(in) || flow_nat_leads_out(in->bridge->vrf, in->uplink, key->family, key->dst)) &&
	       !flow_nat_leads_in(in->uplink, key->family, key->dst);
}

static verdict_t set_target(
        struct pkt *pkt, struct nat_target *t, enum nat_target_kind kind, const uint8_t *address, uint32_t vrf)
{
	if (vrf == 0)
		return DROP_UNRESOLVED;
	memcpy(t->address, address, sizeof(t->address));
	t->vrf = vrf;
	t->kind = (uint8_t)kind;
	pkt->target = t;
	return VERDICT_NEXT;
}

/* Packets of a direction of a translated flow go to the source of the answers. */
static verdict_t aim_flow(struct pkt *pkt, const struct ingress *in, struct nat_target *t, const struct flow_pair *pair,
        uint32_t direction)
{
	const struct flow_half *back = &pair->half[!direction];

	if (same(back->key.src, pair->half[direction].key.dst))
		return VERDICT_NEXT;
	/* A route of its own came, or somebody outside uses an address of its network. */
	if (unlikely(!stage_is_uplink(in)) && !is_outside(in, &pair->half[direction].key))
		return DROP_NAT_CONFLICT;
	const struct fwd_bridge_row *network = network_at(back->slot, back->key.context);
	return set_target(pkt, t, NAT_TARGET_FLOW, back->key.src, network == NULL ? 0 : network->vrf);
}

/* Whose outside port it is. */
static bool find_shared(const struct ingress *in, const struct flow_key *key, enum flow_kind kind, struct pkt *pkt,
        struct nat_target *t, verdict_t *verdict)
{
	struct nat_inside inside;
	uint16_t slot;

	if (kind != FLOW_KIND_PAIR || (pkt->flags & (PKT_L4 | PKT_LATER_FRAGMENT)) == 0 ||
	        (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP) ||
	        !nat_map_find(in->uplink, key->family, key->protocol, key->dst, key->dst_port, &inside, &slot))
		return false;
	const struct fwd_bridge_row *network = network_at(slot, inside.context);
	*verdict = set_target(pkt, t, NAT_TARGET_SHARED, inside.address, network == NULL ? 0 : network->vrf);
	t->port = inside.port;
	return true;
}

/* What rows say about the destination of a packet that no flow is known for. */
static verdict_t aim_key(struct pkt *pkt, const struct ingress *in, const struct flow_key *key, enum flow_kind kind,
        struct nat_target *t)
{
	const struct fwd_floating_ip_row *floating = nat_floating(in->uplink, key->family, key->dst);
	const struct fwd_nat_address_row *shared =
	        floating != NULL ? NULL : nat_address(in->uplink, key->family, key->dst);
	verdict_t verdict;

	if (unlikely(floating != NULL || shared != NULL) && !is_outside(in, key))
		return VERDICT_NEXT;
	if (floating != NULL) {
		RECORD(pkt, RECORD_FLOATING_IP, floating);
		return set_target(pkt, t, NAT_TARGET_FLOATING, floating->inside, flow_nat_vrf(floating->inside_port));
	}
	if (shared != NULL) {
		RECORD(pkt, RECORD_NAT_ADDRESS, shared);
		if (find_shared(in, key, kind, pkt, t, &verdict))
			return verdict;
		if ((shared->flags & FWD_NAT_HOST) == 0)
			return DROP_NAT_NO_MAPPING;
	}
	return stage_is_uplink(in) && uplink_is_host(in->uplink, key->family, key->dst) ? DROP_LEFT_TO_HOST
	                                                                                : VERDICT_NEXT;
}

/* RFC 5508 §4.2: it quotes a packet as that left, or what comes back when that entered here. */
static verdict_t aim_error(struct pkt *pkt, const struct ingress *in, const struct flow_key *key, struct nat_target *t)
{
	uint32_t ref = flow_nat_quoted(pkt, in);

	if (ref != FLOW_NONE) {
		const struct flow_half *about = &flow_pair(&flows, ref)->half[ref & 1];
		const struct fwd_bridge_row *network = network_at(about->slot, about->key.context);
		if (same(about->key.src, key->dst))
			return VERDICT_NEXT;
		return set_target(pkt, t, NAT_TARGET_ERROR, about->key.src, network == NULL ? 0 : network->vrf);
	}
	if (stage_is_uplink(in) && uplink_is_host(in->uplink, key->family, key->dst))
		return DROP_LEFT_TO_HOST;
	return nat_owns(in->uplink, key->family, key->dst) && is_outside(in, key) ? DROP_NAT_NO_MAPPING : VERDICT_NEXT;
}

static verdict_t aim_packet(struct pkt *pkt, const struct ingress *in, const struct flow_key *key, enum flow_kind kind,
        struct nat_target *t)
{
	return kind == FLOW_KIND_ERROR ? aim_error(pkt, in, key, t) : aim_key(pkt, in, key, kind, t);
}

/* Nobody outside has an address that the uplink answers for, or that it leads inside for. */
static bool is_spoofed(const struct ingress *in, const struct flow_key *key)
{
	const struct fwd_neighbor_row *row = tables_neighbor(in->row->bridge, key->family, key->src);

	if (nat_owns(in->uplink, key->family, key->src) || (row != NULL && (row->flags & FWD_NEIGHBOR_GATEWAY) != 0))
		return true;
	return flow_nat_leads_in(in->uplink, key->family, key->src);
}

/* Only the first fragment tells ports, and without them nobody knows whose a shared address is: they enter before they
 * are routed. */
static verdict_t aim_fragment(struct pkt *pkt, const struct ingress *in, struct nat_target *t)
{
	struct flow_question q = {.pkt = pkt, .in = in};
	bool later = (pkt->flags & PKT_LATER_FRAGMENT) != 0;
	verdict_t verdict = flow_fragment_enter(pkt, in, flow_now(in->thread), &t->ports);

	if (verdict != VERDICT_NEXT)
		return verdict;
	if (later)
		flow_question_later(&q, &t->ports);
	else
		flow_question_first(&q, &t->ports);
	t->entered = true;
	uint32_t ref = flow_kind_is_found(q.kind) ? flow_find_one(&flows, &q.key) : FLOW_NONE;
	const struct flow_pair *pair = ref == FLOW_NONE ? NULL : flow_pair(&flows, ref);
	if (pair != NULL && (pair->half[ref & 1].flags & FLOW_NAT) != 0)
		verdict = aim_flow(pkt, in, t, pair, ref & 1);
	else
		verdict = aim_packet(pkt, in, &q.key, q.kind, t);
	if (verdict == VERDICT_NEXT && pkt->target == NULL)
		verdict = set_target(pkt, t, NAT_TARGET_NONE, q.key.dst, in->bridge->vrf);
	if (verdict != VERDICT_NEXT && !later)
		flow_fragment_decided(pkt, in, &t->ports, verdict);
	return verdict;
}

/* No flow is known. */
static __attribute__((noinline)) verdict_t aim_first(struct pkt *pkt, const struct ingress *in, struct nat_target *t)
{
	struct flow_key key;
	uint16_t value;
	enum flow_kind kind = FLOW_KIND_ALONE;
	bool fragment = (pkt->flags & PKT_FRAGMENT) != 0;

	if (likely(flow_key_is_usual(pkt))) {
		flow_key_ports(pkt, in->port->generation, &key);
		kind = FLOW_KIND_PAIR;
	} else if (fragment) {
		flow_key_put(pkt, 0, in->port->generation, &key);
		/* It is judged at once: no other may enter before that. */
		pkt->flow = FLOW_UNASKED;
	} else {
		kind = flow_key_of(pkt, in->port->generation, &key, &value);
	}
	if (stage_is_uplink(in) && is_spoofed(in, &key))
		return DROP_SPOOFED_ADDRESS;
	if (unlikely(fragment && nat_owns(in->uplink, key.family, key.dst) && is_outside(in, &key)))
		return aim_fragment(pkt, in, t);
	return aim_packet(pkt, in, &key, kind, t);
}

verdict_t flow_nat_aim(struct pkt *pkt, const struct ingress *in, struct nat_target *t)
{
	uint32_t ref = pkt->flow;

	if (likely(ref < FLOW_MISSED)) {
		const struct flow_pair *pair = flow_pair(&flows, ref);
		if ((__atomic_load_n(&pair->half[ref & 1].flags, __ATOMIC_RELAXED) & FLOW_NAT) == 0)
			return VERDICT_NEXT;
		t->entered = false;
		if (likely(aim_flow(pkt, in, t, pair, ref & 1) == VERDICT_NEXT))
			return VERDICT_NEXT;
		/* Its other end is gone. */
		flow_leave(in, ref);
		pkt->flow = FLOW_UNASKED;
	}
	t->entered = false;
	return aim_first(pkt, in, t);
}

verdict_t flow_nat_aim_anew(struct flow_question *q)
{
	struct nat_target *before = q->pkt->target, now;

	if (before == NULL || before->kind != NAT_TARGET_FLOW)
		return VERDICT_NEXT;
	now = *before;
	q->pkt->target = NULL;
	verdict_t verdict = aim_packet(q->pkt, q->in, &q->key, q->kind, &now);
	if (verdict != VERDICT_NEXT)
		return verdict;
	/* It was routed for the flow that is over; the next one will be routed anew. */
	if (q->pkt->target == NULL || now.vrf != before->vrf || !same(now.address, before->address))
		return DROP_NAT_NO_MAPPING;
	*before = now;
	q->pkt->target = before;
	return VERDICT_NEXT;
}

uint32_t flow_nat_quoted(const struct pkt *pkt, const struct ingress *in)
{
	struct flow_key quoted, back;

	if (flow_key_quoted(pkt, 0, &quoted) != FLOW_KIND_ERROR)
		return FLOW_NONE;
	flow_key_mirror(&quoted, in->port->generation, &back);
	uint32_t ref = flow_find_one(&flows, &back);
	if (ref == FLOW_NONE || (flow_pair(&flows, ref)->half[ref & 1].flags & FLOW_NAT) == 0)
		return FLOW_NONE;
	return ref ^ 1;
}

static bool is_native(const struct fwd_bridge_row *network)
{
	return network != NULL && (network->flags & FWD_BRIDGE_UNDERLAY) != 0;
}

static bool has_target(const struct pkt *pkt)
{
	return pkt->target != NULL && pkt->target->kind != NAT_TARGET_NONE;
}

/* It goes out, if only to come in again. */
static bool goes_out(const struct flow_question *q)
{
	return !stage_is_uplink(q->in) && (q->out->uplink || (q->pkt->flags & PKT_TURNS) != 0);
}

bool flow_nat_is_due(const struct flow_question *q)
{
	return has_target(q->pkt) || (goes_out(q) && !is_native(q->in->bridge));
}

/* TCP, UDP and ICMP that asks (RFC 5508 §3): what has a port, or what stands for one. */
static bool may_share(const struct flow_question *q)
{
	uint8_t protocol = q->key.protocol;

	return q->kind == FLOW_KIND_PAIR && (q->pkt->flags & (PKT_L4 | PKT_LATER_FRAGMENT)) != 0 &&
	       (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	               protocol == (q->key.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6));
}

/* The source of a packet to an uplink, or of a hairpin. */
static verdict_t plan_source(struct flow_question *q)
{
	bool leaves = q->out->uplink, native = is_native(q->in->bridge);

	if (native && !has_target(q->pkt))
		return VERDICT_NEXT;
	q->uplink = leaves ? q->out->port : q->in->uplink;
	const struct fwd_floating_ip_row *floating =
	        nat_floating_of(q->in->port->id, q->uplink, q->key.family, q->key.src, q->key.dst);
	if (floating != NULL) {
		RECORD(q->pkt, RECORD_FLOATING_IP, floating);
		memcpy(q->back.dst, floating->address, sizeof(q->back.dst));
		q->flags |= FLOW_NAT;
		return VERDICT_NEXT;
	}
	if (native)
		return VERDICT_NEXT;
	const struct fwd_vrf_nat_row *shared = nat_vrf(q->in->bridge->vrf);
	if (shared == NULL || shared->pool == 0)
		return DROP_NOT_TRANSLATED;
	RECORD(q->pkt, RECORD_VRF_NAT, shared);
	if (!may_share(q))
		return DROP_NAT_PROTOCOL;
	q->pool = shared->pool;
	q->flags |= FLOW_NAT | FLOW_NAT_SOURCE;
	/* The port at the other end is asked about the address. */
	return leaves ? VERDICT_NEXT : flow_nat_peek(q);
}

/* RFC 3704 §2.2: who is let in is not at home where it goes to, and who leaves does it by no address of a network that
 * is routed natively. */
static verdict_t check_source(const struct flow_question *q)
{
	const uint8_t *source = q->back.dst;

	if (q->out->uplink)
		return !same(source, q->key.src) && flow_nat_leads_in(q->out->port, q->key.family, source)
		               ? DROP_SPOOFED_ADDRESS
		               : VERDICT_NEXT;
	return flow_nat_leads_out(flow_nat_vrf(q->out->port), q->in->uplink, q->key.family, source)
	               ? VERDICT_NEXT
	               : DROP_SPOOFED_ADDRESS;
}

static verdict_t plan(struct flow_question *q)
{
	const struct nat_target *target = has_target(q->pkt) ? q->pkt->target : NULL;
	bool outside = stage_is_uplink(q->in);

	flow_key_mirror(&q->key, q->out->generation, &q->back);
	q->stamps = q->out->stamps;
	if (likely(target == NULL && !goes_out(q))) {
		const struct fwd_port_row *row = outside ? tables_port(q->out->port) : NULL;
		return !outside || (row != NULL && is_native(tables_bridge(row->bridge))) ? VERDICT_NEXT
		                                                                          : DROP_NOT_TRANSLATED;
	}
	if (flow_nat_is_due(q) && q->kind != FLOW_KIND_PAIR && q->kind != FLOW_KIND_ONE_WAY)
		/* RFC 5508 §4.2: REQ-4, REQ-5. */
		return q->kind == FLOW_KIND_ALONE ? DROP_NAT_PROTOCOL : DROP_NAT_NO_MAPPING;
	if (target != NULL) {
		memcpy(q->back.src, target->address, sizeof(q->back.src));
		q->flags |= FLOW_NAT;
	}
	if (target != NULL && target->kind == NAT_TARGET_SHARED) {
		q->back.src_port = target->port;
		q->flags |= FLOW_NAT_TARGET;
	}
	verdict_t verdict = outside ? VERDICT_NEXT : plan_source(q);
	if ((q->flags & FLOW_NAT) != 0)
		q->stamps = flow_nat_stamps(q->in, q->out);
	return verdict;
}

verdict_t flow_nat_plan(struct flow_question *q)
{
	verdict_t verdict = plan(q);

	if (verdict != VERDICT_NEXT || (q->pkt->target == NULL && !stage_is_uplink(q->in) && !goes_out(q)))
		return verdict;
	return check_source(q);
}

static struct nat_inside source_of(const struct flow_key *key)
{
	struct nat_inside inside = {
	        .context = key->context, .port = key->src_port, .family = key->family, .protocol = key->protocol};

	memcpy(inside.address, key->src, sizeof(inside.address));
	return inside;
}

static struct nat_outside destination_of(const struct flow_key *key)
{
	struct nat_outside outside = {.port = key->dst_port};

	memcpy(outside.address, key->dst, sizeof(outside.address));
	return outside;
}

static void put_outside(struct flow_question *q, const struct nat_outside *outside)
{
	memcpy(q->back.dst, outside->address, sizeof(q->back.dst));
	q->back.dst_port = outside->port;
}

verdict_t flow_nat_peek(struct flow_question *q)
{
	struct nat_inside inside = source_of(&q->key);
	struct nat_outside outside;
	verdict_t verdict = nat_map_peek(q->in->port->slot, q->uplink, q->pool, &inside, &outside);

	if (verdict == VERDICT_NEXT)
		put_outside(q, &outside);
	return verdict;
}

verdict_t flow_nat_take(struct flow_question *q, struct flow_pair *pair, uint32_t tries)
{
	struct flow_half *forward = &pair->half[FLOW_FORWARD];

	forward->key = q->key;
	pair->half[FLOW_REVERSE].key = q->back;
	if (q->flags & FLOW_NAT_TARGET) {
		struct nat_inside inside = source_of(&q->back);
		struct nat_outside outside = destination_of(&q->key);
		if (!nat_map_hold(&outside, &inside))
			return DROP_NAT_NO_MAPPING;
		forward->flags |= FLOW_NAT_TARGET;
	}
	if (q->flags & FLOW_NAT_SOURCE) {
		struct nat_inside inside = source_of(&q->key);
		struct nat_outside outside;
		verdict_t verdict = nat_map_take(q->in->port->slot, q->uplink, q->pool, &inside, tries, &outside);
		if (verdict != VERDICT_NEXT)
			return verdict;
		/* Another one than policy was asked about, in a hairpin: the pair gives it back. */
		bool asked = q->out->uplink || same(q->back.dst, outside.address);
		put_outside(q, &outside);
		pair->half[FLOW_REVERSE].key = q->back;
		forward->flags |= FLOW_NAT_SOURCE;
		if (!asked)
			return DROP_NAT_CONFLICT;
	}
	return VERDICT_NEXT;
}

const struct flow_key *flow_nat_back(const struct pkt *pkt)
{
	return &flow_pair(&flows, pkt->flow)->half[!(pkt->flow & 1)].key;
}
