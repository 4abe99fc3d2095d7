/*
 * Four packet threads begin, find, answer, decide anew and end the same flows in a table that is full; time runs and
 * flows expire; port ids are used again; another thread lists flows; and now and then the table is taken over as after
 * a restart. What a packet finds is always its own flow, and what is listed is always a whole one.
 */
#include "flow_life.h"

#include <pthread.h>
#include <string.h>

#include "flow_event.h"
#include "flow_tcp.h"
#include "policy.h"
#include "port.h"
#include "rcu.h"
#include "rig.h"
#include "rows.h"
#include "tables.h"
#include "test.h"

#define THREADS 4u
#define PORTS   8u
#define FLOWS   3000u
#define ROUNDS  6u
#define STEPS   6000u

static bool stop;
static uint32_t wrong, found, begun, full;

static uint32_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 16);
}

static void is_wrong(void)
{
	__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

/* The flow goes from port `from` to the last one; the number stands in both addresses. false: a port is gone. */
static bool keys_of(uint32_t number, const struct port **ends, struct flow_key *keys)
{
	ends[0] = port_of(1 + number % (PORTS - 1));
	ends[1] = port_of(PORTS);
	if (ends[0] == NULL || ends[1] == NULL)
		return false;
	memset(keys, 0, 2 * sizeof(*keys));
	for (uint32_t i = 0; i < 2; i++) {
		keys[i].family = 4;
		keys[i].protocol = number % 2 ? 6 : 17;
		keys[i].context = ends[i]->generation;
		keys[i].src_port = keys[i].dst_port = (uint16_t)number;
		memcpy(keys[i].src, &number, sizeof(number));
		memcpy(keys[i].dst, &number, sizeof(number));
	}
	return true;
}

static void begin_one(uint32_t thread, const struct port **ends, const struct flow_key *keys)
{
	uint32_t pair, other;

	if (flow_begin(thread, ends[0]->slot, &pair) != VERDICT_NEXT) {
		__atomic_fetch_add(&full, 1, __ATOMIC_RELAXED);
		return;
	}
	struct flow_pair *new = &flows.pairs[pair];
	for (uint32_t i = 0; i < 2; i++) {
		new->half[i].key = keys[i];
		new->half[i].way_out = keys[!i].context;
		new->half[i].stamps = 0;
		new->half[i].slot = ends[i]->slot;
	}
	if (flow_insert(thread, pair, &other) == 0)
		__atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
}

static void use_one(uint32_t thread, uint32_t ref, const struct flow_key *key, uint32_t what)
{
	struct flow_pair *pair = flow_pair(&flows, ref);
	struct flow_count *count = &pair->count[ref & 1];
	const struct flow_segment segment = {.seq = what, .ack = what, .flags = what % 64};

	__atomic_fetch_add(&found, 1, __ATOMIC_RELAXED);
	if (memcmp(&pair->half[ref & 1].key, key, sizeof(*key)) != 0)
		is_wrong();
	__atomic_fetch_add(&count->packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&count->bytes, 100, __ATOMIC_RELAXED);
	__atomic_store_n(&count->seen, flow_now(thread), __ATOMIC_RELAXED);
	if (key->protocol == 6)
		flow_tcp_track(pair, ref & 1, &segment);
	if (what % 13 == 0) {
		__atomic_store_n(&pair->half[ref & 1].flags, what % 2 ? FLOW_DENIED : 0, __ATOMIC_RELAXED);
		__atomic_store_n(&pair->half[ref & 1].stamps, what % 3 ? 0 : FLOW_STALE, __ATOMIC_RELAXED);
		flow_rules_set(thread, ref >> 1, POLICY_NO_RULE, POLICY_NO_RULE);
		flow_redecided(thread);
	}
	if (what % 17 == 0)
		flow_end(thread, ref >> 1);
}

static void *packets(void *argument)
{
	uint32_t thread = (uint32_t)(uintptr_t)argument, refs[2];
	uint64_t seed = 0x9e3779b97f4a7c15ull * thread;

	rcu_register(thread);
	for (uint32_t step = 0; step < STEPS; step++) {
		const struct port *ends[2];
		struct flow_key keys[2];
		const struct flow_key *asked[2] = {&keys[0], &keys[1]};
		uint32_t what = next_random(&seed);
		if (keys_of(next_random(&seed) % FLOWS, ends, keys)) {
			flow_find(&flows, asked, refs, 2);
			if (refs[what & 1] != FLOW_NONE)
				use_one(thread, refs[what & 1], &keys[what & 1], what >> 1);
			else
				begin_one(thread, ends, keys);
		}
		if (step % 8 == 0) {
			rcu_quiescent(thread);
			flow_age(thread);
		}
		if (step % 256 == 0) {
			__atomic_fetch_add(&flow_clock_ahead, 20 * FLOW_HZ, __ATOMIC_RELAXED);
			flow_age_share(thread);
		}
	}
	rcu_unregister(thread);
	return NULL;
}

/* Of a whole flow both addresses and both ports say the same number. */
static void check_listed(const struct fwd_flow *flow)
{
	uint32_t src, dst;

	memcpy(&src, flow->src, sizeof(src));
	memcpy(&dst, flow->dst, sizeof(dst));
	if (src != dst || src >= FLOWS || flow->src_port != flow->dst_port || flow->version != 4 ||
	        flow->protocol != (src % 2 ? 6 : 17))
		is_wrong();
}

static void *list(void *unused)
{
	static struct fwd_flow out[256];
	const struct fwd_flow_filter all = {0};
	uint32_t cursor = 0;

	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint32_t count = (uint32_t)flow_read(&all, &cursor, out, sizeof(out)) / sizeof(out[0]);
		for (uint32_t i = 0; i < count; i++)
			check_listed(&out[i]);
		if (cursor == 0xffffffffu)
			cursor = 0;
		count = (uint32_t)flow_events_read(true, out, sizeof(out)) / sizeof(out[0]);
		for (uint32_t i = 0; i < count; i++)
			check_listed(&out[i]);
	}
	return NULL;
}

