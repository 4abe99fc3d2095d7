/* Units of ports of the host's own addresses, from the rows to the sockets. 127.0.0.9 stands for the address. */
#define _GNU_SOURCE
#include "uplink_bind.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat_map.h"
#include "own_netns.h"
#include "port.h"
#include "rig.h"
#include "test.h"
#include "uplink.h"
#include "uplink_address.h"

#define UPLINK 9u
#define POOL   7u

static const uint8_t address[16] = {127, 0, 0, 9};
static uint64_t now;

/* What is kept from the host. */
static struct {
	uint32_t ranges, ports;
	uint16_t lowest, highest;
	bool has_exception;
} held;
static uint16_t exception;

static void visit(uint32_t uplink, uint8_t family, const uint8_t *at, uint16_t first, uint16_t last, void *context)
{
	held.ranges++;
	held.ports += last - first + 1u;
	held.lowest = first < held.lowest ? first : held.lowest;
	held.highest = last > held.highest ? last : held.highest;
	held.has_exception = held.has_exception || (first <= exception && exception <= last);
}

static void look(void)
{
	memset(&held, 0, sizeof(held));
	held.lowest = UINT16_MAX;
	uplink_bind_each(visit, NULL);
}

static struct fwd_nat_address_row row_of(uint16_t block_size)
{
	struct fwd_nat_address_row row = {.port = UPLINK,
	        .family = 4,
	        .pool = POOL,
	        .port_min = 1024,
	        .port_max = 65535,
	        .block_size = block_size,
	        .port_blocks = 2,
	        .flags = FWD_NAT_HOST};

	memcpy(row.address, address, sizeof(row.address));
	return row;
}

