/* Punts to plugins and injections back. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "port.h"
#include "punt.h"
#include "tables.h"
#include "tenants.h"
#include "test.h"

static uint8_t in[2048], out[RIG_FRAME], batch[65536];

/* As a client without an address asks (RFC 2131 §4.1). */
static uint32_t make_discover(uint8_t *out, uint32_t port)
{
	uint32_t length = make_udp(out, mac_broadcast, (uint8_t)port, 0, 0xffffffff, 67, 240);

	out[34] = 0;
	out[35] = 68;
	return length;
}

static void discover(uint32_t port)
{
	rig_send(port, in, make_discover(in, port));
	rig_run();
}

/* Records waiting for the plugin; the first one's header in *head. */
static uint32_t drain(struct fwd_punt *head)
{
	uint32_t count = 0;
	int32_t bytes = punt_read(rig_owner(), batch, sizeof(batch));

	if (bytes > 0 && head != NULL)
		memcpy(head, batch, sizeof(*head));
	for (int32_t at = 0; at < bytes; count++) {
		struct fwd_punt record;
		memcpy(&record, batch + at, sizeof(record));
		at += (int32_t)((sizeof(record) + record.length + 7) & ~7u);
	}
	return count;
}

TEST(a_dhcp_request_reaches_its_plugin_whole)
{
	struct fwd_punt head;

	discover(1);
	CHECK_EQ(drain(&head), 1);
	CHECK_EQ(head.version, 1);
	CHECK_EQ(head.punt_class, 7);
	CHECK_EQ(head.port, 1);
	CHECK_EQ(head.generation, port_of(1)->generation);
	CHECK_EQ(head.vrf, 1);
	CHECK_EQ(head.length, 14 + 20 + 8 + 240);
	CHECK(memcmp(batch + sizeof(head), in, head.length) == 0);
	CHECK(head.timestamp_ns > 1000000000);
	CHECK_EQ(rig_take(2, out), -1);
}

TEST(a_sub_ports_punt_names_its_vlan)
{
	uint8_t frame[512];
	struct fwd_punt head;
	uint32_t length = make_discover(frame, 7);

	rig_send(5, in, make_tagged(in, 102, frame, length));
	rig_run();
	CHECK_EQ(drain(&head), 1);
	CHECK_EQ(head.port, 7);
	CHECK_EQ(head.vrf, 2);
	CHECK_EQ(head.flags, PUNT_FLAG_VLAN);
	CHECK_EQ(head.vlan, 102);
	CHECK_EQ(head.length, length);
}

TEST(a_wake_up_comes_once_per_arming)
{
	struct pollfd fd = {.fd = punt_fd(), .events = POLLIN};
	char bytes[8];

	CHECK_EQ(punt_arm(), 0);
	CHECK_EQ(poll(&fd, 1, 0), 0);
	discover(2);
	discover(2);
	CHECK_EQ(read(fd.fd, bytes, sizeof(bytes)), 1);
	CHECK_EQ(punt_arm(), 1);
	CHECK_EQ(drain(NULL), 2);
	CHECK_EQ(punt_arm(), 0);
}

TEST(a_buffer_too_small_for_the_first_record_takes_nothing)
{
	discover(2);
	CHECK_EQ(punt_read(rig_owner(), batch, 64), -28);
	CHECK_EQ(drain(NULL), 1);
}

TEST(one_port_cannot_use_up_the_class)
{
	uint64_t port_limit = rig_drops(3, DROP_PUNT_PORT_LIMIT);

	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = 1, .burst = 12, .port_rate = 1,
	        .port_burst = 5, .name = "dhcp");
	for (int i = 0; i < 20; i++)
		discover(3);
	uint64_t refused = rig_drops(3, DROP_PUNT_PORT_LIMIT) - port_limit;
	CHECK_EQ(refused, 15);
	for (int i = 0; i < 5; i++)
		discover(4);
	/* 12 for the class: 5 and 5 are gone, 2 are left for a third port. */
	for (int i = 0; i < 5; i++)
		discover(8);
	CHECK_EQ(rig_drops(8, DROP_PUNT_CLASS_LIMIT), 3);
	CHECK_EQ(drain(NULL), 12);
}

