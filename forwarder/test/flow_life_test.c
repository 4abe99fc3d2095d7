/* Flows over their lives: time, a full table, shares of ports, ports that go, restarts, damage, and kill -9. */
#define _GNU_SOURCE
#include "flow_life.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow_event.h"
#include "flow_pairs.h"
#include "flow_tcp.h"
#include "policy.h"
#include "port.h"
#include "rig.h"
#include "tables.h"
#include "test.h"

#define PAIRS 4096u
#define PORTS 4u

static void make_port(uint32_t id)
{
	RIG_ROW(port, .id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .binding = FWD_BINDING_NONE);
}

/* An empty table with these settings, and ports 1 to PORTS. */
static void begin(uint32_t pairs, uint32_t percent)
{
	flow_clock_ahead += 100000 * FLOW_HZ;
	flow_age_all();
	rig_flows = (struct fwd_config){.flow_pairs = pairs, .flow_port_percent = percent};
	rig_flows_restart();
	for (uint32_t id = 1; id <= PORTS; id++)
		make_port(id);
	rig_links();
}

static uint32_t generation_of(uint32_t port)
{
	return port_of(port)->generation;
}

/* Flow `number` between two ports. */
static void keys_of(uint32_t number, uint32_t from, uint32_t to, uint8_t protocol, struct flow_key *keys)
{
	uint32_t a = 0x0a000000u + number, b = 0x0b000000u;

	memset(keys, 0, 2 * sizeof(*keys));
	for (uint32_t i = 0; i < 2; i++) {
		keys[i] = (struct flow_key){.protocol = protocol, .family = 4};
		memcpy(keys[i].src, i == 0 ? &a : &b, 4);
		memcpy(keys[i].dst, i == 0 ? &b : &a, 4);
		keys[i].src_port = htons(i == 0 ? 1000 : 80);
		keys[i].dst_port = htons(i == 0 ? 80 : 1000);
		keys[i].context = generation_of(i == 0 ? from : to);
	}
}

static verdict_t begin_flow(uint32_t number, uint32_t from, uint32_t to, uint8_t protocol, uint32_t *pair)
{
	struct flow_key keys[2];
	uint32_t other;

	verdict_t verdict = flow_begin(1, port_of(from)->slot, pair);
	if (verdict != VERDICT_NEXT)
		return verdict;
	struct flow_pair *new = &flows.pairs[*pair];
	keys_of(number, from, to, protocol, keys);
	for (uint32_t i = 0; i < 2; i++) {
		new->half[i].key = keys[i];
		new->half[i].way_out = keys[!i].context;
	}
	new->half[FLOW_REVERSE].slot = port_of(to)->slot;
	new->count[FLOW_FORWARD].packets = 1;
	new->count[FLOW_FORWARD].bytes = 100;
	return flow_insert(1, *pair, &other) == 0 ? VERDICT_NEXT : DROP_FLOW_TABLE_FULL;
}

static uint32_t add(uint32_t number, uint32_t from, uint8_t protocol)
{
	uint32_t pair;

	return begin_flow(number, from, 4, protocol, &pair) == VERDICT_NEXT ? pair : FLOW_NONE;
}

static bool is_found(uint32_t number, uint32_t from, uint8_t protocol)
{
	struct flow_key keys[2];
	const struct flow_key *asked[2] = {&keys[0], &keys[1]};
	uint32_t refs[2];

	keys_of(number, from, 4, protocol, keys);
	flow_find(&flows, asked, refs, 2);
	return refs[0] != FLOW_NONE && refs[1] == (refs[0] | FLOW_REVERSE);
}

static void answer(uint32_t pair)
{
	flows.pairs[pair].count[FLOW_REVERSE].packets++;
}

static void pass_seconds(uint32_t seconds)
{
	flow_clock_ahead += seconds * FLOW_HZ;
	flow_age_all();
}

struct times_case {
	const char *name;
	uint8_t protocol;
	uint32_t tcp;
	bool answered;
	uint16_t flags;
	uint64_t stamps;
	uint32_t seconds;
};

#define OPEN     FLOW_TCP_OPEN
#define CLOSING  (OPEN | FLOW_TCP_FIN)
#define CLOSED   (OPEN | FLOW_TCP_BOTH(FLOW_TCP_FIN) | FLOW_TCP_BOTH(FLOW_TCP_FIN_ACKED))
#define NO_STAMP FLOW_STALE

