/*
 * The kinds of port I/O. Link thread opens (and closes through ops); packet threads burst.
 */
#ifndef FORWARDER_IO_H
#define FORWARDER_IO_H

#include "port.h"

struct rte_mempool;

/** Buffers for receiving; set once before the first open. */
extern struct rte_mempool *io_pool;
/** Longest frame that may be sent or received, tag included. */
#define IO_FRAME_LIMIT 9238u

/**
 * An AF_PACKET socket on an interface of the caller's network namespace: recvmmsg and sendmmsg straight into and out of
 * mbufs. VM ports use it: Debian's DPDK has 32 ethdevs, a socket per port scales to thousands. A tag that the kernel
 * took off (PACKET_AUXDATA) comes in vlan_tci; a partial checksum (TP_STATUS_CSUMNOTREADY: the sender believes we are
 * hardware) is finished on receipt, since nobody behind us would. 0 and *out, or -errno.
 */
int io_packet_open(uint32_t interface_index, struct port_io **out);
/** Gives back a packet thread's waiting buffers; the thread calls it last. */
void io_packet_thread_exit(void);

/** A VLAN of a trunk: sends through the trunk's I/O with the tag pushed. The trunk must be attached as long as this is.
 */
int io_vlan_open(struct port *trunk, uint16_t vlan, struct port_io **out);

/** A DPDK device by name (PCI address or vdev), probed when it is not there yet; one queue each way. -ENODEV, -EBUSY or
 * -errno. */
int io_ethdev_open(const char *name, uint16_t mtu, struct port_io **out);

#endif
