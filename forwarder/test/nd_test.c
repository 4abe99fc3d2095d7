/* Neighbour discovery over the networks of tenants.h: who answers, who is asked, and what no VM may say. */
#include <string.h>

#include "discovery.h"
#include "learn.h"
#include "tenants.h"
#include "test.h"

#define ICMP  54
#define FLAGS (ICMP + 4)

enum { RS = 133, RA = 134, NS = 135, NA = 136, REDIRECT = 137 };

static uint8_t in[2048], out[2048];
static const uint8_t unknown_ip[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 200};
static const uint8_t all_nodes_ip[16] = {0xff, 0x02, [15] = 1};
static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};

static void say(uint32_t port, const struct discovery *message)
{
	deliver(port, in, make_discovery(in, message));
}

#define SAY(port, type_, ...) say(port, &(struct discovery){.source = port, .type = type_, __VA_ARGS__})
#define CHECK_DROPPED(port, reason, ...)                                                                               \
	do {                                                                                                           \
		uint64_t before_ = rig_drops(port, reason);                                                            \
		SAY(port, __VA_ARGS__);                                                                                \
		CHECK_EQ(only_exit(out, NULL), 0);                                                                     \
		CHECK_EQ(rig_drops(port, reason), before_ + 1);                                                        \
	} while (0)

/* Whether `out` is a sound advertisement of the target at the MAC address. */
static bool advertises(const uint8_t *target, const uint8_t *mac, uint8_t flags)
{
	uint8_t copy[ICMP + 32];

	memcpy(copy, out, sizeof(copy));
	fix_checksum6(copy);
	return memcmp(copy, out, sizeof(copy)) == 0 && out[21] == 255 && out[19] == 32 && out[ICMP] == NA &&
	       out[FLAGS] == flags && memcmp(out + ICMP + 8, target, 16) == 0 && memcmp(out + 22, target, 16) == 0 &&
	       out[ICMP + 24] == 2 && out[ICMP + 25] == 1 && memcmp(out + ICMP + 26, mac, 6) == 0 &&
	       memcmp(out + 6, mac, 6) == 0;
}

TEST(the_gateway_answers_for_its_addresses)
{
	uint32_t length;

	SAY(1, NS, .src = ip6(1, 11), .target = ip6(1, 1), .link_address = mac_of(1));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK_EQ(length, 86);
	CHECK(advertises(ip6(1, 1), mac_gateway, 0xe0));
	CHECK(memcmp(out, mac_of(1), 6) == 0 && memcmp(out + 38, ip6(1, 11), 16) == 0);
	SAY(1, NS, .src = link_local_of(1), .target = gateway_link_local_ip, .link_address = mac_of(1));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK(advertises(gateway_link_local_ip, mac_gateway, 0xe0));
}

TEST(the_gateway_says_that_it_is_still_reachable)
{
	uint32_t length;

	/* Unicast, as neighbour unreachability detection asks, without an option: the answer is longer. */
	SAY(1, NS, .mac = mac_gateway, .src = ip6(1, 11), .dst = ip6(1, 1), .target = ip6(1, 1));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK_EQ(length, 86);
	CHECK(advertises(ip6(1, 1), mac_gateway, 0xe0));
}

TEST(a_host_is_answered_for_with_its_own_mac)
{
	SAY(1, NS, .src = ip6(1, 11), .target = ip6(1, 12), .link_address = mac_of(1));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(advertises(ip6(1, 12), mac_of(2), 0x60));
}

TEST(whether_a_host_still_lives_it_is_asked_itself)
{
	SAY(1, NS, .mac = mac_of(2), .src = ip6(1, 11), .dst = ip6(1, 12), .target = ip6(1, 12),
	        .link_address = mac_of(1));
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK_EQ(out[ICMP], NS);
	/* Asked at an old MAC address, it is known better. */
	SAY(1, NS, .mac = mac_of(99), .src = ip6(1, 11), .dst = ip6(1, 12), .target = ip6(1, 12));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(advertises(ip6(1, 12), mac_of(2), 0x60));
}

TEST(everyone_is_asked_for_an_unknown_address)
{
	SAY(1, NS, .src = ip6(1, 11), .target = unknown_ip, .link_address = mac_of(1));
	CHECK(rig_take(2, out) == 86);
	/* Port 6 hears it as VLAN 101 of trunk 5. */
	CHECK(rig_take(5, out) == 90);
	CHECK_EQ(only_exit(out, NULL), 0);
}

TEST(what_is_routed_is_answered_for_by_the_gateway)
{
	SAY(1, NS, .src = ip6(1, 11), .target = ip6(2, 11), .link_address = mac_of(1));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(advertises(ip6(2, 11), mac_gateway, 0x60));
}

