/* Addresses that service rows name: the gateway answers for them, in every mode, and nobody else may have them. */
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_tcp.h>
#include <string.h>

#include "discovery.h"
#include "service.h"
#include "tenants.h"
#include "test.h"

#define METADATA 0xa9fea9feu
#define ICMP     54

enum { NS = 135, NA = 136 };

static const uint8_t metadata6[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa9, 0xfe, 0xa9, 0xfe};
static const uint8_t ec2[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 2, [15] = 0x54};
static uint8_t in[2048], out[2048];

static struct fwd_service_row row_of(uint32_t vrf, uint16_t l4_port, const uint8_t *address6)
{
	struct fwd_service_row row = {.vrf = vrf,
	        .family = address6 == NULL ? 4 : 6,
	        .protocol = IPPROTO_TCP,
	        .l4_port = l4_port,
	        .action = FWD_ACTION_PORT,
	        .address = {169, 254, 169, 254}};

	if (address6 != NULL)
		memcpy(row.address, address6, sizeof(row.address));
	return row;
}

static void serve(uint32_t vrf, uint16_t l4_port, const uint8_t *address6)
{
	struct fwd_service_row row = row_of(vrf, l4_port, address6);

	rig_row(FWD_TABLE_SERVICE, &row, sizeof(row));
}

static void end(uint32_t vrf, uint16_t l4_port, const uint8_t *address6)
{
	struct fwd_service_row row = row_of(vrf, l4_port, address6);

	rig_delete(FWD_TABLE_SERVICE, &row, sizeof(row));
}

static bool arp_answered(uint32_t port, uint32_t sender)
{
	deliver(port, in, make_arp(in, RTE_ARP_OP_REQUEST, (uint8_t)port, sender, METADATA));
	return only_exit(out, NULL) == (int)port && out[21] == RTE_ARP_OP_REPLY &&
	       memcmp(out + 22, mac_gateway, 6) == 0;
}

/* NULL: a probe. */
static bool nd_answered(uint32_t port, const uint8_t *asker, const uint8_t *target)
{
	struct discovery message = {.source = (uint8_t)port, .type = NS, .src = asker, .target = target};

	deliver(port, in, make_discovery(in, &message));
	return only_exit(out, NULL) == (int)port && out[ICMP] == NA && memcmp(out + ICMP + 8, target, 16) == 0 &&
	       memcmp(out + ICMP + 26, mac_gateway, 6) == 0;
}

static void set_mode(uint8_t mode)
{
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = mode, .mtu = 1500);
}

TEST(the_gateway_answers_in_every_mode)
{
	static const uint8_t modes[] = {FWD_MODE_L2, FWD_MODE_L3, FWD_MODE_L2_L3};

	for (size_t i = 0; i < sizeof(modes); i++) {
		set_mode(modes[i]);
		CHECK(!arp_answered(1, 0x0a01000b));
		CHECK(!nd_answered(1, link_local_of(1), metadata6));
		serve(FWD_ANY_VRF, 80, NULL);
		serve(1, 80, metadata6);
		CHECK(arp_answered(1, 0x0a01000b));
		CHECK(nd_answered(1, link_local_of(1), metadata6));
		end(FWD_ANY_VRF, 80, NULL);
		end(1, 80, metadata6);
	}
}

TEST(only_the_networks_that_the_rows_are_for)
{
	serve(2, 80, NULL);
	CHECK(!arp_answered(1, 0x0a01000b));
	CHECK(arp_answered(4, 0x0a01000c));
	end(2, 80, NULL);
	CHECK(!arp_answered(4, 0x0a01000c));
}

TEST(as_long_as_one_row_names_the_address)
{
	serve(1, 80, NULL);
	serve(1, 81, NULL);
	serve(1, 80, NULL);
	end(1, 80, NULL);
	CHECK(arp_answered(1, 0x0a01000b));
	end(1, 81, NULL);
	CHECK(!arp_answered(1, 0x0a01000b));
}

TEST(a_host_with_the_address_goes_first)
{
	serve(1, 80, ip6(1, 12));
	struct discovery message = {.source = 1, .type = NS, .src = ip6(1, 11), .target = ip6(1, 12)};
	deliver(1, in, make_discovery(in, &message));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(memcmp(out + ICMP + 26, mac_of(2), 6) == 0);
	end(1, 80, ip6(1, 12));
}

