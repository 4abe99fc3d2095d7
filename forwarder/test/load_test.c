/* The load of the benches: frames, flows, the other side, settings. */
#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/load/load.h"
#include "test.h"

enum { BURST = 64 };

static struct rte_mempool *pool;
static struct rte_mbuf *frames[BURST];

/* The ports as LOAD says, with counters in memory. */
static void begin(const char *settings)
{
	static char *arguments[] = {
	        "load", "--no-huge", "-m", "64", "--no-pci", "--no-telemetry", "--no-shconf", "-l", "0", NULL};

	if (pool == NULL) {
		if (rte_eal_init(9, arguments) < 0)
			abort();
		pool = rte_pktmbuf_pool_create("load", 1023, 0, 0, 2176, SOCKET_ID_ANY);
	}
	memset(&load, 0, sizeof(load));
	setenv("LOAD", settings, 1);
	load_begin();
	for (int i = 0; i < LOAD_PORTS; i++)
		load.ports[i].pool = pool;
}

static bool is_whole(uint32_t pseudo_header, const uint8_t *segment, uint32_t length)
{
	uint32_t total = pseudo_header + rte_raw_cksum(segment, length);

	return (total & 0xffff) + (total >> 16) == 0xffff;
}

/* The sum of an IPv6 packet that follows 14 bytes of Ethernet. */
static bool is_right6(const struct rte_mbuf *packet)
{
	const uint8_t *at = rte_pktmbuf_mtod_offset(packet, const uint8_t *, 14);
	struct rte_ipv6_hdr ip;

	memcpy(&ip, at, sizeof(ip));
	return is_whole(rte_ipv6_phdr_cksum(&ip, 0), at + 40, rte_be_to_cpu_16(ip.payload_len));
}

/* A packet's network header; checks the lengths and sums of every header from there on. */
static bool is_right4(const uint8_t *at, uint32_t bytes)
{
	struct rte_ipv4_hdr ip;
	uint16_t udp;

	memcpy(&ip, at, sizeof(ip));
	memcpy(&udp, at + 24, sizeof(udp));
	if (rte_ipv4_cksum(&ip) != 0)
		return false;
	if (rte_be_to_cpu_16(ip.total_length) > bytes || ip.version_ihl != 0x45)
		return false;
	if (ip.next_proto_id == 17 && rte_be_to_cpu_16(udp) != rte_be_to_cpu_16(ip.total_length) - 20)
		return false;
	/* The outer UDP header of a tunnel has no checksum. */
	if (ip.next_proto_id == 17 && (at[22] << 8 | at[23]) != 9 && (at[22] << 8 | at[23]) != 1024)
		return at[26] == 0 && at[27] == 0;
	return is_whole(rte_ipv4_phdr_cksum(&ip, 0), at + 20, rte_be_to_cpu_16(ip.total_length) - 20u);
}

static bool all_right4(uint16_t count, uint32_t network)
{
	for (uint16_t i = 0; i < count; i++) {
		if (!is_right4(rte_pktmbuf_mtod_offset(frames[i], uint8_t *, network), frames[i]->pkt_len - network))
			return false;
	}
	return count != 0;
}

static uint16_t make(int port, uint16_t count)
{
	return load_make(&load.ports[port], frames, count, NULL);
}

static void take(int port, uint16_t count)
{
	load_take(&load.ports[port], frames, count, NULL);
}

static const uint8_t *bytes(int frame, uint32_t at)
{
	return rte_pktmbuf_mtod_offset(frames[frame], const uint8_t *, at);
}

TEST(udp_frames_have_right_lengths_and_sums)
{
	begin("0:role=generate,flows=1000");
	CHECK_EQ(make(0, BURST), BURST);
	CHECK_EQ(frames[0]->pkt_len, 60);
	CHECK(all_right4(BURST, 14));
	take(0, BURST);
	begin("0:role=generate,size=1518,vlan=101,rate=1000000000");
	CHECK_EQ(make(0, 1), 1);
	CHECK_EQ(frames[0]->pkt_len, 1514);
	CHECK_EQ(bytes(0, 15)[0], 101);
	take(0, 1);
}

TEST(stamped_frames_have_right_sums_at_odd_sizes)
{
	for (int size = 64; size < 68; size++) {
		char text[64];

		snprintf(text, sizeof(text), "0:role=generate,rate=1000000000,size=%d", size);
		begin(text);
		uint16_t count = make(0, BURST);

		CHECK(all_right4(count, 14));
		CHECK_EQ(frames[0]->pkt_len, size - 4);
		take(0, count);
	}
	uint64_t noted = 0;

	for (int i = 0; i < LOAD_BUCKETS; i++)
		noted += load.file->histograms[0][i];
	CHECK(noted > 0);
}

