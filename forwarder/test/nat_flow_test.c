/* Flows that hold outside ports: what they release, what is told of them, what survives restarts and kill -9, and many
 * of them at once. */
#include "flow_life.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow_outside.h"
#include "nat_map_own.h"
#include "port.h"
#include "rig.h"
#include "test.h"

#define UPLINK    190u
#define POOL      7u
#define VMS       51u
#define ADDRESSES 8u
#define PAIRS     131072u

static void make_port(uint32_t id)
{
	RIG_ROW(port, .id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .binding = FWD_BINDING_NONE);
}

static struct fwd_nat_address_row row_of(uint32_t number)
{
	return (struct fwd_nat_address_row){.port = UPLINK,
	        .family = 4,
	        .address = {198, 51, 100, (uint8_t)(number + 1)},
	        .pool = POOL,
	        .port_min = 1024,
	        .port_max = 65535,
	        .block_size = 512,
	        .port_blocks = 8};
}

static void put_row(uint32_t number)
{
	struct fwd_nat_address_row row = row_of(number);

	rig_row(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

static void later(uint32_t seconds)
{
	flow_clock_ahead += seconds * FLOW_HZ;
	flow_age_all();
}

/* No flows, no mappings. */
static void begin(void)
{
	later(100000);
	later(200);
	rig_flows = (struct fwd_config){.flow_pairs = PAIRS, .flow_port_percent = 100};
	rig_flows_restart();
	for (uint32_t i = 0; i < ADDRESSES; i++)
		put_row(i);
	for (uint32_t id = 1; id <= VMS; id++)
		make_port(id);
	make_port(UPLINK);
	rig_links();
}

/* Of a flow to a server port. */
static struct flow_key key_of(uint32_t vm, uint32_t number, uint8_t protocol, uint16_t to)
{
	uint32_t address = htonl(0x0a000000u | vm << 8 | number >> 14), remote = htonl(0x08080808);
	struct flow_key key = {.src_port = htons((uint16_t)(1024 + (number & 0x3fff))),
	        .dst_port = htons(to),
	        .context = port_of(vm)->generation,
	        .protocol = protocol,
	        .family = 4};

	memcpy(key.src, &address, sizeof(address));
	memcpy(key.dst, &remote, sizeof(remote));
	return key;
}

/* As the walk does with a first packet. NAT_NONE: it is dropped. */
static uint32_t begin_flow_to(uint32_t vm, uint32_t number, uint8_t protocol, uint16_t to)
{
	struct flow_key forward = key_of(vm, number, protocol, to), reverse;
	struct nat_outside outside;
	uint32_t pair, other;

	if (flow_begin(1, port_of(vm)->slot, &pair) != VERDICT_NEXT)
		return NAT_NONE;
	struct nat_inside inside = {
	        .context = forward.context, .port = forward.src_port, .family = 4, .protocol = protocol};
	memcpy(inside.address, forward.src, sizeof(inside.address));
	if (nat_map_take(port_of(vm)->slot, UPLINK, POOL, &inside, 0, &outside) != VERDICT_NEXT) {
		flow_cancel(1, pair);
		return NAT_NONE;
	}
	reverse = (struct flow_key){.src_port = forward.dst_port,
	        .dst_port = outside.port,
	        .context = port_of(UPLINK)->generation,
	        .protocol = protocol,
	        .family = 4};
	memcpy(reverse.src, forward.dst, sizeof(reverse.src));
	memcpy(reverse.dst, outside.address, sizeof(reverse.dst));
	struct flow_pair *new = &flows.pairs[pair];
	new->half[FLOW_FORWARD].key = forward;
	new->half[FLOW_REVERSE].key = reverse;
	new->half[FLOW_FORWARD].way_out = reverse.context;
	new->half[FLOW_REVERSE].way_out = forward.context;
	new->half[FLOW_REVERSE].slot = port_of(UPLINK)->slot;
	new->half[FLOW_FORWARD].flags = FLOW_NAT | FLOW_NAT_SOURCE;
	new->half[FLOW_REVERSE].flags = FLOW_NAT;
	return flow_insert(1, pair, &other) == 0 ? pair : NAT_NONE;
}

static uint32_t begin_flow(uint32_t vm, uint32_t number, uint8_t protocol)
{
	return begin_flow_to(vm, number, protocol, 53);
}

/* What entries say that is in use: others may be left of damage. */
static uint64_t refs_of(uint32_t place, uint32_t unit, uint32_t protocol)
{
	uint64_t sum = 0, used = nat_states[place].units[unit].used[protocol] & ~nat_ports[place].units[unit].barred;

	for (; used != 0; used &= used - 1)
		sum += nat_entry(nat_number(place, protocol, unit * NAT_UNIT + (uint32_t)__builtin_ctzll(used)))->use &
		       NAT_REFS;
	return sum;
}

static uint64_t refs_in_all(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nat_settings.used * NAT_UNITS * NAT_PROTOCOLS; i++)
		if (nat_ports[i / NAT_PROTOCOLS / NAT_UNITS].units[i / NAT_PROTOCOLS % NAT_UNITS].owner != 0)
			sum += refs_of(i / NAT_PROTOCOLS / NAT_UNITS, i / NAT_PROTOCOLS % NAT_UNITS, i % NAT_PROTOCOLS);
	return sum;
}

static void check_pair(const struct flow_pair *pair, uint32_t number, void *context)
{
	struct nat_outside outside;
	struct nat_inside inside;

	flow_outside_source(pair, &outside, &inside);
	*(uint32_t *)context += nat_map_holds(&outside, &inside);
}

/* Every flow holds its own outside port, and nothing else is held. */
static bool all_hold(void)
{
	uint32_t holding = 0;

	flow_each(&flows, check_pair, &holding);
	if (holding == flow_count(&flows) && holding == refs_in_all())
		return true;
	printf("  %u flows, %u hold, %lu are held\n", flow_count(&flows), holding, refs_in_all());
	return false;
}

TEST(a_flow_holds_its_outside_port_until_it_ends)
{
	begin();
	uint32_t first = begin_flow(1, 1, IPPROTO_UDP), second = begin_flow(1, 2, IPPROTO_TCP);
	CHECK(first != NAT_NONE && second != NAT_NONE && all_hold());
	CHECK_EQ(refs_in_all(), 2);
	flow_end(1, first);
	CHECK_EQ(refs_in_all(), 1);
	/* Given up because there is a flow with this key already. */
	CHECK_EQ(begin_flow(1, 2, IPPROTO_TCP), NAT_NONE);
	CHECK(all_hold());
	later(100000);
	CHECK_EQ(flow_count(&flows), 0);
	CHECK_EQ(refs_in_all(), 0);
}

/* Whether a flow that has seen no packet since a tick is there for so many seconds, and no tick more. */
static bool lives(uint32_t pair, uint32_t since, uint32_t seconds)
{
	struct fwd_flow flow;

	return flow_tell(pair, &flow) == (flow_now(1) - since <= seconds * FLOW_HZ);
}

TEST(udp_lives_two_minutes_and_icmp_queries_one_at_least)
{
	begin();
	rig_flows = (struct fwd_config){.flow_pairs = PAIRS, .flow_udp = 120};
	rig_flows_restart();
	uint32_t udp = begin_flow(1, 1, IPPROTO_UDP), icmp = begin_flow(1, 2, IPPROTO_ICMP);
	CHECK(udp != NAT_NONE && icmp != NAT_NONE);
	uint32_t udp_since = flows.pairs[udp].count[0].seen, icmp_since = flows.pairs[icmp].count[0].seen;
	static const uint32_t steps[] = {59, 1, 1, 58, 1, 1};
	for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		later(steps[i]);
		CHECK(lives(udp, udp_since, 120) && lives(icmp, icmp_since, 60));
	}
	CHECK_EQ(flow_count(&flows), 0);
}

