/* The other end of a vhost-user socket comes, goes, and lies. */
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

	return vhost_run(cases, sizeof(cases) / sizeof(cases[0]));
}
