/* Which flows rules allow, clause by clause. */
#include "policy_rig.h"
#include "test.h"

/* Ports 1 and 2 with identity 20 in group 5, port 3 with identity 30 in group 6; 9 is open. */
static void two_groups(void)
{
	start_empty();
	join(20, 5, 1);
	join(30, 6, 1);
	identify(1, 20);
	identify(2, 20);
	identify(3, 30);
}

TEST(a_port_is_open_pending_or_closed)
{
	start_empty();
	CHECK_EQ(verdict(9, 9, TCP, 80), VERDICT_NEXT);
	CHECK_EQ(verdict(1, 9, TCP, 80), DROP_POLICY_PENDING);
	CHECK_EQ(verdict(9, 1, TCP, 80), DROP_POLICY_PENDING);
	identify(1, 20);
	CHECK_EQ(verdict(1, 9, TCP, 80), DROP_POLICY_DENIED);
	CHECK_EQ(verdict(9, 1, TCP, 80), DROP_POLICY_DENIED);
	/* Groups that are only remotes are no gate. */
	rule(5, 1, FWD_RULE_EGRESS, 0, 0);
	join(20, 5, 0);
	CHECK_EQ(verdict(1, 9, TCP, 80), DROP_POLICY_DENIED);
	join(20, 5, 1);
	CHECK_EQ(verdict(1, 9, TCP, 80), VERDICT_NEXT);
	erase(FWD_TABLE_PORT_IDENTITY, &(struct fwd_port_identity_row){1, 20});
	CHECK_EQ(verdict(1, 9, TCP, 80), DROP_POLICY_PENDING);
	CHECK_EQ(end_of(1, true).policy->stamp, POLICY_PENDING);
	CHECK_EQ(end_of(1, false).policy->stamp, POLICY_OPEN);
}

TEST(both_ends_must_allow)
{
	two_groups();
	CHECK_EQ(verdict(1, 3, TCP, 80), DROP_POLICY_DENIED);
	rule(5, 1, FWD_RULE_EGRESS, TCP, 80);
	CHECK_EQ(verdict(1, 9, TCP, 80), VERDICT_NEXT);
	CHECK_EQ(verdict(1, 3, TCP, 80), DROP_POLICY_DENIED);
	rule(6, 1, FWD_RULE_INGRESS, TCP, 80);
	struct policy_decision allowed = asked(1, 3, TCP, 80);
	CHECK_EQ(allowed.verdict, VERDICT_NEXT);
	CHECK_EQ(policy_rule(allowed.egress)->group, 5);
	CHECK_EQ(policy_rule(allowed.ingress)->group, 6);
	CHECK_EQ(verdict(3, 1, TCP, 80), DROP_POLICY_DENIED);
	CHECK_EQ(verdict(1, 3, TCP, 81), DROP_POLICY_DENIED);
	CHECK_EQ(verdict(1, 3, UDP, 80), DROP_POLICY_DENIED);
	struct policy_decision half = asked(9, 3, TCP, 80);
	CHECK_EQ(half.verdict, VERDICT_NEXT);
	CHECK_EQ(half.egress, POLICY_NO_RULE);
}

TEST(every_gate_must_allow)
{
	for (uint32_t gates = 1; gates < 8; gates++)
		for (uint32_t allowing = 0; allowing < 8; allowing++) {
			start_empty();
			identify(1, 20);
			for (uint8_t gate = 1; gate <= 3; gate++) {
				if (gates >> (gate - 1) & 1)
					join(20, 10u + gate, gate);
				if (allowing >> (gate - 1) & 1)
					rule(10u + gate, 1, FWD_RULE_EGRESS, 0, 0);
			}
			CHECK_EQ(verdict(1, 9, TCP, 1), (gates & ~allowing) == 0 ? VERDICT_NEXT : DROP_POLICY_DENIED);
		}
}

static void ranked_rule(uint32_t group, uint32_t number, uint32_t priority, uint8_t action)
{
	PUT(FWD_TABLE_RULE, (struct fwd_rule_row){.group = group,
	                            .number = number,
	                            .priority = priority,
	                            .direction = FWD_RULE_EGRESS,
	                            .action = action,
	                            .port_max = 65535,
	                            .family = 4});
}

