/* Makes the frames of a generator: a copy of what all flows share, then the flow's own fields and the checksums. */
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <string.h>

#include "load.h"

enum {
	IP4_CHECKSUM = 10,
	IP4_ADDRESSES = 12,
	IP6_SOURCE = 8,
	IP6_TARGET = 24,
	ARP_SENDER = 14,
	PREFETCH = 4,
};

/* Seven, four and one of twelve, spread. */
static const uint8_t imix[12] = {0, 1, 0, 0, 1, 0, 2, 0, 1, 0, 0, 1};

struct flow {
	uint32_t source, target;
	uint32_t ports; /* both, as in the frame */
};

static inline uint32_t divide(const struct load_divisor *divisor, uint32_t number)
{
	return divisor->by <= 1 ? number : (uint32_t)(((unsigned __int128)divisor->magic * number) >> 64);
}

static inline uint32_t modulo(const struct load_divisor *divisor, uint32_t number)
{
	return number - divide(divisor, number) * divisor->by;
}

static inline uint16_t fold(uint64_t total)
{
	total = (total & 0xffffffff) + (total >> 32);
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return (uint16_t)((total & 0xffff) + (total >> 16));
}

static inline void store16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void store32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void store64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline uint64_t halves(uint64_t value)
{
	return (value & 0xffffffff) + (value >> 32);
}

static inline struct flow flow_of(const struct load_source *source, uint32_t index)
{
	uint32_t round = divide(&source->dsts, index), higher = 0;
	struct flow flow = {.target = index - round * source->dsts.by};

	if (source->sources.by > 1)
		flow.source = modulo(&source->sources, index);
	if (unlikely(round >= LOAD_SOURCE_PORTS)) {
		higher = round / LOAD_SOURCE_PORTS;
		round %= LOAD_SOURCE_PORTS;
	}
	flow.ports = rte_cpu_to_be_32(
	        (uint32_t)(uint16_t)(source->sport + round) << 16 | (uint16_t)(source->dport + higher));
	return flow;
}

/* The next flow's number, which is below 2^32. */
static inline uint32_t next_index(struct load_source *source)
{
	uint64_t index = source->index, next = index + source->step;

	source->index = next >= source->flows ? next - source->flows : next;
	return (uint32_t)index;
}

/* A checksum of zero means none in UDP. */
static inline void store_checksum(const struct load_source *source, uint8_t *at, uint64_t total)
{
	uint16_t check = (uint16_t)~fold(total);

	store16(at, check == 0 && source->protocol == LOAD_UDP ? 0xffff : check);
}

static inline uint64_t stamp(const struct load_frame *frame, uint8_t *at, uint64_t departure)
{
	uint64_t total = halves(departure);

	store32(at + frame->stamp, LOAD_STAMP_MAGIC);
	store64(at + frame->stamp + 4, departure);
	return (frame->stamp - frame->transport) % 2 == 0 ? total : __builtin_bswap16(fold(total));
}

static inline void write_ip4(
        const struct load_source *source, const struct load_frame *frame, uint8_t *at, struct flow flow, uint64_t total)
{
	uint8_t *network = at + frame->network;
	uint32_t from = rte_cpu_to_be_32((uint32_t)source->src_low + flow.source);
	uint32_t to = rte_cpu_to_be_32((uint32_t)source->dst_low + flow.target * (uint32_t)source->dst_step);
	uint64_t addresses = (uint64_t)from + to;

	store64(network + IP4_ADDRESSES, (uint64_t)to << 32 | from);
	store16(network + IP4_CHECKSUM, (uint16_t)~fold(addresses + frame->network_sum));
	store32(at + frame->transport, flow.ports);
	store_checksum(source, at + frame->checksum, addresses + flow.ports + frame->transport_sum + total);
}

static inline void write_ip6(
        const struct load_source *source, const struct load_frame *frame, uint8_t *at, struct flow flow, uint64_t total)
{
	uint8_t *network = at + frame->network;
	uint64_t from = rte_cpu_to_be_64(source->src_low + flow.source);

	store64(network + IP6_SOURCE, source->src_high);
	store64(network + IP6_SOURCE + 8, from);
	total += halves(source->src_high) + halves(from) + frame->transport_sum;
	if (source->protocol != LOAD_ND) {
		uint64_t to = rte_cpu_to_be_64(source->dst_high + flow.target * source->dst_step);

		store64(network + IP6_TARGET, to);
		store32(at + frame->transport, flow.ports);
		total += halves(to) + flow.ports;
	}
	store_checksum(source, at + frame->checksum, total);
}

/* Neighbouring flows get neighbouring numbers, so theirs are mixed: the outer port is what spreads them. */
static inline uint16_t entropy(uint32_t index)
{
	return rte_cpu_to_be_16((uint16_t)(0xc000 | (index * 0x9e3779b1u) >> 18));
}

