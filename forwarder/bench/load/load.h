/*
 * The load: what stands behind the two DPDK devices of a program under measurement. Preloaded (load.so), it takes the
 * place of the burst functions of net_null devices when they start. README.md tells how to use it.
 *
 * Numbers are in host order unless a comment says otherwise.
 */
#ifndef LOAD_H
#define LOAD_H

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LOAD_PORTS = 4,
	LOAD_BUCKETS = 1024,
	LOAD_HEAD = 128,
	/* Frames that one call makes at most. */
	LOAD_BURST = 256,
	/* Frames that wait at a reflector; a power of two. */
	LOAD_RING = 4096,
	LOAD_FRAMES = 3,
	/* Source ports that flows use before the destination port grows. */
	LOAD_SOURCE_PORTS = 60000,
	/* Bytes at the end of a frame: LOAD_STAMP_MAGIC, then the departure as 64-bit little-endian TSC. */
	LOAD_STAMP = 12,
	LOAD_CAPTURED = 32,
};

#define LOAD_STAMP_MAGIC   0x57454654u
#define LOAD_CLIENT_NUMBER 0x10000000u
#define LOAD_SERVER_NUMBER 0x20000000u

enum load_role { LOAD_SINK, LOAD_GENERATE, LOAD_REFLECT };
enum load_protocol { LOAD_UDP, LOAD_TCP, LOAD_ARP, LOAD_ND };
enum load_tunnel { LOAD_PLAIN, LOAD_VXLAN, LOAD_MPLS_UDP };
enum load_mode { LOAD_INLINE, LOAD_NIC };

/* IPv4 addresses are the low 32 bits of `low`. */
struct load_address {
	uint64_t high, low;
	uint8_t family;
};

/* What LOAD says of one port; README.md describes the keys. */
struct load_settings {
	bool present, imix, endless;
	uint64_t role, protocol, family, tunnel, mode;
	uint64_t flows, size, macs, sources, dsts, dst_step, sport, dport, vlan, vni, rate, setup;
	bool has_dst_mac, has_vni;
	uint8_t src_mac[6], dst_mac[6], outer_src_mac[6], outer_dst_mac[6];
	struct load_address src, dst, target, outer_src, outer_dst;
};

/* In vlan_tci_outer of frames that the harness hands from port to port: the program has not seen them. */
#define LOAD_BYPASSED 0xfeed

/* What every NIC of today says of a frame with IP: its checksums were right, and here is a hash of its flow. */
#define LOAD_CHECKED (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH)

/*
 * Reads LOAD. Returns false and one sentence without a newline in `reason` for a key, value or combination that does
 * not exist.
 */
bool load_settings_parse(const char *text, struct load_settings settings[LOAD_PORTS], char *reason, size_t size);

/* The counters file, little-endian: header, then ports from byte 256, then one histogram a port from byte 4096. */
struct load_header {
	char magic[8]; /* WLOAD001 */
	uint64_t tsc_hz;
	uint64_t ports;  /* highest port with settings, plus one */
	uint64_t steady; /* 1 when every generator has ended its setup */
	uint64_t unused[28];
};

struct load_counters {
	uint64_t received; /* frames the program got */
	uint64_t sent;     /* frames the program gave */
	uint64_t tsc_now;  /* TSC at one of the last four polls */
	/* The same in all ports: the load alone, timed; all time spent so since the start; the calibration loop. */
	uint64_t harness_packets, harness_cycles, excluded_cycles, calibration_cycles, calibration_runs;
	uint64_t polls, empty_polls;
	uint64_t opened;       /* flows opened: first packets given (UDP), SYN-ACKs taken (TCP) */
	uint64_t turned;       /* frames turned round */
	uint64_t overflow;     /* frames freed because a ring was full */
	uint64_t sent_bytes;   /* of `sent`, without FCS */
	uint64_t handled_back; /* frames given to a generator */
	uint64_t elsewhere;    /* frames that another thread than the polling one gave: freed, in no other counter */
	uint64_t unused[16];
};

struct load_file {
	struct load_header header;
	struct load_counters ports[LOAD_PORTS];
	uint64_t unused[352];
	uint64_t histograms[LOAD_PORTS][LOAD_BUCKETS];
};

_Static_assert(offsetof(struct load_file, ports) == 256, "ports start at byte 256");
_Static_assert(sizeof(struct load_counters) == 256, "a port takes 256 bytes");
_Static_assert(offsetof(struct load_file, histograms) == 4096, "histograms start at byte 4096");

/* Bucket of a latency in TSC cycles: its own below 16, then 16 buckets an octave. At most 975. */
static inline uint32_t load_bucket(uint64_t cycles)
{
	if (cycles < 16)
		return (uint32_t)cycles;
	uint32_t octave = 63u - (uint32_t)__builtin_clzll(cycles);

	return (octave - 3) * 16 + (uint32_t)(cycles >> (octave - 4)) - 16;
}

/* The inverse: the smallest latency of a bucket. The largest is that of the next bucket minus one. */
static inline uint64_t load_bucket_floor(uint32_t bucket)
{
	return bucket < 16 ? bucket : (uint64_t)(16 + bucket % 16) << (bucket / 16 - 1);
}

/* Division of 32-bit numbers by multiplication: exact for all (Lemire, Kaser, Kurz 2019). */
struct load_divisor {
	uint64_t magic;
	uint32_t by;
};