TEST(each_flow_lives_as_long_as_the_settings_say)
{
	static const struct times_case cases[] = {
	        {"tcp that opens", IPPROTO_TCP, FLOW_TCP_SYN, false, 0, 0, 240},
	        {"tcp", IPPROTO_TCP, OPEN, true, 0, 0, 7440},
	        {"tcp that ends", IPPROTO_TCP, CLOSING, true, 0, 0, 240},
	        {"tcp that ended", IPPROTO_TCP, CLOSED, true, 0, 0, 240},
	        {"tcp that was reset", IPPROTO_TCP, OPEN | FLOW_TCP_RESET, true, 0, 0, 240},
	        {"udp without an answer", IPPROTO_UDP, 0, false, 0, 0, 300},
	        {"udp", IPPROTO_UDP, 0, true, 0, 0, 300},
	        {"icmp", IPPROTO_ICMP, 0, true, 0, 0, 60},
	        {"icmpv6", IPPROTO_ICMPV6, 0, false, 0, 0, 60},
	        {"gre", IPPROTO_GRE, 0, true, 0, 0, 300},
	        {"tcp that is denied now", IPPROTO_TCP, OPEN, true, FLOW_DENIED, 0, 60},
	        {"tcp that was denied by rules of before", IPPROTO_TCP, OPEN, true, FLOW_DENIED, NO_STAMP, 7440},
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct times_case *c = &cases[i];
		begin(PAIRS, 25);
		uint32_t pair = add(i, 1, c->protocol);
		struct flow_pair *flow = &flows.pairs[pair];
		flow->count[FLOW_FORWARD].tcp = c->tcp;
		flow->count[FLOW_REVERSE].packets = c->answered;
		flow->half[FLOW_FORWARD].flags = c->flags;
		flow->half[FLOW_FORWARD].stamps = c->stamps;
		pass_seconds(c->seconds - 1);
		if (flow_count(&flows) != 1)
			printf("  %s: over too early\n", c->name);
		CHECK_EQ(flow_count(&flows), 1);
		pass_seconds(1);
		if (flow_count(&flows) != 0)
			printf("  %s: over too late\n", c->name);
		CHECK_EQ(flow_count(&flows), 0);
	}
}

TEST(a_packet_of_either_direction_keeps_a_flow)
{
	begin(PAIRS, 25);
	uint32_t pair = add(1, 1, IPPROTO_UDP);
	for (uint32_t i = 0; i < 6; i++) {
		pass_seconds(290);
		CHECK(is_found(1, 1, IPPROTO_UDP));
		flows.pairs[pair].count[i & 1].seen = flow_now(1);
	}
	pass_seconds(300);
	CHECK(!is_found(1, 1, IPPROTO_UDP));
}

TEST(settings_count)
{
	struct fwd_flow_stats stats;

	begin(PAIRS, 25);
	rig_flows.flow_udp = 10;
	rig_flows_restart();
	add(1, 1, IPPROTO_UDP);
	pass_seconds(10);
	CHECK(!is_found(1, 1, IPPROTO_UDP));
	flow_life_stats(&stats);
	CHECK_EQ(stats.capacity, PAIRS);
	CHECK_EQ(stats.added, 1);
	CHECK_EQ(stats.expired, 1);
	CHECK_EQ(stats.used, 0);
}

/* Of a full table the flows go in the order in which they began, but those that were answered. */
TEST(half_open_flows_go_oldest_first)
{
	uint32_t evicted = 0;

	begin(256, 100);
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t pair = add(i, 1 + i % 3, IPPROTO_UDP);
		CHECK(pair != FLOW_NONE);
		if (i % 4 == 0)
			answer(pair);
	}
	for (uint32_t i = 0; i < 150; i++) {
		CHECK(add(1000 + i, 1, IPPROTO_UDP) != FLOW_NONE);
		bool still = false;
		for (uint32_t n = 0; n < 256; n++) {
			bool found = is_found(n, 1 + n % 3, IPPROTO_UDP);
			CHECK(found || n % 4 != 0);
			CHECK(found || !still);
			still |= found && n % 4 != 0;
			evicted += !found && i == 149;
		}
	}
	CHECK(evicted >= 150);
}