/* Two rules match, in one group or in two of the same gate. */
TEST(the_lowest_priority_decides_and_deny_before_allow)
{
	for (uint32_t groups = 1; groups <= 2; groups++)
		for (uint32_t first = 0; first < 4; first++)
			for (uint32_t second = 0; second < 4; second++) {
				uint32_t p = first >> 1, q = second >> 1, a = first & 1, b = second & 1;
				bool denied = p == q ? a || b : p < q ? a : b;
				start_empty();
				identify(1, 20);
				join(20, 5, 1);
				ranked_rule(5, 1, p, (uint8_t)a);
				if (groups == 2)
					join(20, 6, 1);
				ranked_rule(groups == 2 ? 6 : 5, 2, q, (uint8_t)b);
				CHECK_EQ(verdict(1, 9, TCP, 1), denied ? DROP_POLICY_DENIED : VERDICT_NEXT);
			}
}

TEST(a_rule_names_protocol_and_range)
{
	two_groups();
	struct fwd_rule_row range = {.group = 5,
	        .number = 1,
	        .direction = FWD_RULE_EGRESS,
	        .protocol = TCP,
	        .port_min = 100,
	        .port_max = 200,
	        .family = 4};
	upsert(FWD_TABLE_RULE, &range);
	CHECK_EQ(verdict(1, 9, TCP, 99), DROP_POLICY_DENIED);
	CHECK_EQ(verdict(1, 9, TCP, 100), VERDICT_NEXT);
	CHECK_EQ(verdict(1, 9, TCP, 200), VERDICT_NEXT);
	CHECK_EQ(verdict(1, 9, TCP, 201), DROP_POLICY_DENIED);
	range.protocol = 0;
	upsert(FWD_TABLE_RULE, &range);
	CHECK_EQ(verdict(1, 9, UDP, 150), VERDICT_NEXT);
	CHECK_EQ(verdict(1, 9, 255, 201), DROP_POLICY_DENIED);
	range.family = 6;
	upsert(FWD_TABLE_RULE, &range);
	CHECK_EQ(verdict(1, 9, UDP, 150), DROP_POLICY_DENIED);
}

TEST(a_remote_group_holds_own_addresses_only)
{
	uint8_t foreign[16] = {192, 0, 2, 1}, own[16];
	two_groups();
	PUT(FWD_TABLE_RULE, (struct fwd_rule_row){.group = 6,
	                            .number = 1,
	                            .direction = FWD_RULE_INGRESS,
	                            .remote_group = 5,
	                            .port_max = 65535,
	                            .family = 4});
	rule(5, 1, FWD_RULE_EGRESS, 0, 0);
	CHECK_EQ(verdict(1, 3, TCP, 80), DROP_POLICY_DENIED);
	struct fwd_source_row source = {
	        .port = 1, .family = 4, .prefix_length = 32, .mac = {2}, .address = {10, 0, 0, 1}};
	upsert(FWD_TABLE_SOURCE, &source);
	CHECK_EQ(verdict(1, 3, TCP, 80), VERDICT_NEXT);
	CHECK_EQ(verdict(2, 3, TCP, 80), DROP_POLICY_DENIED);
	/* A router VM passes on what others send. */
	struct policy_end from = end_of(1, true), to = end_of(3, true);
	struct policy_decision out;
	struct policy_packet packet = {.family = 4, .protocol = TCP, .value = 80, .src = foreign, .dst = own};
	address_of(3, own);
	policy_decide(&from, &to, &packet, &out);
	CHECK_EQ(out.verdict, DROP_POLICY_DENIED);
	source = (struct fwd_source_row){
	        .port = 1, .family = 4, .prefix_length = 24, .mac = {2, 1}, .address = {192, 0, 2}};
	upsert(FWD_TABLE_SOURCE, &source);
	policy_decide(&from, &to, &packet, &out);
	CHECK_EQ(out.verdict, VERDICT_NEXT);
	/* An open port has no identity, whatever the rows say. */
	from = end_of(1, false);
	policy_decide(&from, &to, &packet, &out);
	CHECK_EQ(out.verdict, DROP_POLICY_DENIED);
}

