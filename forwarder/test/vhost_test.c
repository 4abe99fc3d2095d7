/* Virtual machines over vhost-user sockets: frames both ways, sleep and wake-up, offloads. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "link.h"
#include "offload.h"
#include "rcu.h"
#include "vhost_vm.h"
#include "worker.h"

TEST(says_what_it_waits_for)
{
	struct stat info, of_folder;

	poll_once();
	CHECK(state_of(SERVER).state == FWD_LINK_DOWN && says(SERVER, "waiting for the VM to connect to /"));
	CHECK(state_of(CLIENT).state == FWD_LINK_DOWN && says(CLIENT, "waiting for the VM to listen on /"));
	CHECK(stat(server_path, &info) == 0 && stat(folder, &of_folder) == 0);
	CHECK_EQ(info.st_mode & 0777, 0660);
	CHECK(info.st_uid == of_folder.st_uid && info.st_gid == of_folder.st_gid);
	struct guest *g = guest_connect(server_path);
	CHECK(g != NULL);
	EVENTUALLY(says(SERVER, "waiting for the VM's network driver"));
	guest_close(g);
	EVENTUALLY(says(SERVER, "to connect to"));
}

TEST(frames_pass_both_ways)
{
	struct virtio_net_hdr_v1 header;
	uint32_t length = make_frame(MEMORY, SERVER, 9000);
	struct guest *g = start_guest(0);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	CHECK(guest_send(g, NULL, in, length));
	EVENTUALLY(rig_has(MEMORY));
	CHECK_EQ(rig_take(MEMORY, out), length);
	CHECK(memcmp(in, out, length) == 0);
	length = make_frame(SERVER, MEMORY, 9000);
	rig_send(MEMORY, in, length);
	CHECK_EQ(receive(g, &header), length);
	CHECK(memcmp(in, out, length) == 0 && header.num_buffers == 3 && header.flags == 0);
	CHECK(guest_stop(g));
	EVENTUALLY(says(SERVER, "waiting for the VM's network driver"));
	CHECK(guest_start(g, 0));
	EVENTUALLY(is_up(SERVER));
	guest_close(g);
	EVENTUALLY(says(SERVER, "to connect to"));
}

static void idle_vm(uint64_t features)
{
	uint32_t length = make_frame(MEMORY, SERVER, 100);
	struct guest *g = start_guest(features);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	for (int burst = 0; burst < 3; burst++) {
		EVENTUALLY(!is_readable(SERVER));
		uint32_t before = guest_kicks(g);
		for (int i = 0; i < 10; i++) {
			CHECK(guest_send(g, NULL, in, length));
			poll_once();
		}
		CHECK_EQ(guest_kicks(g), before + 1);
		rig_clear();
	}
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
}

TEST(an_idle_vm_costs_nothing_and_a_busy_one_does_not_kick)
{
	idle_vm(0);
}

TEST(the_same_with_event_index)
{
	idle_vm(GUEST_EVENT_INDEX);
}

#define STREAM 20000u
/* Longer than a busy machine makes a thread wait for a CPU. */
#define SILENCE_MS 10000
static bool stream_over;

static void *send_stream(void *argument)
{
	struct guest *g = argument;
	uint32_t random = 1;

	for (uint32_t sent = 0; sent < STREAM && !__atomic_load_n(&stream_over, __ATOMIC_RELAXED);) {
		if (guest_send(g, NULL, in, 60))
			sent++;
		random = random * 1664525 + 1013904223;
		for (volatile uint32_t spin = random >> 20; spin > 0; spin--)
			;
	}
	return NULL;
}

static void stream(uint64_t features)
{
	struct guest *g = start_guest(features);
	uint64_t before = rig_totals(SERVER).rx_packets, got = 0;
	pthread_t thread;
	struct pollfd fd;

	make_frame(MEMORY, SERVER, 60);
	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	fd = (struct pollfd){.fd = port_of(SERVER)->io->fd, .events = POLLIN};
	__atomic_store_n(&stream_over, false, __ATOMIC_RELAXED);
	pthread_create(&thread, NULL, send_stream, g);
	/* Sleeps whenever nothing is ready: a wake-up that got lost would never come. */
	while (got < STREAM && poll(&fd, 1, SILENCE_MS) == 1) {
		poll_once();
		rig_clear();
		got = rig_totals(SERVER).rx_packets - before;
	}
	__atomic_store_n(&stream_over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK_EQ(got, STREAM);
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
}

TEST(no_wake_up_is_lost)
{
	stream(0);
	stream(GUEST_EVENT_INDEX);
}

/* ---- Offload ---- */

static struct {
	uint64_t flags, tx_offload;
	uint16_t l2, l3, l4, segment;
} seen;

static void look(const struct rte_mbuf *m)
{
	seen.flags = m->ol_flags;
	seen.l2 = m->l2_len;
	seen.l3 = m->l3_len;
	seen.l4 = m->l4_len;
	seen.segment = m->tso_segsz;
}

TEST(what_the_vm_leaves_to_us_is_said_in_flags)
{
	struct virtio_net_hdr_v1 header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	        .gso_size = 1448,
	        .hdr_len = 54,
	        .csum_start = 34,
	        .csum_offset = 16};
	const uint64_t tcp = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	uint32_t length = make_frame(MEMORY, SERVER, 8000);
	struct rte_ipv4_hdr *ip = (void *)(in + 14);
	uint16_t seed = rte_ipv4_phdr_cksum(ip, 0);
	struct guest *g = start_guest(GUEST_TSO);

	CHECK(g != NULL && (guest_features(g) & GUEST_TSO) == GUEST_TSO);
	EVENTUALLY(is_up(SERVER));
	rig_left = look;
	CHECK(guest_send(g, &header, in, length));
	EVENTUALLY(rig_has(MEMORY));
	rig_take(MEMORY, out);
	CHECK_EQ(seen.flags & (OFFLOAD_FLAGS), tcp | RTE_MBUF_F_TX_TCP_SEG);
	CHECK(seen.l2 == 14 && seen.l3 == 20 && seen.l4 == 20 && seen.segment == 1448);
	CHECK(memcmp(out + 50, &seed, 2) == 0);
	rig_left = NULL;
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
	rig_clear();
}

