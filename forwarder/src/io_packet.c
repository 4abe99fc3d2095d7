#define _GNU_SOURCE
#include "io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "closer.h"
#include "keeper.h"
#include "receiver.h"
#include "vnet.h"

#define BURST         RECEIVER_SLOTS
#define SOCKET_BUFFER (4 << 20)
#define CONTROL_SIZE  CMSG_SPACE(sizeof(struct tpacket_auxdata))
/* Vectors of one send: 32 short frames, or some 15 of 64 KiB; what does not fit goes with the next. */
#define VECTORS 512u

union control {
	char bytes[CONTROL_SIZE];
	struct cmsghdr align;
};

/* A tag of another kind than 802.1Q is no VLAN of ours: back into the bytes. */
static __attribute__((noinline, cold)) void put_tag(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
	uint8_t tag[RTE_VLAN_HLEN] = {(uint8_t)(tpid >> 8), (uint8_t)tpid, (uint8_t)(tci >> 8), (uint8_t)tci};
	char *front = rte_pktmbuf_prepend(m, sizeof(tag));

	if (front == NULL)
		return;
	memmove(front, front + sizeof(tag), 2 * RTE_ETHER_ADDR_LEN);
	memcpy(front + 2 * RTE_ETHER_ADDR_LEN, tag, sizeof(tag));
	if (m->l2_len != 0)
		m->l2_len += sizeof(tag);
}

static void take_tag(struct rte_mbuf *m, const struct tpacket_auxdata *aux)
{
	if ((aux->tp_status & TP_STATUS_VLAN_VALID) == 0)
		return;
	if ((aux->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 && aux->tp_vlan_tpid != ETH_P_8021Q)
		return put_tag(m, aux->tp_vlan_tpid, aux->tp_vlan_tci);
	m->vlan_tci = aux->tp_vlan_tci;
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
}

static void take_auxdata(struct rte_mbuf *m, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		take_tag(m, &aux);
	}
}

static uint16_t packet_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct mmsghdr messages[BURST];
	union control control[BURST];
	struct receiver_slot *slots = receiver_slots();
	unsigned int room = 0;

	while (slots != NULL && room < RTE_MIN(n, BURST) && receiver_arm(&slots[room])) {
		messages[room].msg_hdr = (struct msghdr){.msg_iov = slots[room].vectors,
		        .msg_iovlen = RECEIVER_VECTORS,
		        .msg_control = control[room].bytes,
		        .msg_controllen = CONTROL_SIZE};
		room++;
	}
	int got = room == 0 ? 0 : recvmmsg(io->fd, messages, room, MSG_DONTWAIT | MSG_TRUNC, NULL);
	/* An error (ENETDOWN) is told by the link thread, which watches the interface. */
	for (int i = 0; i < got; i++) {
		struct rte_mbuf *m = receiver_take(&slots[i], messages[i].msg_len);

		if (m->data_len > RTE_ETHER_HDR_LEN) {
			vnet_receive(m, &slots[i].header);
			take_auxdata(m, &messages[i].msg_hdr);
		}
		mbufs[i] = m;
	}
	return got < 0 ? 0 : (uint16_t)got;
}

static int packet_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct mmsghdr messages[BURST];
	struct virtio_net_hdr headers[BURST];
	struct iovec vectors[VECTORS];
	uint32_t used = 0;
	uint16_t count = 0;

	while (count < RTE_MIN(n, (uint16_t)BURST)) {
		uint32_t some = vnet_vectors(mbufs[count], &headers[count], &vectors[used], VECTORS - used);
		if (some == 0)
			break;
		messages[count].msg_hdr = (struct msghdr){.msg_iov = &vectors[used], .msg_iovlen = some};
		used += some;
		count++;
	}
	if (count == 0)
		return n == 0 ? 0 : -EMSGSIZE;
	int sent = sendmmsg(io->fd, messages, count, MSG_DONTWAIT);
	if (sent < 0)
		/* The queue is full for all that follow, and a socket without its interface refuses everything. */
		return errno == EAGAIN || errno == ENETDOWN || errno == ENXIO ? 0 : -errno;
	rte_pktmbuf_free_bulk(mbufs, (unsigned int)sent);
	return sent;
}

static void packet_close(struct port_io *io)
{
	closer_close(io->fd);
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

static int set_up(int fd, uint32_t interface_index, bool direct, bool promiscuous)
{
	int size = SOCKET_BUFFER;
	struct sockaddr_ll address = {
	        .sll_family = AF_PACKET,
	        .sll_protocol = htons(ETH_P_ALL),
	        .sll_ifindex = (int)interface_index,
	};
	struct packet_mreq all = {
	        .mr_ifindex = (int)interface_index, .mr_type = promiscuous ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI};

	if (enable(fd, PACKET_AUXDATA) < 0 || enable(fd, PACKET_IGNORE_OUTGOING) < 0 ||
	        enable(fd, PACKET_VNET_HDR) < 0 || (direct && enable(fd, PACKET_QDISC_BYPASS) < 0))
		return -errno;
	/* FORCE passes rmem_max; we are root. A refusal leaves the default, which works. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0)
		return -errno;
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int io_packet_open(uint32_t interface_index, bool direct, bool promiscuous, struct port_io **out)
{
	/* Protocol 0 until bound: nothing of other interfaces may enter the queue. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int result = set_up(fd, interface_index, direct, promiscuous);
	struct port_io *io = result < 0 ? NULL : calloc(1, sizeof(*io));
	if (io == NULL) {
		close(fd);
		return result < 0 ? result : -ENOMEM;
	}
	*io = (struct port_io){.ops = &packet_ops, .fd = fd, .handle = interface_index};
	keeper_keep(fd);
	*out = io;
	return 0;
}
