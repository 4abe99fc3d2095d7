#define _GNU_SOURCE
#include "rig.h"

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "capture.h"
#include "dataplane.h"
#include "decode.h"
#include "error.h"
#include "flow_fragment.h"
#include "flow_life.h"
#include "guard.h"
#include "inject.h"
#include "io.h"
#include "learn.h"
#include "link.h"
#include "nat_map.h"
#include "pool.h"
#include "port.h"
#include "punt.h"
#include "rcu.h"
#include "rows.h"
#include "service_peer.h"
#include "tables.h"
#include "tables_update.h"
#include "trace.h"
#include "uplink.h"
#include "worker.h"

#define QUEUE      128u
#define FRAME      RIG_FRAME
#define STATE_MIB  512u
#define FLOW_PAIRS 4096u

struct wire {
	uint32_t first, count;
	uint16_t lengths[QUEUE];
	uint8_t frames[QUEUE][FRAME];
};

struct memory_port {
	struct wire in, out;
};

uint32_t rig_threads = 1;
struct fwd_config rig_flows;
void (*rig_received)(struct rte_mbuf *);
void (*rig_left)(const struct rte_mbuf *);
static int state_fd;
static uint32_t owner;
static uint32_t generation;

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "rig: %s: %s\n", what, error_text());
	abort();
}

static bool wire_put(struct wire *wire, const void *frame, uint32_t length)
{
	if (wire->count == QUEUE || length > FRAME)
		return false;
	uint32_t at = (wire->first + wire->count++) % QUEUE;
	memcpy(wire->frames[at], frame, length);
	wire->lengths[at] = (uint16_t)length;
	return true;
}

static int wire_take(struct wire *wire, uint8_t *out)
{
	if (wire->count == 0)
		return -1;
	uint16_t length = wire->lengths[wire->first];
	memcpy(out, wire->frames[wire->first], length);
	wire->first = (wire->first + 1) % QUEUE;
	wire->count--;
	return length;
}

/* Long frames come as chains, as from real ports. */
static struct rte_mbuf *make_mbuf(const uint8_t *frame, uint32_t length)
{
	struct rte_mbuf *first = NULL;

	do {
		struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool);
		demand(m != NULL, "a free mbuf (a leak?)");
		uint16_t room = rte_pktmbuf_tailroom(m), bytes = length < room ? (uint16_t)length : room;
		memcpy(rte_pktmbuf_append(m, bytes), frame, bytes);
		frame += bytes;
		length -= bytes;
		if (first == NULL)
			first = m;
		else
			demand(rte_pktmbuf_chain(first, m) == 0, "a short chain");
	} while (length > 0);
	return first;
}

static uint16_t memory_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct memory_port *memory = io->private_data;
	uint8_t frame[FRAME];
	uint16_t got = 0;

	while (got < n && memory->in.count > 0) {
		mbufs[got] = make_mbuf(frame, (uint32_t)wire_take(&memory->in, frame));
		if (rig_received != NULL)
			rig_received(mbufs[got]);
		got++;
	}
	return got;
}

static int memory_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct memory_port *memory = io->private_data;
	uint16_t sent = 0;

	while (sent < n) {
		uint8_t flat[FRAME];
		const struct rte_mbuf *m = mbufs[sent];
		const void *bytes = rte_pktmbuf_read(m, 0, m->pkt_len, flat);
		if (rig_left != NULL)
			rig_left(m);
		if (bytes == NULL || !wire_put(&memory->out, bytes, m->pkt_len))
			break;
		rte_pktmbuf_free(mbufs[sent++]);
	}
	return sent;
}

static void memory_close(struct port_io *io)
{
	free(io->private_data);
	free(io);
}

static const struct port_ops memory_ops = {
        .name = "memory",
        .rx_burst = memory_rx,
        .tx_burst = memory_tx,
        .close = memory_close,
};

static void start_flows(void)
{
	rig_flows.state_fd = state_fd;
	rig_flows.packet_threads = rig_threads;
	if (rig_flows.flow_pairs == 0)
		rig_flows.flow_pairs = FLOW_PAIRS;
	demand(flow_life_start(&rig_flows, (uint64_t)STATE_MIB << 20) == 0, "flow_life_start");
}

void rig_flows_restart(void)
{
	flow_life_stop();
	start_flows();
}

void rig_start(void)
{
	static struct fwd_state report;
	char *arguments[] = {"rig", "--no-huge", "-m", "64", "--no-pci", "--no-shconf", "--no-telemetry",
	        "--lcores=0@0", "--log-level=lib.eal:3", NULL};

	demand(rte_eal_init(9, arguments) >= 0, "rte_eal_init");
	state_fd = memfd_create("rig", MFD_CLOEXEC);
	demand(state_fd >= 0 && rcu_init() == 0, "rcu_init");
	demand(arena_open(state_fd, STATE_MIB, decode_row_valid, &report) == 0, "arena_open");
	demand(tables_init() == 0 && rows_attach(&report) == 0, "tables");
	io_pool = pool_make(4095);
	demand(io_pool != NULL && ports_init(200) == 0, "ports");
	inject_init();
	demand(capture_init() == 0 && punt_init(201) == 0 && worker_init(201, rig_threads) == 0, "punt and worker");
	demand(flow_fragment_init(201, rig_threads) == 0, "flow_fragment_init");
	demand(uplink_start(201, rig_threads) == 0, "uplink_start");
	demand(guard_init() == 0 && learn_init() == 0 && service_peer_init(201) == 0, "guard, learn and service peers");
	tables_listen((struct tables_listener){.port = port_row_changed,
	        .punt_class = punt_class_row_changed,
	        .source = guard_source_changed,
	        .learned_neighbor = guard_learned_changed,
	        .nat_address = nat_map_address_changed});
	start_flows();
	owner = (uint32_t)rows_owner_open("test");
	generation = (uint32_t)rows_begin(owner);
}