TEST(a_plugin_that_sleeps_fills_its_ring_and_no_more)
{
	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = UINT32_MAX, .burst = 1,
	        .port_rate = UINT32_MAX, .port_burst = 1, .name = "dhcp");
	for (int i = 0; i < 600; i++)
		discover(3);
	CHECK(rig_drops(3, DROP_PUNT_RING_FULL) >= 600 - PUNT_RING);
	uint32_t waited = 0, some;
	while ((some = drain(NULL)) > 0)
		waited += some;
	CHECK_EQ(waited, PUNT_RING);
	discover(3);
	CHECK_EQ(drain(NULL), 1);
}

/* Appends an inject record to batch; returns the new length. */
static uint32_t inject(uint32_t at, uint32_t port, uint32_t generation, const uint8_t *frame, uint32_t length)
{
	struct fwd_punt head = {.version = 1, .length = length, .port = port, .generation = generation};

	memcpy(batch + at, &head, sizeof(head));
	memcpy(batch + at + sizeof(head), frame, length);
	return (uint32_t)(at + sizeof(head) + length + 7) & ~7u;
}

TEST(a_jumbo_frame_is_injected_and_punted_whole)
{
	static uint8_t jumbo[8000];
	struct fwd_punt head;
	uint32_t length = make_udp(jumbo, mac_of(1), 99, 0x0a010001, 0x0a01000b, 68, 7000);

	RIG_ROW(port, .id = 1, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 9000, .mac = {2, 0, 0, 0, 0, 1});
	rig_clear();
	CHECK_EQ(inject_records(batch, inject(0, 1, port_of(1)->generation, jumbo, length)), 1);
	rig_run();
	CHECK_EQ(rig_take(1, out), length);
	CHECK(memcmp(out, jumbo, length) == 0);
	length = make_udp(jumbo, mac_broadcast, 1, 0, 0xffffffff, 67, 7000);
	jumbo[34] = 0;
	jumbo[35] = 68;
	rig_send(1, jumbo, length);
	rig_run();
	CHECK_EQ(drain(&head), 1);
	CHECK_EQ(head.length, length);
	CHECK(memcmp(batch + sizeof(head), jumbo, length) == 0);
	RIG_ROW(port, .id = 1, .bridge = 10, .flags = FWD_PORT_SECURITY, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1});
}

TEST(punts_that_wait_leave_most_buffers_free)
{
	RIG_ROW(punt_class, .id = 9, .receiver = (uint16_t)rig_owner(), .rate = UINT32_MAX, .burst = UINT32_MAX,
	        .port_rate = UINT32_MAX, .port_burst = UINT32_MAX, .name = "large");
	RIG_ROW(service, .vrf = 1, .family = 4, .protocol = 17, .l4_port = 9999, .punt_class = 9);
	static uint8_t jumbo[8000];
	uint32_t length = make_udp(jumbo, mac_gateway, 1, 0x0a01000b, 0x0a010001, 9999, 7000);
	uint64_t refused = rig_drops(1, DROP_PUNT_RING_FULL);

	for (int i = 0; i < 400; i++) {
		rig_send(1, jumbo, length);
		rig_run();
	}
	/* 4,095 buffers; four of them for each frame. */
	CHECK_EQ(400 - (rig_drops(1, DROP_PUNT_RING_FULL) - refused), 4095 / 4 / 4);
	while (drain(NULL) > 0)
		;
	rig_send(1, jumbo, length);
	rig_run();
	CHECK_EQ(drain(NULL), 1);
}

TEST(a_port_made_anew_has_full_buckets)
{
	struct fwd_port_row row = {.id = 70, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 70}};
	uint16_t slot;

	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = 1000000, .burst = 1000, .port_rate = 1,
	        .port_burst = 2, .name = "dhcp");
	rig_row(FWD_TABLE_PORT, &row, sizeof(row));
	rig_attach(70);
	slot = port_of(70)->slot;
	for (int i = 0; i < 3; i++)
		discover(70);
	CHECK_EQ(drain(NULL), 2);
	RIG_DELETE(port, .id = 70);
	rig_row(FWD_TABLE_PORT, &row, sizeof(row));
	rig_attach(70);
	CHECK_EQ(port_of(70)->slot, slot);
	discover(70);
	CHECK_EQ(drain(NULL), 1);
	RIG_DELETE(port, .id = 70);
}

