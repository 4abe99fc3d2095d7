/*
 * Many live ports at once: half have veth pairs into namespaces, half are VLANs of a trunk. Each sends to the next one,
 * which must get all of it. Fails when a frame is lost, the ledger does not hold, or doing nothing costs too much.
 * Prints times, descriptors and memory.
 *
 *     smoke_many STATE_FILE COUNT NETNS...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "forwarder.h"

#define PATIENCE_MS 60000.0
#define TRUNK       1u
#define FIRST       2u
#define FRAMES      4u
#define FRAME       64u
#define LIMIT       4096u
/* Of one CPU, while nothing happens. */
#define IDLE_PERCENT 1.0
#define IDLE_SECONDS 5

static uint32_t owner, generation, ports, namespaces;
static char **netns;
static int home;
static struct fwd_port_stats stats[LIMIT];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	char text[256];

	fwd_error_text(text, sizeof(text));
	printf("%s: %s\n", what, text);
	exit(1);
}

static void apply(uint8_t op, uint8_t table, const void *row, uint16_t bytes)
{
	uint8_t batch[512] = {op, table, (uint8_t)bytes, (uint8_t)(bytes >> 8)};

	memcpy(batch + 8, row, bytes);
	if (fwd_rows_apply(owner, generation, batch, 8 + ((bytes + 7u) & ~7u), 0) < 0)
		fail("fwd_rows_apply");
}

/* Port ids are FIRST … FIRST + ports - 1, the first half with links of their own. */
static bool is_vlan(uint32_t id)
{
	return id >= FIRST + ports / 2;
}

static uint16_t vlan_of(uint32_t id)
{
	return (uint16_t)(1 + id - FIRST - ports / 2);
}

static const char *netns_of(uint32_t id)
{
	return netns[id % namespaces];
}

static void set_mac(uint8_t mac[6], uint32_t id)
{
	memcpy(mac, (uint8_t[6]){2, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id}, 6);
}

static struct fwd_port_row row_of(uint32_t id)
{
	struct fwd_port_row row = {.id = id, .bridge = 1, .mtu = 1500, .binding = FWD_BINDING_NETNS};

	set_mac(row.mac, id);
	if (id == TRUNK) {
		row.bridge = 0;
		row.flags = FWD_PORT_TRUNK;
	} else if (is_vlan(id)) {
		row.binding = FWD_BINDING_VLAN;
		row.parent = TRUNK;
		row.vlan = vlan_of(id);
		return row;
	}
	snprintf(row.interface, sizeof(row.interface), "e%u", id);
	snprintf(row.netns, sizeof(row.netns), "%s", netns_of(id));
	return row;
}

static void add_all(void)
{
	struct fwd_bridge_row bridge = {.id = 1, .mode = FWD_MODE_L2};

	apply(FWD_OP_UPSERT, FWD_TABLE_BRIDGE, &bridge, sizeof(bridge));
	for (uint32_t id = TRUNK; id < FIRST + ports; id++) {
		struct fwd_port_row port = row_of(id);
		struct fwd_mac_row mac = {.bridge = 1, .port = id};

		apply(FWD_OP_UPSERT, FWD_TABLE_PORT, &port, sizeof(port));
		set_mac(mac.mac, id);
		if (id != TRUNK)
			apply(FWD_OP_UPSERT, FWD_TABLE_MAC, &mac, sizeof(mac));
	}
}

static void delete_all(void)
{
	for (uint32_t id = FIRST + ports; id-- > TRUNK;) {
		struct fwd_port_row port = row_of(id);
		apply(FWD_OP_DELETE, FWD_TABLE_PORT, &port, sizeof(port));
	}
}

static uint32_t count_up(void)
{
	static struct fwd_port_state states[LIMIT];
	int32_t count = fwd_ports_read(0, states, sizeof(states));
	uint32_t up = 0;

	for (int32_t i = 0; i < count; i++)
		up += states[i].state == FWD_LINK_UP;
	return up;
}

static uint32_t count_entries(const char *folder)
{
	DIR *directory = opendir(folder);
	uint32_t count = 0;

	while (directory != NULL && readdir(directory) != NULL)
		count++;
	if (directory != NULL)
		closedir(directory);
	return count;
}

static uint32_t resident_mib(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1)
		fail("/proc/self/statm");
	fclose(file);
	return (uint32_t)(pages * (unsigned long)getpagesize() >> 20);
}

/* A socket on the VM's end of a link. */
static int open_end(uint32_t id)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	char path[128], name[IFNAMSIZ];

	snprintf(path, sizeof(path), "/run/netns/%s", netns_of(id));
	int space = open(path, O_RDONLY | O_CLOEXEC);
	if (space < 0 || setns(space, CLONE_NEWNET) < 0)
		fail(path);
	close(space);
	snprintf(name, sizeof(name), "e%u", id);
	address.sll_ifindex = (int)if_nametoindex(name);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(name);
	if (setns(home, CLONE_NEWNET) < 0)
		fail("setns");
	return fd;
}

