/* State memory over the death of its user: kill -9 in the middle of publishing, restarts, damage. And rows in any
 * order. */
#include "state.h"

#include <signal.h>
#include <sys/wait.h>

#include "arena_map.h"
#include "test.h"

#define GROUP 100
#define KILLS 80

static uint64_t seed = 0x2545f4914f6cdd1dULL;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* Batch number n sets all bridges of the group to vni n, moves one port row, and adds or removes a block of VRFs. */
static void make_batch(struct ops *ops, uint32_t n)
{
	ops->used = 0;
	for (uint32_t id = 1; id <= GROUP; id++) {
		struct fwd_bridge_row bridge = {.id = id, .vni = n & 0xffffff};
		ops_add(ops, FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &bridge);
	}
	for (uint32_t id = 1; id <= GROUP; id++) {
		struct fwd_vrf_row vrf = {.id = id};
		ops_add(ops, n % 2 ? FWD_OP_UPSERT : FWD_OP_DELETE, FWD_TABLE_VRF, &vrf);
	}
}

static _Noreturn void publish_until_killed(int fd, int ready)
{
	struct fwd_state report;
	static struct ops ops;
	if (state_attach(fd, STATE_MIB, &report))
		_exit(1);
	uint32_t owner = (uint32_t)rows_owner_open("network"), generation = (uint32_t)rows_begin(owner);
	uint32_t n = tables_bridge(1) ? tables_bridge(1)->vni : 0;
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		make_batch(&ops, ++n);
		if (ops_send(&ops, owner, generation) < 0)
			_exit(1);
	}
}

/* What a batch left is whole: one vni everywhere, all VRFs or none. Returns the vni, or -1. */
static int64_t whole_group(void)
{
	if (!tables_bridge(1))
		return 0;
	uint32_t n = tables_bridge(1)->vni;
	for (uint32_t id = 1; id <= GROUP; id++) {
		if (!tables_bridge(id) || tables_bridge(id)->vni != n)
			return -1;
		if (!!tables_vrf(id) != n % 2)
			return -1;
	}
	return n;
}

/* Waits until the child has committed a journal and works on the slots; gives up after a while. */
static void wait_for_commit(int fd)
{
	const struct arena_header *header = mmap(NULL, ARENA_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED)
		return;
	for (uint32_t i = 0; i < 3000000 && !__atomic_load_n(&header->journal_committed, __ATOMIC_ACQUIRE); i++)
		;
	munmap((void *)header, ARENA_HEADER_BYTES);
}

TEST(a_batch_is_whole_after_kill_9_at_any_instant)
{
	int fd = state_file(), replayed = 0;
	int64_t last = 0;
	for (int round = 0; round < KILLS; round++) {
		struct fwd_state report;
		char byte;
		int ready[2], status;
		CHECK_EQ(pipe(ready), 0);
		pid_t child = fork();
		if (child == 0)
			publish_until_killed(fd, ready[1]);
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		usleep(random32() % 1500);
		if (round % 2)
			wait_for_commit(fd);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		CHECK(WIFSIGNALED(status));
		close(ready[0]);
		close(ready[1]);
		CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
		int64_t n = whole_group();
		state_detach();
		CHECK(n >= last);
		CHECK_EQ(report.fresh, round ? 0 : report.fresh);
		CHECK_EQ(report.discarded, 0);
		replayed += report.replayed > 0;
		last = n;
	}
	CHECK(last > KILLS);
	printf("  %lld batches, %d of %d kills hit a half-published one\n", (long long)last, replayed, KILLS);
	close(fd);
}

/* The same as a kill between any two stores of carrying a journal out: the first `done` changes are in place, the mark
 * is set. */
TEST(an_interrupted_batch_is_finished)
{
	static struct ops first, second;
	struct fwd_state report;
	make_batch(&first, 1);
	make_batch(&second, 2);
	for (uint32_t torn = 0; torn < GROUP; torn += 6) {
		int fd = state_file();
		CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
		uint32_t owner = (uint32_t)rows_owner_open("network"), generation = (uint32_t)rows_begin(owner);
		CHECK_EQ(ops_send(&first, owner, generation), 2 * GROUP);
		CHECK_EQ(ops_send(&second, owner, generation), 2 * GROUP);
		/* The journal of the second batch still lies there. Tear some of the slots it had written and set the
		 * mark again. */
		struct change *change = (struct change *)(arena.base + arena_header()->journal_offset);
		for (uint32_t i = 0; i < torn; i++, change = (struct change *)((uint8_t *)change + change->bytes))
			memset(arena_slot(change->table, change->slot), 0xa5, 12);
		arena_header()->journal_committed = 1;
		state_detach();
		CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
		CHECK_EQ(report.replayed, 2 * GROUP);
		CHECK_EQ(whole_group(), 2);
		state_detach();
		close(fd);
	}
}