TEST(a_network_that_only_routes_answers_with_the_gateway_only)
{
	SAY(8, NS, .src = ip6(4, 11), .target = ip6(4, 99), .link_address = mac_of(8));
	CHECK_EQ(only_exit(out, NULL), 8);
	CHECK(advertises(ip6(4, 99), mac_gateway, 0x60));
	SAY(8, NS, .src = ip6(4, 11), .target = ip6(4, 1), .link_address = mac_of(8));
	CHECK_EQ(only_exit(out, NULL), 8);
	CHECK(advertises(ip6(4, 1), mac_gateway, 0xe0));
	CHECK_DROPPED(8, DROP_ND_SUPPRESSED, NS, .src = ip6(4, 11), .target = ip6(0xee, 1));
	CHECK_DROPPED(8, DROP_ND_SUPPRESSED, NA, .src = ip6(4, 11), .target = ip6(4, 11), .link_address = mac_of(8));
}

TEST(nobody_answers_the_probe_for_an_address_of_ones_own)
{
	CHECK_DROPPED(1, DROP_ND_SUPPRESSED, NS, .target = ip6(1, 11));
	CHECK_DROPPED(8, DROP_ND_SUPPRESSED, NS, .target = ip6(4, 11));
}

TEST(the_probe_for_an_address_of_another_finds_the_conflict)
{
	uint32_t length;

	SAY(1, NS, .target = ip6(1, 12));
	CHECK_EQ(only_exit(out, &length), 1);
	CHECK_EQ(length, 86);
	CHECK(advertises(ip6(1, 12), mac_of(2), 0x20));
	CHECK(memcmp(out, all_nodes_mac, 6) == 0 && memcmp(out + 38, all_nodes_ip, 16) == 0);
	SAY(1, NS, .target = ip6(1, 1));
	CHECK_EQ(only_exit(out, NULL), 1);
	CHECK(advertises(ip6(1, 1), mac_gateway, 0xa0));
}

TEST(a_probe_for_a_foreign_address_goes_nowhere)
{
	CHECK_DROPPED(1, DROP_SPOOFED_ADDRESS, NS, .target = unknown_ip);
}

TEST(link_local_addresses_are_asked_for_among_the_hosts)
{
	SAY(1, NS, .src = link_local_of(1), .target = link_local_of(2), .link_address = mac_of(1));
	CHECK_EQ(rig_take(2, out), 86);
	CHECK_EQ(out[ICMP], NS);
}

TEST(no_vm_is_a_router)
{
	CHECK_DROPPED(1, DROP_ROUTER_GUARD, RA, .src = link_local_of(1), .link_address = mac_of(1));
	CHECK_DROPPED(1, DROP_ROUTER_GUARD, REDIRECT, .src = link_local_of(1), .target = link_local_of(1));
	/* A port without security may be one, but not this gateway. */
	RIG_ROW(port, .id = 2, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 2});
	SAY(2, RA, .src = link_local_of(2), .link_address = mac_of(2));
	CHECK_EQ(rig_take(1, out), 78);
	CHECK_DROPPED(2, DROP_INVALID_SOURCE, RA, .src = gateway_link_local_ip, .link_address = mac_of(2));
	CHECK_DROPPED(2, DROP_ND_INVALID, RA, .src = ip6(1, 12));
	RIG_ROW(port, .id = 2, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 2});
}

TEST(nobody_claims_what_is_not_theirs)
{
	CHECK_DROPPED(1, DROP_SPOOFED_ADDRESS, NA, .src = ip6(1, 11), .target = ip6(1, 12), .flags = 0x20,
	        .link_address = mac_of(1));
	CHECK_DROPPED(1, DROP_INVALID_SOURCE, NA, .src = ip6(1, 11), .target = ip6(1, 1), .flags = 0x20,
	        .link_address = mac_of(1));
	CHECK_DROPPED(1, DROP_INVALID_SOURCE, NA, .src = link_local_of(1), .target = gateway_link_local_ip,
	        .flags = 0x20, .link_address = mac_of(1));
	CHECK_DROPPED(1, DROP_SPOOFED_MAC, NA, .src = ip6(1, 11), .target = ip6(1, 11), .flags = 0x20,
	        .link_address = mac_of(2));
	CHECK_DROPPED(1, DROP_SPOOFED_MAC, NS, .src = ip6(1, 11), .target = unknown_ip, .link_address = mac_of(2));
	CHECK_DROPPED(1, DROP_SPOOFED_ADDRESS, NS, .src = ip6(1, 12), .target = unknown_ip);
}

TEST(advertisements_of_ones_own_pass)
{
	SAY(1, NA, .src = ip6(1, 11), .target = ip6(1, 11), .flags = 0x20, .link_address = mac_of(1));
	CHECK_EQ(rig_take(2, out), 86);
	SAY(1, NA, .mac = mac_of(2), .src = ip6(1, 11), .dst = ip6(1, 12), .target = ip6(1, 11), .flags = 0x60);
	CHECK_EQ(only_exit(out, NULL), 2);
	CHECK_DROPPED(1, DROP_ND_SUPPRESSED, NA, .mac = mac_gateway, .src = ip6(1, 11), .dst = ip6(1, 1),
	        .target = ip6(1, 11), .flags = 0x60);
}

