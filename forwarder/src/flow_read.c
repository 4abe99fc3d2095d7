/* Flows as people see them. */
#include <rte_byteorder.h>
#include <string.h>
#include <time.h>

#include "flow_own.h"
#include "flow_pairs.h"
#include "policy.h"
#include "rows.h"

/* Pairs that one call looks at: 2 ms at most. */
#define LOOK_MOST   10000u
#define CURSOR_END  0xffffffffu
#define MS_PER_TICK (1000 / FLOW_HZ)

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAY_RACE __attribute__((no_sanitize("thread")))
#endif
#endif
#ifndef MAY_RACE
#define MAY_RACE
#endif

MAY_RACE void flow_copy(const struct flow_pair *pair, struct flow_pair *out)
{
	const volatile uint64_t *from = (const volatile uint64_t *)pair;
	uint64_t *to = (uint64_t *)out;

	for (uint32_t i = 0; i < sizeof(*pair) / sizeof(*to); i++)
		to[i] = from[i];
}

/* False: it is no flow, or was given out again while it was read: its state tells afterwards. */
static bool copy_pair(const struct flow_pair *pair, struct flow_pair *out)
{
	const uint32_t *state = &pair->count[FLOW_FORWARD].state;
	uint32_t before = __atomic_load_n(state, __ATOMIC_ACQUIRE);

	if ((before & PAIR_STATES) != PAIR_USED)
		return false;
	flow_copy(pair, out);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(state, __ATOMIC_RELAXED) == before;
}

static uint64_t ms_since(uint32_t tick, uint32_t now)
{
	int32_t ticks = (int32_t)(now - tick);

	return ticks < 0 ? 0 : (uint64_t)ticks * MS_PER_TICK;
}

uint64_t flow_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void name_rule(uint32_t handle, uint32_t *group, uint32_t *number)
{
	const struct fwd_rule_row *row = policy_rule(handle);

	*group = row == NULL ? 0 : row->group;
	*number = row == NULL ? 0 : row->number;
}

/* Packets leave as the mirror of the key that answers have. */
static void show_nat(const struct flow_pair *pair, struct fwd_flow *out)
{
	const struct flow_key *back = &pair->half[FLOW_REVERSE].key;

	if ((pair->half[FLOW_FORWARD].flags & FLOW_NAT) == 0)
		return;
	out->translated = 1;
	out->nat_src_port = rte_be_to_cpu_16(back->dst_port);
	out->nat_dst_port = rte_be_to_cpu_16(back->src_port);
	memcpy(out->nat_src, back->dst, sizeof(out->nat_src));
	memcpy(out->nat_dst, back->src, sizeof(out->nat_dst));
}

void flow_show(const struct flow_pair *pair, struct fwd_flow *out)
{
	const struct flow_half *half = pair->half;
	const struct flow_count *forward = &pair->count[FLOW_FORWARD], *reverse = &pair->count[FLOW_REVERSE];
	uint32_t now = flow_tick();
	uint64_t idle[2] = {ms_since(forward->seen, now), ms_since(reverse->seen, now)};

	*out = (struct fwd_flow){.time_ns = flow_time(),
	        .age_ms = ms_since(forward->made, now),
	        .idle_ms = idle[0] < idle[1] ? idle[0] : idle[1],
	        .packets = forward->packets,
	        .bytes = forward->bytes,
	        .reply_packets = reverse->packets,
	        .reply_bytes = reverse->bytes,
	        .from_port = flow_port_id(half[0].slot, half[0].key.context),
	        .from_generation = half[0].key.context,
	        .to_port = flow_port_id(half[1].slot, half[1].key.context),
	        .to_generation = half[1].key.context,
	        .src_port = rte_be_to_cpu_16(half[0].key.src_port),
	        .dst_port = rte_be_to_cpu_16(half[0].key.dst_port),
	        .last_drop = forward->last_drop != FLOW_NO_DROP ? forward->last_drop : reverse->last_drop,
	        .state = flow_phase(pair),
	        .action = flow_is_denied(pair) ? FWD_RULE_DENY : FWD_RULE_ALLOW,
	        .protocol = half[0].key.protocol,
	        .version = half[0].key.family};
	memcpy(out->src, half[0].key.src, sizeof(out->src));
	memcpy(out->dst, half[0].key.dst, sizeof(out->dst));
	show_nat(pair, out);
	name_rule(forward->rule, &out->egress_group, &out->egress_number);
	name_rule(reverse->rule, &out->ingress_group, &out->ingress_number);
}

bool flow_tell(uint32_t number, struct fwd_flow *out)
{
	struct flow_pair pair;

	if (number >= flows.capacity || !copy_pair(&flows.pairs[number], &pair))
		return false;
	flow_show(&pair, out);
	return true;
}

static bool has_address(const struct fwd_flow *flow, const uint8_t *address)
{
	static const uint8_t any[16];
	const uint8_t *of[] = {any, flow->src, flow->dst, flow->nat_src, flow->nat_dst};

	for (uint32_t i = 0; i < (flow->translated ? 5 : 3); i++)
		if (memcmp(of[i], address, sizeof(any)) == 0)
			return true;
	return false;
}

static bool has_l4_port(const struct fwd_flow *flow, uint16_t port)
{
	return port == 0 || port == flow->src_port || port == flow->dst_port ||
	       (flow->translated && (port == flow->nat_src_port || port == flow->nat_dst_port));
}

static bool is_at(const struct fwd_flow *flow, const struct fwd_flow_filter *filter)
{
	return (filter->port == 0 || filter->port == flow->from_port || filter->port == flow->to_port) &&
	       has_l4_port(flow, filter->l4_port) && has_address(flow, filter->address);
}

static bool fits(const struct fwd_flow *flow, const struct fwd_flow_filter *filter)
{
	return (filter->protocol == 0 || filter->protocol == flow->protocol) &&
	       (filter->version == 0 || filter->version == flow->version) && is_at(flow, filter);
}

/* Ports and rules stay as they are as long as nobody changes rows. */
int32_t flow_read(const struct fwd_flow_filter *filter, uint32_t *cursor, void *out, uint32_t length)
{
	uint32_t end = __atomic_load_n(&flows.header->high_water, __ATOMIC_RELAXED);
	uint32_t room = length / sizeof(struct fwd_flow), count = 0, at = *cursor;
	struct fwd_flow flow;

	rows_lock();
	for (uint32_t looked = 0; at < end && looked < LOOK_MOST && count < room; at++, looked++)
		if (flow_tell(at, &flow) && fits(&flow, filter))
			memcpy((uint8_t *)out + count++ * sizeof(flow), &flow, sizeof(flow));
	rows_unlock();
	*cursor = at >= end ? CURSOR_END : at;
	return (int32_t)(count * sizeof(flow));
}