TEST(an_address_belongs_to_a_port_whatever_the_mac)
{
	uint8_t address[16] = {172, 16};
	start_empty();
	for (uint32_t i = 0; i < 300; i++)
		PUT(FWD_TABLE_SOURCE, (struct fwd_source_row){.port = 1,
		                              .family = 4,
		                              .prefix_length = (uint8_t)(24 + i % 8),
		                              .mac = {2, (uint8_t)(i % 3)},
		                              .address = {172, 16, (uint8_t)i, 0}});
	for (uint32_t i = 0; i < 256; i++) {
		address[2] = (uint8_t)i;
		address[3] = 0;
		CHECK(guard_owns(1, 4, address));
		CHECK(!guard_owns(2, 4, address));
		address[3] = 255;
		CHECK_EQ(guard_owns(1, 4, address), i % 8 == 0);
	}
	struct fwd_source_row six = {.port = 1, .family = 6, .prefix_length = 64, .mac = {2}, .address = {0x20, 1}};
	CHECK(!guard_owns(1, 6, six.address));
	upsert(FWD_TABLE_SOURCE, &six);
	six.address[15] = 9;
	CHECK(guard_owns(1, 6, six.address));
	rows_clear(owner);
	for (uint32_t i = 0; i < 256; i++) {
		address[2] = (uint8_t)i;
		address[3] = 0;
		CHECK(!guard_owns(1, 4, address));
	}
}

TEST(learned_addresses_belong_to_their_port)
{
	start_empty();
	PUT(FWD_TABLE_PORT, (struct fwd_port_row){.id = 4, .bridge = 1, .mtu = 1500});
	struct fwd_learned_neighbor_row learned = {.bridge = 1,
	        .family = 6,
	        .address = {0xfe, 0x80, [15] = 7},
	        .mac = {2},
	        .port = 4,
	        .generation = tables_generation(tables_port(4))};
	CHECK_EQ(rows_internal_apply(&(struct internal_change){FWD_OP_UPSERT, FWD_TABLE_LEARNED_NEIGHBOR, &learned}, 1),
	        1);
	CHECK(guard_owns(4, 6, learned.address));
	CHECK(!guard_owns(5, 6, learned.address));
	CHECK_EQ(rows_internal_apply(&(struct internal_change){FWD_OP_DELETE, FWD_TABLE_LEARNED_NEIGHBOR, &learned}, 1),
	        1);
	CHECK(!guard_owns(4, 6, learned.address));
}

/* What is known of the bridge that it left goes later than the port takes its address on the other one. */
TEST(an_address_stays_with_a_port_that_moved)
{
	start_empty();
	PUT(FWD_TABLE_PORT, (struct fwd_port_row){.id = 4, .bridge = 1, .mtu = 1500});
	struct fwd_learned_neighbor_row before = {.bridge = 1,
	        .family = 6,
	        .address = {0xfe, 0x80, [15] = 7},
	        .mac = {2},
	        .port = 4,
	        .generation = tables_generation(tables_port(4))};
	struct fwd_learned_neighbor_row behind = before;
	behind.bridge = 2;
	struct internal_change learns = {FWD_OP_UPSERT, FWD_TABLE_LEARNED_NEIGHBOR, &before};
	CHECK_EQ(rows_internal_apply(&learns, 1), 1);
	PUT(FWD_TABLE_PORT, (struct fwd_port_row){.id = 4, .bridge = 2, .mtu = 1500});
	CHECK(!guard_owns(4, 6, before.address));
	learns.row = &behind;
	CHECK_EQ(rows_internal_apply(&learns, 1), 1);
	CHECK(guard_owns(4, 6, before.address));
	learns = (struct internal_change){FWD_OP_DELETE, FWD_TABLE_LEARNED_NEIGHBOR, &before};
	CHECK_EQ(rows_internal_apply(&learns, 1), 1);
	CHECK(guard_owns(4, 6, before.address));
	learns.row = &behind;
	CHECK_EQ(rows_internal_apply(&learns, 1), 1);
	CHECK(!guard_owns(4, 6, before.address));
}

