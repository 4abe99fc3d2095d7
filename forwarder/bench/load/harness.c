/* What the load itself costs, measured on the polling thread: the load without the program, and a fixed calculation. */
#include <rte_cycles.h>

#include "load.h"
#include "nic.h"

enum {
	PACKETS = 20000,
	WARM = 2000,
	CALIBRATION_ROUNDS = 20000,
};

/* Dependent multiplications and shifts: the same number of cycles on an undisturbed core. */
static uint64_t calibrate(void)
{
	uint64_t begin = rte_rdtsc_precise(), value = begin | 1;

	for (int i = 0; i < CALIBRATION_ROUNDS; i++) {
		value = value * UINT64_C(0x9e3779b97f4a7c15) + 1;
		value ^= value >> 29;
	}
	__asm__ volatile("" : : "r"(value));
	return rte_rdtsc_precise() - begin;
}

static struct load_port *other(const struct load_port *port)
{
	for (uint16_t i = 0; i < LOAD_PORTS; i++) {
		if (i != port->index && load.settings[i].present && load.ports[i].pool != NULL)
			return &load.shadows[i];
	}
	return &load.shadows[port->index];
}

/* From one port to the other and back until `packets` were given. */
static uint64_t run(struct load_port *from, struct load_port *to, uint16_t burst, uint64_t packets)
{
	struct rte_mbuf *frames[LOAD_BURST];
	uint64_t given = 0;

	for (uint64_t tries = 0; given < packets && tries < packets; tries++) {
		uint16_t count = load_rx(from, frames, burst);

		given += count != 0 ? load_tx(to, frames, count) : 0;
		count = load_rx(to, frames, burst);
		given += count != 0 ? load_tx(from, frames, count) : 0;
	}
	return given;
}

/* From ring to ring: what a port of mode nic costs the polling thread, without the waits for the other thread. */
static uint64_t run_nic(
        struct load_port *from, struct load_port *to, uint16_t burst, uint64_t packets, uint64_t *cycles)
{
	struct rte_mbuf *frames[LOAD_BURST];
	uint64_t given = 0;

	for (uint64_t tries = 0; given < packets && tries < packets; tries++) {
		uint64_t begin = rte_rdtsc();
		uint16_t count = load_nic_receive(from, frames, burst);
		uint16_t sent;

		for (uint16_t i = 0; i < count; i++)
			frames[i]->vlan_tci_outer = LOAD_BYPASSED;
		sent = count == 0 ? 0 : load_nic_send(to, frames, count);

		if (count != 0 && sent == count)
			*cycles += rte_rdtsc() - begin;
		given += sent == count ? count : 0;
		rte_pktmbuf_free_bulk(frames + sent, (unsigned int)(count - sent));
	}
	return given;
}

static uint64_t run_shadows(struct load_port *from, struct load_port *to, uint16_t burst, uint64_t *cycles)
{
	run(from, to, burst, WARM);
	uint64_t start = rte_rdtsc_precise();
	uint64_t packets = run(from, to, burst, PACKETS);

	*cycles = rte_rdtsc_precise() - start;
	return packets;
}

static void publish(uint64_t packets, uint64_t cycles, uint64_t calibration)
{
	for (uint16_t i = 0; i < LOAD_PORTS; i++) {
		struct load_counters *counters = &load.file->ports[i];

		if (!load.settings[i].present)
			continue;
		counters->harness_packets += packets;
		counters->harness_cycles += cycles;
		counters->calibration_cycles += calibration;
		counters->calibration_runs++;
		counters->excluded_cycles = load.excluded;
		counters->tsc_now = rte_rdtsc();
	}
}

void load_harness(struct load_port *port)
{
	uint64_t begin = rte_rdtsc(), packets = 0, cycles = 0;
	struct load_port *from = &load.shadows[port->index], *to = other(port);

	for (uint16_t i = 0; i < LOAD_PORTS; i++) {
		load.shadows[i].pool = load.ports[i].pool;
		load.shadows[i].device = load.ports[i].device;
	}
	struct load_port *live = &load.ports[to->index];

	if (port->nic == NULL || live->nic == NULL)
		packets = run_shadows(from, to, port->burst, &cycles);
	else if (port->steady)
		packets = run_nic(port, live, port->burst, PACKETS, &cycles);
	uint64_t calibration = calibrate();

	load_ring_drop(&from->ring);
	load_ring_drop(&to->ring);
	port->next_harness = rte_rdtsc() + load.hz / 4;
	load.excluded += rte_rdtsc() - begin;
	publish(packets, cycles, calibration);
}