/* One size of frame: the bytes that all flows share, and what is to be patched for a flow. */
struct load_frame {
	uint8_t head[LOAD_HEAD] __attribute__((aligned(64)));
	uint16_t length, ethernet, network, transport, checksum, stamp;
	uint16_t outer_port; /* offset of the outer UDP source port, or 0 */
	/* Sums of 16-bit words, as loaded, of what does not change. */
	uint32_t network_sum, transport_sum;
};

/*
 * Builds the frame of `bytes` (without FCS; made longer when the headers need it). With `stamped`, room for a stamp
 * is at its end. `tcp_flags` are those of TCP.
 */
void load_frame_build(struct load_frame *frame, const struct load_settings *settings, uint16_t bytes, uint8_t tcp_flags,
        bool stamped);

/* What a generator gives next. */
struct load_source {
	struct load_frame frames[LOAD_FRAMES];
	struct load_divisor dsts, sources, macs;
	uint64_t flows, step, index;
	uint64_t src_high, src_low, dst_high, dst_low, dst_step;
	uint32_t sizes, size_turn;
	uint16_t sport, dport;
	uint8_t protocol, family;
	bool stamped, patches_mac, patches_ports;
	/* In 1/256 TSC cycle; interval 0 is as fast as polled. */
	uint64_t departure, interval;
	/* Flows still to open. */
	uint64_t opening;
	/* The program has forwarded a first frame, so the setup may start. */
	bool forwarded;
	/* When the next frame tries whether it forwards; then when a setup gives up waiting for answers. */
	uint64_t patience;
};

struct load_ring {
	uint32_t head, tail;
	struct rte_mbuf *packets[LOAD_RING];
};

struct load_nic;

struct load_port {
	struct load_counters *counters;
	uint64_t *histogram;
	struct rte_mempool *pool;
	uint64_t next_harness;
	uint16_t device, index;
	uint8_t role;
	bool steady, live, answers;
	uint16_t captured;
	uint16_t burst;
	bool returns; /* a reflector gives back `vni`, not the network identifier or label that came */
	uint32_t vni;
	struct load_source source;
	const struct load_settings *settings;
	struct load_nic *nic;
	/* Frames that come next from this port: a reflector's turned ones, a generator's ACKs. */
	struct load_ring ring;
};

/* All ports of the process, those that the harness uses in their place, and the counters. */
struct load {
	struct load_settings settings[LOAD_PORTS];
	struct load_port ports[LOAD_PORTS], shadows[LOAD_PORTS];
	struct load_counters shadow_counters[LOAD_PORTS];
	uint64_t shadow_histogram[LOAD_BUCKETS];
	struct load_file *file;
	/* Time of the harness, which is taken out of every latency: departures and arrivals are TSC minus this. */
	uint64_t excluded;
	uint64_t hz;
	bool stamped;
};

extern struct load load;

/* Maps the counters (LOAD_COUNTERS, or memory without it) and prepares ports and shadows. Ends the process on error. */
void load_begin(void);
void load_port_prepare(struct load_port *port, const struct load_settings *settings, struct load_counters *counters,
        uint64_t *histogram);
void load_source_prepare(struct load_source *source, const struct load_settings *settings);
/* Ends the setup of a generator: its frames are those of the steady phase from now on. */
void load_source_steady(struct load_source *source, const struct load_settings *settings);
/* One sentence to stderr, and exit status 2. */
void load_refuse(const char *sentence, const char *detail) __attribute__((noreturn));

/* Makes up to `count` frames for the program, or takes `count` frames of it (all are consumed). */
uint16_t load_make(struct load_port *port, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache);
void load_take(struct load_port *port, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache);
/* `cache` is the calling thread's for `pool`, or NULL. */
void load_free(struct rte_mempool *pool, struct rte_mbuf **packets, uint16_t count, struct rte_mempool_cache *cache);

/* The burst functions. `queue` is a struct load_port, or NULL for a queue without load. */
uint16_t load_rx(void *queue, struct rte_mbuf **packets, uint16_t count);
uint16_t load_tx(void *queue, struct rte_mbuf **packets, uint16_t count);

/* True when the frame was turned round: MAC addresses, addresses and ports swapped, in the tunnel too. */
bool load_turn(const struct load_port *port, struct rte_mbuf *packet);
/* True when the frame was a SYN-ACK and is now the ACK that answers it. */
bool load_answer(const struct load_port *port, struct rte_mbuf *packet);

/* Runs the load alone for the program that polls `port`, and the calibration loop. */
void load_harness(struct load_port *port);

/* Writes a frame to LOAD_PCAP. */
void load_capture(const struct rte_mbuf *packet);

static inline bool load_ring_put(struct load_ring *ring, struct rte_mbuf *packet)
{
	if (ring->head - ring->tail == LOAD_RING)
		return false;
	ring->packets[ring->head++ % LOAD_RING] = packet;
	return true;
}

static inline uint16_t load_ring_get(struct load_ring *ring, struct rte_mbuf **packets, uint16_t count)
{
	uint16_t got = (uint16_t)RTE_MIN((uint32_t)count, ring->head - ring->tail);

	for (uint16_t i = 0; i < got; i++)
		packets[i] = ring->packets[ring->tail++ % LOAD_RING];
	return got;
}

/* Frees what waits. */
static inline void load_ring_drop(struct load_ring *ring)
{
	while (ring->tail != ring->head)
		rte_pktmbuf_free(ring->packets[ring->tail++ % LOAD_RING]);
}

#endif
