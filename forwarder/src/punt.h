/*
 * Punts: packets for plugins, and injections back. Records as struct fwd_punt says, payload behind it padded to 8
 * bytes.
 *
 * Overload is shed here: token buckets per class and per (class, port) first, then a bounded ring per owner. JavaScript
 * that stops taking punts costs ring slots, never memory without bound.
 *
 * Packet threads: punt_send, punt_injected. Others: punt_arm, punt_read (one caller per owner at a time), punt_inject.
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
/** Records that wait per owner, and injections that wait in all. */
#define PUNT_RING   512u
#define INJECT_RING 4096u

struct rte_mbuf;

/** Room for `slots` ports. 0 or -ENOMEM / -errno of pipe2. */
int punt_init(uint32_t slots);
/** Packet threads and callers are gone: frees what waits. */
void punt_free(void);

/** Pipe that gets a byte when a record waits after punt_arm. */
int punt_fd(void);
/** 1: records wait already, nothing armed; 0: armed. */
int punt_arm(void);
/** Moves whole records to out; bytes written, 0: none wait; -ENOSPC: the first does not fit. */
int32_t punt_read(uint32_t owner, void *out, uint32_t length);
/** Takes a batch. Returns how many were queued; others are counted as drops. -EINVAL: a record is cut short or of
 * another version. */
int32_t punt_inject(const void *records, uint32_t length);

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
/** Wakes the reader if it armed; once after a burst with punts. */
void punt_flush(void);
/** Up to n injected mbufs, mbuf->port = slot they leave by. */
uint32_t punt_injected(struct rte_mbuf **mbufs, uint32_t n);
/** Generation of the port that an injected mbuf was meant for. */
uint32_t punt_injected_generation(const struct rte_mbuf *mbuf);
bool punt_inject_pending(void);

#endif