void rig_stop(void)
{
	link_stop();
	flow_life_stop();
	capture_free();
	trace_free();
	ports_free();
	punt_free();
	inject_free();
	worker_free();
	learn_free();
	uplink_stop();
	service_peer_free();
	guard_fini();
	flow_fragment_fini();
	rte_mempool_free(io_pool);
	rows_detach();
	tables_fini();
	rcu_fini();
	arena_close();
	close(state_fd);
	rte_eal_cleanup();
}

uint32_t rig_owner(void)
{
	return owner;
}

static void apply(uint8_t op, uint8_t table, const void *row, uint16_t bytes)
{
	uint8_t batch[8 + ROW_BYTES_LIMIT] = {op, table, (uint8_t)bytes, (uint8_t)(bytes >> 8)};

	memcpy(batch + 8, row, bytes);
	demand(rows_apply(owner, generation, batch, 8 + ((bytes + 7u) & ~7u), false) >= 0, "rows_apply");
}

void rig_row(uint8_t table, const void *row, uint16_t bytes)
{
	apply(FWD_OP_UPSERT, table, row, bytes);
}

void rig_delete(uint8_t table, const void *row, uint16_t bytes)
{
	apply(FWD_OP_DELETE, table, row, bytes);
	link_poll_once();
}

void rig_attach(uint32_t id)
{
	struct port_io *io = calloc(1, sizeof(*io));

	link_poll_once();
	if (port_of(id) != NULL && port_of(id)->io != NULL)
		return;
	demand(io != NULL && port_of(id) != NULL, "a live port");
	if (tables_port(id) != NULL && (tables_port(id)->flags & FWD_PORT_UPLINK) != 0)
		memcpy(port_of(id)->mac, tables_port(id)->mac, sizeof(port_of(id)->mac));
	*io = (struct port_io){.ops = &memory_ops, .fd = -1, .private_data = calloc(1, sizeof(struct memory_port))};
	port_attach(port_of(id), io);
	port_report(port_of(id), FWD_LINK_UP, "%s", "");
}

void rig_links(void)
{
	link_poll_once();
}

static struct memory_port *memory_of(uint32_t id)
{
	return port_of(id)->io->private_data;
}

bool rig_send(uint32_t port, const void *frame, uint32_t length)
{
	return wire_put(&memory_of(port)->in, frame, length);
}

void rig_run(void)
{
	while (worker_poll_once() > 0)
		;
}

void rig_later(uint32_t seconds)
{
	flow_clock_ahead += seconds * FLOW_HZ;
	rig_run();
	flow_age_all();
	rig_run();
}

bool rig_has(uint32_t port)
{
	const struct port_io *io = port_of(port) == NULL ? NULL : port_of(port)->io;

	return io != NULL && io->ops == &memory_ops && memory_of(port)->out.count != 0;
}

int rig_take(uint32_t port, uint8_t *out)
{
	return wire_take(&memory_of(port)->out, out);
}

void rig_clear(void)
{
	struct port_report_entry entry;

	for (uint32_t from = 0; port_next(from, &entry); from = entry.id + 1) {
		const struct port_io *io = port_of(entry.id)->io;
		if (io != NULL && io->ops == &memory_ops)
			memory_of(entry.id)->out.count = 0;
	}
}

struct port_totals rig_totals(uint32_t port)
{
	struct port_totals totals;

	stats_sum(port == 0 ? 0 : port_of(port)->slot, &totals);
	return totals;
}

uint64_t rig_drops(uint32_t port, enum drop_reason reason)
{
	struct drop_counter drops[DROP_COUNT];

	stats_drops(port == 0 ? 0 : port_of(port)->slot, drops);
	return drops[reason].packets;
}

int64_t rig_in_flight(uint32_t port)
{
	struct port_totals t = rig_totals(port);

	return (int64_t)(t.rx_packets + t.injected + t.cloned + t.originated - t.sent - t.dropped - t.punted);
}

bool rig_ledgers_hold(void)
{
	struct port_totals t;

	for (uint32_t slot = 0; slot <= port_slot_limit(); slot++) {
		stats_sum(slot, &t);
		if (t.rx_packets + t.injected + t.cloned + t.originated == t.sent + t.dropped + t.punted)
			continue;
		printf("  slot %u: rx %lu + injected %lu + cloned %lu + originated %lu is not sent %lu + dropped %lu + "
		       "punted %lu\n",
		        slot, t.rx_packets, t.injected, t.cloned, t.originated, t.sent, t.dropped, t.punted);
		return false;
	}
	return true;
}
