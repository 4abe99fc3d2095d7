/*
 * Ports that come and go, with real links: all at once, then one after the other. Fails when a descriptor or an
 * interface is left over. Prints times.
 *
 *     smoke_churn STATE_FILE COUNT CYCLES NETNS...
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forwarder.h"

#define PATIENCE_MS 60000.0

static uint32_t owner, generation;

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

static void apply(uint8_t op, uint32_t id, char **netns, uint32_t namespaces)
{
	struct {
		uint8_t head[8];
		struct fwd_port_row row;
	} batch = {.head = {op, FWD_TABLE_PORT, (uint8_t)sizeof(struct fwd_port_row), sizeof(struct fwd_port_row) >> 8},
	        .row = {.id = id,
	                .mac = {2, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id},
	                .mtu = 1500,
	                .binding = FWD_BINDING_NETNS}};

	snprintf(batch.row.interface, sizeof(batch.row.interface), "e%u", id);
	snprintf(batch.row.netns, sizeof(batch.row.netns), "%s", netns[id % namespaces]);
	if (fwd_rows_apply(owner, generation, &batch, sizeof(batch), 0) < 0)
		fail("fwd_rows_apply");
}

/* Ports from the first that are up. */
static uint32_t count_up(void)
{
	static struct fwd_port_state states[2048];
	int32_t count = fwd_ports_read(0, states, sizeof(states));
	uint32_t up = 0;

	for (int32_t i = 0; i < count; i++)
		up += states[i].state == FWD_LINK_UP;
	return up;
}

static uint32_t count_entries(const char *folder, const char *prefix)
{
	DIR *directory = opendir(folder);
	uint32_t count = 0;

	for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (directory != NULL)
		closedir(directory);
	return count;
}

static void wait_up(uint32_t count)
{
	for (double end = now_ms() + PATIENCE_MS; count_up() != count;) {
		if (now_ms() > end)
			fail("ports do not come up");
		usleep(1000);
	}
}

static void wait_count(const char *what, const char *folder, const char *prefix, uint32_t count)
{
	uint32_t found;

	for (double end = now_ms() + PATIENCE_MS; (found = count_entries(folder, prefix)) != count;) {
		if (now_ms() > end) {
			printf("%s: %u, not %u\n", what, found, count);
			exit(1);
		}
		usleep(1000);
	}
}

int main(int count, char **arguments)
{
	if (count < 5)
		return printf("usage: smoke_churn STATE_FILE COUNT CYCLES NETNS...\n"), 2;
	uint32_t ports = (uint32_t)atoi(arguments[2]), cycles = (uint32_t)atoi(arguments[3]);
	char **netns = arguments + 4;
	uint32_t namespaces = (uint32_t)count - 4;
	struct fwd_config config = {.memory_mib = 128,
	        .state_mib = 16,
	        .state_fd = open(arguments[1], O_RDWR | O_CREAT, 0600),
	        .log_fd = 2,
	        .cpu = -1,
	        .packet_threads = 1,
	        .max_ports = 2048,
	        .log_level = 4};

	/* Of its own: other forwarders may run here. */
	for (uint32_t i = 0, pid = (uint32_t)getpid(); i < 3; i++, pid /= 26)
		config.link_tag[i] = (char)('a' + pid % 26);
	uint32_t links = count_entries("/sys/class/net", "");
	if (fwd_start(&config, sizeof(config)) < 0)
		fail("fwd_start");
	owner = (uint32_t)fwd_owner_open("churn");
	generation = (uint32_t)fwd_rows_begin(owner);
	apply(FWD_OP_UPSERT, 1, netns, namespaces);
	wait_up(1);
	uint32_t descriptors = count_entries("/proc/self/fd", "");

	double begin = now_ms();
	for (uint32_t i = 2; i <= ports; i++)
		apply(FWD_OP_UPSERT, i, netns, namespaces);
	wait_up(ports);
	printf("%u ports up: %.0f ms\n", ports, now_ms() - begin);

	begin = now_ms();
	for (uint32_t i = 2; i <= ports; i++)
		apply(FWD_OP_DELETE, i, netns, namespaces);
	wait_count("interfaces", "/sys/class/net", "", links + 1);
	printf("%u ports gone: %.0f ms\n", ports, now_ms() - begin);

	begin = now_ms();
	for (uint32_t i = 0; i < cycles; i++) {
		uint32_t id = 2 + i % 100;
		apply(FWD_OP_UPSERT, id, netns, namespaces);
		wait_up(2);
		apply(FWD_OP_DELETE, id, netns, namespaces);
	}
	printf("%u times added, up, removed: %.1f ms each\n", cycles, (now_ms() - begin) / cycles);
	wait_count("interfaces", "/sys/class/net", "", links + 1);
	wait_count("descriptors", "/proc/self/fd", "", descriptors);
	apply(FWD_OP_DELETE, 1, netns, namespaces);
	begin = now_ms();
	if (fwd_stop() < 0)
		fail("fwd_stop");
	printf("stopped: %.0f ms\n", now_ms() - begin);
	wait_count("interfaces", "/sys/class/net", "", links);
	return 0;
}
