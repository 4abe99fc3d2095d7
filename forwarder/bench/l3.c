/*
 * Plain L3 forwarding against the bare limit, on packets in memory: a port that makes 64-byte frames of 1,000 flows
 * from templates on rx and frees on tx. Case A swaps MACs, which is what testpmd's macswap does; case B is the whole
 * walk: parse, checks, services, route among 1,000 /24s, TTL, checksum, MACs. A B A B ..., so that a noisy machine is
 * noisy for both; the ratio is what counts.
 *
 *     bench-l3 [ROUNDS [MILLION_PACKETS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "io.h"
#include "pipeline.h"
#include "port.h"
#include "stats.h"
#include "tenants.h"

#define FLOWS         1000u
#define BURST         32u
#define FRAME         60u
#define ROUNDS_LIMIT  50
#define FLOOR_PERCENT 15.0

static uint8_t templates[FLOWS][64];
static uint32_t next_flow;
static uint64_t left;

static uint16_t generate(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	if (rte_pktmbuf_alloc_bulk(io_pool, mbufs, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		memcpy(rte_pktmbuf_mtod(mbufs[i], void *), templates[next_flow], 64);
		mbufs[i]->data_len = FRAME;
		mbufs[i]->pkt_len = FRAME;
		next_flow = next_flow + 1 == FLOWS ? 0 : next_flow + 1;
	}
	return n;
}

static uint16_t consume(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	left += n;
	rte_pktmbuf_free_bulk(mbufs, n);
	return n;
}

static void no_close(struct port_io *io)
{
}

static const struct port_ops ops = {.name = "bench", .rx_burst = generate, .tx_burst = consume, .close = no_close};
static struct port_io io = {.ops = &ops, .fd = -1};

static void nothing(uint64_t packets)
{
	struct rte_mbuf *mbufs[BURST];

	for (uint64_t done = 0; done < packets; done += BURST) {
		uint16_t n = io.ops->rx_burst(&io, mbufs, BURST);
		io.ops->tx_burst(&io, mbufs, n);
	}
}

static void macswap(uint64_t packets)
{
	struct rte_mbuf *mbufs[BURST];

	for (uint64_t done = 0; done < packets; done += BURST) {
		uint16_t n = io.ops->rx_burst(&io, mbufs, BURST);
		for (uint16_t i = 0; i < n; i++) {
			struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbufs[i], struct rte_ether_hdr *);
			struct rte_ether_addr old = eth->dst_addr;
			eth->dst_addr = eth->src_addr;
			eth->src_addr = old;
		}
		io.ops->tx_burst(&io, mbufs, n);
	}
}

static struct tx tx;

static void walk(uint64_t packets)
{
	struct rte_mbuf *mbufs[BURST];
	const struct port *port = port_of(1);

	for (uint64_t done = 0; done < packets; done += BURST) {
		uint16_t n = io.ops->rx_burst(&io, mbufs, BURST);
		pipeline_receive(&tx, port, mbufs, n);
		tx_flush(&tx);
	}
}

/* TSC cycles per packet. */
static double measure(void (*run)(uint64_t), uint64_t packets)
{
	left = 0;
	uint64_t begin = rte_rdtsc_precise();
	run(packets);
	uint64_t end = rte_rdtsc_precise();
	if (left < packets) {
		printf("only %lu of %lu packets came through: the tables are wrong\n", left, packets);
		exit(2);
	}
	return (double)(end - begin) / (double)left;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

static void make_tables(void)
{
	tenants_make();
	for (uint32_t i = 0; i < 1000; i++)
		RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24,
		        .address = {20, (uint8_t)(i >> 8), (uint8_t)i, 0}, .source = 20, .nexthop = 103);
	for (uint32_t i = 0; i < FLOWS; i++)
		make_udp(templates[i], mac_gateway, 1, 0x0a01000b, 20u << 24 | i << 8 | (i % 250 + 1),
		        (uint16_t)(1000 + i), FRAME - 42);
	/* The generator stands behind port 3's exit; port 1's frames are given to the walk by hand. */
	port_detach(port_of(3));
	port_of(3)->io = &io;
	tx_init(&tx, port_slot_limit() + 1, stats_block(1));
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 5;
	uint64_t packets = (count > 2 ? strtoull(arguments[2], NULL, 10) : 4) * 1000000;
	double harness[ROUNDS_LIMIT], a[ROUNDS_LIMIT], b[ROUNDS_LIMIT];

	if (rounds < 1 || rounds > ROUNDS_LIMIT || packets == 0)
		return printf("usage: bench-l3 [ROUNDS (1 to %d) [MILLION_PACKETS]]\n", ROUNDS_LIMIT), 2;
	rig_start();
	make_tables();
	walk(packets / 10);
	for (int i = 0; i < rounds; i++) {
		harness[i] = measure(nothing, packets);
		a[i] = measure(macswap, packets);
		b[i] = measure(walk, packets);
	}
	double hz = (double)rte_get_tsc_hz(), none = median(harness, rounds), swap = median(a, rounds),
	       l3 = median(b, rounds);
	double share = 100 * swap / l3;
	printf("harness   %6.1f cycles/packet\n", none);
	printf("macswap   %6.1f cycles/packet (net %5.1f)  %6.2f Mpps\n", swap, swap - none, hz / swap / 1e6);
	printf("L3, 1 k   %6.1f cycles/packet (net %5.1f)  %6.2f Mpps   range %.1f to %.1f\n", l3, l3 - none,
	        hz / l3 / 1e6, b[0], b[rounds - 1]);
	printf("L3 / macswap: %.1f %% (floor %.0f %%)\n", share, FLOOR_PERCENT);
	return share < FLOOR_PERCENT;
}
