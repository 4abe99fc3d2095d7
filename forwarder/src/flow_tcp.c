#include "flow_tcp.h"

#include <rte_tcp.h>

/* Sequence numbers are compared modulo 2³² (RFC 9293 §3.4). */
static bool is_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t flags_of(const struct flow_pair *pair)
{
	return __atomic_load_n(&pair->count[FLOW_FORWARD].tcp, __ATOMIC_ACQUIRE);
}

static void add_flags(struct flow_pair *pair, uint32_t flags)
{
	if ((flags_of(pair) & flags) != flags)
		__atomic_fetch_or(&pair->count[FLOW_FORWARD].tcp, flags, __ATOMIC_ACQ_REL);
}

static uint32_t get(const uint32_t *number)
{
	return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static void set(uint32_t *number, uint32_t value)
{
	__atomic_store_n(number, value, __ATOMIC_RELAXED);
}

enum flow_tcp_phase flow_tcp_phase(const struct flow_pair *pair)
{
	uint32_t flags = flags_of(pair);

	if ((flags & FLOW_TCP_RESET) != 0 ||
	        (flags & FLOW_TCP_BOTH(FLOW_TCP_FIN_ACKED)) == FLOW_TCP_BOTH(FLOW_TCP_FIN_ACKED))
		return FLOW_TCP_CLOSED;
	if ((flags & FLOW_TCP_BOTH(FLOW_TCP_FIN)) != 0)
		return FLOW_TCP_CLOSING;
	return (flags & FLOW_TCP_OPEN) != 0 ? FLOW_TCP_ESTABLISHED : FLOW_TCP_OPENING;
}

/* RFC 5961 §3.2: exactly what the receiver expects; it says so by its acknowledgements. One that has not spoken yet is
 * in SYN-SENT, and takes what acknowledges its SYN (RFC 9293 §3.10.7.3). */
static bool is_taken(const struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	const struct flow_count *receiver = &pair->count[!direction];
	uint32_t flags = flags_of(pair);

	if ((flags & FLOW_TCP_ACKED << !direction) != 0)
		return segment->seq == get(&receiver->acked);
	return (flags & FLOW_TCP_SEEN << !direction) != 0 && (segment->flags & RTE_TCP_ACK_FLAG) != 0 &&
	       segment->ack == get(&receiver->sent);
}

/* What the sender has said so far. */
static void note_sent(struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	struct flow_count *count = &pair->count[direction];
	uint32_t controls = ((segment->flags & RTE_TCP_SYN_FLAG) != 0) + ((segment->flags & RTE_TCP_FIN_FLAG) != 0);
	uint32_t end = segment->seq + segment->length + controls;
	bool first = (flags_of(pair) & FLOW_TCP_SEEN << direction) == 0;

	if (first || is_after(end, get(&count->sent)))
		set(&count->sent, end);
	if (first)
		add_flags(pair, FLOW_TCP_SEEN << direction);
}

/* Acknowledgements of what the peer never sent are not the peer's business (RFC 5961 §5): they count for nothing. */
static void note_acked(struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	struct flow_count *count = &pair->count[direction];
	const struct flow_count *peer = &pair->count[!direction];
	uint32_t flags = flags_of(pair);

	if ((segment->flags & RTE_TCP_ACK_FLAG) == 0)
		return;
	if ((flags & FLOW_TCP_SEEN << !direction) != 0 && is_after(segment->ack, get(&peer->sent)))
		return;
	bool first = (flags & FLOW_TCP_ACKED << direction) == 0;
	if (first || is_after(segment->ack, get(&count->acked)))
		set(&count->acked, segment->ack);
	if (first)
		add_flags(pair, FLOW_TCP_ACKED << direction);
	/* A FIN is the last thing sent. */
	if ((flags & FLOW_TCP_FIN << !direction) != 0 && segment->ack == get(&peer->sent))
		add_flags(pair, FLOW_TCP_FIN_ACKED << !direction);
}

/* Open: both have sent, and both have acknowledged something of the other. */
static void note_open(struct flow_pair *pair)
{
	uint32_t flags = flags_of(pair);
	uint32_t both = FLOW_TCP_BOTH(FLOW_TCP_SEEN) | FLOW_TCP_BOTH(FLOW_TCP_ACKED);

	if ((flags & FLOW_TCP_OPEN) == 0 && (flags & both) == both)
		add_flags(pair, FLOW_TCP_OPEN);
}

void flow_tcp_track(struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	if ((segment->flags & RTE_TCP_RST_FLAG) != 0) {
		if (is_taken(pair, direction, segment))
			add_flags(pair, FLOW_TCP_RESET);
		return;
	}
	/* Of an open connection a SYN is challenged, and changes nothing (RFC 5961 §4). */
	if ((segment->flags & RTE_TCP_SYN_FLAG) != 0 && (flags_of(pair) & FLOW_TCP_OPEN) != 0)
		return;
	if ((segment->flags & RTE_TCP_SYN_FLAG) != 0)
		add_flags(pair, FLOW_TCP_SYN << direction);
	note_sent(pair, direction, segment);
	if ((segment->flags & RTE_TCP_FIN_FLAG) != 0)
		add_flags(pair, FLOW_TCP_FIN << direction);
	note_acked(pair, direction, segment);
	note_open(pair);
}