TEST(flows_tell_what_they_are_translated_into)
{
	struct fwd_flow flow, listed[4];
	struct fwd_flow_filter filter = {.address = {198, 51, 100}};
	uint32_t cursor = 0;

	begin();
	uint32_t pair = begin_flow(1, 1, IPPROTO_UDP);
	CHECK(flow_tell(pair, &flow));
	const struct flow_key *back = &flows.pairs[pair].half[FLOW_REVERSE].key;
	CHECK_EQ(flow.translated, 1);
	CHECK_EQ(flow.src_port, 1025);
	CHECK_EQ(flow.nat_src_port, ntohs(back->dst_port));
	CHECK_EQ(flow.nat_dst_port, 53);
	CHECK(memcmp(flow.nat_src, back->dst, 16) == 0 && memcmp(flow.nat_dst, flow.dst, 16) == 0);
	memcpy(filter.address, back->dst, sizeof(filter.address));
	CHECK_EQ(flow_read(&filter, &cursor, listed, sizeof(listed)), sizeof(listed[0]));
	filter.address[3] ^= 0x80;
	cursor = 0;
	CHECK_EQ(flow_read(&filter, &cursor, listed, sizeof(listed)), 0);
}

static void note(const struct flow_pair *pair, uint32_t number, void *context)
{
	const struct flow_key *back = &pair->half[FLOW_REVERSE].key;
	uint8_t(*used)[NAT_PORTS / 8] = context;
	uint32_t port = ntohs(back->dst_port), place = nat_place_find(4, back->dst);

	if (place >= 64 || (used[place][port / 8] >> port % 8 & 1) != 0)
		printf("  %u of place %u is shared or nobody's\n", port, place), test_failures++;
	else
		used[place][port / 8] |= (uint8_t)(1u << port % 8);
}