TEST(rows_that_contradict_themselves_are_refused)
{
	struct fwd_rule_row row = {.group = 1, .family = 4, .port_min = 2, .port_max = 1};
	CHECK_EQ(send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_RULE, &row), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "rule.port_min is 2"));
	row = (struct fwd_rule_row){.group = 1, .family = 4, .prefix_length = 8, .remote_group = 1};
	CHECK_EQ(send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_RULE, &row), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "rule.remote_group is 1"));
	row = (struct fwd_rule_row){.group = 1, .family = 4, .prefix_length = 33};
	CHECK_EQ(send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_RULE, &row), FWD_ERR_ROW);
	row = (struct fwd_rule_row){.group = 1, .family = 4, .prefix_length = 8, .address = {10, 1}};
	CHECK_EQ(send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_RULE, &row), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "rule.address has bits set"));
}

static int32_t join_many(uint32_t first, uint32_t count, uint8_t gate)
{
	static struct ops ops;
	ops.used = 0;
	for (uint32_t i = 0; i < count; i++)
		ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_IDENTITY_GROUP,
		        &(struct fwd_identity_group_row){.identity = 20, .group = first + i, .gate = gate});
	return ops_send(&ops, owner, generation);
}

/* Each group of an identity costs time for each first packet. */
TEST(an_identity_belongs_to_so_many_groups_only)
{
	struct ops swap = {.used = 0};
	two_groups();
	rule(5, 1, FWD_RULE_EGRESS, TCP, 80);
	uint32_t before = stamp(1);
	CHECK_EQ(join_many(101, POLICY_ASKED_GROUPS, 1), FWD_ERR_FULL);
	CHECK(strstr(error_text(), "identity_group: identity 20 would have the rules of 129 groups (228 is the last)"));
	CHECK_EQ(stamp(1), before);
	CHECK_EQ(join_many(101, POLICY_ASKED_GROUPS - 1, 1), POLICY_ASKED_GROUPS - 1);
	CHECK_EQ(verdict(1, 9, TCP, 80), VERDICT_NEXT);
	/* Of those that are only remotes there may be more. */
	CHECK_EQ(join_many(1001, POLICY_GROUPS - POLICY_ASKED_GROUPS + 1, 0), FWD_ERR_FULL);
	CHECK(strstr(error_text(), "identity_group: identity 20 would belong to 257 groups (1129 is the last)"));
	CHECK_EQ(join_many(1001, POLICY_GROUPS - POLICY_ASKED_GROUPS, 0), POLICY_GROUPS - POLICY_ASKED_GROUPS);
	CHECK_EQ(join_many(1001, 1, 1), FWD_ERR_FULL);
	/* What the whole batch makes of it counts. */
	ops_add(&swap, FWD_OP_UPSERT, FWD_TABLE_IDENTITY_GROUP,
	        &(struct fwd_identity_group_row){.identity = 20, .group = 2001, .gate = 1});
	ops_add(&swap, FWD_OP_DELETE, FWD_TABLE_IDENTITY_GROUP,
	        &(struct fwd_identity_group_row){.identity = 20, .group = 101});
	CHECK_EQ(ops_send(&swap, owner, generation), 2);
	CHECK_EQ(join_many(101, 1, 0), FWD_ERR_FULL);
	/* A batch refused for another reason leaves nothing behind. */
	start_empty();
	CHECK_EQ(join_many(1, POLICY_ASKED_GROUPS, 1), POLICY_ASKED_GROUPS);
	CHECK_EQ(verdict(1, 9, TCP, 80), DROP_POLICY_PENDING);
}

TEST(a_handle_stays_while_its_row_does_and_counts_for_it_alone)
{
	struct fwd_rule_stats stats[8];
	uint32_t cursor = 0;
	two_groups();
	rule(5, 1, FWD_RULE_EGRESS, TCP, 80);
	uint32_t first = asked(1, 9, TCP, 80).egress;
	policy_count(1, first, 1, 10, 1000);
	policy_count(2, first, 0, 5, 500);
	policy_count(1, POLICY_NO_RULE, 1, 1, 1);
	rule(5, 1, FWD_RULE_EGRESS, TCP, 81);
	CHECK_EQ(asked(1, 9, TCP, 81).egress, first);
	CHECK_EQ(policy_rules_read(&cursor, stats, sizeof(stats)), sizeof(stats[0]));
	CHECK_EQ(cursor, 0xffffffffu);
	CHECK_EQ(stats[0].group, 5);
	CHECK_EQ(stats[0].flows, 1);
	CHECK_EQ(stats[0].packets, 15);
	CHECK_EQ(stats[0].bytes, 1500);
	erase(FWD_TABLE_RULE, &(struct fwd_rule_row){.group = 5, .number = 1});
	CHECK(policy_rule(first) == NULL);
	rule(5, 2, FWD_RULE_EGRESS, TCP, 82);
	rule(5, 3, FWD_RULE_EGRESS, TCP, 83);
	/* What still knows the old handle counts for nobody. */
	policy_count(1, first, 1, 1, 1);
	CHECK(asked(1, 9, TCP, 82).egress != first);
	CHECK(asked(1, 9, TCP, 83).egress != first);
	cursor = 0;
	CHECK_EQ(policy_rules_read(&cursor, stats, sizeof(stats)), 0);
}

