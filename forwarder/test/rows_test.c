/* Batches, generations, owners and references, through rows.c and what packet threads see of it in tables.c. */
#include "state.h"

#include "fib.h"
#include "tables_update.h"

#include "test.h"

static int fd = -1;
static struct fwd_state report;
static uint32_t network, dhcp, generation;

static bool up(void)
{
	fd = state_file();
	if (state_attach(fd, STATE_MIB, &report))
		return false;
	network = (uint32_t)rows_owner_open("network");
	dhcp = (uint32_t)rows_owner_open("dhcp");
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

TEST(a_row_is_visible_after_its_batch)
{
	struct fwd_bridge_row bridge = {.id = 7, .vrf = 3, .mtu = 1500, .mode = FWD_MODE_L2_L3};
	CHECK(tables_bridge(7) == NULL);
	CHECK_EQ(put(FWD_TABLE_BRIDGE, &bridge), 1);
	CHECK(tables_bridge(7) && tables_bridge(7)->vrf == 3);
	CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_BRIDGE, &bridge), 1);
	CHECK(tables_bridge(7) == NULL);
	CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_BRIDGE, &bridge), 0);
}

TEST(an_identical_row_is_not_touched)
{
	struct fwd_port_row port = {.id = 4, .bridge = 1, .mtu = 1500};
	CHECK_EQ(put(FWD_TABLE_PORT, &port), 1);
	const struct fwd_port_row *before = tables_port(4);
	uint32_t number = tables_generation(before);
	CHECK_EQ(put(FWD_TABLE_PORT, &port), 0);
	CHECK(tables_port(4) == before);
	port.bridge = 2;
	CHECK_EQ(put(FWD_TABLE_PORT, &port), 1);
	CHECK(tables_port(4) != before);
	CHECK_EQ(tables_generation(tables_port(4)), number);
	CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_PORT, &port), 1);
	CHECK_EQ(put(FWD_TABLE_PORT, &port), 1);
	CHECK(tables_generation(tables_port(4)) != number);
}

TEST(a_malformed_row_refuses_the_whole_batch_and_is_named)
{
	struct fwd_vrf_row vrf = {.id = 1};
	struct fwd_route_row route = route4(1, address4(10, 0, 0, 0), 40, 10, 1);
	struct ops ops = {.used = 0};
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_VRF, &vrf);
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_ROUTE, &route);
	CHECK_EQ(ops_send(&ops, network, generation), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "operation 1: route.prefix_length is 40"));
	CHECK(tables_vrf(1) == NULL);
}

TEST(every_kind_of_malformed_operation_is_refused)
{
	struct fwd_mac_row mac = {.bridge = 1, .mac = {2, 0, 0, 0, 0, 1}, .port = 1};
	struct ops good = {.used = 0};
	ops_add(&good, FWD_OP_UPSERT, FWD_TABLE_MAC, &mac);
	for (uint32_t length = 1; length < good.used; length++)
		CHECK_EQ(rows_apply(network, generation, good.bytes, length, false), FWD_ERR_ROW);
	const struct {
		uint32_t at;
		uint8_t value;
	} damage[] = {
	        {0, 0}, {0, 3}, {1, 0}, {1, 200}, {2, 8}, {4, 1}, {8 + 3, 1}, {8 + 4, 3}, {8 + 10, 1}, {8 + 15, 1}};
	for (uint32_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct ops bad = good;
		bad.bytes[damage[i].at] = damage[i].value;
		CHECK_EQ(ops_send(&bad, network, generation), FWD_ERR_ROW);
	}
	CHECK_EQ(ops_send(&good, network, generation), 1);
}

TEST(an_owner_cannot_change_the_row_of_another)
{
	struct fwd_vrf_row mine = {.id = 1}, other = {.id = 2};
	uint32_t theirs = (uint32_t)rows_begin(dhcp);
	CHECK_EQ(put(FWD_TABLE_VRF, &mine), 1);
	struct ops ops = {.used = 0};
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_VRF, &other);
	ops_add(&ops, FWD_OP_DELETE, FWD_TABLE_VRF, &mine);
	CHECK_EQ(ops_send(&ops, dhcp, theirs), FWD_ERR_OWNER);
	CHECK(strstr(error_text(), "operation 1") && strstr(error_text(), "network"));
	CHECK(tables_vrf(1) != NULL);
	CHECK(tables_vrf(2) == NULL);
	CHECK_EQ(rows_clear(dhcp), 0);
	CHECK(tables_vrf(1) != NULL);
}

