#define _GNU_SOURCE
#include "nic.h"

#include <pthread.h>
#include <rte_ring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { DESCRIPTORS = 1024, BURST = 32, CACHE = 512 };

struct load_nic {
	struct rte_ring *receive, *send;
	struct rte_mempool_cache *cache;
	/* Set by the program's threads; `busy` by the thread that plays the device. */
	bool runs, busy;
};

static struct load_nic nics[LOAD_PORTS];

static void serve(struct load_port *port, struct load_nic *nic)
{
	struct rte_mbuf *packets[BURST];
	unsigned int count = rte_ring_sc_dequeue_burst(nic->send, (void **)packets, BURST, NULL);

	if (count != 0)
		load_take(port, packets, (uint16_t)count, nic->cache);
	if (rte_ring_free_count(nic->receive) < BURST)
		return;
	count = load_make(port, packets, BURST, nic->cache);
	if (count != 0)
		rte_ring_sp_enqueue_bulk(nic->receive, (void *const *)packets, count, NULL);
}

static void *play(void *unused)
{
	for (;;) {
		for (int i = 0; i < LOAD_PORTS; i++) {
			struct load_nic *nic = &nics[i];

			__atomic_store_n(&nic->busy, true, __ATOMIC_SEQ_CST);
			if (__atomic_load_n(&nic->runs, __ATOMIC_SEQ_CST))
				serve(&load.ports[i], nic);
			__atomic_store_n(&nic->busy, false, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

static void start_thread(void)
{
	const char *text = getenv("LOAD_NIC_CPU");
	char *end;
	unsigned long cpu = strtoul(text == NULL ? "" : text, &end, 10);
	cpu_set_t cpus;
	pthread_t thread;
	pthread_attr_t attributes;

	if (text == NULL || end == text || *end != 0 || cpu >= CPU_SETSIZE)
		load_refuse("LOAD_NIC_CPU: mode=nic needs the number of a CPU, which is not",
		        text == NULL ? "there" : text);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus) != 0 ||
	        pthread_create(&thread, &attributes, play, NULL) != 0)
		load_refuse("LOAD_NIC_CPU: cannot run a thread on CPU", text);
	pthread_attr_destroy(&attributes);
}

static struct rte_ring *make_ring(const char *name, uint16_t index)
{
	char text[RTE_RING_NAMESIZE];

	snprintf(text, sizeof(text), "load_%s_%u", name, index);
	struct rte_ring *ring = rte_ring_create(text, DESCRIPTORS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	if (ring == NULL)
		load_refuse("LOAD: no memory for a ring of mode=nic", "");
	return ring;
}

void load_nic_start(struct load_port *port)
{
	struct load_nic *nic = &nics[port->index];
	static bool started;

	if (port->settings->mode != LOAD_NIC)
		return;
	if (nic->receive == NULL) {
		nic->receive = make_ring("receive", port->index);
		nic->send = make_ring("send", port->index);
	}
	nic->cache = rte_mempool_cache_create(CACHE, SOCKET_ID_ANY);
	if (nic->cache == NULL)
		load_refuse("LOAD: no memory for a cache of mode=nic", "");
	port->nic = nic;
	__atomic_store_n(&nic->runs, true, __ATOMIC_SEQ_CST);
	if (!started)
		start_thread();
	started = true;
}

static void drop(struct rte_ring *ring)
{
	void *packet;

	while (rte_ring_sc_dequeue(ring, &packet) == 0)
		rte_pktmbuf_free(packet);
}

void load_nic_stop(struct load_port *port)
{
	struct load_nic *nic = port->nic;

	if (nic == NULL || !nic->runs)
		return;
	__atomic_store_n(&nic->runs, false, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&nic->busy, __ATOMIC_SEQ_CST))
		sched_yield();
	drop(nic->receive);
	drop(nic->send);
	rte_mempool_cache_flush(nic->cache, port->pool);
	rte_mempool_cache_free(nic->cache);
	nic->cache = NULL;
	port->nic = NULL;
}

uint16_t load_nic_receive(struct load_port *port, struct rte_mbuf **packets, uint16_t count)
{
	return (uint16_t)rte_ring_sc_dequeue_burst(port->nic->receive, (void **)packets, count, NULL);
}

uint16_t load_nic_send(struct load_port *port, struct rte_mbuf **packets, uint16_t count)
{
	return (uint16_t)rte_ring_sp_enqueue_burst(port->nic->send, (void *const *)packets, count, NULL);
}
