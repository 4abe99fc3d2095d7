/*
 * Captures over the networks of tenants.h: what is seen, in which direction, with which reason, through which filter;
 * and that a full ring loses and counts.
 */
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>

#include "capture_filter.h"
#include "capture_ring.h"
#include "limit.h"
#include "port.h"
#include "tenants.h"
#include "test.h"

#define FRAMES 64u

static struct {
	uint32_t count;
	struct fwd_captured heads[FRAMES];
	uint8_t frames[FRAMES][2048];
} seen;
static uint8_t records[1 << 20];

/* Frames are shown once their fate is known or CAPTURE_SETTLE_MS have passed. */
static void look(int32_t capture)
{
	seen.count = 0;
	usleep(CAPTURE_SETTLE_MS * 1000 + 2000);
	int32_t bytes = capture_read((uint32_t)capture, records, sizeof(records));
	for (int32_t at = 0; at < bytes && seen.count < FRAMES; seen.count++) {
		struct fwd_captured *head = &seen.heads[seen.count];
		memcpy(head, records + at, sizeof(*head));
		memcpy(seen.frames[seen.count], records + at + sizeof(*head), head->taken < 2048 ? head->taken : 2048);
		at += (int32_t)(sizeof(*head) + ((head->taken + 7) & ~7u));
	}
}

static int32_t open_filtered(uint32_t port, const char *text)
{
	struct bpf_insn program[128];
	char sentence[256];
	int count = filter_compile(text, program, 128, sentence, sizeof(sentence));

	return count < 0 ? count : capture_open(port, 0, program, (uint32_t)count);
}

TEST(both_directions_are_seen_as_they_pass_and_a_drop_with_its_reason_once)
{
	uint8_t frame[2048];
	int32_t capture = capture_open(1, 0, NULL, 0);
	uint32_t length = make_echo(frame, mac_gateway, 1, 0x0a01000b, 0x0a02000b);

	CHECK(capture > 0);
	deliver(1, frame, length);
	uint8_t reply[2048];
	deliver(3, reply, make_echo(reply, mac_gateway, 3, 0x0a02000b, 0x0a01000b));
	uint8_t lost[2048];
	deliver(1, lost, make_udp(lost, mac_gateway, 1, 0x0a01000b, 0xc0000205, 80, 10));
	look(capture);
	CHECK_EQ(seen.count, 3);
	/* Before TTL and MAC addresses were rewritten. */
	CHECK_EQ(seen.heads[0].length, length);
	CHECK(memcmp(seen.frames[0], frame, length) == 0);
	CHECK_EQ(seen.heads[0].direction, FWD_DIRECTION_IN);
	CHECK_EQ(seen.heads[0].reason, CAPTURE_NO_REASON);
	/* After it. */
	CHECK_EQ(seen.heads[1].direction, FWD_DIRECTION_OUT);
	CHECK(memcmp(seen.frames[1], mac_of(1), 6) == 0 && memcmp(seen.frames[1] + 6, mac_gateway, 6) == 0);
	CHECK_EQ(seen.heads[2].direction, FWD_DIRECTION_IN);
	CHECK_EQ(seen.heads[2].reason, DROP_BLACKHOLE);
	CHECK(seen.heads[2].timestamp_ns >= seen.heads[0].timestamp_ns);
	CHECK_EQ(capture_close((uint32_t)capture), 0);
	CHECK_EQ(capture_read((uint32_t)capture, records, sizeof(records)), -EINVAL);
}

TEST(an_answer_made_here_is_seen_going_out_beside_the_dropped_packet)
{
	uint8_t frame[2048];
	int32_t capture = capture_open(1, 0, NULL, 0);

	limit_reset(port_of(1)->slot);
	make_udp(frame, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 10);
	set_hop_limit(frame, 1);
	deliver(1, frame, 52);
	look(capture);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.heads[0].reason, DROP_TTL_EXCEEDED);
	CHECK_EQ(seen.heads[1].direction, FWD_DIRECTION_OUT);
	capture_close((uint32_t)capture);
}

