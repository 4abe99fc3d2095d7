/*
 * Four packet threads take outside ports for the ports of VMs that are theirs, hold what they find of others', release
 * what any of them took, and age, until addresses are exhausted again and again; another thread reads what people see
 * and changes rows; ports of VMs come and go; and now and then all is taken over as after a restart. At no time is an
 * outside port two endpoints', and what is held is the endpoint's that holds it.
 */
#include "nat_map.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#include "flow_life.h"
#include "nat_map_own.h"
#include "port.h"
#include "rcu.h"
#include "rig.h"
#include "rows.h"
#include "test.h"

#define THREADS   4u
#define VMS       8u
#define UPLINK    9u
#define POOL      7u
#define ADDRESSES 3u
#define ROUNDS    5u
#define STEPS     8000u
/* Flows that a thread keeps for others to end. */
#define KEPT 512u

static bool stop;
static uint32_t wrong, taken, exhausted, held, found;

/* What flows hold: who releases is not who took. */
static struct holding {
	struct nat_outside outside;
	struct nat_inside inside;
	uint32_t lock;
	bool used;
} holdings[THREADS * KEPT];

static uint32_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 16);
}

static void is_wrong(const char *what)
{
	if (__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED) == 0)
		printf("  %s\n", what);
}

static void make_port(uint32_t id)
{
	RIG_ROW(port, .id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id});
}

static struct fwd_nat_address_row row_of(uint32_t number)
{
	return (struct fwd_nat_address_row){.port = UPLINK,
	        .family = 4,
	        .address = {198, 51, 100, (uint8_t)(number + 1)},
	        .pool = POOL,
	        .port_min = 1000,
	        .port_max = 1700,
	        .block_size = 64,
	        .port_blocks = 3,
	        .flags = number == 0 ? FWD_NAT_REUSE : 0};
}

/* The port may go at any time: it is looked up once. */
static bool make_inside(uint32_t vm, uint32_t random, struct nat_inside *inside, uint16_t *slot)
{
	const struct port *port = port_of(vm);

	if (port == NULL)
		return false;
	*inside = (struct nat_inside){.address = {10, 0, 0, (uint8_t)vm},
	        .context = port->generation,
	        .port = (uint16_t)(random % 300),
	        .family = 4,
	        .protocol = random >> 16 & 1 ? IPPROTO_TCP : IPPROTO_UDP};
	*slot = port->slot;
	return true;
}

static void end(struct holding *holding, bool look)
{
	/* Rows come and go, but nobody else has it. */
	struct nat_inside other = holding->inside;

	other.address[15] ^= 1;
	other.context ^= 0x40000000;
	if (look && nat_map_holds(&holding->outside, &other))
		is_wrong("an outside port is held by an endpoint that did not take it");
	nat_map_release(4, holding->inside.protocol, &holding->outside);
	holding->used = false;
}

/* A flow begins in a place where another one ends. */
static void keep(uint64_t *seed, const struct nat_outside *outside, const struct nat_inside *inside)
{
	struct holding *holding = &holdings[next_random(seed) % (THREADS * KEPT)];

	nat_lock(&holding->lock);
	if (holding->used)
		end(holding, true);
	holding->outside = *outside;
	holding->inside = *inside;
	holding->used = true;
	nat_unlock(&holding->lock);
}

static void take_one(uint32_t thread, uint64_t *seed)
{
	uint32_t vm = 1 + (thread - 1) + THREADS * (next_random(seed) % (VMS / THREADS));
	struct nat_inside inside;
	struct nat_outside outside;
	uint16_t slot;

	if (!make_inside(vm, next_random(seed), &inside, &slot))
		return;
	uint32_t tries = next_random(seed) % 16 == 0;
	verdict_t verdict = nat_map_take(slot, UPLINK, POOL, &inside, tries, &outside);
	if (verdict == DROP_NAT_EXHAUSTED)
		__atomic_fetch_add(&exhausted, 1, __ATOMIC_RELAXED);
	if (verdict != VERDICT_NEXT)
		return;
	__atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
	if (ntohs(outside.port) < 1000 || ntohs(outside.port) > 1700)
		is_wrong("a port that is not leased was given out");
	keep(seed, &outside, &inside);
}

/* A packet from outside, to a port that perhaps somebody has. */
static void hold_one(uint64_t *seed)
{
	struct fwd_nat_address_row row = row_of(next_random(seed) % ADDRESSES);
	uint8_t protocol = next_random(seed) & 1 ? IPPROTO_TCP : IPPROTO_UDP;
	struct nat_outside outside = {.port = htons((uint16_t)(1000 + next_random(seed) % 701))};
	struct nat_inside inside;
	uint16_t slot;

	memcpy(outside.address, row.address, sizeof(outside.address));
	if (!nat_map_find(UPLINK, 4, protocol, outside.address, outside.port, &inside, &slot))
		return;
	__atomic_fetch_add(&found, 1, __ATOMIC_RELAXED);
	if (inside.address[0] != 10 || inside.address[3] < 1 || inside.address[3] > VMS || inside.port >= 300)
		is_wrong("what was found is no endpoint");
	if (!nat_map_hold(&outside, &inside))
		return;
	__atomic_fetch_add(&held, 1, __ATOMIC_RELAXED);
	keep(seed, &outside, &inside);
}

