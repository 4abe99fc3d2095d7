#define _GNU_SOURCE
#include "receiver.h"

#include <rte_mbuf.h>
#include <string.h>
#include <sys/mman.h>

#include "io.h"

/* With the first mbuf more than the longest frame: the kernel segments at 65,535 bytes of IP. */
#define REST 65536u

struct receiver {
	struct receiver_slot slots[RECEIVER_SLOTS];
	uint8_t rests[RECEIVER_SLOTS][REST];
};

static _Thread_local struct receiver *receiver;

/* Pages of `rests` take memory once a long frame came. */
static struct receiver *receiver_make(void)
{
	void *at = mmap(NULL, sizeof(struct receiver), PROT_READ | PROT_WRITE,
	        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	struct receiver *r = at;
	for (uint32_t i = 0; i < RECEIVER_SLOTS; i++) {
		struct receiver_slot *slot = &r->slots[i];
		slot->vectors[0] = (struct iovec){.iov_base = &slot->header, .iov_len = sizeof(slot->header)};
		slot->vectors[2] = (struct iovec){.iov_base = r->rests[i], .iov_len = REST};
	}
	return r;
}

struct receiver_slot *receiver_slots(void)
{
	if (unlikely(receiver == NULL))
		receiver = receiver_make();
	return receiver == NULL ? NULL : receiver->slots;
}

bool receiver_arm(struct receiver_slot *slot)
{
	if (slot->mbuf != NULL)
		return true;
	struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool);
	if (unlikely(m == NULL))
		return false;
	slot->mbuf = m;
	slot->vectors[1] = (struct iovec){.iov_base = rte_pktmbuf_mtod(m, void *), .iov_len = rte_pktmbuf_tailroom(m)};
	return true;
}

/* Copies the rest of a long frame behind its first mbuf. False: no buffers. */
static __attribute__((noinline)) bool chain(struct rte_mbuf *m, const uint8_t *rest, uint32_t length)
{
	struct rte_mbuf *last = m;

	for (uint32_t done = 0; done < length; done += last->data_len) {
		last->next = rte_pktmbuf_alloc(io_pool);
		if (last->next == NULL)
			return false;
		last = last->next;
		/* Only the first needs headroom. */
		last->data_off = 0;
		last->data_len = (uint16_t)RTE_MIN(length - done, (uint32_t)last->buf_len);
		memcpy(last->buf_addr, rest + done, last->data_len);
		m->nb_segs++;
	}
	return true;
}

struct rte_mbuf *receiver_take(struct receiver_slot *slot, uint32_t bytes)
{
	struct rte_mbuf *m = slot->mbuf;
	uint32_t length = bytes < sizeof(slot->header) ? 0 : bytes - (uint32_t)sizeof(slot->header);
	uint32_t first = RTE_MIN(length, (uint32_t)slot->vectors[1].iov_len);

	slot->mbuf = NULL;
	m->pkt_len = length;
	m->data_len = (uint16_t)first;
	if (likely(length == first))
		return m;
	if (length - first <= REST && chain(m, slot->vectors[2].iov_base, length - first))
		return m;
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = 0;
	return m;
}

void io_thread_exit(void)
{
	if (receiver == NULL)
		return;
	for (uint32_t i = 0; i < RECEIVER_SLOTS; i++)
		rte_pktmbuf_free(receiver->slots[i].mbuf);
	munmap(receiver, sizeof(*receiver));
	receiver = NULL;
}
