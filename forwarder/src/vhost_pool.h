/*
 * The buffers that frames of VMs are copied into: those of io_pool, through a pool of our own that counts. A VM may
 * chain descriptors to one "frame" as long as its memory; librte_vhost would copy it into as many buffers as there are.
 */
#ifndef FORWARDER_VHOST_POOL_H
#define FORWARDER_VHOST_POOL_H

#include <stdint.h>

struct rte_mempool;

/** Link thread; again is harmless. 0 or -errno. */
int vhost_pool_init(void);
/** For the caller's next burst of n frames: as many buffers as n frames of the largest IP packets need. Packet threads.
 */
struct rte_mempool *vhost_pool_take(uint16_t n);

#endif