static void pending(struct rte_mbuf *m)
{
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG;
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->tso_segsz = 1000;
}

TEST(a_vm_that_takes_large_frames_gets_them)
{
	struct virtio_net_hdr_v1 header;
	uint32_t length = make_frame(SERVER, MEMORY, 54 + 5000);
	struct guest *g = start_guest(GUEST_TSO);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	rig_received = pending;
	rig_send(MEMORY, in, length);
	CHECK_EQ(receive(g, &header), length);
	rig_received = NULL;
	CHECK(header.gso_type == VIRTIO_NET_HDR_GSO_TCPV4 && header.gso_size == 1000);
	CHECK(header.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM && header.csum_start == 34 && header.csum_offset == 16);
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
}

TEST(any_other_gets_segments_with_checksums)
{
	struct virtio_net_hdr_v1 header;
	uint32_t length = make_frame(SERVER, MEMORY, 54 + 5000);
	struct guest *g = start_guest(0);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	((struct rte_tcp_hdr *)(in + 34))->cksum = rte_ipv4_phdr_cksum((void *)(in + 14), 0);
	rig_received = pending;
	rig_send(MEMORY, in, length);
	for (uint32_t i = 0; i < 5; i++) {
		CHECK_EQ(receive(g, &header), 1054);
		struct rte_tcp_hdr *tcp = (void *)(out + 34);
		uint16_t sum = tcp->cksum;
		tcp->cksum = 0;
		CHECK_EQ(sum, rte_ipv4_udptcp_cksum((void *)(out + 14), tcp));
		CHECK(header.flags == 0 && header.gso_type == 0 && memcmp(out + 54, in + 54 + 1000 * i, 1000) == 0);
	}
	rig_received = NULL;
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
}

/* IPv6 with extension headers up to TCP, so long that an mbuf cannot say where TCP starts: a checksum computed later
 * would change the source address, which is checked before. */
TEST(a_checksum_far_behind_does_not_reach_the_addresses)
{
	struct virtio_net_hdr_v1 header = {
	        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 14 + 512, .csum_offset = 16};
	const uint32_t l4 = 14 + 512, length = l4 + 20;
	struct guest *g = start_guest(GUEST_TSO);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	make_frame(MEMORY, SERVER, 100);
	memset(in + 12, 0, length - 12);
	struct rte_ipv6_hdr *ip = (void *)(in + 14);
	in[12] = 0x86;
	in[13] = 0xdd;
	ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(length - 54));
	ip->proto = 60;
	ip->hop_limits = 64;
	ip->src_addr[0] = ip->dst_addr[0] = 0x20;
	ip->src_addr[15] = 1;
	ip->dst_addr[15] = 2;
	/* 472 bytes of destination options. */
	in[54] = 6;
	in[55] = 472 / 8 - 1;
	in[l4 + 12] = 5 << 4;
	rig_left = look;
	CHECK(guest_send(g, &header, in, length));
	EVENTUALLY(rig_has(MEMORY));
	rig_take(MEMORY, out);
	CHECK(!((seen.flags & RTE_MBUF_F_TX_L4_MASK) != 0 && seen.l2 + seen.l3 < l4));
	rig_left = NULL;
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
	rig_clear();
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(says_what_it_waits_for),
	        CASE(frames_pass_both_ways),
	        CASE(an_idle_vm_costs_nothing_and_a_busy_one_does_not_kick),
	        CASE(the_same_with_event_index),
	        CASE(no_wake_up_is_lost),
	        CASE(what_the_vm_leaves_to_us_is_said_in_flags),
	        CASE(a_vm_that_takes_large_frames_gets_them),
	        CASE(any_other_gets_segments_with_checksums),
	        CASE(a_checksum_far_behind_does_not_reach_the_addresses),
	};

	return vhost_run(cases, sizeof(cases) / sizeof(cases[0]));
}