static void make_port(uint32_t id)
{
	RIG_ROW(port, .id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id});
}

static void *change_ports(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		uint32_t id = 1 + i % (PORTS - 1);
		rows_lock();
		RIG_DELETE(port, .id = id);
		rows_unlock();
		rows_lock();
		make_port(id);
		rows_unlock();
		rig_links();
	}
	return NULL;
}

static void run_round(void)
{
	pthread_t threads[THREADS], others[2];

	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	pthread_create(&others[0], NULL, list, NULL);
	pthread_create(&others[1], NULL, change_ports, NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, packets, (void *)(uintptr_t)(i + 1));
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(others[0], NULL);
	pthread_join(others[1], NULL);
}

static void count_pair(const struct flow_pair *pair, uint32_t number, void *context)
{
	const struct flow_key *asked[2] = {&pair->half[0].key, &pair->half[1].key};
	uint32_t refs[2];

	flow_find(&flows, asked, refs, 2);
	if (refs[0] != number << 1 || refs[1] != (number << 1 | FLOW_REVERSE))
		is_wrong();
	++*(uint32_t *)context;
}

TEST(a_packet_finds_its_own_flow_whatever_goes_on_around_it)
{
	struct fwd_flow_stats stats;
	uint64_t evicted = 0, expired = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		run_round();
		uint32_t listed = 0;
		flow_each(&flows, count_pair, &listed);
		CHECK_EQ(listed, flow_count(&flows));
		flow_life_stats(&stats);
		evicted += stats.evicted;
		expired += stats.expired;
		rig_flows_restart();
		listed = 0;
		flow_each(&flows, count_pair, &listed);
		CHECK_EQ(listed, flow_count(&flows));
		CHECK_EQ(wrong, 0);
	}
	printf("  %u found, %u begun, %u without room, %lu evicted, %lu expired\n", found, begun, full, evicted,
	        expired);
	CHECK(found > 1000 && begun > 1000 && evicted > 100 && expired > 100);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(a_packet_finds_its_own_flow_whatever_goes_on_around_it)};

	rig_threads = THREADS;
	rig_flows = (struct fwd_config){.flow_pairs = 1024, .flow_port_percent = 60};
	rig_start();
	for (uint32_t id = 1; id <= PORTS; id++)
		make_port(id);
	rig_links();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
