/* The same batches of several owners, in random orders, after whatever happened before: leftovers of earlier lives,
 * owners killed half way through a resync, restarts of the forwarder. What packets find is the same each time. */
#include "dump.h"

#include "drop.h"
#include "nat.h"
#include "policy.h"
#include "test.h"

#define ORDERS  1000u
#define OWNERS  3u
#define BATCHES 8u
#define ROUTES  80u /* of each owner, all with different sources */
#define PLAN    64u

static uint64_t seed = 0x9e3779b97f4a7c15ULL;

static uint32_t any(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % limit;
}

/* Any number from a key, the same each time. */
static uint32_t mix(uint32_t a, uint32_t b)
{
	uint32_t hash = a * 2654435761u ^ b * 40503u;
	hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
	return hash ^ hash >> 13;
}

static const uint32_t rows_of[TABLE_LIMIT] = {[FWD_TABLE_VRF] = 3,
        [FWD_TABLE_BRIDGE] = 4,
        [FWD_TABLE_PORT] = 8,
        [FWD_TABLE_MAC] = 12,
        [FWD_TABLE_NEIGHBOR] = 12,
        [FWD_TABLE_NEXTHOP] = 12,
        [FWD_TABLE_ROUTE] = ROUTES,
        [FWD_TABLE_SERVICE] = 6,
        [FWD_TABLE_PUNT_CLASS] = 3,
        [FWD_TABLE_SOURCE] = 16,
        [FWD_TABLE_MEMBER] = 20,
        [FWD_TABLE_LEARNED_MAC] = 10,
        [FWD_TABLE_LEARNED_NEIGHBOR] = 10,
        [FWD_TABLE_RULE] = 12,
        [FWD_TABLE_IDENTITY_GROUP] = 12,
        [FWD_TABLE_GATEWAY] = 4,
        [FWD_TABLE_NAT_ADDRESS] = 6,
        [FWD_TABLE_VRF_NAT] = 5,
        [FWD_TABLE_FLOATING_IP] = 12,
        [FWD_TABLE_PORT_IDENTITY] = 8};

/* Row n of an owner (0: the forwarder itself). The key comes from owner and n, the rest from version; 0 is what counts
 * in the end. */
