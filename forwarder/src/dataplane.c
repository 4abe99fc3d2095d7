#include "dataplane.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "closer.h"
#include "drop.h"
#include "error.h"
#include "flow_fragment.h"
#include "flow_life.h"
#include "guard.h"
#include "inject.h"
#include "io.h"
#include "keeper.h"
#include "learn.h"
#include "link.h"
#include "log.h"
#include "pool.h"
#include "port.h"
#include "punt.h"
#include "service_peer.h"
#include "stats.h"
#include "tables.h"
#include "trace.h"
#include "uplink.h"
#include "uplink_address.h"
#include "worker.h"

#define MBUF_LEAST 4096u
/* Descriptors that are no packet sockets. */
#define OTHER_FILES 1024u
/* How long a start waits for links that are there already. */
#define SETTLE_SECONDS 2u

/* Half of the packet memory becomes buffers: the rest is EAL's and the devices'. */
static struct rte_mempool *make_pool(const struct fwd_config *config)
{
	uint64_t count = (uint64_t)config->memory_mib * (1 << 20) / 2 / pool_buffer_bytes();

	return pool_make(count < MBUF_LEAST ? MBUF_LEAST : (uint32_t)count);
}

static void adopt_port(const struct fwd_port_row *row, uint32_t generation, void *context)
{
	port_row_changed(NULL, row, generation);
}

int dataplane_start(const struct fwd_config *config)
{
	uint32_t slots;

	io_pool = make_pool(config);
	if (io_pool == NULL)
		return error_set(-rte_errno, "no packet buffers: %s; raise memory_mib", rte_strerror(rte_errno));
	int result = ports_init(config->max_ports);
	if (result < 0)
		return result;
	slots = port_slot_limit() + 1;
	inject_init();
	if ((result = keeper_start(slots + OTHER_FILES)) < 0)
		log_line("no io_uring (%s): after a kill packets flow some 10 ms later for each port; set "
		         "kernel.io_uring_disabled to 0, or use Linux 5.19 or later",
		        strerror(-result));
	if ((result = capture_init()) < 0 || (result = punt_init(slots)) < 0 ||
	        (result = service_peer_init(slots)) < 0 || (result = worker_init(slots, config->packet_threads)) < 0)
		return result;
	if ((result = guard_init()) < 0 || (result = learn_init()) < 0 ||
	        (result = uplink_start(slots, config->packet_threads)) < 0 ||
	        (result = flow_fragment_init(slots, config->packet_threads)) < 0)
		return result;
	tables_each_port(adopt_port, NULL);
	if ((result = flow_life_start(config, (uint64_t)config->state_mib << 20)) < 0)
		return result;
	result = link_start(config->link_tag);
	if (result < 0)
		return error_set(result, "the link thread does not start: %s", strerror(-result));
	result = worker_start(config->cpu);
	if (result < 0)
		return error_set(result, "the packet threads do not start: %s", strerror(-result));
	if ((result = learn_start()) < 0)
		return error_set(result, "the thread that learns does not start: %s", strerror(-result));
	uint64_t begin = rte_rdtsc();
	link_settle(SETTLE_SECONDS);
	log_line("links settled in %lu ms", (rte_rdtsc() - begin) * 1000 / rte_get_tsc_hz());
	return 0;
}

void dataplane_stop(void)
{
	learn_stop();
	link_stop();
	worker_stop();
	uplink_address_free();
	flow_life_stop();
	capture_free();
	trace_free();
	ports_free();
	closer_wait();
	keeper_stop();
	punt_free();
	inject_free();
	worker_free();
	learn_free();
	uplink_stop();
	service_peer_free();
	guard_fini();
	flow_fragment_fini();
	rte_mempool_free(io_pool);
	io_pool = NULL;
}

int32_t dataplane_ports_read(uint32_t from, struct fwd_port_state *out, uint32_t capacity)
{
	struct port_report_entry port;
	uint32_t count = 0;

	for (; count < capacity && port_next(from, &port); count++, from = port.id + 1) {
		out[count] = (struct fwd_port_state){
		        .id = port.id, .generation = port.generation, .slot = port.slot, .state = port.state};
		memcpy(out[count].mac, port.mac, sizeof(out[count].mac));
		memcpy(out[count].reason, port.reason, sizeof(out[count].reason));
	}
	return (int32_t)count;
}

static void sum(uint16_t slot, void *totals)
{
	stats_sum(slot, totals);
}

int32_t dataplane_stats_read(uint32_t from, struct fwd_port_stats *out, uint32_t capacity)
{
	struct port_report_entry port;
	struct port_totals totals;
	uint32_t count = 0;

	for (; count < capacity && port_visit(from, &port, sum, &totals); count++, from = port.id + 1) {
		out[count] = (struct fwd_port_stats){
		        .id = port.id,
		        .generation = port.generation,
		        .rx_packets = totals.rx_packets,
		        .rx_bytes = totals.rx_bytes,
		        .tx_packets = totals.tx_packets,
		        .tx_bytes = totals.tx_bytes,
		        .injected = totals.injected,
		        .cloned = totals.cloned,
		        .originated = totals.originated,
		        .sent = totals.sent,
		        .dropped = totals.dropped,
		        .punted = totals.punted,
		};
	}
	return (int32_t)count;
}

static void look_at_drops(uint16_t slot, void *drops)
{
	stats_drops(slot, drops);
}

/* Drops under a port's id. Returns how many, or -ENOSPC without writing. */
static int32_t write_drops(uint32_t id, const struct drop_counter *drops, struct fwd_drop *out, uint32_t capacity)
{
	uint32_t count = 0;

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
	struct drop_counter drops[DROP_COUNT];
	struct port_report_entry port;
	uint32_t count = 0;

	/* Slot 0 counts as port 0. */
	if (from == 0) {
		stats_drops(0, drops);
		int32_t some = write_drops(0, drops, out, capacity);
		if (some < 0)
			return some;
		count = (uint32_t)some;
	}
	while (port_visit(from, &port, look_at_drops, drops)) {
		int32_t some = write_drops(port.id, drops, out + count, capacity - count);
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
	return inject_records(records, length);
}