TEST(a_journal_that_is_not_committed_or_damaged_changes_nothing)
{
	static struct ops ops;
	struct fwd_state report;
	int fd = state_file();
	make_batch(&ops, 1);
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	uint32_t owner = (uint32_t)rows_owner_open("network"), generation = (uint32_t)rows_begin(owner);
	CHECK_EQ(ops_send(&ops, owner, generation), 2 * GROUP);
	arena.base[arena_header()->journal_offset + 50] ^= 1;
	arena_header()->journal_committed = 1;
	state_detach();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	CHECK_EQ(report.replayed, 0);
	CHECK_EQ(report.rows, 2 * GROUP);
	CHECK_EQ(whole_group(), 1);
	state_detach();
	close(fd);
}

TEST(rows_owners_and_generations_outlive_a_restart)
{
	struct fwd_state report;
	struct fwd_port_row port = {.id = 9, .bridge = 2, .mtu = 1500};
	int fd = state_file();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	CHECK_EQ(report.fresh, 1);
	uint32_t epoch = report.epoch, dns = (uint32_t)rows_owner_open("dns"),
	         network = (uint32_t)rows_owner_open("network");
	uint32_t generation = (uint32_t)rows_begin(network);
	CHECK_EQ(send_one(network, generation, FWD_OP_UPSERT, FWD_TABLE_PORT, &port), 1);
	uint32_t number = tables_generation(tables_port(9));
	state_detach();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	CHECK(report.fresh == 0 && report.rows == 1 && report.epoch == epoch + 1);
	CHECK_EQ(tables_generation(tables_port(9)), number);
	CHECK_EQ(tables_owner(tables_port(9)), network);
	CHECK_EQ(rows_owner_open("network"), network);
	CHECK_EQ(rows_owner_open("dns"), dns);
	CHECK_EQ(rows_begin(network), generation + 1);
	CHECK_EQ(rows_commit(network, generation + 1), 1);
	state_detach();
	close(fd);
}

/* Attaches after `damage` changed the file behind the library's back. */
static struct fwd_state attach_damaged(void (*damage)(void), int *fd, uint32_t mib)
{
	struct fwd_state report = {0};
	struct fwd_vrf_row vrf = {.id = 3}, other = {.id = 4};
	*fd = state_file();
	state_attach(*fd, STATE_MIB, &report);
	uint32_t owner = (uint32_t)rows_owner_open("network"), generation = (uint32_t)rows_begin(owner);
	send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_VRF, &vrf);
	send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_VRF, &other);
	if (damage)
		damage();
	state_detach();
	if (state_attach(*fd, mib, &report))
		report.fresh = 99;
	return report;
}

static void other_version(void)
{
	arena_header()->version++;
}
static void other_layout(void)
{
	arena_header()->rows_abi ^= 1;
}
static void no_magic(void)
{
	arena_header()->magic = 42;
}
static void bad_header(void)
{
	arena_header()->offset[3] += 8;
}
static void bad_row(void)
{
	arena_slot(FWD_TABLE_VRF, 0)->row[1] ^= 1;
}
static void bad_owner(void)
{
	arena_slot(FWD_TABLE_VRF, 0)->owner = 60;
}
static void bad_high_water(void)
{
	arena_header()->high_water[FWD_TABLE_MAC] = UINT32_MAX;
}

static void twin(void)
{
	memcpy(arena_slot(FWD_TABLE_VRF, 0), arena_slot(FWD_TABLE_VRF, 1), slot_bytes(FWD_TABLE_VRF));
}

TEST(unknown_memory_is_given_up_with_a_reason)
{
	const struct {
		void (*damage)(void);
		uint32_t mib;
		const char *note;
	} given_up[] = {{other_version, STATE_MIB, "another version"}, {other_layout, STATE_MIB, "damaged"},
	        {no_magic, STATE_MIB, "no state memory"}, {bad_header, STATE_MIB, "damaged"},
	        {NULL, STATE_MIB + 1, "another size"}};
	for (uint32_t i = 0; i < sizeof(given_up) / sizeof(given_up[0]); i++) {
		int fd;
		struct fwd_state report = attach_damaged(given_up[i].damage, &fd, given_up[i].mib);
		CHECK_EQ(report.fresh, 1);
		CHECK(strstr(report.note, given_up[i].note));
		CHECK(tables_vrf(3) == NULL && tables_vrf(4) == NULL);
		CHECK_EQ(rows_owner_open("network"), 1);
		state_detach();
		close(fd);
	}
}

TEST(damaged_rows_are_left_out_and_the_rest_is_kept)
{
	void (*const damages[])(void) = {bad_row, bad_owner, twin};
	for (uint32_t i = 0; i < 3; i++) {
		int fd;
		struct fwd_state report = attach_damaged(damages[i], &fd, STATE_MIB);
		CHECK_EQ(report.fresh, 0);
		CHECK_EQ(report.rows, 1);
		CHECK_EQ(report.discarded, 1);
		CHECK(tables_vrf(3) == NULL && tables_vrf(4) != NULL);
		state_detach();
		close(fd);
	}
	int fd;
	struct fwd_state report = attach_damaged(bad_high_water, &fd, STATE_MIB);
	CHECK_EQ(report.rows, 2);
	state_detach();
	close(fd);
}

