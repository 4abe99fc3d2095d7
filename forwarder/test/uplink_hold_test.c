/* Packets that wait for the MAC address of a neighbour behind an uplink. */
#include <netinet/in.h>
#include <string.h>

#include "index.h"
#include "outside.h"
#include "port.h"
#include "rig.h"
#include "stage.h"
#include "tenants.h"
#include "test.h"
#include "trace.h"
#include "uplink.h"
#include "upstream.h"

#define GATEWAY "198.18.0.254"
#define HOST    "198.18.0.100"
#define HOST6   "2001:db8:f::100"
/* Port 2 has a floating address: its packets need no pool. */
#define VM 2u

static void speak(const char *to, uint16_t l4_port)
{
	outside_put(VM, "eth m2 gw | ip4 10.1.0.12 %s | udp 4000 %u | data 8", to, l4_port);
}

TEST(a_packet_waits_and_leaves_when_the_answer_comes)
{
	uint8_t mac = 0;

	upstream_begin();
	struct upstream_host *host = upstream_host(HOST, 71);
	speak(HOST, 1);
	CHECK_EQ(upstream_sent(NULL), 0);
	CHECK_EQ(rig_in_flight(VM), 1);
	upstream_pass(40);
	CHECK_EQ(upstream_sent(&mac), 1);
	CHECK_EQ(mac, 71);
	CHECK_EQ(host->asked_all, 1);
	CHECK_EQ(rig_in_flight(VM), 0);
	/* Known now. */
	speak(HOST, 1);
	upstream_pass(20);
	CHECK_EQ(upstream_sent(NULL), 1);
	CHECK_EQ(host->asked_all, 1);
}

TEST(so_does_one_of_ipv6)
{
	uint8_t mac = 0;

	upstream_begin();
	upstream_host(HOST6, 72);
	outside_put(VM, "eth m2 gw | ip6 2001:db8:1::c 2001:db8:f::100 | udp 4000 1 | data 8");
	upstream_pass(40);
	CHECK_EQ(upstream_sent(&mac), 1);
	CHECK_EQ(mac, 72);
}

TEST(who_waited_in_vain_is_told)
{
	uint64_t before = rig_drops(VM, DROP_NO_NEIGHBOR);

	upstream_begin();
	struct upstream_host *host = upstream_host(HOST, 71);
	host->alive = false;
	speak(HOST, 1);
	upstream_pass_all(2);
	struct seen seen = outside_next(VM);
	/* Host unreachable (RFC 1812 §5.2.7.1). */
	CHECK_EQ(seen.protocol, IPPROTO_ICMP);
	CHECK_EQ(seen.dst_port, 3 << 8 | 1);
	CHECK_EQ(rig_drops(VM, DROP_NO_NEIGHBOR), before + 1);
	/* While it is asked in vain others end at once. */
	speak(HOST, 2);
	seen = outside_next(VM);
	CHECK_EQ(seen.dst_port, 3 << 8 | 1);
	CHECK_EQ(rig_in_flight(VM), 0);
	upstream_pass_all(3);
	CHECK_EQ(host->asked_all, 3);
	CHECK_EQ(upstream_known(HOST, NULL), -1);
	/* Later the same begins anew. */
	host->alive = true;
	speak(HOST, 3);
	upstream_pass(40);
	CHECK_EQ(upstream_sent(NULL), 1);
}

TEST(as_long_as_packets_come_the_address_is_asked_for)
{
	upstream_begin();
	struct upstream_host *host = upstream_host(HOST, 71);
	host->alive = false;
	for (uint32_t i = 0; i < 120; i++) {
		speak(HOST, 1);
		rig_clear();
		upstream_pass(100);
		if (i % 10 == 9)
			rig_later(1);
	}
	CHECK(host->asked_all >= 10 && host->asked_all <= 12);
	upstream_pass_all(4);
}

