#define _GNU_SOURCE
#include "io.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_net.h>
#include <rte_vhost.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "offload.h"
#include "vhost.h"
#include "vhost_pool.h"

#define BURST 32u
/* Empty looks at the ring before the VM is asked to kick again: a kick costs it an exit. */
#define IDLE_POLLS 32u
/* With frames in the ring that cannot be taken (no buffers, or a VM that writes nonsense): looks before a pause. */
#define STUCK_POLLS 64u
#define STUCK_NS    1000000
/* Largest frame: Ethernet, a tag, IP. */
#define FRAME_LONGEST (14u + 4u + 65535u)
/* What fits into an mbuf's l3_len: cut, it would have a checksum written over addresses that are checked already. */
#define L3_LONGEST 0x1ffu
/* Segments of one frame for a VM that takes no large ones. */
#define SEGMENTS 128u

void vhost_wake(const struct vhost *v, int64_t ns)
{
	int64_t interval = __atomic_load_n(&v->poll_ns, __ATOMIC_RELAXED);
	struct itimerspec at = {.it_value.tv_nsec = ns, .it_interval.tv_nsec = interval};

	timerfd_settime(v->timer, 0, &at, NULL);
}

static void take_events(const struct vhost *v)
{
	struct epoll_event events[2];

	epoll_wait(v->io.fd, events, 2, 0);
}

/* Nothing came for a while: has the VM kick for the next frame, and lets the thread sleep. */
static void rest(struct vhost *v, int device)
{
	if (!v->armed)
		rte_vhost_enable_guest_notification(device, VHOST_FROM_VM, 1);
	v->armed = true;
	/* What the VM put before it saw that is found here; what it puts later, it kicks for. */
	rte_smp_mb();
	bool waiting = rte_vhost_rx_queue_count(device, VHOST_FROM_VM) != 0;
	if (waiting && v->idle < STUCK_POLLS)
		return;
	take_events(v);
	if (waiting)
		vhost_wake(v, STUCK_NS);
	else if (rte_vhost_rx_queue_count(device, VHOST_FROM_VM) != 0)
		vhost_wake(v, 1);
	v->idle = 0;
}

/* The sum that the checksum field must hold before the rest is added: over the pseudo-header of the whole frame. VMs
 * may have got it without the length (DPDK's convention for TSO) and hand it on. */
static void seed_checksum(struct rte_mbuf *m, uint8_t *ip)
{
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + m->l3_len);

	if (m->ol_flags & RTE_MBUF_F_TX_IPV4)
		tcp->cksum = rte_ipv4_phdr_cksum((struct rte_ipv4_hdr *)ip, 0);
	else if (m->l3_len == sizeof(struct rte_ipv6_hdr))
		tcp->cksum = rte_ipv6_phdr_cksum((struct rte_ipv6_hdr *)ip, 0);
}

/* What the VM left to us, in the words of offload.h. What it says wrongly is not believed: the frame goes on as it is.
 */
static __attribute__((noinline)) void take_offload(struct rte_mbuf *m)
{
	bool large = (m->ol_flags & RTE_MBUF_F_RX_LRO) != 0;
	struct rte_net_hdr_lens lens;
	uint32_t type = rte_net_get_ptype(m, &lens, RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK);
	uint32_t l4 = type & RTE_PTYPE_L4_MASK;
	uint16_t segment = m->tso_segsz;
	uint32_t headers = lens.l2_len + lens.l3_len + lens.l4_len;

	m->ol_flags = 0;
	m->tx_offload = 0;
	if ((l4 != RTE_PTYPE_L4_TCP && l4 != RTE_PTYPE_L4_UDP) || headers > m->data_len || lens.l3_len > L3_LONGEST ||
	        (l4 == RTE_PTYPE_L4_TCP && lens.l4_len < sizeof(struct rte_tcp_hdr)))
		return;
	m->l2_len = lens.l2_len;
	m->l3_len = lens.l3_len;
	m->l4_len = lens.l4_len;
	m->ol_flags = l4 == RTE_PTYPE_L4_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	m->ol_flags |= RTE_ETH_IS_IPV4_HDR(type) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	if (large && l4 == RTE_PTYPE_L4_TCP) {
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = segment;
		seed_checksum(m, rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len));
	}
}

