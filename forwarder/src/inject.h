/*
 * Frames that plugins send: records as struct fwd_punt says, each for a port with the generation it was punted with. A
 * frame goes to the packet thread that owns the port, which counts it as injected and sends it.
 */
#ifndef FORWARDER_INJECT_H
#define FORWARDER_INJECT_H

#include <stdint.h>

struct rte_mbuf;

/** RCU is there; inject_free before it ends. */
void inject_init(void);
void inject_free(void);
/** Takes a batch. Returns how many were queued; others are counted as drops. -EINVAL: a record is cut short or of
 * another version. Any thread but packet threads. */
int32_t inject_records(const void *records, uint32_t length);

/* Packet threads. */
/** Up to n mbufs injected for ports of this packet thread, mbuf->port = slot they leave by. */
uint32_t inject_take(uint32_t thread, struct rte_mbuf **mbufs, uint32_t n);
/** Generation of the port that an injected mbuf was meant for. */
uint32_t inject_generation(const struct rte_mbuf *mbuf);

#endif