/* Whoever adds and removes a rule again and again cannot make what counts for an old one count for another. */
TEST(a_handle_does_not_come_again_soon)
{
	int usual = fd;
	/* The more rules there may be, the fewer bits tell the uses of a place apart; and none was used before. */
	detach();
	fd = state_file();
	state_mib = 512;
	CHECK_EQ(attach(), 0);
	CHECK_EQ(arena_capacity(FWD_TABLE_RULE), 524288);
	two_groups();
	rule(5, 1, FWD_RULE_EGRESS, TCP, 80);
	uint32_t first = asked(1, 9, TCP, 80).egress, again = 0;
	for (uint32_t i = 0; i < 3000; i++) {
		erase(FWD_TABLE_RULE, &(struct fwd_rule_row){.group = 5, .number = 1});
		rule(5, 1, FWD_RULE_EGRESS, TCP, 80);
		again += asked(1, 9, TCP, 80).egress == first;
	}
	CHECK_EQ(again, 0);
	CHECK(policy_rule(first) == NULL);
	detach();
	close(fd);
	fd = usual;
	state_mib = 64;
	CHECK_EQ(attach(), 0);
}

TEST(a_change_touches_the_flows_it_may_matter_to)
{
	two_groups();
	uint32_t one = stamp(1), three = stamp(3);
	CHECK_EQ(stamp(2), one);
	CHECK(one != three && one > POLICY_PENDING && one != POLICY_STALE);
	/* Another port of the same identity, and one of a new one. */
	identify(4, 20);
	join(40, 5, 1);
	identify(5, 40);
	CHECK_EQ(stamp(4), one);
	CHECK_EQ(stamp(1), one);
	erase(FWD_TABLE_PORT_IDENTITY, &(struct fwd_port_identity_row){4, 20});
	CHECK_EQ(stamp(1), one);
	rule(6, 1, FWD_RULE_INGRESS, TCP, 80);
	CHECK_EQ(stamp(1), one);
	CHECK(stamp(3) != three);
	three = stamp(3);
	uint32_t five = stamp(5);
	rule(5, 1, FWD_RULE_INGRESS, TCP, 80);
	CHECK(stamp(1) != one);
	CHECK(stamp(5) != five && stamp(5) != stamp(1));
	CHECK_EQ(stamp(3), three);
	/* As a remote only, its rules are not asked. */
	join(30, 7, 0);
	three = stamp(3);
	rule(7, 1, FWD_RULE_INGRESS, TCP, 80);
	CHECK_EQ(stamp(3), three);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_port_is_open_pending_or_closed),
	        CASE(both_ends_must_allow),
	        CASE(every_gate_must_allow),
	        CASE(the_lowest_priority_decides_and_deny_before_allow),
	        CASE(a_rule_names_protocol_and_range),
	        CASE(a_remote_group_holds_own_addresses_only),
	        CASE(an_address_belongs_to_a_port_whatever_the_mac),
	        CASE(learned_addresses_belong_to_their_port),
	        CASE(an_address_stays_with_a_port_that_moved),
	        CASE(rows_that_contradict_themselves_are_refused),
	        CASE(an_identity_belongs_to_so_many_groups_only),
	        CASE(a_handle_stays_while_its_row_does_and_counts_for_it_alone),
	        CASE(a_handle_does_not_come_again_soon),
	        CASE(a_change_touches_the_flows_it_may_matter_to),
	};
	fd = state_file();
	if (attach())
		return 1;
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	detach();
	close(fd);
	return failed;
}