TEST(next_hop_numbers_belong_to_their_owner)
{
	struct fwd_nexthop_row one = {.id = 1, .port = 11, .type = FWD_NEXTHOP_PORT},
	                       two = {.id = 1, .port = 22, .type = FWD_NEXTHOP_PORT};
	struct fwd_route_row route = route4(5, address4(10, 0, 0, 0), 8, 20, 1),
	                     theirs = route4(5, address4(11, 0, 0, 0), 8, 20, 1);
	uint32_t other = (uint32_t)rows_begin(dhcp);
	CHECK_EQ(put(FWD_TABLE_NEXTHOP, &one), 1);
	CHECK_EQ(put(FWD_TABLE_ROUTE, &route), 1);
	CHECK_EQ(send_one(dhcp, other, FWD_OP_UPSERT, FWD_TABLE_NEXTHOP, &two), 1);
	CHECK_EQ(send_one(dhcp, other, FWD_OP_UPSERT, FWD_TABLE_ROUTE, &theirs), 1);
	CHECK_EQ(tables_nexthop(tables_route4(5, address4(10, 1, 1, 1)))->port, 11);
	CHECK_EQ(tables_nexthop(tables_route4(5, address4(11, 1, 1, 1)))->port, 22);
}

TEST(gateways_stand_in_order_of_their_addresses)
{
	for (uint8_t i = 0; i < 6; i++) {
		struct fwd_neighbor_row row = {.bridge = 3,
		        .family = i % 2 ? 6 : 4,
		        .address = {(uint8_t)(i * 5 % 6 + 1)},
		        .flags = i == 4 ? 0 : FWD_NEIGHBOR_GATEWAY};
		CHECK_EQ(put(FWD_TABLE_NEIGHBOR, &row), 1);
	}
	const struct gateways *gateways = tables_gateways(3);
	CHECK_EQ(gateways->count, 5);
	for (uint32_t i = 1; i < gateways->count; i++) {
		const struct fwd_neighbor_row *a = gateways->rows[i - 1], *b = gateways->rows[i];
		CHECK(a->family < b->family || (a->family == b->family && a->address[0] < b->address[0]));
	}
	CHECK(tables_gateways(2) == NULL);
	CHECK_EQ(rows_clear(network), 6);
	CHECK(tables_gateways(3) == NULL);
}

TEST(what_fields_say_together_is_checked)
{
	struct fwd_source_row source = {.port = 1, .family = 4, .prefix_length = 24, .address = {10, 0, 0, 1}};
	CHECK_EQ(put(FWD_TABLE_SOURCE, &source), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "source.address has bits set after prefix_length"));
	source.address[3] = 0;
	CHECK_EQ(put(FWD_TABLE_SOURCE, &source), 1);
	source.prefix_length = 33;
	CHECK_EQ(put(FWD_TABLE_SOURCE, &source), FWD_ERR_ROW);
	source = (struct fwd_source_row){.port = 1, .family = 6, .prefix_length = 128, .mac = {1}};
	CHECK_EQ(put(FWD_TABLE_SOURCE, &source), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "source.mac is a multicast address"));
	struct fwd_nexthop_row group = {.id = 1, .type = FWD_NEXTHOP_ECMP};
	CHECK_EQ(put(FWD_TABLE_NEXTHOP, &group), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "nexthop.size is 0"));
	struct fwd_neighbor_row neighbor = {.bridge = 1, .family = 6, .mac = {0x33, 0x33}};
	CHECK_EQ(put(FWD_TABLE_NEIGHBOR, &neighbor), FWD_ERR_ROW);
}

static uint32_t told;

static void count_sources(const struct fwd_source_row *old, const struct fwd_source_row *new)
{
	told += new ? new->port : 100 * old->port;
}

static void add_address(const void *row, void *sum)
{
	*(uint32_t *)sum += ((const struct fwd_source_row *)row)->address[3];
}

TEST(listeners_hear_of_sources_and_all_are_listed)
{
	told = 0;
	tables_listen((struct tables_listener){.source = count_sources});
	for (uint8_t i = 1; i <= 4; i++) {
		struct fwd_source_row source = {
		        .port = 1u + i % 2, .family = 4, .prefix_length = 32, .address = {10, 0, 0, i}};
		CHECK_EQ(put(FWD_TABLE_SOURCE, &source), 1);
	}
	uint32_t sum = 0;
	tables_each_row(FWD_TABLE_SOURCE, add_address, &sum);
	CHECK_EQ(sum, 1 + 2 + 3 + 4);
	CHECK_EQ(told, 6);
	CHECK_EQ(rows_clear(network), 4);
	CHECK_EQ(told, 606);
}

