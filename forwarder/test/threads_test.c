/* Several packet threads at work while rows and ports change: conservation, ownership, sleep. TSan looks on. */
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "crowd.h"
#include "dataplane.h"
#include "port.h"
#include "punt.h"
#include "tenants.h"
#include "test.h"
#include "worker.h"

#define THREADS 4u
#define CHANGES 3000u
/* Ports that come and go, beside the crowd's. */
#define GUEST_FIRST 20u
#define GUESTS      4u

static bool stop;
static uint64_t offered, moved, captured;

static void *generate(void *unused)
{
	uint8_t frame[CROWD_FRAME];
	uint32_t port;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint32_t length = crowd_frame(frame, &port);
		offered += crowd_send(crowd_far(port), frame, length);
		if (offered % 64 == 0)
			usleep(100);
	}
	return unused;
}

/* What plugins and people look at while packets flow. */
static void observe(uint32_t capture)
{
	static uint8_t records[65536];
	static struct fwd_port_state states[64];
	static struct fwd_port_stats stats[64];
	static struct fwd_drop drops[1024];

	captured += capture_read(capture, records, sizeof(records)) > 0;
	dataplane_ports_read(0, states, 64);
	dataplane_stats_read(0, stats, 64);
	dataplane_drops_read(0, drops, 1024);
}

static void *drain(void *unused)
{
	uint32_t capture = (uint32_t)capture_open(1, 128, NULL, 0);

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint32_t some = crowd_drain();
		observe(capture);
		moved += some;
		if (some == 0)
			usleep(50);
	}
	capture_close(capture);
	return unused;
}

/* Routes flap, neighbours move, ports change their network, come and go. */
static void change(uint32_t i)
{
	static int far[GUESTS];
	uint32_t guest = i % GUESTS, id = GUEST_FIRST + guest;
	uint8_t port = (uint8_t)(1 + i % CROWD_PORTS), bridge = port <= CROWD_PORTS / 2 ? 1 : 2;

	if (i % 3 == 0)
		RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {192, 0, 2, 0}, .source = 10,
		        .nexthop = 1 + i % 2);
	if (i % 3 == 1)
		RIG_DELETE(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {192, 0, 2, 0}, .source = 10);
	RIG_ROW(neighbor, .bridge = bridge, .family = 4, .address = {10, bridge, 0, 16 + port},
	        .mac = {2, 0, 0, 0, (uint8_t)(i / 16 % 2), port});
	RIG_ROW(port, .id = port, .bridge = bridge, .mtu = i % 5 ? 1500 : 600, .mac = {2, 0, 0, 0, 0, port});
	if (far[guest] == 0) {
		RIG_ROW(port, .id = id, .bridge = 1 + i % 2, .mtu = 1500, .mac = {2, 0, 0, 0, 1, (uint8_t)id});
		far[guest] = crowd_attach(id);
	} else {
		RIG_DELETE(port, .id = id);
		close(far[guest]);
		far[guest] = 0;
	}
}

TEST(ports_are_spread_over_the_threads)
{
	uint32_t count[THREADS + 1] = {0};

	for (uint32_t port = 1; port <= CROWD_PORTS; port++)
		count[port_of(port)->io->owner]++;
	for (uint32_t thread = 1; thread <= THREADS; thread++)
		CHECK_EQ(count[thread], CROWD_PORTS / THREADS);
}

TEST(a_trunk_and_its_vlans_belong_to_one_thread)
{
	RIG_ROW(port, .id = 40, .flags = FWD_PORT_TRUNK, .mtu = 1500);
	int far = crowd_attach(40);
	for (uint16_t vlan = 1; vlan <= THREADS; vlan++) {
		RIG_ROW(port, .id = 40u + vlan, .bridge = 1, .binding = FWD_BINDING_VLAN, .parent = 40, .vlan = vlan,
		        .mtu = 1500, .mac = {2, 0, 0, 0, 0, (uint8_t)(40 + vlan)});
		rig_links();
	}
	for (uint32_t id = 41; id <= 40 + THREADS; id++)
		CHECK_EQ(port_of(id)->io->owner, port_of(40)->io->owner);
	for (uint32_t id = 41; id <= 40 + THREADS; id++)
		RIG_DELETE(port, .id = id);
	RIG_DELETE(port, .id = 40);
	close(far);
}

TEST(a_frame_reaches_a_port_of_another_thread)
{
	uint8_t in[CROWD_FRAME], out[CROWD_FRAME];
	uint32_t length = make_udp(in, mac_of(2), 1, 0x0a010011, 0x0a010012, 1000, 100), got = 0;

	CHECK(port_of(1)->io->owner != port_of(2)->io->owner);
	CHECK(crowd_send(crowd_far(1), in, length));
	for (int i = 0; i < 1000 && got == 0; i++, usleep(1000))
		got = crowd_receive(crowd_far(2), out);
	CHECK_EQ(got, length);
	CHECK(memcmp(in, out, length) == 0);
}

TEST(nothing_is_lost_or_counted_twice_while_everything_changes)
{
	pthread_t generator, drainer;

	CHECK_EQ(pthread_create(&generator, NULL, generate, NULL), 0);
	CHECK_EQ(pthread_create(&drainer, NULL, drain, NULL), 0);
	for (uint32_t i = 0; i < CHANGES; i++)
		change(i);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(generator, NULL);
	pthread_join(drainer, NULL);
	crowd_settle();
	printf("  %lu frames in, %lu out or punted\n", offered, moved);
	CHECK(offered > CHANGES && moved > offered / 2);
	CHECK(captured > 0);
	CHECK(rig_ledgers_hold());
	uint64_t injected = 0;
	for (uint32_t port = 1; port <= CROWD_PORTS; port++)
		injected += rig_totals(port).injected;
	CHECK(injected > 0);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

TEST(idle_threads_sleep)
{
	double before = cpu_seconds();

	usleep(500000);
	CHECK(cpu_seconds() - before < 0.5 * 0.05);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(ports_are_spread_over_the_threads),
	        CASE(a_trunk_and_its_vlans_belong_to_one_thread),
	        CASE(a_frame_reaches_a_port_of_another_thread),
	        CASE(nothing_is_lost_or_counted_twice_while_everything_changes),
	        CASE(idle_threads_sleep),
	};

	rig_threads = THREADS;
	rig_start();
	if (worker_start(-1) != 0)
		return 1;
	crowd_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	worker_stop();
	rig_stop();
	return failed;
}
