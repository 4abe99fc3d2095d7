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
	if ((flags & FLOW_TCP_OPEN) == 0)
		return FLOW_TCP_OPENING;
	return (flags & FLOW_TCP_BOTH(FLOW_TCP_FIN)) != 0 ? FLOW_TCP_CLOSING : FLOW_TCP_ESTABLISHED;
}

/* Before a connection is open no more than an unscaled window is under way (RFC 7323 §2.2); of one that was found in
 * its middle, the largest there is (§2.3). */
#define WINDOW_OPENING 65535u
#define WINDOW_LARGEST (1u << 30)

/* Whether an acknowledgement by a direction is about something that the other side sent lately (RFC 5961 §5). */
static bool is_lately(const struct flow_pair *pair, uint32_t direction, uint32_t acked)
{
	uint32_t behind = get(&pair->count[!direction].sent) - acked, flags = flags_of(pair);

	if ((flags & FLOW_TCP_SEEN << !direction) == 0)
		return true;
	if ((flags & FLOW_TCP_OPEN) != 0)
		return behind <= UINT32_C(1) << 31;
	return behind <= ((flags & FLOW_TCP_SYN << !direction) != 0 ? WINDOW_OPENING : WINDOW_LARGEST);
}

/* RFC 5961 §3.2: exactly what the receiver expects; it says so by its acknowledgements. One that has not spoken yet is
 * in SYN-SENT, and takes what acknowledges its SYN (RFC 9293 §3.10.7.3). */
static bool is_taken(const struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	const struct flow_count *receiver = &pair->count[!direction];
	uint32_t flags = flags_of(pair);

	if ((flags & FLOW_TCP_ACKED << !direction) != 0)
		return segment->seq == get(&receiver->acked);
	return (flags & FLOW_TCP_SYN << !direction) != 0 && (segment->flags & RTE_TCP_ACK_FLAG) != 0 &&
	       segment->ack == get(&receiver->sent);
}

/* What the sender has said so far. Before the connection is open a SYN may come again with another number: its sender
 * began anew (RFC 9293 §3.10.7.4). */
static void note_sent(struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	struct flow_count *count = &pair->count[direction];
	uint32_t controls = ((segment->flags & RTE_TCP_SYN_FLAG) != 0) + ((segment->flags & RTE_TCP_FIN_FLAG) != 0);
	uint32_t end = segment->seq + segment->length + controls;
	bool first = (flags_of(pair) & FLOW_TCP_SEEN << direction) == 0;

	if (first || (segment->flags & RTE_TCP_SYN_FLAG) != 0 || is_after(end, get(&count->sent)))
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
	if (!is_lately(pair, direction, segment->ack))
		return;
	bool first = (flags & FLOW_TCP_ACKED << direction) == 0;
	if (first || (flags & FLOW_TCP_OPEN) == 0 || is_after(segment->ack, get(&count->acked)))
		set(&count->acked, segment->ack);
	if (first)
		add_flags(pair, FLOW_TCP_ACKED << direction);
	/* A FIN is the last thing sent. */
	if ((flags & FLOW_TCP_FIN << !direction) != 0 && segment->ack == get(&peer->sent))
		add_flags(pair, FLOW_TCP_FIN_ACKED << !direction);
}

/* Open: both have sent, and both have acknowledged what the other sends now; to a SYN belongs another. */
static void note_open(struct flow_pair *pair)
{
	uint32_t flags = flags_of(pair);
	uint32_t both = FLOW_TCP_BOTH(FLOW_TCP_SEEN) | FLOW_TCP_BOTH(FLOW_TCP_ACKED);
	uint32_t syns = flags & FLOW_TCP_BOTH(FLOW_TCP_SYN);

	if ((flags & FLOW_TCP_OPEN) != 0 || (flags & both) != both || syns == FLOW_TCP_SYN << FLOW_FORWARD)
		return;
	for (uint32_t direction = FLOW_FORWARD; direction <= FLOW_REVERSE; direction++)
		if (!is_lately(pair, direction, get(&pair->count[direction].acked)))
			return;
	add_flags(pair, FLOW_TCP_OPEN);
}

/* False: it is not part of the connection. The SYN of an open one is challenged, and changes nothing (RFC 5961 §4); one
 * that acknowledges something else than the peer's is refused (RFC 9293 §3.10.7.3). */
static bool is_taken_syn(const struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	if ((flags_of(pair) & FLOW_TCP_OPEN) != 0)
		return false;
	return (segment->flags & RTE_TCP_ACK_FLAG) == 0 || is_lately(pair, direction, segment->ack);
}

void flow_tcp_track(struct flow_pair *pair, uint32_t direction, const struct flow_segment *segment)
{
	if ((segment->flags & RTE_TCP_RST_FLAG) != 0) {
		if (is_taken(pair, direction, segment))
			add_flags(pair, FLOW_TCP_RESET);
		return;
	}
	bool syn = (segment->flags & RTE_TCP_SYN_FLAG) != 0;
	if (syn && !is_taken_syn(pair, direction, segment))
		return;
	/* A flow that begins with the answer to a SYN was found in its middle. */
	if (syn && (direction == FLOW_REVERSE || (segment->flags & RTE_TCP_ACK_FLAG) == 0))
		add_flags(pair, FLOW_TCP_SYN << direction);
	note_sent(pair, direction, segment);
	if ((segment->flags & RTE_TCP_FIN_FLAG) != 0)
		add_flags(pair, FLOW_TCP_FIN << direction);
	note_acked(pair, direction, segment);
	note_open(pair);
}
