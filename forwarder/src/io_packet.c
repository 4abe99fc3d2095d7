#define _GNU_SOURCE
#include "io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST         32u
#define SOCKET_BUFFER (4 << 20)
#define CONTROL_SIZE  CMSG_SPACE(sizeof(struct tpacket_auxdata))

/* The receive side of one packet thread: buffers wait here between calls, whichever port is read next. */
struct receiver {
	struct mmsghdr messages[BURST];
	struct iovec vectors[BURST];
	struct rte_mbuf *mbufs[BURST];
	union {
		char bytes[CONTROL_SIZE];
		struct cmsghdr align;
	} control[BURST];
};

struct rte_mempool *io_pool;
static _Thread_local struct receiver *receiver;

static bool arm(struct receiver *r, unsigned int i)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool);

	r->mbufs[i] = m;
	if (m == NULL)
		return false;
	r->vectors[i].iov_base = rte_pktmbuf_mtod(m, void *);
	r->vectors[i].iov_len = rte_pktmbuf_tailroom(m);
	return true;
}

/* Once per packet thread: the only malloc, before its first packet. */
static struct receiver *receiver_get(void)
{
	if (receiver != NULL)
		return receiver;
	struct receiver *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	for (unsigned int i = 0; i < BURST; i++) {
		r->messages[i].msg_hdr.msg_iov = &r->vectors[i];
		r->messages[i].msg_hdr.msg_iovlen = 1;
		r->messages[i].msg_hdr.msg_control = r->control[i].bytes;
	}
	receiver = r;
	return r;
}

void io_packet_thread_exit(void)
{
	if (receiver == NULL)
		return;
	for (unsigned int i = 0; i < BURST; i++)
		rte_pktmbuf_free(receiver->mbufs[i]);
	free(receiver);
	receiver = NULL;
}

static void finish_checksum(struct rte_mbuf *m)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t room = m->data_len - RTE_ETHER_HDR_LEN;
	uint8_t *ip = data + RTE_ETHER_HDR_LEN;
	uint16_t type = (uint16_t)(data[12] << 8 | data[13]);
	uint32_t header, total, protocol, at;

	if (type == RTE_ETHER_TYPE_IPV4 && room >= sizeof(struct rte_ipv4_hdr)) {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;
		header = rte_ipv4_hdr_len(h);
		total = rte_be_to_cpu_16(h->total_length);
		protocol = h->next_proto_id;
	} else if (type == RTE_ETHER_TYPE_IPV6 && room >= sizeof(struct rte_ipv6_hdr)) {
		struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)ip;
		header = sizeof(*h);
		total = header + rte_be_to_cpu_16(h->payload_len);
		protocol = h->proto;
	} else {
		return;
	}
	at = protocol == IPPROTO_TCP ? 16 : 6;
	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || total > room || total < header + at + 2)
		return;
	memset(ip + header + at, 0, 2);
	uint16_t sum = type == RTE_ETHER_TYPE_IPV4 ? rte_ipv4_udptcp_cksum((void *)ip, ip + header)
	                                           : rte_ipv6_udptcp_cksum((void *)ip, ip + header);
	memcpy(ip + header + at, &sum, 2);
}

static void take_auxdata(struct rte_mbuf *m, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID) {
			m->vlan_tci = aux.tp_vlan_tci;
			m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		}
		if (aux.tp_status & TP_STATUS_CSUMNOTREADY)
			finish_checksum(m);
	}
}

static uint16_t packet_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct receiver *r = receiver_get();
	unsigned int room;

	if (r == NULL)
		return 0;
	for (room = 0; room < RTE_MIN(n, BURST); room++) {
		if (r->mbufs[room] == NULL && !arm(r, room))
			break;
		r->messages[room].msg_hdr.msg_controllen = CONTROL_SIZE;
	}
	int got = room == 0 ? 0 : recvmmsg(io->fd, r->messages, room, MSG_DONTWAIT | MSG_TRUNC, NULL);
	/* An error (ENETDOWN) is told by the link thread, which watches the interface. */
	for (int i = 0; i < got; i++) {
		struct rte_mbuf *m = r->mbufs[i];
		uint32_t length = r->messages[i].msg_len;

		r->mbufs[i] = NULL;
		m->pkt_len = length;
		m->data_len = (uint16_t)RTE_MIN(length, (uint32_t)r->vectors[i].iov_len);
		if (length == m->data_len && length > RTE_ETHER_HDR_LEN)
			take_auxdata(m, &r->messages[i].msg_hdr);
		mbufs[i] = m;
	}
	return got < 0 ? 0 : (uint16_t)got;
}

static uint16_t packet_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct mmsghdr messages[BURST];
	struct iovec vectors[BURST];
	uint16_t count = RTE_MIN(n, (uint16_t)BURST);

	memset(messages, 0, sizeof(messages[0]) * count);
	for (uint16_t i = 0; i < count; i++) {
		vectors[i].iov_base = rte_pktmbuf_mtod(mbufs[i], void *);
		vectors[i].iov_len = mbufs[i]->data_len;
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	int sent = sendmmsg(io->fd, messages, count, MSG_DONTWAIT);
	if (sent <= 0)
		return 0;
	rte_pktmbuf_free_bulk(mbufs, (unsigned int)sent);
	return (uint16_t)sent;
}

static void packet_close(struct port_io *io)
{
	close(io->fd);
	free(io);
}

static const struct port_ops packet_ops = {
        .name = "packet",
        .rx_burst = packet_rx,
        .tx_burst = packet_tx,
        .close = packet_close,
};

static int enable(int fd, int option)
{
	int one = 1;

	return setsockopt(fd, SOL_PACKET, option, &one, sizeof(one));
}

int io_packet_open(uint32_t interface_index, struct port_io **out)
{
	/* Protocol 0 until bound: nothing of other interfaces may enter the queue. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int size = SOCKET_BUFFER;
	struct sockaddr_ll address = {
	        .sll_family = AF_PACKET,
	        .sll_protocol = htons(ETH_P_ALL),
	        .sll_ifindex = (int)interface_index,
	};
	struct packet_mreq promiscuous = {.mr_ifindex = (int)interface_index, .mr_type = PACKET_MR_PROMISC};
	struct port_io *io = NULL;

	if (enable(fd, PACKET_AUXDATA) < 0 || enable(fd, PACKET_IGNORE_OUTGOING) < 0 ||
	        enable(fd, PACKET_QDISC_BYPASS) < 0)
		goto fail;
	/* FORCE passes rmem_max; we are root. A refusal leaves the default, which works. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0)
		goto fail;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		goto fail;
	io = calloc(1, sizeof(*io));
	if (io == NULL) {
		errno = ENOMEM;
		goto fail;
	}
	*io = (struct port_io){.ops = &packet_ops, .fd = fd, .handle = interface_index};
	*out = io;
	return 0;
fail:;
	int error = errno;
	close(fd);
	return -error;
}
