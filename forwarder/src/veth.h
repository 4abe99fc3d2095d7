/*
 * Veth pairs: one end here, "wf<tag>p<port id>", the other in a machine's namespace. Pairs that go are collected and
 * deleted at once: the kernel takes some 20 ms for a deletion, whether of one pair or of hundreds. Link thread only.
 */
#ifndef FORWARDER_VETH_H
#define FORWARDER_VETH_H

#include <stdbool.h>
#include <stdint.h>

struct fwd_port_row;
struct link_info;
struct mnl_socket;

/**
 * Makes or finds the pair that a row wants, with its MAC (an uplink's is not the other end's) and MTU, both ends up (of
 * a pair that was complete before, the machine's end stays as the machine wants it). ours: this end. -ENOENT: no such
 * namespace; -EEXIST: the machine's interface is there and not ours; -errno.
 */
int veth_ensure(struct mnl_socket *host, const struct fwd_port_row *row, const char *name, uint16_t mtu,
        struct link_info *ours);
/** Collects a pair for deletion, by the index of this end. */
void veth_doom(struct mnl_socket *host, uint32_t index, const char *name);
/** Deletes what was collected. */
void veth_flush(struct mnl_socket *host);
/** The same, once the first of them waited 20 ms for others; the milliseconds until then, `timeout` (-1: for ever) at
 * most. */
int veth_flush_due(struct mnl_socket *host, int timeout);

#endif
