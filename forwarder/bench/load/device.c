/*
 * Takes the place of net_null's burst functions. Debian has no headers for drivers, so there is no driver of our own:
 * rte_eth_dev_start is called here first, lets the real one work, and then puts the load into the port's table of
 * functions. The load's port N is the device net_nullN.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "nic.h"

#define EXPORT __attribute__((visibility("default")))

static void *receive_queues[LOAD_PORTS][RTE_MAX_QUEUES_PER_PORT];
static void *send_queues[LOAD_PORTS][RTE_MAX_QUEUES_PER_PORT];
static bool begun;
/* Only the thread that polls counts without atomics, fills rings and has a cache of buffers. */
static __thread bool polls;

static inline struct rte_mempool_cache *cache_of(const struct load_port *port)
{
	return rte_mempool_default_cache(port->pool, rte_lcore_id());
}

static void tick(struct load_port *port)
{
	uint64_t now = rte_rdtsc();

	polls = true;
	port->counters->tsc_now = now;
	if (unlikely(now >= port->next_harness))
		load_harness(port);
}

static void note_steady(void)
{
	for (uint16_t i = 0; i < LOAD_PORTS; i++) {
		if (load.settings[i].present && !load.ports[i].steady)
			return;
	}
	load.file->header.steady = 1;
}

uint16_t load_rx(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	struct load_port *port = queue;

	if (unlikely(port == NULL))
		return 0;
	struct load_counters *counters = port->counters;

	count = RTE_MIN(count, (uint16_t)LOAD_BURST);
	port->burst = count;
	if ((counters->polls++ & 3) == 0)
		tick(port);
	if (unlikely(port->live && load.file->header.steady == 0))
		note_steady();
	count = port->nic != NULL ? load_nic_receive(port, packets, count)
	                          : load_make(port, packets, count, cache_of(port));
	counters->received += count;
	counters->empty_polls += count == 0;
	return count;
}

static uint16_t send_elsewhere(struct load_port *port, struct rte_mbuf **packets, uint16_t count)
{
	rte_pktmbuf_free_bulk(packets, count);
	__atomic_fetch_add(&port->counters->elsewhere, count, __ATOMIC_RELAXED);
	return count;
}

uint16_t load_tx(void *queue, struct rte_mbuf **packets, uint16_t count)
{
	struct load_port *port = queue;

	if (unlikely(!polls))
		return send_elsewhere(port, packets, count);
	count = RTE_MIN(count, (uint16_t)LOAD_BURST);
	if (port->nic != NULL)
		count = load_nic_send(port, packets, count);
	else
		load_take(port, packets, count, cache_of(port));
	port->counters->sent += count;
	return count;
}

/* The load's port behind a device, or NULL. */
static struct load_port *port_of(uint16_t device)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	unsigned int index;
	int end = 0;

	if (rte_eth_dev_get_name_by_port(device, name) != 0)
		return NULL;
	if (sscanf(name, "net_null%u%n", &index, &end) != 1 || name[end] != 0 || index >= LOAD_PORTS)
		return NULL;
	if (!begun)
		load_begin();
	begun = true;
	return load.settings[index].present ? &load.ports[index] : NULL;
}

/* Buffers hold zeroes where a frame's data is not written again for each packet. */
static void clear_buffer(struct rte_mempool *pool, void *argument, void *object, unsigned int index)
{
	struct rte_mbuf *packet = object;
	uint32_t from = RTE_PKTMBUF_HEADROOM + LOAD_HEAD;

	if (packet->buf_len > from)
		memset((uint8_t *)packet->buf_addr + from, 0, packet->buf_len - from);
}

EXPORT int rte_eth_rx_queue_setup(uint16_t device, uint16_t queue, uint16_t descriptors, unsigned int socket,
        const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	__typeof__(&rte_eth_rx_queue_setup) real = dlsym(RTLD_NEXT, "rte_eth_rx_queue_setup");
	struct load_port *port = port_of(device);
	static struct rte_mempool *cleared;

	if (port != NULL && queue == 0) {
		port->pool = pool;
		port->device = device;
		if (pool != cleared)
			rte_mempool_obj_iter(pool, clear_buffer, NULL);
		cleared = pool;
	}
	return real(device, queue, descriptors, socket, conf, pool);
}

EXPORT int rte_eth_dev_start(uint16_t device)
{
	__typeof__(&rte_eth_dev_start) real = dlsym(RTLD_NEXT, "rte_eth_dev_start");
	struct load_port *port = port_of(device);
	int error = real(device);

	if (error != 0 || port == NULL || port->pool == NULL)
		return error;
	receive_queues[port->index][0] = port;
	for (int i = 0; i < RTE_MAX_QUEUES_PER_PORT; i++)
		send_queues[port->index][i] = port;
	if (port->role == LOAD_GENERATE)
		port->next_harness = 0;
	load_nic_start(port);
	rte_eth_fp_ops[device].rxq.data = receive_queues[port->index];
	rte_eth_fp_ops[device].txq.data = send_queues[port->index];
	rte_eth_fp_ops[device].rx_pkt_burst = load_rx;
	rte_eth_fp_ops[device].tx_pkt_burst = load_tx;
	return 0;
}

EXPORT int rte_eth_dev_stop(uint16_t device)
{
	__typeof__(&rte_eth_dev_stop) real = dlsym(RTLD_NEXT, "rte_eth_dev_stop");
	struct load_port *port = port_of(device);
	int error = real(device);

	if (port != NULL) {
		load_nic_stop(port);
		load_ring_drop(&port->ring);
	}
	return error;
}