TEST(established_flows_never_go)
{
	uint32_t pair;

	begin(256, 100);
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t opened = add(i, 1, i & 1 ? IPPROTO_TCP : IPPROTO_UDP);
		CHECK(opened != FLOW_NONE);
		flows.pairs[opened].count[FLOW_FORWARD].tcp = i & 1 ? (i & 2 ? OPEN : CLOSING) : 0;
		answer(opened);
	}
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQ(begin_flow(1000 + i, 2, 4, IPPROTO_UDP, &pair), DROP_FLOW_TABLE_FULL);
	for (uint32_t i = 0; i < 256; i++)
		CHECK(is_found(i, 1, i & 1 ? IPPROTO_TCP : IPPROTO_UDP));
	CHECK_EQ(flow_count(&flows), 256);
}

/* What opened and closed goes for new flows once a pass has seen it; so does what never opened, whatever FINs it has.
 */
TEST(closed_and_lone_fins_go)
{
	static const uint32_t states[] = {CLOSED, OPEN | FLOW_TCP_RESET, FLOW_TCP_FIN};

	for (uint32_t state = 0; state < 3; state++) {
		begin(256, 100);
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t pair = add(i, 1, IPPROTO_TCP);
			flows.pairs[pair].count[FLOW_FORWARD].tcp = OPEN;
			answer(pair);
		}
		for (uint32_t i = 0; i < 8; i++)
			CHECK_EQ(add(1000 + i, 2, IPPROTO_TCP), FLOW_NONE);
		for (uint32_t i = 0; i < 256; i++)
			flows.pairs[i].count[FLOW_FORWARD].tcp = states[state];
		flow_age_all();
		for (uint32_t i = 0; i < 200; i++)
			CHECK(add(2000 + i, 2, IPPROTO_TCP) != FLOW_NONE);
	}
}

TEST(a_port_has_its_share_and_no_more)
{
	uint32_t pair;

	begin(1000, 10);
	for (uint32_t i = 0; i < 100; i++)
		CHECK(add(i, 1, IPPROTO_UDP) != FLOW_NONE);
	CHECK_EQ(begin_flow(100, 1, 4, IPPROTO_UDP, &pair), DROP_FLOW_PORT_LIMIT);
	CHECK_EQ(flow_begin_peek(port_of(1)->slot), DROP_FLOW_PORT_LIMIT);
	CHECK_EQ(flow_begin_peek(port_of(2)->slot), VERDICT_NEXT);
	CHECK(add(500, 2, IPPROTO_UDP) != FLOW_NONE);
	pass_seconds(300);
	for (uint32_t i = 0; i < 100; i++)
		CHECK(add(i, 1, IPPROTO_UDP) != FLOW_NONE);
	CHECK_EQ(begin_flow(100, 1, 4, IPPROTO_UDP, &pair), DROP_FLOW_PORT_LIMIT);
	/* One that is given back is not charged. */
	pass_seconds(300);
	for (uint32_t i = 0; i < 1000; i++) {
		CHECK_EQ(flow_begin(1, port_of(1)->slot, &pair), VERDICT_NEXT);
		flow_cancel(1, pair);
	}
}

TEST(flows_end_with_their_ports)
{
	struct fwd_flow told;

	begin(1000, 10);
	for (uint32_t i = 0; i < 100; i++)
		CHECK(add(i, 1, IPPROTO_UDP) != FLOW_NONE);
	uint32_t kept = add(500, 2, IPPROTO_UDP), slot = port_of(1)->slot;
	RIG_DELETE(port, .id = 1);
	make_port(1);
	rig_links();
	/* The new port, in the slot of the old one, is charged for none of its flows, and none of them is its. */
	CHECK_EQ(port_of(1)->slot, slot);
	for (uint32_t i = 0; i < 100; i++)
		CHECK(add(1000 + i, 1, IPPROTO_UDP) != FLOW_NONE);
	CHECK_EQ(flow_count(&flows), 201);
	CHECK_EQ(add(2000, 1, IPPROTO_UDP), FLOW_NONE);
	flow_age_all();
	CHECK_EQ(flow_count(&flows), 101);
	CHECK(flow_tell(kept, &told));
	CHECK_EQ(told.from_port, 2);
	CHECK_EQ(add(2000, 1, IPPROTO_UDP), FLOW_NONE);
	RIG_DELETE(port, .id = 4);
	flow_age_all();
	CHECK_EQ(flow_count(&flows), 0);
}

