/*
 * Punts: packets for plugins. Records as struct fwd_punt says, payload behind it padded to 8 bytes.
 *
 * Overload is shed here: token buckets per class and per (class, port) first, then a bounded ring per owner. JavaScript
 * that stops taking punts costs ring slots, never memory without bound, nor more than a quarter of the buffers.
 *
 * Packet threads: punt_send, punt_flush. Others: punt_arm, punt_read (one caller per owner at a time).
 */
#ifndef FORWARDER_PUNT_H
#define FORWARDER_PUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "forwarder.h"

#define PUNT_VERSION   1u
#define PUNT_FLAG_VLAN 1u
/** Owners are 1 … 255. */
#define PUNT_OWNERS 256u
/** Class ids are below this. */
#define PUNT_CLASSES 1024u
/** Records that wait per owner and packet thread. */
#define PUNT_RING 512u

struct rte_mbuf;

/** What a record of a frame of so many bytes takes. */
static inline uint32_t punt_record_bytes(uint32_t length)
{
	return (uint32_t)(sizeof(struct fwd_punt) + length + 7) & ~7u;
}

/** Room for `slots` ports; io_pool and RCU are there. 0 or -ENOMEM / -errno of pipe2. */
int punt_init(uint32_t slots);
/** Full buckets for a slot that another port gets; no packet may know the slot. Writer lock held. */
void punt_reset(uint16_t slot);
/** Packet threads and callers are gone: frees what waits. */
void punt_free(void);

/** Pipe that gets a byte when a record waits after punt_arm. */
int punt_fd(void);
/** 1: records wait already, nothing armed; 0: armed. */
int punt_arm(void);
/** Moves whole records to out; bytes written, 0: none wait; -ENOSPC: the first does not fit. */
int32_t punt_read(uint32_t owner, void *out, uint32_t length);
/** What a record tells of its packet. */
struct punt_origin {
	uint32_t port, generation, vrf;
	uint16_t slot;
	bool tagged;
	uint16_t vlan;
};

/**
 * Queues the mbuf for the class's receiver and owns it then: VERDICT_PUNT. Otherwise a drop reason, and the mbuf stays
 * the caller's. Nanoseconds of CLOCK_REALTIME as timestamp.
 */
verdict_t punt_send(struct rte_mbuf *mbuf, const struct fwd_punt_class_row *row, const struct punt_origin *origin);
/** What punt_send would say; nothing is taken or queued. */
verdict_t punt_peek(
        const struct rte_mbuf *mbuf, const struct fwd_punt_class_row *row, const struct punt_origin *origin);
/** Wakes the reader if it armed; once after a burst with punts. */
void punt_flush(void);

#endif
