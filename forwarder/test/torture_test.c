/* Packet threads look rows up while a writer adds, changes and removes them: each row is seen old or new, never a
 * mixture or something else. */
#include "state.h"

#include <pthread.h>

#include "lpm.h"
#include "nexthop.h"
#include "test.h"

#define READERS 3
#define ROUNDS  400
#define ROWS    64

static bool stop;
static uint32_t mixtures, found;

static void mixture(void)
{
	__atomic_fetch_add(&mixtures, 1, __ATOMIC_RELAXED);
}

/* Group n has four places; whichever is taken, the next hop there is one of n's. IPv6 routes lead to the groups. */
static uint32_t look_at_group(uint32_t n)
{
	const uint8_t address[16] = {0x20, 1, 0, (uint8_t)n, [15] = 1};
	const uint8_t *const addresses[2] = {address, address};
	uint32_t handles[2], seen = 0;
	tables_route6_burst(1, addresses, handles, 2);
	for (uint32_t hash = 0; handles[0] && hash < 4; hash++) {
		const struct fwd_nexthop_row *hop = nexthop_resolve(handles[0], hash << 30 | 0x12345);
		if (!hop)
			continue;
		seen++;
		if ((hop->id & 0xff) != n || hop->port != hop->id || hop->type != FWD_NEXTHOP_PORT)
			mixture();
	}
	return seen;
}

static uint32_t look_at_learned(uint32_t n)
{
	uint8_t mac[6] = {2, 1, 0, 0, 0, (uint8_t)n};
	const struct fwd_learned_mac_row *row = tables_learned_mac(1, mac);
	if (row && (row->port & 0xff) != n)
		mixture();
	const struct gateways *gateways = tables_gateways(n + 1);
	for (uint32_t i = 0; gateways && i < gateways->count; i++)
		if (gateways->rows[i]->bridge != n + 1 || gateways->rows[i]->mac[5] != n)
			mixture();
	return (row != NULL) + (gateways != NULL);
}

/* Everything in row n says n: the port in its low byte, the version in the others. */
static uint32_t look(uint32_t n)
{
	uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)n};
	uint32_t seen = 0, version;
	const struct fwd_mac_row *row = tables_mac(1, mac);
	if (row) {
		seen++;
		if ((row->port & 0xff) != n || row->mac[5] != n)
			mixture();
	}
	const struct fwd_bridge_row *bridge = tables_bridge(n + 1);
	if (bridge) {
		seen++;
		version = bridge->vni;
		if (bridge->vrf != version || bridge->mtu != (uint16_t)version)
			mixture();
	}
	uint32_t handle = tables_route4(1, address4(10, (uint8_t)n, 3, 4));
	const struct fwd_nexthop_row *hop = handle ? tables_nexthop(handle) : NULL;
	if (hop) {
		seen++;
		if ((hop->id & 0xff) != n || hop->port != hop->id || hop->bridge != hop->id)
			mixture();
	}
	return seen + look_at_group(n) + look_at_learned(n);
}

static void *read_rows(void *argument)
{
	uint32_t id = (uint32_t)(uintptr_t)argument, seen = 0;
	rcu_register(id);
	for (uint32_t burst = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); burst++) {
		for (uint32_t n = 0; n < ROWS; n++)
			seen += look(n);
		rcu_quiescent(id);
		if (burst % 16)
			continue;
		rcu_offline(id);
		usleep(10);
		rcu_online(id);
	}
	rcu_unregister(id);
	__atomic_fetch_add(&found, seen, __ATOMIC_RELAXED);
	return NULL;
}

/* Rows of one version; routes change their next hop, every fourth row is missing in turn. */
static void make_version(struct ops *ops, uint32_t version)
{
	ops->used = 0;
	for (uint32_t n = 0; n < ROWS; n++) {
		if ((n + version) % 4 == 0)
			continue;
		uint32_t id = (version % 7 + 1) << 8 | n;
		struct fwd_mac_row mac = {.bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)n}, .port = id};
		struct fwd_bridge_row bridge = {.id = n + 1, .vrf = version, .vni = version, .mtu = (uint16_t)version};
		struct fwd_nexthop_row hop = {.id = id, .port = id, .bridge = id, .type = FWD_NEXTHOP_PORT};
		struct fwd_route_row route = route4(1, address4(10, (uint8_t)n, 0, 0), 16, 10, id);
		/* Places come and go with the version. */
		struct fwd_nexthop_row group = {.id = 1u << 16 | n, .type = FWD_NEXTHOP_ECMP, .size = 4};
		struct fwd_route_row to_group = {.vrf = 1,
		        .family = 6,
		        .prefix_length = 64,
		        .address = {0x20, 1, 0, (uint8_t)n},
		        .source = 10,
		        .nexthop = group.id};
		struct fwd_member_row member = {.group = group.id, .index = version % 4, .nexthop = id};
		struct fwd_neighbor_row gateway = {.bridge = n + 1,
		        .family = 4,
		        .address = {10, (uint8_t)n, 0, (uint8_t)(version % 3)},
		        .mac = {2, 0, 0, 0, 0, (uint8_t)n},
		        .flags = FWD_NEIGHBOR_GATEWAY};
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_NEXTHOP, &group);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_ROUTE, &to_group);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_MEMBER, &member);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_NEIGHBOR, &gateway);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_MAC, &mac);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &bridge);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_NEXTHOP, &hop);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_ROUTE, &route);
	}
}

