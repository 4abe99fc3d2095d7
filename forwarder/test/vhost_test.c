/* Virtual machines over vhost-user sockets. */
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

#include "guest.h"
#include "io.h"
#include "link.h"
#include "offload.h"
#include "port.h"
#include "rcu.h"
#include "tenants.h"
#include "test.h"
#include "worker.h"

/* Bridge 50: 51 is the VM of a socket made here, 52 a port in memory, 53 the VM of a socket made by the VM. */
#define SERVER 51u
#define MEMORY 52u
#define CLIENT 53u

static char folder[64], server_path[96], client_path[96];
static uint8_t in[65600], out[65600];

static void poll_once(void)
{
	rcu_online(1);
	worker_poll_once();
	rcu_offline(1);
	link_poll_once();
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#define EVENTUALLY(condition)                                                                                          \
	do {                                                                                                           \
		uint64_t until_ = now_ms() + 5000;                                                                     \
		while (!(condition) && now_ms() < until_)                                                              \
			poll_once();                                                                                   \
		CHECK(condition);                                                                                      \
	} while (0)

static struct port_report_entry state_of(uint32_t id)
{
	struct port_report_entry entry = {0};

	port_next(id, &entry);
	return entry;
}

static bool is_up(uint32_t id)
{
	return state_of(id).state == FWD_LINK_UP;
}

static bool says(uint32_t id, const char *words)
{
	return strstr(state_of(id).reason, words) != NULL;
}

static void make_port(uint32_t id, const char *path, uint32_t flags)
{
	struct fwd_port_row row = {.id = id,
	        .bridge = 50,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .mtu = 9000,
	        .flags = flags,
	        .binding = path == NULL ? FWD_BINDING_NONE : FWD_BINDING_VHOST_USER};

	if (path != NULL)
		strncpy(row.socket, path, sizeof(row.socket));
	rig_row(FWD_TABLE_PORT, &row, sizeof(row));
	RIG_ROW(mac, .bridge = 50, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .port = id);
	link_poll_once();
}

static void delete_port(uint32_t id)
{
	RIG_DELETE(port, .id = id);
}

/* An IPv4 frame between two ports, protocol TCP, without a checksum. */
static uint32_t make_frame(uint8_t to, uint8_t from, uint32_t length)
{
	struct rte_ether_hdr *eth = (void *)in;
	struct rte_ipv4_hdr *ip = (void *)(eth + 1);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	memset(in, 0, length);
	memcpy(eth->dst_addr.addr_bytes, (uint8_t[]){2, 0, 0, 0, 0, to}, 6);
	memcpy(eth->src_addr.addr_bytes, (uint8_t[]){2, 0, 0, 0, 0, from}, 6);
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
	        .total_length = rte_cpu_to_be_16((uint16_t)(length - 14)),
	        .time_to_live = 64,
	        .next_proto_id = IPPROTO_TCP,
	        .src_addr = rte_cpu_to_be_32(0x0a050000u + from),
	        .dst_addr = rte_cpu_to_be_32(0x0a050000u + to)};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	*tcp = (struct rte_tcp_hdr){.src_port = 1, .dst_port = 2, .data_off = 5 << 4, .tcp_flags = RTE_TCP_ACK_FLAG};
	for (uint32_t i = 54; i < length; i++)
		in[i] = (uint8_t)(i * 7);
	return length;
}

static struct guest *start_guest(uint64_t features)
{
	struct guest *g = guest_connect(server_path);

	if (g != NULL && guest_start(g, features))
		return g;
	if (g != NULL)
		guest_close(g);
	return NULL;
}

static int receive(struct guest *g, struct virtio_net_hdr_v1 *header)
{
	int length = -1;

	for (uint64_t until = now_ms() + 2000; length < 0 && now_ms() < until;) {
		poll_once();
		length = guest_receive(g, header, out);
	}
	return length;
}