TEST(ip6_frames_have_right_sums)
{
	begin("0:role=generate,family=6,flows=5000,dsts=7,sources=3,proto=tcp,size=100");
	CHECK_EQ(make(0, BURST), BURST);
	for (int i = 0; i < BURST; i++)
		CHECK(is_right6(frames[i]));
	take(0, BURST);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

TEST(flows_are_distinct_and_each_is_visited_once)
{
	enum { FLOWS = 130000 };
	uint8_t(*seen)[12] = malloc((size_t)FLOWS * 12);

	begin("0:role=generate,flows=130000,dsts=2,sources=5");
	for (int done = 0; done < FLOWS;) {
		uint16_t count = make(0, (uint16_t)RTE_MIN(BURST, FLOWS - done));

		for (uint16_t i = 0; i < count; i++)
			memcpy(seen[done++], bytes(i, 26), 12);
		take(0, count);
	}
	qsort(seen, FLOWS, 12, compare);
	int twice = 0;

	for (int i = 1; i < FLOWS; i++)
		twice += memcmp(seen[i - 1], seen[i], 12) == 0;
	free(seen);
	CHECK_EQ(twice, 0);
}

TEST(imix_is_seven_four_one)
{
	int sizes[3] = {0};

	begin("0:role=generate,size=imix");
	CHECK_EQ(make(0, 60), 60);
	CHECK(all_right4(60, 14));
	for (int i = 0; i < 60; i++)
		sizes[frames[i]->pkt_len == 60 ? 0 : frames[i]->pkt_len == 566 ? 1 : 2]++;
	take(0, 60);
	CHECK_EQ(sizes[0], 35);
	CHECK_EQ(sizes[1], 20);
	CHECK_EQ(sizes[2], 5);
}

TEST(macs_follow_the_flow)
{
	begin("0:role=generate,macs=300");
	CHECK_EQ(make(0, 2), 2);
	CHECK(memcmp(bytes(0, 0), "\x06\0\0\0\0\0", 6) == 0);
	/* 619 is the first step above 0.618 of 1,000 that is coprime to it. */
	CHECK(memcmp(bytes(1, 0), "\x06\0\0\0\0\x13", 6) == 0);
	take(0, 2);
}

TEST(arp_and_solicitations_ask_for_the_target)
{
	begin("0:role=generate,proto=arp,target=10.9.8.7");
	CHECK_EQ(make(0, 1), 1);
	CHECK(memcmp(bytes(0, 0), "\xff\xff\xff\xff\xff\xff", 6) == 0);
	CHECK(memcmp(bytes(0, 38), "\x0a\x09\x08\x07", 4) == 0);
	take(0, 1);
	begin("0:role=generate,proto=nd,sources=9");
	CHECK_EQ(make(0, BURST), BURST);
	for (int i = 0; i < BURST; i++)
		CHECK(is_right6(frames[i]));
	take(0, BURST);
}

/* What port 0 makes comes back turned from port 1: the addresses at `network` swapped, the sums right. */
static bool comes_back(const char *settings, uint32_t network)
{
	uint8_t before[8];

	begin(settings);
	if (make(0, 1) != 1)
		return false;
	memcpy(before, bytes(0, network + 12), 8);
	take(1, 1);
	if (load.file->ports[1].turned != 1 || make(1, 1) != 1)
		return false;
	bool right = all_right4(1, network) && memcmp(before, bytes(0, network + 16), 4) == 0 &&
	             memcmp(before + 4, bytes(0, network + 12), 4) == 0;

	take(0, 1);
	return right && load.file->ports[0].handled_back == 1;
}

TEST(the_reflector_turns_frames_and_tunnels)
{
	CHECK(comes_back("0:role=generate;1:role=reflect", 14));
	CHECK(comes_back("0:role=generate,proto=tcp;1:role=reflect", 14));
	CHECK(comes_back("0:role=generate,vlan=7;1:role=reflect", 18));
	CHECK(comes_back("0:role=generate,tunnel=vxlan;1:role=reflect", 14));
	CHECK(comes_back("0:role=generate,tunnel=vxlan;1:role=reflect", 64));
	CHECK(comes_back("0:role=generate,tunnel=mpls-udp;1:role=reflect", 14));
	CHECK(comes_back("0:role=generate,tunnel=mpls-udp;1:role=reflect,vni=5", 46));
}

TEST(a_cut_frame_is_not_turned)
{
	begin("0:role=generate,tunnel=vxlan;1:role=reflect");
	for (uint16_t length = 1; length < 100; length++) {
		CHECK_EQ(make(0, 1), 1);
		frames[0]->data_len = frames[0]->pkt_len = length;
		bool whole = load_turn(&load.ports[1], frames[0]);

		CHECK_EQ(whole, length >= 92);
		load_free(pool, frames, 1, NULL);
	}
}

/* The number and flags of the TCP header of frame 0. */
static bool tcp_is(uint32_t sequence, uint32_t acknowledged, uint8_t flags)
{
	uint32_t numbers[2];

	memcpy(numbers, bytes(0, 38), sizeof(numbers));
	return rte_be_to_cpu_32(numbers[0]) == sequence && rte_be_to_cpu_32(numbers[1]) == acknowledged &&
	       bytes(0, 47)[0] == flags && all_right4(1, 14);
}

TEST(tcp_opens_with_a_handshake)
{
	begin("0:role=generate,proto=tcp,flows=endless;1:role=reflect");
	CHECK_EQ(make(0, 1), 1);
	CHECK(tcp_is(LOAD_CLIENT_NUMBER, 0, 0x02));
	take(1, 1);
	CHECK_EQ(make(1, 1), 1);
	CHECK(tcp_is(LOAD_SERVER_NUMBER, LOAD_CLIENT_NUMBER + 1, 0x12));
	take(0, 1);
	CHECK_EQ(load.file->ports[0].opened, 1);
	CHECK_EQ(make(0, 1), 1);
	CHECK(tcp_is(LOAD_CLIENT_NUMBER + 1, LOAD_SERVER_NUMBER + 1, 0x10));
	take(1, 1);
	CHECK_EQ(make(1, 1), 1);
	CHECK(tcp_is(LOAD_SERVER_NUMBER + 1, LOAD_CLIENT_NUMBER + 1, 0x10));
	take(0, 1);
}

TEST(a_full_reflector_counts_what_it_frees)
{
	begin("0:role=generate;1:role=reflect");
	load.ports[1].ring.head = LOAD_RING - 1;
	CHECK_EQ(make(0, 3), 3);
	take(1, 3);
	CHECK_EQ(load.file->ports[1].overflow, 2);
	load.ports[1].ring.tail = LOAD_RING - 1;
	load_ring_drop(&load.ports[1].ring);
	CHECK_EQ(rte_mempool_avail_count(pool), 1023);
}

TEST(buckets_and_their_floors_are_inverse)
{
	for (uint32_t bucket = 0; bucket <= 975; bucket++) {
		CHECK_EQ(load_bucket(load_bucket_floor(bucket)), bucket);
		if (bucket > 0)
			CHECK_EQ(load_bucket(load_bucket_floor(bucket) - 1), bucket - 1);
	}
	CHECK_EQ(load_bucket(UINT64_MAX), 975);
}

TEST(wrong_settings_are_refused_with_a_reason)
{
	static const char *const wrong[] = {"0", "4:role=sink", "0:role=sink;0:role=sink", "0:rule=sink", "0:role",
	        "0:role=x", "0:flows=0", "0:flows=1x", "0:size=63", "0:family=5", "0:dst_mac=1:2:3:4:5:6",
	        "0:src=10.0.0", "0:family=6,src=10.0.0.1", "0:proto=arp,family=6", "0:proto=nd,rate=1", "0:vlan=4095",
	        "0:tunnel=mpls-udp,vni=1048576", "0:flows=endless,setup=1"};
	struct load_settings settings[LOAD_PORTS];

	for (size_t i = 0; i < RTE_DIM(wrong); i++) {
		char reason[256] = "";

		CHECK_EQ(load_settings_parse(wrong[i], settings, reason, sizeof(reason)), 0);
		CHECK(strncmp(reason, "LOAD: ", 6) == 0);
	}
}

TEST_MAIN(CASE(udp_frames_have_right_lengths_and_sums), CASE(stamped_frames_have_right_sums_at_odd_sizes),
        CASE(ip6_frames_have_right_sums), CASE(flows_are_distinct_and_each_is_visited_once),
        CASE(imix_is_seven_four_one), CASE(macs_follow_the_flow), CASE(arp_and_solicitations_ask_for_the_target),
        CASE(the_reflector_turns_frames_and_tunnels), CASE(a_cut_frame_is_not_turned), CASE(tcp_opens_with_a_handshake),
        CASE(a_full_reflector_counts_what_it_frees), CASE(buckets_and_their_floors_are_inverse),
        CASE(wrong_settings_are_refused_with_a_reason))
