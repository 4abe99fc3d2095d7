/* ECMP groups: places, holes, and which flows move. */
#include "state.h"

#include "nexthop.h"
#include "test.h"

static int fd = -1;
static struct fwd_state report;
static uint32_t network, generation;

static bool up(void)
{
	fd = state_file();
	if (state_attach(fd, STATE_MIB, &report))
		return false;
	network = (uint32_t)rows_owner_open("network");
	generation = (uint32_t)rows_begin(network);
	return true;
}

static void down(void)
{
	state_detach();
	close(fd);
}

static int32_t put(uint8_t table, const void *row)
{
	return send_one(network, generation, FWD_OP_UPSERT, table, row);
}

/* How many of 1,024 flows over a group go to each next hop id; [0]: nowhere. */
static void spread_flows(uint32_t handle, uint32_t *ids, uint32_t *count)
{
	memset(count, 0, 16 * sizeof(*count));
	for (uint32_t i = 0; i < 1024; i++) {
		const uint32_t addresses[2] = {address4(10, 0, 0, 1), address4(20, 0, (uint8_t)(i >> 8), (uint8_t)i)};
		const struct fwd_nexthop_row *row =
		        nexthop_resolve(handle, nexthop_flow_hash(addresses, sizeof(addresses), 17, i << 16 | 53));
		ids[i] = row ? row->id : 0;
		count[ids[i]]++;
	}
}

static int32_t put_member(uint8_t op, uint32_t index, uint32_t nexthop)
{
	const struct fwd_member_row row = {.group = 9, .index = index, .nexthop = nexthop};
	return send_one(network, generation, op, FWD_TABLE_MEMBER, &row);
}

TEST(a_group_spreads_flows_and_only_those_of_a_hole_move)
{
	static uint32_t before[1024], after[1024], count[16];
	struct fwd_nexthop_row group = {.id = 9, .type = FWD_NEXTHOP_ECMP, .size = 4};
	struct fwd_route_row route = route4(1, address4(20, 0, 0, 0), 8, 20, 9);
	/* Members before their next hops, those before the group, the group before its route. */
	for (uint32_t i = 0; i < 4; i++)
		CHECK_EQ(put_member(FWD_OP_UPSERT, i, i + 1), 1);
	for (uint32_t id = 1; id <= 4; id++)
		CHECK_EQ(put(FWD_TABLE_NEXTHOP, &(struct fwd_nexthop_row){.id = id, .type = FWD_NEXTHOP_PORT}), 1);
	CHECK_EQ(put(FWD_TABLE_ROUTE, &route), 1);
	uint32_t handle = tables_route4(1, address4(20, 1, 1, 1));
	CHECK(handle && !nexthop_resolve(handle, 7));
	CHECK_EQ(put(FWD_TABLE_NEXTHOP, &group), 1);
	spread_flows(handle, before, count);
	for (uint32_t id = 1; id <= 4; id++)
		CHECK(count[id] > 200 && count[id] < 320);
	/* A missing member and a missing next hop are holes alike. */
	for (uint32_t hole = 0; hole < 2; hole++) {
		struct fwd_nexthop_row second = {.id = 2, .type = FWD_NEXTHOP_PORT};
		if (hole == 0)
			CHECK_EQ(put_member(FWD_OP_DELETE, 1, 0), 1);
		else
			CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_NEXTHOP, &second), 1);
		spread_flows(handle, after, count);
		for (uint32_t i = 0; i < 1024; i++)
			CHECK(after[i] && (before[i] == 2 ? after[i] != 2 : after[i] == before[i]));
		CHECK(count[1] > 270 && count[3] > 270 && count[4] > 270);
		CHECK_EQ(put_member(FWD_OP_UPSERT, 1, 2), hole == 0);
		put(FWD_TABLE_NEXTHOP, &second);
		spread_flows(handle, after, count);
		CHECK(memcmp(before, after, sizeof(after)) == 0);
	}
}

TEST(a_group_that_has_holes_only_leads_nowhere)
{
	struct fwd_nexthop_row group = {.id = 9, .type = FWD_NEXTHOP_ECMP, .size = 256},
	                       punt = {.id = 1, .type = FWD_NEXTHOP_PUNT, .punt_class = 7};
	struct fwd_route_row route = route4(1, address4(20, 0, 0, 0), 8, 20, 9);
	CHECK_EQ(put(FWD_TABLE_NEXTHOP, &group), 1);
	CHECK_EQ(put(FWD_TABLE_ROUTE, &route), 1);
	uint32_t handle = tables_route4(1, address4(20, 1, 1, 1));
	CHECK(nexthop_resolve(handle, 7) == NULL);
	/* A group in a group is a hole, too. */
	CHECK_EQ(put_member(FWD_OP_UPSERT, 5, 9), 1);
	CHECK(nexthop_resolve(handle, 7) == NULL);
	/* One place of 256 gets everything. */
	CHECK_EQ(put(FWD_TABLE_NEXTHOP, &punt), 1);
	CHECK_EQ(put_member(FWD_OP_UPSERT, 255, 1), 1);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct fwd_nexthop_row *row = nexthop_resolve(handle, i * 4294967u);
		CHECK(row && row->type == FWD_NEXTHOP_PUNT && row->punt_class == 7);
	}
	/* It lies behind the last place of a smaller group. */
	group.size = 255;
	CHECK_EQ(put(FWD_TABLE_NEXTHOP, &group), 1);
	CHECK(nexthop_resolve(handle, 7) == NULL);
}

TEST(a_flow_hash_is_the_same_in_every_process)
{
	const uint8_t addresses[32] = {0x20, 1, [15] = 1, [16] = 0x20, 1, [31] = 2};
	uint32_t hash = nexthop_flow_hash(addresses, 32, 6, 443);
	CHECK_EQ(hash, 1556487773u);
	CHECK(hash != nexthop_flow_hash(addresses, 32, 17, 443) && hash != nexthop_flow_hash(addresses, 32, 6, 442));
	CHECK(hash != nexthop_flow_hash(addresses + 8, 8, 6, 443));
}

static const struct test_case cases[] = {
        CASE(a_group_spreads_flows_and_only_those_of_a_hole_move),
        CASE(a_group_that_has_holes_only_leads_nowhere),
        CASE(a_flow_hash_is_the_same_in_every_process),
};

int main(void)
{
	int failed = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!up()) {
			printf("no state memory: %s\n", error_text());
			return 1;
		}
		failed += test_run(&cases[i], 1);
		down();
	}
	return failed;
}