/* All flows go to one remote: two with the same outside port would have the same 5-tuple. */
static bool all_differ(void)
{
	static uint8_t used[64][NAT_PORTS / 8];

	memset(used, 0, sizeof(used));
	flow_each(&flows, note, used);
	return test_failures == 0;
}

TEST(a_hundred_thousand_flows_of_50_ports_differ_and_survive_a_restart)
{
	static struct flow_key before[PAIRS];

	begin();
	for (uint32_t number = 0; number < 2000; number++)
		for (uint32_t vm = 1; vm <= 50; vm++)
			CHECK(begin_flow(vm, number, IPPROTO_UDP) != NAT_NONE);
	CHECK_EQ(flow_count(&flows), 100000);
	CHECK(all_differ() && all_hold());
	for (uint32_t i = 0; i < 100000; i++)
		before[i] = flows.pairs[i].half[FLOW_REVERSE].key;
	rig_flows_restart();
	CHECK_EQ(flow_count(&flows), 100000);
	CHECK(all_differ() && all_hold());
	for (uint32_t i = 0; i < 100000; i++)
		CHECK(memcmp(&before[i], &flows.pairs[i].half[FLOW_REVERSE].key, sizeof(before[i])) == 0);
	/* And go on: endpoints keep theirs, new ones get others. */
	for (uint32_t vm = 1; vm <= 50; vm++)
		CHECK(begin_flow(vm, 2000, IPPROTO_UDP) != NAT_NONE);
	CHECK(all_differ() && all_hold());
}

TEST(who_opens_a_hundred_thousand_flows_harms_nobody_else)
{
	uint32_t failed = 0, opened = 0;

	begin();
	for (uint32_t number = 0; number < 100000; number++) {
		opened += begin_flow(51, number, IPPROTO_UDP) != NAT_NONE;
		if (number % 100 == 0)
			for (uint32_t vm = 1; vm <= 50; vm++)
				failed += begin_flow(vm, number / 100, IPPROTO_UDP) == NAT_NONE;
	}
	CHECK_EQ(opened, 4096);
	CHECK_EQ(failed, 0);
	CHECK(all_differ() && all_hold());
	/* Whose endpoints still reach others. */
	for (uint32_t number = 0; number < 4096; number++)
		CHECK(begin_flow_to(51, number, IPPROTO_UDP, 54) != NAT_NONE);
	CHECK(all_hold());
}

