/* DPDK devices as ports. */
#include <errno.h>

#include "io.h"
#include "rig.h"
#include "test.h"

#define DEVICE "net_null0"

TEST(a_device_has_one_user_at_a_time)
{
	struct port_io *first, *second;

	CHECK_EQ(io_ethdev_open(DEVICE, 1500, &first), 0);
	CHECK_EQ(io_ethdev_open(DEVICE, 1500, &second), -EBUSY);
	first->ops->close(first);
}

TEST(a_device_that_was_given_up_can_be_used_again)
{
	struct port_io *io;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(io_ethdev_open(DEVICE, 1500, &io), 0);
		io->ops->close(io);
	}
}

TEST(a_device_that_does_not_exist_is_named_so)
{
	struct port_io *io;

	CHECK_EQ(io_ethdev_open("net_nothing0", 1500, &io), -ENODEV);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_device_has_one_user_at_a_time),
	        CASE(a_device_that_was_given_up_can_be_used_again),
	        CASE(a_device_that_does_not_exist_is_named_so),
	};

	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
