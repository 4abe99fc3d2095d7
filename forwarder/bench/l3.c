/*
 * Routing and bridging against the bare limit, on packets in memory: a port that makes 64-byte frames of 1,000 flows
 * from templates on rx and frees on tx. Case A swaps MACs, which is what testpmd's macswap does; case B is the whole
 * walk: parse, checks, services, route or bridge, TTL, checksum, MACs. A B A B ..., so that a noisy machine is noisy
 * for both; the ratio is what counts. With 1, 1 k, 100 k and 1 M destinations, each with a /24 (L3) or a MAC row (L2)
 * of its own, visited far from one after the other. "net" is without making and freeing the frames; medians, and the
 * best round: what a quiet machine gives.
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
#define MANY_RATIO    1.5 /* what 1 M routes may cost, against 1 k */

/* How many, and how far the next one lies from the last: no divisor in common. */
static const struct {
	uint32_t count, step;
	const char *name;
} sizes[] = {{1, 0, "1"}, {1000, 617, "1 k"}, {100000, 61803, "100 k"}, {1000000, 618033, "1 M"}};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint32_t size, destination;
static bool bridged;

static uint8_t templates[FLOWS][64];
static uint32_t next_flow;
static uint64_t left;

static uint32_t address_of(uint32_t number)
{
	return (20u << 24) + (number << 8) + 1;
}

static inline uint32_t next_destination(void)
{
	uint32_t number = destination;

	destination += sizes[size].step;
	if (destination >= sizes[size].count)
		destination -= sizes[size].count;
	return number;
}

/* The templates go to 0.0.0.0: the address's words are added to the header checksum (RFC 1624). */
static inline void set_address(uint8_t *frame)
{
	uint32_t address = rte_cpu_to_be_32(address_of(next_destination()));
	uint16_t *checksum = (uint16_t *)(frame + 24);
	uint32_t sum = (uint16_t) ~*checksum + (address & 0xffff) + (address >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*checksum = (uint16_t) ~(sum + (sum >> 16));
	memcpy(frame + 30, &address, sizeof(address));
}

/* MAC address 06:00 and the number. */
static inline void set_mac(uint8_t *frame)
{
	uint32_t number = rte_cpu_to_be_32(next_destination());

	frame[0] = 6;
	frame[1] = 0;
	memcpy(frame + 2, &number, sizeof(number));
}

static uint16_t generate(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	if (rte_pktmbuf_alloc_bulk(io_pool, mbufs, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		memcpy(rte_pktmbuf_mtod(mbufs[i], void *), templates[next_flow], 64);
		if (bridged)
			set_mac(rte_pktmbuf_mtod(mbufs[i], uint8_t *));
		else
			set_address(rte_pktmbuf_mtod(mbufs[i], uint8_t *));
		mbufs[i]->data_len = FRAME;
		mbufs[i]->pkt_len = FRAME;
		next_flow = next_flow + 1 == FLOWS ? 0 : next_flow + 1;
	}
	return n;
}

static int consume(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	left += n;
	rte_pktmbuf_free_bulk(mbufs, n);
	return n;
}

static void no_close(struct port_io *io)
{
}

static const struct port_ops ops = {.name = "bench", .rx_burst = generate, .tx_burst = consume, .close = no_close};
static struct port_io io = {.ops = &ops, .fd = -1, .owner = 1};

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
	for (uint32_t i = 0; i < FLOWS; i++)
		make_udp(templates[i], mac_gateway, 1, 0x0a01000b, 0, (uint16_t)(1000 + i), FRAME - 42);
	/* The generator stands behind the exits of ports 2 (bridged) and 3 (routed); port 1's frames are given to the
	 * walk by hand. */
	for (uint32_t port = 2; port <= 3; port++) {
		port_detach(port_of(port));
		port_of(port)->io = &io;
	}
	tx_init(&tx, port_slot_limit() + 1, 1);
}

/* Routes or MAC addresses of the destinations of sizes[size]; those of smaller sizes are there. */
static void add_rows(void)
{
	for (uint32_t i = size ? sizes[size - 1].count : 0; i < sizes[size].count; i++) {
		uint32_t address = address_of(i);
		if (bridged)
			RIG_ROW(mac, .bridge = 10, .port = 2,
			        .mac = {6, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i});
		else
			RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24,
			        .address = {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
			                (uint8_t)(address >> 8)},
			        .source = 20, .nexthop = 103);
	}
	destination = 0;
}

struct result {
	/** Cycles per packet. */
	double cycles, net, best_net;
	/** Of macswap's speed, in percent. */
	double share;
};

static struct result run(int rounds, uint64_t packets)
{
	double harness[ROUNDS_LIMIT], a[ROUNDS_LIMIT], b[ROUNDS_LIMIT];

	walk(packets / 10);
	for (int i = 0; i < rounds; i++) {
		harness[i] = measure(nothing, packets);
		a[i] = measure(macswap, packets);
		b[i] = measure(walk, packets);
	}
	double none = median(harness, rounds), swap = median(a, rounds), all = median(b, rounds);
	return (struct result){all, all - none, b[0] - harness[0], 100 * swap / all};
}

/* All sizes of one layer; false: below the floor, or many routes cost too much. */
static bool bench(const char *layer, int rounds, uint64_t packets)
{
	double hz = (double)rte_get_tsc_hz();
	struct result results[SIZES];

	printf("%s  destinations     Mpps  ns/packet  cycles  net  best net  macswap's speed\n", layer);
	for (size = 0; size < SIZES; size++) {
		add_rows();
		struct result *result = &results[size];
		*result = run(rounds, packets);
		printf("    %12s  %7.2f  %9.1f  %6.1f  %3.0f  %8.1f  %13.1f %%\n", sizes[size].name,
		        hz / result->cycles / 1e6, result->cycles * 1e9 / hz, result->cycles, result->net,
		        result->best_net, result->share);
	}
	double ratio = results[SIZES - 1].cycles / results[1].cycles;
	printf("    macswap's speed with 1 k: %.1f %% (floor %.0f %%); 1 M / 1 k: %.2f (limit for L3: %.1f)\n",
	        results[1].share, FLOOR_PERCENT, ratio, MANY_RATIO);
	return results[1].share >= FLOOR_PERCENT && (bridged || ratio <= MANY_RATIO);
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 5;
	uint64_t packets = (count > 2 ? strtoull(arguments[2], NULL, 10) : 4) * 1000000;

	if (rounds < 1 || rounds > ROUNDS_LIMIT || packets == 0)
		return printf("usage: bench-l3 [ROUNDS (1 to %d) [MILLION_PACKETS]]\n", ROUNDS_LIMIT), 2;
	rig_start();
	make_tables();
	bool routes = bench("L3", rounds, packets);
	bridged = true;
	bool bridges = bench("L2", rounds, packets);
	return !(routes && bridges);
}
