/* Rows of the way out: floating addresses and which of several is chosen, what an uplink owns, and when its flows are
 * looked at again. */
#define _GNU_SOURCE
#include "nat.h"

#include <string.h>

#include "policy.h"
#include "state.h"
#include "test.h"

#define UPLINK 9u
#define INSIDE 3u

static uint32_t owner, generation;

static int32_t send(uint8_t op, uint8_t table, const void *row, uint16_t bytes)
{
	uint8_t batch[8 + ROW_BYTES_LIMIT] = {op, table, (uint8_t)bytes};

	memcpy(batch + 8, row, bytes);
	rows_lock();
	int32_t result = rows_apply(owner, generation, batch, 8 + bytes, false);
	rows_unlock();
	return result;
}

#define PUT(table, row)  send(FWD_OP_UPSERT, table, &(row), sizeof(row))
#define DROP(table, row) send(FWD_OP_DELETE, table, &(row), sizeof(row))

static struct fwd_floating_ip_row floating(uint8_t network, uint8_t host, uint8_t prefix_length)
{
	return (struct fwd_floating_ip_row){.port = UPLINK,
	        .family = 4,
	        .address = {198, 18, network, host},
	        .prefix_length = prefix_length,
	        .inside_port = INSIDE,
	        .inside = {10, 0, 0, 5}};
}

static const uint8_t inside[16] = {10, 0, 0, 5};

/* Last two bytes of the address that stands for port INSIDE's in packets to 198.18.<network>.1; 0: none. */
static uint32_t chosen(uint8_t network)
{
	uint8_t to[16] = {198, 18, network, 1};
	const struct fwd_floating_ip_row *row = nat_floating_of(INSIDE, UPLINK, 4, inside, to);

	return row == NULL ? 0 : (uint32_t)row->address[2] << 8 | row->address[3];
}

static void begin(void)
{
	struct fwd_state report;
	int fd = state_file();

	state_attach(fd, STATE_MIB, &report);
	owner = (uint32_t)rows_owner_open("test");
	generation = (uint32_t)rows_begin(owner);
	close(fd);
}

TEST(the_longest_subnet_that_holds_the_destination_chooses_then_the_lowest_address)
{
	begin();
	CHECK_EQ(chosen(1), 0);
	struct fwd_floating_ip_row rows[] = {
	        floating(1, 9, 24), floating(1, 8, 24), floating(2, 7, 24), floating(2, 200, 16), floating(3, 1, 0)};
	for (uint32_t i = 0; i < 5; i++)
		CHECK_EQ(PUT(FWD_TABLE_FLOATING_IP, rows[i]), 1);
	CHECK_EQ(chosen(1), 1 << 8 | 8);
	CHECK_EQ(chosen(2), 2 << 8 | 7);
	CHECK_EQ(chosen(9), 2 << 8 | 200);
	CHECK_EQ(DROP(FWD_TABLE_FLOATING_IP, rows[1]), 1);
	CHECK_EQ(chosen(1), 1 << 8 | 9);
	CHECK_EQ(DROP(FWD_TABLE_FLOATING_IP, rows[3]), 1);
	CHECK_EQ(chosen(9), 1 << 8 | 9);
	uint8_t to[16] = {198, 18, 1, 1}, other[16] = {10, 0, 0, 6};
	CHECK(nat_floating_of(INSIDE, UPLINK + 1, 4, inside, to) == NULL);
	CHECK(nat_floating_of(INSIDE + 1, UPLINK, 4, inside, to) == NULL);
	CHECK(nat_floating_of(INSIDE, UPLINK, 6, inside, to) == NULL);
	CHECK(nat_floating_of(INSIDE, UPLINK, 4, other, to) == NULL);
	CHECK(nat_floating_of(0xffffffff, UPLINK, 4, inside, to) == NULL);
	state_detach();
}

TEST(a_floating_address_that_moves_is_found_where_it_is)
{
	begin();
	struct fwd_floating_ip_row row = floating(1, 8, 24);
	PUT(FWD_TABLE_FLOATING_IP, row);
	CHECK(nat_floating(UPLINK, 4, row.address) != NULL && nat_floating(UPLINK + 1, 4, row.address) == NULL);
	row.inside_port = INSIDE + 1;
	PUT(FWD_TABLE_FLOATING_IP, row);
	CHECK_EQ(chosen(1), 0);
	uint8_t to[16] = {198, 18, 1, 1};
	CHECK(nat_floating_of(INSIDE + 1, UPLINK, 4, inside, to) == nat_floating(UPLINK, 4, row.address));
	DROP(FWD_TABLE_FLOATING_IP, row);
	CHECK(nat_floating(UPLINK, 4, row.address) == NULL);
	CHECK(nat_floating_of(INSIDE + 1, UPLINK, 4, inside, to) == NULL);
	state_detach();
}