static uint32_t blocks_in_all(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < nat_settings.used * NAT_UNITS; i++)
		count += nat_ports[i / NAT_UNITS].units[i % NAT_UNITS].owner != 0;
	return count;
}

/* 4 ports, 2,000 endpoints each, of which each opens a flow to another remote port every 30 s, while the oldest flows
 * end: all of an endpoint's leave by one outside port, and one that has been unused for long enough goes. */
TEST(endpoints_keep_their_outside_ports_over_minutes_of_flows_that_come_and_go)
{
	static uint16_t ports[5][2000];
	uint32_t moved = 0, refused = 0;

	begin();
	for (uint16_t round = 0; round < 24; round++) {
		for (uint32_t i = 0; i < 4 * 2000; i++) {
			uint32_t vm = 1 + i % 4, number = i / 4;
			uint32_t pair = begin_flow_to(vm, number, IPPROTO_UDP, (uint16_t)(1000 + round));
			uint16_t port = pair == NAT_NONE ? 0 : flows.pairs[pair].half[FLOW_REVERSE].key.dst_port;
			refused += pair == NAT_NONE;
			moved += round > 0 && port != ports[vm][number];
			ports[vm][number] = port;
		}
		later(30);
	}
	CHECK_EQ(refused, 0);
	CHECK_EQ(moved, 0);
	CHECK(all_hold());
	CHECK(flow_count(&flows) < 24 * 4 * 2000 / 2);
	later(301);
	CHECK_EQ(flow_count(&flows), 0);
	later(121);
	CHECK_EQ(blocks_in_all(), 0);
}

/* RFC 4787 §4.1: also the endpoints of a port that has all its blocks reach others, and nobody else gets one. */
TEST(endpoints_of_a_port_without_a_free_outside_port_reach_others)
{
	uint32_t reached = 0, more = 0;

	begin();
	for (uint32_t number = 0; number < 4096; number++)
		CHECK(begin_flow_to(1, number, IPPROTO_UDP, 53) != NAT_NONE);
	for (uint32_t step = 0; step < 4; step++, later(50))
		for (uint32_t number = 0; number < 6000; number++) {
			bool began = begin_flow_to(1, number, IPPROTO_UDP, (uint16_t)(1000 + step)) != NAT_NONE;
			reached += began && number < 4096;
			more += began && number >= 4096;
		}
	CHECK_EQ(reached, 4 * 4096);
	CHECK_EQ(more, 0);
	CHECK(begin_flow(2, 1, IPPROTO_UDP) != NAT_NONE);
	CHECK(all_hold());
}

TEST(a_flow_whose_outside_port_is_gone_is_not_taken_over)
{
	begin();
	uint32_t kept = begin_flow(1, 1, IPPROTO_UDP), lost = begin_flow(1, 2, IPPROTO_UDP);
	struct nat_outside outside;
	struct nat_inside inside;

	flow_outside_source(&flows.pairs[lost], &outside, &inside);
	nat_entry(nat_number(nat_place_find(4, outside.address), 1, ntohs(outside.port)))->use = 0;
	rig_flows_restart();
	CHECK_EQ(flow_count(&flows), 1);
	CHECK(flow_find_one(&flows, &flows.pairs[kept].half[0].key) == kept << 1);
	CHECK(all_hold());
}

