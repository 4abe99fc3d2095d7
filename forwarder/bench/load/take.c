/* What the program gives: counted, its latency noted, turned round or freed. */
#include <rte_cycles.h>
#include <string.h>

#include "load.h"

/* Of the rearm word: the reference count and the number of segments, both 1. */
#define SIMPLE_MASK UINT64_C(0x0000ffffffff0000)
#define SIMPLE      UINT64_C(0x0000000100010000)

static inline bool is_simple(const struct rte_mbuf *packet, const struct rte_mempool *pool)
{
	uint64_t rearm;

	memcpy(&rearm, &packet->rearm_data, sizeof(rearm));
	return (rearm & SIMPLE_MASK) == SIMPLE && packet->pool == pool &&
	       (packet->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) == 0;
}

void load_free(struct rte_mempool *pool, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache)
{
	for (uint16_t i = 0; i < count; i++) {
		if (unlikely(!is_simple(packets[i], pool))) {
			rte_pktmbuf_free_bulk(packets, count);
			return;
		}
	}
	if (count != 0)
		rte_mempool_generic_put(pool, (void *const *)packets, count, cache);
}

static void note_latency(struct load_port *port, const struct rte_mbuf *packet, uint64_t now)
{
	const uint8_t *at = rte_pktmbuf_mtod_offset(packet, const uint8_t *, packet->data_len - LOAD_STAMP);
	uint32_t magic;
	uint64_t departure;

	if (packet->nb_segs != 1 || packet->data_len < LOAD_STAMP)
		return;
	memcpy(&magic, at, sizeof(magic));
	memcpy(&departure, at + sizeof(magic), sizeof(departure));
	if (magic == LOAD_STAMP_MAGIC)
		port->histogram[load_bucket(now > departure ? now - departure : 0)]++;
}

static uint64_t bytes_of(struct rte_mbuf **packets, uint16_t count)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < count; i++)
		bytes += packets[i]->pkt_len;
	return bytes;
}

/* Keeps those that go back, and packs those that are to be freed at the begin. */
static uint16_t sort(struct load_port *port, struct rte_mbuf **packets, uint16_t count)
{
	struct load_counters *counters = port->counters;
	uint16_t freed = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *packet = packets[i];
		bool answers = port->role == LOAD_GENERATE;
		bool back = packet->nb_segs == 1 && (answers ? load_answer(port, packet) : load_turn(port, packet));

		counters->opened += back && answers;
		counters->turned += back && !answers;
		if (back && load_ring_put(&port->ring, packet))
			continue;
		counters->overflow += back;
		packets[freed++] = packet;
	}
	return freed;
}

static void capture(struct load_port *port, struct rte_mbuf **packets, uint16_t count)
{
	if (port->live && load.file->header.steady == 0)
		return;
	for (uint16_t i = 0; i < count && port->captured < LOAD_CAPTURED; i++) {
		if (packets[i]->vlan_tci_outer == LOAD_BYPASSED)
			continue;
		load_capture(packets[i]);
		port->captured++;
	}
}

void load_take(struct load_port *port, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache)
{
	struct rte_mbuf *copy[LOAD_BURST];

	port->counters->sent_bytes += bytes_of(packets, count);
	if (port->role == LOAD_GENERATE)
		port->counters->handled_back += count;
	if (unlikely(port->captured < LOAD_CAPTURED))
		capture(port, packets, count);
	if (load.stamped) {
		uint64_t now = rte_rdtsc() - load.excluded;

		for (uint16_t i = 0; i < count; i++)
			note_latency(port, packets[i], now);
	}
	if (!port->answers) {
		load_free(port->pool, packets, count, cache);
		return;
	}
	memcpy(copy, packets, count * sizeof(*packets));
	load_free(port->pool, copy, sort(port, copy, count), cache);
}
