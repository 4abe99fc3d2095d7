#define _GNU_SOURCE
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "receiver.h"
#include "vnet.h"

/* One more than the segments of the longest frame in buffers of 2 KiB, with room. */
#define VECTORS 128u
/* Since Linux 6.2; not in every <linux/if_tun.h>. */
#define OFFLOAD_USO4 0x20
#define OFFLOAD_USO6 0x40

static uint16_t tap_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct receiver_slot *slot = receiver_slots();
	uint16_t got = 0;

	while (slot != NULL && got < n && receiver_arm(slot)) {
		ssize_t bytes = readv(io->fd, slot->vectors, RECEIVER_VECTORS);
		if (bytes <= 0)
			break;
		struct rte_mbuf *m = receiver_take(slot, (uint32_t)bytes);
		if (m->data_len > RTE_ETHER_HDR_LEN)
			vnet_receive(m, &slot->header);
		mbufs[got++] = m;
	}
	return got;
}

static int tap_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	struct virtio_net_hdr header;
	struct iovec vectors[VECTORS];
	uint16_t sent = 0;
	int refusal = 0;

	while (sent < n && refusal == 0) {
		uint32_t count = vnet_vectors(mbufs[sent], &header, vectors, VECTORS);
		if (count == 0)
			refusal = -EMSGSIZE;
		else if (writev(io->fd, vectors, (int)count) < 0)
			/* EIO: the interface is down. */
			refusal = errno == EAGAIN || errno == EIO ? -EAGAIN : -errno;
		else
			rte_pktmbuf_free(mbufs[sent++]);
	}
	return sent > 0 || refusal == -EAGAIN ? sent : refusal;
}

static void tap_close(struct port_io *io)
{
	close(io->fd);
	free(io);
}

static const struct port_ops tap_ops = {
        .name = "tap",
        .rx_burst = tap_rx,
        .tx_burst = tap_tx,
        .close = tap_close,
};

/* What the host's kernel may leave to us. */
static int set_offloads(int fd)
{
	unsigned long offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	if (ioctl(fd, TUNSETOFFLOAD, offloads | OFFLOAD_USO4 | OFFLOAD_USO6) == 0)
		return 0;
	return ioctl(fd, TUNSETOFFLOAD, offloads);
}

static int set_up(int fd, const char *name)
{
	int size = sizeof(struct virtio_net_hdr);
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		/* A tap that was made with several queues is attached to as such. */
		request.ifr_flags |= IFF_MULTI_QUEUE;
		if (errno != EINVAL || ioctl(fd, TUNSETIFF, &request) < 0)
			return -errno;
	}
	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 || set_offloads(fd) < 0)
		return -errno;
	return 0;
}

int io_tap_open(const char *name, struct port_io **out)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = set_up(fd, name);
	struct port_io *io = result < 0 ? NULL : calloc(1, sizeof(*io));
	if (io == NULL) {
		close(fd);
		return result < 0 ? result : -ENOMEM;
	}
	*io = (struct port_io){.ops = &tap_ops, .fd = fd};
	*out = io;
	return 0;
}

int io_tap_keep(struct port_io *io)
{
	return ioctl(io->fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
}