static bool is_readable(uint32_t id)
{
	struct pollfd fd = {.fd = port_of(id)->io->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

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

/* ---- Sockets ---- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		abort();
	return fd;
}

TEST(takes_the_place_of_a_dead_socket_only)
{
	char path[128];
	struct stat info;

	snprintf(path, sizeof(path), "%s/other", folder);
	int fd = listen_at(path);
	make_port(60, path, FWD_PORT_SERVER);
	CHECK(state_of(60).state == FWD_LINK_PENDING && says(60, "another process listens on /"));
	close(fd);
	EVENTUALLY(says(60, "waiting for the VM to connect to"));
	make_port(61, path, FWD_PORT_SERVER);
	CHECK(state_of(61).state == FWD_LINK_PENDING && says(61, "another port uses socket"));
	delete_port(61);
	delete_port(60);
	CHECK(stat(path, &info) < 0);
	close(creat(path, 0600));
	make_port(60, path, FWD_PORT_SERVER);
	CHECK(says(60, "exists and is no socket: remove it"));
	CHECK(stat(path, &info) == 0 && S_ISREG(info.st_mode));
	delete_port(60);
	unlink(path);
	make_port(60, "/nonexistent/folder/socket", FWD_PORT_SERVER);
	CHECK(says(60, "cannot bind /nonexistent/folder/socket: No such file or directory: make its folder"));
	delete_port(60);
	make_port(60, "relative", FWD_PORT_SERVER);
	CHECK(says(60, "binding.socket must be an absolute path"));
	delete_port(60);
}

static void *listen_twice(void *argument)
{
	struct virtio_net_hdr_v1 header;
	uint8_t frame[2048];

	(void)argument;
	for (int life = 0; life < 2; life++) {
		struct guest *g = guest_listen(client_path);
		if (g == NULL || !guest_start(g, 0))
			return "did not start";
		while (guest_receive(g, &header, frame) < 0)
			usleep(1000);
		guest_close(g);
	}
	return NULL;
}

TEST(finds_a_vm_that_listens_and_finds_it_again)
{
	uint64_t before = rig_totals(MEMORY).sent;
	pthread_t thread;
	void *failure = NULL;

	/* The old one answers the first frame of each life and dies. */
	pthread_create(&thread, NULL, listen_twice, NULL);
	for (int life = 0; life < 2; life++) {
		EVENTUALLY(is_up(CLIENT));
		uint32_t length = make_frame(CLIENT, MEMORY, 100);
		rig_send(MEMORY, in, length);
		EVENTUALLY(!is_up(CLIENT));
	}
	pthread_join(thread, &failure);
	CHECK(failure == NULL);
	CHECK_EQ(rig_totals(MEMORY).sent, before + 2);
}

/* ---- Hostile ---- */

TEST(a_frame_as_long_as_memory_takes_no_more_buffers_than_fair)
{
	unsigned int before = rte_mempool_in_use_count(io_pool);
	struct guest *g = start_guest(0);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	for (int i = 0; i < 20; i++) {
		guest_send_raw(g, 0, 2 << 20, 255);
		for (int polls = 0; polls < 5; polls++) {
			poll_once();
			CHECK(rte_mempool_in_use_count(io_pool) <= before + 1100);
		}
	}
	EVENTUALLY(rte_mempool_in_use_count(io_pool) <= before + 300);
	CHECK(guest_is_alive(g));
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
}

TEST(a_frame_outside_of_memory_ends_in_rest_not_in_a_spin)
{
	struct guest *g = start_guest(0);

	CHECK(g != NULL);
	EVENTUALLY(is_up(SERVER));
	guest_send_raw(g, 1ull << 40, 100, 1);
	uint64_t spins = 0;
	for (uint64_t until = now_ms() + 200; now_ms() < until;) {
		struct pollfd fd = {.fd = port_of(SERVER)->io->fd, .events = POLLIN};
		if (poll(&fd, 1, 1) == 1) {
			poll_once();
			spins++;
		}
	}
	/* A look per millisecond and STUCK_POLLS before the next: not one per microsecond. */
	CHECK(spins < 200 * 100);
	guest_close(g);
	EVENTUALLY(!is_up(SERVER));
}

TEST(rings_that_are_not_ours_end_the_connection)
{
	uint32_t wrong[][2] = {{9, 256}, {0, 32768}};

	for (int i = 0; i < 2; i++) {
		struct guest *g = guest_connect(server_path);
		CHECK(g != NULL && guest_is_alive(g));
		guest_message(g, 8, wrong[i], sizeof(wrong[i]));
		CHECK(!guest_is_alive(g));
		guest_close(g);
		EVENTUALLY(says(SERVER, "to connect to"));
	}
}

TEST(the_newer_of_two_connections_counts_and_there_is_no_third)
{
	struct virtio_net_hdr_v1 header;
	struct guest *old = start_guest(0), *new = start_guest(0);
	uint32_t length = make_frame(SERVER, MEMORY, 100);

	CHECK(old != NULL && new != NULL);
	CHECK(start_guest(0) == NULL);
	EVENTUALLY(is_up(SERVER));
	rig_send(MEMORY, in, length);
	CHECK_EQ(receive(new, &header), length);
	guest_close(old);
	for (int i = 0; i < 100; i++)
		poll_once();
	CHECK(guest_is_alive(new) && is_up(SERVER));
	rig_send(MEMORY, in, length);
	CHECK_EQ(receive(new, &header), length);
	guest_close(new);
	EVENTUALLY(!is_up(SERVER));
}

/* ---- Storms ---- */

static bool storm_over;
static uint32_t storm_received;

static void *storm(void *argument)
{
	static uint8_t frame[65600];
	struct virtio_net_hdr_v1 header;

	(void)argument;
	for (int life = 0; life < 200; life++) {
		struct guest *g = start_guest(life % 2 == 0 ? 0 : GUEST_TSO | GUEST_EVENT_INDEX);
		/* Two of those before may not be noticed yet. */
		if (g == NULL) {
			usleep(1000);
			life--;
			continue;
		}
		for (int i = 0; i < 50; i++) {
			guest_send(g, NULL, in, 60);
			if (guest_receive(g, &header, frame) >= 0)
				storm_received++;
			if (i == 25 && life % 4 == 0 && !(guest_stop(g) && guest_start(g, 0)))
				break;
			usleep(20);
		}
		guest_close(g);
	}
	__atomic_store_n(&storm_over, true, __ATOMIC_RELEASE);
	return NULL;
}

static uint32_t descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	uint32_t count = 0;

	while (readdir(all) != NULL)
		count++;
	closedir(all);
	return count;
}