static inline void write_frame(const struct load_source *source, const struct load_frame *frame, uint8_t *at,
        uint32_t index, uint64_t departure)
{
	struct flow flow = flow_of(source, index);
	uint64_t total = 0;

	memcpy(at, frame->head, LOAD_HEAD / 2);
	if (frame->length > LOAD_HEAD / 2)
		memcpy(at + LOAD_HEAD / 2, frame->head + LOAD_HEAD / 2, LOAD_HEAD / 2);
	if (source->patches_mac)
		store32(at + frame->ethernet + 2, rte_cpu_to_be_32(modulo(&source->macs, index)));
	if (frame->outer_port != 0)
		store16(at + frame->outer_port, entropy(index));
	if (frame->stamp != 0)
		total = stamp(frame, at, departure);
	if (source->protocol == LOAD_ARP)
		store32(at + frame->network + ARP_SENDER, rte_cpu_to_be_32((uint32_t)source->src_low + flow.source));
	else if (source->family == 4)
		write_ip4(source, frame, at, flow, total);
	else
		write_ip6(source, frame, at, flow, total);
}

/* As a driver leaves it after receiving: the first cache line only. */
static inline void reset_packet(
        struct rte_mbuf *packet, uint64_t rearm, uint16_t bytes, const struct load_source *source, uint32_t index)
{
	store64((uint8_t *)&packet->rearm_data, rearm);
	packet->ol_flags = source->protocol == LOAD_ARP ? 0 : LOAD_CHECKED;
	packet->packet_type = 0;
	packet->pkt_len = bytes;
	packet->data_len = bytes;
	packet->vlan_tci = 0;
	packet->vlan_tci_outer = 0;
	packet->hash.rss = index * 0x9e3779b1u;
}

static uint64_t rearm_of(const struct load_port *port)
{
	return (uint64_t)RTE_PKTMBUF_HEADROOM | UINT64_C(1) << 16 | UINT64_C(1) << 32 | (uint64_t)port->device << 48;
}

static inline const struct load_frame *next_frame(struct load_source *source)
{
	if (likely(source->sizes == 1))
		return &source->frames[0];
	source->size_turn = source->size_turn == 11 ? 0 : source->size_turn + 1;
	return &source->frames[imix[source->size_turn]];
}

static inline void fill(struct load_port *port, struct rte_mbuf **packets, uint16_t count, uint64_t now)
{
	struct load_source *source = &port->source;
	uint64_t rearm = rearm_of(port), departure = source->interval == 0 ? now << 8 : source->departure;

	for (uint16_t i = 0; i < count; i++) {
		const struct load_frame *frame = next_frame(source);
		uint8_t *at = (uint8_t *)packets[i]->buf_addr + RTE_PKTMBUF_HEADROOM;

		if (i + PREFETCH < count)
			__builtin_prefetch(packets[i + PREFETCH], 1);
		uint32_t index = next_index(source);

		write_frame(source, frame, at, index, departure >> 8);
		reset_packet(packets[i], rearm, frame->length, source, index);
		departure += source->interval;
	}
	source->departure = departure;
}

/* How many of `count` frames are due. A generator that comes late makes up for it. */
static uint16_t due(struct load_source *source, uint16_t count, uint64_t now)
{
	if (source->interval == 0)
		return count;
	if (source->departure == 0)
		source->departure = now << 8;
	if (source->departure > now << 8)
		return 0;
	return (uint16_t)RTE_MIN((uint64_t)count, ((now << 8) - source->departure) / source->interval + 1);
}

/* Whether the program has forwarded a frame of this generator. */
static bool has_forwarded(const struct load_port *port)
{
	for (uint16_t i = 0; i < LOAD_PORTS; i++) {
		const struct load_counters *counters = load.ports[i].counters;

		if (i != port->index && counters != NULL && counters->sent != 0)
			return true;
	}
	return false;
}

/* A frame of the first flow, a hundred times a second, until the program forwards it. */
static uint16_t probe(struct load_port *port, uint64_t now)
{
	struct load_source *source = &port->source;

	source->forwarded = has_forwarded(port);
	source->index = 0;
	source->departure = now << 8;
	if (source->forwarded || now < source->patience)
		return 0;
	source->patience = now + load.hz / 100;
	return 1;
}

/* Each flow once; then a second for the last answers. */
static uint16_t opening(struct load_port *port, uint16_t count, uint64_t now)
{
	struct load_source *source = &port->source;
	bool answered = source->protocol != LOAD_TCP || port->counters->opened >= source->flows;

	if (!source->forwarded)
		return probe(port, now);
	if (source->opening > 0) {
		count = (uint16_t)RTE_MIN((uint64_t)count, source->opening);
		source->patience = now + load.hz;
		return due(source, count, now);
	}
	if (answered || now > source->patience) {
		load_source_steady(source, port->settings);
		port->steady = true;
	}
	return 0;
}

static uint16_t generate(
        struct load_port *port, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache)
{
	struct load_source *source = &port->source;
	bool timed = source->stamped || source->interval != 0 || !port->steady;
	uint64_t now = timed ? rte_rdtsc() - load.excluded : 0;

	count = port->steady ? due(source, count, now) : opening(port, count, now);
	if (count == 0 || rte_mempool_generic_get(port->pool, (void **)packets, count, cache) != 0)
		return 0;
	fill(port, packets, count, now);
	if (!port->steady && source->forwarded) {
		source->opening -= count;
		port->counters->opened += source->protocol == LOAD_TCP ? 0 : count;
	}
	return count;
}

uint16_t load_make(struct load_port *port, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache)
{
	uint16_t waiting = 0;

	if (port->ring.head != port->ring.tail)
		waiting = load_ring_get(&port->ring, packets, count);
	if (port->role != LOAD_GENERATE || waiting == count)
		return waiting;
	return (uint16_t)(waiting + generate(port, packets + waiting, (uint16_t)(count - waiting), cache));
}