/* A network of two routers' worth of rows that refer to each other, sent one by one in random order. */
static uint32_t make_world(struct ops *each)
{
	uint32_t count = 0;
#define ROW(table, type, ...)                                                                                          \
	do {                                                                                                           \
		struct type row = __VA_ARGS__;                                                                         \
		each[count].used = 0;                                                                                  \
		ops_add(&each[count++], FWD_OP_UPSERT, table, &row);                                                   \
	} while (0)
	for (uint32_t n = 1; n <= 3; n++) {
		ROW(FWD_TABLE_VRF, fwd_vrf_row, {.id = n});
		ROW(FWD_TABLE_BRIDGE, fwd_bridge_row, {.id = n, .vrf = n, .mtu = 1500});
		ROW(FWD_TABLE_PORT, fwd_port_row, {.id = n, .bridge = n, .mtu = 1500});
		ROW(FWD_TABLE_MAC, fwd_mac_row, {.bridge = n, .mac = {2, 0, 0, 0, 0, (uint8_t)n}, .port = n});
		ROW(FWD_TABLE_NEIGHBOR, fwd_neighbor_row,
		        {.bridge = n, .family = 4, .address = {10, 1, 0, (uint8_t)n}, .mac = {2}});
		ROW(FWD_TABLE_NEXTHOP, fwd_nexthop_row, {.id = n, .port = n, .bridge = n, .type = FWD_NEXTHOP_PORT});
		for (uint32_t m = 1; m <= 3; m++) {
			struct fwd_route_row route = route4(n, address4(10, (uint8_t)m, 0, 0), 16, 10, m);
			ROW(FWD_TABLE_ROUTE, fwd_route_row, route);
		}
	}
	return count;
}

static bool world_works(void)
{
	for (uint32_t n = 1; n <= 3; n++) {
		uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)n};
		if (!tables_mac(n, mac) || !tables_port(tables_mac(n, mac)->port))
			return false;
		if (!tables_bridge(n) || !tables_vrf(tables_bridge(n)->vrf))
			return false;
		if (!tables_neighbor4(n, address4(10, 1, 0, (uint8_t)n)))
			return false;
		for (uint32_t m = 1; m <= 3; m++) {
			const struct fwd_nexthop_row *hop =
			        tables_nexthop(tables_route4(n, address4(10, (uint8_t)m, 5, 5)));
			if (!hop || hop->port != m)
				return false;
		}
	}
	return true;
}

TEST(rows_may_come_in_any_order)
{
	static struct ops each[64];
	for (int round = 0; round < 60; round++) {
		struct fwd_state report;
		int fd = state_file();
		CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
		uint32_t owner = (uint32_t)rows_owner_open("network"), generation = (uint32_t)rows_begin(owner),
		         count = make_world(each);
		for (uint32_t i = count; i > 1; i--) {
			uint32_t j = random32() % i;
			struct ops swapped = each[i - 1];
			each[i - 1] = each[j];
			each[j] = swapped;
		}
		for (uint32_t i = 0; i < count; i++) {
			CHECK(!world_works());
			CHECK_EQ(ops_send(&each[i], owner, generation), 1);
		}
		CHECK(world_works());
		state_detach();
		CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
		CHECK(world_works());
		CHECK_EQ(rows_clear(owner), count);
		CHECK_EQ(tables_route4(1, address4(10, 1, 5, 5)), 0);
		state_detach();
		close(fd);
	}
}

TEST(a_route_without_its_next_hop_is_unresolved)
{
	struct fwd_state report;
	int fd = state_file();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	uint32_t owner = (uint32_t)rows_owner_open("network"), generation = (uint32_t)rows_begin(owner);
	struct fwd_route_row route = route4(1, address4(10, 0, 0, 0), 8, 10, 77);
	struct fwd_nexthop_row hop = {.id = 77, .port = 5};
	CHECK_EQ(send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_ROUTE, &route), 1);
	uint32_t handle = tables_route4(1, address4(10, 2, 3, 4));
	CHECK(handle != 0 && tables_nexthop(handle) == NULL);
	CHECK_EQ(send_one(owner, generation, FWD_OP_UPSERT, FWD_TABLE_NEXTHOP, &hop), 1);
	CHECK(tables_nexthop(handle) && tables_nexthop(handle)->port == 5);
	CHECK_EQ(send_one(owner, generation, FWD_OP_DELETE, FWD_TABLE_NEXTHOP, &hop), 1);
	CHECK(tables_nexthop(tables_route4(1, address4(10, 2, 3, 4))) == NULL);
	state_detach();
	close(fd);
}

TEST_MAIN(CASE(a_batch_is_whole_after_kill_9_at_any_instant), CASE(an_interrupted_batch_is_finished),
        CASE(a_journal_that_is_not_committed_or_damaged_changes_nothing),
        CASE(rows_owners_and_generations_outlive_a_restart), CASE(unknown_memory_is_given_up_with_a_reason),
        CASE(damaged_rows_are_left_out_and_the_rest_is_kept), CASE(rows_may_come_in_any_order),
        CASE(a_route_without_its_next_hop_is_unresolved))
