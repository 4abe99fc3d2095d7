#include "dataplane.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "drop.h"
#include "error.h"
#include "io.h"
#include "link.h"
#include "log.h"
#include "pool.h"
#include "port.h"
#include "punt.h"
#include "stats.h"
#include "tables.h"
#include "worker.h"

#define MBUF_LEAST 4096u
/* How long a start waits for links that are there already. */
#define SETTLE_SECONDS 2u

/* Half of the packet memory becomes buffers: the rest is EAL's and the devices'. */
static struct rte_mempool *make_pool(const struct fwd_config *config)
{
	uint64_t count = (uint64_t)config->memory_mib * (1 << 20) / 2 / pool_buffer_bytes();

	return pool_make(count < MBUF_LEAST ? MBUF_LEAST : (uint32_t)count);
}

/*
 * Distinguishes the links of several forwarders on one host. It comes from the state memory, so it is the same for each
 * forwarder that attaches to it: three of base 36.
 */
static void make_tag(int state_fd, char tag[5])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	struct stat info = {0};

	fstat(state_fd, &info);
	uint64_t seed = (uint64_t)info.st_ino * 0x9e3779b97f4a7c15u ^ (uint64_t)info.st_dev;
	for (int i = 0; i < 3; i++, seed /= 36)
		tag[i] = digits[(seed >> 8) % 36];
	tag[3] = '\0';
}

static void adopt_port(const struct fwd_port_row *row, uint32_t generation, void *context)
{
	port_row_changed(NULL, row, generation);
}

int dataplane_start(const struct fwd_config *config)
{
	char tag[5];
	uint32_t slots;

	io_pool = make_pool(config);
	if (io_pool == NULL)
		return error_set(-rte_errno, "no packet buffers: %s; raise memory_mib", rte_strerror(rte_errno));
	int result = ports_init(config->max_ports);
	if (result < 0)
		return result;
	slots = port_slot_limit() + 1;
	if ((result = punt_init(slots)) < 0 || (result = worker_init(slots)) < 0)
		return result;
	if (config->packet_threads > 1)
		log_line("packet_threads is %u; this version runs one", config->packet_threads);
	make_tag(config->state_fd, tag);
	tables_each_port(adopt_port, NULL);
	result = link_start(tag);
	if (result < 0)
		return error_set(result, "the link thread does not start: %s", strerror(-result));
	result = worker_start(config->cpu);
	if (result < 0)
		return error_set(result, "the packet thread does not start: %s", strerror(-result));
	uint64_t begin = rte_rdtsc();
	link_settle(SETTLE_SECONDS);
	log_line("links settled in %lu ms", (rte_rdtsc() - begin) * 1000 / rte_get_tsc_hz());
	return 0;
}

void dataplane_stop(void)
{
	link_stop();
	worker_stop();
	ports_free();
	punt_free();
	worker_free();
	rte_mempool_free(io_pool);
	io_pool = NULL;
}

int32_t dataplane_ports_read(uint32_t from, struct fwd_port_state *out, uint32_t capacity)
{
	struct port_report_entry port;
	uint32_t count = 0;

	for (; count < capacity && port_next(from, &port); count++, from = port.id + 1) {
		out[count] = (struct fwd_port_state){.id = port.id, .generation = port.generation, .state = port.state};
		memcpy(out[count].reason, port.reason, sizeof(out[count].reason));
	}
	return (int32_t)count;
}

int32_t dataplane_stats_read(uint32_t from, struct fwd_port_stats *out, uint32_t capacity)
{
	struct port_report_entry port;
	uint32_t count = 0;

	for (; count < capacity && port_next(from, &port); count++, from = port.id + 1) {
		struct port_totals sum;

		stats_sum(port.slot, &sum);
		out[count] = (struct fwd_port_stats){
		        .id = port.id,
		        .generation = port.generation,
		        .rx_packets = sum.rx_packets,
		        .rx_bytes = sum.rx_bytes,
		        .tx_packets = sum.tx_packets,
		        .tx_bytes = sum.tx_bytes,
		        .injected = sum.injected,
		        .cloned = sum.cloned,
		        .originated = sum.originated,
		        .sent = sum.sent,
		        .dropped = sum.dropped,
		        .punted = sum.punted,
		};
	}
	return (int32_t)count;
}

/* Drops of one slot under its port's id; slot 0 counts as port 0. Returns how many, or -ENOSPC without writing. */
static int32_t read_drops(uint32_t id, uint16_t slot, struct fwd_drop *out, uint32_t capacity)
{
	struct drop_counter drops[DROP_COUNT];
	uint32_t count = 0;

	stats_drops(slot, drops);
	for (uint32_t reason = 0; reason < DROP_COUNT; reason++)
		count += drops[reason].packets != 0;
	if (count > capacity)
		return -ENOSPC;
	count = 0;
	for (uint32_t reason = 0; reason < DROP_COUNT; reason++) {
		if (drops[reason].packets == 0)
			continue;
		out[count++] = (struct fwd_drop){
		        .port = id, .reason = reason, .packets = drops[reason].packets, .bytes = drops[reason].bytes};
	}
	return (int32_t)count;
}

int32_t dataplane_drops_read(uint32_t from, struct fwd_drop *out, uint32_t capacity)
{
	struct port_report_entry port;
	uint32_t count = 0;

	if (from == 0) {
		int32_t some = read_drops(0, 0, out, capacity);
		if (some < 0)
			return some;
		count = (uint32_t)some;
	}
	while (port_next(from, &port)) {
		int32_t some = read_drops(port.id, port.slot, out + count, capacity - count);
		if (some < 0)
			return count == 0 ? some : (int32_t)count;
		count += (uint32_t)some;
		from = port.id + 1;
	}
	return (int32_t)count;
}

const char *dataplane_drop_name(uint32_t reason)
{
	return drop_text(reason);
}

uint64_t dataplane_ports_changes(void)
{
	return port_changes();
}

int dataplane_ports_fd(void)
{
	return port_changes_fd();
}

int dataplane_punt_fd(void)
{
	return punt_fd();
}

int dataplane_punt_arm(void)
{
	return punt_arm();
}

int32_t dataplane_punt_read(uint32_t owner, void *out, uint32_t length)
{
	return punt_read(owner, out, length);
}

int32_t dataplane_inject(uint32_t owner, const void *records, uint32_t length)
{
	return punt_inject(records, length);
}