static void count(uint8_t family, const uint8_t *address, void *context)
{
	*(uint32_t *)context += family == 4 && address[0] == 198;
}

TEST(an_uplink_owns_its_floating_and_shared_addresses)
{
	begin();
	uint64_t before = nat_owned_changes();
	struct fwd_floating_ip_row row = floating(1, 8, 24);
	struct fwd_nat_address_row shared = {.port = UPLINK,
	        .family = 4,
	        .address = {198, 18, 1, 10},
	        .pool = 1,
	        .port_min = 1024,
	        .port_max = 65535,
	        .block_size = 64,
	        .port_blocks = 1};
	uint32_t owned = 0;

	PUT(FWD_TABLE_FLOATING_IP, row);
	PUT(FWD_TABLE_NAT_ADDRESS, shared);
	CHECK_EQ(nat_owned_changes(), before + 2);
	CHECK(nat_owns(UPLINK, 4, row.address) && nat_owns(UPLINK, 4, shared.address));
	CHECK(!nat_owns(UPLINK + 1, 4, row.address) && !nat_owns(UPLINK, 6, shared.address));
	nat_each_owned(UPLINK, count, &owned);
	CHECK_EQ(owned, 2);
	nat_each_owned(UPLINK + 1, count, &owned);
	CHECK_EQ(owned, 2);
	CHECK_EQ(nat_address(UPLINK, 4, shared.address)->pool, 1);
	row.inside_port++;
	PUT(FWD_TABLE_FLOATING_IP, row);
	CHECK_EQ(nat_owned_changes(), before + 2);
	DROP(FWD_TABLE_FLOATING_IP, row);
	CHECK_EQ(nat_owned_changes(), before + 3);
	CHECK(!nat_owns(UPLINK, 4, row.address));
	state_detach();
}

TEST(flows_are_looked_at_again_when_a_row_goes_or_changes_but_not_when_one_comes)
{
	begin();
	struct fwd_floating_ip_row row = floating(1, 8, 24), second = floating(1, 9, 24);
	struct fwd_vrf_nat_row vrf = {.vrf = 4, .pool = 1, .port = UPLINK};
	uint32_t stamp = nat_stamp(UPLINK)->stamp, other = nat_stamp(UPLINK + 1)->stamp;

	CHECK(nat_stamp(UPLINK)->identity == NULL && stamp > POLICY_PENDING && stamp != POLICY_STALE);
	PUT(FWD_TABLE_FLOATING_IP, row);
	PUT(FWD_TABLE_FLOATING_IP, second);
	PUT(FWD_TABLE_VRF_NAT, vrf);
	CHECK_EQ(nat_vrf(4)->pool, 1);
	CHECK(nat_vrf(5) == NULL);
	CHECK_EQ(nat_stamp(UPLINK)->stamp, stamp);
	row.inside[3]++;
	PUT(FWD_TABLE_FLOATING_IP, row);
	CHECK(nat_stamp(UPLINK)->stamp != stamp);
	stamp = nat_stamp(UPLINK)->stamp;
	DROP(FWD_TABLE_FLOATING_IP, second);
	CHECK(nat_stamp(UPLINK)->stamp != stamp);
	stamp = nat_stamp(UPLINK)->stamp;
	vrf.port++;
	PUT(FWD_TABLE_VRF_NAT, vrf);
	CHECK(nat_stamp(UPLINK)->stamp != stamp);
	CHECK_EQ(nat_stamp(UPLINK + 1)->stamp, other);
	CHECK(nat_stamp(0xffffffff)->stamp == other);
	state_detach();
}

static bool refused(uint8_t table, const void *row, uint16_t bytes, const char *words)
{
	bool right = send(FWD_OP_UPSERT, table, row, bytes) == FWD_ERR_ROW && strstr(error_text(), words) != NULL;

	if (!right)
		printf("  %s: %s\n", words, error_text());
	return right;
}

