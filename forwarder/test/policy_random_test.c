/* Random rows of policy against a plain model, and while they change under readers. */
#include "policy_rig.h"

#include <pthread.h>

#include "policy_model.h"
#include "test.h"

static struct model model;
static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

#define RULES      60u
#define GROUPS     12u
#define IDENTITIES 24u
#define PORTS      24u

static uint16_t random_value(void)
{
	static const uint16_t values[] = {0, 1, 22, 80, 443, 0x0800, 0x8000, 0x8600, 1024, 32768, 65534, 65535};
	return any(4) ? values[any(12)] : (uint16_t)any(65536);
}

static uint8_t random_protocol(void)
{
	static const uint8_t protocols[] = {TCP, TCP, UDP, 1, 58, 47, 255};
	return protocols[any(7)];
}

/* Few different bits, so that prefixes nest and hold addresses. */
static void random_address(uint8_t family, uint8_t *address)
{
	memset(address, 0, 16);
	for (uint32_t i = 0; i < (family == 4 ? 4u : 16u); i++)
		if (any(3) == 0)
			address[i] = (uint8_t)(any(2) ? 0xff : 1u << any(8));
}

static void cut(uint8_t *address, uint32_t length)
{
	for (uint32_t bit = length; bit < 128; bit++)
		address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static struct fwd_rule_row random_rule(void)
{
	static const uint8_t lengths[] = {1, 8, 31, 32, 33, 63, 64, 65, 96, 97, 127, 128};
	struct fwd_rule_row row = {.group = 1 + any(GROUPS),
	        .number = any(RULES),
	        .priority = any(3) ? 0 : any(3),
	        .direction = (uint8_t)any(2),
	        .action = any(4) == 0,
	        .protocol = any(5) ? random_protocol() : 0,
	        .family = any(2) ? 4 : 6};
	row.port_min = any(3) ? random_value() : 0;
	row.port_max = any(3) ? random_value() : 65535;
	if (row.port_min > row.port_max)
		row.port_max = row.port_min;
	if (any(4) == 0) {
		row.remote_group = 1 + any(GROUPS);
	} else if (any(3)) {
		row.prefix_length =
		        any(2) ? lengths[any(row.family == 4 ? 4 : 12)] : (uint8_t)any(row.family == 4 ? 33 : 129);
		random_address(row.family, row.address);
		cut(row.address, row.prefix_length);
	}
	return row;
}

/* One row comes or changes, in the model and in a batch. */
static void model_upsert(uint8_t table, const void *row)
{
	if (table == FWD_TABLE_RULE) {
		const struct fwd_rule_row *rule_row = row;
		uint32_t i = 0;
		while (i < model.rule_count &&
		        (model.rules[i].group != rule_row->group || model.rules[i].number != rule_row->number))
			i++;
		model.rules[i] = *rule_row;
		model.rule_count += i == model.rule_count;
	} else if (table == FWD_TABLE_IDENTITY_GROUP) {
		const struct fwd_identity_group_row *member = row;
		uint32_t i = 0;
		while (i < model.member_count &&
		        (model.members[i].identity != member->identity || model.members[i].group != member->group))
			i++;
		model.members[i] = *member;
		model.member_count += i == model.member_count;
	} else {
		const struct fwd_port_identity_row *port = row;
		model.identities[port->port] = port->identity;
	}
}

static void add_upsert(struct ops *ops, uint8_t table, const void *row)
{
	ops_add(ops, FWD_OP_UPSERT, table, row);
	model_upsert(table, row);
}

static void random_upsert(struct ops *ops)
{
	uint32_t what = any(10);
	if (what < 7) {
		struct fwd_rule_row row = random_rule();
		add_upsert(ops, FWD_TABLE_RULE, &row);
	} else if (what < 8) {
		struct fwd_identity_group_row row = {.identity = 16 + any(IDENTITIES),
		        .group = 1 + any(GROUPS),
		        .gate = (uint8_t)(any(2) ? 1 : any(4))};
		add_upsert(ops, FWD_TABLE_IDENTITY_GROUP, &row);
	} else {
		struct fwd_port_identity_row row = {1 + any(PORTS), 16 + any(IDENTITIES)};
		add_upsert(ops, FWD_TABLE_PORT_IDENTITY, &row);
	}
}

static void random_delete(struct ops *ops)
{
	uint32_t what = any(40);
	if (what < 36 && model.rule_count > 0) {
		uint32_t i = any(model.rule_count);
		ops_add(ops, FWD_OP_DELETE, FWD_TABLE_RULE, &model.rules[i]);
		model.rules[i] = model.rules[--model.rule_count];
	} else if (what < 38 && model.member_count > 0) {
		uint32_t i = any(model.member_count);
		ops_add(ops, FWD_OP_DELETE, FWD_TABLE_IDENTITY_GROUP, &model.members[i]);
		model.members[i] = model.members[--model.member_count];
	} else {
		struct fwd_port_identity_row row = {1 + any(PORTS), 16};
		ops_add(ops, FWD_OP_DELETE, FWD_TABLE_PORT_IDENTITY, &row);
		model.identities[row.port] = 0;
	}
}

static bool same_rule(uint32_t handle, const struct fwd_rule_row *expected)
{
	const struct fwd_rule_row *found = policy_rule(handle);
	if (!found || !expected)
		return found == expected && (handle == POLICY_NO_RULE) == (expected == NULL);
	return memcmp(found, expected, sizeof(*found)) == 0;
}

static uint32_t allowed;

static bool agrees(void)
{
	uint8_t src[16], dst[16];
	struct policy_packet packet = {.family = any(2) ? 4 : 6,
	        .protocol = random_protocol(),
	        .value = random_value(),
	        .src = src,
	        .dst = dst};
	struct model_end from = {1 + any(PORTS), any(6) != 0}, to = {1 + any(PORTS), any(6) != 0};
	random_address(packet.family, src);
	random_address(packet.family, dst);
	struct policy_end first = end_of(from.port, from.required), second = end_of(to.port, to.required);
	struct policy_decision found;
	policy_decide(&first, &second, &packet, &found);
	struct model_decision expected = model_decide(&model, &from, &to, &packet);
	allowed += found.verdict == VERDICT_NEXT;
	return found.verdict == expected.verdict && same_rule(found.egress, expected.egress) &&
	       same_rule(found.ingress, expected.ingress);
}

static void random_sources(void)
{
	struct ops ops = {.used = 0};
	for (model.source_count = 0; model.source_count < 200; model.source_count++) {
		struct fwd_source_row row = {
		        .port = 1 + any(PORTS), .family = any(2) ? 4 : 6, .mac = {2, 0, (uint8_t)any(4)}};
		row.prefix_length = (uint8_t)any(row.family == 4 ? 33 : 129);
		random_address(row.family, row.address);
		cut(row.address, row.prefix_length);
		ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_SOURCE, &row);
		model.sources[model.source_count] = row;
	}
	ops_send(&ops, owner, generation);
}