static const void *make_row(uint32_t table, uint32_t owner, uint32_t n, uint32_t version)
{
	static union {
		uint8_t bytes[ROW_BYTES_LIMIT];
		struct fwd_vrf_row vrf;
		struct fwd_bridge_row bridge;
		struct fwd_port_row port;
		struct fwd_mac_row mac;
		struct fwd_neighbor_row neighbor;
		struct fwd_nexthop_row nexthop;
		struct fwd_route_row route;
		struct fwd_service_row service;
		struct fwd_punt_class_row punt_class;
		struct fwd_source_row source;
		struct fwd_member_row member;
		struct fwd_learned_mac_row learned_mac;
		struct fwd_learned_neighbor_row learned_neighbor;
		struct fwd_rule_row rule;
		struct fwd_identity_group_row identity_group;
		struct fwd_port_identity_row port_identity;
		struct fwd_gateway_row gateway;
		struct fwd_nat_address_row nat_address;
		struct fwd_vrf_nat_row vrf_nat;
		struct fwd_floating_ip_row floating_ip;
	} row;
	uint32_t id = owner * 40 + n + 1, key = mix(owner * TABLE_LIMIT + table, n), other = mix(key, version);
	uint8_t length = (uint8_t)(n % 7 == 0 ? key % 17 : 17 + key % 16);
	const uint8_t places[4] = {10, 1, (uint8_t)(n % 16), (uint8_t)(n * 16)};
	memset(&row, 0, sizeof(row));
	switch (table) {
	case FWD_TABLE_VRF:
		row.vrf = (struct fwd_vrf_row){.id = id};
		break;
	case FWD_TABLE_BRIDGE:
		row.bridge = (struct fwd_bridge_row){.id = id, .vrf = 1 + other % 3, .mtu = (uint16_t)other};
		break;
	case FWD_TABLE_PORT:
		row.port = (struct fwd_port_row){.id = id, .bridge = 1 + other % 100, .mtu = 1500};
		break;
	case FWD_TABLE_MAC:
		row.mac = (struct fwd_mac_row){
		        .bridge = 1 + n % 2, .mac = {2, 0, 0, 0, (uint8_t)owner, (uint8_t)n}, .port = other % 100};
		break;
	case FWD_TABLE_NEIGHBOR:
		row.neighbor = (struct fwd_neighbor_row){.bridge = 1 + n % 3,
		        .family = 4,
		        .address = {10, 0, (uint8_t)owner, (uint8_t)n},
		        .mac = {2, 1},
		        .flags = other % 2};
		break;
	case FWD_TABLE_NEXTHOP:
		/* 1 to 3 are groups, and sometimes 4, which members name. */
		row.nexthop = (struct fwd_nexthop_row){.id = n + 1,
		        .port = other % 100,
		        .type = n < 3 || (n == 3 && version) ? FWD_NEXTHOP_ECMP : FWD_NEXTHOP_PORT,
		        .size = (uint16_t)(n < 4 ? 4 + other % 5 : 0)};
		break;
	case FWD_TABLE_MEMBER:
		/* Next hops 13 to 16 are never there. */
		row.member = (struct fwd_member_row){.group = 1 + n % 3, .index = n / 3, .nexthop = 4 + other % 13};
		break;
	case FWD_TABLE_ROUTE:
		row.route = (struct fwd_route_row){.vrf = 1 + n % 10 / 9,
		        .family = n % 5 ? 4 : 6,
		        .prefix_length = length,
		        .source = (uint8_t)(owner + 3 * n),
		        .nexthop = 1 + other % 14};
		memcpy(row.route.address, places, 4);
		for (uint32_t i = 0; i < 4; i++)
			row.route.address[i] &= length >= 8 * i + 8 ? 0xff
			                        : length <= 8 * i   ? 0
			                                            : (uint8_t)(0xff00 >> (length - 8 * i));
		break;
	case FWD_TABLE_SERVICE:
		row.service = (struct fwd_service_row){.vrf = n % 2 ? FWD_ANY_VRF : 1,
		        .family = 4,
		        .protocol = 17,
		        .l4_port = (uint16_t)(owner * 10 + n),
		        .punt_class = (uint16_t)(other % 200)};
		break;
	case FWD_TABLE_PUNT_CLASS:
		row.punt_class = (struct fwd_punt_class_row){
		        .id = (uint16_t)id, .receiver = (uint16_t)(1 + other % 3), .rate = other};
		break;
	case FWD_TABLE_SOURCE:
		row.source = (struct fwd_source_row){.port = 1 + n % 4,
		        .family = 4,
		        .prefix_length = 32,
		        .mac = {2, 2},
		        .address = {10, 0, (uint8_t)owner, (uint8_t)n}};
		break;
	case FWD_TABLE_LEARNED_MAC:
		row.learned_mac = (struct fwd_learned_mac_row){
		        .bridge = 1 + n % 2, .mac = {2, 3, 0, 0, 0, (uint8_t)n}, .port = other % 100};
		break;
	case FWD_TABLE_LEARNED_NEIGHBOR:
		row.learned_neighbor = (struct fwd_learned_neighbor_row){.bridge = 1 + n % 2,
		        .family = 6,
		        .address = {0xfe, 0x80, [15] = (uint8_t)n},
		        .mac = {2, 4},
		        .port = other % 100};
		break;
	case FWD_TABLE_RULE:
		row.rule = (struct fwd_rule_row){.group = id,
		        .number = n,
		        .priority = other % 3,
		        .direction = other / 4 % 2,
		        .action = other / 8 % 4 == 0,
		        .protocol = other / 32 % 2 ? 6 : 0,
		        .port_max = 65535,
		        .family = 4};
		break;
	case FWD_TABLE_IDENTITY_GROUP:
		row.identity_group = (struct fwd_identity_group_row){
		        .identity = 20 + n % 4, .group = id, .gate = (uint8_t)(other % 2)};
		break;
	case FWD_TABLE_PORT_IDENTITY:
		row.port_identity = (struct fwd_port_identity_row){.port = id, .identity = 20 + other % 5};
		break;
	case FWD_TABLE_GATEWAY:
		row.gateway = (struct fwd_gateway_row){
		        .port = owner, .number = n, .family = 4, .address = {192, 0, 2, (uint8_t)other}};
		break;
	case FWD_TABLE_NAT_ADDRESS:
		row.nat_address = (struct fwd_nat_address_row){.port = 1 + n % 2,
		        .family = 4,
		        .address = {198, 51, (uint8_t)owner, (uint8_t)n},
		        .pool = 1 + other % 3,
		        .port_min = 1024,
		        .port_max = 65535,
		        .block_size = 64,
		        .port_blocks = 1};
		break;
	case FWD_TABLE_VRF_NAT:
		row.vrf_nat = (struct fwd_vrf_nat_row){.vrf = id, .pool = other % 3, .port = 1 + other % 2};
		break;
	case FWD_TABLE_FLOATING_IP:
		row.floating_ip = (struct fwd_floating_ip_row){.port = 1 + n % 2,
		        .family = 4,
		        .address = {203, 0, (uint8_t)owner, (uint8_t)n},
		        .prefix_length = (uint8_t)(other % 2 * 24),
		        .inside_port = 1 + other % 4,
		        .inside = {10, 0, 0, (uint8_t)(other % 2)}};
		break;
	}
	return row.bytes;
}