TEST(an_injected_frame_leaves_through_its_port)
{
	uint32_t length = make_udp(in, mac_of(1), 99, 0x0a010001, 0x0a01000b, 68, 300);
	uint64_t injected = rig_totals(1).injected;
	uint32_t used = inject(0, 1, port_of(1)->generation, in, length);

	used = inject(used, 6, port_of(6)->generation, in, length);
	rig_clear();
	CHECK_EQ(inject_records(batch, used), 2);
	rig_run();
	CHECK_EQ(rig_take(1, out), length);
	CHECK(memcmp(in, out, length) == 0);
	CHECK_EQ(rig_take(5, out), length + 4);
	CHECK_EQ(out[15], 101);
	CHECK_EQ(rig_totals(1).injected, injected + 1);
}

TEST(an_injection_for_a_port_that_is_not_that_one_any_more_is_stale)
{
	uint32_t length = make_udp(in, mac_of(1), 99, 0x0a010001, 0x0a01000b, 68, 300);
	uint64_t stale = rig_drops(1, DROP_INJECT_STALE), gone = rig_drops(0, DROP_INJECT_STALE);

	CHECK_EQ(inject_records(batch, inject(0, 1, port_of(1)->generation + 1, in, length)), 0);
	CHECK_EQ(rig_drops(1, DROP_INJECT_STALE), stale + 1);
	CHECK_EQ(inject_records(batch, inject(0, 777, 1, in, length)), 0);
	CHECK_EQ(rig_drops(0, DROP_INJECT_STALE), gone + 1);
	/* Taken, but the port goes before the packet thread comes. */
	RIG_ROW(port, .id = 61, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 61});
	CHECK_EQ(inject_records(batch, inject(0, 61, port_of(61)->generation, in, length)), 1);
	RIG_DELETE(port, .id = 61);
	rig_run();
	CHECK_EQ(rig_drops(0, DROP_INJECT_STALE), gone + 2);
}

TEST(a_malformed_batch_is_refused_where_it_breaks)
{
	uint32_t length = make_udp(in, mac_of(1), 99, 0x0a010001, 0x0a01000b, 68, 300);
	uint32_t used = inject(0, 1, port_of(1)->generation, in, length);
	uint64_t malformed = rig_drops(1, DROP_INJECT_MALFORMED);

	CHECK_EQ(inject_records(batch, used - 8), -22);
	CHECK_EQ(inject_records(batch, 31), -22);
	batch[0] = 2;
	CHECK_EQ(inject_records(batch, used), -22);
	CHECK_EQ(inject_records(batch, inject(0, 1, port_of(1)->generation, in, 13)), 0);
	CHECK_EQ(rig_drops(1, DROP_INJECT_MALFORMED), malformed + 1);
}

TEST(ledgers_hold)
{
	rig_run();
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_dhcp_request_reaches_its_plugin_whole),
	        CASE(a_sub_ports_punt_names_its_vlan),
	        CASE(a_wake_up_comes_once_per_arming),
	        CASE(a_buffer_too_small_for_the_first_record_takes_nothing),
	        CASE(one_port_cannot_use_up_the_class),
	        CASE(a_plugin_that_sleeps_fills_its_ring_and_no_more),
	        CASE(a_jumbo_frame_is_injected_and_punted_whole),
	        CASE(punts_that_wait_leave_most_buffers_free),
	        CASE(a_port_made_anew_has_full_buckets),
	        CASE(an_injected_frame_leaves_through_its_port),
	        CASE(an_injection_for_a_port_that_is_not_that_one_any_more_is_stale),
	        CASE(a_malformed_batch_is_refused_where_it_breaks),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