/* One sound message and one byte that is not. */
TEST(messages_that_break_the_rules_end_here)
{
	static const struct {
		uint8_t at, value;
		bool fix;
	} faults[] = {
	        {21, 254, false},        /* hop limit */
	        {ICMP + 1, 1, true},     /* code */
	        {ICMP + 3, 0x77, false}, /* checksum */
	        {ICMP + 8, 0xff, true},  /* multicast target */
	        {ICMP + 25, 0, true},    /* option of length 0 */
	        {ICMP + 25, 2, true},    /* option that ends behind the packet */
	        {19, 23, true},          /* cut short */
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct discovery message = {
		        .type = NS, .source = 1, .src = ip6(1, 11), .target = ip6(1, 1), .link_address = mac_of(1)};
		uint32_t length = make_discovery(in, &message);
		uint64_t before = rig_drops(1, DROP_ND_INVALID);
		in[faults[i].at] = faults[i].value;
		if (faults[i].fix)
			fix_checksum6(in);
		deliver(1, in, length);
		if (rig_drops(1, DROP_ND_INVALID) != before + 1)
			printf("  fault %zu\n", i);
		CHECK_EQ(rig_drops(1, DROP_ND_INVALID), before + 1);
	}
	/* A probe for duplicates goes to its target's group and names no MAC address (RFC 4861 §7.1.1). */
	CHECK_DROPPED(1, DROP_ND_INVALID, NS, .target = ip6(1, 11), .link_address = mac_of(1));
	CHECK_DROPPED(1, DROP_ND_INVALID, NS, .dst = all_nodes_ip, .target = ip6(1, 11));
	/* Solicited, but sent to everyone (§7.1.2). */
	CHECK_DROPPED(1, DROP_ND_INVALID, NA, .src = ip6(1, 11), .target = ip6(1, 11), .flags = 0x60);
}

/* RFC 6980: a fragment header could hide the message from whoever guards the link. */
TEST(fragmented_discovery_ends_here)
{
	static const uint8_t fragment[8] = {58, 0, 0, 1, 0, 0, 0, 7};
	uint8_t plain[128];
	struct discovery message = {.type = RA, .source = 1, .src = link_local_of(1)};
	uint32_t length = make_discovery(plain, &message);
	uint64_t before = rig_drops(1, DROP_ND_INVALID);

	memcpy(in, plain, ICMP);
	memcpy(in + ICMP, fragment, sizeof(fragment));
	memcpy(in + ICMP + 8, plain + ICMP, length - ICMP);
	in[20] = 44;
	in[19] = (uint8_t)(length - ICMP + 8);
	deliver(1, in, length + 8);
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_ND_INVALID), before + 1);
}

TEST(router_solicitations_go_to_plugins_or_to_other_routers)
{
	CHECK_DROPPED(1, DROP_ND_SUPPRESSED, RS, .src = link_local_of(1), .link_address = mac_of(1));
	CHECK_DROPPED(1, DROP_ND_SUPPRESSED, RS, .src = NULL);
	CHECK_DROPPED(1, DROP_ND_INVALID, RS, .link_address = mac_of(1));
	RIG_ROW(service, .vrf = 0xffffffff, .family = 6, .protocol = 58, .l4_port = RS, .punt_class = 7);
	uint64_t punted = rig_totals(1).punted;
	SAY(1, RS, .src = link_local_of(1), .link_address = mac_of(1));
	CHECK_EQ(rig_totals(1).punted, punted + 1);
	RIG_DELETE(service, .vrf = 0xffffffff, .family = 6, .protocol = 58, .l4_port = RS);
	/* A network that only bridges has no gateway; a host may be the router. */
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2, .mtu = 1500);
	SAY(1, RS, .src = link_local_of(1), .link_address = mac_of(1));
	CHECK_EQ(rig_take(2, out), 70);
	SAY(1, NS, .src = link_local_of(1), .target = gateway_link_local_ip, .link_address = mac_of(1));
	CHECK_EQ(rig_take(2, out), 86);
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(the_gateway_answers_for_its_addresses),
	        CASE(the_gateway_says_that_it_is_still_reachable),
	        CASE(a_host_is_answered_for_with_its_own_mac),
	        CASE(whether_a_host_still_lives_it_is_asked_itself),
	        CASE(everyone_is_asked_for_an_unknown_address),
	        CASE(what_is_routed_is_answered_for_by_the_gateway),
	        CASE(a_network_that_only_routes_answers_with_the_gateway_only),
	        CASE(nobody_answers_the_probe_for_an_address_of_ones_own),
	        CASE(the_probe_for_an_address_of_another_finds_the_conflict),
	        CASE(a_probe_for_a_foreign_address_goes_nowhere),
	        CASE(link_local_addresses_are_asked_for_among_the_hosts),
	        CASE(no_vm_is_a_router),
	        CASE(nobody_claims_what_is_not_theirs),
	        CASE(advertisements_of_ones_own_pass),
	        CASE(messages_that_break_the_rules_end_here),
	        CASE(fragmented_discovery_ends_here),
	        CASE(router_solicitations_go_to_plugins_or_to_other_routers),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