/* Batch b of an owner: every table's rows with n % BATCHES = b. */
static void make_batch(struct ops *ops, uint32_t owner, uint32_t batch, uint32_t version)
{
	ops->used = 0;
	for (uint32_t table = 1; table < TABLE_LIMIT; table++) {
		/* Other versions have rows that the last one has not, and lack some. */
		uint32_t count = rows_of[table] + (version ? version % 3 : 0);
		for (uint32_t n = version % 2; n < count && !table_layouts[table].internal; n++)
			if (n % BATCHES == batch)
				ops_add(ops, FWD_OP_UPSERT, table, make_row(table, owner, n, version));
	}
}

/* What an owner does, one step at a time: several lives end anywhere, the last one is whole. */
enum step_kind { STEP_BEGIN, STEP_SEND, STEP_STAGE, STEP_DELETE, STEP_COMMIT };
struct plan {
	struct {
		uint8_t kind, batch, version;
	} steps[PLAN];
	uint32_t count, next, generation;
};

static void plan_add(struct plan *plan, uint8_t kind, uint32_t batch, uint32_t version)
{
	plan->steps[plan->count].kind = kind;
	plan->steps[plan->count].batch = (uint8_t)batch;
	plan->steps[plan->count++].version = (uint8_t)version;
}

static void plan_life(struct plan *plan, uint32_t version, uint32_t batches)
{
	uint8_t order[BATCHES];
	for (uint32_t i = 0; i < BATCHES; i++) {
		uint32_t at = any(i + 1);
		order[i] = order[at];
		order[at] = (uint8_t)i;
	}
	plan_add(plan, STEP_BEGIN, 0, 0);
	for (uint32_t i = 0; i < batches; i++)
		plan_add(plan, batches < BATCHES && any(6) == 0 ? STEP_STAGE : STEP_SEND, order[i], version);
	if (batches < BATCHES && any(3) == 0)
		plan_add(plan, STEP_DELETE, any(BATCHES), 0);
}

static void plan_make(struct plan *plan, bool leftovers)
{
	plan->count = plan->next = 0;
	for (uint32_t life = leftovers ? any(3) : 0; life > 0; life--)
		plan_life(plan, any(2) ? 1 + any(5) : 0, any(BATCHES));
	plan_life(plan, 0, BATCHES);
	plan_add(plan, STEP_COMMIT, 0, 0);
}

static int32_t step(struct plan *plan, uint32_t owner)
{
	static struct ops ops;
	uint32_t kind = plan->steps[plan->next].kind, batch = plan->steps[plan->next].batch;
	make_batch(&ops, owner, batch, plan->steps[plan->next].version);
	plan->next++;
	switch (kind) {
	case STEP_BEGIN:
		plan->generation = (uint32_t)rows_begin(owner);
		return 0;
	case STEP_COMMIT:
		return rows_commit(owner, plan->generation);
	case STEP_STAGE:
		return rows_apply(owner, plan->generation, ops.bytes, ops.used, true);
	case STEP_DELETE:
		for (uint32_t at = 0; at < ops.used; at += 8u + table_layouts[ops.bytes[at + 1]].row_bytes)
			ops.bytes[at] = FWD_OP_DELETE;
		return ops_send(&ops, owner, plan->generation);
	default:
		return ops_send(&ops, owner, plan->generation);
	}
}

