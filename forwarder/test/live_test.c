/* What the link thread makes of rows that change while their port is live, and of more ports than there is room for. */
#include <string.h>

#include "port.h"
#include "tenants.h"
#include "test.h"

static struct port_report_entry state_of(uint32_t id)
{
	struct port_report_entry entry = {0};

	rig_links();
	return port_next(id, &entry) && entry.id == id ? entry : (struct port_report_entry){0};
}

TEST(a_refused_mtu_is_forgotten_when_it_is_corrected)
{
	RIG_ROW(port, .id = 60, .mtu = 1500, .binding = FWD_BINDING_NONE);
	CHECK_EQ(state_of(60).state, FWD_LINK_UP);
	RIG_ROW(port, .id = 60, .mtu = 9300, .binding = FWD_BINDING_NONE);
	CHECK(state_of(60).state == FWD_LINK_PENDING && strstr(state_of(60).reason, "mtu 9300 is above") != NULL);
	RIG_ROW(port, .id = 60, .mtu = 1500, .binding = FWD_BINDING_NONE);
	CHECK(state_of(60).state == FWD_LINK_UP && state_of(60).reason[0] == 0);
	RIG_DELETE(port, .id = 60);
}

TEST(a_vlans_mtu_stays_within_its_trunks)
{
	CHECK_EQ(state_of(6).state, FWD_LINK_UP);
	struct fwd_port_row row = port_of(6)->row, before = row;
	row.mtu = 9000;
	rig_row(FWD_TABLE_PORT, &row, sizeof(row));
	CHECK(state_of(6).state == FWD_LINK_PENDING && strstr(state_of(6).reason, "of the trunk port") != NULL);
	rig_row(FWD_TABLE_PORT, &before, sizeof(before));
	CHECK_EQ(state_of(6).state, FWD_LINK_UP);
}

TEST(a_port_without_room_is_made_when_there_is_some)
{
	uint32_t id = 1000;

	for (; id < 1000 + port_slot_limit() + 3; id++)
		RIG_ROW(port, .id = id, .bridge = 1, .mtu = 1500, .binding = FWD_BINDING_NONE);
	uint32_t without = 1000;
	while (state_of(without).id != 0)
		without++;
	CHECK(without < id - 3);
	/* The first that waits goes, the second changes: it is the one that gets the room, as it is now. */
	RIG_DELETE(port, .id = without);
	RIG_ROW(port, .id = without + 1, .bridge = 2, .mtu = 1400, .binding = FWD_BINDING_NONE);
	CHECK_EQ(state_of(without + 1).id, 0);
	RIG_DELETE(port, .id = 1000);
	CHECK_EQ(state_of(without).id, 0);
	CHECK_EQ(state_of(without + 1).state, FWD_LINK_UP);
	CHECK(port_of(without + 1)->row.bridge == 2 && port_of(without + 1)->row.mtu == 1400);
	CHECK_EQ(state_of(without + 2).id, 0);
	while (--id >= 1000)
		if (id != 1000 && id != without)
			RIG_DELETE(port, .id = id);
	CHECK_EQ(state_of(without + 2).id, 0);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_refused_mtu_is_forgotten_when_it_is_corrected),
	        CASE(a_vlans_mtu_stays_within_its_trunks),
	        CASE(a_port_without_room_is_made_when_there_is_some),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