/* No IP packet is that long; as an empty frame it is dropped, and counted, like any malformed one. */
static __attribute__((noinline, cold)) void empty(struct rte_mbuf *m)
{
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = 0;
	m->pkt_len = 0;
}

static uint16_t vhost_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct vhost *v = io->private_data;
	uint32_t vm = __atomic_load_n(&v->vm, __ATOMIC_ACQUIRE);

	if (unlikely(vm == 0)) {
		take_events(v);
		return 0;
	}
	if (unlikely(vm != v->seen)) {
		v->seen = vm;
		v->armed = false;
	}
	struct rte_mempool *pool = vhost_pool_take(n);
	uint16_t count = rte_vhost_dequeue_burst(VHOST_DEVICE(vm), VHOST_FROM_VM, pool, mbufs, n);
	if (count == 0) {
		v->idle++;
		if (v->armed || v->idle > IDLE_POLLS)
			rest(v, VHOST_DEVICE(vm));
		return 0;
	}
	if (v->armed)
		rte_vhost_enable_guest_notification(VHOST_DEVICE(vm), VHOST_FROM_VM, 0);
	v->armed = false;
	v->idle = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = mbufs[i];

		m->packet_type = 0;
		if (m->ol_flags & (RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_LRO))
			take_offload(m);
		else
			m->ol_flags = 0;
		if (unlikely(m->pkt_len > FRAME_LONGEST))
			empty(m);
	}
	return count;
}

/* Whether the VM takes the frame as it is; finishes a checksum that it would not. */
static bool fits(uint32_t vm, struct rte_mbuf *m)
{
	/* The library computes pseudo-headers as if IPv6 had no extension headers. */
	bool plain = (m->ol_flags & RTE_MBUF_F_TX_IPV4) != 0 || m->l3_len == sizeof(struct rte_ipv6_hdr);
	uint32_t tso = (m->ol_flags & RTE_MBUF_F_TX_IPV4) != 0 ? VHOST_TSO4 : VHOST_TSO6;

	if (offload_is_large(m))
		return (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 && plain && (vm & tso) != 0;
	if ((vm & VHOST_CSUM) == 0 || !plain)
		offload_finish(m);
	return true;
}

static uint16_t enqueue(uint32_t vm, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t sent = 0;

	while (sent < n) {
		uint16_t part = RTE_MIN((uint16_t)(n - sent), (uint16_t)BURST);
		uint16_t some = rte_vhost_enqueue_burst(VHOST_DEVICE(vm), VHOST_TO_VM, mbufs + sent, part);
		sent += some;
		if (some < part)
			break;
	}
	return sent;
}

/* 1, 0 (no room) or -errno. Segments behind a full ring are lost like on any wire. */
static __attribute__((noinline)) int send_segments(uint32_t vm, struct rte_mbuf *m)
{
	struct rte_mbuf *segments[SEGMENTS];
	int count = offload_segment(m, segments, SEGMENTS);

	if (count <= 0)
		return count == 0 ? -EINVAL : count;
	uint16_t sent = enqueue(vm, segments, (uint16_t)count);
	rte_pktmbuf_free_bulk(segments, (unsigned int)count);
	if (sent == 0)
		return 0;
	rte_pktmbuf_free(m);
	return 1;
}

static int vhost_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct vhost *v = io->private_data;
	uint32_t vm = __atomic_load_n(&v->vm, __ATOMIC_ACQUIRE);
	uint16_t run = 0;

	if (unlikely(vm == 0))
		return 0;
	while (run < n && (likely(!offload_pending(mbufs[run])) || fits(vm, mbufs[run])))
		run++;
	if (run == 0)
		return send_segments(vm, mbufs[0]);
	uint16_t sent = enqueue(vm, mbufs, run);
	rte_pktmbuf_free_bulk(mbufs, sent);
	return sent;
}

const struct port_ops vhost_ops = {
        .name = "vhost-user",
        .rx_burst = vhost_rx,
        .tx_burst = vhost_tx,
        .close = vhost_close,
};