#define REFUSED(table, row, words) CHECK(refused(table, &(row), sizeof(row), words))

TEST(rows_that_contradict_themselves_are_refused_with_field_and_fix)
{
	begin();
	struct fwd_floating_ip_row row = floating(1, 8, 33);
	REFUSED(FWD_TABLE_FLOATING_IP, row, "floating_ip.prefix_length is 33: give 0 to 32");
	row = floating(1, 8, 24);
	row.inside[15] = 1;
	REFUSED(FWD_TABLE_FLOATING_IP, row, "floating_ip.inside: an IPv4 address has 4 bytes");
	row = floating(1, 8, 24);
	row.inside[0] = 224;
	REFUSED(FWD_TABLE_FLOATING_IP, row, "floating_ip.inside is no unicast address");
	row = floating(1, 8, 24);
	row.family = 6;
	memset(row.inside, 0, sizeof(row.inside));
	REFUSED(FWD_TABLE_FLOATING_IP, row, "floating_ip.inside is no unicast address");
	row = floating(1, 8, 24);
	row.address[0] = 0xff;
	REFUSED(FWD_TABLE_FLOATING_IP, row, "floating_ip.address is no unicast address");
	row = floating(1, 8, 24);
	row.inside_port = 0;
	REFUSED(FWD_TABLE_FLOATING_IP, row, "floating_ip.inside_port is 0: name the port");
	struct fwd_nat_address_row shared = {.port = UPLINK,
	        .family = 4,
	        .address = {198, 18, 1, 10},
	        .pool = 1,
	        .port_min = 1024,
	        .port_max = 1023,
	        .block_size = 64,
	        .port_blocks = 1};
	REFUSED(FWD_TABLE_NAT_ADDRESS, shared,
	        "nat_address.port_min is 1024, port_max 1023: give the smaller one first");
	shared.port_max = 65535;
	shared.block_size = 96;
	REFUSED(FWD_TABLE_NAT_ADDRESS, shared, "nat_address.block_size is 96: give a power of two");
	shared.block_size = 64;
	shared.address[0] = 0;
	REFUSED(FWD_TABLE_NAT_ADDRESS, shared, "nat_address.address is no unicast address");
	struct fwd_gateway_row gateway = {.port = UPLINK, .number = 1, .family = 4, .address = {239, 0, 0, 1}};
	REFUSED(FWD_TABLE_GATEWAY, gateway, "gateway.address is no unicast address");
	gateway.number = 256;
	gateway.address[0] = 10;
	REFUSED(FWD_TABLE_GATEWAY, gateway, "gateway.number is 256: give 0 to 255");
	struct fwd_nexthop_row nexthop = {.id = 1, .type = FWD_NEXTHOP_VRF};
	REFUSED(FWD_TABLE_NEXTHOP, nexthop, "nexthop.target is 0: name the VRF");
	nexthop = (struct fwd_nexthop_row){.id = 1, .type = FWD_NEXTHOP_GATEWAY, .target = 256};
	REFUSED(FWD_TABLE_NEXTHOP, nexthop, "nexthop.port is 0: name the uplink");
	nexthop.port = UPLINK;
	REFUSED(FWD_TABLE_NEXTHOP, nexthop, "nexthop.target is 256: give the number of a gateway");
	struct fwd_port_row port = {.id = UPLINK, .flags = FWD_PORT_UPLINK | FWD_PORT_SECURITY};
	REFUSED(FWD_TABLE_PORT, port, "port.flags: an uplink (32) has neither security");
	port.flags = FWD_PORT_UPLINK;
	port.mac[0] = 1;
	REFUSED(FWD_TABLE_PORT, port, "port.mac is a multicast address");
	struct fwd_uplink_neighbor_row neighbor = {.port = UPLINK, .family = 4, .address = {10, 0, 0, 1}};
	REFUSED(FWD_TABLE_UPLINK_NEIGHBOR, neighbor, "written by the forwarder itself");
	state_detach();
}

TEST_MAIN(CASE(the_longest_subnet_that_holds_the_destination_chooses_then_the_lowest_address),
        CASE(a_floating_address_that_moves_is_found_where_it_is),
        CASE(an_uplink_owns_its_floating_and_shared_addresses),
        CASE(flows_are_looked_at_again_when_a_row_goes_or_changes_but_not_when_one_comes),
        CASE(rows_that_contradict_themselves_are_refused_with_field_and_fix))
