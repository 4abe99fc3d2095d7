/*
 * What flow.c does besides deciding: flows begin, end, count and are told of. A trace has others in place of these
 * (trace_stage.h). Packet threads, inside a read section.
 */
#ifndef WEFT_FLOW_ACT_H
#define WEFT_FLOW_ACT_H

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "flow_key.h"
#include "flow_life.h"
#include "flow_tcp.h"
#include "policy.h"
#include "stage.h"

/** A packet that no flow in the table answers for. */
struct flow_question {
	struct pkt *pkt;
	const struct ingress *in;
	const struct way_out *out;
	/** As packets of its direction have it. */
	struct flow_key key;
	enum flow_kind kind;
	/** What rules call its port. */
	uint16_t value;
	/** enum flow_flag of the flow that it would begin. */
	uint16_t flags;
	/** Flows that it found, which were others' or not its own any more. */
	uint8_t tries;
	/** Of a first packet. As packets that come back have it; the outside port of a shared address is missing until
	 * flow_make. */
	struct flow_key back;
	/** Stamps of its direction. */
	uint64_t stamps;
	/** With FLOW_NAT_SOURCE: where its outside port is from. */
	uint32_t uplink, pool;
};

/** Stamps of the two ports, as struct flow_half keeps them. */
static inline uint64_t flow_stamps(const struct policy_port *from, const struct policy_port *to)
{
	return (uint64_t)to->stamp << 32 | from->stamp;
}

static inline bool flow_has_tcp(const struct pkt *pkt)
{
	return pkt->protocol == IPPROTO_TCP && (pkt->flags & PKT_L4) != 0;
}

/** Of a packet with flow_has_tcp. */
static inline uint8_t flow_tcp_flags(const struct pkt *pkt)
{
	return ((const struct rte_tcp_hdr *)(pkt->data + pkt->l4))->tcp_flags;
}

/** A packet with flow_has_tcp begins a connection where another one is over (RFC 6191). */
static inline bool flow_begins_anew(const struct pkt *pkt, const struct flow_pair *pair)
{
	return unlikely((flow_tcp_flags(pkt) & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_SYN_FLAG) &&
	       flow_tcp_phase(pair) == FLOW_TCP_CLOSED;
}

/** Bytes of the IP packet; behind it a frame may be padded. */
static inline uint32_t flow_ip_bytes(const struct pkt *pkt)
{
	const uint8_t *ip = pkt->data + pkt->l3;

	if (likely((pkt->flags & PKT_IPV4) != 0))
		return rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length);
	return (uint32_t)sizeof(struct rte_ipv6_hdr) + rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);
}

/** Takes the segment of a packet with flow_has_tcp in. */
static inline void flow_track(const struct pkt *pkt, struct flow_pair *pair, uint32_t direction)
{
	const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(pkt->data + pkt->l4);
	uint32_t headers = pkt->l4 - pkt->l3 + (tcp->data_off >> 4) * 4u, bytes = flow_ip_bytes(pkt);
	struct flow_segment segment = {.seq = rte_be_to_cpu_32(tcp->sent_seq),
	        .ack = rte_be_to_cpu_32(tcp->recv_ack),
	        .length = bytes > headers ? bytes - headers : 0,
	        .flags = tcp->tcp_flags};

	flow_tcp_track(pair, direction, &segment);
}

static inline void flow_add_to(uint64_t *word, uint64_t count)
{
	__atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + count, __ATOMIC_RELAXED);
}

/** Counts a packet that passes. Only this thread writes the counts of the direction. */
static inline void flow_count_packet(const struct pkt *pkt, const struct ingress *in, struct flow_count *count)
{
	flow_add_to(&count->packets, 1);
	flow_add_to(&count->bytes, flow_ip_bytes(pkt));
	__atomic_store_n(&count->seen, flow_now(in->thread), __ATOMIC_RELAXED);
}

/** The same by any thread: an ICMP error need not enter where the direction does. It keeps no flow alive (RFC 7857
 * §7.1).
 */
void flow_count_error(const struct pkt *pkt, struct flow_count *count);

/** A packet passes alone: counts for the rules that say so. */
void flow_count_alone(const struct flow_question *question, const struct policy_decision *decision);

/**
 * Remembers the flow that a packet begins, and counts the packet. NEXT, or a drop: no room, no outside port. *ref: the
 * flow; also when another thread was faster (*other): then nothing was counted; FLOW_NONE: there is none.
 */
verdict_t flow_make(struct flow_question *question, const struct policy_decision *decision, uint32_t *ref, bool *other);

/** The flow is over for this thread, and taken out of the table. */
void flow_leave(const struct ingress *in, uint32_t ref);

/** Keeps what was decided anew about a direction of a flow. decision: as its first packet would be asked. */
void flow_keep(const struct flow_question *question, uint32_t ref, const struct policy_decision *decision);

/** Tells of a packet that is dropped, and counts for the rule that says so; ref: of the flow it belongs to, or
 * FLOW_NONE. */
void flow_refused(const struct flow_question *question, uint32_t ref, const struct policy_decision *decision);

/** The flow that a packet begins or would begin, but for time and event. */
void flow_describe(const struct flow_question *question, const struct policy_decision *decision, struct fwd_flow *out);

#endif