static void send_to(int fd, uint32_t from, uint32_t to)
{
	uint8_t frame[FRAME + 4] = {0};
	uint32_t at = 12;

	set_mac(frame, to);
	set_mac(frame + 6, from);
	if (is_vlan(from)) {
		memcpy(frame + at, (uint8_t[4]){0x81, 0, (uint8_t)(vlan_of(from) >> 8), (uint8_t)vlan_of(from)}, 4);
		at += 4;
	}
	memcpy(frame + at, (uint8_t[2]){0x88, 0xb5}, 2);
	if (send(fd, frame, FRAME + at - 12, 0) < 0)
		fail("send");
}

/* Each port to the next, the last to the first. */
static void send_all(void)
{
	int trunk = open_end(TRUNK);

	for (uint32_t i = 0; i < ports; i++) {
		uint32_t id = FIRST + i;
		int fd = is_vlan(id) ? trunk : open_end(id);

		for (uint32_t n = 0; n < FRAMES; n++)
			send_to(fd, id, FIRST + (i + 1) % ports);
		if (fd != trunk)
			close(fd);
	}
	close(trunk);
}

/* Ports that got what was sent to them. */
static uint32_t count_served(void)
{
	int32_t count = fwd_stats_read(0, stats, sizeof(stats));
	uint32_t served = 0;

	for (int32_t i = 0; i < count; i++)
		served += stats[i].id != TRUNK && stats[i].tx_packets >= FRAMES && stats[i].rx_packets >= FRAMES;
	return served;
}

static void check_ledger(void)
{
	int32_t count = fwd_stats_read(0, stats, sizeof(stats));

	for (int32_t i = 0; i < count; i++) {
		const struct fwd_port_stats *s = &stats[i];
		if (s->rx_packets + s->injected + s->cloned + s->originated != s->sent + s->dropped + s->punted)
			fail("a ledger does not hold");
	}
}

static void wait_for(const char *what, uint32_t (*count)(void), uint32_t wanted)
{
	uint32_t found;

	for (double end = now_ms() + PATIENCE_MS; (found = count()) != wanted; usleep(1000)) {
		if (now_ms() < end)
			continue;
		printf("%s: %u, not %u\n", what, found, wanted);
		exit(1);
	}
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void check_idle(void)
{
	sleep(1);
	double before = cpu_seconds();
	sleep(IDLE_SECONDS);
	double percent = (cpu_seconds() - before) * 100 / IDLE_SECONDS;
	printf("idle: %.2f %% of a CPU\n", percent);
	if (percent > IDLE_PERCENT)
		fail("too much for doing nothing");
}

static uint32_t count_links(void)
{
	return count_entries("/sys/class/net");
}

int main(int count, char **arguments)
{
	if (count < 4)
		return printf("usage: smoke_many STATE_FILE COUNT NETNS...\n"), 2;
	ports = (uint32_t)atoi(arguments[2]);
	netns = arguments + 3;
	namespaces = (uint32_t)count - 3;
	if (ports == 0 || ports + FIRST > LIMIT)
		return printf("COUNT: 1 to %u\n", LIMIT - FIRST), 2;
	struct fwd_config config = {.memory_mib = 64,
	        .state_mib = 16,
	        .state_fd = open(arguments[1], O_RDWR | O_CREAT, 0600),
	        .log_fd = 2,
	        .cpu = -1,
	        .packet_threads = 2,
	        .max_ports = LIMIT,
	        .log_level = 4};
	uint32_t links = count_links();

	/* Of its own: other forwarders may run here. */
	for (uint32_t i = 0, pid = (uint32_t)getpid(); i < 3; i++, pid /= 26)
		config.link_tag[i] = (char)('a' + pid % 26);
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fwd_start(&config, sizeof(config)) < 0)
		fail("fwd_start");
	owner = (uint32_t)fwd_owner_open("many");
	generation = (uint32_t)fwd_rows_begin(owner);
	uint32_t descriptors = count_entries("/proc/self/fd"), mib = resident_mib();
	double begin = now_ms();

	add_all();
	wait_for("ports that are up", count_up, ports + 1);
	printf("%u ports up: %.0f ms\n", ports, now_ms() - begin);
	begin = now_ms();
	send_all();
	wait_for("ports that got their frames", count_served, ports);
	printf("%u frames sent and delivered: %.0f ms\n", ports * FRAMES, now_ms() - begin);
	check_ledger();
	printf("%u descriptors, %u MiB more than without ports\n", count_entries("/proc/self/fd") - descriptors,
	        resident_mib() - mib);
	check_idle();
	begin = now_ms();
	delete_all();
	wait_for("interfaces", count_links, links);
	printf("ports gone: %.0f ms\n", now_ms() - begin);
	begin = now_ms();
	if (fwd_stop() < 0)
		fail("fwd_stop");
	printf("stopped: %.0f ms\n", now_ms() - begin);
	return 0;
}