static void put(uint16_t block_size)
{
	struct fwd_nat_address_row row = row_of(block_size);

	rig_row(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

static void host_has(bool has)
{
	struct uplink_address entry = {.uplink = UPLINK, .family = 4};

	memcpy(entry.address, address, sizeof(entry.address));
	uplink_address_publish(&entry, has ? 1 : 0);
}

static struct nat_host asked(void)
{
	struct nat_host host = {0};

	nat_map_hosts(&host, 1);
	return host;
}

/* Rounds as fwd-host makes them, until nothing is left to do. */
static void settle(void)
{
	for (int i = 0; i < 200; i++) {
		uint32_t wait = uplink_bind_step(now += 10);
		uplink_bind_done();
		if (wait >= 100)
			return;
	}
}

static void begin(uint16_t block_size, bool has)
{
	struct fwd_nat_address_row row = row_of(64);

	uplink_bind_free();
	rig_delete(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
	rig_flows_restart();
	/* No block is left. */
	rig_later(200);
	host_has(has);
	put(block_size);
}

static int take(uint16_t port, struct nat_outside *out)
{
	struct nat_inside inside = {.address = {10, 0, 0, 1},
	        .context = port_of(1)->generation,
	        .port = htons(port),
	        .family = 4,
	        .protocol = IPPROTO_UDP};

	return (int)nat_map_take(port_of(1)->slot, UPLINK, POOL, &inside, 0, out);
}

TEST(an_address_that_the_host_has_not_needs_no_sockets)
{
	struct nat_outside out;

	begin(64, false);
	settle();
	CHECK(asked().ready >= asked().wanted && asked().wanted > 0);
	look();
	CHECK_EQ(held.ranges, 0);
	CHECK_EQ(take(1, &out), VERDICT_NEXT);
}

TEST(ports_are_bound_from_the_top_before_they_are_ready)
{
	struct nat_outside out;

	begin(64, true);
	CHECK(uplink_bind_step(now += 10) != UINT32_MAX);
	CHECK_EQ(asked().ready, 0);
	look();
	CHECK_EQ(held.ports, asked().wanted * NAT_UNIT);
	CHECK_EQ(held.highest, 65535);
	CHECK_EQ(held.lowest, 65536 - asked().wanted * NAT_UNIT);
	uplink_bind_done();
	CHECK_EQ(asked().ready, asked().wanted);
	CHECK_EQ(take(1, &out), VERDICT_NEXT);
	CHECK(ntohs(out.port) >= held.lowest);
	/* What was given out is replaced. */
	settle();
	CHECK_EQ(asked().ready, asked().wanted);
}

TEST(a_port_that_the_host_uses_is_nobody_elses)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(65500)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct nat_outside out;

	exception = 65500;
	begin(64, true);
	CHECK(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	settle();
	look();
	CHECK(!held.has_exception);
	CHECK(held.highest == 65535 && held.ranges > asked().wanted);
	for (uint16_t port = 1; take(port, &out) == VERDICT_NEXT; port++)
		CHECK(ntohs(out.port) != 65500);
	close(fd);
}

TEST(what_ports_had_is_bound_again_before_anything_else)
{
	struct nat_outside out;

	begin(64, true);
	settle();
	CHECK_EQ(take(1, &out), VERDICT_NEXT);
	/* As after a kill: the mapping is there, the sockets are not. */
	uplink_bind_free();
	exception = ntohs(out.port);
	CHECK(uplink_bind_restored());
	uplink_bind_step(now += 10);
	CHECK(uplink_bind_restored());
	look();
	CHECK(held.has_exception);
}

TEST(an_address_that_becomes_the_hosts_is_bound)
{
	struct nat_outside out;

	begin(64, false);
	settle();
	CHECK_EQ(take(1, &out), VERDICT_NEXT);
	host_has(true);
	settle();
	look();
	exception = ntohs(out.port);
	look();
	CHECK(held.has_exception);
	CHECK_EQ(asked().ready, asked().wanted);
	host_has(false);
	settle();
	look();
	CHECK_EQ(held.ranges, 0);
	CHECK_EQ(asked().ready, asked().wanted);
}

TEST(what_is_no_longer_wanted_goes_back)
{
	begin(2048, true);
	settle();
	uint32_t much = asked().ready;
	put(64);
	for (int i = 0; i < 100; i++)
		settle();
	CHECK(asked().ready < much && asked().ready >= asked().wanted);
	CHECK(asked().ready <= 2 * asked().wanted + 8);
	look();
	CHECK_EQ(held.ports, asked().ready * NAT_UNIT);
	/* The lowest go first. */
	CHECK_EQ(held.highest, 65535);
}

TEST(without_the_row_nothing_is_held)
{
	struct fwd_nat_address_row row = row_of(64);

	begin(64, true);
	settle();
	rig_delete(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
	CHECK_EQ(uplink_bind_step(now += 10), UINT32_MAX);
	look();
	CHECK_EQ(held.ranges, 0);
}

TEST(addresses_of_the_host_are_known_by_uplink)
{
	struct uplink_address list[3] = {{.uplink = 9, .family = 4, .address = {192, 0, 2, 1}},
	        {.uplink = 8, .family = 6, .address = {0xfe, 0x80, [15] = 1}},
	        {.uplink = 8, .family = 4, .address = {192, 0, 2, 9}}};

	CHECK_EQ(uplink_address_publish(list, 3), 0);
	for (int i = 0; i < 3; i++)
		CHECK(uplink_is_host(list[i].uplink, list[i].family, list[i].address));
	CHECK(!uplink_is_host(8, 4, list[0].address));
	CHECK(!uplink_is_host(9, 6, list[0].address));
	CHECK_EQ(uplink_address_publish(NULL, 0), 0);
	CHECK(!uplink_is_host(9, 4, list[0].address));
}

int main(void)
{
	static const struct test_case cases[] = {CASE(an_address_that_the_host_has_not_needs_no_sockets),
	        CASE(ports_are_bound_from_the_top_before_they_are_ready),
	        CASE(a_port_that_the_host_uses_is_nobody_elses),
	        CASE(what_ports_had_is_bound_again_before_anything_else),
	        CASE(an_address_that_becomes_the_hosts_is_bound), CASE(what_is_no_longer_wanted_goes_back),
	        CASE(without_the_row_nothing_is_held), CASE(addresses_of_the_host_are_known_by_uplink)};

	own_netns();
	rig_start();
	RIG_ROW(vrf, .id = 1);
	RIG_ROW(bridge, .id = 1, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	RIG_ROW(port, .id = 1, .bridge = 1, .mac = {2, 0, 0, 0, 0, 1}, .binding = FWD_BINDING_NONE);
	rig_links();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	uplink_bind_free();
	rig_stop();
	return failed;
}