TEST(the_latest_packets_for_an_address_wait)
{
	upstream_begin();
	uint64_t before = rig_drops(VM, DROP_NO_NEIGHBOR);
	upstream_host(HOST, 71);
	for (uint16_t i = 1; i <= 5; i++)
		speak(HOST, i);
	CHECK_EQ(rig_in_flight(VM), UPLINK_HELD_ADDRESS);
	CHECK_EQ(rig_drops(VM, DROP_NO_NEIGHBOR), before + 2);
	/* Nobody is told that an address is unreachable that answers at once. */
	CHECK(!rig_has(VM));
	upstream_pass(40);
	CHECK_EQ(upstream_sent(NULL), UPLINK_HELD_ADDRESS);
	CHECK_EQ(rig_in_flight(VM), 0);
}

TEST(a_port_that_asks_for_everybody_does_not_keep_others_waiting)
{
	upstream_begin();
	for (uint32_t i = 1; i < 240; i++) {
		char to[32];
		snprintf(to, sizeof(to), "198.18.0.%u", i + 1);
		if (i != 99)
			speak(to, 1);
		rig_clear();
	}
	CHECK(rig_in_flight(VM) <= 16);
	upstream_host(HOST, 71);
	/* Port 3 has a floating address, too. */
	outside_put(3, "eth m3 gw | ip4 10.2.0.11 198.18.0.100 | udp 4000 1 | data 8");
	CHECK_EQ(rig_in_flight(3), 1);
	upstream_pass(40);
	CHECK_EQ(upstream_sent(NULL), 1);
	upstream_pass_all(4);
	CHECK_EQ(rig_in_flight(VM), 0);
	CHECK_EQ(upstream_count(), 1);
}

TEST(long_packets_of_a_port_leave_room_for_others)
{
	char to[32];

	upstream_begin();
	struct upstream_host *host = upstream_host("198.18.0.114", 72);
	upstream_host(HOST, 71);
	/* Of 5 buffers each: 12 of them wait. */
	for (uint32_t i = 0; i < 15; i++) {
		snprintf(to, sizeof(to), "198.18.0.%u", 101 + i);
		outside_put(VM, "eth m2 gw | ip4 10.1.0.12 %s | udp 4000 1 | data 9000", to);
		rig_clear();
	}
	CHECK_EQ(rig_in_flight(VM), 12);
	outside_put(3, "eth m3 gw | ip4 10.2.0.11 198.18.0.100 | udp 4000 1 | data 8");
	CHECK_EQ(rig_in_flight(3), 1);
	upstream_pass(40);
	CHECK_EQ(rig_in_flight(3), 0);
	CHECK_EQ(upstream_sent(NULL), 1);
	/* Nothing waited for this one, but it was asked for. */
	CHECK_EQ(host->asked_all, 1);
	CHECK_EQ(upstream_known("198.18.0.114", NULL), 72);
	upstream_pass_all(2);
	CHECK_EQ(rig_in_flight(VM), 0);
	/* The room is there again. */
	rig_clear();
	outside_put(VM, "eth m2 gw | ip4 10.1.0.12 198.18.0.120 | udp 4000 1 | data 9000");
	CHECK_EQ(rig_in_flight(VM), 1);
	upstream_pass_all(2);
	CHECK_EQ(rig_in_flight(VM), 0);
}

/* As uplink.c keeps what is asked for: 4,096 places. */
static uint32_t place_of(uint32_t host)
{
	uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, 0, 0x0f, [14] = (uint8_t)(host >> 8), [15] = (uint8_t)host};

	return index_hash(address, sizeof(address), OUTSIDE_UPLINK << 1 | 1) % 4096;
}

TEST(two_addresses_in_one_place_are_both_heard)
{
	char texts[2][48];
	uint32_t other = 0x101;

	upstream_begin();
	while (other < 0xffff && place_of(other) != place_of(0x100))
		other++;
	CHECK_EQ(place_of(other), place_of(0x100));
	snprintf(texts[0], sizeof(texts[0]), "2001:db8:f::100");
	snprintf(texts[1], sizeof(texts[1]), "2001:db8:f::%x", other);
	for (uint32_t i = 0; i < 2; i++) {
		upstream_host(texts[i], (uint8_t)(71 + i));
		outside_put(VM, "eth m2 gw | ip6 2001:db8:1::c %s | udp 4000 1 | data 8", texts[i]);
	}
	upstream_pass(40);
	CHECK_EQ(upstream_sent(NULL), 2);
}