TEST(a_restart_keeps_flows_and_forgets_decisions)
{
	struct fwd_flow_stats stats;
	uint32_t pair = 0;

	begin(1000, 10);
	for (uint32_t i = 0; i < 90; i++) {
		pair = add(i, 1, IPPROTO_UDP);
		flows.pairs[pair].half[0].stamps = flows.pairs[pair].half[1].stamps = 0;
		flows.pairs[pair].count[0].rule = 7;
	}
	add(505, 2, IPPROTO_UDP);
	add(506, 3, IPPROTO_UDP);
	RIG_DELETE(port, .id = 3);
	flows.pairs[add(507, 2, IPPROTO_UDP)].half[0].way_out++;
	flows.pairs[add(508, 2, IPPROTO_UDP)].half[1].key.family = 5;
	rig_flows_restart();
	flow_life_stats(&stats);
	CHECK_EQ(stats.kept, 91);
	CHECK_EQ(stats.used, 91);
	for (uint32_t i = 0; i < 90; i++)
		CHECK(is_found(i, 1, IPPROTO_UDP));
	CHECK(is_found(505, 2, IPPROTO_UDP));
	CHECK(!is_found(507, 2, IPPROTO_UDP));
	CHECK(!is_found(508, 2, IPPROTO_UDP));
	CHECK(flows.pairs[pair].half[0].stamps == FLOW_STALE && flows.pairs[pair].half[1].stamps == FLOW_STALE);
	CHECK_EQ(flows.pairs[pair].count[0].rule, POLICY_NO_RULE);
	CHECK_EQ(flows.pairs[pair].count[0].packets, 1);
	/* Charged as before. */
	for (uint32_t i = 0; i < 10; i++)
		CHECK(add(1000 + i, 1, IPPROTO_UDP) != FLOW_NONE);
	CHECK_EQ(add(2000, 1, IPPROTO_UDP), FLOW_NONE);
	/* Time went on. */
	pass_seconds(299);
	CHECK_EQ(flow_count(&flows), 101);
	pass_seconds(1);
	CHECK_EQ(flow_count(&flows), 0);
}

TEST(a_table_of_another_size_starts_empty_and_rows_stay)
{
	begin(1000, 10);
	for (uint32_t i = 0; i < 90; i++)
		add(i, 1, IPPROTO_UDP);
	rig_flows.flow_pairs = 2000;
	rig_flows_restart();
	CHECK_EQ(flow_count(&flows), 0);
	CHECK(tables_port(1) != NULL);
	CHECK(add(1, 1, IPPROTO_UDP) != FLOW_NONE);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

/* Bits anywhere in the pairs and their states, and how many were used, are others. */
static void damage(uint64_t *seed)
{
	uint8_t *bytes = (uint8_t *)flows.pairs;

	for (uint32_t i = 0; i < 500; i++)
		bytes[next_random(seed) % (400 * sizeof(struct flow_pair))] ^= (uint8_t)(1 << next_random(seed) % 8);
	for (uint32_t i = 0; i < 20; i++)
		flows.pairs[next_random(seed) % 400] = flows.pairs[next_random(seed) % 400];
	if (next_random(seed) % 2 == 0)
		flows.header->high_water = next_random(seed) % 400;
}

static void count_pair(const struct flow_pair *pair, uint32_t number, void *context)
{
	(void)pair;
	(void)number;
	++*(uint32_t *)context;
}

TEST(damage_leaves_a_table_that_works)
{
	uint64_t seed = 1;
	struct fwd_flow told;

	for (uint32_t round = 0; round < 50; round++) {
		uint32_t used = 0;
		begin(512, 100);
		for (uint32_t i = 0; i < 400; i++)
			add(i, 1 + i % 3, IPPROTO_UDP);
		damage(&seed);
		rig_flows_restart();
		flow_each(&flows, count_pair, &used);
		CHECK_EQ(used, flow_count(&flows));
		for (uint32_t i = 0; i < (round % 2 == 0 ? 10 : 1000); i++)
			add(1000 + i, 1 + i % 3, i % 2 ? IPPROTO_UDP : IPPROTO_TCP);
		flow_age_all();
		used = 0;
		flow_each(&flows, count_pair, &used);
		CHECK_EQ(used, flow_count(&flows));
		CHECK(used <= 512);
		for (uint32_t i = 0; i < 512; i++) {
			flow_tell(i, &told);
			flow_end(1, i);
		}
		CHECK_EQ(flow_count(&flows), 0);
	}
}

static uint32_t read_all(const struct fwd_flow_filter *filter, uint32_t room, uint32_t *calls)
{
	static struct fwd_flow out[1000];
	uint32_t cursor = 0, total = 0;

	*calls = 0;
	do {
		total += (uint32_t)flow_read(filter, &cursor, out, room * sizeof(out[0])) / sizeof(out[0]);
		++*calls;
	} while (cursor != 0xffffffffu);
	return total;
}

TEST(lists_what_fits_a_filter)
{
	struct fwd_flow_filter all = {0}, filter;
	struct fwd_flow told;
	uint32_t calls;

	begin(PAIRS, 100);
	for (uint32_t i = 0; i < 900; i++)
		add(i, 1 + i % 3, i % 2 ? IPPROTO_UDP : IPPROTO_TCP);
	CHECK_EQ(read_all(&all, 1000, &calls), 900);
	CHECK_EQ(read_all(&all, 7, &calls), 900);
	CHECK(calls >= 900 / 7);
	filter = (struct fwd_flow_filter){.port = 2};
	CHECK_EQ(read_all(&filter, 1000, &calls), 300);
	filter = (struct fwd_flow_filter){.protocol = IPPROTO_UDP, .port = 4};
	CHECK_EQ(read_all(&filter, 1000, &calls), 450);
	filter = (struct fwd_flow_filter){.l4_port = 80, .version = 4};
	CHECK_EQ(read_all(&filter, 1000, &calls), 900);
	filter = (struct fwd_flow_filter){.version = 6};
	CHECK_EQ(read_all(&filter, 1000, &calls), 0);
	uint32_t address = 0x0a000000u + 5;
	filter = (struct fwd_flow_filter){.version = 4};
	memcpy(filter.address, &address, 4);
	CHECK_EQ(read_all(&filter, 1000, &calls), 1);
	pass_seconds(2);
	uint32_t pair = add(5000, 2, IPPROTO_UDP);
	CHECK(flow_tell(pair, &told));
	CHECK_EQ(told.from_port, 2);
	CHECK_EQ(told.from_generation, generation_of(2));
	CHECK_EQ(told.to_port, 4);
	CHECK_EQ(told.src_port, 1000);
	CHECK_EQ(told.dst_port, 80);
	CHECK_EQ(told.packets, 1);
	CHECK_EQ(told.bytes, 100);
	CHECK_EQ(told.state, FWD_FLOW_OPENING);
	CHECK_EQ(told.last_drop, 0xffff);
	CHECK(told.age_ms < 1000);
	flow_end(1, pair);
	CHECK(!flow_tell(pair, &told));
}

/* In a child that is killed at any instant: flows come and go. */
static void churn(uint64_t seed)
{
	for (;;) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		uint32_t number = (uint32_t)(seed >> 33) % 600, pair = add(number, 1 + number % 3, IPPROTO_UDP);
		if (pair == FLOW_NONE || (seed >> 20) % 3 != 0)
			flow_end(1, (uint32_t)(seed >> 40) % 300);
	}
}