/* What the forwarder learned itself: something else first, then what counts. */
static int32_t learn(uint32_t version)
{
	static uint8_t rows[32][ROW_BYTES_LIMIT];
	struct internal_change changes[32];
	uint32_t count = 0;
	for (uint32_t table = FWD_TABLE_LEARNED_MAC; table <= FWD_TABLE_LEARNED_NEIGHBOR; table++)
		for (uint32_t n = 0; n < rows_of[table]; n++, count++) {
			memcpy(rows[count], make_row(table, 0, n, version), ROW_BYTES_LIMIT);
			changes[count] = (struct internal_change){
			        version && any(2) ? FWD_OP_DELETE : FWD_OP_UPSERT, (uint8_t)table, rows[count]};
		}
	return rows_internal_apply(changes, count);
}

/* What a port that has an identity may send and receive. */
static void dump_policy(struct dump *dump, uint32_t port)
{
	static const uint8_t nowhere[16] = {0};
	const struct fwd_port_row row = {.id = port, .flags = FWD_PORT_POLICY_REQUIRED};
	const struct policy_end end = {port, policy_of(policy_now(), &row)}, open = {0, &policy_open};
	const struct policy_packet packet = {.family = 4, .protocol = 6, .src = nowhere, .dst = nowhere};
	struct policy_decision sent, received;
	policy_decide(&end, &open, &packet, &sent);
	policy_decide(&open, &end, &packet, &received);
	if (sent.verdict == DROP_POLICY_PENDING)
		return;
	const struct fwd_rule_row *by = policy_rule(sent.egress), *of = policy_rule(received.ingress);
	dump_add(dump, "port %u: sends %u by %u of %u, receives %u by %u of %u\n", port, sent.verdict,
	        by ? by->number : 0, by ? by->group : 0, received.verdict, of ? of->number : 0, of ? of->group : 0);
}

static void dump_nat(struct dump *dump)
{
	const uint8_t to[16] = {203, 0, 1, 200};

	for (uint32_t owner = 1; owner <= OWNERS; owner++)
		for (uint8_t n = 0; n < 16; n++) {
			uint8_t shared[16] = {198, 51, (uint8_t)owner, n}, floating[16] = {203, 0, (uint8_t)owner, n};
			const struct fwd_nat_address_row *address = nat_address(1 + n % 2, 4, shared);
			const struct fwd_floating_ip_row *of = nat_floating(1 + n % 2, 4, floating);
			const struct fwd_vrf_nat_row *vrf = nat_vrf(owner * 40 + n + 1);
			if (address || of || vrf)
				dump_add(dump, "nat %u %u: pool %u, port %u, vrf %u\n", owner, n,
				        address ? address->pool : 0, of ? of->inside_port : 0, vrf ? vrf->pool + 1 : 0);
		}
	for (uint32_t port = 1; port <= 4; port++)
		for (uint32_t n = 0; n < 4; n++) {
			const uint8_t inside[16] = {10, 0, 0, (uint8_t)(n % 2)};
			const struct fwd_floating_ip_row *by = nat_floating_of(port, 1 + n / 2, 4, inside, to);
			if (by)
				dump_add(dump, "port %u leaves %u as %u.%u\n", port, 1 + n / 2, by->address[2],
				        by->address[3]);
		}
}

static void take_dump(struct dump *dump)
{
	dump->used = 0;
	dump_rows(dump);
	for (uint32_t vrf = 1; vrf <= 2; vrf++)
		for (uint32_t n = 0; n < ROUTES; n++) {
			uint8_t address[16] = {10, 1, (uint8_t)(n % 16), (uint8_t)(n * 16 + n % 9)};
			dump_address(dump, vrf, 4, address);
			dump_address(dump, vrf, 6, address);
			address[n % 8 ? 2 : 0] = (uint8_t)mix(vrf, n);
			dump_address(dump, vrf, 4, address);
		}
	for (uint32_t bridge = 1; bridge <= 4; bridge++)
		dump_gateways(dump, bridge);
	const uint8_t nowhere[16] = {0};
	for (uint16_t port = 0; port < 60; port++) {
		const struct fwd_punt_class_row *class = NULL;
		const struct fwd_service_row *service = tables_service(1, 4, 17, port, nowhere, &class);
		if (service || service_possible(17, port))
			dump_add(dump, "service %u: %d to class %d\n", port, service ? service->punt_class : -1,
			        class ? class->id : -1);
	}
	for (uint32_t port = 1; port < 40 * (OWNERS + 2); port++)
		dump_policy(dump, port);
	dump_nat(dump);
}

static int fd;

static bool restart(void)
{
	struct fwd_state report;
	state_detach();
	return state_attach(fd, STATE_MIB, &report) == 0 && !report.fresh && !report.discarded;
}