/* 10,000 random changes, in batches of up to 20; every 500 batches also as a forwarder that starts anew sees them. */
TEST(random_changes_mean_what_the_model_says)
{
	uint32_t changes = 0, asked_for = 0;
	allowed = 0;
	start_empty();
	memset(&model, 0, sizeof(model));
	random_sources();
	for (uint32_t batch = 0; changes < 10000; batch++) {
		static struct ops ops;
		ops.used = 0;
		for (uint32_t i = 1 + any(20); i > 0; i--, changes++)
			if (any(10) < (model.rule_count < 200 ? 8u : 4u))
				random_upsert(&ops);
			else
				random_delete(&ops);
		CHECK(ops_send(&ops, owner, generation) >= 0);
		if (batch % 500 == 499) {
			detach();
			CHECK_EQ(attach(), 0);
		}
		for (uint32_t i = 0; i < 100; i++, asked_for++)
			CHECK(agrees());
	}
	/* Each answer was given often enough. */
	printf("  %u rules, %u memberships; %u of %u allowed\n", model.rule_count, model.member_count, allowed,
	        asked_for);
	CHECK(model.rule_count > 100 && model.member_count > 20);
	CHECK(allowed > asked_for / 20 && allowed < asked_for / 20 * 19);
}

/* Whether the flows of a port may be decided otherwise than before, by what the batch says of rows. */
static bool may_differ(uint32_t port, const bool *group_touched, const bool *identity_touched, const bool *port_touched)
{
	uint32_t identity = model.identities[port];
	if (port_touched[port] || identity_touched[identity])
		return true;
	for (uint32_t i = 0; i < model.member_count; i++)
		if (model.members[i].identity == identity && model.members[i].gate != 0 &&
		        group_touched[model.members[i].group])
			return true;
	return false;
}

TEST(stamps_change_only_where_they_must)
{
	uint32_t before[PORTS + 1], kept = 0;
	for (uint32_t batch = 0; batch < 2000; batch++) {
		bool group_touched[GROUPS + 1] = {false}, identity_touched[64] = {false}, port_touched[64] = {false};
		struct ops ops = {.used = 0};
		for (uint32_t port = 1; port <= PORTS; port++)
			before[port] = stamp(port);
		uint32_t what = any(3);
		if (what == 0) {
			struct fwd_rule_row row = random_rule();
			group_touched[row.group] = true;
			add_upsert(&ops, FWD_TABLE_RULE, &row);
		} else if (what == 1) {
			struct fwd_port_identity_row row = {1 + any(PORTS), 16 + any(IDENTITIES)};
			port_touched[row.port] = true;
			add_upsert(&ops, FWD_TABLE_PORT_IDENTITY, &row);
		} else {
			struct fwd_identity_group_row row = {
			        .identity = 16 + any(IDENTITIES), .group = 1 + any(GROUPS), .gate = 1};
			identity_touched[row.identity] = true;
			add_upsert(&ops, FWD_TABLE_IDENTITY_GROUP, &row);
		}
		CHECK(ops_send(&ops, owner, generation) >= 0);
		for (uint32_t port = 1; port <= PORTS; port++) {
			bool may = may_differ(port, group_touched, identity_touched, port_touched);
			CHECK(may || stamp(port) == before[port]);
			kept += stamp(port) == before[port];
			if (what == 0 && may && model.identities[port])
				CHECK(stamp(port) != before[port]);
		}
	}
	CHECK(kept > 2000 * PORTS / 2);
}