static void *packets(void *argument)
{
	uint32_t thread = (uint32_t)(uintptr_t)argument;
	uint64_t seed = 0x9e3779b97f4a7c15ull * thread;

	rcu_register(thread);
	for (uint32_t step = 0; step < STEPS; step++) {
		if (next_random(&seed) % 3 == 0)
			hold_one(&seed);
		else
			take_one(thread, &seed);
		if (step % 8 == 0) {
			rcu_quiescent(thread);
			flow_age(thread);
		}
		if (step % 256 == 0) {
			__atomic_fetch_add(&flow_clock_ahead, 3 * FLOW_HZ, __ATOMIC_RELAXED);
			flow_age_share(thread);
		}
	}
	rcu_unregister(thread);
	return NULL;
}

static void *read_and_change(void *unused)
{
	static struct fwd_nat_event events[64];
	struct fwd_nat_address_stats stats[8];
	uint64_t last = 0;
	uint32_t cursor = 0;

	(void)unused;
	for (uint32_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		struct fwd_nat_address_row row = row_of(1);
		uint32_t vm = 1 + i % VMS;
		rows_lock();
		nat_map_stats_read(stats, sizeof(stats));
		nat_map_blocks_read(&cursor, events, sizeof(events));
		uint32_t count =
		        (uint32_t)nat_map_events_read(last, events, sizeof(events)) / (uint32_t)sizeof(events[0]);
		for (uint32_t j = 0; j < count; j++) {
			if (events[j].sequence <= last || events[j].event > FWD_NAT_EVENT_EXHAUSTED)
				is_wrong("events are out of order");
			last = events[j].sequence;
		}
		rows_unlock();
		cursor = cursor == 0xffffffffu ? 0 : cursor;
		if (i % 4 == 0) {
			rows_lock();
			RIG_DELETE(port, .id = vm);
			make_port(vm);
			rows_unlock();
			rig_links();
		}
		rows_lock();
		rig_delete(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
		rig_row(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
		rows_unlock();
	}
	return NULL;
}

static void run_round(void)
{
	pthread_t threads[THREADS], other;

	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	pthread_create(&other, NULL, read_and_change, NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, packets, (void *)(uintptr_t)(i + 1));
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(other, NULL);
}

/* What flows hold is their endpoint's, or shared with others of its inside port: so no two have one. */
static void check_holdings(bool restarted)
{
	for (uint32_t i = 0; i < THREADS * KEPT; i++) {
		struct holding *holding = &holdings[i];
		uint32_t place = nat_place_find(4, holding->outside.address);
		if (!holding->used)
			continue;
		if (restarted && !nat_map_adopt(&holding->outside, &holding->inside)) {
			is_wrong("a mapping is lost over a restart");
			continue;
		}
		if (nat_row(place) != NULL && !nat_map_holds(&holding->outside, &holding->inside))
			is_wrong("a flow's outside port is not its own any more");
	}
}

static uint64_t held_in_all(void)
{
	uint64_t sum = 0;

	for (uint32_t place = 0; place < ADDRESSES; place++)
		for (uint32_t protocol = 0; protocol < NAT_PROTOCOLS; protocol++)
			for (uint32_t port = 0; port < 2048; port++)
				sum += nat_entry(nat_number(place, protocol, port))->use & NAT_REFS;
	return sum;
}

static uint64_t holding_count(void)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < THREADS * KEPT; i++)
		count += holdings[i].used;
	return count;
}

TEST(an_outside_port_is_one_endpoints_whatever_goes_on_around_it)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		run_round();
		check_holdings(false);
		CHECK_EQ(held_in_all(), holding_count());
		rig_flows_restart();
		check_holdings(true);
		CHECK_EQ(held_in_all(), holding_count());
		CHECK_EQ(wrong, 0);
	}
	for (uint32_t i = 0; i < THREADS * KEPT; i++)
		if (holdings[i].used)
			end(&holdings[i], false);
	flow_clock_ahead += 1000 * FLOW_HZ;
	flow_age_all();
	struct fwd_nat_address_stats stats[ADDRESSES];
	CHECK_EQ(nat_map_stats_read(stats, sizeof(stats)), sizeof(stats));
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		CHECK_EQ(stats[i].blocked, 0);
		CHECK_EQ(stats[i].tcp + stats[i].udp, 0);
	}
	printf("  %u taken, %u exhausted, %u found, %u held\n", taken, exhausted, found, held);
	CHECK(taken > 10000 && exhausted > 1000 && held > 1000);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(an_outside_port_is_one_endpoints_whatever_goes_on_around_it)};

	rig_threads = THREADS;
	rig_flows = (struct fwd_config){.flow_pairs = 1024, .nat_reuse_wait = 5, .nat_addresses = ADDRESSES};
	rig_start();
	for (uint32_t id = 1; id <= VMS; id++)
		make_port(id);
	make_port(UPLINK);
	rig_links();
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		struct fwd_nat_address_row row = row_of(i);
		rig_row(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
	}
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
