/* The rig of a case: frames from templates, and exits whose I/O is the program's. */
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "pipeline.h"
#include "tenants.h"
#include "walk_case.h"

#define FLOWS 1000u
#define ROOM  1600u
/* Bytes of a frame that are written: all its headers. */
#define HEAD 96u

static const struct walk_case *self;
static struct tx tx;
static const struct port *entry;
static struct port_ops ops = {.name = "bench"};
static struct port_io io = {.ops = &ops, .fd = -1, .owner = 1};

static uint8_t templates[FLOWS][HEAD];
static uint16_t lengths[FLOWS];
static uint32_t next_flow;
static uint32_t destinations, destination, step;

static void no_close(struct port_io *unused)
{
}

static uint16_t no_receive(struct port_io *unused, struct rte_mbuf **mbufs, uint16_t n)
{
	return 0;
}

static uint32_t greatest_divisor(uint32_t a, uint32_t b)
{
	return b == 0 ? a : greatest_divisor(b, a % b);
}

void walk_start(const struct walk_case *which, int (*sink)(struct port_io *, struct rte_mbuf **, uint16_t))
{
	uint8_t frame[ROOM];

	self = which;
	ops = (struct port_ops){.name = "bench", .rx_burst = no_receive, .tx_burst = sink, .close = no_close};
	rig_flows = (struct fwd_config){.flow_pairs = which->flows, .flow_port_percent = 100};
	rig_start();
	tenants_make();
	if (which->rows != NULL)
		which->rows();
	for (const uint32_t *port = which->exits; *port != 0; port++) {
		port_detach(port_of(*port));
		port_of(*port)->io = &io;
	}
	entry = port_of(which->entry);
	if (tx_init(&tx, port_slot_limit() + 1, 1) != 0)
		abort();
	for (uint32_t i = 0; i < FLOWS; i++) {
		lengths[i] = (uint16_t)which->frame(frame, i);
		memcpy(templates[i], frame, HEAD);
	}
}

void walk_grow(uint32_t count)
{
	for (uint32_t i = destinations; self->destination != NULL && i < count; i++)
		self->destination(i);
	destinations = count;
	destination = 0;
	/* About the golden ratio, so that neighbours come far from one after the other; all come before one does again.
	 */
	step = (uint32_t)((uint64_t)count * 618034 / 1000000);
	while (count > 1 && greatest_divisor(count, step) != 1)
		step++;
}

void walk_make(struct rte_mbuf **mbufs, uint16_t n)
{
	void (*aim)(uint8_t *, uint32_t) = self->aim;

	if (rte_pktmbuf_alloc_bulk(io_pool, mbufs, n) != 0) {
		fprintf(stderr, "%s: no mbuf is left: the walk loses some\n", self->name);
		abort();
	}
	for (uint16_t i = 0; i < n; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
		memcpy(frame, templates[next_flow], HEAD);
		mbufs[i]->data_len = lengths[next_flow];
		mbufs[i]->pkt_len = lengths[next_flow];
		next_flow = next_flow + 1 == FLOWS ? 0 : next_flow + 1;
		if (aim == NULL)
			continue;
		aim(frame, destination);
		destination += step;
		if (destination >= destinations)
			destination -= destinations;
	}
}

void walk_leave(struct rte_mbuf **mbufs, uint16_t n)
{
	ops.tx_burst(&io, mbufs, n);
}

void walk_through(struct rte_mbuf **mbufs, uint16_t n)
{
	pipeline_receive(&tx, entry, mbufs, n);
	tx_flush(&tx);
}

uint64_t walk_dropped(void)
{
	return self->drop == 0 ? 0 : rig_drops(self->entry, self->drop);
}
