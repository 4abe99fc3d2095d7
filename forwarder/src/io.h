/*
 * The kinds of port I/O. Link thread opens (and closes through ops); packet threads burst.
 */
#ifndef FORWARDER_IO_H
#define FORWARDER_IO_H

#include <stdbool.h>

#include "port.h"

struct rte_mempool;

/** Buffers for receiving; set once before the first open. */
extern struct rte_mempool *io_pool;
/** The longest IP packet that a port can be told to carry; longer frames are such to be segmented. */
#define IO_MTU_LIMIT 9216u
/** Longest frame that may be sent or received, tags included. */
#define IO_FRAME_LIMIT (IO_MTU_LIMIT + 22u)

/**
 * An AF_PACKET socket on an interface of the caller's network namespace: recvmmsg and sendmmsg straight into and out of
 * mbufs. VM ports use it: Debian's DPDK has 32 ethdevs, a socket per port scales to thousands. Pending checksums and
 * segmentation pass both ways (PACKET_VNET_HDR, vnet.h). A tag that the kernel took off (PACKET_AUXDATA) comes in
 * vlan_tci when it is 802.1Q, else it is put back. direct: frames go to the driver without a queue, which must then
 * know segmentation itself (veth does). promiscuous: frames to other MAC addresses than the interface's come in, too.
 * 0 and *out, or -errno.
 */
int io_packet_open(uint32_t interface_index, bool direct, bool promiscuous, struct port_io **out);

/**
 * The packets of a tap interface of the caller's network namespace, which is made when there is none of that name. One
 * readv or writev per frame: the kernel has no burst here, but a frame to be segmented counts as one. 0 and *out;
 * -EBUSY: another process or port has it; -EINVAL: the name belongs to no tap; -errno.
 */
int io_tap_open(const char *name, struct port_io **out);
/** The tap stays when this process ends, until it is deleted. 0 or -errno. */
int io_tap_keep(struct port_io *io);

/** Gives back a packet thread's waiting buffers; the thread calls it last. */
void io_thread_exit(void);

/** A VLAN of a trunk: sends through the trunk's I/O with the tag pushed. The trunk must be attached as long as this is.
 */
int io_vlan_open(struct port *trunk, uint16_t vlan, struct port_io **out);

/**
 * A DPDK device by name (PCI address or vdev), probed when it is not there yet; one queue each way. What the device
 * cannot do of checksums, segmentation and chains is done here. -ENODEV, -EBUSY, -EMSGSIZE (the device cannot carry
 * the MTU) or -errno.
 */
int io_ethdev_open(const char *name, uint16_t mtu, struct port_io **out);

/** MAC address of the device behind the I/O of io_ethdev_open. */
void io_ethdev_mac(const struct port_io *io, uint8_t mac[6]);

/**
 * A VM's virtio device over the vhost-user socket `path` (librte_vhost; one queue pair, checksums and TSO as the VM
 * negotiates). server: the socket is made here, for the owner and group of its folder, instead of one that nobody
 * listens on; else the VM makes it, and it is tried every second. VMs come and go while the port stays open. 0 and
 * *out, or -errno and a reason for people.
 */
int io_vhost_open(const char *path, bool server, struct port_io **out, char *reason, size_t size);
/** Whether a VM with a driver is there; if not, reason says what is waited for. Any change calls link_look. */
bool io_vhost_state(const struct port_io *io, char *reason, size_t size);

#endif