TEST(the_row_of_a_route_is_found)
{
	struct fwd_route_row routes[] = {route4(1, 0, 0, 20, 1), route4(1, address4(10, 0, 0, 0), 8, 20, 2),
	        route4(1, address4(10, 1, 0, 0), 16, 20, 3), route4(1, address4(10, 1, 0, 0), 16, 10, 4)};
	const uint8_t inside[16] = {10, 1, 2, 3}, beside[16] = {10, 2}, outside[16] = {11};
	for (uint32_t i = 0; i < 4; i++)
		CHECK_EQ(put(FWD_TABLE_ROUTE, &routes[i]), 1);
	CHECK_EQ(fib_route(1, 4, inside)->nexthop, 4);
	CHECK_EQ(fib_route(1, 4, beside)->nexthop, 2);
	CHECK_EQ(fib_route(1, 4, outside)->nexthop, 1);
	CHECK(fib_route(1, 6, inside) == NULL && fib_route(2, 4, inside) == NULL);
}

TEST(the_lowest_source_wins_and_the_next_takes_over)
{
	struct fwd_nexthop_row hops[] = {{.id = 1, .port = 1}, {.id = 2, .port = 2}, {.id = 3, .port = 3}};
	struct fwd_route_row routes[3];
	for (uint32_t i = 0; i < 3; i++) {
		routes[i] = route4(1, address4(10, 1, 0, 0), 16, (uint8_t)(30 - 10 * i), i + 1);
		CHECK_EQ(put(FWD_TABLE_NEXTHOP, &hops[i]), 1);
		CHECK_EQ(put(FWD_TABLE_ROUTE, &routes[i]), 1);
		CHECK_EQ(tables_nexthop(tables_route4(1, address4(10, 1, 2, 3)))->port, i + 1);
	}
	for (uint32_t i = 3; i-- > 1;) {
		CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_ROUTE, &routes[i]), 1);
		CHECK_EQ(tables_nexthop(tables_route4(1, address4(10, 1, 2, 3)))->port, i);
	}
	CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_ROUTE, &routes[0]), 1);
	CHECK_EQ(tables_route4(1, address4(10, 1, 2, 3)), 0);
}

TEST(commit_sweeps_what_was_not_sent_again)
{
	struct fwd_vrf_row vrfs[] = {{.id = 1}, {.id = 2}, {.id = 3}};
	for (int i = 0; i < 3; i++)
		CHECK_EQ(put(FWD_TABLE_VRF, &vrfs[i]), 1);
	CHECK_EQ(rows_commit(network, generation), 0);
	uint32_t next = (uint32_t)rows_begin(network);
	CHECK_EQ(send_one(network, generation, FWD_OP_UPSERT, FWD_TABLE_VRF, &vrfs[0]), FWD_ERR_GENERATION);
	CHECK_EQ(send_one(network, next, FWD_OP_UPSERT, FWD_TABLE_VRF, &vrfs[1]), 0);
	CHECK(tables_vrf(1) && tables_vrf(3));
	CHECK_EQ(rows_commit(network, next), 2);
	CHECK(!tables_vrf(1) && tables_vrf(2) && !tables_vrf(3));
	CHECK_EQ(rows_commit(network, next), 0);
}

TEST(staged_rows_wait_for_the_last_part)
{
	struct fwd_vrf_row one = {.id = 1}, two = {.id = 2};
	struct ops ops = {.used = 0};
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_VRF, &one);
	CHECK_EQ(rows_apply(network, generation, ops.bytes, ops.used, true), 0);
	CHECK(tables_vrf(1) == NULL);
	CHECK_EQ(rows_commit(network, generation), FWD_ERR_STATE);
	CHECK_EQ(put(FWD_TABLE_VRF, &two), 2);
	CHECK(tables_vrf(1) && tables_vrf(2));
}

TEST(the_last_operation_on_a_key_counts)
{
	struct fwd_bridge_row bridge = {.id = 1, .mtu = 1000}, other = {.id = 2, .mtu = 1};
	struct ops ops = {.used = 0};
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &bridge);
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &other);
	bridge.mtu = 2000;
	ops_add(&ops, FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &bridge);
	ops_add(&ops, FWD_OP_DELETE, FWD_TABLE_BRIDGE, &other);
	CHECK_EQ(ops_send(&ops, network, generation), 1);
	CHECK_EQ(tables_bridge(1)->mtu, 2000);
	CHECK(tables_bridge(2) == NULL);
}

