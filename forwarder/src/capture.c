#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdlib.h>
#include <string.h>

#include "capture_filter.h"
#include "capture_ring.h"
#include "forwarder.h"
#include "port.h"
#include "rcu.h"
#include "tables.h"

/* Of a frame, for the filter, when a stripped tag has to be put back. */
#define TAGGED_HEAD 256u

struct capture {
	uint16_t id;
	uint32_t port;
	uint32_t snap;
	struct bpf_insn *filter;
	struct capture_ring *ring;
};

/* What an mbuf remembers: bits in ol_flags that it was shown to a capture, and where its copy is (0: nowhere). */
struct mark {
	uint64_t flag;
	int offset;
};

uint32_t capture_count;
/* Cell 0 stays empty. */
static struct capture *captures[CAPTURE_LIMIT + 1];
static uint8_t by_slot[UINT16_MAX + 1];
static struct mark marks[2];
/* Guards opening and closing; a reader holds it, too, so that nobody closes what it reads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int capture_init(void)
{
	static const struct rte_mbuf_dynfield fields[2] = {{.name = "fwd_captured_in", .size = 8, .align = 8},
	        {.name = "fwd_captured_out", .size = 8, .align = 8}};
	static const struct rte_mbuf_dynflag flags[2] = {{.name = "fwd_captured_in"}, {.name = "fwd_captured_out"}};

	for (int i = 0; i < 2; i++) {
		int bit = rte_mbuf_dynflag_register(&flags[i]);
		marks[i].offset = rte_mbuf_dynfield_register(&fields[i]);
		if (bit < 0 || marks[i].offset < 0)
			return -ENOMEM;
		marks[i].flag = 1ull << bit;
	}
	return 0;
}

/* IN and OUT have one each. */
static const struct mark *mark_of(uint8_t direction)
{
	return &marks[direction - FWD_DIRECTION_IN];
}

static struct capture *capture_at(uint16_t slot)
{
	return __atomic_load_n(&captures[__atomic_load_n(&by_slot[slot], __ATOMIC_RELAXED)], __ATOMIC_ACQUIRE);
}

static struct capture *capture_numbered(uint32_t id)
{
	struct capture *c = __atomic_load_n(&captures[id % (CAPTURE_LIMIT + 1)], __ATOMIC_ACQUIRE);

	return c != NULL && c->id == id ? c : NULL;
}

static bool passes(const struct capture *c, const struct rte_mbuf *mbuf, uint16_t tag_at)
{
	uint8_t head[TAGGED_HEAD];
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	uint32_t there = mbuf->data_len;

	if (c->filter == NULL)
		return true;
	if (tag_at == 0)
		return filter_matches(c->filter, frame, there, mbuf->pkt_len);
	there = there < TAGGED_HEAD - 4 ? there : TAGGED_HEAD - 4;
	memcpy(head, frame, tag_at);
	memcpy(head + tag_at, (uint8_t[]){0x81, 0, (uint8_t)(mbuf->vlan_tci >> 8), (uint8_t)mbuf->vlan_tci}, 4);
	memcpy(head + tag_at + 4, frame + tag_at, there - tag_at);
	return filter_matches(c->filter, head, there + 4, mbuf->pkt_len + 4);
}

