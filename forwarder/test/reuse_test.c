/*
 * Ports come and go as fast as they can while packets are under way between four packet threads: each incarnation of a
 * port id has a MAC address of its own, so a frame at a wrong one shows, and so does a packet counted for a wrong one.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "port.h"
#include "rcu.h"
#include "stats.h"
#include "tenants.h"
#include "test.h"
#include "worker.h"

#define THREADS 4u
#define CYCLES  10000u
#define FIRST   20u
#define IDS     4u
/* An RCU reader that no packet thread is. */
#define READER 20u

/* Far end (upper half) and number (lower half) of the incarnation of an id that is there; 0: none. */
static uint64_t incarnations[IDS];
/* Held while a far end is used by the generator. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool stop;
static uint64_t sent, arrived, floods, strays, miscounted;

static void mac_of_incarnation(uint8_t *mac, uint32_t id, uint32_t number)
{
	memcpy(mac,
	        (uint8_t[6]){2, 0xaa, (uint8_t)id, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
	        6);
}

/* Incarnations change their network in turn. */
static uint8_t bridge_of_incarnation(uint32_t number)
{
	return 1 + number % 2;
}

/* Every third sends nothing and must have counted nothing for packets that came from it. */
static bool is_silent(uint32_t number)
{
	return number % 3 == 0;
}

static void send_frames(uint32_t n)
{
	static uint8_t frame[CROWD_FRAME];
	uint32_t which = n % IDS, number;
	uint8_t bridge, mac[6], source = (uint8_t)(1 + n % CROWD_PORTS);

	pthread_mutex_lock(&lock);
	uint64_t incarnation = incarnations[which];
	number = (uint32_t)incarnation;
	bridge = source <= CROWD_PORTS / 2 ? 1 : 2;
	mac_of_incarnation(mac, FIRST + which, number);
	/* The destination port names the network that a flooded frame belongs to. */
	uint32_t length = make_udp(frame, n % 7 ? mac : mac_broadcast, source, 0x0a000001, 0x0a000002, bridge, 60);
	sent += crowd_send(crowd_far(source), frame, length);
	if (incarnation != 0 && !is_silent(number)) {
		bridge = bridge_of_incarnation(number);
		length = make_udp(frame, n % 5 ? mac_of((uint8_t)(bridge * 8)) : mac_broadcast, 99, 0x0a000001,
		        0x0a000002, bridge, 60);
		sent += crowd_send((int)(incarnation >> 32), frame, length);
	}
	pthread_mutex_unlock(&lock);
}

static void *generate(void *unused)
{
	for (uint32_t n = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); n++) {
		send_frames(n);
		if (n % 16 == 0)
			crowd_drain();
	}
	return unused;
}

/* Frames that reached an incarnation: to its MAC, or flooded in its network. */
static void look(int far, uint32_t id, uint32_t number)
{
	uint8_t frame[CROWD_FRAME], mac[6];
	uint32_t length;

	mac_of_incarnation(mac, id, number);
	while ((length = crowd_receive(far, frame)) > 0) {
		if (memcmp(frame, mac_broadcast, 6) == 0) {
			floods++;
			strays += frame[37] != bridge_of_incarnation(number);
		} else {
			arrived++;
			strays += memcmp(frame, mac, 6) != 0;
		}
	}
}

static void add(uint32_t which, uint32_t number)
{
	uint32_t id = FIRST + which;
	uint8_t bridge = bridge_of_incarnation(number);
	struct fwd_mac_row row = {.bridge = bridge, .port = id};

	mac_of_incarnation(row.mac, id, number);
	RIG_ROW(port, .id = id, .bridge = bridge, .mtu = 1500, .mac = {2, 0xaa, 0, 0, 0, 0});
	rig_row(FWD_TABLE_MAC, &row, sizeof(row));
	int far = crowd_attach(id);
	pthread_mutex_lock(&lock);
	incarnations[which] = (uint64_t)(uint32_t)far << 32 | number;
	pthread_mutex_unlock(&lock);
}

static void end(uint32_t which)
{
	uint32_t id = FIRST + which, number = (uint32_t)incarnations[which];
	int far = (int)(incarnations[which] >> 32);
	uint16_t slot = port_of(id)->slot;
	struct fwd_mac_row row = {.bridge = bridge_of_incarnation(number), .port = id};
	struct port_totals totals;

	pthread_mutex_lock(&lock);
	incarnations[which] = 0;
	pthread_mutex_unlock(&lock);
	mac_of_incarnation(row.mac, id, number);
	rig_delete(FWD_TABLE_MAC, &row, sizeof(row));
	RIG_DELETE(port, .id = id);
	look(far, id, number);
	close(far);
	/* The slot is free now: no packet may know it any more, so its ledger is closed. */
	stats_sum(slot, &totals);
	miscounted += totals.rx_packets + totals.cloned != totals.sent + totals.dropped;
	if (is_silent(number))
		miscounted += totals.rx_packets + totals.cloned + totals.sent + totals.dropped != 0;
}

TEST(no_packet_reaches_or_counts_for_another_port)
{
	pthread_t generator;

	/* No flooding of frames whose incarnation went. */
	for (uint32_t bridge = 1; bridge <= 2; bridge++)
		RIG_ROW(bridge, .id = bridge, .vrf = 1, .mode = FWD_MODE_L2, .mtu = 1500);
	CHECK_EQ(pthread_create(&generator, NULL, generate, NULL), 0);
	for (uint32_t i = 0; i < CYCLES; i++) {
		if (incarnations[i % IDS] != 0)
			end(i % IDS);
		add(i % IDS, 1 + i);
		if (i % 64 == 0)
			usleep(1000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(generator, NULL);
	for (uint32_t which = 0; which < IDS; which++)
		end(which);
	crowd_settle();
	printf("  %u incarnations, %lu frames sent, %lu and %lu flooded ones reached one\n", CYCLES, sent, arrived,
	        floods);
	CHECK(arrived > 0 && floods > 0);
	CHECK_EQ(strays, 0);
	CHECK_EQ(miscounted, 0);
	CHECK(rig_ledgers_hold());
}

static bool holds, open_while_held;

/* Has looked port 30 up by its id, and is not through with it. */
static void *hold(void *unused)
{
	rcu_register(READER);
	__atomic_store_n(&holds, true, __ATOMIC_RELEASE);
	while (port_of(30) == NULL)
		usleep(1000);
	usleep(50000);
	open_while_held = port_io_of(port_of(30)) != NULL;
	rcu_unregister(READER);
	return unused;
}

TEST(who_found_the_former_port_of_an_id_cannot_send_to_the_new_one)
{
	pthread_t holder;

	CHECK_EQ(pthread_create(&holder, NULL, hold, NULL), 0);
	while (!__atomic_load_n(&holds, __ATOMIC_ACQUIRE))
		usleep(1000);
	RIG_ROW(port, .id = 30, .bridge = 1, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 30});
	int far = crowd_attach(30);
	pthread_join(holder, NULL);
	CHECK(!open_while_held);
	CHECK(port_io_of(port_of(30)) != NULL);
	RIG_DELETE(port, .id = 30);
	close(far);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(who_found_the_former_port_of_an_id_cannot_send_to_the_new_one),
	        CASE(no_packet_reaches_or_counts_for_another_port)};

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
