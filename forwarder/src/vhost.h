/*
 * One vhost-user port, as its two halves share it: io_vhost.c, the packet thread's, and vhost_connection.c, that of the
 * threads of librte_vhost and of the link thread.
 */
#ifndef FORWARDER_VHOST_H
#define FORWARDER_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "port.h"

/* Rings as the VM names them (virtio 1.1 §5.1.2). */
#define VHOST_TO_VM   0
#define VHOST_FROM_VM 1

/* What packet threads know of the VM, one word; 0: there is none. The rest of its bits count VMs, so that a new one
 * with the old one's number differs. */
#define VHOST_PRESENT   0x80000000u
#define VHOST_CSUM      0x00010000u
#define VHOST_TSO4      0x00020000u
#define VHOST_TSO6      0x00040000u
#define VHOST_COUNT_ONE 0x00080000u
/** librte_vhost's number of the device. */
#define VHOST_DEVICE(vm) ((int)((vm)&0xffffu))

struct vhost {
	/** Its fd is an epoll descriptor with two inside, the VM's kicks and `timer`, both edge-triggered: an event is
	 * taken without reading from a descriptor that the VM's side could block. */
	struct port_io io;
	uint32_t vm;
	/** Stands in for kicks. */
	int timer;
	/** Looks at the ring of a VM that cannot kick happen this often; 0: it can. */
	int64_t poll_ns;

	/* The packet thread's that owns the port. */
	/** The VM that `armed` and `idle` are about. */
	uint32_t seen;
	/** The VM kicks for its next frame. */
	bool armed;
	/** Looks at the ring since the last frame. */
	uint32_t idle;

	/* The other half's. */
	bool server;
	char path[108];
	uint32_t connections;
	uint32_t count;
	/** The VM's descriptor inside io.fd, or -1, and the device it is of. */
	int kick;
	int kick_device;
	struct vhost *next;
};

extern const struct port_ops vhost_ops;

/** Makes io.fd readable after ns ≥ 1. */
void vhost_wake(const struct vhost *v, int64_t ns);
/** Link thread: gives the socket up and frees v. */
void vhost_close(struct port_io *io);

#endif
