/* ARP over the networks of tenants.h: the host, the gateway, everyone or nobody. */
#include <netinet/in.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <string.h>

#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[2048];

/* The MAC address that a request from a port is answered with; NULL: no answer came, or not to the port alone. */
static const uint8_t *ask(uint32_t port, uint32_t sender, uint32_t target)
{
	const struct rte_arp_hdr *arp = (void *)(out + RTE_ETHER_HDR_LEN);

	deliver(port, in, make_arp(in, RTE_ARP_OP_REQUEST, (uint8_t)port, sender, target));
	if (only_exit(out, NULL) != (int)port || ntohs(arp->arp_opcode) != RTE_ARP_OP_REPLY ||
	        ntohl(arp->arp_data.arp_sip) != target || ntohl(arp->arp_data.arp_tip) != sender ||
	        memcmp(out, mac_of((uint8_t)port), 6) != 0 || memcmp(out + 6, arp->arp_data.arp_sha.addr_bytes, 6) != 0)
		return NULL;
	return out + 6;
}

static bool answered_by(const uint8_t *mac, uint32_t port, uint32_t sender, uint32_t target)
{
	const uint8_t *found = ask(port, sender, target);

	return found != NULL && memcmp(found, mac, 6) == 0;
}

TEST(hosts_gateway_and_routes_are_answered_for)
{
	CHECK(answered_by(mac_of(2), 1, 0x0a01000b, 0x0a01000c));
	CHECK(answered_by(mac_gateway, 1, 0x0a01000b, 0x0a010001));
	/* Another network of the VRF: by its subnet, and by a host route. */
	CHECK(answered_by(mac_gateway, 1, 0x0a01000b, 0x0a0200c8));
	CHECK(answered_by(mac_gateway, 1, 0x0a01000b, 0x0a02000b));
}

TEST(everyone_is_asked_where_nobody_knows)
{
	/* The asker's own subnet, no route at all, a route that leads nowhere, a link-local address. */
	static const uint32_t targets[] = {0x0a0100c8, 0x08080808, 0xc0000201, 0xa9fe0001};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		CHECK(ask(1, 0x0a01000b, targets[i]) == NULL);
		deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, targets[i]));
		CHECK_EQ(rig_take(2, out), 42);
		CHECK_EQ(rig_take(5, out), 46);
		CHECK_EQ(only_exit(out, NULL), 0);
	}
}

TEST(whether_a_host_still_lives_it_is_asked_itself)
{
	uint32_t length = make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a01000c);

	memcpy(in, mac_of(2), 6);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 2);
	memcpy(in, mac_of(77), 6);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(memcmp(out + 6, mac_of(2), 6) == 0);
	make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a010001);
	memcpy(in, mac_gateway, 6);
	deliver(1, in, length);
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(memcmp(out + 6, mac_gateway, 6) == 0);
}

TEST(probes_find_conflicts_and_nothing_else)
{
	uint64_t before = rig_drops(1, DROP_ARP_SUPPRESSED);

	CHECK(answered_by(mac_of(2), 1, 0, 0x0a01000c));
	CHECK(answered_by(mac_gateway, 1, 0, 0x0a010001));
	CHECK(ask(1, 0, 0x0a01000b) == NULL);
	CHECK_EQ(rig_drops(1, DROP_ARP_SUPPRESSED), before + 1);
	/* An address that is routed is no conflict here. */
	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0, 0x0a02000b));
	CHECK_EQ(rig_take(2, out), 42);
}

TEST(announcements_go_to_everyone_from_who_may_make_them)
{
	uint64_t before = rig_drops(1, DROP_SPOOFED_ADDRESS);

	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a01000b));
	CHECK_EQ(rig_take(2, out), 42);
	deliver(1, in, make_arp(in, RTE_ARP_OP_REPLY, 1, 0x0a01000b, 0x0a01000b));
	CHECK_EQ(rig_take(2, out), 42);
	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000c, 0x0a01000c));
	deliver(1, in, make_arp(in, RTE_ARP_OP_REPLY, 1, 0x0a01000c, 0x0a01000c));
	CHECK_EQ(rig_take(2, out), -1);
	CHECK_EQ(rig_drops(1, DROP_SPOOFED_ADDRESS), before + 2);
}

TEST(a_network_that_only_routes_shows_the_gateway_alone)
{
	uint64_t before = rig_drops(8, DROP_ARP_SUPPRESSED);

	CHECK(answered_by(mac_gateway, 8, 0x0a04000b, 0x0a040063));
	CHECK(answered_by(mac_gateway, 8, 0x0a04000b, 0x0a01000b));
	CHECK(ask(8, 0x0a04000b, 0x08080808) == NULL);
	CHECK(ask(8, 0, 0x0a04000b) == NULL);
	deliver(8, in, make_arp(in, RTE_ARP_OP_REQUEST, 8, 0x0a04000b, 0x0a04000b));
	deliver(8, in, make_arp(in, RTE_ARP_OP_REPLY, 8, 0x0a04000b, 0x0a04000c));
	CHECK_EQ(rig_drops(8, DROP_ARP_SUPPRESSED), before + 4);
}

TEST(a_network_that_only_bridges_answers_for_hosts)
{
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2, .mtu = 1500);
	CHECK(answered_by(mac_of(2), 1, 0x0a01000b, 0x0a01000c));
	deliver(1, in, make_arp(in, RTE_ARP_OP_REQUEST, 1, 0x0a01000b, 0x0a02000b));
	CHECK_EQ(rig_take(2, out), 42);
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(hosts_gateway_and_routes_are_answered_for),
	        CASE(everyone_is_asked_where_nobody_knows),
	        CASE(whether_a_host_still_lives_it_is_asked_itself),
	        CASE(probes_find_conflicts_and_nothing_else),
	        CASE(announcements_go_to_everyone_from_who_may_make_them),
	        CASE(a_network_that_only_routes_shows_the_gateway_alone),
	        CASE(a_network_that_only_bridges_answers_for_hosts),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