/* The default route of the uplink leads to gateway 1 instead of a MAC address. */
static void use_gateway(void)
{
	RIG_ROW(nexthop, .id = 400, .type = FWD_NEXTHOP_GATEWAY, .port = OUTSIDE_UPLINK, .target = 1, .bridge = 100);
	upstream_gateway(1, GATEWAY);
}

TEST(packets_wait_for_a_gateway_and_go_to_its_last_address_when_it_is_dead)
{
	uint8_t mac = 0;

	upstream_begin();
	struct upstream_host *gateway = upstream_host(GATEWAY, 91);
	gateway->alive = false;
	use_gateway();
	speak("198.19.0.7", 1);
	CHECK_EQ(rig_in_flight(VM), 1);
	gateway->alive = true;
	upstream_pass(1200);
	CHECK_EQ(upstream_sent(&mac), 1);
	CHECK_EQ(mac, 91);
	gateway->alive = false;
	upstream_pass(5000);
	CHECK(!upstream_alive(1));
	speak("198.19.0.7", 1);
	CHECK_EQ(rig_in_flight(VM), 0);
	upstream_pass(20);
	CHECK_EQ(upstream_sent(&mac), 1);
	CHECK_EQ(mac, 91);
}

TEST(after_a_restart_the_first_packet_leaves_at_once)
{
	upstream_begin();
	upstream_host(GATEWAY, 91);
	use_gateway();
	upstream_pass(1000);
	upstream_sent(NULL);
	uplink_stop();
	CHECK_EQ(uplink_start(port_slot_limit() + 1, rig_threads), 0);
	struct seen seen = outside_send(VM, "eth m2 gw | ip4 10.1.0.12 198.19.0.7 | udp 4000 1 | data 8");
	CHECK_EQ(seen.port, OUTSIDE_UPLINK);
	CHECK_EQ(seen.frame[5], 91);
}

TEST(a_packet_that_comes_before_the_first_turn_is_asked_for)
{
	upstream_begin();
	upstream_host(HOST, 71);
	uplink_stop();
	CHECK_EQ(uplink_start(port_slot_limit() + 1, rig_threads), 0);
	speak(HOST, 1);
	upstream_pass(40);
	CHECK_EQ(upstream_sent(NULL), 1);
}

TEST(a_trace_asks_nobody)
{
	static uint8_t steps[65536];
	uint8_t frame[128];

	upstream_begin();
	struct upstream_host *host = upstream_host(HOST, 71);
	uint32_t length = make_udp(frame, mac_gateway, VM, 0x0a01000c, 0xc6120064, 9, 8);
	CHECK(trace_run(VM, frame, length, steps, sizeof(steps)) > 0);
	upstream_pass_all(2);
	CHECK_EQ(host->asked_all, 0);
	CHECK_EQ(upstream_count(), 0);
	CHECK_EQ(rig_in_flight(VM), 0);
}

TEST(a_packet_whose_port_goes_while_it_waits_ends)
{
	upstream_begin();
	speak(HOST, 1);
	CHECK_EQ(rig_in_flight(VM), 1);
	uint64_t before = rig_drops(0, DROP_PORT_DOWN);
	RIG_DELETE(port, .id = VM);
	upstream_pass_all(2);
	CHECK_EQ(rig_drops(0, DROP_PORT_DOWN), before + 1);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_packet_waits_and_leaves_when_the_answer_comes),
	        CASE(so_does_one_of_ipv6),
	        CASE(who_waited_in_vain_is_told),
	        CASE(as_long_as_packets_come_the_address_is_asked_for),
	        CASE(the_latest_packets_for_an_address_wait),
	        CASE(a_port_that_asks_for_everybody_does_not_keep_others_waiting),
	        CASE(long_packets_of_a_port_leave_room_for_others),
	        CASE(two_addresses_in_one_place_are_both_heard),
	        CASE(packets_wait_for_a_gateway_and_go_to_its_last_address_when_it_is_dead),
	        CASE(after_a_restart_the_first_packet_leaves_at_once),
	        CASE(a_packet_that_comes_before_the_first_turn_is_asked_for),
	        CASE(a_trace_asks_nobody),
	        CASE(a_packet_whose_port_goes_while_it_waits_ends),
	};

	rig_start();
	tenants_make();
	outside_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