TEST(a_port_that_is_not_captured_is_not_seen)
{
	uint8_t frame[2048];
	int32_t capture = capture_open(4, 0, NULL, 0);

	deliver(1, frame, make_echo(frame, mac_gateway, 1, 0x0a01000b, 0x0a02000b));
	look(capture);
	CHECK_EQ(seen.count, 0);
	capture_close((uint32_t)capture);
}

TEST(a_filter_and_a_snap_length_choose_what_is_taken)
{
	uint8_t frame[2048];
	int32_t capture = open_filtered(1, "udp port 80");

	CHECK(capture > 0);
	deliver(1, frame, make_udp(frame, mac_gateway, 1, 0x0a01000b, 0xc0000205, 81, 10));
	deliver(1, frame, make_udp(frame, mac_gateway, 1, 0x0a01000b, 0xc0000205, 80, 10));
	look(capture);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.frames[0][37], 80);
	capture_close((uint32_t)capture);
	capture = capture_open(1, 20, NULL, 0);
	uint32_t length = make_udp(frame, mac_gateway, 1, 0x0a01000b, 0xc0000205, 81, 1000);
	deliver(1, frame, length);
	look(capture);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.heads[0].taken, 20);
	CHECK_EQ(seen.heads[0].length, length);
	capture_close((uint32_t)capture);
}

TEST(a_trunk_is_captured_with_tags_and_its_sub_port_without)
{
	uint8_t frame[2048], tagged[2048];
	int32_t trunk = open_filtered(5, "vlan 101"), sub = capture_open(6, 0, NULL, 0);
	uint32_t length = make_echo(frame, mac_gateway, 6, 0x0a01000d, 0x0a010001);

	deliver(5, tagged, make_tagged(tagged, 101, frame, length));
	deliver(5, tagged, make_tagged(tagged, 103, frame, length));
	look(trunk);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.heads[0].length, length + 4);
	CHECK_EQ(seen.frames[0][15], 101);
	CHECK_EQ(seen.heads[1].direction, FWD_DIRECTION_OUT);
	CHECK_EQ(seen.frames[1][15], 101);
	look(sub);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.heads[0].length, length);
	CHECK(memcmp(seen.frames[0], frame, length) == 0);
	capture_close((uint32_t)sub);
	capture_close((uint32_t)trunk);
	trunk = capture_open(5, 0, NULL, 0);
	deliver(5, tagged, make_tagged(tagged, 103, frame, length));
	look(trunk);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.heads[0].reason, DROP_VLAN_UNKNOWN);
	capture_close((uint32_t)trunk);
}

TEST(a_full_ring_loses_and_counts)
{
	uint8_t frame[2048];
	int32_t capture = capture_open(1, 0, NULL, 0);
	uint32_t length = make_udp(frame, mac_gateway, 1, 0x0a01000b, 0xc0000205, 80, 1400);
	/* 16 MiB of chunks of 256 bytes: six for each of these. */
	uint32_t fit = 65536 / 6, total = 0, last_lost = 0;

	for (uint32_t i = 0; i < fit + 100; i++)
		deliver(1, frame, length);
	for (int32_t bytes; (bytes = capture_read((uint32_t)capture, records, sizeof(records))) > 0;) {
		for (int32_t at = 0; at < bytes; total++) {
			struct fwd_captured head;
			memcpy(&head, records + at, sizeof(head));
			CHECK_EQ(head.taken, length);
			CHECK(memcmp(records + at + sizeof(head), frame, length) == 0);
			last_lost = (uint32_t)head.lost;
			at += (int32_t)(sizeof(head) + ((length + 7) & ~7u));
		}
	}
	CHECK_EQ(total, fit);
	CHECK_EQ(last_lost, 0);
	/* There is room again, over the end of the ring. */
	deliver(1, frame, length);
	look(capture);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.heads[0].lost, 100);
	CHECK_EQ(capture_close((uint32_t)capture), 100);
}

