/* VLANs of a trunk. */
#include <errno.h>
#include <string.h>

#include "binding.h"
#include "port.h"
#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[2048];
static const struct port_ops *trunk_ops;

static int one_at_a_time(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	return trunk_ops->tx_burst(io, mbufs, 1);
}

TEST(a_trunk_that_takes_frames_one_by_one_has_one_tag_on_each)
{
	struct port_io *io = port_of(5)->io;
	struct port_ops slow = *io->ops;
	uint32_t length = make_udp(in, mac_of(7), 4, 0x0a01000c, 0x0a01000d, 80, 20);

	trunk_ops = io->ops;
	slow.tx_burst = one_at_a_time;
	io->ops = &slow;
	for (int i = 0; i < 3; i++)
		rig_send(4, in, length);
	rig_run();
	io->ops = trunk_ops;
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(rig_take(5, out), length + 4);
		CHECK(out[15] == 102 && memcmp(in + 12, out + 16, length - 12) == 0);
	}
}

TEST(a_port_that_is_gone_takes_no_vlan_from_another)
{
	struct fwd_port_row row = {.id = 99, .binding = FWD_BINDING_VLAN, .parent = 5, .vlan = 101};
	struct binding_result result;

	binding_open(&row, &result);
	CHECK_EQ(result.error, -ENODEV);
	CHECK_EQ(port_vlan(port_of(5), 101), port_of(6)->slot);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_trunk_that_takes_frames_one_by_one_has_one_tag_on_each),
	        CASE(a_port_that_is_gone_takes_no_vlan_from_another),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