static void *learn(void *unused)
{
	(void)unused;
	for (uint32_t version = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); version++)
		for (uint32_t n = 0; n < ROWS; n++) {
			struct fwd_learned_mac_row row = {
			        .bridge = 1, .mac = {2, 1, 0, 0, 0, (uint8_t)n}, .port = (version << 8 & 0xfff00) | n};
			struct internal_change change = {
			        (version + n) % 3 ? FWD_OP_UPSERT : FWD_OP_DELETE, FWD_TABLE_LEARNED_MAC, &row};
			if (rows_internal_apply(&change, 1) < 0)
				abort();
		}
	return NULL;
}

/* Every public call holds the writer lock. */
static int32_t publish(struct ops *ops, uint32_t owner, uint32_t version)
{
	make_version(ops, version);
	rows_lock();
	uint32_t generation = (uint32_t)rows_begin(owner);
	int32_t failed = ops_send(ops, owner, generation);
	if (failed >= 0)
		failed = rows_commit(owner, generation);
	rows_unlock();
	return failed;
}

TEST(readers_see_each_row_old_or_new)
{
	static struct ops ops;
	struct fwd_state report;
	pthread_t readers[READERS], learner;
	int fd = state_file();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	uint32_t owner = (uint32_t)rows_owner_open("network");
	for (uintptr_t i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&readers[i], NULL, read_rows, (void *)(i + 1)), 0);
	int32_t failed = 0;
	CHECK_EQ(pthread_create(&learner, NULL, learn, NULL), 0);
	for (uint32_t version = 1; version <= ROUNDS && failed >= 0; version++)
		failed = publish(&ops, owner, version);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(learner, NULL);
	for (uint32_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	CHECK(failed >= 0);
	CHECK_EQ(mixtures, 0);
	CHECK(found > ROUNDS);
	state_detach();
	close(fd);
}

#define STABLE 64u /* hosts whose routes stay while others around them come and go */

static struct lpm shared;
static uint32_t wrong;

static uint32_t stable_host(uint32_t n)
{
	return 10u << 24 | n % 2 << 16 | n % 3 << 8 | n * 4;
}

static void *find_stable(void *argument)
{
	uint32_t id = (uint32_t)(uintptr_t)argument, be[32], values[32];
	rcu_register(id);
	for (uint32_t first = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); first = (first + 32) % STABLE) {
		for (uint32_t i = 0; i < 32; i++)
			be[i] = __builtin_bswap32(stable_host(first + i));
		lpm_find4_burst(&shared, be, values, 32);
		for (uint32_t i = 0; i < 32; i++)
			if (values[i] != first + i + 1 || lpm_find4(&shared, stable_host(first + i)) != first + i + 1)
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		rcu_quiescent(id);
	}
	rcu_unregister(id);
	return NULL;
}

/* Enough prefixes for the direct table to grow, then so few that it shrinks; each round others. Returns whether the
 * table was there. */
static bool churn(uint32_t round)
{
	uint8_t address[16] = {0};
	bool direct = false;
	for (uint32_t step = 0; step < 2; step++)
		for (uint32_t i = 0; i < 3000; i++) {
			uint32_t length = 17 + (i + round) % 15;
			uint32_t host = (10u << 24 | ((i * 2654435761u) >> 14)) & ~0u << (32 - length);
			host = __builtin_bswap32(host);
			memcpy(address, &host, 4);
			if (step == 0)
				lpm_insert(&shared, 4, address, (uint8_t)length, 99999);
			else
				lpm_delete(&shared, 4, address, (uint8_t)length);
			direct |= shared.flat != NULL;
			if (i % 64 == 0)
				rcu_reclaim();
		}
	return direct;
}

TEST(a_route_that_stays_is_found_whatever_goes_on_around_it)
{
	pthread_t readers[READERS];
	bool direct = false;
	CHECK_EQ(rcu_init(), 0);
	for (uint32_t n = 0; n < STABLE; n++) {
		uint8_t address[16] = {0};
		uint32_t be = __builtin_bswap32(stable_host(n));
		memcpy(address, &be, 4);
		CHECK_EQ(lpm_insert(&shared, 4, address, 32, n + 1), 0);
	}
	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	for (uintptr_t i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&readers[i], NULL, find_stable, (void *)(i + 1)), 0);
	for (uint32_t round = 0; round < 30; round++)
		direct |= churn(round);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	lpm_free(&shared);
	rcu_fini();
	CHECK(direct);
	CHECK_EQ(wrong, 0);
}

TEST_MAIN(CASE(readers_see_each_row_old_or_new), CASE(a_route_that_stays_is_found_whatever_goes_on_around_it))