TEST(a_service_finds_the_most_specific_row_and_only_its_owners_class)
{
	struct fwd_service_row any = {.vrf = FWD_ANY_VRF, .family = 4, .protocol = 17, .l4_port = 67, .punt_class = 1};
	struct fwd_service_row one = {
	        .vrf = 9, .family = 4, .protocol = 17, .l4_port = 67, .punt_class = 2, .address = {10, 1, 0, 1}};
	struct fwd_punt_class_row classes[] = {
	        {.id = 1, .receiver = (uint16_t)network}, {.id = 2, .receiver = (uint16_t)dhcp}};
	const struct fwd_punt_class_row *class = NULL;
	const uint8_t to[16] = {10, 1, 0, 1}, elsewhere[16] = {10, 1, 0, 2};
	CHECK_EQ(put(FWD_TABLE_SERVICE, &any), 1);
	CHECK_EQ(put(FWD_TABLE_SERVICE, &one), 1);
	CHECK_EQ(tables_service(9, 4, 17, 67, elsewhere, &class)->punt_class, 1);
	CHECK(class == NULL);
	CHECK_EQ(put(FWD_TABLE_PUNT_CLASS, &classes[0]), 1);
	CHECK_EQ(put(FWD_TABLE_PUNT_CLASS, &classes[1]), 1);
	CHECK_EQ(tables_service(9, 4, 17, 67, elsewhere, &class)->punt_class, 1);
	CHECK(class && class->id == 1);
	CHECK_EQ(tables_service(9, 4, 17, 67, to, &class)->punt_class, 2);
	CHECK(class == NULL);
	CHECK(tables_service(9, 4, 17, 68, to, &class) == NULL);
	CHECK(tables_service(9, 6, 17, 67, to, &class) == NULL);
	CHECK_EQ(rows_clear(network), 4);
	CHECK(tables_service(9, 4, 17, 67, to, &class) == NULL);
}

TEST(a_full_table_refuses_and_recovers)
{
	struct fwd_punt_class_row row = {.receiver = 1};
	uint32_t capacity = arena_capacity(FWD_TABLE_PUNT_CLASS);
	for (row.id = 0; row.id < capacity; row.id++)
		CHECK_EQ(put(FWD_TABLE_PUNT_CLASS, &row), 1);
	CHECK_EQ(put(FWD_TABLE_PUNT_CLASS, &row), FWD_ERR_FULL);
	row.id = 0;
	CHECK_EQ(send_one(network, generation, FWD_OP_DELETE, FWD_TABLE_PUNT_CLASS, &row), 1);
	row.id = (uint16_t)capacity;
	CHECK_EQ(put(FWD_TABLE_PUNT_CLASS, &row), 1);
}

TEST(rows_can_be_read_back_in_parts)
{
	struct fwd_vrf_row vrfs[5], part[2];
	uint32_t cursor = 0, seen = 0;
	for (uint32_t i = 0; i < 5; i++) {
		vrfs[i] = (struct fwd_vrf_row){.id = i + 1};
		CHECK_EQ(put(FWD_TABLE_VRF, &vrfs[i]), 1);
	}
	while (cursor != SLOT_NONE) {
		int32_t bytes = rows_read(network, FWD_TABLE_VRF, &cursor, part, sizeof(part));
		for (uint32_t i = 0; i < (uint32_t)bytes / sizeof(part[0]); i++)
			seen |= 1u << part[i].id;
	}
	CHECK_EQ(seen, 0x3e);
	cursor = 0;
	CHECK_EQ(rows_read(dhcp, FWD_TABLE_VRF, &cursor, part, sizeof(part)), 0);
}

static const struct test_case cases[] = {
        CASE(a_row_is_visible_after_its_batch),
        CASE(an_identical_row_is_not_touched),
        CASE(a_malformed_row_refuses_the_whole_batch_and_is_named),
        CASE(every_kind_of_malformed_operation_is_refused),
        CASE(an_owner_cannot_change_the_row_of_another),
        CASE(next_hop_numbers_belong_to_their_owner),
        CASE(gateways_stand_in_order_of_their_addresses),
        CASE(what_fields_say_together_is_checked),
        CASE(listeners_hear_of_sources_and_all_are_listed),
        CASE(the_row_of_a_route_is_found),
        CASE(the_lowest_source_wins_and_the_next_takes_over),
        CASE(commit_sweeps_what_was_not_sent_again),
        CASE(staged_rows_wait_for_the_last_part),
        CASE(the_last_operation_on_a_key_counts),
        CASE(a_service_finds_the_most_specific_row_and_only_its_owners_class),
        CASE(a_full_table_refuses_and_recovers),
        CASE(rows_can_be_read_back_in_parts),
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
