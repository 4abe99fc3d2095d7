#include "flow_outside.h"

#include <rte_branch_prediction.h>

static uint32_t flags_of(const struct flow_pair *pair)
{
	return __atomic_load_n(&pair->half[FLOW_FORWARD].flags, __ATOMIC_RELAXED);
}

/* outside: where packets with the key `to` go; inside: where those with the key `from` come from. */
static void tell(
        const struct flow_key *to, const struct flow_key *from, struct nat_outside *outside, struct nat_inside *inside)
{
	outside->port = to->dst_port;
	memcpy(outside->address, to->dst, sizeof(outside->address));
	*inside = (struct nat_inside){
	        .context = from->context, .port = from->src_port, .family = from->family, .protocol = from->protocol};
	memcpy(inside->address, from->src, sizeof(inside->address));
}

void flow_outside_source(const struct flow_pair *pair, struct nat_outside *outside, struct nat_inside *inside)
{
	tell(&pair->half[FLOW_REVERSE].key, &pair->half[FLOW_FORWARD].key, outside, inside);
}

void flow_outside_target(const struct flow_pair *pair, struct nat_outside *outside, struct nat_inside *inside)
{
	tell(&pair->half[FLOW_FORWARD].key, &pair->half[FLOW_REVERSE].key, outside, inside);
}

static void release(
        void (*side)(const struct flow_pair *, struct nat_outside *, struct nat_inside *), const struct flow_pair *pair)
{
	struct nat_outside outside;
	struct nat_inside inside;

	side(pair, &outside, &inside);
	nat_map_release(inside.family, inside.protocol, &outside);
}

static bool adopt(
        void (*side)(const struct flow_pair *, struct nat_outside *, struct nat_inside *), const struct flow_pair *pair)
{
	struct nat_outside outside;
	struct nat_inside inside;

	side(pair, &outside, &inside);
	return nat_map_adopt(&outside, &inside);
}

void flow_outside_release(const struct flow_pair *pair)
{
	uint32_t flags = flags_of(pair);

	if (likely((flags & (FLOW_NAT_SOURCE | FLOW_NAT_TARGET)) == 0))
		return;
	if ((flags & FLOW_NAT_SOURCE) != 0)
		release(flow_outside_source, pair);
	if ((flags & FLOW_NAT_TARGET) != 0)
		release(flow_outside_target, pair);
}

bool flow_outside_adopt(const struct flow_pair *pair)
{
	uint32_t flags = flags_of(pair);

	if ((flags & FLOW_NAT_SOURCE) != 0 && !adopt(flow_outside_source, pair))
		return false;
	if ((flags & FLOW_NAT_TARGET) == 0 || adopt(flow_outside_target, pair))
		return true;
	if ((flags & FLOW_NAT_SOURCE) != 0)
		release(flow_outside_source, pair);
	return false;
}