/* Readers of what a batch makes visible. */
static bool stop, torn;
static uint64_t rounds;

static uint8_t verdict_in(const struct policy *policy, uint32_t reader, uint16_t value)
{
	static const uint8_t src[16] = {192, 0, 2, 1}, dst[16] = {192, 0, 2, 2};
	struct fwd_port_row one = {.id = 1, .flags = FWD_PORT_POLICY_REQUIRED},
	                    two = {.id = 2, .flags = FWD_PORT_POLICY_REQUIRED};
	struct policy_end from = {1, policy_of(policy, &one)}, to = {2, policy_of(policy, &two)};
	struct policy_decision out;
	policy_decide(&from, &to,
	        &(struct policy_packet){.family = 4, .protocol = TCP, .value = value, .src = src, .dst = dst}, &out);
	policy_count(reader, out.egress, 1, 1, 1);
	policy_count(reader, out.ingress, 1, 1, 1);
	const struct fwd_rule_row *row = policy_rule(out.egress);
	if (row && row->group != 50)
		__atomic_store_n(&torn, true, __ATOMIC_RELAXED);
	return out.verdict;
}

/* Exactly one of the two values passes in every state. */
static void *read_states(void *id)
{
	uint32_t reader = (uint32_t)(uintptr_t)id;
	rcu_register(reader);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const struct policy *policy = policy_now();
		bool first = verdict_in(policy, reader, 1) == VERDICT_NEXT,
		     second = verdict_in(policy, reader, 2) == VERDICT_NEXT;
		if (first == second)
			__atomic_store_n(&torn, true, __ATOMIC_RELAXED);
		__atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
		rcu_quiescent(reader);
	}
	rcu_unregister(reader);
	return NULL;
}

static void add_rule(struct ops *ops, uint32_t group, uint32_t number, uint8_t direction, uint16_t value)
{
	struct fwd_rule_row row = {.group = group,
	        .number = number,
	        .direction = direction,
	        .protocol = TCP,
	        .port_min = value,
	        .port_max = value,
	        .family = 4};
	ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_RULE, &row);
}

/* What one group allows to go out, and the other one in, changes: the same rules say something else, or others do.
 * Besides, rules of other groups come and go. */
static void swap(uint32_t round)
{
	struct ops ops = {.used = 0};
	uint16_t value = (uint16_t)(1 + round % 2);
	if (round % 8 < 4) {
		add_rule(&ops, 50, 1, FWD_RULE_EGRESS, value);
		add_rule(&ops, 60, 1, FWD_RULE_INGRESS, value);
	} else {
		struct fwd_rule_row gone = {.group = 50, .number = 2 - round % 2, .family = 4};
		ops_add(&ops, FWD_OP_DELETE, FWD_TABLE_RULE, &gone);
		add_rule(&ops, 50, 1 + round % 2, FWD_RULE_EGRESS, value);
		add_rule(&ops, 60, 1, FWD_RULE_INGRESS, value);
	}
	for (uint32_t i = 0; i < 20; i++) {
		struct fwd_rule_row row = random_rule();
		row.group = 71 + any(3);
		ops_add(&ops, any(2) ? FWD_OP_UPSERT : FWD_OP_DELETE, FWD_TABLE_RULE, &row);
	}
	ops_send(&ops, owner, generation);
}

TEST(readers_see_a_batch_whole_or_not_at_all)
{
	pthread_t readers[3];
	start_empty();
	join(20, 50, 1);
	join(30, 60, 1);
	join(30, 71, 0);
	swap(0);
	identify(1, 20);
	identify(2, 30);
	stop = torn = false;
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&readers[i], NULL, read_states, (void *)(i + 1));
	for (uint32_t round = 1; round < 4000; round++)
		swap(round);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
	CHECK(!torn);
	CHECK(rounds > 100);
}
int main(void)
{
	static const struct test_case cases[] = {
	        CASE(random_changes_mean_what_the_model_says),
	        CASE(stamps_change_only_where_they_must),
	        CASE(readers_see_a_batch_whole_or_not_at_all),
	};
	fd = state_file();
	if (attach())
		return 1;
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	detach();
	close(fd);
	return failed;
}