TEST(a_kill_leaves_no_wrong_flow)
{
	uint32_t kept = 0;

	for (uint32_t kill_number = 0; kill_number < 60; kill_number++) {
		begin(PAIRS, 100);
		pid_t child = fork();
		if (child == 0)
			churn(kill_number + 1);
		usleep(1000 + kill_number * 97);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		rig_flows_restart();
		uint32_t found = 0;
		for (uint32_t i = 0; i < 600; i++)
			found += is_found(i, 1 + i % 3, IPPROTO_UDP);
		/* Every pair that is there is one of those flows, found by both its keys. */
		CHECK_EQ(found, flow_count(&flows));
		kept += found;
		for (uint32_t i = 0; i < PAIRS; i++)
			flow_end(1, i);
		CHECK_EQ(flow_count(&flows), 0);
		for (uint32_t i = 0; i < PAIRS; i++)
			CHECK(add(i, 1, IPPROTO_UDP) != FLOW_NONE);
	}
	CHECK(kept > 1000);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(each_flow_lives_as_long_as_the_settings_say),
	        CASE(a_packet_of_either_direction_keeps_a_flow), CASE(settings_count),
	        CASE(half_open_flows_go_oldest_first), CASE(established_flows_never_go), CASE(closed_and_lone_fins_go),
	        CASE(a_port_has_its_share_and_no_more), CASE(flows_end_with_their_ports),
	        CASE(a_restart_keeps_flows_and_forgets_decisions),
	        CASE(a_table_of_another_size_starts_empty_and_rows_stay), CASE(damage_leaves_a_table_that_works),
	        CASE(lists_what_fits_a_filter), CASE(a_kill_leaves_no_wrong_flow)};

	rig_start();
	RIG_ROW(bridge, .id = 1, .mtu = 1500, .mode = FWD_MODE_L2);
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
