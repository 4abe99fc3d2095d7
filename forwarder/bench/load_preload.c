/*
 * The same in-memory load for any DPDK program: preload this library and give the program net_null devices.
 *
 *   LD_PRELOAD=…/load_preload.so LOAD="flows=1000,mac=00:00:5e:00:01:00" dpdk-testpmd --vdev net_null0 --vdev net_null1
 * -- --forward-mode=macswap …
 *
 * When a port starts, its burst functions are replaced: receiving makes 64-byte UDP packets of a set of flows from
 * templates (flow i goes from 10.0.0.2 to 10.<16 + i/256>.<i%256>.9, so each flow has a /24 of its own), sending counts
 * and frees. At the end, or when a port stops, it prints {"received": N, "sent": N, "seconds": X} to the file named by
 * LOAD_REPORT. One thread per port.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { FRAME = 60, SLOT = 64, MAX_PORTS = 4 };

static struct load_port {
	struct rte_mempool *pool;
	uint32_t next;
	uint64_t received, sent, first_tsc, last_tsc;
} ports[MAX_PORTS];

static uint8_t (*templates)[SLOT];
static uint32_t flows = 1000;

static void make_template(uint8_t *frame, uint32_t flow, const struct rte_ether_addr *to)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	memset(frame, 0, SLOT);
	ether->dst_addr = *to;
	ether->src_addr = (struct rte_ether_addr){{2, 0, 0, 0, 0, 1}};
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(FRAME - sizeof(*ether));
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 2));
	ip->dst_addr = rte_cpu_to_be_32(RTE_IPV4(10, 16 + flow / 256, flow % 256, 9));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = rte_cpu_to_be_16(1024 + flow % 50000);
	udp->dst_port = rte_cpu_to_be_16(9);
	udp->dgram_len = rte_cpu_to_be_16(FRAME - sizeof(*ether) - sizeof(*ip));
}

static void make_templates(void)
{
	struct rte_ether_addr to = {{0, 0, 0x5e, 0, 1, 0}};
	const char *settings = getenv("LOAD");
	const char *mac = settings ? strstr(settings, "mac=") : NULL;
	const char *count = settings ? strstr(settings, "flows=") : NULL;

	if (count != NULL)
		flows = RTE_MAX(1, atoi(count + strlen("flows=")));
	if (mac != NULL) {
		char text[18] = {0};

		memcpy(text, mac + strlen("mac="), strnlen(mac + strlen("mac="), 17));
		rte_ether_unformat_addr(text, &to);
	}
	templates = rte_malloc("load", (size_t)flows * SLOT, SLOT);
	for (uint32_t flow = 0; flow < flows; flow++)
		make_template(templates[flow], flow, &to);
}

static uint16_t load_rx(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	struct load_port *port = queue;
	uint32_t next = port->next;

	if (rte_pktmbuf_alloc_bulk(port->pool, packets, count) != 0)
		return 0;
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *packet = packets[i];

		memcpy(rte_pktmbuf_mtod(packet, void *), templates[next], SLOT);
		packet->data_len = FRAME;
		packet->pkt_len = FRAME;
		next = next + 1 == flows ? 0 : next + 1;
	}
	port->next = next;
	port->received += count;
	if (port->first_tsc == 0)
		port->first_tsc = rte_rdtsc();
	return count;
}

static uint16_t load_tx(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	struct load_port *port = queue;

	rte_pktmbuf_free_bulk(packets, count);
	port->sent += count;
	port->last_tsc = rte_rdtsc();
	return count;
}

static void report(void)
{
	const char *path = getenv("LOAD_REPORT");
	uint64_t received = 0, sent = 0, first = UINT64_MAX, last = 0;

	for (int i = 0; i < MAX_PORTS; i++) {
		received += ports[i].received;
		sent += ports[i].sent;
		if (ports[i].first_tsc != 0 && ports[i].first_tsc < first)
			first = ports[i].first_tsc;
		last = RTE_MAX(last, ports[i].last_tsc);
	}
	FILE *file = path == NULL || sent == 0 ? NULL : fopen(path, "w");

	if (file == NULL)
		return;
	double seconds = (double)(last - first) / rte_get_tsc_hz();

	fprintf(file, "{\"received\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"seconds\": %.3f}\n", received, sent,
	        seconds);
	fclose(file);
}

EXPORT int rte_eth_rx_queue_setup(uint16_t port, uint16_t queue, uint16_t descriptors, unsigned int socket,
        const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	__typeof__(&rte_eth_rx_queue_setup) real = dlsym(RTLD_NEXT, "rte_eth_rx_queue_setup");

	if (port < MAX_PORTS)
		ports[port].pool = pool;
	return real(port, queue, descriptors, socket, conf, pool);
}

EXPORT int rte_eth_dev_start(uint16_t port)
{
	__typeof__(&rte_eth_dev_start) real = dlsym(RTLD_NEXT, "rte_eth_dev_start");
	static void *queues[MAX_PORTS];
	int error = real(port);

	if (error != 0 || port >= MAX_PORTS)
		return error;
	if (templates == NULL)
		make_templates();
	queues[port] = &ports[port];
	rte_eth_fp_ops[port].rxq.data = &queues[port];
	rte_eth_fp_ops[port].txq.data = &queues[port];
	rte_eth_fp_ops[port].rx_pkt_burst = load_rx;
	rte_eth_fp_ops[port].tx_pkt_burst = load_tx;
	return 0;
}

EXPORT int rte_eth_dev_stop(uint16_t port)
{
	__typeof__(&rte_eth_dev_stop) real = dlsym(RTLD_NEXT, "rte_eth_dev_stop");

	report();
	return real(port);
}
