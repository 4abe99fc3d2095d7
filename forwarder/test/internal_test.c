/* Rows that the forwarder writes itself. */
#include "state.h"

#include "test.h"

static int fd = -1;
static struct fwd_state report;
static uint32_t network, generation;

static bool up(void)
{
	fd = state_file();
	if (state_attach(fd, STATE_MIB, &report))
		return false;
	network = (uint32_t)rows_owner_open("network");
	generation = (uint32_t)rows_begin(network);
	return true;
}

static void down(void)
{
	state_detach();
	close(fd);
}

static int32_t put(uint8_t table, const void *row)
{
	return send_one(network, generation, FWD_OP_UPSERT, table, row);
}

#define PORTS 6

static void make_ports(void)
{
	for (uint32_t id = 1; id <= PORTS; id++)
		put(FWD_TABLE_PORT, &(struct fwd_port_row){.id = id, .bridge = 1, .mtu = 1500});
}

static int32_t learn_mac(uint8_t op, uint8_t last, uint32_t port)
{
	const struct fwd_learned_mac_row row = {.bridge = 1,
	        .mac = {2, 0, 0, 0, 0, last},
	        .port = port,
	        .generation = port ? tables_generation(tables_port(port)) : 0};
	const struct internal_change change = {op, FWD_TABLE_LEARNED_MAC, &row};
	return rows_internal_apply(&change, 1);
}

TEST(learned_rows_are_the_forwarders_own_and_outlive_a_restart)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, group[6] = {3};
	struct fwd_learned_mac_row theirs = {.bridge = 1, .mac = {2, 0, 0, 0, 0, 1}, .port = 9}, rows[4];
	make_ports();
	CHECK_EQ(put(FWD_TABLE_LEARNED_MAC, &theirs), FWD_ERR_ROW);
	CHECK(strstr(error_text(), "operation 0: learned_mac is written by the forwarder itself"));
	CHECK_EQ(learn_mac(FWD_OP_UPSERT, 1, 5), 1);
	CHECK_EQ(learn_mac(FWD_OP_UPSERT, 1, 5), 0);
	CHECK_EQ(learn_mac(FWD_OP_UPSERT, 2, 6), 1);
	CHECK_EQ(tables_learned_mac(1, mac)->port, 5);
	CHECK(!tables_learned_mac(2, mac) && !tables_mac(1, mac));
	/* A plugin's sweep leaves them alone; a plugin's rows cannot be written this way. */
	generation = (uint32_t)rows_begin(network);
	make_ports();
	CHECK_EQ(rows_commit(network, generation), 0);
	memcpy(theirs.mac, group, 6);
	const struct internal_change wrong[] = {
	        {FWD_OP_UPSERT, FWD_TABLE_LEARNED_MAC, &theirs}, {FWD_OP_UPSERT, FWD_TABLE_MAC, &theirs}};
	CHECK_EQ(rows_internal_apply(&wrong[0], 1), FWD_ERR_ROW);
	CHECK_EQ(rows_internal_apply(&wrong[1], 1), FWD_ERR_ROW);
	CHECK_EQ(learn_mac(FWD_OP_DELETE, 2, 0), 1);
	state_detach();
	CHECK_EQ(state_attach(fd, STATE_MIB, &report), 0);
	CHECK_EQ(report.rows, 1 + PORTS);
	CHECK_EQ(tables_learned_mac(1, mac)->port, 5);
	/* Anyone may read them. */
	uint32_t cursor = 0;
	CHECK_EQ(rows_read(network, FWD_TABLE_LEARNED_MAC, &cursor, rows, sizeof(rows)), sizeof(rows[0]));
	CHECK_EQ(rows[0].port, 5);
}

TEST(learned_neighbors_are_found_by_their_address)
{
	make_ports();
	const struct fwd_learned_neighbor_row row = {.bridge = 1,
	        .family = 6,
	        .address = {0xfe, 0x80, [15] = 7},
	        .mac = {2, 7},
	        .port = 4,
	        .generation = tables_generation(tables_port(4))};
	const struct internal_change changes[] = {
	        {FWD_OP_UPSERT, FWD_TABLE_LEARNED_NEIGHBOR, &row}, {FWD_OP_DELETE, FWD_TABLE_LEARNED_NEIGHBOR, &row}};
	CHECK_EQ(rows_internal_apply(changes, 1), 1);
	CHECK_EQ(tables_learned_neighbor(1, row.address)->port, 4);
	CHECK(tables_learned_neighbor(2, row.address) == NULL);
	CHECK_EQ(rows_internal_apply(changes, 2), 1);
	CHECK(tables_learned_neighbor(1, row.address) == NULL);
}

static const struct test_case cases[] = {
        CASE(learned_rows_are_the_forwarders_own_and_outlive_a_restart),
        CASE(learned_neighbors_are_found_by_their_address),
};

int main(void)
{
	int failed = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!up()) {
			printf("no state memory: %s\n", error_text());
			return 1;
		}
		failed += test_run(&cases[i], 1);
		down();
	}
	return failed;
}
