/*
 * Captures: copies of the frames that come in and go out through a port, with the reason of those that are dropped.
 *
 * A capture belongs to the port with an id, whichever slot that has; a port has at most one. Frames wait in a ring
 * (capture_ring.h) for what becomes of them, so that a dropped one appears once, with the reason. Packet threads call
 * the hooks below, inside a read section; while nothing is captured a hook is one test. Other threads: capture_open,
 * capture_read (one caller per capture at a time), capture_close.
 */
#ifndef FORWARDER_CAPTURE_H
#define FORWARDER_CAPTURE_H

#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "forwarder.h"

struct rte_mbuf;
struct bpf_insn;

#define CAPTURE_LIMIT 15u

/** Once, after EAL is up. 0 or -errno. */
int capture_init(void);
/** After the packet threads ended: closes what is open. */
void capture_free(void);

/**
 * Takes the first `snap` bytes (0: whole frames) of frames of a port that pass the filter (valid; count 0: all).
 * Returns the capture's number; -ENOENT: no such port; -EBUSY: the port is captured; -ENFILE: CAPTURE_LIMIT are open;
 * -ENOMEM.
 */
int32_t capture_open(uint32_t port, uint32_t snap, const struct bpf_insn *filter, uint32_t count);
/** Moves records (struct fwd_captured) to out, oldest first. Bytes; 0: none; -EINVAL: no such capture; -ENOSPC: the
 * first does not fit. */
int32_t capture_read(uint32_t capture, void *out, uint32_t length);
/** Returns how many frames were lost; -EINVAL: no such capture. */
int32_t capture_close(uint32_t capture);

/** A slot was given to the port with this id (port.c, before the slot is published). */
void capture_port_made(uint32_t id, uint16_t slot);

/* Hooks. */
extern uint32_t capture_count;

void capture_frames(uint16_t slot, struct rte_mbuf *const *mbufs, uint32_t count, uint8_t direction);
void capture_dropped(const struct rte_mbuf *mbuf, enum drop_reason reason);

static inline bool capture_any(void)
{
	return unlikely(__atomic_load_n(&capture_count, __ATOMIC_RELAXED) != 0);
}

/** Frames that entered through a slot, before anything is changed in them. */
static inline void capture_in(uint16_t slot, struct rte_mbuf *const *mbufs, uint32_t count)
{
	if (capture_any())
		capture_frames(slot, mbufs, count, FWD_DIRECTION_IN);
}

/** Frames about to leave through a slot. */
static inline void capture_out(uint16_t slot, struct rte_mbuf *const *mbufs, uint32_t count)
{
	if (capture_any())
		capture_frames(slot, mbufs, count, FWD_DIRECTION_OUT);
}

/** A frame that is being dropped; mbuf->port is the slot it entered through. */
static inline void capture_drop(const struct rte_mbuf *mbuf, enum drop_reason reason)
{
	if (capture_any())
		capture_dropped(mbuf, reason);
}

#endif