TEST(vms_come_and_go_200_times_under_traffic)
{
	uint8_t frame[60];
	pthread_t thread;

	/* The VM of the test before has gone. */
	EVENTUALLY(says(SERVER, "to connect to"));
	uint32_t before = descriptors();
	make_frame(SERVER, MEMORY, sizeof(frame));
	memcpy(frame, in, sizeof(frame));
	make_frame(MEMORY, SERVER, 60);
	uint64_t received = rig_totals(SERVER).rx_packets;
	pthread_create(&thread, NULL, storm, NULL);
	while (!__atomic_load_n(&storm_over, __ATOMIC_ACQUIRE)) {
		rig_send(MEMORY, frame, sizeof(frame));
		poll_once();
		rig_clear();
	}
	pthread_join(thread, NULL);
	EVENTUALLY(says(SERVER, "to connect to"));
	CHECK(rig_totals(SERVER).rx_packets > received + 200 && storm_received > 200);
	CHECK(rig_ledgers_hold());
	EVENTUALLY(descriptors() == before);
}

TEST(ports_with_vms_come_and_go)
{
	uint32_t before = descriptors();

	for (int life = 0; life < 8; life++) {
		delete_port(SERVER);
		make_port(SERVER, server_path, FWD_PORT_SERVER);
		struct guest *g = start_guest(0);
		CHECK(g != NULL);
		EVENTUALLY(is_up(SERVER));
		if (life % 2 == 0)
			guest_close(g);
		delete_port(SERVER);
		if (life % 2 != 0) {
			CHECK(!guest_is_alive(g));
			guest_close(g);
		}
		make_port(SERVER, server_path, FWD_PORT_SERVER);
	}
	EVENTUALLY(descriptors() == before);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
	delete_port(SERVER);
	delete_port(CLIENT);
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
	        CASE(takes_the_place_of_a_dead_socket_only),
	        CASE(finds_a_vm_that_listens_and_finds_it_again),
	        CASE(a_frame_as_long_as_memory_takes_no_more_buffers_than_fair),
	        CASE(a_frame_outside_of_memory_ends_in_rest_not_in_a_spin),
	        CASE(rings_that_are_not_ours_end_the_connection),
	        CASE(the_newer_of_two_connections_counts_and_there_is_no_third),
	        CASE(vms_come_and_go_200_times_under_traffic),
	        CASE(ports_with_vms_come_and_go),
	        CASE(ledgers_hold),
	};

	rig_start();
	snprintf(folder, sizeof(folder), "/tmp/vhost-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(server_path, sizeof(server_path), "%s/server", folder);
	snprintf(client_path, sizeof(client_path), "%s/client", folder);
	RIG_ROW(bridge, .id = 50, .mode = FWD_MODE_L2, .mtu = 9000);
	make_port(SERVER, server_path, FWD_PORT_SERVER);
	make_port(MEMORY, NULL, 0);
	make_port(CLIENT, client_path, 0);
	rig_attach(MEMORY);
	rcu_register(1);
	rcu_offline(1);
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rcu_unregister(1);
	rig_stop();
	rmdir(folder);
	return failed;
}
