/* Outside ports: who gets which, for how long, in blocks, over restarts, and what is told of it. */
#include "nat_map.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "flow_life.h"
#include "nat_map_own.h"
#include "port.h"
#include "rig.h"
#include "test.h"

#define UPLINK 9u
#define POOL   7u
#define PORTS  6u
#define WAIT   120u

static void make_port(uint32_t id)
{
	RIG_ROW(port, .id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .binding = FWD_BINDING_NONE);
}

static struct fwd_nat_address_row row_of(uint8_t host)
{
	return (struct fwd_nat_address_row){.port = UPLINK,
	        .family = 4,
	        .address = {198, 51, 100, host},
	        .pool = POOL,
	        .port_min = 1024,
	        .port_max = 65535,
	        .block_size = 64,
	        .port_blocks = 2};
}

static void put(struct fwd_nat_address_row row)
{
	rig_row(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

static void drop(struct fwd_nat_address_row row)
{
	rig_delete(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

static void later(uint32_t seconds)
{
	flow_clock_ahead += seconds * FLOW_HZ;
	flow_age_all();
}

/* Nothing is left of the tests before. */
static void begin(void)
{
	for (uint32_t host = 0; host < 16; host++)
		drop(row_of((uint8_t)host));
	/* No flow holds what was taken. */
	rig_flows_restart();
	later(WAIT + 2);
	rig_flows = (struct fwd_config){0};
	rig_flows_restart();
	for (uint32_t id = 1; id <= PORTS; id++)
		make_port(id);
	make_port(UPLINK);
	rig_links();
}

static struct nat_inside endpoint(uint32_t vm, uint16_t port, uint8_t protocol)
{
	return (struct nat_inside){.address = {10, 0, 0, (uint8_t)vm},
	        .context = port_of(vm)->generation,
	        .port = htons(port),
	        .family = 4,
	        .protocol = protocol};
}

static verdict_t take_again(uint32_t vm, uint16_t port, uint8_t protocol, uint32_t tries, struct nat_outside *out)
{
	struct nat_inside inside = endpoint(vm, port, protocol);

	return nat_map_take(port_of(vm)->slot, UPLINK, POOL, &inside, tries, out);
}

static verdict_t take(uint32_t vm, uint16_t port, uint8_t protocol, struct nat_outside *out)
{
	return take_again(vm, port, protocol, 0, out);
}

static bool same(const struct nat_outside *a, const struct nat_outside *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static uint32_t events_after(uint64_t after, struct fwd_nat_event *out, uint32_t room)
{
	return (uint32_t)nat_map_events_read(after, out, room * (uint32_t)sizeof(*out)) / (uint32_t)sizeof(*out);
}

static uint64_t last_event(void)
{
	return nat_file->sequence - 1;
}

static struct fwd_nat_address_stats stats_of(uint8_t host)
{
	struct fwd_nat_address_stats all[32];
	uint32_t count = (uint32_t)nat_map_stats_read(all, sizeof(all)) / (uint32_t)sizeof(all[0]);

	for (uint32_t i = 0; i < count; i++)
		if (all[i].address[3] == host)
			return all[i];
	return (struct fwd_nat_address_stats){0};
}

TEST(an_endpoint_keeps_its_outside_port_for_all_remotes)
{
	struct nat_outside first, again, other, tcp;

	begin();
	put(row_of(1));
	CHECK_EQ(take(1, 5000, IPPROTO_UDP, &first), VERDICT_NEXT);
	CHECK_EQ(take(1, 5000, IPPROTO_UDP, &again), VERDICT_NEXT);
	CHECK(same(&first, &again));
	CHECK_EQ(take(1, 5001, IPPROTO_UDP, &other), VERDICT_NEXT);
	CHECK(!same(&first, &other));
	CHECK_EQ(take(1, 5000, IPPROTO_TCP, &tcp), VERDICT_NEXT);
	CHECK_EQ(stats_of(1).udp, 2);
	CHECK_EQ(stats_of(1).tcp, 1);
	CHECK_EQ(stats_of(1).icmp, 0);
	CHECK_EQ(stats_of(1).blocked, 64);
	CHECK_EQ(stats_of(1).ports, 64512);
}

TEST(only_tcp_udp_and_icmp_share_addresses)
{
	struct nat_outside out;

	begin();
	put(row_of(1));
	CHECK_EQ(take(1, 1, IPPROTO_ICMP, &out), VERDICT_NEXT);
	CHECK_EQ(take(1, 1, IPPROTO_SCTP, &out), DROP_NAT_PROTOCOL);
	CHECK_EQ(take(1, 1, IPPROTO_UDPLITE, &out), DROP_NAT_PROTOCOL);
	CHECK_EQ(take(1, 1, IPPROTO_ICMPV6, &out), DROP_NAT_PROTOCOL);
	struct nat_inside inside = endpoint(1, 1, IPPROTO_UDP);
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK, POOL + 1, &inside, 0, &out), DROP_NOT_TRANSLATED);
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK + 1, POOL, &inside, 0, &out), DROP_NOT_TRANSLATED);
	inside.family = 6;
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK, POOL, &inside, 0, &out), DROP_NOT_TRANSLATED);
}