/* Where a trunk's frame had the tag that its I/O took off; 0: nowhere. */
static uint16_t stripped_tag(const struct capture *c, const struct rte_mbuf *mbuf, uint8_t direction)
{
	const struct fwd_port_row *row = tables_port(c->port);
	bool trunk = row != NULL && (row->flags & FWD_PORT_TRUNK) != 0;

	return direction == FWD_DIRECTION_IN && trunk && (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 &&
	                       mbuf->data_len >= 2 * RTE_ETHER_ADDR_LEN
	               ? 2 * RTE_ETHER_ADDR_LEN
	               : 0;
}

/* Copies a frame. The number by which to find the copy; 0: it is not taken. */
static uint64_t take(struct capture *c, const struct rte_mbuf *mbuf, uint8_t direction, uint16_t reason)
{
	uint16_t tag_at = stripped_tag(c, mbuf, direction);
	uint32_t length = mbuf->pkt_len + (tag_at != 0 ? 4 : 0);
	uint32_t taken = c->snap != 0 && length > c->snap ? c->snap : length;
	uint64_t position;

	if (!passes(c, mbuf, tag_at) || !capture_ring_claim(c->ring, taken, &position))
		return 0;
	if (tag_at != 0 && taken >= tag_at + 4u) {
		const uint8_t tag[4] = {0x81, 0, (uint8_t)(mbuf->vlan_tci >> 8), (uint8_t)mbuf->vlan_tci};
		capture_ring_put(c->ring, position, 0, mbuf, 0, tag_at);
		capture_ring_put_bytes(c->ring, position, tag_at, tag, sizeof(tag));
		capture_ring_put(c->ring, position, tag_at + 4u, mbuf, tag_at, taken - tag_at - 4u);
	} else {
		capture_ring_put(c->ring, position, 0, mbuf, 0, taken);
	}
	capture_ring_publish(c->ring, position, length, taken, direction, reason);
	return (uint64_t)c->id << 48 | position;
}

__attribute__((noinline, cold)) void capture_frames(
        uint16_t slot, struct rte_mbuf *const *mbufs, uint32_t count, uint8_t direction)
{
	struct capture *c = capture_at(slot);
	const struct mark *mark = mark_of(direction);

	for (uint32_t i = 0; c != NULL && i < count; i++) {
		mbufs[i]->ol_flags |= mark->flag;
		*RTE_MBUF_DYNFIELD(mbufs[i], mark->offset, uint64_t *) =
		        take(c, mbufs[i], direction, CAPTURE_NO_REASON);
	}
}

/* True: the frame was shown to a capture, whether that took it or not. */
static bool settle(const struct rte_mbuf *mbuf, uint8_t direction, enum drop_reason reason)
{
	const struct mark *mark = mark_of(direction);

	if ((mbuf->ol_flags & mark->flag) == 0)
		return false;
	uint64_t number = *RTE_MBUF_DYNFIELD(mbuf, mark->offset, const uint64_t *);
	struct capture *c = number == 0 ? NULL : capture_numbered((uint32_t)(number >> 48));
	if (c != NULL)
		capture_ring_settle(c->ring, number & 0xffffffffffff, (uint16_t)reason);
	return true;
}

__attribute__((noinline, cold)) void capture_dropped(const struct rte_mbuf *mbuf, enum drop_reason reason)
{
	bool came_in = settle(mbuf, FWD_DIRECTION_IN, reason);
	bool left = settle(mbuf, FWD_DIRECTION_OUT, reason);
	struct capture *c = capture_at(mbuf->port);

	if (!came_in && !left && c != NULL)
		take(c, mbuf, FWD_DIRECTION_NONE, (uint16_t)reason);
}

int32_t capture_read(uint32_t id, void *out, uint32_t length)
{
	pthread_mutex_lock(&lock);
	struct capture *c = capture_numbered(id);
	int32_t result = c == NULL ? -EINVAL : capture_ring_read(c->ring, out, length);
	pthread_mutex_unlock(&lock);
	return result;
}

static void release(struct capture *c)
{
	capture_ring_free(c->ring);
	free(c->filter);
	free(c);
}

static struct capture *make(uint32_t port, uint32_t snap, const struct bpf_insn *filter, uint32_t count)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct capture){.port = port, .snap = snap, .ring = capture_ring_make()};
	if (count > 0 && (c->filter = malloc(count * FILTER_STEP_BYTES)) != NULL)
		memcpy(c->filter, filter, count * FILTER_STEP_BYTES);
	if (c->ring != NULL && (count == 0 || c->filter != NULL))
		return c;
	release(c);
	return NULL;
}

/* Lock held. A free cell, or a negative errno. */
static int cell_for(uint32_t port)
{
	int cell = -ENFILE;

	for (uint32_t i = CAPTURE_LIMIT; i > 0; i--) {
		if (captures[i] == NULL)
			cell = (int)i;
		else if (captures[i]->port == port)
			return -EBUSY;
	}
	return cell;
}

static int32_t enter(struct capture *c)
{
	static uint16_t serial;

	pthread_mutex_lock(&lock);
	int cell = cell_for(c->port);
	if (cell > 0) {
		c->id = (uint16_t)(++serial * (CAPTURE_LIMIT + 1) + (uint32_t)cell);
		__atomic_store_n(&captures[cell], c, __ATOMIC_RELEASE);
		__atomic_add_fetch(&capture_count, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	return cell > 0 ? c->id : cell;
}

int32_t capture_open(uint32_t port, uint32_t snap, const struct bpf_insn *filter, uint32_t count)
{
	struct port_report_entry entry;

	if (!port_next(port, &entry) || entry.id != port)
		return -ENOENT;
	struct capture *c = make(port, snap, filter, count);
	if (c == NULL)
		return -ENOMEM;
	int32_t result = enter(c);
	if (result < 0) {
		release(c);
		return result;
	}
	/* Looked up again: since it was entered, a slot that the port gets anew is told (capture_port_made). */
	if (port_next(port, &entry) && entry.id == port)
		capture_port_made(port, entry.slot);
	return result;
}

int32_t capture_close(uint32_t id)
{
	pthread_mutex_lock(&lock);
	struct capture *c = capture_numbered(id);
	if (c != NULL) {
		uint32_t cell = id % (CAPTURE_LIMIT + 1);
		for (uint32_t slot = 0; slot <= UINT16_MAX; slot++) {
			if (by_slot[slot] == cell)
				__atomic_store_n(&by_slot[slot], 0, __ATOMIC_RELAXED);
		}
		__atomic_store_n(&captures[cell], NULL, __ATOMIC_RELEASE);
		__atomic_sub_fetch(&capture_count, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	if (c == NULL)
		return -EINVAL;
	rcu_synchronize();
	int32_t lost = (int32_t)RTE_MIN(capture_ring_lost(c->ring), (uint64_t)INT32_MAX);
	release(c);
	return lost;
}

void capture_free(void)
{
	for (uint32_t i = 1; i <= CAPTURE_LIMIT; i++) {
		if (captures[i] != NULL)
			release(captures[i]);
		captures[i] = NULL;
	}
	memset(by_slot, 0, sizeof(by_slot));
	capture_count = 0;
}

void capture_port_made(uint32_t id, uint16_t slot)
{
	uint8_t cell = 0;

	pthread_mutex_lock(&lock);
	for (uint32_t i = 1; i <= CAPTURE_LIMIT; i++) {
		if (captures[i] != NULL && captures[i]->port == id)
			cell = (uint8_t)i;
	}
	__atomic_store_n(&by_slot[slot], cell, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
}
