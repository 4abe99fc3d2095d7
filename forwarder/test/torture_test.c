/* Packet threads look rows up while a writer adds, changes and removes them: each row is seen old or new, never a
 * mixture or something else. */
#include "state.h"

#include <pthread.h>

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
	return seen;
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
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_MAC, &mac);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &bridge);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_NEXTHOP, &hop);
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_ROUTE, &route);
	}
}

TEST(readers_see_each_row_old_or_new)
{
	static struct ops ops;
	struct fwd_state report;
	pthread_t readers[READERS];
	int fd = state_file();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	uint32_t owner = (uint32_t)rows_owner_open("network");
	for (uintptr_t i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&readers[i], NULL, read_rows, (void *)(i + 1)), 0);
	int32_t failed = 0;
	for (uint32_t version = 1; version <= ROUNDS && failed >= 0; version++) {
		uint32_t generation = (uint32_t)rows_begin(owner);
		make_version(&ops, version);
		failed = ops_send(&ops, owner, generation);
		if (failed >= 0)
			failed = rows_commit(owner, generation);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	CHECK(failed >= 0);
	CHECK_EQ(mixtures, 0);
	CHECK(found > ROUNDS);
	state_detach();
	close(fd);
}

TEST_MAIN(CASE(readers_see_each_row_old_or_new))