TEST(a_port_has_one_outside_address_of_its_pool)
{
	struct nat_outside out, first[PORTS + 1];
	bool several = false;

	begin();
	for (uint8_t host = 1; host <= 8; host++)
		put(row_of(host));
	for (uint32_t vm = 1; vm <= PORTS; vm++)
		for (uint16_t port = 1; port <= 100; port++) {
			CHECK_EQ(take(vm, port, port % 2 ? IPPROTO_TCP : IPPROTO_UDP, &out), VERDICT_NEXT);
			if (port == 1)
				first[vm] = out;
			CHECK(memcmp(out.address, first[vm].address, 16) == 0);
			several |= memcmp(out.address, first[1].address, 16) != 0;
		}
	CHECK(several);
}

TEST(blocks_of_a_port_are_limited_and_exhaustion_harms_only_it)
{
	struct nat_outside out;
	struct fwd_nat_event events[16];

	begin();
	put(row_of(1));
	uint64_t before = last_event();
	for (uint16_t port = 1; port <= 128; port++)
		CHECK_EQ(take(1, port, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK_EQ(take(1, 129, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(take(1, 130, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK_EQ(take(1, 129, IPPROTO_TCP, &out), VERDICT_NEXT);
	CHECK_EQ(take(2, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK_EQ(stats_of(1).exhausted, 2);
	CHECK_EQ(stats_of(1).blocked, 3 * 64);
	CHECK_EQ(events_after(before, events, 16), 4);
	CHECK_EQ(events[0].event, FWD_NAT_EVENT_ASSIGNED);
	CHECK_EQ(events[0].inside_port, 1);
	CHECK_EQ(events[0].inside_generation, port_of(1)->generation);
	CHECK_EQ(events[0].port, UPLINK);
	CHECK_EQ(events[0].last - events[0].first, 63);
	CHECK_EQ(events[2].event, FWD_NAT_EVENT_EXHAUSTED);
	CHECK_EQ(events[2].protocol, IPPROTO_UDP);
	CHECK_EQ(events[2].first, 0);
	CHECK_EQ(events[3].inside_port, 2);
	later(11);
	CHECK_EQ(take(1, 131, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(events_after(before, events, 16), 5);
	CHECK_EQ(events[4].event, FWD_NAT_EVENT_EXHAUSTED);
	CHECK_EQ(events[4].sequence, before + 5);
}

TEST(a_released_port_waits_then_goes_back_with_its_block)
{
	struct nat_outside first, again, out;
	struct fwd_nat_event events[4];

	begin();
	put(row_of(1));
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &first), VERDICT_NEXT);
	for (uint16_t port = 2; port <= 64; port++)
		CHECK_EQ(take(1, port, IPPROTO_UDP, &out), VERDICT_NEXT);
	nat_map_release(4, IPPROTO_UDP, &first);
	later(WAIT - 2);
	/* Another endpoint does not get it; its own does. */
	CHECK_EQ(take(1, 65, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK(!same(&out, &first) && ntohs(out.port) / 64 != ntohs(first.port) / 64);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &again), VERDICT_NEXT);
	CHECK(same(&first, &again));
	nat_map_release(4, IPPROTO_UDP, &first);
	nat_map_release(4, IPPROTO_UDP, &out);
	uint64_t before = last_event();
	later(WAIT - 2);
	CHECK_EQ(stats_of(1).udp, 65);
	CHECK_EQ(events_after(before, events, 4), 0);
	later(4);
	CHECK_EQ(stats_of(1).udp, 63);
	CHECK_EQ(stats_of(1).blocked, 64);
	CHECK_EQ(events_after(before, events, 4), 1);
	CHECK_EQ(events[0].event, FWD_NAT_EVENT_RELEASED);
	CHECK_EQ(events[0].first, ntohs(out.port) / 64 * 64);
	/* Now anybody. */
	CHECK_EQ(take(1, 66, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK(same(&out, &first));
}

TEST(tcp_shares_outside_ports_among_remotes_when_its_blocks_are_used_up)
{
	struct nat_outside out, own[128], shared;
	struct fwd_nat_address_row row = row_of(1);
	uint32_t different = 0;

	begin();
	row.flags = FWD_NAT_REUSE;
	put(row);
	for (uint16_t port = 1; port <= 128; port++)
		CHECK_EQ(take(1, port, IPPROTO_TCP, &own[port - 1]), VERDICT_NEXT);
	CHECK_EQ(take(2, 1, IPPROTO_TCP, &out), VERDICT_NEXT);
	CHECK_EQ(take(1, 200, IPPROTO_TCP, &shared), VERDICT_NEXT);
	bool is_own = false;
	for (uint32_t i = 0; i < 128; i++)
		is_own |= same(&shared, &own[i]);
	CHECK(is_own);
	struct nat_inside inside = endpoint(1, 200, IPPROTO_TCP);
	CHECK(nat_map_holds(&shared, &inside));
	inside = endpoint(2, 200, IPPROTO_TCP);
	CHECK(!nat_map_holds(&shared, &inside));
	for (uint32_t tries = 1; tries < 8; tries++) {
		CHECK_EQ(take_again(1, 200, IPPROTO_TCP, tries, &out), VERDICT_NEXT);
		different += !same(&out, &shared);
	}
	CHECK(different > 3);
	/* UDP does not, nor without the flag. */
	for (uint16_t port = 1; port <= 128; port++)
		CHECK_EQ(take(1, port, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK_EQ(take(1, 200, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	row.flags = 0;
	put(row);
	CHECK_EQ(take(1, 201, IPPROTO_TCP, &out), DROP_NAT_EXHAUSTED);
}

TEST(dependent_mapping_gives_each_flow_an_outside_port_of_its_own)
{
	struct nat_outside first, second;
	struct fwd_nat_address_row row = row_of(1);

	begin();
	row.flags = FWD_NAT_DEPENDENT_MAPPING;
	put(row);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &first), VERDICT_NEXT);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &second), VERDICT_NEXT);
	CHECK(!same(&first, &second));
	nat_map_release(4, IPPROTO_UDP, &first);
	later(WAIT + 2);
	CHECK_EQ(stats_of(1).udp, 1);
}

TEST(an_outside_port_is_found_and_held_as_long_as_a_flow_uses_it)
{
	struct nat_outside out;
	struct nat_inside found, inside;
	struct fwd_nat_address_row row = row_of(1);
	uint16_t slot = 0;

	begin();
	put(row);
	CHECK_EQ(take(3, 77, IPPROTO_TCP, &out), VERDICT_NEXT);
	inside = endpoint(3, 77, IPPROTO_TCP);
	CHECK(nat_map_find(UPLINK, 4, IPPROTO_TCP, out.address, out.port, &found, &slot));
	CHECK(memcmp(&found, &inside, sizeof(found)) == 0);
	CHECK_EQ(slot, port_of(3)->slot);
	CHECK(!nat_map_find(UPLINK, 4, IPPROTO_UDP, out.address, out.port, &found, &slot));
	CHECK(!nat_map_find(UPLINK + 1, 4, IPPROTO_TCP, out.address, out.port, &found, &slot));
	CHECK(!nat_map_find(UPLINK, 4, IPPROTO_TCP, out.address, (uint16_t)(out.port ^ 0x0100), &found, &slot));
	CHECK(nat_map_hold(&out, &inside));
	nat_map_release(4, IPPROTO_TCP, &out);
	CHECK(nat_map_holds(&out, &inside));
	inside.port ^= 1;
	CHECK(!nat_map_hold(&out, &inside) && !nat_map_holds(&out, &inside));
	inside.port ^= 1;
	row.flags = FWD_NAT_DEPENDENT_FILTERING;
	put(row);
	CHECK(!nat_map_find(UPLINK, 4, IPPROTO_TCP, out.address, out.port, &found, &slot));
	CHECK(nat_map_holds(&out, &inside));
	row.flags = 0;
	row.port_max = 1024;
	put(row);
	CHECK(!nat_map_holds(&out, &inside) || out.port == htons(1024));
	put(row_of(1));
	CHECK(nat_map_holds(&out, &inside));
	nat_map_release(4, IPPROTO_TCP, &out);
	CHECK(!nat_map_hold(&out, &inside) && !nat_map_holds(&out, &inside));
	CHECK(!nat_map_find(UPLINK, 4, IPPROTO_TCP, out.address, out.port, &found, &slot));
}

TEST(a_row_that_is_gone_gives_nothing_and_one_that_comes_back_goes_on)
{
	struct nat_outside out, again;
	struct nat_inside inside;

	begin();
	put(row_of(1));
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	inside = endpoint(1, 1, IPPROTO_UDP);
	drop(row_of(1));
	CHECK(!nat_map_holds(&out, &inside));
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &again), DROP_NOT_TRANSLATED);
	put(row_of(1));
	CHECK(nat_map_holds(&out, &inside));
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &again), VERDICT_NEXT);
	CHECK(same(&out, &again));
}

TEST(another_pool_takes_ports_along_to_another_address)
{
	struct nat_outside out, moved;
	struct nat_inside inside;
	struct fwd_nat_address_row other = row_of(2);

	begin();
	put(row_of(1));
	other.pool = POOL + 1;
	put(other);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	inside = endpoint(1, 1, IPPROTO_UDP);
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK, POOL + 1, &inside, 0, &moved), VERDICT_NEXT);
	CHECK_EQ(moved.address[3], 2);
	nat_map_release(4, IPPROTO_UDP, &out);
	later(WAIT + 2);
	CHECK_EQ(stats_of(1).blocked, 0);
	CHECK_EQ(stats_of(2).blocked, 64);
}

TEST(only_leased_ports_are_given_out)
{
	struct nat_outside out;
	struct fwd_nat_address_row row = row_of(1);

	begin();
	row.port_min = 1000;
	row.port_max = 1030;
	row.block_size = 256;
	put(row);
	CHECK_EQ(stats_of(1).ports, 31);
	for (uint16_t port = 1; port <= 31; port++) {
		CHECK_EQ(take(1, port, IPPROTO_UDP, &out), VERDICT_NEXT);
		CHECK(ntohs(out.port) >= 1000 && ntohs(out.port) <= 1030);
	}
	CHECK_EQ(take(1, 32, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(stats_of(1).blocked, 31);
	CHECK_EQ(stats_of(1).udp, 31);
	/* 768 to 1023 and 1024 to 1279 are both its own: there is none for others. */
	CHECK_EQ(take(2, 1, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
}

TEST(blocks_that_are_leased_no_more_do_not_count)
{
	struct nat_outside out;
	struct fwd_nat_address_row row = row_of(1);

	begin();
	row.port_blocks = 1;
	row.port_max = 1087;
	put(row);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	row.port_min = 2048;
	row.port_max = 2048 + 127;
	put(row);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK(ntohs(out.port) >= 2048);
	for (uint16_t port = 2; port <= 64; port++)
		CHECK_EQ(take(1, port, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK_EQ(take(1, 65, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(stats_of(1).blocked, 64);
	/* The old one goes back in the end. */
	rig_flows_restart();
	later(WAIT + 2);
	uint32_t cursor = 0;
	struct fwd_nat_event blocks[4];
	CHECK_EQ(nat_map_blocks_read(&cursor, blocks, sizeof(blocks)), 0);
}

TEST(what_is_peeked_is_what_is_taken)
{
	struct nat_outside peeked, taken;
	struct nat_inside inside;
	struct fwd_nat_address_row row = row_of(1);

	begin();
	row.flags = FWD_NAT_REUSE;
	put(row);
	for (uint16_t port = 1; port <= 200; port++) {
		inside = endpoint(1, port % 150, IPPROTO_TCP);
		uint64_t before = last_event();
		verdict_t verdict = nat_map_peek(port_of(1)->slot, UPLINK, POOL, &inside, &peeked);
		CHECK_EQ(last_event(), before);
		CHECK_EQ(take(1, port % 150, IPPROTO_TCP, &taken), verdict);
		CHECK(verdict != VERDICT_NEXT || same(&peeked, &taken));
	}
}

TEST(a_port_that_is_gone_leaves_its_blocks_to_others_after_the_wait)
{
	struct nat_outside out;
	struct fwd_nat_event events[4];
	struct fwd_nat_address_row row = row_of(1);

	begin();
	row.port_max = 1024 + 63;
	put(row);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	uint64_t before = last_event();
	RIG_DELETE(port, .id = 1);
	make_port(1);
	rig_links();
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(take(2, 1, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	struct nat_inside found;
	uint16_t slot;
	out.port = 0;
	for (uint16_t port = 1024; port < 1088; port++)
		CHECK(!nat_map_find(UPLINK, 4, IPPROTO_UDP, row.address, htons(port), &found, &slot));
	/* Its flow ends with it. */
	for (uint16_t port = 1024; port < 1088; port++) {
		memcpy(out.address, row.address, sizeof(out.address));
		out.port = htons(port);
		nat_map_release(4, IPPROTO_UDP, &out);
	}
	later(WAIT + 2);
	CHECK_EQ(events_after(before + 2, events, 4), 1);
	CHECK_EQ(events[0].event, FWD_NAT_EVENT_RELEASED);
	CHECK_EQ(events[0].inside_port, 1);
	CHECK_EQ(take(2, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
}

TEST(ports_of_the_host_are_given_out_when_they_are_ready)
{
	struct nat_outside out;
	struct nat_host host;
	struct fwd_nat_address_row row = row_of(1);
	uint64_t used = 0xff00ff00ff00ff00ull;

	begin();
	row.flags = FWD_NAT_HOST;
	row.block_size = 128;
	row.port_blocks = 1;
	put(row);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	CHECK_EQ(nat_map_hosts(&host, 1), 1);
	CHECK_EQ(host.ready, 0);
	CHECK_EQ(host.wanted, 32);
	CHECK_EQ(host.port_min, 1024);
	nat_map_host_unit(4, row.address, 2048, true, used);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	nat_map_host_unit(4, row.address, 2048 + 64, true, used);
	nat_map_hosts(&host, 1);
	CHECK_EQ(host.ready, 2);
	for (uint16_t port = 1; port <= 64; port++) {
		CHECK_EQ(take(1, port, IPPROTO_UDP, &out), VERDICT_NEXT);
		CHECK(ntohs(out.port) >= 2048 && ntohs(out.port) < 2048 + 128);
		CHECK_EQ(used >> ntohs(out.port) % 64 & 1, 0);
	}
	CHECK_EQ(take(1, 65, IPPROTO_UDP, &out), DROP_NAT_EXHAUSTED);
	nat_map_hosts(&host, 1);
	CHECK_EQ(host.ready, 0);
	CHECK(nat_map_host_unit_taken(4, row.address, 2048));
	CHECK(!nat_map_host_unit_taken(4, row.address, 4096));
	/* What it has stays its own. */
	nat_map_host_unit(4, row.address, 2048, false, 0);
	struct nat_inside inside = endpoint(1, 1, IPPROTO_UDP);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	CHECK(nat_map_holds(&out, &inside));
	rig_flows_restart();
	CHECK(nat_map_host_unit_taken(4, row.address, 2048 + 64));
}

TEST(rows_above_the_limit_have_no_effect_until_there_is_room)
{
	struct nat_outside out;

	begin();
	rig_flows = (struct fwd_config){.nat_addresses = 2};
	rig_flows_restart();
	for (uint8_t host = 1; host <= 3; host++) {
		struct fwd_nat_address_row row = row_of(host);
		row.pool = host;
		put(row);
	}
	struct nat_inside inside = endpoint(1, 1, IPPROTO_UDP);
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK, 3, &inside, 0, &out), DROP_NOT_TRANSLATED);
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK, 1, &inside, 0, &out), VERDICT_NEXT);
	CHECK_EQ(out.address[3], 1);
	drop(row_of(2));
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK, 3, &inside, 0, &out), VERDICT_NEXT);
	CHECK_EQ(out.address[3], 3);
}

TEST(one_address_behind_two_uplinks_counts_behind_one)
{
	struct nat_outside out;
	struct fwd_nat_address_row other = row_of(1);

	begin();
	other.port = UPLINK + 1;
	put(row_of(1));
	put(other);
	struct nat_inside inside = endpoint(1, 1, IPPROTO_UDP);
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK + 1, POOL, &inside, 0, &out), DROP_NOT_TRANSLATED);
	CHECK_EQ(take(1, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	drop(row_of(1));
	CHECK_EQ(nat_map_take(port_of(1)->slot, UPLINK + 1, POOL, &inside, 0, &out), VERDICT_NEXT);
	CHECK_EQ(out.address[3], 1);
	drop(other);
}

TEST(events_are_kept_in_order_and_gaps_are_seen)
{
	static struct fwd_nat_event events[NAT_EVENTS + 100];
	struct fwd_nat_event event = {.event = FWD_NAT_EVENT_ASSIGNED};

	begin();
	uint64_t before = last_event();
	for (uint32_t i = 0; i < NAT_EVENTS + 50; i++) {
		event.inside_port = i;
		nat_event_put(&event);
	}
	CHECK_EQ(events_after(before, events, NAT_EVENTS + 100), NAT_EVENTS);
	for (uint32_t i = 0; i < NAT_EVENTS; i++) {
		CHECK_EQ(events[i].sequence, before + 51 + i);
		CHECK_EQ(events[i].inside_port, i + 50);
	}
	rig_flows_restart();
	nat_event_put(&event);
	CHECK_EQ(events_after(before + NAT_EVENTS + 49, events, 10), 2);
	CHECK_EQ(events[1].sequence, before + NAT_EVENTS + 51);
	CHECK_EQ(events_after(before + NAT_EVENTS + 51, events, 10), 0);
	CHECK_EQ(events_after(UINT64_MAX, events, 10), 0);
}

TEST(blocks_are_listed)
{
	struct nat_outside out;
	struct fwd_nat_event blocks[4];
	uint32_t cursor = 0, count = 0;

	begin();
	put(row_of(1));
	for (uint32_t vm = 1; vm <= 3; vm++)
		CHECK_EQ(take(vm, 1, IPPROTO_UDP, &out), VERDICT_NEXT);
	while (cursor != 0xffffffffu) {
		uint32_t some = (uint32_t)nat_map_blocks_read(&cursor, blocks, sizeof(blocks[0]) * 2) /
		                (uint32_t)sizeof(blocks[0]);
		for (uint32_t i = 0; i < some; i++) {
			count++;
			CHECK_EQ(blocks[i].event, FWD_NAT_EVENT_LISTED);
			CHECK_EQ(blocks[i].sequence, 0);
			CHECK_EQ(blocks[i].inside_port, count);
			CHECK_EQ(blocks[i].inside_generation, port_of(count)->generation);
			CHECK(blocks[i].time_ns != 0);
			CHECK_EQ(blocks[i].last, blocks[i].first + 63);
		}
	}
	CHECK_EQ(count, 3);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(an_endpoint_keeps_its_outside_port_for_all_remotes),
	        CASE(only_tcp_udp_and_icmp_share_addresses),
	        CASE(a_port_has_one_outside_address_of_its_pool),
	        CASE(blocks_of_a_port_are_limited_and_exhaustion_harms_only_it),
	        CASE(a_released_port_waits_then_goes_back_with_its_block),
	        CASE(tcp_shares_outside_ports_among_remotes_when_its_blocks_are_used_up),
	        CASE(dependent_mapping_gives_each_flow_an_outside_port_of_its_own),
	        CASE(an_outside_port_is_found_and_held_as_long_as_a_flow_uses_it),
	        CASE(a_row_that_is_gone_gives_nothing_and_one_that_comes_back_goes_on),
	        CASE(another_pool_takes_ports_along_to_another_address),
	        CASE(only_leased_ports_are_given_out),
	        CASE(blocks_that_are_leased_no_more_do_not_count),
	        CASE(what_is_peeked_is_what_is_taken),
	        CASE(a_port_that_is_gone_leaves_its_blocks_to_others_after_the_wait),
	        CASE(ports_of_the_host_are_given_out_when_they_are_ready),
	        CASE(rows_above_the_limit_have_no_effect_until_there_is_room),
	        CASE(one_address_behind_two_uplinks_counts_behind_one),
	        CASE(events_are_kept_in_order_and_gaps_are_seen),
	        CASE(blocks_are_listed),
	};

	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
