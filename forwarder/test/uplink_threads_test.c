/* An uplink with running packet threads and fwd-learn: packets wait and go on, neighbours come and die, rows change.
 * TSan looks on. */
#include <pthread.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "learn.h"
#include "port.h"
#include "rows.h"
#include "tenants.h"
#include "test.h"
#include "uplink.h"
#include "uplink_address.h"
#include "worker.h"

#define THREADS 3u
#define UPLINK  40u
#define VMS     4u
#define HOSTS   48u
#define CHANGES 400u
/* What must have passed before the test ends, and how long that may take. */
#define ENOUGH  500u
#define LONGEST 60u

static int far[VMS + 1], far_uplink;
static bool stop;
static uint32_t passed, answered;

static void make_rows(void)
{
	RIG_ROW(vrf, .id = 1);
	RIG_ROW(vrf, .id = 100);
	RIG_ROW(bridge, .id = 1, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	RIG_ROW(bridge, .id = 100, .vrf = 100, .mode = FWD_MODE_L3, .mtu = 1500);
	RIG_ROW(nexthop, .id = 1, .type = FWD_NEXTHOP_VRF, .target = 100);
	RIG_ROW(nexthop, .id = 2, .type = FWD_NEXTHOP_PORT, .bridge = 100);
	RIG_ROW(nexthop, .id = 4, .type = FWD_NEXTHOP_GATEWAY, .port = UPLINK, .target = 1, .bridge = 100);
	RIG_ROW(nexthop, .id = 5, .type = FWD_NEXTHOP_GATEWAY, .port = UPLINK, .target = 2, .bridge = 100);
	RIG_ROW(nexthop, .id = 3, .type = FWD_NEXTHOP_ECMP, .size = 2);
	RIG_ROW(member, .group = 3, .index = 0, .nexthop = 4);
	RIG_ROW(member, .group = 3, .index = 1, .nexthop = 5);
	RIG_ROW(route, .vrf = 1, .family = 4, .source = 50, .nexthop = 1);
	RIG_ROW(route, .vrf = 100, .family = 4, .prefix_length = 24, .address = {198, 18, 0, 0}, .source = 10,
	        .nexthop = 2);
	RIG_ROW(route, .vrf = 100, .family = 4, .source = 20, .nexthop = 3);
	RIG_ROW(neighbor, .bridge = 100, .family = 4, .address = {198, 18, 0, 1}, .mac = {2, 0, 0, 0, 0, UPLINK},
	        .flags = FWD_NEIGHBOR_GATEWAY);
	RIG_ROW(gateway, .port = UPLINK, .number = 1, .family = 4, .address = {198, 18, 0, 10});
	RIG_ROW(gateway, .port = UPLINK, .number = 2, .family = 4, .address = {198, 18, 0, 11});
	RIG_ROW(vrf_nat, .vrf = 1, .port = UPLINK);
}

static void make_ports(void)
{
	RIG_ROW(port, .id = UPLINK, .bridge = 100, .flags = FWD_PORT_UPLINK, .mtu = 1500,
	        .mac = {2, 0, 0, 0, 0, UPLINK});
	memcpy(port_of(UPLINK)->mac, mac_of(UPLINK), 6);
	far_uplink = crowd_attach(UPLINK);
	for (uint8_t id = 1; id <= VMS; id++) {
		RIG_ROW(port, .id = id, .bridge = 1, .mtu = 1500, .mac = {2, 0, 0, 0, 0, id});
		RIG_ROW(floating_ip, .port = UPLINK, .family = 4, .address = {198, 18, 0, (uint8_t)(200 + id)},
		        .prefix_length = 24, .inside_port = id, .inside = {10, 1, 0, id});
		far[id] = crowd_attach(id);
	}
}

/* VMs talk to hosts of the subnet, half of which live, and through the gateways. */
static void *generate(void *unused)
{
	uint8_t frame[CROWD_FRAME];

	for (uint32_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		uint8_t id = (uint8_t)(1 + i % VMS);
		uint32_t to = i % 3 == 0 ? 0xc6130000u + i % 256 : 0xc6120000u + 10 + i / 7 % HOSTS;
		uint32_t length = make_udp(frame, mac_gateway, id, 0x0a010000u + id, to, 9, 20);
		crowd_send(far[id], frame, length);
		usleep(300);
	}
	return unused;
}

/* What is behind the uplink: hosts with even addresses answer, those with odd ones only sometimes. */
static void hear(uint8_t *frame, uint32_t i)
{
	struct rte_arp_hdr *arp = (void *)(frame + RTE_ETHER_HDR_LEN);
	uint8_t asked[4];

	memcpy(asked, &arp->arp_data.arp_tip, sizeof(asked));
	if (frame[12] != 8 || frame[13] != 6) {
		__atomic_add_fetch(&passed, 1, __ATOMIC_RELAXED);
		return;
	}
	bool announces = arp->arp_data.arp_sip == arp->arp_data.arp_tip;
	if (announces || (asked[3] % 2 != 0 && i % 512 < 400))
		return;
	/* mac_of and its like belong to the other thread. */
	uint8_t mac[6] = {2, 0, 0, 0, 0, asked[3]};
	memcpy(frame, frame + 6, sizeof(mac));
	memcpy(frame + 6, mac, sizeof(mac));
	arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	arp->arp_data.arp_tha = arp->arp_data.arp_sha;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	memcpy(&arp->arp_data.arp_sha, mac, sizeof(mac));
	memcpy(&arp->arp_data.arp_sip, asked, sizeof(asked));
	answered += crowd_send(far_uplink, frame, RTE_ETHER_HDR_LEN + sizeof(*arp));
}

static void *upstream(void *unused)
{
	uint8_t frame[CROWD_FRAME];

	for (uint32_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		if (crowd_receive(far_uplink, frame) > 0)
			hear(frame, i);
		else
			usleep(100);
		for (uint32_t id = 1; id <= VMS; id++)
			crowd_receive(far[id], frame);
	}
	return unused;
}

/* Addresses, gateways and the link come and go. */
static void change(uint32_t i)
{
	struct uplink_address own = {.uplink = UPLINK, .family = 4, .address = {198, 18, 0, 1}};

	rows_lock();
	if (i % 4 == 0)
		RIG_ROW(floating_ip, .port = UPLINK, .family = 4, .address = {198, 18, 0, 220}, .prefix_length = 24,
		        .inside_port = 1, .inside = {10, 1, 0, 99});
	if (i % 4 == 2)
		RIG_DELETE(floating_ip, .port = UPLINK, .family = 4, .address = {198, 18, 0, 220});
	if (i % 8 == 1)
		RIG_DELETE(gateway, .port = UPLINK, .number = 2);
	if (i % 8 == 5)
		RIG_ROW(gateway, .port = UPLINK, .number = 2, .family = 4, .address = {198, 18, 0, 11});
	rows_unlock();
	/* The host gets and loses an address of ours. */
	CHECK_EQ(uplink_address_publish(&own, i % 2), 0);
	if (i % 64 == 20)
		port_report(port_of(UPLINK), FWD_LINK_DOWN, "no carrier");
	if (i % 64 == 24)
		port_report(port_of(UPLINK), FWD_LINK_UP, "%s", "");
	usleep(5000);
}

TEST(packets_wait_and_go_on_while_everything_changes)
{
	pthread_t generator, other;

	CHECK_EQ(pthread_create(&generator, NULL, generate, NULL), 0);
	CHECK_EQ(pthread_create(&other, NULL, upstream, NULL), 0);
	for (uint32_t i = 0; i < CHANGES; i++)
		change(i);
	for (uint32_t i = 0; i < LONGEST * 100 && __atomic_load_n(&passed, __ATOMIC_RELAXED) < ENOUGH; i++)
		usleep(10000);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(generator, NULL);
	pthread_join(other, NULL);
	printf("  %u packets left, %u answers\n", passed, answered);
	CHECK(passed >= ENOUGH && answered > 0);
}

/* What waited in vain has ended, too. */
TEST(nothing_is_lost_or_counted_twice)
{
	int64_t left = 1;

	for (uint32_t i = 0; i < LONGEST * 100 && left != 0; i++) {
		usleep(10000);
		left = 0;
		for (uint32_t id = 1; id <= VMS; id++)
			left += rig_in_flight(id);
	}
	CHECK_EQ(left, 0);
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(packets_wait_and_go_on_while_everything_changes),
	        CASE(nothing_is_lost_or_counted_twice),
	};

	rig_threads = THREADS;
	rig_start();
	if (worker_start(-1) != 0)
		return 1;
	make_rows();
	make_ports();
	if (learn_start() != 0)
		return 1;
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	learn_stop();
	worker_stop();
	rig_stop();
	return failed;
}