TEST(other_sizes_of_either_table_start_the_right_part_empty)
{
	struct fwd_nat_event events[4];

	begin();
	CHECK(begin_flow(1, 1, IPPROTO_UDP) != NAT_NONE);
	rig_flows = (struct fwd_config){.flow_pairs = PAIRS, .nat_addresses = 200};
	rig_flows_restart();
	CHECK_EQ(flow_count(&flows), 1);
	rig_flows = (struct fwd_config){.flow_pairs = PAIRS, .nat_addresses = 8};
	rig_flows_restart();
	CHECK_EQ(flow_count(&flows), 1);
	CHECK(all_hold());
	rig_flows = (struct fwd_config){.flow_pairs = PAIRS / 2};
	rig_flows_restart();
	CHECK_EQ(flow_count(&flows), 0);
	CHECK_EQ(refs_in_all(), 0);
	CHECK_EQ(nat_map_events_read(0, events, sizeof(events)), 0);
	CHECK(begin_flow(1, 1, IPPROTO_UDP) != NAT_NONE);
}

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33);
}

TEST(damage_leaves_outside_ports_that_work)
{
	uint32_t kept = 0;

	for (uint32_t round = 0; round < 40; round++) {
		begin();
		for (uint32_t number = 0; number < 200; number++)
			begin_flow(1 + number % 3, number, IPPROTO_UDP);
		/* Somewhere in what is in use. */
		uint8_t *parts[] = {(uint8_t *)nat_file->places, (uint8_t *)nat_ports[0].units,
		        (uint8_t *)nat_ports[1].units, (uint8_t *)&nat_ports[0].entries[1][1024], (uint8_t *)nat_file};
		static const uint32_t lengths[] = {64, 32 * 64, 32 * 64, 32 * 1024, 24};
		for (uint32_t i = 0; i < 8; i++) {
			uint32_t part = next_random() % (round % 4 == 0 ? 5 : 4);
			parts[part][next_random() % lengths[part]] ^= (uint8_t)(1 + next_random() % 255);
		}
		rig_flows_restart();
		kept += flow_count(&flows);
		CHECK(all_differ() && all_hold());
		for (uint32_t number = 200; number < 300; number++)
			begin_flow(1 + number % 3, number, IPPROTO_UDP);
		CHECK(all_differ() && all_hold());
		later(100000);
		CHECK_EQ(refs_in_all(), 0);
	}
	CHECK(kept > 1000);
}

/* Flows begin and end, time runs, until the process is killed. */
static void churn(uint32_t seed)
{
	random_state = seed;
	for (;;) {
		uint32_t pair = begin_flow(1 + next_random() % 5, next_random() % 700, IPPROTO_UDP);
		if (pair == NAT_NONE || next_random() % 3 == 0)
			flow_end(1, next_random() % 1024);
		if (next_random() % 64 == 0)
			later(20);
	}
}

TEST(a_kill_leaves_every_flow_with_its_outside_port)
{
	uint32_t kept = 0;

	for (uint32_t kill_number = 0; kill_number < 60; kill_number++) {
		begin();
		pid_t child = fork();
		if (child == 0)
			churn(kill_number + 1);
		usleep(2000 + kill_number * 197);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		rig_flows_restart();
		kept += flow_count(&flows);
		CHECK(all_differ() && all_hold());
		for (uint32_t number = 0; number < 300; number++)
			begin_flow(1 + number % 5, 1000 + number, IPPROTO_UDP);
		CHECK(all_differ() && all_hold());
	}
	CHECK(kept > 1000);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(a_flow_holds_its_outside_port_until_it_ends),
	        CASE(udp_lives_two_minutes_and_icmp_queries_one_at_least),
	        CASE(flows_tell_what_they_are_translated_into),
	        CASE(a_hundred_thousand_flows_of_50_ports_differ_and_survive_a_restart),
	        CASE(who_opens_a_hundred_thousand_flows_harms_nobody_else),
	        CASE(endpoints_keep_their_outside_ports_over_minutes_of_flows_that_come_and_go),
	        CASE(endpoints_of_a_port_without_a_free_outside_port_reach_others),
	        CASE(a_flow_whose_outside_port_is_gone_is_not_taken_over),
	        CASE(other_sizes_of_either_table_start_the_right_part_empty),
	        CASE(damage_leaves_outside_ports_that_work), CASE(a_kill_leaves_every_flow_with_its_outside_port)};

	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