/* Everything that one order does. False: something was refused. */
static bool run_order(const uint32_t *owners, bool leftovers)
{
	struct plan plans[OWNERS];
	uint32_t left = 0, learned = leftovers ? any(80) : 0;
	for (uint32_t i = 0; i < OWNERS; i++) {
		plan_make(&plans[i], leftovers);
		left += plans[i].count;
	}
	for (uint32_t done = 0; left > 0; done++) {
		uint32_t i = any(OWNERS);
		if (plans[i].next == plans[i].count)
			continue;
		if (done == learned && learn(any(4) + 1) < 0)
			return false;
		if (step(&plans[i], owners[i]) < 0)
			return false;
		left--;
		if (!leftovers || any(150))
			continue;
		/* The forwarder dies: owners that were at work begin anew; those that were done need not. */
		if (!restart())
			return false;
		for (uint32_t o = 0; o < OWNERS; o++)
			if (plans[o].next < plans[o].count) {
				left -= plans[o].count - plans[o].next;
				plan_make(&plans[o], false);
				left += plans[o].count;
			}
	}
	return learn(0) >= 0;
}

/* Where two dumps part. */
static void print_difference(const struct dump *a, const struct dump *b)
{
	uint32_t line = 0, at = 0;
	for (; at < a->used && at < b->used && a->text[at] == b->text[at]; at++)
		line = a->text[at] == '\n' ? at + 1 : line;
	printf("  expected %.200s\n  found %.200s\n", a->text + line, b->text + line);
}

/* When all rows went, nothing that was made for them is there any more. */
static bool nothing_is_left(const uint32_t *owners, struct dump *dump)
{
	static uint8_t rows[1 << 16];
	uint32_t in_use = 0;
	for (uint32_t i = 0; i < OWNERS; i++)
		rows_clear(owners[i]);
	for (uint32_t table = FWD_TABLE_LEARNED_MAC; table <= FWD_TABLE_LEARNED_NEIGHBOR; table++) {
		uint32_t cursor = 0, bytes = table_layouts[table].row_bytes;
		uint32_t used = (uint32_t)rows_read(0, table, &cursor, rows, sizeof(rows));
		for (uint32_t at = 0; at < used; at += bytes) {
			struct internal_change change = {FWD_OP_DELETE, (uint8_t)table, rows + at};
			if (rows_internal_apply(&change, 1) != 1)
				return false;
		}
	}
	for (uint32_t i = 0; i < OWNERS; i++)
		for (uint32_t id = 0; id < 32; id++)
			in_use += nexthop_handle(owners[i], id) != 0;
	take_dump(dump);
	return in_use == 0 && dump->used == 0;
}

TEST(what_packets_find_does_not_depend_on_what_happened_before)
{
	static struct dump expected, found;
	struct fwd_state report;
	uint32_t owners[OWNERS];
	fd = state_file();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	for (uint32_t i = 0; i < OWNERS; i++)
		owners[i] = (uint32_t)rows_owner_open((const char *[]){"network", "dhcp", "bgp"}[i]);
	bool started = run_order(owners, false);
	if (!started)
		printf("  first order: %s\n", error_text());
	CHECK(started);
	take_dump(&expected);
	CHECK(strstr(expected.text, "learned_neighbor of 0") && strstr(expected.text, "gateway of 3"));
	CHECK(strstr(expected.text, "place none") && strstr(expected.text, "type 3"));
	CHECK(strstr(expected.text, "sends 128 by") && strstr(expected.text, "receives 128 by"));
	for (uint32_t order = 0; order < ORDERS; order++) {
		for (uint32_t i = 0; i < OWNERS; i++)
			if (any(2))
				rows_clear(owners[i]);
		bool accepted = run_order(owners, true);
		if (!accepted)
			printf("  order %u: %s\n", order, error_text());
		CHECK(accepted);
		take_dump(&found);
		if (found.used != expected.used || memcmp(found.text, expected.text, found.used)) {
			printf("  order %u:\n", order);
			print_difference(&expected, &found);
			CHECK(false);
		}
	}
	CHECK(restart());
	take_dump(&found);
	CHECK(found.used == expected.used && memcmp(found.text, expected.text, found.used) == 0);
	CHECK(nothing_is_left(owners, &found));
	state_detach();
	close(fd);
}

TEST_MAIN(CASE(what_packets_find_does_not_depend_on_what_happened_before))