TEST(a_capture_follows_its_port_and_not_the_slot)
{
	uint8_t frame[2048];
	uint32_t length = make_udp(frame, mac_broadcast, 50, 0x0a010032, 0x0a0100ff, 80, 10);

	RIG_ROW(port, .id = 50, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 50}, .binding = FWD_BINDING_NONE);
	rig_attach(50);
	int32_t capture = capture_open(50, 0, NULL, 0);
	RIG_DELETE(port, .id = 50);
	RIG_ROW(port, .id = 51, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 50}, .binding = FWD_BINDING_NONE);
	rig_attach(51);
	deliver(51, frame, length);
	look(capture);
	CHECK_EQ(seen.count, 0);
	RIG_ROW(port, .id = 50, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 50}, .binding = FWD_BINDING_NONE);
	rig_attach(50);
	deliver(50, frame, length);
	look(capture);
	CHECK_EQ(seen.count, 1);
	capture_close((uint32_t)capture);
	RIG_DELETE(port, .id = 50);
	RIG_DELETE(port, .id = 51);
}

TEST(what_cannot_be_captured_is_refused)
{
	int32_t open[CAPTURE_LIMIT];

	CHECK_EQ(capture_open(999, 0, NULL, 0), -ENOENT);
	int32_t capture = capture_open(1, 0, NULL, 0);
	CHECK_EQ(capture_open(1, 0, NULL, 0), -EBUSY);
	CHECK_EQ(capture_close((uint32_t)capture), 0);
	CHECK_EQ(capture_close((uint32_t)capture), -EINVAL);
	for (uint32_t i = 0; i < CAPTURE_LIMIT; i++) {
		RIG_ROW(port, .id = 60 + i, .binding = FWD_BINDING_NONE);
		open[i] = capture_open(60 + i, 0, NULL, 0);
		CHECK(open[i] > 0);
	}
	CHECK_EQ(capture_open(1, 0, NULL, 0), -ENFILE);
	for (uint32_t i = 0; i < CAPTURE_LIMIT; i++) {
		CHECK_EQ(capture_close((uint32_t)open[i]), 0);
		RIG_DELETE(port, .id = 60 + i);
	}
}

TEST(filters_are_compiled_or_refused_in_words)
{
	struct bpf_insn program[512], endless[2] = {{BPF_JMP | BPF_JA, 0, 0, 0xffffffff}, {BPF_RET, 0, 0, 0}};
	char sentence[256];

	CHECK(filter_compile("icmp or tcp port 80", program, 512, sentence, sizeof(sentence)) > 0);
	CHECK_EQ(filter_compile("nonsense and", program, 512, sentence, sizeof(sentence)), -1);
	CHECK(strlen(sentence) > 0);
	CHECK_EQ(filter_compile("icmp or tcp port 80", program, 2, sentence, sizeof(sentence)), -1);
	CHECK_EQ(filter_compile("ip6 protochain 17", program, 512, sentence, sizeof(sentence)), -1);
	CHECK(strstr(sentence, "protochain") != NULL);
	CHECK(!filter_valid(endless, 2));
	CHECK(!filter_valid(endless, 0));
	CHECK(filter_valid(endless + 1, 1));
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(both_directions_are_seen_as_they_pass_and_a_drop_with_its_reason_once),
	        CASE(an_answer_made_here_is_seen_going_out_beside_the_dropped_packet),
	        CASE(a_port_that_is_not_captured_is_not_seen),
	        CASE(a_filter_and_a_snap_length_choose_what_is_taken),
	        CASE(a_trunk_is_captured_with_tags_and_its_sub_port_without),
	        CASE(a_full_ring_loses_and_counts),
	        CASE(a_capture_follows_its_port_and_not_the_slot),
	        CASE(what_cannot_be_captured_is_refused),
	        CASE(filters_are_compiled_or_refused_in_words),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