TEST(no_machine_may_take_the_address)
{
	serve(FWD_ANY_VRF, 80, NULL);
	serve(FWD_ANY_VRF, 80, metadata6);
	/* Probes find the conflict, behind ports with security and without (8). */
	CHECK(arp_answered(1, 0) && nd_answered(1, NULL, metadata6) && nd_answered(8, NULL, metadata6));
	uint64_t before = rig_drops(8, DROP_INVALID_SOURCE);
	deliver(8, in, make_arp(in, RTE_ARP_OP_REQUEST, 8, METADATA, METADATA));
	CHECK_EQ(only_exit(out, NULL), 0);
	deliver(8, in,
	        make_discovery(
	                in, &(struct discovery){.source = 8, .type = NA, .src = metadata6, .target = metadata6}));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(8, DROP_INVALID_SOURCE), before + 2);
	end(FWD_ANY_VRF, 80, NULL);
	end(FWD_ANY_VRF, 80, metadata6);
}

static bool is_echo_reply(uint32_t port)
{
	return only_exit(out, NULL) == (int)port && checksum_holds(out) && memcmp(out + 6, mac_gateway, 6) == 0 &&
	       (out[12] == 0x08 ? out[34] == 0 : out[ICMP] == 129);
}

TEST(it_answers_ping_where_no_route_takes_the_packet)
{
	serve(FWD_ANY_VRF, 80, NULL);
	serve(FWD_ANY_VRF, 80, metadata6);
	serve(FWD_ANY_VRF, 80, ec2);
	for (uint8_t mode = FWD_MODE_L2; mode <= FWD_MODE_L2_L3; mode++) {
		set_mode(mode);
		deliver(1, in, make_echo(in, mac_gateway, 1, 0x0a01000b, METADATA));
		CHECK(is_echo_reply(1));
		deliver(1, in, make_echo6(in, mac_gateway, 1, link_local_of(1), metadata6));
		CHECK(is_echo_reply(1));
		deliver(1, in, make_echo6(in, mac_gateway, 1, ip6(1, 11), ec2));
		CHECK(is_echo_reply(1));
	}
	set_mode(FWD_MODE_L2_L3);
	/* Nobody is told who says to be nobody. Port 8 has no security. */
	deliver(8, in, make_echo(in, mac_gateway, 8, 0, METADATA));
	CHECK_EQ(only_exit(out, NULL), 0);
	end(FWD_ANY_VRF, 80, ec2);
	end(FWD_ANY_VRF, 80, metadata6);
	end(FWD_ANY_VRF, 80, NULL);
	deliver(1, in, make_echo(in, mac_gateway, 1, 0x0a01000b, METADATA));
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(a_group_is_nobody)
{
	static const uint8_t dhcp_servers[16] = {0xff, 0x02, [13] = 1, [15] = 2};

	serve(1, 547, dhcp_servers);
	CHECK(!service_has_address(1, 6, dhcp_servers));
	deliver(1, in, make_echo6(in, mac_gateway, 1, link_local_of(1), dhcp_servers));
	CHECK_EQ(only_exit(out, NULL), 0);
	end(1, 547, dhcp_servers);
}

TEST(what_it_does_not_serve_is_reset_or_told)
{
	serve(FWD_ANY_VRF, 80, metadata6);
	deliver(1, in, make_tcp6(in, mac_gateway, 1, link_local_of(1), metadata6, 81, RTE_TCP_SYN_FLAG));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK((out[ICMP + 13] & RTE_TCP_RST_FLAG) != 0);
	set_mode(FWD_MODE_L2);
	deliver(1, in, make_udp6(in, mac_gateway, 1, link_local_of(1), metadata6, 123, 20));
	CHECK_EQ(only_exit(out, NULL), 1);
	/* Port unreachable (RFC 4443 §3.1), from the address that was asked. */
	CHECK(out[ICMP] == 1 && out[ICMP + 1] == 4 && memcmp(out + 22, metadata6, 16) == 0);
	set_mode(FWD_MODE_L2_L3);
	end(FWD_ANY_VRF, 80, metadata6);
}

TEST(many_addresses_come_and_go)
{
	uint8_t address[16] = {0xfd};

	for (uint32_t round = 0; round < 2; round++) {
		for (uint16_t i = 0; i < 5000; i++) {
			memcpy(address + 14, &i, sizeof(i));
			if (round == 0)
				serve(1, 80, address);
			else
				end(1, 80, address);
			CHECK(service_has_address(1, 6, address) == (round == 0));
			CHECK(!service_has_address(2, 6, address));
		}
	}
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(the_gateway_answers_in_every_mode),
	        CASE(only_the_networks_that_the_rows_are_for),
	        CASE(as_long_as_one_row_names_the_address),
	        CASE(a_host_with_the_address_goes_first),
	        CASE(no_machine_may_take_the_address),
	        CASE(it_answers_ping_where_no_route_takes_the_packet),
	        CASE(a_group_is_nobody),
	        CASE(what_it_does_not_serve_is_reset_or_told),
	        CASE(many_addresses_come_and_go),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
